//! Reading afresh, but never twice at a time and never for each of many events.

use std::{cell::Cell, future::Future, pin::Pin, rc::Rc, time::Duration};

use leptos::{prelude::*, task::spawn_local};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Idle,
    Waiting,
    Reading,
    ReadingAndAskedAgain,
}

/// Whether what was read could be used.
type Read = dyn Fn() -> Pin<Box<dyn Future<Output = bool>>>;

/// Coalesces requests to read: one read a `pause`, and one more after the last request.
#[derive(Clone)]
pub struct Refresher {
    phase: Rc<Cell<Phase>>,
    pause: Duration,
    read: Rc<Read>,
}

impl Refresher {
    /// Runs `read` when asked.
    pub fn new<F: Future<Output = ()> + 'static>(
        pause: Duration,
        read: impl Fn() -> F + 'static,
    ) -> Self {
        Self::until(pause, move || {
            let reading = read();
            async move {
                reading.await;
                true
            }
        })
    }

    /// Runs `read` when asked, and again after each pause until it says that what it read is of use.
    pub fn until<F: Future<Output = bool> + 'static>(
        pause: Duration,
        read: impl Fn() -> F + 'static,
    ) -> Self {
        Self {
            phase: Rc::new(Cell::new(Phase::Idle)),
            pause,
            read: Rc::new(move || Box::pin(read())),
        }
    }

    /// Something changed: read soon.
    pub fn ask(&self) {
        match self.phase.get() {
            Phase::Idle => {
                self.phase.set(Phase::Waiting);
                let this = self.clone();
                set_timeout(move || this.run(), self.pause);
            }
            Phase::Reading => self.phase.set(Phase::ReadingAndAskedAgain),
            Phase::Waiting | Phase::ReadingAndAskedAgain => {}
        }
    }

    /// Reads without a pause; nothing when a reading is under way.
    pub fn now(&self) {
        if self.phase.get() == Phase::Idle {
            self.clone().run();
        }
    }

    fn run(self) {
        self.phase.set(Phase::Reading);
        spawn_local(async move {
            let of_use = (self.read)().await;
            let again = self.phase.replace(Phase::Idle) == Phase::ReadingAndAskedAgain;
            if again || !of_use {
                self.ask();
            }
        });
    }
}

/// Counts up, at most once a `pause`, after what `track` tracks has changed: for what is worked out
/// of many signals and need not follow each of them at once. 0 until then.
pub fn calmed(pause: Duration, track: impl Fn() + 'static) -> ReadSignal<u32> {
    let (beat, set_beat) = signal(0_u32);
    Effect::new(move |refresher: Option<Refresher>| {
        track();
        let first = refresher.is_none();
        let refresher = refresher.unwrap_or_else(|| {
            Refresher::new(pause, move || {
                // The page may be gone meanwhile.
                set_beat.try_update(|beat| *beat = beat.wrapping_add(1));
                std::future::ready(())
            })
        });
        if !first {
            refresher.ask();
        }
        refresher
    });
    beat
}

impl std::fmt::Debug for Refresher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Refresher").field("pause", &self.pause).finish_non_exhaustive()
    }
}
