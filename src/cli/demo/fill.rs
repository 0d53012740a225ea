//! Fills the demo's store through its own API and commands, as a user would. Run again after an interruption, it changes
//! nothing that is there already.

use std::path::Path;

use serde_json::{Value, json};

use super::client::Client;
use super::import::import;
use super::past::Past;
use super::people::{Person, SOURCES};
use super::{State, save};
use crate::cli::Result;

/// People in the list of customers, which are sent over the API.
const CUSTOMERS: usize = 1_200;

/// Customers whose plan changes.
const UPGRADED: usize = 300;

/// Customers that are removed, and restored by an undo.
const REMOVED: usize = 25;

/// Batches of scores, between other changes.
const SCORES: usize = 12;

/// How many hours the activity takes: 6 days, since results are stored for 7.
pub const HOURS: u32 =
    BETWEEN_BATCHES * 12 + AFTER_IMPORT + BETWEEN_PLANS * 3 + BEFORE_UNDO + BETWEEN_SCORES * 12;

/// Hours between batches of customers, after the import, between batches of plans, and so on.
const BETWEEN_BATCHES: u32 = 4;
const AFTER_IMPORT: u32 = 5;
const BETWEEN_PLANS: u32 = 9;
const BEFORE_UNDO: u32 = 4;
const BETWEEN_SCORES: u32 = 5;

/// An address that is reserved for documentation (RFC 5737). The address policy forbids it, so the webhook fails at once.
const FORBIDDEN: &str = "http://192.0.2.1/status";

const BATCH: usize = 100;

/// The ids of the two lists.
pub struct Lists {
    pub customers: String,
    pub newsletter: String,
}

impl Lists {
    pub fn of(state: &State) -> Result<Self> {
        let ids = state.customers.clone().zip(state.newsletter.clone());
        let (customers, newsletter) = ids.ok_or("the demo's lists were not created")?;
        Ok(Self { customers, newsletter })
    }
}

/// The segments of the customers: a name, and a field with its value.
const SEGMENTS: [(&str, &str, &str); 2] =
    [("May get e-mail", "emailSubscribe", "true"), ("Pro customers", "variables.plan", "pro")];

/// Creates the lists, segments and sources that a former run has not created.
pub async fn make_lists(client: &Client, state: &mut State, directory: &Path) -> Result {
    if state.customers.is_none() {
        let variables = json!([
            { "name": "newVariableName", "type": "ENUM_STRING" },
            { "name": "plan", "type": "ENUM_STRING" },
            { "name": "city", "type": "ENUM_STRING" },
            { "name": "signedUp", "type": "ENUM_DATE" },
        ]);
        let list = make_list(client, "Customers", variables).await?;
        for (name, field, value) in SEGMENTS {
            let value = if value == "true" { json!(true) } else { json!(value) };
            let filter = json!({ "field": field, "op": "is", "value": value });
            let segment = json!({ "contactListId": list, "name": name, "filter": filter });
            client.post("/v3/segment/create", &segment).await?;
        }
        state.customers = Some(list);
        save(state, directory)?;
    }
    if state.newsletter.is_none() {
        let variables = json!([{ "name": "city", "type": "ENUM_STRING" }]);
        state.newsletter = Some(make_list(client, "Newsletter", variables).await?);
        save(state, directory)?;
    }
    if state.source_id.is_none() {
        for (name, id) in SOURCES {
            let cac = json!({ "value": "1.20", "currency": "EUR" });
            let source = json!({ "name": name, "customerSourceId": id, "cac": cac });
            let answer = client.call("/v3/contact-source/add", &source).await?;
            let known = answer["details"][0]["code"] == "SOURCE_EXISTS";
            if answer["result"] != json!(true) && !known {
                return Err(format!("/v3/contact-source/add answered {answer}"));
            }
        }
        let source = json!({ "name": "Demo source", "customerSourceId": "mySourceID" });
        let source = client.post("/v3/contact-source/add", &source).await?;
        state.source_id = source["sourceId"].as_str().map(str::to_owned);
        save(state, directory)?;
    }
    Ok(())
}

async fn make_list(client: &Client, name: &str, variables: Value) -> Result<String> {
    let list = client.post("/v3/contact-list/create", &json!({ "contactListName": name })).await?;
    let id = list["contactListId"].as_str().ok_or("the server returned no list id")?.to_owned();
    let variables = json!({ "contactListId": id, "variables": variables });
    client.post("/v3/contact-list/variables/add", &variables).await?;
    Ok(id)
}

/// Fills both lists over a week, and returns a line about each and about what happened since.
pub async fn fill(client: &Client, past: &Past, lists: &Lists) -> Result<[String; 3]> {
    let people: Vec<_> = (0..CUSTOMERS).map(|number| Person(number).contact()).collect();
    for batch in people.chunks(BATCH) {
        update(client, &lists.customers, batch, true, None).await?;
        past.pass(BETWEEN_BATCHES);
    }
    let imported = import(past, client.token(), &lists.newsletter).await?;
    past.pass(AFTER_IMPORT);
    let upgraded: Vec<_> = (0..UPGRADED).map(|number| upgrade(Person(number * 3))).collect();
    let mut failing = Value::Null;
    for (number, batch) in upgraded.chunks(BATCH).enumerate() {
        let hook = (number == 0).then_some(FORBIDDEN);
        let request = update(client, &lists.customers, batch, false, hook).await?;
        if hook.is_some() {
            failing = request;
        }
        past.pass(BETWEEN_PLANS);
    }
    client.wait(&failing, |request| request["webHook"]["status"] == "failed").await?;
    remove_and_restore(client, past, lists).await?;
    for round in 0..SCORES {
        let scores: Vec<_> = (0..BATCH).map(|number| score(Person(number * 11 + round), round)).collect();
        let request = update(client, &lists.customers, &scores, false, None).await?;
        client.wait(&request, |request| request["status"] == "processed").await?;
        past.pass(BETWEEN_SCORES);
    }
    Ok([
        format!("Customers   {CUSTOMERS} invented people, sent over the API"),
        imported,
        format!(
            "Requests    {UPGRADED} plans changed, {REMOVED} people removed and restored, 1 webhook failed"
        ),
    ])
}

async fn remove_and_restore(client: &Client, past: &Past, lists: &Lists) -> Result {
    let removed: Vec<_> = (0..REMOVED).map(|number| Person(number * 41).user_id()).collect();
    let remove = json!({ "contactListId": lists.customers, "userIds": removed });
    let remove = client.post("/v3/contacts/remove", &remove).await?;
    client.wait(&remove["requestId"], |request| request["status"] == "processed").await?;
    past.pass(BEFORE_UNDO);
    let undo = json!({ "requestId": remove["requestId"] });
    let undo = client.post("/v3/request/undo", &undo).await?;
    client.wait(&undo["requestId"], |request| request["status"] == "processed").await?;
    Ok(())
}

fn score(person: Person, round: usize) -> Value {
    json!({ "contact": person.user_id(), "contactScore": (person.0 * 37 + round * 5) % 101 })
}

fn upgrade(person: Person) -> Value {
    json!({ "contact": person.user_id(), "variables": [{ "name": "plan", "value": "pro" }] })
}

/// Sends a batch, and returns its request id.
async fn update(
    client: &Client,
    list: &str,
    contacts: &[Value],
    upsert: bool,
    hook: Option<&str>,
) -> Result<Value> {
    let batch = json!({ "contactListId": list, "upsert": upsert, "webHookUri": hook, "contacts": contacts });
    Ok(client.post("/v3/contacts/update", &batch).await?["requestId"].clone())
}
