//! Fields of forms: a label, a control, and a hint that belongs to it.

use leptos::prelude::*;

/// A line of text.
#[component]
pub fn Field(
    /// The id of the control.
    id: &'static str,
    /// What is asked for.
    label: &'static str,
    /// What is entered.
    value: RwSignal<String>,
    /// Help with it.
    #[prop(optional)]
    hint: &'static str,
    /// Whether it must be filled in.
    #[prop(optional)]
    required: bool,
    /// The id of a list of suggestions.
    #[prop(optional)]
    list: Option<&'static str>,
) -> impl IntoView {
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <input
                id=id
                name=id
                type="text"
                dir="auto"
                autocomplete="off"
                maxlength="200"
                required=required
                list=list
                aria-describedby=(!hint.is_empty()).then(|| format!("{id}-hint"))
                bind:value=value
            />
            <Hint id text=hint/>
        </div>
    }
}

/// A whole number; an empty field is no number.
#[component]
pub fn NumberField(
    /// The id of the control.
    id: &'static str,
    /// What is asked for.
    label: &'static str,
    /// What is entered.
    value: RwSignal<String>,
    /// The lowest.
    min: i32,
    /// The highest.
    #[prop(optional)]
    max: Option<i32>,
    /// Help with it.
    #[prop(optional)]
    hint: &'static str,
) -> impl IntoView {
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <input
                id=id
                name=id
                type="number"
                inputmode="numeric"
                step="1"
                min=min
                max=max
                aria-describedby=(!hint.is_empty()).then(|| format!("{id}-hint"))
                bind:value=value
            />
            <Hint id text=hint/>
        </div>
    }
}

/// Several lines of text.
#[component]
pub fn TextArea(
    /// The id of the control.
    id: &'static str,
    /// What is asked for.
    label: &'static str,
    /// What is entered.
    value: RwSignal<String>,
    /// How many lines it shows.
    rows: u32,
    /// Help with it.
    #[prop(optional)]
    hint: &'static str,
    /// Whether it must be filled in.
    #[prop(optional)]
    required: bool,
) -> impl IntoView {
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <textarea
                id=id
                name=id
                dir="auto"
                rows=rows
                required=required
                aria-describedby=(!hint.is_empty()).then(|| format!("{id}-hint"))
                bind:value=value
            ></textarea>
            <Hint id text=hint/>
        </div>
    }
}

#[component]
fn Hint(id: &'static str, text: &'static str) -> impl IntoView {
    (!text.is_empty()).then(|| view! { <p class="hint" id=format!("{id}-hint")>{text}</p> })
}

/// What a number field holds: none when it is empty.
///
/// # Errors
/// A sentence, when it is not a whole number.
pub fn whole_number(label: &str, text: &str) -> Result<Option<i32>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| format!("{label}: must be a whole number."))
}

#[cfg(test)]
mod tests {
    use super::whole_number;

    #[test]
    fn an_empty_number_is_none_and_nonsense_is_refused() {
        assert_eq!(whole_number("n", " "), Ok(None));
        assert_eq!(whole_number("n", " 12 "), Ok(Some(12)));
        assert!(whole_number("n", "1.5").is_err());
    }
}
