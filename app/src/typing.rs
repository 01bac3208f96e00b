//! What follows once somebody has stopped typing.

use std::{future::Future, time::Duration};

use leptos::{prelude::*, task::spawn_local};

/// A `pause` after the last change of what `wanted` tracks, does the work that it gives then, and hands
/// on what came of it; unless something changed meanwhile, or there is nothing to do.
pub fn once_settled<W, F>(
    pause: Duration,
    wanted: impl Fn() -> Option<W> + 'static,
    then: impl Fn(F::Output) + Clone + 'static,
) where
    W: FnOnce() -> F + 'static,
    F: Future + 'static,
{
    let turn = StoredValue::new(0_u32);
    Effect::new(move |_| {
        let wanted = wanted();
        let mine = turn.try_update_value(|turn| {
            *turn = turn.wrapping_add(1);
            *turn
        });
        // Also when the page is gone meanwhile, nothing is the latest.
        let is_latest = move || mine.is_some() && turn.try_get_value() == mine;
        let Some(work) = wanted else { return };
        let then = then.clone();
        set_timeout(
            move || {
                if is_latest() {
                    spawn_local(async move {
                        let done = work().await;
                        if is_latest() {
                            then(done);
                        }
                    });
                }
            },
            pause,
        );
    });
}
