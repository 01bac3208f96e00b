//! The agent registry: ten types to begin with, and the team's own.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use domain::{
    dto::{PutAgent, Registry},
    problem::Refusal,
    registry::AgentProfile,
    scope::{Call, forbidden},
    subtask::Subtask,
};

use crate::{Engine, Result, store};

/// How long another server's edit may stay unseen by this one's planner.
const FRESH: Duration = Duration::from_secs(1);

/// The registry as the planner reads it: every prompt and every plan needs it, and it hardly ever
/// changes.
#[derive(Debug, Default)]
pub struct Cache(Mutex<Option<(Instant, Arc<Vec<AgentProfile>>)>>);

impl Cache {
    fn get(&self) -> Option<Arc<Vec<AgentProfile>>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref()
            .filter(|(read_at, _)| read_at.elapsed() < FRESH)
            .map(|(_, agents)| Arc::clone(agents))
    }

    fn set(&self, value: Option<(Instant, Arc<Vec<AgentProfile>>)>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = value;
    }
}

impl Engine {
    /// The whole registry, by agent type.
    ///
    /// # Errors
    /// The database is away.
    pub async fn registry(&self) -> Result<Registry> {
        Ok(Registry { agents: store::registry::all(self.pool_ref()).await? })
    }

    /// One entry.
    ///
    /// # Errors
    /// No such entry, or the database is away.
    pub async fn agent(&self, agent_type: &str) -> Result<AgentProfile> {
        let agents = store::registry::all(self.pool_ref()).await?;
        let found = agents.into_iter().find(|agent| agent.agent_type == agent_type);
        Ok(found.ok_or_else(|| Refusal::not_found("agent type", agent_type))?)
    }

    /// Adds or replaces an entry; says whether it was added.
    ///
    /// # Errors
    /// An invalid request, or the database is away.
    pub async fn put_agent(
        &self,
        agent_type: &str,
        request: PutAgent,
    ) -> Result<(AgentProfile, bool)> {
        let profile = request.into_profile(agent_type)?;
        let added = store::registry::put(self.pool_ref(), &profile).await?;
        self.inner.registry.set(None);
        Ok((profile, added))
    }

    /// Removes an entry; the planner then knows the type by its name alone.
    ///
    /// # Errors
    /// No such entry, or the database is away.
    pub async fn delete_agent(&self, agent_type: &str) -> Result<()> {
        crate::names::may_exist("agent type", agent_type)?;
        let existed = store::registry::delete(self.pool_ref(), agent_type).await?;
        self.inner.registry.set(None);
        if existed { Ok(()) } else { Err(Refusal::not_found("agent type", agent_type).into()) }
    }

    /// The registry for the planner, at most a second old.
    pub(crate) async fn agents(&self) -> Result<Arc<Vec<AgentProfile>>> {
        if let Some(agents) = self.inner.registry.get() {
            return Ok(agents);
        }
        let agents = Arc::new(store::registry::all(self.pool_ref()).await?);
        self.inner.registry.set(Some((Instant::now(), Arc::clone(&agents))));
        Ok(agents)
    }
}

/// Which forbidden action of a subtask or of its agent type this is; none when it is allowed.
pub fn forbidden_to(subtask: &Subtask, agents: &[AgentProfile], call: &Call<'_>) -> Option<String> {
    let of_type = agents.iter().find(|profile| profile.agent_type == subtask.agent_type);
    let of_type = of_type.map_or_else(Default::default, |it| it.forbidden_actions.as_slice());
    let all = subtask.scope.forbidden(of_type);
    forbidden(all, call).map(str::to_owned)
}
