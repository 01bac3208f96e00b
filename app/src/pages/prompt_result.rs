//! A crafted prompt and what it costs.

use domain::planner::CraftedPrompt;
use leptos::prelude::*;

use crate::{
    components::CopyButton,
    format::{grouped, percent},
};

/// A prompt with its model, its turns, and its tokens against the budget.
#[component]
pub fn PromptResult(
    /// The prompt.
    prompt: CraftedPrompt,
    /// The budget that was asked for.
    budget: Option<i32>,
) -> impl IntoView {
    let CraftedPrompt {
        crafted_prompt,
        max_turns,
        model,
        complexity,
        scope_directives,
        estimated_tokens,
        budget_exceeded,
        sections,
    } = prompt;
    let tokens = match budget {
        Some(budget) => {
            format!("{} of {}", grouped(estimated_tokens.into()), grouped(budget.into()))
        }
        None => grouped(estimated_tokens.into()),
    };
    let meter = budget.map(|budget| {
        view! {
            <meter min="0" max=budget value=estimated_tokens.min(budget) high=budget aria-label="Estimated tokens against the budget">
                {tokens.clone()}
            </meter>
        }
    });
    let over = budget_exceeded.then(|| {
        view! { <p class="warning" role="alert">"Over budget even with everything left out that may be: the task itself is that long."</p> }
    });
    // The bar is as long as the budget, or as all of it when that is more.
    let whole = budget.unwrap_or_default().max(sections.iter().map(|section| section.tokens).sum());
    let mut before = 0;
    let bar = sections
        .iter()
        .enumerate()
        .map(|(at, section)| {
            let x = percent(before, whole);
            before += section.tokens;
            let class = format!("part-{}", at % 6);
            view! { <rect class=class height="100%" x=x width=percent(section.tokens, whole)/> }
        })
        .collect_view();
    let parts = sections
        .into_iter()
        .enumerate()
        .map(|(at, section)| view! { <tr><th scope="row"><span class=format!("swatch part-{}", at % 6) aria-hidden="true"></span>{section.name}</th><td class="num">{grouped(section.tokens.into())}</td></tr> })
        .collect_view();
    let text = crafted_prompt.clone();
    view! {
        <section class="prompt" aria-labelledby="prompt-title" data-testid="prompt-result">
            <div class="page-head">
                <h2 id="prompt-title">"Prompt"</h2>
                <CopyButton text=Signal::derive(move || text.clone()) what="prompt"/>
            </div>
            <dl class="facts">
                <div><dt>"Complexity"</dt><dd data-testid="complexity">{complexity.as_str()}</dd></div>
                <div><dt>"Model"</dt><dd data-testid="model">{model.as_str()}</dd></div>
                <div><dt>"Turns"</dt><dd class="num" data-testid="turns">{max_turns}</dd></div>
                <div><dt>"Files at most"</dt><dd class="num">{scope_directives.max_files}</dd></div>
                <div><dt>"Tokens (estimate)"</dt><dd class="num" data-testid="tokens">{tokens}</dd></div>
            </dl>
            <svg class="parts-bar" aria-hidden="true" data-testid="parts-bar">{bar}</svg>
            {meter}
            {over}
            <pre class="code" tabindex="0" dir="auto" data-testid="crafted-prompt"><code>{crafted_prompt}</code></pre>
            <table class="parts">
                <caption>"What the tokens go to"</caption>
                <thead><tr><th scope="col">"Section"</th><th scope="col" class="num">"Tokens"</th></tr></thead>
                <tbody>{parts}</tbody>
            </table>
        </section>
    }
}
