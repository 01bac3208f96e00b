//! What the desk says.

use leptos::prelude::*;

use super::each;
use crate::desk::{Notice, use_desk};

/// Notices in a corner; read out as they come.
#[component]
pub fn Notices() -> impl IntoView {
    let desk = use_desk();
    let item = move |notice: Notice| {
        let Notice { id, refusal, text, login } = notice;
        view! {
            <li class=if refusal { "notice is-refusal" } else { "notice" } data-testid=if refusal { "refusal" } else { "notice" }>
                <p dir="auto">{text}</p>
                {login.then(|| view! { <a href="/login" rel="external">"Log in"</a> })}
                <button type="button" class="button quiet" aria-label="Dismiss" on:click=move |_| desk.dismiss(id)>
                    "×"
                </button>
            </li>
        }
    };
    view! {
        <section class="notices" aria-label="Notices" aria-live="polite" aria-relevant="additions">
            <ul>
                {each(move || desk.notices.get(), |notice| notice.id.into(), move |notice| item(notice).into_any())}
            </ul>
        </section>
    }
}
