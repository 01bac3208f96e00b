//! What sessions may spend.

use domain::{
    dto::{ClaimAnswer, ClaimSubtasks},
    event::{BudgetEvent, NewEvent},
    usage::Budget,
};

use crate::{Engine, Error, IdempotencyKey, Result, clock, names::check_session, store, tx::Tx};

impl Engine {
    /// Sets what a session may spend; an empty budget limits nothing. The session appears when it is
    /// new. Says whether that changed anything.
    ///
    /// # Errors
    /// An invalid request, or the database is away.
    pub async fn set_budget(&self, session_id: &str, budget: Budget) -> Result<bool> {
        check_session(session_id)?;
        budget.check()?;
        let now = clock::now();
        let mut tx = Tx::begin(self.pool_ref()).await?;
        store::sessions::hold(&mut tx, session_id, now).await?;
        let row = store::sessions::get(&mut *tx, session_id)
            .await?
            .ok_or_else(|| Error::internal("a session that is held is not there"))?;
        let mut account = row.account()?;
        if account.budget == budget {
            tx.commit().await?;
            return Ok(false);
        }
        account.budget = budget;
        store::sessions::write_account(&mut tx, &account).await?;
        let event = NewEvent::budget(BudgetEvent::Set, &account, now);
        store::events::write(&mut tx, &[event]).await?;
        self.commit(tx).await?;
        Ok(true)
    }

    /// [`Engine::claim_subtasks`], and when that is nothing, why the session that was named holds its
    /// work back.
    ///
    /// # Errors
    /// An invalid request, or the database is away.
    pub async fn claim(
        &self,
        request: ClaimSubtasks,
        key: Option<IdempotencyKey>,
    ) -> Result<ClaimAnswer> {
        let session_id = request.session_id.clone();
        let claims = self.claim_subtasks(request, key).await?;
        let held_back = match session_id {
            Some(id) if claims.is_empty() => {
                match store::sessions::get(self.pool_ref(), &id).await? {
                    Some(row) => row.account()?.held_back(),
                    None => None,
                }
            }
            _ => None,
        };
        Ok(ClaimAnswer { success: true, claims, held_back })
    }
}
