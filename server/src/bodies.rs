//! Batches as they were last sent, so that asking again for one that has not changed costs one look-up
//! in the database and no writing of JSON. Orchestrators do little else while they wait.
//!
//! **Invariant:** nothing is sent from here unless the database has just said that the batch still is
//! at that revision.

use axum::body::Bytes;
use domain::dto::BatchAnswer;
use engine::{BatchRead, Engine};
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
}

impl Body {
    /// Its `ETag`. Weak: it names the batch's state, not the bytes, which may travel compressed.
    #[must_use]
    pub fn tag(&self) -> String {
        format!("W/\"{}\"", self.revision)
    }
}

/// What a body takes; bytes.
#[derive(Clone, Debug)]
struct Size;

impl Weighter<Uuid, Body> for Size {
    fn weight(&self, _: &Uuid, body: &Body) -> u64 {
        // Beside the text, about as much as the two entries take.
        u64::try_from(body.json.len()).unwrap_or(u64::MAX).saturating_add(128)
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
    pub async fn batch(&self, engine: &Engine, id: Uuid) -> engine::Result<Body> {
        let kept = self.0.get(&id);
        match (engine.batch_since(id, kept.as_ref().map(|body| body.revision)).await?, kept) {
            (BatchRead::Same, Some(kept)) => Ok(kept),
            (BatchRead::Now(batch, revision), _) => {
                let json = serde_json::to_vec(&BatchAnswer { batch })
                    .map_err(engine::Error::internal)?
                    .into();
                let body = Body { revision, json };
                self.0.insert(id, body.clone());
                Ok(body)
            }
            (BatchRead::Same, None) => Err(engine::Error::internal("nothing is known of a batch")),
        }
    }
}
