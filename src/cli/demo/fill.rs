//! Fills the demo's store through its own API and commands, as a user would. Run again after an interruption, it changes
//! nothing that is there already.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::client::Client;
use super::people::{Person, SOURCES, table};
use super::{State, save};
use crate::cli::Result;

/// People in the list of customers, which are sent over the API.
const CUSTOMERS: usize = 1_200;

/// People in the list of the newsletter, which are imported from a file.
const SUBSCRIBERS: usize = 800;

/// One wrong row of that file for so many right ones.
const WRONG_EVERY: usize = 90;

/// Customers whose plan changes.
const UPGRADED: usize = 300;

/// Customers that are removed, and restored by an undo.
const REMOVED: usize = 25;

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

/// Creates the lists and sources that a former run has not created.
pub async fn make_lists(client: &Client, state: &mut State, directory: &Path) -> Result {
    if state.customers.is_none() {
        let variables = json!([
            { "name": "newVariableName", "type": "ENUM_STRING" },
            { "name": "plan", "type": "ENUM_STRING" },
            { "name": "city", "type": "ENUM_STRING" },
            { "name": "signedUp", "type": "ENUM_DATE" },
        ]);
        state.customers = Some(make_list(client, "Customers", variables).await?);
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

/// Fills both lists, and returns a line about each and about what happened since.
pub async fn fill(client: &Client, lists: &Lists, directory: &Path) -> Result<[String; 3]> {
    let people: Vec<_> = (0..CUSTOMERS).map(|number| Person(number).contact()).collect();
    for batch in people.chunks(BATCH) {
        update(client, &lists.customers, batch, true, None).await?;
    }
    let imported = import(client, &lists.newsletter, directory).await?;
    let upgraded: Vec<_> = (0..UPGRADED).map(|number| upgrade(Person(number * 3))).collect();
    let mut failing = Value::Null;
    for (number, batch) in upgraded.chunks(BATCH).enumerate() {
        let hook = (number == 0).then_some(FORBIDDEN);
        let request = update(client, &lists.customers, batch, false, hook).await?;
        if hook.is_some() {
            failing = request;
        }
    }
    let removed: Vec<_> = (0..REMOVED).map(|number| Person(number * 41).user_id()).collect();
    let remove = json!({ "contactListId": lists.customers, "userIds": removed });
    let remove = client.post("/v3/contacts/remove", &remove).await?;
    let undo = json!({ "requestId": remove["requestId"] });
    let undo = client.post("/v3/request/undo", &undo).await?;
    client.wait(&undo["requestId"], |request| request["status"] == "processed").await?;
    client.wait(&failing, |request| request["webHook"]["status"] == "failed").await?;
    Ok([
        format!("Customers   {CUSTOMERS} invented people, sent over the API"),
        imported,
        format!(
            "Requests    {UPGRADED} plans changed, {REMOVED} people removed and restored, 1 webhook failed"
        ),
    ])
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

/// Imports a file by `rollbook import`, as a user does, and returns a line about it.
async fn import(client: &Client, list: &str, directory: &Path) -> Result<String> {
    let (file, failures) = (directory.join("newsletter.csv"), directory.join("newsletter.failed.csv"));
    let (rows, wrong) = table(SUBSCRIBERS, WRONG_EVERY);
    std::fs::write(&file, rows).map_err(|error| format!("{}: {error}", file.display()))?;
    // Left by a run that was interrupted behind its import, which goes again from the start.
    if failures.exists() && !directory.join("newsletter.failed.csv.state").exists() {
        std::fs::remove_file(&failures).map_err(|error| format!("{}: {error}", failures.display()))?;
    }
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command.arg("import").arg(&file).args(["--list", list, "--yes", "--patience", "10", "--failures"]);
    command.arg(&failures).env("ROLLBOOK_URL", client.base()).env("ROLLBOOK_TOKEN", client.token());
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output = output.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
    check(&output, wrong)?;
    let failures = failures.display();
    Ok(format!("Newsletter  {SUBSCRIBERS} imported from {}; {wrong} rows failed: {failures}", file.display()))
}

/// An import with wrong rows ends with 1.
fn check(output: &Output, wrong: usize) -> Result {
    match output.status.code() {
        Some(0) if wrong == 0 => Ok(()),
        Some(1) if wrong > 0 => Ok(()),
        _ => Err(format!("rollbook import failed: {}", String::from_utf8_lossy(&output.stderr).trim_end())),
    }
}
