//! Batches: submitted whole, completed into a synthesis.

use std::collections::{HashMap, HashSet};

use domain::{
    Time,
    batch::{Batch, BatchEvent, BatchStatus},
    check::Check,
    dto::{
        BlockerRef, CompleteAnswer, OnOverlap, SubmitAnswer, SubmitBatch, SubmittedBatch, Task,
        Warning,
    },
    event::NewEvent,
    graph::{Graph, Node},
    problem::Refusal,
    subtask::{Subtask, SubtaskStatus},
    usage::Usage,
    wave::Wave,
};
use uuid::Uuid;

use crate::{
    Engine, Error, IdempotencyKey, Result, clock, lock, material::Read, scopes::Overlaps, store,
    store::Tx,
};

impl Engine {
    /// Submits a batch; its session and wave appear when they are new.
    ///
    /// # Errors
    /// An invalid request, blockers that do not exist or wait in a circle, a wave that has ended,
    /// or the database is away.
    pub async fn submit_batch(
        &self,
        request: SubmitBatch,
        on_overlap: OnOverlap,
        key: Option<IdempotencyKey>,
    ) -> Result<SubmitAnswer> {
        request.check()?;
        let now = clock::now();
        let draft = Draft::new(&request.tasks)?;
        let scoped = is_scoped(&request);
        if key.is_none() && draft.outside.is_empty() && !scoped {
            // Nothing to read first: the statement is its own transaction.
            let new = NewBatch::of(request, draft, &HashMap::new(), now)?;
            new.write(self.pool_ref()).await?;
            self.committed();
            return Ok(new.answer(Vec::new()));
        }
        let mut tx = crate::tx::Tx::begin(self.pool_ref()).await?;
        if let Some(key) = &key
            && let Some(answer) = key.replay(&mut tx, now).await?
        {
            return Ok(answer);
        }
        if scoped || !draft.outside.is_empty() {
            store::sessions::hold(&mut tx, &request.session_id, now).await?;
        }
        let answer = submit_in(&mut tx, request, draft, &mut on_overlap.into(), now).await?;
        if let Some(key) = &key {
            key.keep(&mut tx, &answer, now).await?;
        }
        self.commit(tx).await?;
        Ok(answer)
    }

    /// Completes a batch whose subtasks have all ended and stores its synthesis; for one that is
    /// still open, answers with how things stand (or refuses, when `strict`).
    ///
    /// # Errors
    /// No such batch; open subtasks when `strict`; the database is away.
    pub async fn complete_batch(&self, id: Uuid, strict: bool) -> Result<CompleteAnswer> {
        let mut tx = lock::of_batch(self.pool_ref(), id).await?;
        if let Some(synthesis) = store::batches::synthesis(&mut *tx, id).await? {
            return Ok(CompleteAnswer {
                success: true,
                synthesis,
                status: BatchStatus::Completed,
                open_tasks: 0,
            });
        }
        let mut read = Read::of(&mut tx, id).await?;
        let open_tasks = read.batch.open_tasks();
        let synthesis = read.synthesis();
        if open_tasks > 0 {
            if strict {
                return Err(Refusal::conflict(
                    "open_subtasks",
                    format!("{open_tasks} of {} subtasks have not ended.", read.batch.total_tasks),
                )
                .into());
            }
            return Ok(CompleteAnswer {
                success: true,
                synthesis,
                status: read.batch.status,
                open_tasks,
            });
        }
        let now = clock::now();
        let batch = &mut read.batch;
        batch.status = batch.status.transition(BatchEvent::Complete).map_err(Error::internal)?;
        batch.outcome = synthesis.outcome;
        batch.completed_at = Some(now);
        store::batches::complete(&mut tx, batch, &synthesis).await?;
        let event = NewEvent::batch_completed(batch, synthesis.next_wave_ready, now);
        store::events::write(&mut tx, &[event]).await?;
        let answer =
            CompleteAnswer { success: true, status: batch.status, synthesis, open_tasks: 0 };
        self.commit(tx).await?;
        Ok(answer)
    }
}

/// The tasks of a batch with their blockers told apart: those inside it, by index, and those that
/// are subtasks of the session already.
pub struct Draft {
    inside: Vec<Vec<usize>>,
    outside: Vec<Vec<Uuid>>,
}

impl Draft {
    /// Resolves what each task says it waits for.
    ///
    /// # Errors
    /// [`Refusal::Invalid`], naming every reference that means nothing and a circle if there is one.
    pub fn new(tasks: &[Task]) -> Result<Self> {
        let mut by_task_id: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, task) in tasks.iter().enumerate() {
            if let Some(task_id) = &task.task_id {
                by_task_id.entry(task_id).or_default().push(index);
            }
        }
        let mut check = Check::default();
        let mut inside = vec![Vec::new(); tasks.len()];
        let mut outside = vec![Vec::new(); tasks.len()];
        for (index, task) in tasks.iter().enumerate() {
            let mut seen = HashSet::new();
            for (field, references) in
                [("blocked_by", &task.blocked_by), ("depends_on", &task.depends_on)]
            {
                for (position, reference) in
                    references.iter().enumerate().filter(|(_, r)| seen.insert((*r).clone()))
                {
                    let at = || format!("tasks[{index}].{field}[{position}]");
                    match resolve(reference, &by_task_id, tasks.len()) {
                        Ok(Blocker::Task(blocker)) if blocker == index => {
                            check.fail(at(), "is the task itself")
                        }
                        Ok(Blocker::Task(blocker)) if !inside[index].contains(&blocker) => {
                            inside[index].push(blocker)
                        }
                        Ok(Blocker::Subtask(id)) if !outside[index].contains(&id) => {
                            outside[index].push(id)
                        }
                        Ok(_) => {}
                        Err(message) => check.fail(at(), message),
                    }
                }
            }
        }
        // Indices as ids: the graph does not care.
        let id = |index: usize| Uuid::from_u128(index as u128);
        let graph: Graph = inside
            .iter()
            .enumerate()
            .map(|(index, blockers)| Node {
                id: id(index),
                status: SubtaskStatus::Pending,
                agent_type: String::new(),
                blocked_by: blockers.iter().map(|blocker| id(*blocker)).collect(),
            })
            .collect();
        if let Some(member) = graph.cycle() {
            check.fail(
                format!("tasks[{}].blocked_by", member.as_u128()),
                "waits for itself, directly or not",
            );
        }
        check.finish()?;
        if outside.iter().all(Vec::is_empty) {
            outside.clear();
        }
        Ok(Self { inside, outside })
    }

    /// The blockers outside the batch, by id, and whether each has completed.
    async fn outside_blockers(
        &self,
        tx: &mut Tx,
        session_id: &str,
        wave_number: i32,
    ) -> Result<HashMap<Uuid, bool>> {
        let ids: Vec<Uuid> =
            self.outside.iter().flatten().copied().collect::<HashSet<_>>().into_iter().collect();
        let rows = store::subtasks::blockers(tx, &ids).await?;
        let mut check = Check::default();
        let mut found = HashMap::new();
        for row in rows.into_iter().filter(|row| row.session_id == session_id) {
            if row.wave_number > wave_number {
                check.fail(
                    "blocked_by",
                    format!(
                        "subtask {} is in wave {}, after wave {wave_number}",
                        row.id, row.wave_number
                    ),
                );
            }
            found.insert(row.id, row.status == SubtaskStatus::Completed.as_str());
        }
        for (index, ids) in self.outside.iter().enumerate() {
            for id in ids.iter().filter(|id| !found.contains_key(id)) {
                check.fail(
                    format!("tasks[{index}].blocked_by"),
                    format!("there is no subtask `{id}` in session `{session_id}`"),
                );
            }
        }
        check.finish()?;
        Ok(found)
    }
}

enum Blocker {
    Task(usize),
    Subtask(Uuid),
}

fn resolve(
    reference: &BlockerRef,
    by_task_id: &HashMap<&str, Vec<usize>>,
    tasks: usize,
) -> std::result::Result<Blocker, String> {
    match reference {
        BlockerRef::Index(index) => usize::try_from(*index)
            .ok()
            .filter(|index| *index < tasks)
            .map(Blocker::Task)
            .ok_or_else(|| format!("there is no task {index} in this batch")),
        BlockerRef::Name(name) => match by_task_id.get(&**name).map(Vec::as_slice) {
            Some([index]) => Ok(Blocker::Task(*index)),
            Some(several) => Err(format!(
                "{} tasks of this batch have the task_id `{name}`; use their indices",
                several.len()
            )),
            None => name.parse().map(Blocker::Subtask).map_err(|_| {
                format!("`{name}` is neither a task_id of this batch nor the id of a subtask")
            }),
        },
    }
}

/// A batch about to be written.
struct NewBatch {
    batch: Batch,
    subtasks: Vec<Subtask>,
}

impl NewBatch {
    fn of(
        request: SubmitBatch,
        draft: Draft,
        outside: &HashMap<Uuid, bool>,
        now: Time,
    ) -> Result<Self> {
        let ids = clock::subtask_ids(request.tasks.len());
        let batch = Batch {
            id: Uuid::now_v7(),
            session_id: request.session_id,
            wave_number: request.wave_number,
            status: BatchStatus::Pending,
            total_tasks: i32::try_from(ids.len()).map_err(Error::internal)?,
            completed_tasks: 0,
            failed_tasks: 0,
            outcome: None,
            created_at: now,
            completed_at: None,
        };
        let mut subtasks = Vec::with_capacity(ids.len());
        for (index, task) in request.tasks.into_iter().enumerate() {
            let beyond = draft.outside.get(index).map_or(&[][..], Vec::as_slice);
            let mut blocked_by: Vec<Uuid> =
                draft.inside[index].iter().map(|blocker| ids[*blocker]).collect();
            let open = blocked_by.len()
                + beyond.iter().filter(|id| outside.get(id) != Some(&true)).count();
            blocked_by.extend(beyond);
            blocked_by.sort_unstable();
            subtasks.push(Subtask {
                scope: task.scope(),
                max_attempts: task.max_attempts,
                time_limit_seconds: task.time_limit_seconds,
                not_before: None,
                lease_token: None,
                id: ids[index],
                task_id: task.task_id.filter(|id| !id.is_empty()),
                batch_id: batch.id,
                session_id: batch.session_id.clone(),
                wave_number: batch.wave_number,
                agent_type: task.agent_type,
                agent_id: None,
                description: task.description,
                status: if open > 0 { SubtaskStatus::Blocked } else { SubtaskStatus::Pending },
                priority: task.priority,
                optional: task.optional,
                blocked_by,
                open_blockers: i32::try_from(open).map_err(Error::internal)?,
                result: None,
                context_snapshot: task.context_snapshot,
                retry_count: 0,
                usage: Usage::default(),
                attempt_usage: Usage::default(),
                created_at: now,
                started_at: None,
                completed_at: None,
                updated_at: now,
            });
        }
        Ok(Self { batch, subtasks })
    }

    async fn write(&self, db: impl sqlx::PgExecutor<'_>) -> Result<()> {
        let Batch { session_id, wave_number, created_at, .. } = &self.batch;
        let wave = Wave::new(Uuid::now_v7(), session_id.clone(), *wave_number, *created_at);
        let ids: Vec<Uuid> = self.subtasks.iter().map(|subtask| subtask.id).collect();
        let told = NewEvent::batch_created(&self.batch, &ids, *created_at);
        let wave_told = NewEvent::wave_created(&wave, *created_at);
        if store::batches::submit(db, &self.batch, &self.subtasks, wave.id, wave_told, told).await?
        {
            return Ok(());
        }
        Err(Refusal::conflict(
            "wave_finished",
            format!(
                "Wave {wave_number} of session `{session_id}` has ended; submit to a later wave."
            ),
        )
        .into())
    }

    fn answer(&self, warnings: Vec<Warning>) -> SubmitAnswer {
        SubmitAnswer {
            success: true,
            warnings,
            batch: SubmittedBatch {
                batch: self.batch.clone(),
                subtask_ids: self.subtasks.iter().map(|subtask| subtask.id).collect(),
            },
        }
    }
}

/// Submits a batch in the caller's transaction, which holds the session if it is to be looked at first.
pub async fn submit_in(
    tx: &mut Tx,
    request: SubmitBatch,
    draft: Draft,
    overlaps: &mut Overlaps,
    now: Time,
) -> Result<SubmitAnswer> {
    let blockers = if draft.outside.is_empty() {
        HashMap::new()
    } else {
        draft.outside_blockers(tx, &request.session_id, request.wave_number).await?
    };
    let scoped = is_scoped(&request);
    let mut new = NewBatch::of(request, draft, &blockers, now)?;
    let warnings = if scoped {
        let Batch { session_id, wave_number, .. } = &new.batch;
        let beside = store::subtasks::scoped(tx, session_id, *wave_number).await?;
        crate::scopes::settle(&mut new.subtasks, &beside, overlaps)?
    } else {
        Vec::new()
    };
    new.write(&mut **tx).await?;
    Ok(new.answer(warnings))
}

/// Whether a task says where it may work.
fn is_scoped(request: &SubmitBatch) -> bool {
    let says = |task: &Task| !task.target_files.is_empty() || !task.target_directories.is_empty();
    request.tasks.iter().any(says)
}
