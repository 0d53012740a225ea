//! The events of account webhooks: which of them a change is, and their bodies. Pure.

use serde_json::{Map, Value, json};

/// Events of this server's own. `contact.updated` has the fields that changed, `contact.erased` the ids alone.
pub const OWN: [&str; 5] =
    ["contact.created", "contact.updated", "contact.removed", "contact.erased", SUPPRESSED];

/// The event of an address that was suppressed, for a contact that has it.
pub const SUPPRESSED: &str = "contact.suppressed";

/// The events of a contact that joined or left a segment.
pub const SEGMENT: [&str; 2] = ["segment.joined", "segment.left"];

/// The vendor's events about contacts: the fields, and the events of one that is turned on and off.
const FLAGS: [(&[&str], &str, &str); 5] = [
    (&["active"], "subscribed", "unsubscribed"),
    (&["emailSubscribe"], "email-subscribed", "email-unsubscribed"),
    (&["smsSubscribe"], "sms-subscribed", "sms-unsubscribed"),
    (&["viberSubscribe"], "viber-contact-channel-subscribed", "viber-contact-channel-unsubscribed"),
    (&["desktopWebPushSubscribe", "mobileWebPushSubscribe"], "web-push-subscribed", "web-push-unsubscribed"),
];

/// The vendor's event of a person who turned e-mail off by an unsubscribe link.
const LIST_UNSUBSCRIBE: &str = "list-unsubscribe";

/// The names of all events that are sent.
pub fn names() -> impl Iterator<Item = &'static str> {
    let flags = FLAGS.into_iter().flat_map(|(_, on, off)| [on, off]);
    OWN.into_iter().chain(SEGMENT).chain(flags).chain([LIST_UNSUBSCRIBE])
}

/// Whether events of this name are ever sent.
pub fn is_sent(name: &str) -> bool {
    names().any(|sent| sent == name)
}

/// Whether a webhook may be made for this name: one that is sent, or one of the vendor's about messages, which have no
/// dots.
pub fn is_accepted(name: &str) -> bool {
    let is_word = |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    is_sent(name) || (!name.is_empty() && name.len() <= 50 && is_word(name))
}

/// The events that a change is, of those that are asked for. `change`: as contacts/changes shows it, with the old and the
/// new values; `seconds`: when it was applied, since 1970.
pub fn events(change: &Value, seconds: i64, asked: &[String]) -> Vec<Value> {
    let action = change["action"].as_str().unwrap_or_default();
    let wants = |name: &str| asked.iter().any(|asked| asked == name);
    let mut events = Vec::new();
    let own = OWN.iter().find(|name| name.strip_prefix("contact.") == Some(action));
    if let Some(name) = own.filter(|name| wants(name)) {
        events.push(event(change, seconds, name));
    }
    if matches!(action, "created" | "updated") {
        for (fields, on, off) in FLAGS {
            for name in fields.iter().filter_map(|field| turned(change, field, on, off)) {
                let is_new = !events.iter().any(|event| event["event"] == *name);
                if wants(name) && is_new {
                    events.push(event(change, seconds, name));
                }
            }
        }
        if wants(LIST_UNSUBSCRIBE) && is_list_unsubscribe(change) {
            events.push(event(change, seconds, LIST_UNSUBSCRIBE));
        }
    }
    events
}

/// Whether a person turned e-mail off by an unsubscribe link.
fn is_list_unsubscribe(change: &Value) -> bool {
    let by_link = change["by"].as_str().is_some_and(|by| by.starts_with("unsubscribe:"));
    by_link
        && ["emailSubscribe", "active"].iter().any(|field| turned(change, field, "", "off") == Some("off"))
}

/// The event of a flag, if the change turned it on or off.
fn turned<'e>(change: &Value, field: &str, on: &'e str, off: &'e str) -> Option<&'e str> {
    let values = change["fields"].get(field)?;
    let is_on = |value: &Value| match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => Some(number.as_i64() != Some(0)),
        Value::String(text) => Some(text == "1" || text == "true"),
        _ => None,
    };
    let to = is_on(&values["to"])?;
    (is_on(&values["from"]) != Some(to)).then_some(if to { on } else { off })
}

fn event(change: &Value, seconds: i64, name: &str) -> Value {
    let mut body = Map::new();
    let copied = |key: &str| change.get(key).cloned().unwrap_or(Value::Null);
    body.insert("datetime".to_owned(), json!(seconds));
    body.insert("event".to_owned(), json!(name));
    body.insert("id".to_owned(), copied("contactId"));
    body.insert("contactListId".to_owned(), copied("contactListId"));
    if name != "contact.erased" {
        for key in ["email", "userId", "phoneNumber", "requestId"] {
            body.insert(key.to_owned(), copied(key));
        }
    }
    if name == "contact.updated" {
        body.insert("fields".to_owned(), copied("fields"));
    }
    Value::Object(body)
}

/// The body of a message: the event itself, or of a webhook with batches an object with all of them.
pub fn body(mut events: Vec<Value>, batched: bool) -> String {
    match events.pop() {
        Some(event) if events.is_empty() && !batched => event.to_string(),
        last => {
            events.extend(last);
            Value::Object(Map::from_iter([("events".to_owned(), Value::Array(events))])).to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(action: &str, fields: Value) -> Value {
        json!({ "cursor": "x", "contactListId": "l", "contactId": "c", "userId": "u", "email": "user@example.com",
            "phoneNumber": null, "action": action, "requestId": "r", "source": "contacts/update",
            "at": "2026-10-14 09:30:00", "by": "key", "fields": fields })
    }

    fn names(change: &Value, asked: &[&str]) -> Vec<String> {
        let asked: Vec<_> = asked.iter().map(|name| (*name).to_owned()).collect();
        let events = events(change, 7, &asked);
        events.iter().map(|event| event["event"].as_str().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn a_change_is_the_events_that_are_asked_for() {
        let fields = json!({ "active": { "from": true, "to": false }, "smsSubscribe": { "from": null, "to": true },
            "desktopWebPushSubscribe": { "from": false, "to": true }, "mobileWebPushSubscribe": { "from": false, "to": true },
            "emailSubscribe": { "from": true, "to": true } });
        let updated = change("updated", fields);
        let asked = [
            "contact.updated",
            "unsubscribed",
            "subscribed",
            "sms-subscribed",
            "web-push-subscribed",
            "email-subscribed",
        ];
        assert_eq!(
            names(&updated, &asked),
            ["contact.updated", "unsubscribed", "sms-subscribed", "web-push-subscribed"]
        );
        assert_eq!(names(&updated, &["contact.created", "delivered"]), Vec::<String>::new());
        assert_eq!(
            names(&change("removed", json!({})), &["contact.removed", "unsubscribed"]),
            ["contact.removed"]
        );
    }

    #[test]
    fn a_body_has_the_vendor_s_members_and_an_erased_contact_its_ids_alone() {
        let asked = ["contact.updated".to_owned(), "contact.erased".to_owned()];
        let fields = json!({ "name": { "from": null, "to": "Jo" } });
        let sent = events(&change("updated", fields.clone()), 7, &asked);
        let expected = json!({ "datetime": 7, "event": "contact.updated", "id": "c", "contactListId": "l",
            "email": "user@example.com", "userId": "u", "phoneNumber": null, "requestId": "r", "fields": fields });
        assert_eq!(sent, std::slice::from_ref(&expected));
        assert_eq!(body(sent.clone(), false), expected.to_string());
        assert_eq!(body(sent, true), json!({ "events": [expected] }).to_string());
        let erased = events(&change("erased", json!({})), 7, &asked);
        assert_eq!(
            erased,
            [json!({ "datetime": 7, "event": "contact.erased", "id": "c", "contactListId": "l" })]
        );
    }

    #[test]
    fn an_unsubscribe_link_that_turned_e_mail_off_is_an_event_of_its_own() {
        let off = json!({ "emailSubscribe": { "from": true, "to": false } });
        let by = |by: &str, fields: &Value| {
            let mut change = change("updated", fields.clone());
            change["by"] = json!(by);
            names(&change, &["list-unsubscribe"])
        };
        assert_eq!(by("unsubscribe:one-click", &off), ["list-unsubscribe"]);
        assert_eq!(by("unsubscribe:page", &json!({ "active": { "from": true, "to": false } })).len(), 1);
        assert_eq!(
            by("unsubscribe:page", &json!({ "smsSubscribe": { "from": true, "to": false } })).len(),
            0
        );
        assert_eq!(by("0123456789abcdef", &off).len(), 0);
    }

    #[test]
    fn names_that_are_never_sent_are_accepted_of_the_vendor_s_messages_alone() {
        for name in
            ["contact.created", "segment.joined", "web-push-unsubscribed", "delivered", "list-unsubscribe"]
        {
            assert!(is_accepted(name), "{name}");
        }
        for name in ["", "segment.changed", "contact.changed", "Delivered", "a b"] {
            assert!(!is_accepted(name), "{name}");
        }
        assert!(!is_sent("delivered") && is_sent("subscribed"));
    }
}
