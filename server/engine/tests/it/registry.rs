//! The registry's table, and the planner over it.

use domain::dto::{CraftPrompt, PutAgent};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{refusal, run, wait_until};

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_new_database_knows_exactly_the_builtin_agent_types(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let mut builtin = domain::registry::builtin();
        builtin.sort_by(|a, b| a.agent_type.cmp(&b.agent_type));
        let mut agents = db.server().await.registry().await.unwrap().agents;
        agents.sort_by(|a, b| a.agent_type.cmp(&b.agent_type));
        assert_eq!(agents, builtin);
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_edit_is_used_at_once_here_and_soon_by_other_servers(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let (here, there) = (db.server().await, db.server().await);
        let craft = serde_json::json!({"task_description": "Do it", "agent_type": "rustacean"});
        let craft: CraftPrompt = serde_json::from_value(craft).unwrap();
        let max_files = async |server: &engine::Engine| {
            server.craft_prompt(craft.clone()).await.unwrap().scope_directives.max_files
        };
        assert_eq!((max_files(&here).await, max_files(&there).await), (5, 5));
        let put = |max_files: i32| {
            let request: PutAgent =
                serde_json::from_value(serde_json::json!({"max_files": max_files})).unwrap();
            here.put_agent("rustacean", request)
        };
        assert!(put(7).await.unwrap().1, "added");
        assert_eq!(max_files(&here).await, 7);
        wait_until("the other server sees it", async || max_files(&there).await == 7).await;
        assert!(!put(9).await.unwrap().1, "replaced");
        assert_eq!(max_files(&here).await, 9);
        here.delete_agent("rustacean").await.unwrap();
        assert_eq!(max_files(&here).await, 5);
        refusal(here.delete_agent("rustacean").await);
    });
}
