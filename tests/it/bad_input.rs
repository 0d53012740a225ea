//! Bodies that no well-meaning client sends: each gets a JSON answer, and none is the end of anything.

use hyper::StatusCode;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use crate::harness::{Answer, Server};

const UPDATE: &str = "/v3/contacts/update";

/// Every method, so that each is shown to stand it.
const METHODS: [&str; 7] = [
    "/v3/account/info",
    "/v3/contact-list/create",
    "/v3/contact-list/variables/add",
    "/v3/contact-source/add",
    "/v3/contact/get",
    UPDATE,
    "/v3/request/find",
];

/// A JSON answer of the contract's shape, and no 5xx.
fn check(answer: &Answer, what: &str) {
    let body = answer.json();
    let refused = answer.status != StatusCode::OK;
    assert!(!answer.status.is_server_error(), "{what}: {}", answer.text());
    assert_eq!(body["result"], json!(!refused), "{what}: {body}");
    if refused {
        let errors = answer.errors();
        assert!(!errors.is_empty(), "{what}");
        let details = body["details"].as_array().expect("details");
        let messages: Vec<_> =
            details.iter().map(|detail| detail["message"].as_str().expect("a text")).collect();
        assert_eq!(errors, messages, "{what}");
    }
}

async fn is_bad_request(server: &Server, path: &str, body: impl Into<bytes::Bytes>, what: &str) {
    let answer = server.post_bytes(path, body).await;
    check(&answer, what);
    assert_eq!(
        (answer.status, answer.errors()),
        (StatusCode::BAD_REQUEST, vec!["Bad Request".to_owned()]),
        "{path} {what}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_json_object_is_a_bad_request() {
    let server = Server::start().await;
    for path in METHODS {
        for body in [
            "[1]",
            "null",
            "5",
            "\"x\"",
            "true",
            "{",
            "}",
            "{]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "{'a':1}",
            "{}{}",
            "{} x",
            "{\"a\":1 \"b\":2}",
            "{\"a\":01}",
            "{\"a\":+1}",
            "{\"a\":.5}",
            "{\"a\":NaN}",
            "{\"a\":tru}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\\u12\"}",
            "{\"a\":\"\t\"}",
            "{\"a\":\"\n\"}",
            "{\"a\":\"",
            "{\"a\":1e}",
            "<xml/>",
            "contactListId=1",
            "\u{0}",
            "{\"a\":\"\u{0}\"}",
            "{}\u{0}",
            "// x\n{}",
        ] {
            is_bad_request(&server, path, body, body).await;
        }
        for bytes in [
            &b"\xff"[..],
            b"{\"a\":\"\xff\"}",
            b"{\"\xc3\":1}",
            b"\xfe\xff\0{\0}",
            b"{\"a\":\"\xed\xa0\x80\"}",
        ] {
            is_bad_request(&server, path, bytes, "bytes that are no UTF-8").await;
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn depth_is_no_danger_wherever_it_is() {
    let server = Server::start().await;
    let list = server.list().await;
    let levels = 200_000;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(levels), close.repeat(levels));
        let unclosed = open.repeat(levels);
        for template in [
            "DEEP",
            r#"{"unknown":DEEP}"#,
            r#"{"contactListId":DEEP,"webHookUri":DEEP}"#,
            r#"{"contactListId":"LIST","contacts":DEEP}"#,
            r#"{"contactListId":"LIST","contacts":[DEEP]}"#,
            r#"{"contactListId":"LIST","contacts":[{"contact":DEEP}]}"#,
            r#"{"contactListId":"LIST","contacts":[{"contact":"a","unknown":DEEP}]}"#,
            r#"{"contactListId":"LIST","contacts":[{"contact":"a","name":DEEP}]}"#,
            r#"{"contactListId":"LIST","contacts":[{"contact":"a","cac":DEEP}]}"#,
            r#"{"contactListId":"LIST","contacts":[{"contact":"a","cac":{"value":DEEP,"currency":"USD"}}]}"#,
            r#"{"contactListId":"LIST","contacts":[{"contact":"a","variables":DEEP}]}"#,
            r#"{"contactListId":"LIST","contacts":[{"contact":"a","variables":[DEEP]}]}"#,
            r#"{"contactListId":"LIST","contacts":[{"contact":"a","variables":[{"name":"plan","value":DEEP}]}]}"#,
            r#"{"contactListId":"LIST","variables":DEEP,"ids":1}"#,
            r#"{"contactListId":"LIST","name":DEEP,"ids":[1]}"#,
        ] {
            let template = template.replace("LIST", &list);
            for path in METHODS {
                let once = template.replacen("DEEP", &deep, 1).replace("DEEP", "1");
                check(&server.post_bytes(path, once).await, &template);
                let cut = template.split("DEEP").next().unwrap_or_default();
                is_bad_request(&server, path, format!("{cut}{unclosed}"), &template).await;
            }
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn huge_numbers_are_wrong_values_and_not_wrong_bodies() {
    let server = Server::start().await;
    let list = server.list().await;
    let shape = "Argument variables must be an array of arrays with \"name\" and \"value\" fields";
    let digits = "9".repeat(100_000);
    for number in [
        "1e999999",
        "-1e999999",
        "1e-999999",
        &digits,
        &format!("-{digits}"),
        &format!("0.{digits}"),
        &format!("1e{digits}"),
    ] {
        let what: String = number.chars().take(12).collect();
        let contact = |field: &str, value: &str| {
            format!(r#"{{"contactListId":"{list}","contacts":[{{"contact":"a","{field}":{value}}}]}}"#)
        };
        for (field, text) in [
            ("name", "Argument name must be a string"),
            ("email", "Argument email must be a string"),
            ("userId", "Argument userId must be a string"),
            ("active", "Argument active can be true or false"),
            ("contactBirthday", "Argument birthday must be a YYYY-MM-DD date"),
            ("contactLanguage", "Argument language must be a valid ISO language"),
            ("contactTimezone", "Argument timezone must be a valid timezone string"),
            ("contactScore", "Argument score must have a numeric value"),
            ("contactGender", "Unknown gender value"),
            ("avatarLink", "Argument avatarLink must be a valid URL"),
            ("sourceId", "Argument sourceId must be a string"),
            ("variables", shape),
            ("cac", "Argument CAC must be an array with value and currency fields"),
        ] {
            let answer = server.post_bytes(UPDATE, contact(field, number)).await;
            assert_eq!(
                (answer.status, answer.errors()),
                (StatusCode::BAD_REQUEST, vec![text.to_owned()]),
                "{field} {what}"
            );
        }
        for (body, text) in [
            (
                format!(r#"{{"contactListId":{number},"contacts":[{{"contact":"a"}}]}}"#),
                "Argument contactListId must be a non-empty string",
            ),
            (
                format!(r#"{{"contactListId":"{list}","contacts":{number}}}"#),
                "add at least one valid contact to contacts field",
            ),
            (
                format!(r#"{{"contactListId":"{list}","contacts":[{number}]}}"#),
                "add at least one valid contact to contacts field",
            ),
            (
                format!(r#"{{"contactListId":"{list}","upsert":{number},"contacts":[{{"contact":"a"}}]}}"#),
                "Argument upsert must be a true or false",
            ),
            (contact("unknown", &format!("1,\"active\":{number}")), "Argument active can be true or false"),
        ] {
            let answer = server.post_bytes(UPDATE, body).await;
            assert_eq!(
                (answer.status, answer.errors()),
                (StatusCode::BAD_REQUEST, vec![text.to_owned()]),
                "{what}"
            );
        }
        let answer = server.post_bytes(UPDATE, contact("unknown", number)).await;
        assert_eq!(answer.status, StatusCode::OK, "{what}: {}", answer.text());
        let variables = format!(r#"[{{"name":"plan","value":{number}}}]"#);
        let answer = server.post_bytes(UPDATE, contact("variables", &variables)).await;
        if number.len() > 10_000 {
            assert_eq!(answer.errors(), [shape], "{what}");
        } else {
            assert_eq!(answer.status, StatusCode::OK, "{what}");
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn huge_amounts_are_no_amounts_and_tiny_ones_neither() {
    let server = Server::start().await;
    let list = server.list().await;
    let (nines, zeros) = ("9".repeat(100_000), "0".repeat(100_000));
    let cac = |value: &str| {
        format!(
            r#"{{"contactListId":"{list}","upsert":true,"contacts":[{{"contact":"a","cac":{{"value":{value},"currency":"USD"}}}}]}}"#
        )
    };
    for value in [
        "1e999999",
        "1e-999999",
        &nines,
        &format!("1e{nines}"),
        &format!("1e-{nines}"),
        &format!("0.{zeros}1"),
    ] {
        for value in [value.to_owned(), format!("\"{value}\"")] {
            let answer = server.post_bytes(UPDATE, cac(&value)).await;
            assert_eq!(answer.errors(), ["CAC value must be a positive float"]);
        }
    }
    for (value, shown) in [
        (format!("2.{zeros}"), "2.00000"),
        (format!("0.{nines}"), "1.00000"),
        (format!("1{zeros}e-100000"), "1.00000"),
    ] {
        let answer = server.post_bytes(UPDATE, cac(&value)).await;
        assert_eq!(answer.status, StatusCode::OK);
        server.processed(answer.json()["requestId"].as_str().unwrap()).await;
        assert_eq!(server.contact(&list, "userId", "a").await["cac"]["value"], shown);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lone_surrogates_and_nuls_are_no_texts() {
    let server = Server::start().await;
    let list = server.list().await;
    for text in [r"\ud800", r"\udc00", r"a\ud800b", r"\ud800\ud800", r"\ud800x", r"\u0000", r"a\u0000b"] {
        for (field, refusal) in [
            ("name", "Argument name must be a string"),
            ("email", "Argument email must be a string"),
            ("phoneNumber", "Argument phoneNumber must be a string"),
            ("userId", "Argument userId must be a string"),
            ("active", "Argument active can be true or false"),
            ("contactBirthday", "Argument birthday must be a YYYY-MM-DD date"),
            ("contactLanguage", "Argument language must be a valid ISO language"),
            ("contactGender", "Unknown gender value"),
            ("contactTimezone", "Argument timezone must be a valid timezone string"),
            ("contactScore", "Argument score must have a numeric value"),
            ("tiktokLink", "Argument tiktokLink must be a valid URL"),
            ("sourceId", "Argument sourceId must be a string"),
            ("customerSourceId", "Argument customerSourceId must be a string"),
        ] {
            let body =
                format!(r#"{{"contactListId":"{list}","contacts":[{{"contact":"a","{field}":"{text}"}}]}}"#);
            let answer = server.post_bytes(UPDATE, body).await;
            assert_eq!(
                (answer.status, answer.errors()),
                (StatusCode::BAD_REQUEST, vec![refusal.to_owned()]),
                "{field} {text}"
            );
        }
        for template in [
            r#"{"TEXT":1}"#,
            r#"{"contactListId":"TEXT"}"#,
            r#"{"contactListId":"LIST","webHookUri":"TEXT"}"#,
            r#"{"contactListId":"LIST","contacts":[{"TEXT":1,"contact":"a"}]}"#,
            r#"{"contactListId":"LIST","contacts":[{"contact":"TEXT"}]}"#,
            r#"{"contactListId":"LIST","contacts":[{"contact":"a","cac":{"value":"TEXT","currency":"TEXT"}}]}"#,
            r#"{"contactListId":"LIST","contacts":[{"contact":"a","variables":[{"name":"TEXT","value":"TEXT"}]}]}"#,
            r#"{"contactListId":"LIST","contacts":[{"contact":"a","variables":[{"name":"plan","value":"TEXT"}]}]}"#,
            r#"{"contactListId":"LIST","variables":[{"name":"TEXT"}]}"#,
            r#"{"contactListName":"TEXT"}"#,
            r#"{"name":"TEXT"}"#,
            r#"{"contactListId":"LIST","userId":"TEXT"}"#,
            r#"{"ids":["TEXT"]}"#,
        ] {
            let body = template.replace("TEXT", text).replace("LIST", &list);
            for path in METHODS {
                check(&server.post_bytes(path, body.clone()).await, &body);
            }
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_byte_order_mark_and_odd_white_space_are_no_harm() {
    let server = Server::start().await;
    let list = server.list().await;
    let body = json!({ "contactListId": list, "contacts": [{ "contact": "a" }] }).to_string();
    for body in [format!("\u{feff}{body}"), format!("\r\n\t {body} \r\n"), body.replace(':', " : \t")] {
        let answer = server.post_bytes(UPDATE, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_unknown_keys_is_not_answered_with_a_warning_for_each() {
    let server = Server::start().await;
    let list = server.list().await;
    let unknown: String = (0..50_000).map(|n| format!(",\"{n}\":1")).collect();
    for (path, required) in [
        (UPDATE, format!(r#""contactListId":"{list}","contacts":[{{"contact":"a"{unknown}}}]"#)),
        ("/v3/contact/get", format!(r#""contactListId":"{list}","userId":"a""#)),
        ("/v3/request/find", r#""ids":[]"#.to_owned()),
        ("/v3/contact-list/create", r#""contactListName":"x""#.to_owned()),
        ("/v3/contact-source/add", r#""name":"x""#.to_owned()),
        (
            "/v3/contact-list/variables/add",
            format!(
                r#""contactListId":"{list}","variables":[{{"name":"later","type":"ENUM_STRING"{unknown}}}]"#
            ),
        ),
    ] {
        let answer = server.post_bytes(path, format!("{{{required}{unknown}}}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.json()["warnings"].as_array().unwrap().len(), 1_000, "{path}");
    }
    server.stop().await;
}

/// A valid body with some of its bytes cut, doubled or put by others.
fn mutated(body: &str, wounds: &[(prop::sample::Index, u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = body.as_bytes().to_vec();
    for (place, kind, put) in wounds {
        let at = place.index(bytes.len().max(1)).min(bytes.len());
        let end = (at + 1 + usize::from(kind / 4)).min(bytes.len());
        match kind % 4 {
            0 => drop(bytes.splice(at..end, put.iter().copied())),
            1 => drop(bytes.drain(at..end)),
            2 => drop(bytes.splice(at..at, put.iter().copied())),
            _ => {
                let again = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, again));
            }
        }
    }
    bytes
}

#[test]
fn wounded_bodies_are_answered_and_those_behind_them_applied() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::start());
    let list = runtime.block_on(server.list());
    let body = include_str!("fixtures/vendor-example.json")
        .replace("YOUR_CONTACT_LIST_ID", &list)
        .replace("\"webHookUri\": \"YOUR_WEBHOOK_URL\",", "")
        .replace("\"sourceId\": \"Source_ID_from_Wooxy\",", "")
        .replace("\"customerSourceId\": \"Customer_Source_ID_From_Your_Platform\",", "")
        .replace("\"upsert\": false", "\"upsert\": true");
    let bytes = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..4),
        prop::sample::select(vec![
            "null", "1e999", "\\ud800", "\\u0000", "{}", "[]", "\"", "[[", "true", "-", "\u{feff}", "  "
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    let wounds = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), bytes), 0..4);
    let mut runner = TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&wounds, |wounds| {
        let body = mutated(&body, &wounds);
        let answer = runtime.block_on(server.post_bytes(UPDATE, body.clone()));
        check(&answer, &String::from_utf8_lossy(&body));
        Ok(())
    });
    outcome.unwrap();
    let made = runtime.block_on(server.upsert(&list, json!({ "contact": "behind them all" })));
    assert_eq!(made["action"], "created");
    runtime.block_on(server.stop());
}
