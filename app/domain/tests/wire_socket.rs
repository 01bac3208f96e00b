//! The socket: which channels there are, what they carry, and every frame but the event.

mod common;

use common::{id, object};
use domain::event::{Channel, ClientFrame, Control, Event, ServerFrame};
use proptest::prelude::*;
use serde_json::{from_str, from_value, json, to_value};

const SENT: i64 = 1_707_400_000_000;

#[test]
fn channels_carry_what_concerns_them() {
    let of = |name: &str, batch_id, agent_type: Option<&str>| Event {
        seq: 1,
        event: name.to_owned(),
        session_id: "s/1".to_owned(),
        batch_id,
        agent_type: agent_type.map(str::to_owned),
        data: object(json!({})),
        timestamp: SENT,
    };
    let channels =
        ["global", "sessions/s/1", "batches/", "agents/Explore", "sessions/s", "agents/x"];
    let channels = channels.map(|name| match name {
        "batches/" => Channel::Batch(id(7)),
        name => Channel::parse(name).expect("a channel"),
    });
    let table = [
        (of("wave.reopened", None, None), [true, true, false, false, false, false]),
        (of("batch.created", Some(id(7)), None), [true, true, true, false, false, false]),
        (of("batch.created", Some(id(8)), None), [true, true, false, false, false, false]),
        (
            of("subtask.updated", Some(id(7)), Some("Explore")),
            [false, true, true, true, false, false],
        ),
        (of("action.recorded", None, None), [false, true, false, false, false, false]),
    ];
    for (event, expected) in table {
        assert_eq!(channels.clone().map(|channel| event.is_on(&channel)), expected, "{event:?}");
    }
}

#[test]
fn channels_go_by_the_names_of_the_readings() {
    let batch = format!("batches/{}", id(7));
    let table = [
        ("global", Channel::Global),
        ("sessions/session-abc", Channel::Session("session-abc".to_owned())),
        ("sessions/a/b c", Channel::Session("a/b c".to_owned())),
        ("sessions/global", Channel::Session("global".to_owned())),
        (batch.as_str(), Channel::Batch(id(7))),
        ("agents/backend-laravel", Channel::Agent("backend-laravel".to_owned())),
    ];
    for (name, channel) in table {
        assert_eq!(Channel::parse(name), Some(channel.clone()), "{name}");
        assert_eq!(channel.to_string(), name);
    }
    let long = format!("sessions/{}", "ü".repeat(201));
    let nonsense = [
        "",
        "Global",
        "global/",
        " global",
        "sessions",
        "sessions/",
        "/x",
        "session/x",
        "waves/1",
        "batches/",
        "batches/7",
        "batches/not-a-uuid",
        "agents/",
        "agents/a\0",
        "sessions/a\nb",
        &long,
    ];
    for name in nonsense {
        assert_eq!(Channel::parse(name), None, "{name:?}");
    }
    assert!(Channel::parse(&long[..long.len() - 2]).is_some(), "200 characters are allowed");
}

#[test]
fn client_frames_are_read_as_in_the_readings() {
    let table = [
        json!({"type": "subscribe", "channel": "global"}),
        json!({"type": "subscribe", "channel": "global", "id": "a", "since": 12}),
        json!({"type": "subscribe", "channel": "global", "id": 7}),
        json!({"type": "unsubscribe", "channel": "agents/x"}),
        json!({"type": "unsubscribe", "channel": "agents/x", "id": "b"}),
        json!({"type": "ping"}),
    ];
    for json in table {
        let frame: ClientFrame = from_value(json.clone()).expect("a frame");
        assert_eq!(to_value(frame).expect("JSON"), json);
    }
    let frame = from_str(r#"{"since":3,"more":1,"channel":"global","id":"x","type":"subscribe"}"#);
    let ClientFrame::Subscribe { channel, id, since } = frame.expect("a frame") else {
        panic!("not a subscribe");
    };
    assert_eq!((channel.as_str(), id, since), ("global", Some(json!("x")), Some(3)));
    let nonsense = [
        "null",
        "[]",
        "5",
        "{}",
        "ping",
        r#"{"type":"Ping"}"#,
        r#"{"type":"hello"}"#,
        r#"{"type":"subscribe"}"#,
        r#"{"type":"subscribe","channel":null}"#,
        r#"{"type":"subscribe","channel":"global","since":"1"}"#,
        r#"{"type":"unsubscribe"}"#,
        r#"{"type":5}"#,
        r#"{"channel":"global"}"#,
    ];
    for text in nonsense {
        assert!(from_str::<ClientFrame>(text).is_err(), "{text}");
    }
}

#[test]
fn control_frames_are_written_as_in_the_readings() {
    let (timestamp, channel) = (SENT, "global".to_owned());
    let ack = |id| Control::Ack { id, success: true, channel: channel.clone(), timestamp };
    let (error, code) = ("No such channel.".to_owned(), "unknown_channel".to_owned());
    let table = [
        (
            Control::Connected { client_id: id(1), timestamp, seq: 41, build: "b".to_owned() },
            json!({"type": "connected", "client_id": id(1), "timestamp": SENT, "seq": 41, "build": "b"}),
        ),
        (
            ack(Some(json!("a"))),
            json!({"type": "ack", "id": "a", "success": true, "channel": "global", "timestamp": SENT}),
        ),
        (
            ack(None),
            json!({"type": "ack", "success": true, "channel": "global", "timestamp": SENT}),
        ),
        (Control::Pong { timestamp }, json!({"type": "pong", "timestamp": SENT})),
        (Control::Resync { since: 9 }, json!({"type": "resync", "since": 9})),
        (
            Control::Error { error, code, timestamp },
            json!({"type": "error", "error": "No such channel.", "code": "unknown_channel", "timestamp": SENT}),
        ),
    ];
    for (frame, json) in table {
        assert_eq!(to_value(ServerFrame::Control(frame)).expect("JSON"), json);
        let back: ServerFrame = from_value(json.clone()).expect("a client reads it");
        assert!(matches!(back, ServerFrame::Control(_)), "{json}");
        assert_eq!(to_value(back).expect("JSON"), json);
    }
}

proptest! {
    #[test]
    fn any_channel_that_parses_is_written_as_it_was_read(
        name in prop_oneof!["(sessions|agents|batches|global|x)/?\\PC{0,12}", "\\PC{0,20}"],
        uuid: u128,
    ) {
        if let Some(channel) = Channel::parse(&name) {
            prop_assert_eq!(Channel::parse(&channel.to_string()), Some(channel));
        }
        let batch = Channel::Batch(id(uuid));
        prop_assert_eq!(Channel::parse(&batch.to_string()), Some(batch));
    }
}
