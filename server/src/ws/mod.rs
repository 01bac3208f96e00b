//! The socket at `/ws`: JSON text frames, one task a client.

mod client;

use axum::{
    Router,
    extract::{State, WebSocketUpgrade},
    response::Response,
    routing,
};
use engine::Engine;
use tokio::sync::watch;

/// Largest frame that a client may send; bytes.
const LARGEST_FRAME: usize = 64 * 1024;
/// Up to here a larger one is read and refused; beyond, the connection is closed.
const READ: usize = 1024 * 1024;

/// The route; `stop` turns true when the server stops.
pub fn router(engine: Engine, stop: watch::Receiver<bool>) -> Router {
    Router::new().route("/ws", routing::get(upgrade)).with_state((engine, stop))
}

async fn upgrade(
    State((engine, stop)): State<(Engine, watch::Receiver<bool>)>,
    socket: WebSocketUpgrade,
) -> Response {
    socket
        .max_message_size(READ)
        .max_frame_size(READ)
        .on_upgrade(move |socket| client::Client::new(engine, socket).run(stop))
}
