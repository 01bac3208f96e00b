//! The socket itself: opened by the first follower, kept for as long as the tab lives, reconnected
//! without limit.

use std::{cell::RefCell, rc::Rc, time::Duration};

use domain::event::{ClientFrame, Envelope};
use leptos::prelude::*;
use serde_json::Value;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{CloseEvent, MessageEvent, WebSocket};

use super::{Book, Heard, Live, LiveState};

const HEARTBEAT: Duration = Duration::from_secs(25);
const FIRST_WAIT_MS: f64 = 400.0;
const LONGEST_WAIT_MS: f64 = 15_000.0;

type Tell = Rc<dyn Fn(Heard<'_>)>;

#[derive(Default)]
struct Client {
    live: Option<Live>,
    /// The build that the first connection was answered by.
    build: Option<String>,
    book: Book<Tell>,
    line: Option<Line>,
    /// Connections lost since the last one that stood.
    losses: i32,
    /// A reconnection is scheduled.
    waiting: bool,
    started: bool,
    /// Pings without a pong: the replay behind each is not through yet.
    unanswered: u32,
    /// Nothing arrived since the last heartbeat.
    silent: bool,
}

/// A socket with its callbacks, which live as long as it does.
struct Line {
    socket: WebSocket,
    _on_open: Closure<dyn FnMut()>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_close: Closure<dyn FnMut(CloseEvent)>,
}

thread_local! {
    static CLIENT: RefCell<Client> = RefCell::new(Client::default());
}

/// Borrows the client; callbacks into pages happen outside of it.
fn with<T>(run: impl FnOnce(&mut Client) -> T) -> T {
    CLIENT.with(|client| run(&mut client.borrow_mut()))
}

/// Adds a follower, and opens the socket for the first one.
pub fn follow(live: Live, channel: String, since: Option<i64>, tell: Tell) -> u32 {
    let (id, first) = with(|client| {
        client.live = Some(live);
        let (id, frame) = client.book.add(channel, since, tell);
        if client.is_open() {
            client.send(&frame);
            client.catch_up();
        }
        (id, !std::mem::replace(&mut client.started, true))
    });
    if first {
        connect();
        let _ = set_interval_with_handle(heartbeat, HEARTBEAT);
        let _ = window_event_listener(leptos::ev::online, |_| hurry());
        let _ = window_event_listener_untyped("pageshow", |_| hurry());
    }
    id
}

/// Removes a follower.
pub fn unfollow(id: u32) {
    with(|client| {
        if let Some(frame) = client.book.remove(id) {
            client.send(&frame);
        }
    });
}

impl Client {
    fn is_open(&self) -> bool {
        self.line.as_ref().is_some_and(|line| line.socket.ready_state() == WebSocket::OPEN)
    }

    fn send(&self, frame: &ClientFrame) {
        if let (true, Some(line), Ok(text)) =
            (self.is_open(), &self.line, serde_json::to_string(frame))
        {
            // A socket that just broke is noticed by its close event.
            let _ = line.socket.send_with_str(&text);
        }
    }

    fn show(&self, state: LiveState) {
        if let Some(live) = self.live {
            live.state.set(state);
        }
    }

    /// The server answers in order: the pong comes after what the subscriptions replay.
    fn catch_up(&mut self) {
        self.unanswered += 1;
        self.send(&ClientFrame::Ping);
        self.show(LiveState::CatchingUp);
    }

    fn saw(&self, seq: i64) {
        if let Some(live) = self.live {
            live.seq.update(|last| *last = seq.max(*last));
        }
    }
}

fn address() -> Option<String> {
    let location = web_sys::window()?.location();
    let scheme = if location.protocol().ok()? == "https:" { "wss" } else { "ws" };
    Some(format!("{scheme}://{}/ws", location.host().ok()?))
}

fn connect() {
    let socket = address().and_then(|address| WebSocket::new(&address).ok());
    let Some(socket) = socket else {
        lost();
        return;
    };
    let on_open = Closure::<dyn FnMut()>::new(opened);
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(|event: MessageEvent| {
        if let Some(text) = event.data().as_string() {
            received(&text);
        }
    });
    let on_close = Closure::<dyn FnMut(CloseEvent)>::new(|_| lost());
    socket.set_onopen(Some(on_open.as_ref().unchecked_ref()));
    socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
    let line = Line { socket, _on_open: on_open, _on_message: on_message, _on_close: on_close };
    let old = with(|client| {
        client.waiting = false;
        client.silent = false;
        client.unanswered = 0;
        client.line.replace(line)
    });
    hang_up(old);
}

/// Ends a line without hearing of its end.
fn hang_up(line: Option<Line>) {
    if let Some(line) = line {
        line.socket.set_onopen(None);
        line.socket.set_onmessage(None);
        line.socket.set_onclose(None);
        let _ = line.socket.close();
    }
}

fn opened() {
    with(|client| {
        client.losses = 0;
        for frame in client.book.subscribe_all() {
            client.send(&frame);
        }
        client.catch_up();
    });
}

/// Takes a frame apart by hand: what serde would make of `ServerFrame`, which is told from its
/// content, is 30 kB of code to download.
fn received(text: &str) {
    with(|client| client.silent = false);
    let mut frame = serde_json::from_str::<Value>(text).unwrap_or_default();
    let number = |frame: &Value, name: &str| frame[name].as_i64().unwrap_or_default();
    let mut word = |name: &str| match frame[name].take() {
        Value::String(word) => word,
        _ => String::new(),
    };
    match word("type").as_str() {
        "" => {
            let (channel, event) = (word("channel"), word("event"));
            happened(&Envelope {
                channel,
                event,
                data: frame["data"].take(),
                timestamp: number(&frame, "timestamp"),
                seq: number(&frame, "seq"),
            });
        }
        "connected" => {
            let build = word("build");
            with(|client| {
                if let Some(live) = client.live {
                    live.head.set(number(&frame, "seq"));
                    if client.build.as_ref().is_some_and(|first| *first != build) {
                        live.updated.set(true);
                    }
                }
                client.build.get_or_insert(build);
            });
        }
        "ack" => {
            let channel = word("channel");
            for tell in with(|client| client.book.subscribed(&channel)) {
                tell(Heard::Subscribed);
            }
        }
        "pong" => with(|client| {
            client.unanswered = client.unanswered.saturating_sub(1);
            if client.unanswered == 0 {
                if let Some(live) = client.live {
                    client.saw(live.head.get_untracked());
                }
                client.show(LiveState::Live);
            }
        }),
        "resync" => with(|client| {
            for frame in client.book.resync(number(&frame, "since")) {
                client.send(&frame);
            }
            client.catch_up();
        }),
        // The log could not be replayed: begin again, after a while.
        "error" if frame["code"] == "unavailable" => drop_line(),
        _ => leptos::logging::warn!("live: {text}"),
    }
}

fn happened(event: &Envelope) {
    let tell = with(|client| {
        client.saw(event.seq);
        client.book.deliver(event)
    });
    for tell in tell {
        tell(Heard::Event(event));
    }
}

/// The connection is gone: try again after a while that doubles, with chance in it so that the
/// tabs of many people do not come back at once.
fn lost() {
    let wait = with(|client| {
        client.show(LiveState::Stale);
        if std::mem::replace(&mut client.waiting, true) {
            return None;
        }
        let longest = (FIRST_WAIT_MS * 2_f64.powi(client.losses.min(10))).min(LONGEST_WAIT_MS);
        client.losses = client.losses.saturating_add(1);
        Some(longest * (0.5 + js_sys::Math::random() / 2.0))
    });
    if let Some(wait) = wait {
        set_timeout(
            || {
                if with(|client| client.waiting) {
                    connect();
                }
            },
            Duration::from_secs_f64(wait / 1_000.0),
        );
    }
}

/// The network is back, or the page: no need to wait.
fn hurry() {
    if with(|client| client.waiting) {
        connect();
    }
}

/// Keeps the line open, and notices one that died without a word.
fn heartbeat() {
    let dead = with(|client| {
        if !client.is_open() {
            return false;
        }
        if std::mem::replace(&mut client.silent, true) {
            return true;
        }
        client.unanswered += 1;
        client.send(&ClientFrame::Ping);
        false
    });
    if dead {
        drop_line();
    }
}

/// Ends the connection; another one follows. The line itself goes when the next one comes, since
/// this may be called from one of its callbacks.
fn drop_line() {
    with(|client| {
        if let Some(line) = &client.line {
            line.socket.set_onopen(None);
            line.socket.set_onmessage(None);
            line.socket.set_onclose(None);
            let _ = line.socket.close();
        }
    });
    lost();
}
