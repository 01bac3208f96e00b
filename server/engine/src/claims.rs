//! Claims: ready work handed out in groups, each subtask under a lease.

use std::{future::Future, pin::Pin, time::Duration};

use chrono::TimeDelta;
use domain::{
    Time,
    dto::{Claim, ClaimSubtasks},
    lease::{Attempt, Health, LEASE_SECONDS},
    problem::Refusal,
    progress::Patch,
    subtask::SubtaskStatus,
};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    Engine, Error, IdempotencyKey, Result,
    appender::Waker,
    clock,
    group::{Group, Reply},
    lock::{self, Wait},
    store::{self, Tx, attempts::Wanted},
    subtasks::{read, write, write_group as write_patches},
};

/// The writer of claims.
pub type Claims = Group<ClaimSubtasks, Vec<Claim>>;

/// Most subtasks that one group of claims takes.
const LARGEST: i32 = 500;
/// How many subtasks more are looked at for a claim of any session while sessions are held.
const BEYOND: i32 = 50;
/// How often a claim looks again at once because others were faster.
const LOOKS: usize = 8;
/// How often a claim that waits looks again without being told.
const LOOK: Duration = Duration::from_secs(2);

/// Starts the writer.
pub fn start_group(pool: &PgPool, appender: &Waker) -> Claims {
    let mine = (pool.clone(), appender.clone());
    let write = move |group: Vec<ClaimSubtasks>, wait| {
        let (pool, appender) = mine.clone();
        Box::pin(async move {
            let replies = write_group(&pool, &group, None, wait).await;
            appender.wake();
            replies
        }) as Pin<Box<dyn Future<Output = _> + Send>>
    };
    let theirs = (pool.clone(), appender.clone());
    let undelivered = move |claims: Vec<Claim>| {
        if !claims.is_empty() {
            let (pool, appender) = theirs.clone();
            let taken =
                claims.into_iter().map(|it| (it.subtask.id, Some(it.lease.token))).collect();
            tokio::spawn(async move {
                if let Err(error) = give_back(&pool, &appender, taken).await {
                    tracing::warn!(%error, "a claim that nobody waited for was not given back");
                }
            });
        }
    };
    Group::start_with(Box::new(write), Box::new(undelivered))
}

/// A subtask, and the lease under which it is held.
pub type Taken = (Uuid, Option<i64>);

/// Gives subtasks back that are held under these leases; those that no longer are stay as they are.
///
/// # Errors
/// The database is away.
pub async fn give_back(pool: &PgPool, appender: &Waker, taken: Vec<Taken>) -> Result<()> {
    if taken.is_empty() {
        return Ok(());
    }
    let back = |(id, token): Taken| {
        (id, Patch { status: Some(SubtaskStatus::Pending), token, ..Patch::default() })
    };
    let replies = write_patches(pool, taken.into_iter().map(back).collect(), Wait::AsLong).await?;
    appender.wake();
    for reply in replies {
        match reply {
            Reply::Answer(Ok(_) | Err(Error::Refused(Refusal::Conflict { .. }))) => {}
            Reply::Answer(Err(error)) => return Err(error),
            Reply::Busy(_) => return Err(Error::Busy),
        }
    }
    Ok(())
}

/// Hands out what is ready to a group of claims. One that gets nothing because others were faster looks
/// again: there may be more.
async fn write_group(
    pool: &PgPool,
    group: &[ClaimSubtasks],
    key: Option<&IdempotencyKey>,
    wait: Wait,
) -> Result<Vec<Reply<Vec<Claim>>>> {
    let Handed { mut claims, mut busy, mut overtaken } = hand_out(pool, group, key, wait).await?;
    for _ in 0..LOOKS {
        let is_short = |at: &usize| claims[*at].is_empty() && busy[*at].is_none();
        let short: Vec<usize> = (0..group.len()).filter(is_short).collect();
        if !overtaken || short.is_empty() {
            break;
        }
        let again: Vec<ClaimSubtasks> = short.iter().map(|at| group[*at].clone()).collect();
        // What the others got is theirs, also when this fails.
        let Ok(more) = hand_out(pool, &again, key, wait).await else { break };
        for (at, (mine, held)) in short.into_iter().zip(more.claims.into_iter().zip(more.busy)) {
            claims[at] = mine;
            busy[at] = held;
        }
        overtaken = more.overtaken;
    }
    let reply = |((claims, busy), asked): ((Vec<Claim>, Option<String>), &ClaimSubtasks)| match busy
    {
        // Whoever takes work of any session gets none for now, instead of waiting for one of them.
        Some(session) if claims.is_empty() && asked.session_id.is_some() => Reply::Busy(session),
        _ => Reply::Answer(Ok(claims)),
    };
    Ok(claims.into_iter().zip(busy).zip(group).map(reply).collect())
}

/// What a look for work had, for each claim.
struct Handed {
    claims: Vec<Vec<Claim>>,
    /// A session that has work for it, and that somebody else holds.
    busy: Vec<Option<String>>,
    /// Whether somebody was faster, so that there may be more.
    overtaken: bool,
}

impl Handed {
    fn nothing(group: &[ClaimSubtasks]) -> Self {
        Self {
            claims: vec![Vec::new(); group.len()],
            busy: vec![None; group.len()],
            overtaken: false,
        }
    }

    /// The answer that was kept of a claim with a key.
    fn again(claims: Vec<Claim>) -> Self {
        Self { claims: vec![claims], busy: vec![None], overtaken: false }
    }
}

/// One look for what is ready, without a lock; then, under the locks of the sessions, each candidate goes
/// to the first who wants it, if it is still ready. So no two claims get the same, whichever servers they
/// reach.
///
/// A claim that has a key is a group of its own. Nothing is kept of one that gets nothing: its repeat
/// is a new claim.
async fn hand_out(
    pool: &PgPool,
    group: &[ClaimSubtasks],
    key: Option<&IdempotencyKey>,
    wait: Wait,
) -> Result<Handed> {
    if let Some(key) = key {
        // Now, because there may be nothing more to take.
        let mut tx = Tx::begin(pool).await?;
        if let Some(claims) = key.replay(&mut tx, clock::now()).await? {
            return Ok(Handed::again(claims));
        }
        tx.rollback().await?;
    }
    let mut wanted: Vec<(Wanted, i32)> = Vec::new();
    let mut places = Vec::with_capacity(group.len());
    for claim in group {
        let mine =
            Wanted { session_id: claim.session_id.clone(), agent_types: claim.agent_types.clone() };
        let place = wanted.iter().position(|(wanted, _)| *wanted == mine).unwrap_or_else(|| {
            wanted.push((mine, 0));
            wanted.len() - 1
        });
        // Where sessions are held, there is to be something beyond theirs to choose from.
        let beyond = if wait == Wait::Never && claim.session_id.is_none() { BEYOND } else { 0 };
        let most = claim.max.unwrap_or(1).saturating_add(beyond);
        wanted[place].1 = wanted[place].1.saturating_add(most).min(LARGEST);
        places.push(place);
    }
    let mut handed = Handed::nothing(group);
    let ready = store::attempts::ready(pool, &wanted, clock::now()).await?;
    if ready.is_empty() {
        return Ok(handed);
    }
    let mut ids: Vec<Uuid> = ready.iter().map(|(_, id, _)| *id).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut held = lock::of_many(pool, &ids, wait).await?;
    if let Some(key) = key
        && let Some(claims) = key.replay(&mut held.tx, clock::now()).await?
    {
        return Ok(Handed::again(claims));
    }
    let mut progress = read(&mut held.tx, &ids, &[]).await?;
    let mut begun = Vec::new();
    let mut taken = vec![false; ready.len()];
    // More is wanted than was looked for.
    handed.overtaken = wanted.iter().any(|(_, most)| *most == LARGEST);
    for (of, (request, place)) in group.iter().zip(&places).enumerate() {
        let mine = &mut handed.claims[of];
        let most = usize::try_from(request.max.unwrap_or(1)).unwrap_or(1);
        for (at, (_, id, token)) in ready.iter().enumerate().filter(|(_, (at, _, _))| at == place) {
            if mine.len() == most {
                break;
            }
            let session = progress.subtask(*id).ok().map(|subtask| &subtask.session_id);
            if let Some(session) = session.filter(|session| !held.has(session)) {
                handed.busy[of] = Some(session.clone());
                continue;
            }
            if std::mem::replace(&mut taken[at], true) {
                continue;
            }
            if progress.subtask(*id).is_ok_and(|s| progress.held_back(&s.session_id).is_some()) {
                continue;
            }
            let Ok(subtask) = progress.claim(*id, &request.agent_id, *token) else {
                handed.overtaken = true;
                continue;
            };
            let lease = begin(request, *token, &subtask, progress.now());
            begun.push((subtask.session_id.clone(), lease.clone()));
            mine.push(Claim { subtask, lease });
        }
    }
    if begun.is_empty() {
        held.tx.rollback().await?;
        return Ok(handed);
    }
    store::attempts::begin(&mut held.tx, &begun).await?;
    write(&mut held.tx, progress).await?;
    if let (Some(key), [claims]) = (key, handed.claims.as_slice()) {
        key.keep(&mut held.tx, claims, clock::now()).await?;
    }
    held.tx.commit().await?;
    Ok(handed)
}

fn begin(
    request: &ClaimSubtasks,
    token: i64,
    subtask: &domain::subtask::Subtask,
    now: Time,
) -> Attempt {
    let lease_seconds = request.lease_seconds.unwrap_or(LEASE_SECONDS);
    let after = |seconds: i32| now + TimeDelta::seconds(seconds.into());
    Attempt {
        subtask_id: subtask.id,
        token,
        agent_id: request.agent_id.clone(),
        lease_seconds,
        claimed_at: now,
        heartbeat_at: now,
        last_action_at: None,
        expires_at: after(lease_seconds),
        deadline_at: subtask.time_limit_seconds.map(after),
        ended_at: None,
        outcome: None,
        reason: None,
        health: Health::Working,
    }
}

impl Engine {
    /// Hands the most urgent ready subtasks of running waves to an agent, each under a lease. When there
    /// is nothing, waits for as long as was asked, and then answers with nothing.
    ///
    /// # Errors
    /// An invalid request, or the database is away.
    pub async fn claim_subtasks(
        &self,
        request: ClaimSubtasks,
        key: Option<IdempotencyKey>,
    ) -> Result<Vec<Claim>> {
        request.check()?;
        let wait = u64::try_from(request.wait_seconds.unwrap_or(0)).unwrap_or(0);
        let deadline = tokio::time::Instant::now() + Duration::from_secs(wait);
        let mut hurry = self.inner.hurry.subscribe();
        loop {
            // Before the look: what happens after it is heard.
            let (mut news, _) = self.feed().subscribe();
            let claims = match &key {
                None => self.inner.claims.run(request.clone()).await?,
                Some(key) => self.claim_once(&request, key).await?,
            };
            let over = *hurry.borrow_and_update() || tokio::time::Instant::now() >= deadline;
            if !claims.is_empty() || over {
                return Ok(claims);
            }
            let next = (tokio::time::Instant::now() + LOOK).min(deadline);
            let ready = async {
                while let Ok(event) = news.recv().await {
                    let session = &event.event.session_id;
                    let mine = request.session_id.as_ref().is_none_or(|wanted| wanted == session);
                    if mine && may_make_ready(&event.event) {
                        return;
                    }
                }
            };
            tokio::select! {
                () = ready => {}
                _ = hurry.changed() => {}
                () = tokio::time::sleep_until(next) => {}
            }
        }
    }

    async fn claim_once(
        &self,
        request: &ClaimSubtasks,
        key: &IdempotencyKey,
    ) -> Result<Vec<Claim>> {
        let group = std::slice::from_ref(request);
        let mut replies = write_group(self.pool_ref(), group, Some(key), Wait::AsLong).await?;
        self.committed();
        match replies.pop() {
            Some(Reply::Answer(claims)) => claims,
            Some(Reply::Busy(_)) | None => Err(Error::Busy),
        }
    }
}

fn may_make_ready(event: &domain::event::Event) -> bool {
    match event.event.as_str() {
        "wave.transitioned" | "wave.reopened" | "batch.created" | "session.resumed"
        | "budget.set" => true,
        "subtask.updated" => event.data.as_str().contains(r#""status":"pending""#),
        _ => false,
    }
}
