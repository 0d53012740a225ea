//! The messages of an account webhook: events that are sent together, in their order.

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::events::Show;
use app::Refusal;
use app::changes::ChangesRead;
use app::segment_events::SegmentChange;
use app::suppressed_contacts::SuppressedContact;
use app::webhook::event;
use app::webhook::position::Position;
use domain::id::ObjectId;
use storage::{AccountWebhook, Error, Mark, WebhookKey};

/// A message: events that are sent together.
pub struct Events {
    /// The same over all attempts, also after a restart.
    pub id: String,
    /// The position behind its last event.
    pub behind: Position,
    /// How many events it holds.
    pub count: u32,
    /// The body.
    pub body: Bytes,
}

/// An event, with the position behind its cause if it is the last event of that.
type Event = (Value, Option<Position>);

/// The messages of a page of changes, which are taken out of it.
///
/// # Errors
/// What is stored does not read.
pub fn of_changes(
    webhook: &AccountWebhook,
    position: &Position,
    read: &mut ChangesRead,
    show: Show,
) -> Result<Vec<Events>, Error> {
    let places: Vec<_> = read.page.changes.iter().map(|change| (change.at, change.mark)).collect();
    let cursors: Vec<_> = read.page.cursors().collect();
    let mut events: Vec<Event> = Vec::new();
    // A change is null if its list was removed, and has no event.
    for ((change, (at, mark)), changes) in show(read)?.into_iter().zip(places).zip(cursors) {
        let of_change = event::events(&change, at.seconds(), &webhook.config.events);
        let count = of_change.len();
        for (index, mut event) in of_change.into_iter().enumerate() {
            event["eventId"] = Value::String(change_id(webhook.key, mark, index));
            let behind = (index + 1 == count).then(|| Position { changes: changes.clone(), ..*position });
            events.push((event, behind));
        }
    }
    Ok(pack(webhook, position, events))
}

/// The messages of suppressions, in the order in which they were added: an event for each contact that has the address.
pub fn of_suppressions(
    webhook: &AccountWebhook,
    position: &Position,
    added: Vec<(u64, Vec<SuppressedContact>)>,
) -> Vec<Events> {
    let mut events: Vec<Event> = Vec::new();
    for (serial, contacts) in added {
        for contact in contacts {
            let mut event = suppressed(&contact);
            event["eventId"] = Value::String(suppression_id(webhook.key, serial, &contact));
            events.push((event, None));
        }
        // All suppressions of one change are behind the webhook, or none.
        if let Some((_, behind)) = events.last_mut() {
            *behind = Some(Position { suppressed: Some(serial), ..position.clone() });
        }
    }
    pack(webhook, position, events)
}

/// The event of a suppressed address, for a contact that has it.
fn suppressed(contact: &SuppressedContact) -> Value {
    let SuppressedContact { list, contact, identifiers, suppression } = contact;
    json!({
        "datetime": suppression.created_at.seconds(),
        "event": event::SUPPRESSED,
        "id": contact,
        "contactListId": list,
        "email": identifiers.email,
        "userId": identifiers.user_id,
        "phoneNumber": identifiers.phone_number,
        "suppressed": {
            "channel": suppression.reason.channel().name(),
            "reason": suppression.reason.name(),
            "createdAt": suppression.created_at,
            "expireAt": suppression.expires_at,
        },
    })
}

/// Whether changes behind the cursor are not stored any more.
pub fn is_lost(refusal: &Refusal) -> bool {
    match refusal {
        Refusal::Gone(_) => true,
        Refusal::Invalid(problems) => problems.iter().any(|problem| problem.code == "CURSOR_UNKNOWN"),
        _ => false,
    }
}

/// The messages of contacts that joined or left segments, in the order in which it was noticed.
pub fn of_segments(webhook: &AccountWebhook, position: &Position, changes: &[SegmentChange]) -> Vec<Events> {
    let mut events: Vec<Event> = Vec::new();
    for change in changes {
        let Some(mut event) = segment(change, &webhook.config.events) else { continue };
        event["eventId"] = Value::String(segment_id(webhook.key, change));
        let behind = Position { segments: Some(change.event.serial), ..position.clone() };
        events.push((event, Some(behind)));
    }
    pack(webhook, position, events)
}

/// The event of a contact that joined or left a segment, if it is asked for.
fn segment(change: &SegmentChange, asked: &[String]) -> Option<Value> {
    let SegmentChange { list, contact, identifiers, event } = change;
    let [joined, left] = event::SEGMENT;
    let name = if event.joined { joined } else { left };
    asked.iter().any(|asked| asked == name).then(|| {
        json!({
            "datetime": event.at.seconds(),
            "event": name,
            "id": contact,
            "contactListId": list,
            "segmentId": event.segment,
            "email": identifiers.email,
            "userId": identifiers.user_id,
            "phoneNumber": identifiers.phone_number,
        })
    })
}

fn pack(webhook: &AccountWebhook, position: &Position, events: Vec<Event>) -> Vec<Events> {
    let (mut cursor, mut messages) = (position.clone(), Vec::new());
    let batch = webhook.config.batch.max(1) as usize;
    let mut events = events.into_iter().peekable();
    while events.peek().is_some() {
        let mut bodies = Vec::with_capacity(batch);
        for (event, behind) in events.by_ref().take(batch) {
            // A cause of which an event is in the next message is not behind us yet.
            if let Some(behind) = behind {
                cursor = behind;
            }
            bodies.push(event);
        }
        messages.push(Events {
            id: bodies.first().and_then(|event| event["eventId"].as_str()).unwrap_or_default().to_owned(),
            behind: cursor.clone(),
            count: u32::try_from(bodies.len()).unwrap_or(u32::MAX),
            body: Bytes::from(event::body(bodies, batch > 1)),
        });
    }
    messages
}

/// The id of an event: of its webhook, and of its place among the changes. The same whenever the change is read.
fn change_id(key: WebhookKey, mark: Mark, index: usize) -> String {
    let Mark { list, position, index: place, check } = mark;
    id(&format!("{}:{}:{position}:{place}:{check}:{index}", key.no.0, list.0))
}

fn suppression_id(key: WebhookKey, serial: u64, contact: &SuppressedContact) -> String {
    let (hash, reason) = (u128::from_le_bytes(contact.suppression.hash), contact.suppression.reason.code());
    id(&format!("{}:suppressed:{serial}:{hash}:{reason}:{}:{}", key.no.0, contact.list, contact.contact))
}

fn segment_id(key: WebhookKey, change: &SegmentChange) -> String {
    let (event, at) = (&change.event, change.event.at.millis());
    id(&format!("{}:segment:{}:{}:{}:{at}", key.no.0, event.serial, event.segment, change.contact))
}

fn id(text: &str) -> String {
    let mut id = [0; 12];
    id.copy_from_slice(&Sha256::digest(text)[..12]);
    ObjectId::from_bytes(id).to_string()
}
