//! `/registry`: the agent types that the planner knows, to be changed and tried out.

use domain::{
    dto::{PutAgent, Registry},
    planner::{Words, estimate},
    registry::{AgentProfile, Model},
};
use leptos::{prelude::*, task::spawn_local};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::prompt::{Submit, lines};
use crate::{
    clock::use_hydrated,
    components::{
        ActionButton, Field, FormProblem, NumberField, ProblemView, TextArea, Waiting, each,
        key_of, whole_number,
    },
    desk::use_desk,
    error::AppError,
    format::count,
    paths,
    server_fns::{delete_agent, put_agent, registry},
};

/// What the address calls a type that is yet to be made.
const NEW: &str = "+";

/// The registry.
#[component]
pub fn RegistryPage() -> impl IntoView {
    let read = Resource::new(|| (), |()| registry());
    view! {
        <Title text="Registry"/>
        <div class="page-head">
            <h1>"Agent types"</h1>
            <a class="button" data-testid="new-agent" href=address(NEW)>"New type"</a>
        </div>
        <Transition fallback=|| view! { <Waiting/> }>
            {move || Suspend::new(async move {
                match read.await {
                    Ok(Registry { agents }) => view! { <Known agents/> }.into_any(),
                    Err(error) => view! { <ProblemView error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

/// The address that opens a type.
fn address(agent_type: &str) -> String {
    paths::with_query("/registry".to_owned(), &[("agent", agent_type.to_owned())])
}

#[component]
fn Known(agents: Vec<AgentProfile>) -> impl IntoView {
    let query = use_query_map();
    let agents = RwSignal::new(agents);
    let open = Memo::new(move |_| query.read().get("agent"));
    let editor = move || {
        let name = open.get()?;
        let known = agents.read().iter().find(|agent| agent.agent_type == name).cloned();
        if known.is_none() && name != NEW {
            return Some(
                view! { <p class="empty">"There is no agent type "<bdi>{name}</bdi>"."</p> }
                    .into_any(),
            );
        }
        Some(view! { <Editor profile=known agents/> }.into_any())
    };
    view! {
        <TryIt agents/>
        <div class="registry">
            <div class="table-region" role="region" aria-label="Agent types" tabindex="0">
                <table class="agents" data-testid="agents">
                    <caption class="visually-hidden">"Agent types"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Type"</th>
                            <th scope="col">"Model"</th>
                            <th scope="col" class="num">"Files"</th>
                            <th scope="col">"Keywords"</th>
                        </tr>
                    </thead>
                    <tbody>
                        {each(move || agents.get(), |agent| key_of(&(&agent.agent_type, &agent.keywords, agent.model, agent.max_files)), move |agent| view! { <AgentRow agent open/> }.into_any())}
                    </tbody>
                </table>
            </div>
            <div>{editor}</div>
        </div>
    }
}

#[component]
fn AgentRow(agent: AgentProfile, open: Memo<Option<String>>) -> impl IntoView {
    let AgentProfile { agent_type, keywords, model, max_files, .. } = agent;
    let name = agent_type.clone();
    view! {
        <tr data-testid="agent" data-agent=agent_type.clone()>
            <th scope="row">
                <a href=address(&agent_type) data-noscroll="" aria-current=move || (open.read().as_deref() == Some(name.as_str())).then_some("true")>
                    <bdi>{agent_type.clone()}</bdi>
                </a>
            </th>
            <td>{model.as_str()}</td>
            <td class="num">{max_files}</td>
            <td class="hint" dir="auto">{keywords.join(", ")}</td>
        </tr>
    }
}

/// A sentence, and how the planner reads it.
#[component]
fn TryIt(agents: RwSignal<Vec<AgentProfile>>) -> impl IntoView {
    let text = RwSignal::new(String::new());
    let matches = Memo::new(move |_| {
        let (text, agents) = (text.read(), agents.read());
        let words = Words::new(&text);
        let mut found: Vec<_> = agents
            .iter()
            .map(|agent| (agent.agent_type.clone(), words.score(agent), estimate(&text, 0, agent)))
            .filter(|(_, found, _)| found.score > 0)
            .map(|(name, found, complexity)| {
                (name, found.score, found.keywords.join(", "), complexity.as_str())
            })
            .collect();
        found.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        found
    });
    let empty = move || text.read().trim().is_empty();
    view! {
        <section class="panel try" aria-labelledby="try-title">
            <h2 id="try-title">"Try a sentence"</h2>
            <TextArea id="sentence" label="Task" value=text rows=2 hint="How the planner would match it, as you type. Longer keywords weigh more."/>
            <div role="status" data-testid="matches">
                <Show when=move || !empty()>
                    <Show when=move || !matches.read().is_empty() fallback=|| view! {
                        <p class="hint">"No keyword of any type is in it: the planner would look for the nearest general type."</p>
                    }>
                        <ol class="matches">
                            {move || matches.get().into_iter().map(|(name, score, keywords, complexity)| view! {
                                <li data-testid="match" data-agent=name.clone()>
                                    <a href=address(&name) data-noscroll=""><bdi>{name.clone()}</bdi></a>
                                    <span class="num">{count(score, "point", "points")}</span>
                                    <span class="hint">"for "{keywords}</span>
                                    <span class="tag">{complexity}</span>
                                </li>
                            }).collect_view()}
                        </ol>
                    </Show>
                </Show>
            </div>
        </section>
    }
}

/// What is filled in.
#[derive(Clone, Copy)]
struct Form {
    agent_type: RwSignal<String>,
    display_name: RwSignal<String>,
    category: RwSignal<String>,
    keywords: RwSignal<String>,
    max_files: RwSignal<String>,
    forbidden: RwSignal<String>,
    tools: RwSignal<String>,
    model: RwSignal<String>,
}

impl Form {
    fn of(profile: Option<AgentProfile>) -> Self {
        let known = profile.unwrap_or_else(|| AgentProfile::unknown(""));
        Self {
            agent_type: RwSignal::new(known.agent_type),
            display_name: RwSignal::new(known.display_name),
            category: RwSignal::new(known.category),
            keywords: RwSignal::new(known.keywords.join("\n")),
            max_files: RwSignal::new(known.max_files.to_string()),
            forbidden: RwSignal::new(known.forbidden_actions.join("\n")),
            tools: RwSignal::new(known.allowed_tools.join("\n")),
            model: RwSignal::new(known.model.as_str().to_owned()),
        }
    }

    fn request(self) -> Result<PutAgent, AppError> {
        let max_files = whole_number("Files at most", &self.max_files.read_untracked());
        let given = |text: RwSignal<String>| {
            Some(text.get_untracked().trim().to_owned()).filter(|text| !text.is_empty())
        };
        Ok(PutAgent {
            display_name: given(self.display_name),
            category: given(self.category),
            keywords: lines(&self.keywords.read_untracked()),
            max_files: max_files.map_err(AppError::invalid)?,
            forbidden_actions: lines(&self.forbidden.read_untracked()),
            allowed_tools: lines(&self.tools.read_untracked()),
            model: Model::parse(&self.model.read_untracked()),
        })
    }
}

/// A form for one type; a new one when there is no profile.
#[component]
fn Editor(profile: Option<AgentProfile>, agents: RwSignal<Vec<AgentProfile>>) -> impl IntoView {
    let (desk, hydrated) = (use_desk(), use_hydrated());
    let (form, known) = (Form::of(profile.clone()), profile.is_some());
    let name = profile.map(|profile| profile.agent_type).unwrap_or_default();
    let busy = RwSignal::new(false);
    let error = RwSignal::new(None::<AppError>);
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let request = match form.request() {
            Ok(request) => request,
            Err(refusal) => return error.set(Some(refusal)),
        };
        let agent_type = form.agent_type.get_untracked().trim().to_owned();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        spawn_local(async move {
            match put_agent(agent_type, request).await {
                Ok(kept) => {
                    let _ = error.try_set(None);
                    desk.say(format!("{} is kept.", kept.agent_type));
                    let _ = agents.try_update(|agents| {
                        agents.retain(|agent| agent.agent_type != kept.agent_type);
                        let at = agents.partition_point(|agent| agent.agent_type < kept.agent_type);
                        agents.insert(at, kept);
                    });
                }
                Err(refusal) => {
                    let _ = error.try_set(Some(refusal));
                }
            }
            let _ = busy.try_set(false);
        });
    };
    let remove = {
        let name = name.clone();
        Callback::new(move |()| {
            let name = name.clone();
            desk.ask(
                format!("Remove {name}?"),
                "The planner picks it no more. Subtasks that have it keep it.".to_owned(),
                "Remove",
                move || {
                    let name = name.clone();
                    desk.attempt(busy, async move {
                        delete_agent(name.clone()).await?;
                        let _ = agents
                            .try_update(|agents| agents.retain(|agent| agent.agent_type != name));
                        Ok("The agent type is removed.".to_owned())
                    });
                },
            );
        })
    };
    view! {
        <form class="form" data-testid="agent-form" on:submit=submit aria-label="Agent type">
            <h2>{if known { name.clone() } else { "New type".to_owned() }}</h2>
            <Show when=move || !known>
                <Field id="agent_type" label="Type" value=form.agent_type required=true hint="Such as backend-rust; up to 100 characters."/>
            </Show>
            <div class="field-row">
                <Field id="display_name" label="Name" value=form.display_name/>
                <Field id="category" label="Category" value=form.category/>
            </div>
            <TextArea id="keywords" label="Keywords" value=form.keywords rows=5 hint="One a line; words or phrases that mark a task as its work."/>
            <div class="field-row">
                <div class="field">
                    <label for="model">"Model"</label>
                    <select id="model" name="model" disabled=move || !hydrated.get() on:change=move |event| form.model.set(event_target_value(&event))>
                        {[Model::Haiku, Model::Sonnet, Model::Opus].map(|model| view! {
                            <option value=model.as_str() selected=move || *form.model.read() == model.as_str()>{model.as_str()}</option>
                        }).collect_view()}
                    </select>
                </div>
                <NumberField id="max_files" label="Files at most" value=form.max_files min=1 max=1000/>
            </div>
            <TextArea id="forbidden_actions" label="Forbidden actions" value=form.forbidden rows=3 hint="One a line, in plain words; they go into its prompts."/>
            <TextArea id="allowed_tools" label="Allowed tools" value=form.tools rows=2 hint="One a line; none means any."/>
            <div class="form-actions">
                <Submit label="Keep" busy/>
                <Show when=move || known><ActionButton label="Remove" look="quiet" on_press=remove busy testid="remove-agent"/></Show>
            </div>
            <FormProblem error/>
        </form>
    }
}
