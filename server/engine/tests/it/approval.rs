//! Waves that start only when somebody has approved them.

use domain::{
    dto::{ApproveWave, CraftPrompt, CreateWave, TransitionWave},
    problem::Refusal,
    wave::{Approval, WaveStatus},
};
use serde_json::json;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{complete, conflict, refusal, run, running, submit, task, times};

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_gated_wave_starts_once_it_is_approved_and_its_prompts_carry_the_comment(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let create: CreateWave =
            serde_json::from_value(json!({"wave_number": 1, "requires_approval": true})).unwrap();
        let (wave, _) = server.create_wave("s", create, None).await.unwrap();
        assert_eq!(wave.approval, Some(Approval::Required));
        let id = running(&server, "s", 0, 1).await.subtask_ids[0];
        submit(&server, "s", 1, vec![task("Snipper")]).await;
        complete(&server, id).await;
        let go = TransitionWave::default();
        let refused = refusal(server.transition_wave("s", go).await).to_string();
        assert!(
            refused.contains("has to be approved first: POST /api/waves/s/approve"),
            "{refused}"
        );
        // Not even by force.
        let refused = server.transition_wave("s", TransitionWave { force: true }).await;
        assert_eq!(conflict(refused), "wave_cannot_transition");

        let approve = |approved: bool, comment: &str| ApproveWave {
            wave_number: 1,
            approved,
            comment: Some(comment.to_owned()),
            by: Some("Ada".to_owned()),
        };
        server.approve_wave("s", approve(false, "Not yet")).await.unwrap();
        let refused = refusal(server.transition_wave("s", go).await).to_string();
        assert!(refused.contains("was rejected"), "{refused}");
        let asked: CraftPrompt = serde_json::from_value(
            json!({"task_description": "Do it", "agent_type": "Snipper", "session_id": "s", "wave_number": 1}),
        )
        .unwrap();
        let prompt = server.craft_prompt(asked.clone()).await.unwrap().crafted_prompt;
        assert!(!prompt.contains("Not yet"), "{prompt}");
        let wave = server.approve_wave("s", approve(true, "Keep the old routes")).await.unwrap();
        assert_eq!(
            (wave.approval, wave.approved_by.as_deref()),
            (Some(Approval::Approved), Some("Ada"))
        );
        let prompt = server.craft_prompt(asked).await.unwrap().crafted_prompt;
        assert!(
            prompt.contains("Keep the old routes") && prompt.contains("Previous Wave"),
            "{prompt}"
        );
        let started = server.transition_wave("s", go).await.unwrap().wave;
        assert_eq!(started.status, WaveStatus::Running);
        assert_eq!(conflict(server.approve_wave("s", approve(true, "")).await), "wave_started");
        let nothing = ApproveWave { wave_number: 7, ..approve(true, "") };
        assert!(matches!(
            refusal(server.approve_wave("s", nothing).await),
            Refusal::NotFound { .. }
        ));
        let log = db.log(&server).await;
        assert_eq!((times(&log, "wave.approved"), times(&log, "wave.rejected")), (1, 1));
        assert_eq!(times(&log, "wave.updated"), 0);
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_wave_that_is_there_tells_when_it_has_to_be_approved_or_gets_a_name(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        submit(&server, "s", 0, vec![task("Snipper")]).await;
        for more in [
            json!({"requires_approval": true}),
            json!({"requires_approval": true}),
            json!({"name": "First"}),
            json!({"name": "Second"}),
        ] {
            let mut create = json!({"wave_number": 0});
            create.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let create: CreateWave = serde_json::from_value(create).unwrap();
            server.create_wave("s", create, None).await.unwrap();
        }
        let log = db.log(&server).await;
        let told: Vec<_> = log
            .iter()
            .filter(|event| event.event == "wave.updated")
            .map(|event| event.data.parse())
            .map(|data| (data["approval"].clone(), data["name"].clone()))
            .collect();
        assert_eq!(told, [(json!("required"), json!(null)), (json!("required"), json!("First"))]);
    });
}
