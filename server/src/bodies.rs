//! Batches as they were last sent, so that asking again costs what has changed since: one look-up in the
//! database where nothing has, and the reading and writing of the subtasks that did. Orchestrators do
//! little else while they wait.
//!
//! **Invariant:** nothing is sent from here unless the database has just said at which revision the batch
//! is, and which subtasks changed since the one that is kept.

use std::{cmp::Reverse, collections::HashSet, ops::Range, sync::Arc};

use axum::body::Bytes;
use domain::{batch::BatchWithSubtasks, dto::BatchAnswer, subtask::Subtask};
use engine::{BatchRead, Engine, Error, Result};
use quick_cache::{Weighter, sync::Cache};
use uuid::Uuid;

/// The batches that were sent lately.
#[derive(Debug)]
pub struct Bodies(Cache<Uuid, Body, Size>);

/// A batch as JSON.
#[derive(Clone, Debug)]
pub struct Body {
    revision: i64,
    /// The text of a [`BatchAnswer`].
    pub json: Bytes,
    /// Its subtasks, in their order.
    subtasks: Arc<[Part]>,
}

/// A subtask in a body.
#[derive(Clone, Debug)]
struct Part {
    place: Place,
    at: Range<usize>,
}

/// What orders the subtasks of a batch.
type Place = (Reverse<i32>, Uuid);

/// What follows the subtasks.
const END: &[u8] = b"]}}";

impl Body {
    /// Its `ETag`. Weak: it names the batch's state, not the bytes, which may travel compressed.
    #[must_use]
    pub fn tag(&self) -> String {
        format!("W/\"{}\"", self.revision)
    }

    /// A batch with these subtasks, and those of the body before that are not among them.
    fn of(batch: BatchWithSubtasks, revision: i64, before: Option<&Self>) -> Result<Self> {
        let BatchWithSubtasks { batch, subtasks: changed } = batch;
        let (text, parts) = written(&changed)?;
        let mut all: Vec<(Place, &[u8])> =
            parts.iter().map(|part| (part.place, &text[part.at.clone()])).collect();
        if let Some(before) = before {
            let changed: HashSet<Uuid> = changed.iter().map(|subtask| subtask.id).collect();
            let kept = before.subtasks.iter().filter(|part| !changed.contains(&part.place.1));
            all.extend(kept.map(|part| (part.place, &before.json[part.at.clone()])));
            // Two runs, each in order: for this sort, one merge.
            all.sort_by_key(|(place, _)| *place);
        }
        let batch = BatchWithSubtasks { batch, subtasks: Vec::new() };
        let mut json = serde_json::to_vec(&BatchAnswer { batch }).map_err(Error::internal)?;
        if !json.ends_with(END) {
            return Err(Error::internal("a batch does not end with its subtasks"));
        }
        json.truncate(json.len() - END.len());
        json.reserve_exact(all.iter().map(|(_, text)| text.len() + 1).sum::<usize>() + END.len());
        let mut subtasks = Vec::with_capacity(all.len());
        for (place, text) in all {
            if !subtasks.is_empty() {
                json.push(b',');
            }
            subtasks.push(Part { place, at: json.len()..json.len() + text.len() });
            json.extend_from_slice(text);
        }
        json.extend_from_slice(END);
        Ok(Self { revision, json: json.into(), subtasks: subtasks.into() })
    }
}

/// Subtasks as JSON, one behind the other.
fn written(subtasks: &[Subtask]) -> Result<(Vec<u8>, Vec<Part>)> {
    let (mut text, mut parts) = (Vec::new(), Vec::with_capacity(subtasks.len()));
    for subtask in subtasks {
        let start = text.len();
        serde_json::to_writer(&mut text, subtask).map_err(Error::internal)?;
        let place = (Reverse(subtask.priority), subtask.id);
        parts.push(Part { place, at: start..text.len() });
    }
    Ok((text, parts))
}

/// What a body takes; bytes.
#[derive(Clone, Debug)]
struct Size;

impl Weighter<Uuid, Body> for Size {
    fn weight(&self, _: &Uuid, body: &Body) -> u64 {
        // Beside the text and its places, about as much as the two entries take.
        let taken = body.json.len() + size_of_val(&*body.subtasks) + 128;
        u64::try_from(taken).unwrap_or(u64::MAX)
    }
}

impl Bodies {
    /// Keeps at most that much; MiB.
    #[must_use]
    pub fn new(mib: u64) -> Self {
        Self(Cache::with_weighter(1_000, mib.saturating_mul(1024 * 1024), Size))
    }

    /// A batch as it now stands.
    ///
    /// # Errors
    /// No such batch, or the database is away.
    pub async fn batch(&self, engine: &Engine, id: Uuid) -> Result<Body> {
        let kept = self.0.get(&id);
        match (engine.batch_since(id, kept.as_ref().map(|body| body.revision)).await?, kept) {
            (BatchRead::Same, Some(kept)) => Ok(kept),
            (BatchRead::Now(batch, revision), kept) => {
                let body = Body::of(batch, revision, kept.as_ref())?;
                self.0.insert(id, body.clone());
                Ok(body)
            }
            (BatchRead::Same, None) => Err(Error::internal("nothing is known of a batch")),
        }
    }
}
