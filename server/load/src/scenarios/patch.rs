//! Subtasks completed: every measured PATCH takes a running subtask to `completed`, with a result.
//!
//! The rows are made before the clock starts, and as many as the server can be expected to use up: the
//! PATCHes that take them to `running` show how fast it is.

use std::{cell::Cell, rc::Rc, time::Duration};

use super::{
    Bench,
    prepare::{self, Id},
};
use crate::{
    client::Client,
    failure::Failure,
    measure::{Tally, Window, Work, drive},
    target::Template,
};

const RUNNING: &str = r#"{"status":"running","agent_id":"agent-1"}"#;
const COMPLETED: &str = r#"{"status":"completed","result":{"files":["app/Http/Controllers/UserController.php"],"summary":"Created the endpoints and their tests"}}"#;
const ID: &str = "####################################";

/// The first rows, which show how fast the server is.
const FIRST: u32 = 2_048;
const MOST: u32 = 400_000;
/// How long the rows may take to be set running.
const SETTING: Window = Window { warm_up: Duration::ZERO, measured: Duration::from_secs(180) };

/// Subtasks that agents take one after another.
struct Pool {
    ids: Vec<Id>,
    next: Cell<usize>,
}

struct Patch {
    pool: Rc<Pool>,
    request: Template,
}

impl Work for Patch {
    async fn once(&mut self, client: &mut Client<'_>) -> Option<Result<(), Failure>> {
        let index = self.pool.next.get();
        let id = self.pool.ids.get(index)?;
        self.pool.next.set(index + 1);
        Some(client.call(self.request.with(id)).await)
    }
}

/// Measures PATCHes over `sessions` sessions, each with one running wave.
pub async fn run(bench: &mut Bench<'_>, kind: &str, sessions: u32) -> Result<Tally, Failure> {
    let sessions: Vec<_> = (0..sessions).map(|number| bench.session(kind, number)).collect();
    let mut ids = grow(bench, &sessions, FIRST).await?;
    for session in &sessions {
        prepare::start(bench.helper(), session).await?;
    }
    let rate = set_running(bench, ids.clone()).await?;
    let seconds = (bench.window.warm_up + bench.window.measured).as_secs_f64();
    let wanted = wanted(rate * seconds);
    if wanted > FIRST {
        let more = grow(bench, &sessions, wanted - FIRST).await?;
        set_running(bench, more.clone()).await?;
        ids.extend(more);
    }
    let works = patches(bench, ids, COMPLETED)?;
    Ok(drive(&mut bench.clients, bench.window, works).await)
}

/// Half as many again as the first PATCHes would use up.
fn wanted(expected: f64) -> u32 {
    let wanted = (expected * 1.5).clamp(f64::from(FIRST), f64::from(MOST));
    // Between the two bounds, so it fits.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let wanted = wanted as u32;
    wanted
}

/// New subtasks, the same number in every session, neighbours in different ones.
async fn grow(bench: &mut Bench<'_>, sessions: &[String], count: u32) -> Result<Vec<Id>, Failure> {
    let each = count.div_ceil(u32::try_from(sessions.len()).unwrap_or(u32::MAX).max(1));
    let mut columns = Vec::with_capacity(sessions.len());
    for session in sessions {
        columns.push(prepare::subtasks(bench.helper(), session, each).await?);
    }
    Ok((0..each as usize)
        .flat_map(|row| columns.iter().filter_map(move |column| column.get(row).copied()))
        .collect())
}

/// Takes the subtasks to `running`; how many a second that were.
async fn set_running(bench: &mut Bench<'_>, ids: Vec<Id>) -> Result<f64, Failure> {
    let count = ids.len();
    let works = patches(bench, ids, RUNNING)?;
    let tally = drive(&mut bench.clients, SETTING, works).await;
    match tally.first_error {
        Some(failure) => Err(failure),
        None if tally.ok < count as u64 => {
            Err(Failure::new(format!("only {} of {count} subtasks were running in time", tally.ok)))
        }
        None => Ok(tally.rate()),
    }
}

fn patches(bench: &Bench<'_>, ids: Vec<Id>, body: &str) -> Result<Vec<Patch>, Failure> {
    let request = bench.target.request("PATCH", &format!("/api/subtasks/{ID}"), Some(body));
    let request = Template::new(request, ID)?;
    let pool = Rc::new(Pool { ids, next: Cell::new(0) });
    Ok(bench
        .clients
        .iter()
        .map(|_| Patch { pool: Rc::clone(&pool), request: request.clone() })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pool_follows_the_server_within_bounds() {
        assert_eq!(wanted(0.0), FIRST);
        assert_eq!(wanted(10_000.0), 15_000);
        assert_eq!(wanted(f64::INFINITY), MOST);
    }
}
