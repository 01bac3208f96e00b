//! What a session may spend, as people set it. Comes with what opens over a page.

use leptos::{ev::SubmitEvent, html, prelude::*, task::spawn_local};

use crate::{
    components::{Field, FormProblem},
    desk::use_desk,
    error::AppError,
    server_fns::{session_budget, set_session_budget},
    views::BudgetForm,
};

/// The dialog; open while the desk names a session.
#[component]
pub fn BudgetDialog() -> impl IntoView {
    let desk = use_desk();
    let dialog = NodeRef::<html::Dialog>::new();
    let text = || RwSignal::new(String::new());
    let (warn_tokens, warn_dollars, stop_tokens, stop_dollars) = (text(), text(), text(), text());
    let problem = RwSignal::new(None::<AppError>);
    let busy = RwSignal::new(false);
    let is_open = move |session: &String| desk.budget_of.read_untracked().as_ref() == Some(session);

    Effect::new(move |_| {
        let Some(element) = dialog.get() else { return };
        let Some(session) = desk.budget_of.get() else { return element.close() };
        spawn_local(async move {
            let answer = session_budget(session.clone()).await;
            // Meanwhile it was closed, or opened for another one.
            if !is_open(&session) {
                return;
            }
            match answer {
                Ok(form) => {
                    warn_tokens.set(form.warn_tokens);
                    warn_dollars.set(form.warn_dollars);
                    stop_tokens.set(form.stop_tokens);
                    stop_dollars.set(form.stop_dollars);
                    problem.set(None);
                    if !element.open() {
                        let _ = element.show_modal();
                    }
                }
                Err(error) => {
                    desk.budget_of.set(None);
                    desk.refuse(&error);
                }
            }
        });
    });

    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(session) = desk.budget_of.get_untracked() else { return };
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        let form = BudgetForm {
            warn_tokens: warn_tokens.get_untracked(),
            warn_dollars: warn_dollars.get_untracked(),
            stop_tokens: stop_tokens.get_untracked(),
            stop_dollars: stop_dollars.get_untracked(),
        };
        spawn_local(async move {
            let answer = set_session_budget(session.clone(), form).await;
            busy.set(false);
            match answer {
                Ok(said) => {
                    desk.say(said);
                    if is_open(&session) {
                        desk.budget_of.set(None);
                    }
                }
                Err(error) if is_open(&session) => problem.set(Some(error)),
                Err(error) => desk.refuse(&error),
            }
        });
    };
    view! {
        <dialog
            node_ref=dialog
            class="dialog"
            aria-labelledby="budget-title"
            aria-describedby="budget-text"
            data-testid="budget"
            on:close=move |_| desk.budget_of.set(None)
        >
            <form class="form" on:submit=submit>
                <h2 id="budget-title">"Budget"</h2>
                <p id="budget-text" class="hint">
                    "An empty field is no limit. Where the session is to stop, no more work is handed out; what agents hold they keep."
                </p>
                <div class="field-row">
                    <Field id="warn-tokens" label="Warn at tokens" value=warn_tokens/>
                    <Field id="warn-dollars" label="Warn at US dollars" value=warn_dollars/>
                </div>
                <div class="field-row">
                    <Field id="stop-tokens" label="Stop at tokens" value=stop_tokens/>
                    <Field id="stop-dollars" label="Stop at US dollars" value=stop_dollars/>
                </div>
                <FormProblem error=Signal::derive(move || problem.get())/>
                <div class="dialog-actions">
                    <button type="button" class="button" on:click=move |_| desk.budget_of.set(None)>"Cancel"</button>
                    <button type="submit" class="button primary" aria-busy=move || busy.get().then_some("true")>"Set budget"</button>
                </div>
            </form>
        </dialog>
    }
}
