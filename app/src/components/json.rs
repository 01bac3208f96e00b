//! JSON to be read by people: what is deep folds away.

use leptos::prelude::*;
use serde_json::Value;

/// Deeper objects are shown as text.
const DEEPEST: u32 = 12;
/// Most entries of an object or array.
const MOST: usize = 200;

/// A JSON text as a tree; as it is when it is no JSON, which a text that was cut is not.
#[component]
pub fn JsonTree(
    /// The text.
    text: String,
) -> impl IntoView {
    match serde_json::from_str::<Value>(&text) {
        Ok(value) => view! { <div class="json" data-testid="json">{branch(None, &value, 0)}</div> }
            .into_any(),
        Err(_) => view! { <pre class="drawer-code" tabindex="0" data-testid="json">{text}</pre> }
            .into_any(),
    }
}

/// One value with its name.
fn branch(name: Option<String>, value: &Value, depth: u32) -> AnyView {
    let label = name.map(|name| view! { <span class="json-key"><bdi>{name}</bdi>": "</span> });
    let (open, entries): (_, Vec<(Option<String>, &Value)>) = match value {
        Value::Object(fields) if depth < DEEPEST && !fields.is_empty() => {
            let named = |(name, value)| (Some(String::clone(name)), value);
            (format!("{{{}}}", fields.len()), fields.iter().take(MOST).map(named).collect())
        }
        Value::Array(items) if depth < DEEPEST && !items.is_empty() => (
            format!("[{}]", items.len()),
            items.iter().take(MOST).map(|item| (None, item)).collect(),
        ),
        Value::String(text) => {
            return view! { <div class="json-leaf">{label}<bdi class="json-text">{text.clone()}</bdi></div> }.into_any();
        }
        other => {
            return view! { <div class="json-leaf">{label}<span class="num">{other.to_string()}</span></div> }.into_any();
        }
    };
    let inner =
        entries.into_iter().map(|(name, value)| branch(name, value, depth + 1)).collect_view();
    view! {
        <details class="json-branch" open=depth < 2>
            <summary>{label}<span class="hint num">{open}</span></summary>
            {inner}
        </details>
    }
    .into_any()
}
