//! JSON objects that are stored as they come: which ones, and when two are the same.

use domain::check::has_nul;
use domain::json::JsonObject;
use serde_json::{Value, from_str, json};

#[test]
fn a_json_object_is_an_object_of_sane_depth_and_whole_characters() {
    let nested = |depth: usize| format!("{}{}", "{\"a\":".repeat(depth), "1") + &"}".repeat(depth);
    let arrays = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    let good = ["{}", r#"{"a":null}"#, r#"{"a":"\ud83c\udf0a"}"#, r#" { "a" : [1, {}] } "#];
    for text in good.map(str::to_owned).into_iter().chain([nested(100), arrays(100)]) {
        let object: JsonObject = from_str(&text).expect("an object");
        assert_eq!(Value::Object(object.parse()), from_str::<Value>(&text).expect("JSON"));
    }
    let bad = [
        "null",
        "[]",
        "[{}]",
        "\"{}\"",
        "5",
        "true",
        "",
        "{",
        "{}{}",
        "{\"a\":}",
        "{'a':1}",
        r#"{"a":"\ud800"}"#,
        r#"{"a":"\udc00"}"#,
        r#"{"\ud800":1}"#,
        r#"{"a":"\ud800\ud800"}"#,
        "{\"a\":\"\u{1}\"}",
        r#"{"a":NaN}"#,
    ];
    for text in bad.map(str::to_owned).into_iter().chain([nested(200), arrays(200), nested(10_000)])
    {
        let short: String = text.chars().take(40).collect();
        assert!(from_str::<JsonObject>(&text).is_err(), "{short}");
    }
}

#[test]
fn json_objects_are_equal_as_json() {
    let object = |text: &str| from_str::<JsonObject>(text).expect("an object");
    assert_eq!(object(r#"{"a":1,"b":[2]}"#), object(r#"{ "b": [2], "a": 1 }"#));
    assert_ne!(object(r#"{"a":1,"b":[2]}"#), object(r#"{"a":1}"#));
    let stored = JsonObject::from_text(r#"{ "a": 1 }"#.to_owned()).expect("JSON");
    assert_eq!((stored.as_str(), &stored), (r#"{ "a": 1 }"#, &object(r#"{"a":1}"#)));
    assert!(JsonObject::from_text("{".to_owned()).is_err());
}

#[test]
fn nul_is_found_in_any_key_and_string() {
    for value in [json!("\0"), json!(["a", ["b\0"]]), json!({"a": {"\0": 1}}), json!({"a": "x\0y"})]
    {
        assert!(has_nul(&value), "{value}");
    }
    for value in [json!(null), json!(0), json!("\\0"), json!({"a": [true, "\u{1}"]})] {
        assert!(!has_nul(&value), "{value}");
    }
}
