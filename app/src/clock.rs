//! The present, in the browser only: none while the server renders and while the page hydrates, so
//! that both write the same text.

use std::time::Duration;

use leptos::prelude::*;

use crate::browser;

/// The wall clock, once a second.
#[derive(Clone, Copy, Debug)]
pub struct Clock(RwSignal<Option<i64>>);

impl Clock {
    /// Starts the clock for everything below.
    pub fn provide() {
        let clock = Self(RwSignal::new(None));
        provide_context(clock);
        Effect::new(move |_| {
            browser::mark_hydrated();
            clock.0.set(Some(browser::now_ms()));
            if let Ok(handle) = set_interval_with_handle(
                move || clock.0.set(Some(browser::now_ms())),
                Duration::from_secs(1),
            ) {
                on_cleanup(move || handle.clear());
            }
        });
    }

    /// Milliseconds since 1970; none before the page is hydrated.
    #[must_use]
    pub fn now(self) -> Option<i64> {
        self.0.get()
    }

    /// The same without following it.
    #[must_use]
    pub fn glance(self) -> Option<i64> {
        self.0.get_untracked()
    }
}

/// The clock.
#[must_use]
pub fn use_clock() -> Clock {
    use_context().unwrap_or_else(|| Clock(RwSignal::new(None)))
}

/// Whether the browser has taken the page over; what needs it is disabled until then.
#[must_use]
pub fn use_hydrated() -> Memo<bool> {
    let clock = use_clock();
    Memo::new(move |_| clock.now().is_some())
}
