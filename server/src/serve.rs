//! `swell serve` and `swell migrate`: from a configuration to a running server, and down again.

use std::time::Duration;

use engine::Engine;
use tokio::{net::TcpListener, signal::unix::SignalKind, sync::watch};

use crate::{
    config::{Database, Serve},
    edge::Edge,
    postgres::Cluster,
    router,
};

/// How long running requests may take to finish once the server is asked to stop. With what the cluster
/// may take ([`Cluster::stop`]) it is gone within ten seconds, whatever happens.
const DRAIN: Duration = Duration::from_secs(3);
/// How long the connections to the database, and whoever looks after the cluster, may take after that.
const CLOSE: Duration = Duration::from_millis(500);

/// How often the embedded Postgres is asked whether it is there.
const PULSE: Duration = Duration::from_secs(1);

/// Serves until it is asked to stop.
///
/// # Errors
/// A sentence for the terminal.
pub async fn run(serve: Serve, database: Database) -> Result<(), String> {
    Edge::may_listen(serve.listen, serve.api_token.as_deref())?;
    let mut terminate =
        tokio::signal::unix::signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    let mut interrupt =
        tokio::signal::unix::signal(SignalKind::interrupt()).map_err(|error| error.to_string())?;
    // First, because it fails fastest.
    let listener = TcpListener::bind(serve.listen).await.map_err(|error| {
        format!("cannot listen on {}: {error}; choose another with --listen", serve.listen)
    })?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;

    let (url, cluster) = open(&database).await?;
    let connected = tokio::select! {
        connected = Engine::connect(&url, database.connections) => Some(connected),
        // A migration that is cut off is undone, and done again at the next start.
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
    };
    let engine = match connected {
        Some(Ok(engine)) => engine,
        other => {
            stop_cluster(cluster).await;
            let error = other.and_then(Result::err);
            return error.map_or(Ok(()), |error| Err(format!("cannot use the database: {error}")));
        }
    };
    let (stop, stopping) = watch::channel(false);
    let app = router::build(engine.clone(), &serve, stopping.clone());

    println!(
        "Swell is at http://{address} (dashboard), http://{address}/api/docs (API), ws://{address}/ws (live)"
    );
    let kept = cluster
        .clone()
        .map(|cluster| tokio::spawn(keep_up(cluster, engine.clone(), stopping.clone())));
    let mut drained = stopping.clone();
    let serving = axum::serve(listener, app).with_graceful_shutdown(async move {
        let _ = drained.wait_for(|stop| *stop).await;
    });
    let serving = tokio::spawn(async move { serving.await });
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    let _ = stop.send(true);
    engine.hurry();
    if tokio::time::timeout(DRAIN, serving).await.is_err() {
        tracing::warn!("some requests did not finish in time");
    }
    let _ = tokio::time::timeout(CLOSE, engine.close()).await;
    if let Some(kept) = kept {
        // It may be starting the cluster at this moment; a stop in between would be undone.
        let _ = tokio::time::timeout(CLOSE, kept).await;
    }
    stop_cluster(cluster).await;
    Ok(())
}

/// Starts the embedded Postgres again when it dies (out of memory, killed by hand). Meanwhile
/// requests are answered 503.
async fn keep_up(cluster: Cluster, engine: Engine, mut stopping: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(PULSE) => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
        if engine.ping().await.is_ok() {
            continue;
        }
        match cluster.revive().await {
            Ok(true) => tracing::warn!("the embedded Postgres had died and was started again"),
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "the embedded Postgres cannot be started"),
        }
    }
}

/// Brings the schema up to date.
///
/// # Errors
/// A sentence for the terminal.
pub async fn migrate(database: Database) -> Result<(), String> {
    let (url, cluster) = open(&database).await?;
    let migrated = Engine::migrate(&url).await.map_err(|error| error.to_string());
    stop_cluster(cluster).await;
    if migrated.is_ok() {
        println!("The schema is up to date.");
    }
    migrated
}

/// The database's URL, and the embedded cluster if that is what it is.
pub(crate) async fn open(database: &Database) -> Result<(String, Option<Cluster>), String> {
    if let Some(url) = &database.database_url {
        return Ok((url.clone(), None));
    }
    let cluster = Cluster::start(
        &database.data_dir(),
        database.postgres_bin.as_deref(),
        database.connections,
    )
    .await?;
    Ok((cluster.url(), Some(cluster)))
}

pub(crate) async fn stop_cluster(cluster: Option<Cluster>) {
    if let Some(cluster) = cluster
        && let Err(error) = cluster.stop().await
    {
        tracing::warn!(%error, "the embedded Postgres did not stop");
    }
}
