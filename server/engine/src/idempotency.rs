//! Requests that are safe to repeat: the first answer of an `Idempotency-Key` is kept for a day, in
//! the transaction that made it true.

use domain::{Time, check::Check, problem::Refusal};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::{Error, Result, store, store::Tx};

/// A client's name for one request, within one kind of request.
#[derive(Clone, Debug)]
pub struct IdempotencyKey {
    scope: String,
    key: String,
    hash: Vec<u8>,
}

impl IdempotencyKey {
    /// The key `key` of a request to `scope` (its method and path) with this body.
    ///
    /// # Errors
    /// When the key is empty, too long, or has control characters.
    pub fn new(scope: impl Into<String>, key: &str, body: &[u8]) -> Result<Self> {
        let mut check = Check::default();
        check.name("Idempotency-Key", key);
        check.finish()?;
        Ok(Self { scope: scope.into(), key: key.to_owned(), hash: Sha256::digest(body).to_vec() })
    }

    /// The answer that this request was given before, if it was.
    pub(crate) async fn replay<T: DeserializeOwned>(
        &self,
        tx: &mut Tx,
        now: Time,
    ) -> Result<Option<T>> {
        let Some(stored) = store::idempotency::find(tx, &self.scope, &self.key, now).await? else {
            return Ok(None);
        };
        if stored.request_hash != self.hash {
            let message =
                "was used for a request with another body; send a new key for a new request";
            return Err(Error::Refused(Refusal::invalid("Idempotency-Key", message)));
        }
        Ok(Some(serde_json::from_str(&stored.response)?))
    }

    /// Keeps the answer of this request.
    pub(crate) async fn keep<T: Serialize>(
        &self,
        tx: &mut Tx,
        answer: &T,
        now: Time,
    ) -> Result<()> {
        let response = serde_json::to_string(answer)?;
        store::idempotency::keep(tx, &self.scope, &self.key, &self.hash, &response, now).await
    }
}
