//! Plans launched, and prompts with the work of earlier waves.

use domain::{
    dto::{CraftPrompt, Decompose, LaunchPlan, NewPlan, OnOverlap, PatchSubtask, Plan},
    subtask::SubtaskStatus,
};
use engine::{Engine, Error};
use serde_json::json;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{
    at_once, complete, conflict, invalid, refusal, run, running, start, submit, task, to,
};

async fn plan(server: &Engine) -> Plan {
    let job = "Build a complete user management system with authentication and profiles";
    let request: Decompose = serde_json::from_value(json!({"task_description": job})).unwrap();
    server.decompose(request, None).await.unwrap()
}

fn into(session: &str, first_wave: Option<i32>) -> LaunchPlan {
    LaunchPlan { session_id: session.to_owned(), first_wave }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_plan_becomes_waves_whose_subtasks_wait_as_its_steps_do(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let plan = plan(&server).await;
        assert_eq!(server.plan(&plan.plan_id).await.unwrap(), plan);
        let launched = server
            .launch_plan(&plan.plan_id, into("s", None), OnOverlap::Warn, None)
            .await
            .unwrap();
        let numbers: Vec<i32> = launched.waves.iter().map(|wave| wave.wave_number).collect();
        assert_eq!(numbers, [0, 1, 2]);
        let ids: Vec<_> = launched.waves.iter().flat_map(|wave| wave.subtask_ids.clone()).collect();
        assert_eq!(ids.len(), plan.subtasks.len());
        for (step, id) in plan.subtasks.iter().zip(&ids) {
            let subtask = server.subtask(*id).await.unwrap();
            let mut wanted: Vec<_> =
                step.depends_on.iter().map(|on| ids[usize::try_from(*on).unwrap()]).collect();
            wanted.sort_unstable();
            assert_eq!(subtask.blocked_by, wanted);
            assert_eq!(subtask.agent_type, step.agent_type);
            assert_eq!(subtask.description, step.description);
            let ready =
                if wanted.is_empty() { SubtaskStatus::Pending } else { SubtaskStatus::Blocked };
            assert_eq!(subtask.status, ready);
        }
        db.assert_counters().await;

        // A second launch goes behind the first.
        let launched = server
            .launch_plan(&plan.plan_id, into("s", None), OnOverlap::Warn, None)
            .await
            .unwrap();
        assert_eq!(launched.waves[0].wave_number, 3);
        start(&server, "s", 0).await;
        complete(&server, ids[0]).await;
        assert_eq!(server.subtask(ids[1]).await.unwrap().status, SubtaskStatus::Pending);
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_plan_is_launched_whole_or_not_at_all(_: PgPoolOptions, options: PgConnectOptions) {
    run(options, async |db| {
        let server = db.server().await;
        let plan = plan(&server).await;
        let fail = "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
                    $$ BEGIN RAISE EXCEPTION 'the third wave cannot be written'; END $$";
        sqlx::query(fail).execute(&db.sql).await.unwrap();
        let trigger = "CREATE TRIGGER fail BEFORE INSERT ON orchestration_batches
                       FOR EACH ROW WHEN (NEW.wave_number = 2) EXECUTE FUNCTION fail()";
        sqlx::query(trigger).execute(&db.sql).await.unwrap();
        let answer =
            server.launch_plan(&plan.plan_id, into("s", None), OnOverlap::Warn, None).await;
        assert!(matches!(answer, Err(Error::Internal(_))), "{answer:?}");
        let left = "SELECT (SELECT count(*) FROM sessions) + (SELECT count(*) FROM wave_states)
                         + (SELECT count(*) FROM orchestration_batches) + (SELECT count(*) FROM subtasks)
                         + (SELECT count(*) FROM event_outbox) + (SELECT count(*) FROM events)";
        assert_eq!(db.count(left).await, 0);
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_plan_is_not_launched_over_waves_that_have_ended(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let plan = plan(&server).await;
        for wave in [0, 1] {
            let id = running(&server, "s", wave, 1).await.subtask_ids[0];
            complete(&server, id).await;
        }
        let before = db.count("SELECT count(*) FROM subtasks").await;
        let answer =
            server.launch_plan(&plan.plan_id, into("s", Some(0)), OnOverlap::Warn, None).await;
        assert_eq!(conflict(answer), "wave_finished");
        assert_eq!(db.count("SELECT count(*) FROM subtasks").await, before);
        let launched = server
            .launch_plan(&plan.plan_id, into("s", Some(2)), OnOverlap::Warn, None)
            .await
            .unwrap();
        assert_eq!(launched.waves[0].wave_number, 2);
        refusal(server.launch_plan("plan_0_nobody", into("s", None), OnOverlap::Warn, None).await);
        invalid(server.launch_plan(&plan.plan_id, into("", None), OnOverlap::Warn, None).await);
        invalid(
            server.launch_plan(&plan.plan_id, into("s", Some(-1)), OnOverlap::Warn, None).await,
        );
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_prompt_tells_of_completed_work_of_lower_waves_newest_wave_first(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        for (session, wave, summary) in [
            ("s", 0, "Found a JWT library"),
            ("s", 1, "Wrote the model"),
            ("other", 0, "Elsewhere"),
        ] {
            let ids = running(&server, session, wave, 1).await.subtask_ids;
            let result = serde_json::from_value(json!({"summary": summary})).unwrap();
            let done = PatchSubtask { result: Some(result), ..to(SubtaskStatus::Completed) };
            server.patch_subtask(ids[0], done).await.unwrap();
        }
        let open = submit(&server, "s", 2, vec![task("Snipper"); 2]).await.subtask_ids;
        start(&server, "s", 2).await;
        server.patch_subtask(open[0], to(SubtaskStatus::Failed)).await.unwrap();
        let same_wave = serde_json::from_value(json!({"summary": "In this very wave"})).unwrap();
        let done = PatchSubtask { result: Some(same_wave), ..to(SubtaskStatus::Completed) };
        server.patch_subtask(open[1], done).await.unwrap();

        let prompt = async |session: Option<&str>, wave: Option<i32>| {
            let request = json!({"task_description": "Add a login", "agent_type": "backend-laravel",
                                 "session_id": session, "wave_number": wave});
            let request: CraftPrompt = serde_json::from_value(request).unwrap();
            server.craft_prompt(request).await.unwrap().crafted_prompt
        };
        let text = prompt(Some("s"), Some(2)).await;
        assert!(text.contains("2 task(s) completed in previous wave(s):"), "{text}");
        let (newer, older) = (text.find("Wrote the model"), text.find("Found a JWT library"));
        assert!(newer.unwrap() < older.unwrap());
        assert!(!text.contains("Elsewhere") && !text.contains("this very wave"), "{text}");
        for text in [
            prompt(Some("s"), Some(0)).await,
            prompt(Some("s"), None).await,
            prompt(None, Some(2)).await,
        ] {
            assert!(!text.contains("Previous Wave Context"), "{text}");
        }
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_plan_whose_steps_meet_says_so_is_refused_or_makes_them_wait(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let step = |n: i32| json!({"step": n, "agent_type": "Snipper", "description": "Do it", "target_files": ["src/**"]});
        let new: NewPlan = serde_json::from_value(
            json!({"task_description": "A job", "subtasks": [step(0), step(1)]}),
        )
        .unwrap();
        let id = server.create_plan(new, None).await.unwrap().plan_id;
        let launch = async |session: &str, on_overlap| {
            server.launch_plan(&id, into(session, None), on_overlap, None).await
        };
        assert_eq!(conflict(launch("s", OnOverlap::Reject).await), "scope_overlap");
        assert!(matches!(server.session("s").await, Err(Error::Refused(_))), "nothing is there");
        let told = launch("s", OnOverlap::Warn).await.unwrap();
        assert_eq!(told.warnings.len(), 1);
        let apart = launch("t", OnOverlap::Serialize).await.unwrap();
        assert_eq!(apart.warnings, []);
        let [first, second] = apart.waves[0].subtask_ids[..] else { panic!("{apart:?}") };
        assert_eq!(server.subtask(second).await.unwrap().blocked_by, [first]);
        db.assert_counters().await;
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_prompt_counts_the_work_that_it_has_no_room_for(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let ids = running(&server, "s", 0, 510).await.subtask_ids;
        at_once(ids.into_iter().map(|id| {
            let server = server.clone();
            async move { complete(&server, id).await }
        }))
        .await;
        let request = json!({"task_description": "Go on", "agent_type": "Snipper", "session_id": "s", "wave_number": 1});
        let request: CraftPrompt = serde_json::from_value(request).unwrap();
        let prompt = server.craft_prompt(request).await.unwrap().crafted_prompt;
        let heading = "510 task(s) completed in previous wave(s), the latest 500 shown:";
        assert!(prompt.contains(heading), "{prompt}");
        assert_eq!(prompt.matches("(done)").count(), 500);
    });
}
