//! Where on a session's page the visitor is: the address says it, so every place has a link.

use std::time::Duration;

use domain::subtask::SubtaskStatus;
use leptos::{ev::MouseEvent, prelude::*};
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_query_map},
    params::ParamsMap,
};
use uuid::Uuid;

use crate::{browser, components::Mark, paths};

/// How the session is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// Wave by wave, every subtask a row.
    #[default]
    Table,
    /// What waits for what.
    Graph,
    /// What ran when.
    Timeline,
    /// Who touched what.
    Files,
}

impl View {
    /// All of them, in the order of their tabs.
    pub const ALL: [Self; 4] = [Self::Table, Self::Graph, Self::Timeline, Self::Files];

    /// Its name in the address.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Graph => "graph",
            Self::Timeline => "timeline",
            Self::Files => "files",
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Table => "Table",
            Self::Graph => "Graph",
            Self::Timeline => "Timeline",
            Self::Files => "Files",
        }
    }
}

/// What the address says; what it does not say well is as if it said nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct At {
    /// The view.
    pub view: View,
    /// The only wave that is shown.
    pub wave: Option<i32>,
    /// The only status that is shown.
    pub status: Option<SubtaskStatus>,
    /// The subtask in the drawer.
    pub subtask: Option<Uuid>,
}

impl At {
    /// As a query says it.
    #[must_use]
    pub fn read(query: &ParamsMap) -> Self {
        let view = query.get_str("view").unwrap_or_default();
        Self {
            view: View::ALL.into_iter().find(|it| it.as_str() == view).unwrap_or_default(),
            wave: query.get_str("wave").and_then(|wave| wave.parse().ok()),
            status: query.get_str("status").and_then(SubtaskStatus::parse),
            subtask: query.get_str("subtask").and_then(|id| id.parse().ok()),
        }
    }

    /// Whether a subtask passes the filters.
    #[must_use]
    pub fn shows(&self, wave: i32, status: SubtaskStatus) -> bool {
        self.wave.is_none_or(|only| only == wave) && self.status.is_none_or(|only| only == status)
    }

    /// The address, for a session's own.
    fn of(self, session: &str) -> String {
        let mut query = Vec::new();
        if self.view != View::Table {
            query.push(("view", self.view.as_str().to_owned()));
        }
        query.extend(self.wave.map(|wave| ("wave", wave.to_string())));
        query.extend(self.status.map(|status| ("status", status.as_str().to_owned())));
        query.extend(self.subtask.map(|subtask| ("subtask", subtask.to_string())));
        paths::with_query(paths::session(session), &query)
    }
}

/// Where the visitor is, and the addresses of everywhere else on the page.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    session: StoredValue<String>,
    /// What the address says.
    pub at: Memo<At>,
    /// The subtask that the pointer or the focus is on, in whichever view.
    pub pointed: RwSignal<Option<Uuid>>,
}

impl Place {
    /// As the address says it.
    #[must_use]
    pub fn of(session: &str) -> Self {
        let query = use_query_map();
        let at = Memo::new(move |_| At::read(&query.read()));
        Self { session: StoredValue::new(session.to_owned()), at, pointed: pointed() }
    }

    /// The session's name.
    #[must_use]
    pub fn session(self) -> String {
        self.session.get_value()
    }

    /// The address of another place on the page; tracks where the visitor is.
    #[must_use]
    pub fn href(self, change: impl FnOnce(&mut At)) -> String {
        let mut at = self.at.get();
        change(&mut at);
        self.session.with_value(|session| at.of(session))
    }

    /// The address that opens a subtask in the view that is shown.
    #[must_use]
    pub fn opening(self, subtask: Uuid) -> String {
        self.href(|at| at.subtask = Some(subtask))
    }

    /// Whether a subtask is in the drawer; tracks it.
    #[must_use]
    pub fn is_open(self, subtask: Uuid) -> bool {
        self.at.read().subtask == Some(subtask)
    }

    /// `rel` for links to these addresses; see [`paths::rel`].
    #[must_use]
    pub fn rel(self) -> Option<&'static str> {
        self.session.with_value(|session| paths::rel(session))
    }

    /// Opens the subtask that a click is on, unless that is on a link, which opens by itself. Call it as
    /// [`Place::go`].
    pub fn open_at(self, navigate: &impl Fn(&str, NavigateOptions), event: &MouseEvent) {
        let id = browser::subtask_at(event).and_then(|id| id.parse().ok());
        if let Some(id) = id.filter(|_| !browser::is_on_link(event)) {
            self.go(navigate, |at| at.subtask = Some(id));
        }
    }

    /// Goes there. Call it from event handlers alone, with the function that [`use_navigate`] gave
    /// the component.
    pub fn go(self, navigate: &impl Fn(&str, NavigateOptions), change: impl FnOnce(&mut At)) {
        let options = NavigateOptions { scroll: false, ..NavigateOptions::default() };
        navigate(&untrack(|| self.href(change)), options);
    }
}

/// Brings what is chosen into sight: when the page opens with it, and when another view or the queue led
/// here. `find` says where the view has it, nothing while it does not; `show` scrolls the view there.
pub fn follow_chosen<Spot: 'static>(
    place: Place,
    find: impl Fn(Uuid) -> Option<Spot> + 'static,
    show: impl Fn(Spot) + Clone + 'static,
) {
    /// By then what was scrolled to is drawn.
    const DRAWN: Duration = Duration::from_millis(120);
    let chosen = Memo::new(move |_| place.at.read().subtask);
    Effect::new(move |shown: Option<Option<Uuid>>| {
        let (wanted, shown) = (chosen.get(), shown.flatten());
        let Some(id) = wanted.filter(|_| wanted != shown) else { return wanted };
        let Some(spot) = find(id) else { return shown };
        let show = show.clone();
        // After the drawer has taken its room.
        request_animation_frame(move || {
            show(spot);
            set_timeout(move || browser::reveal(&format!("open-{id}")), DRAWN);
        });
        wanted
    });
}

/// The subtask that the pointer or the focus is on, which is marked wherever it is shown.
fn pointed() -> RwSignal<Option<Uuid>> {
    let pointed = RwSignal::new(None);
    Effect::new(move |_| {
        let ears = ["pointerover", "focusin"].map(|name| {
            window_event_listener_untyped(name, move |event| {
                let id = browser::subtask_at(&event);
                let parsed = id.as_ref().and_then(|id| id.parse().ok());
                // Again, too: what stands for it may have come meanwhile.
                browser::mark_subtask(id.as_deref());
                if *pointed.read_untracked() != parsed {
                    pointed.set(parsed);
                }
            })
        });
        on_cleanup(move || ears.into_iter().for_each(WindowListenerHandle::remove));
    });
    pointed
}

/// The views as links; the one that is shown says so.
#[component]
pub fn ViewTabs(
    /// Where the visitor is.
    place: Place,
) -> impl IntoView {
    let tab = move |(at, view): (usize, View)| {
        view! {
            <li>
                <a
                    href=move || place.href(|at| at.view = view)
                    rel=place.rel()
                    data-noscroll=""
                    data-testid=format!("view-{}", view.as_str())
                    data-key=at + 1
                    aria-current=move || (place.at.read().view == view).then_some("page")
                >
                    {view.label()}
                </a>
            </li>
        }
    };
    view! {
        <nav aria-label="Views of this session">
            <ul class="tabs">{View::ALL.into_iter().enumerate().map(tab).collect_view()}</ul>
        </nav>
    }
}

/// The statuses as links that show only what stands so; the chosen one leads back to all.
#[component]
pub fn StatusFilter(
    /// Where the visitor is.
    place: Place,
) -> impl IntoView {
    let chip = move |status: SubtaskStatus| {
        let chosen = move || place.at.read().status == Some(status);
        view! {
            <li>
                <a
                    class=format!("chip is-{}", status.as_str())
                    href=move || place.href(|at| at.status = (at.status != Some(status)).then_some(status))
                    rel=place.rel()
                    data-noscroll=""
                    data-testid=format!("only-{}", status.as_str())
                    aria-current=move || chosen().then_some("true")
                >
                    {Mark::from(status).word()}
                    <span class="visually-hidden">{move || if chosen() { " shown alone; show all" } else { " alone" }}</span>
                </a>
            </li>
        }
    };
    view! {
        <nav aria-label="Show only">
            <ul class="chips">
                {SubtaskStatus::ALL.map(chip).collect_view()}
                <li class="chip-wave">
                    {move || place.at.read().wave.map(|wave| view! {
                        <a class="chip" aria-current="true" rel=place.rel() data-noscroll="" data-testid="all-waves"
                            href=move || place.href(|at| at.wave = None)>
                            {format!("wave {wave}")}<span class="visually-hidden">" shown alone; show all"</span>
                        </a>
                    })}
                </li>
            </ul>
        </nav>
    }
}

/// Closes the drawer on Escape, unless a dialog is open: that one goes first.
#[component]
pub fn CloseOnEscape(
    /// Where the visitor is.
    place: Place,
) -> impl IntoView {
    let navigate = use_navigate();
    Effect::new(move |_| {
        let navigate = navigate.clone();
        let handle = window_event_listener(leptos::ev::keydown, move |event| {
            if event.key() == "Escape"
                && !browser::is_dialog_open()
                && place.at.read_untracked().subtask.is_some()
            {
                place.go(&navigate, |at| at.subtask = None);
            }
        });
        on_cleanup(move || handle.remove());
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_differs_from_the_plain_page() {
        assert_eq!(At::default().of("a b"), "/sessions/a%20b");
        let at = At {
            view: View::Graph,
            wave: Some(2),
            status: Some(SubtaskStatus::Failed),
            subtask: Some(Uuid::nil()),
        };
        let id = Uuid::nil();
        assert_eq!(at.of("a"), format!("/sessions/a?view=graph&wave=2&status=failed&subtask={id}"));
        assert_eq!(
            at.of(".."),
            format!("/sessions/_?id=..&view=graph&wave=2&status=failed&subtask={id}")
        );
    }

    #[test]
    fn filters_hold_together() {
        let at = At { wave: Some(1), status: Some(SubtaskStatus::Running), ..At::default() };
        assert!(at.shows(1, SubtaskStatus::Running));
        assert!(!at.shows(2, SubtaskStatus::Running));
        assert!(!at.shows(1, SubtaskStatus::Pending));
        assert!(At::default().shows(7, SubtaskStatus::Blocked));
    }
}
