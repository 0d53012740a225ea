use proptest::prelude::*;

use super::*;

const KEYS: EnvelopeKeys<2, 2> =
    EnvelopeKeys { outer: Keys(["a", "b"]), array: "list", inner: Keys(["x", "y"]), keep: 3 };

fn read(text: &str) -> Option<Envelope<'_, 2, 2>> {
    KEYS.read(text.as_bytes())
}

#[test]
fn keys_are_trimmed_the_last_wins_and_null_is_absence() {
    let body = read(r#" {" a ":1,"a":"two","b":3,"b":null,"c\u0063":{},"list":[{"x\t":[1]},{}]} "#).unwrap();
    assert_eq!((body.members.get(0), body.members.get(1)), (Some(Raw(r#""two""#)), None));
    assert!(body.members.is_null(1));
    assert_eq!(body.members.unknown, ["cc"]);
    let Objects::Elements { kept, count } = body.objects else { panic!("{:?}", body.objects) };
    assert_eq!((kept.len(), count), (2, 2));
    assert_eq!(kept[0].as_ref().unwrap().get(0), Some(Raw("[1]")));
}

#[test]
fn what_is_no_object_is_no_body() {
    for text in
        ["", " ", "null", "1", "[1]", "[{}]", "\"{}\"", "{", "{}x", "{\"a\":}", "{'a':1}", "{\"a\":1,}"]
    {
        assert!(read(text).is_none(), "{text}");
    }
    assert!(KEYS.read(b"{\"a\":\"\xff\"}").is_none());
    assert!(KEYS.read(b"\xef\xbb\xbf{}").is_some());
    // An empty array of PHP.
    assert!(matches!(read("[]").unwrap().objects, Objects::Absent));
}

#[test]
fn an_array_of_the_wrong_things_is_told_as_such() {
    assert!(matches!(read("{}").unwrap().objects, Objects::Absent));
    assert!(matches!(read(r#"{"list":null}"#).unwrap().objects, Objects::Absent));
    for text in ["1", "1e999", "\"\"", "{}", "true"] {
        let text = format!("{{\"list\":{text}}}");
        assert!(matches!(read(&text).unwrap().objects, Objects::NotAnArray), "{text}");
    }
    let body = read(r#"{"list":[{"x":1},1e999,null,{},{},[]]}"#).unwrap();
    let Objects::Elements { kept, count } = body.objects else { panic!("{:?}", body.objects) };
    assert_eq!(count, 6);
    assert_eq!(kept.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, false]);
}

#[test]
fn a_value_knows_its_type() {
    let odd = read_members(r#"{"\ud800":1,"a":2}"#, &Keys(["a"])).unwrap();
    assert_eq!((odd.get(0), odd.unknown.len()), (Some(Raw("2")), 1));
    let value = |text| read_members(text, &Keys(["a"])).unwrap().get(0).map(Raw::value);
    assert_eq!(value(r#"{"a":"b"}"#), Some(Value::Text("b".into())));
    assert_eq!(value(r#"{"a":"\u0062\""}"#), Some(Value::Text("b\"".into())));
    assert_eq!(value(r#"{"a":"\u0000"}"#), Some(Value::BadText));
    assert_eq!(value(r#"{"a":"\ud800"}"#), Some(Value::BadText));
    assert_eq!(value(r#"{"a":-1.50e+400}"#), Some(Value::Number("-1.50e+400")));
    assert_eq!(value(r#"{"a":false}"#), Some(Value::Bool(false)));
    assert_eq!(value(r#"{"a":[[[]]]}"#), Some(Value::Array));
    assert_eq!(value(r#"{"a":{}}"#), Some(Value::Object));
    assert_eq!(value(r#"{"a": null }"#), None);
}

#[test]
fn deep_nesting_is_skipped_without_a_stack() {
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(500_000), "]".repeat(500_000));
    assert_eq!(read(&deep).unwrap().members.get(0).map(Raw::value), Some(Value::Array));
    let deep = format!(r#"{{"list":{}{}}}"#, "[".repeat(500_000), "]".repeat(500_000));
    assert!(matches!(read(&deep).unwrap().objects, Objects::Elements { count: 1, .. }));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = KEYS.read(&body);
    }

    #[test]
    fn the_two_walks_agree(body in r#"\{("a":[0-9]{1,2},)?"list":\[(\{("x":"[a-z\\"]{0,3}"|"z":1)?\},?){0,5}\](,"q":\{\})?\}"#) {
        let (quick, slow) = (KEYS.read(body.as_bytes()), KEYS.read_slowly(&body));
        prop_assert_eq!(format!("{quick:?}"), format!("{slow:?}"));
    }

    #[test]
    fn the_walk_of_an_array_agrees_with_its_elements(
        text in r#"(\[((\{("x":"[a-z\\"]{0,3}"|"z":1)?\}|5|1e999|null|\[\]),?){0,5}\]|\{\}|7)"#,
    ) {
        let Some(raw) = Raw::parse(&text) else { return Ok(()) };
        let keys = Keys(["x", "z"]);
        let elements = raw.elements();
        let each = elements.map(|them| them.into_iter().map(|one| one.members(&keys)).collect::<Vec<_>>());
        prop_assert_eq!(format!("{:?}", raw.objects(&keys)), format!("{each:?}"));
    }
}
