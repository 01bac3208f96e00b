//! What syntheses and conflicts are made of, read in a fixed number of statements.

use domain::{
    batch::{Batch, BatchWithSubtasks},
    conflict::Actions,
    dto::ConflictReport,
    graph::{Graph, Node},
    problem::Refusal,
    subtask::Subtask,
    synthesis::{Material, Synthesis, synthesize},
    wave::Wave,
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{BatchRead, Engine, Error, Result, store};

/// A batch with everything that its synthesis is made of.
#[derive(Debug)]
pub struct Read {
    pub wave: Wave,
    pub batch: Batch,
    pub subtasks: Vec<Subtask>,
    pub actions: Actions,
    pub graph: Graph,
}

impl Read {
    /// Reads it all over one connection.
    pub async fn of(db: &mut PgConnection, id: Uuid) -> Result<Self> {
        let mut rows = store::subtasks::with_batch(&mut *db, id).await?;
        let (Some(batch), Some(wave)) = (rows.batches.pop(), rows.waves.pop()) else {
            return Err(Refusal::not_found("batch", id).into());
        };
        let subtasks = rows.subtasks;
        let actions = store::actions::of_batch(&mut *db, id).await?;
        let waiting: Vec<Uuid> =
            subtasks.iter().filter(|s| !s.blocked_by.is_empty()).map(|s| s.id).collect();
        let upstream = if waiting.is_empty() {
            Vec::new()
        } else {
            store::subtasks::upstream(db, &waiting).await?
        };
        let graph = subtasks.iter().map(Node::from).chain(upstream).collect();
        Ok(Self { wave, batch, subtasks, actions, graph })
    }

    /// The synthesis as things stand.
    pub fn synthesis(&self) -> Synthesis {
        synthesize(&Material {
            wave: &self.wave,
            batch: &self.batch,
            subtasks: &self.subtasks,
            actions: &self.actions,
            graph: &self.graph,
        })
    }
}

impl Engine {
    /// A batch with its subtasks.
    ///
    /// # Errors
    /// No such batch, or the database is away.
    pub async fn batch(&self, id: Uuid) -> Result<BatchWithSubtasks> {
        match self.batch_since(id, None).await? {
            BatchRead::Now(batch, _) => Ok(batch),
            BatchRead::Same => Err(Error::internal("a batch is as nobody knows it")),
        }
    }

    /// A batch and its revision, with the subtasks that changed since the revision that is `known`, by
    /// priority, then in the order of submission; or that it still is at that revision, which costs one
    /// look-up. Every change to the batch or to one of its subtasks gives it a new revision.
    ///
    /// # Errors
    /// No such batch, or the database is away.
    pub async fn batch_since(&self, id: Uuid, known: Option<i64>) -> Result<BatchRead> {
        let found = store::subtasks::of_batch(self.pool_ref(), id, known).await?;
        Ok(found.ok_or_else(|| Refusal::not_found("batch", id))?)
    }

    /// The stored synthesis; while the batch is open, one of how things stand.
    ///
    /// # Errors
    /// No such batch, or the database is away.
    pub async fn synthesis(&self, id: Uuid) -> Result<Synthesis> {
        if let Some(stored) = store::batches::synthesis(self.pool_ref(), id).await? {
            return Ok(stored);
        }
        let mut connection = self.pool_ref().acquire().await?;
        Ok(Read::of(&mut connection, id).await?.synthesis())
    }

    /// The conflicts of a batch: those of its stored synthesis; while it is open, as things stand.
    ///
    /// # Errors
    /// No such batch, or the database is away.
    pub async fn conflicts(&self, id: Uuid) -> Result<ConflictReport> {
        Ok(ConflictReport::of(id, self.synthesis(id).await?.conflicts))
    }
}
