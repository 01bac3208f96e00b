//! The live line: one WebSocket a tab, followed by whoever is on the page.
//!
//! A page names a channel and the position it has read up to; it hears every later event once and
//! in order, over any number of lost connections. Nothing here knows what the events mean.

mod book;
mod refresher;
#[cfg(feature = "hydrate")]
mod socket;

use domain::event::Envelope;
use leptos::prelude::*;

pub use book::Book;
pub use refresher::{Refresher, calmed};

/// How fresh the page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiveState {
    /// Nothing on this page is followed.
    Idle,
    /// Connected; missed events are being replayed.
    CatchingUp,
    /// Every event arrives as it happens.
    Live,
    /// Disconnected: what is shown may be out of date.
    Stale,
}

/// The state of the line, for the badge.
#[derive(Clone, Copy, Debug)]
pub struct Live {
    /// How fresh the page is.
    pub state: RwSignal<LiveState>,
    /// The last position of the log that the page has seen.
    pub seq: RwSignal<i64>,
    /// The last position of the log when the socket connected.
    pub head: RwSignal<i64>,
    /// Whether the server is another one than the page came from.
    pub updated: RwSignal<bool>,
}

impl Live {
    fn new() -> Self {
        Self {
            state: RwSignal::new(LiveState::Idle),
            seq: RwSignal::new(0),
            head: RwSignal::new(0),
            updated: RwSignal::new(false),
        }
    }

    /// Puts the line into the context. It is opened by the first [`follow`].
    pub fn provide() {
        provide_context(Self::new());
    }

    /// Whether answers of calls need not be shown, because their events arrive by themselves.
    #[must_use]
    pub fn is_live(self) -> bool {
        self.state.get_untracked() == LiveState::Live
    }
}

/// The line.
#[must_use]
pub fn use_live() -> Live {
    use_context().unwrap_or_else(Live::new)
}

/// What a follower hears.
#[derive(Debug)]
pub enum Heard<'a> {
    /// The subscription stands, for the first time or again.
    Subscribed,
    /// Something happened.
    Event(&'a Envelope),
}

/// Follows a channel while the surrounding component or effect lives. Without `since` the follower
/// has to read afresh whenever it is [`Heard::Subscribed`].
pub fn follow(channel: String, since: Option<i64>, on: impl Fn(Heard<'_>) + 'static) {
    let live = use_live();
    if let Some(since) = since {
        let seq = live.seq;
        Effect::new(move |_| seq.update(|seq| *seq = since.max(*seq)));
    }
    #[cfg(feature = "hydrate")]
    {
        let on = std::rc::Rc::new(on);
        Effect::new(move |_| {
            let id = socket::follow(live, channel.clone(), since, on.clone());
            on_cleanup(move || socket::unfollow(id));
        });
    }
    #[cfg(not(feature = "hydrate"))]
    drop((channel, on));
}
