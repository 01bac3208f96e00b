//! Pages as the server renders them.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use sqlx::PgPool;
use tokio::{runtime::Handle, sync::watch};

use crate::support::{App, serve};

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_page_is_answered_while_another_router_is_built(pool: PgPool) {
    let app = App::with(pool, &["--request-timeout", "2"]).await;
    let done = Arc::new(AtomicBool::new(false));
    let building = std::thread::spawn({
        let (engine, runtime, done) = (app.engine.clone(), Handle::current(), Arc::clone(&done));
        move || {
            let _runtime = runtime.enter();
            let (_stop, stopping) = watch::channel(false);
            while !done.load(Ordering::Relaxed) {
                drop(swell::router::build(engine.clone(), &serve(&[]), stopping.clone()));
            }
        }
    });
    let mut answers = Vec::new();
    for _ in 0..20 {
        answers.push(app.get("/").await.status.as_u16());
    }
    done.store(true, Ordering::Relaxed);
    building.join().unwrap();
    assert_eq!(answers, [200; 20]);
}
