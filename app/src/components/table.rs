//! A table of subtasks. Each row reads its own signal.

use domain::subtask::SubtaskStatus;
use leptos::prelude::*;
use uuid::Uuid;

use super::{ActionButton, Elapsed, Mark, Status, each};
use crate::{board::RowEntry, paths::short, views::Row};

/// Subtasks, in a region that scrolls sideways by itself where it is too wide.
#[component]
pub fn SubtaskTable(
    /// What the table holds.
    #[prop(into)]
    caption: String,
    /// The subtasks.
    #[prop(into)]
    rows: Signal<Vec<RowEntry>>,
    /// Where more is said of a subtask.
    href: Callback<Uuid, String>,
    /// `rel` of these links.
    rel: Option<&'static str>,
    /// Tries a failed subtask again.
    on_retry: Callback<Uuid>,
    /// Whether something is being done to them.
    #[prop(into)]
    busy: Signal<bool>,
) -> impl IntoView {
    let label = caption.clone();
    view! {
        <div class="table-region" role="region" aria-label=label tabindex="0">
            <table class="subtasks">
                <caption class="visually-hidden">{caption}</caption>
                <thead>
                    <tr>
                        <th scope="col" class="col-status">"Status"</th>
                        <th scope="col" class="col-agent">"Agent"</th>
                        <th scope="col">"Description"</th>
                        <th scope="col" class="num" title="Priority, 1–10">"Prio"</th>
                        <th scope="col" class="num" title="Blockers that have not completed, of all">"Blocked by"</th>
                        <th scope="col" class="num">"Retries"</th>
                        <th scope="col" class="num col-elapsed">"Elapsed"</th>
                        <th scope="col" class="col-act"><span class="visually-hidden">"Action"</span></th>
                    </tr>
                </thead>
                <tbody>
                    {each(move || rows.get(), |entry| entry.id.as_u128(), move |entry| view! { <SubtaskRow entry href rel on_retry busy/> }.into_any())}
                </tbody>
            </table>
        </div>
    }
}

#[component]
fn SubtaskRow(
    entry: RowEntry,
    href: Callback<Uuid, String>,
    rel: Option<&'static str>,
    on_retry: Callback<Uuid>,
    busy: Signal<bool>,
) -> impl IntoView {
    let id = entry.id;
    let row = RwSignal::from(entry.row);
    // What a subtask is never changes; only how it stands does.
    let Row { agent_type, description, optional, .. } = row.get_untracked();
    let status = Memo::new(move |_| row.read().status);
    let blockers = move || {
        let row = row.read();
        if row.blocked_by.is_empty() {
            "–".to_owned()
        } else {
            format!("{}/{}", row.open_blockers, row.blocked_by.len())
        }
    };
    let retries = move || match row.read().retry_count {
        0 => "–".to_owned(),
        n => n.to_string(),
    };
    let named = format!("Retry {agent_type} subtask {}", short(id));
    view! {
        <tr data-testid="subtask" data-subtask=id.to_string() data-status=move || status.get().as_str()>
            <td><Status mark=Signal::derive(move || Mark::from(status.get()))/></td>
            <th scope="row" class="agent">
                <bdi>{agent_type}</bdi>
                {optional.then(|| view! { <span class="tag" title="Its failure leaves the wave standing">"optional"</span> })}
                {move || row.read().agent_id.clone().map(|agent| view! { <bdi class="agent-id">{agent}</bdi> })}
            </th>
            <td>
                <a class="clamp subtask-link" dir="auto" title=description.clone() id=format!("open-{id}")
                    href=move || href.run(id) rel=rel data-noscroll="" data-testid="open-subtask">
                    {description.clone()}
                </a>
            </td>
            <td class="num">{move || row.read().priority}</td>
            <td class="num">{blockers}</td>
            <td class="num">{retries}</td>
            <td class="num"><Elapsed row/></td>
            <td class="act">
                <Show when=move || status.get() == SubtaskStatus::Failed>
                    <ActionButton
                        label="Retry"
                        describe=named.clone()
                        look="small"
                        testid="retry"
                        busy
                        on_press=Callback::new(move |()| on_retry.run(id))
                    />
                </Show>
            </td>
        </tr>
    }
}
