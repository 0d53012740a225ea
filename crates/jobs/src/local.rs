//! The use cases of this process, as imports, exports and bulk changes ask for them. Bodies of batches are read as the
//! API reads them: they stand in checkpoints, and their keys and fingerprints stay those of earlier releases.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Map, Value};

use app::accept::{self, Key, Submission};
use app::find::ContactQuery;
use app::lists;
use app::variables::{self, NewVariables, VariableName};
use app::{Caller, Commands, Queries, Refusal};
use domain::apply::outcome::{Action, NoteCode};
use domain::contact::record::Malformed;
use domain::id::ObjectId;
use domain::journal::ContactNo;
use domain::problem;
use files::api::{
    Accepted, Answer, Api, ContactPage, Failure, ItemOutcome, ListData, Outcome, Results, VariableData, Wrong,
};
use files::mapping::NewVariable;
use storage::{Error, ItemResult, List, RequestState, TakenBy, VariableKind, Way};
use wire::contact::Shown;
use wire::ingest::{self, BodyKind, Context};

/// How long it waits for one of several requests to be applied. Another node may apply it, of which nothing is heard here.
const WAIT: Duration = Duration::from_millis(250);

/// The use cases, for one caller.
#[derive(Clone)]
pub struct Local {
    /// The use cases that change something.
    pub commands: Commands,
    /// The use cases that read.
    pub queries: Queries,
    /// The caller.
    pub caller: Caller,
    /// Bytes of the largest body.
    pub max_body: usize,
}

impl Local {
    async fn find_list(&self, id: &str) -> Result<std::sync::Arc<List>, Refusal> {
        let list = self.queries.list(&self.caller, id).await?;
        list.ok_or_else(|| problem::list_not_found(id).into())
    }

    async fn submit_body(&self, kind: BodyKind, key: Option<&str>, body: &[u8]) -> Result<Accepted, Refusal> {
        let Submission { request, warnings, .. } = self.commands.submission();
        let path = kind.operation().path;
        let key = key.map(|key| Key::new(key.as_bytes(), path, body).ok_or_else(problem::key_invalid));
        let submission = Submission { request, key: key.transpose()?, warnings };
        let Self { commands, queries, caller, .. } = self;
        let context = Context { commands, queries, caller, submission };
        let accept::Accepted { request, results, warnings } = ingest::accept(context, kind, body).await?;
        Ok(Accepted {
            request: request.to_string(),
            results: results.map(read_results),
            warnings: warnings.into_iter().map(wrong).collect(),
        })
    }

    async fn page(
        &self,
        list: &str,
        filter: &Map<String, Value>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<ContactPage, Refusal> {
        let list = self.find_list(list).await?;
        let wanted = ContactQuery::from_json(filter, &list).map_err(Refusal::Invalid)?;
        let filter = self.queries.filter(&self.caller, Some(&list), &wanted).await?;
        let after = after.and_then(ObjectId::parse).and_then(|id| id.contact_number(list.id));
        let way = Way::Up(ContactNo(after.unwrap_or_default()));
        let bounds = app::contacts::read::bounds(limit);
        let found =
            self.queries.contacts_with_suppressions(&self.caller, &list, way, &filter, bounds).await?;
        let show = |malformed: Malformed| Error::Damaged(malformed.to_string());
        let contacts = found.rows.iter().map(|(_, contact, suppressed)| {
            Shown::of(contact, &list, suppressed).map(Shown::into_json).map_err(show)
        });
        let ids = found.rows.iter().map(|(number, ..)| ObjectId::of_contact(list.id, number.0).to_string());
        let left_out = found.damaged.iter().map(|number| problem::contact_damaged(list.id, *number).message);
        Ok(ContactPage {
            contacts: contacts.collect::<Result<_, _>>()?,
            ids: ids.collect(),
            next: found.next.map(|way| ObjectId::of_contact(list.id, way.number().0).to_string()),
            left_out: left_out.collect(),
        })
    }
}

fn wrong(problem: problem::Problem) -> Wrong {
    let problem::Problem { position, field, code, message } = problem;
    Wrong::new(position, field, code.into_owned(), &message)
}

fn failure(path: &str, refusal: Refusal) -> Failure {
    if let Some(error) = refusal.store_error() {
        tracing::error!(%error, path, "jobs: accessing the store failed");
    }
    let (status, problems) = (refusal.status(), refusal.into_problems());
    let texts: Vec<_> = problems.iter().map(|problem| problem.message.as_str()).collect();
    let text = format!("{path}: {}", texts.join("; "));
    match status {
        400 => Failure::Invalid(problems.into_iter().map(wrong).collect(), text),
        503 => Failure::Later { text, after: None, away: true },
        500.. => Failure::Later { text, after: None, away: false },
        _ => Failure::Other(text),
    }
}

fn read_results(results: Vec<ItemResult>) -> Results {
    let read = |(position, result)| {
        let opted_out = match &result {
            ItemResult::Done { notes, .. } => notes.iter().any(|note| note.code == NoteCode::OptedOut),
            ItemResult::Failed { .. } => false,
        };
        let outcome = match result {
            ItemResult::Done { action: Action::Created, .. } => Outcome::Created,
            ItemResult::Done { action: Action::Updated | Action::Removed, .. } => Outcome::Changed,
            ItemResult::Done { .. } => Outcome::Unchanged,
            ItemResult::Failed { failure, taken, .. } => {
                Outcome::Failed(format!("{}: {}", failure.code(), TakenBy::text(failure, taken.as_ref())))
            }
        };
        ItemOutcome { position, outcome, opted_out }
    };
    results.into_iter().enumerate().map(read).collect()
}

#[async_trait]
impl Api for Local {
    async fn list(&self, id: &str) -> Answer<ListData> {
        let list = self.find_list(id).await.map_err(|refusal| failure(lists::GET.path, refusal))?;
        let variables = list.variables.iter().map(|variable| VariableData {
            name: variable.name.clone(),
            date: variable.kind == VariableKind::Date,
        });
        Ok(ListData { contact_list_name: list.about.name.clone(), custom_variables: variables.collect() })
    }

    async fn add_variables(&self, list: &str, new: &[NewVariable]) -> Answer<()> {
        let added = async {
            let list = self.find_list(list).await?;
            let mut variables = NewVariables::of(Some(&list));
            for NewVariable { name, date } in new {
                let kind = if *date { VariableKind::Date } else { VariableKind::String };
                variables.push(VariableName::parse(Some(name))?, kind)?;
            }
            self.commands.add_variables(&self.caller, &list, variables).await
        };
        added.await.map_err(|refusal| failure(variables::ADD.path, refusal))
    }

    async fn submit(&self, kind: BodyKind, key: Option<&str>, body: Bytes) -> Answer<Accepted> {
        let path = kind.operation().path;
        if body.len() > self.max_body {
            // An import then halves its batch.
            return Err(Failure::TooLarge(format!("{path}: Request body is too large")));
        }
        self.submit_body(kind, key, &body).await.map_err(|refusal| failure(path, refusal))
    }

    async fn results(&self, requests: &[String]) -> Answer<HashMap<String, Option<Results>>> {
        let ids: Vec<_> = requests.iter().filter_map(|id| ObjectId::parse(id)).collect();
        let found = self.queries.outcomes_once_applied(&self.caller, &ids, WAIT).await;
        let found = found.map_err(|error| failure(app::requests::FIND.path, error.into()))?;
        let results = found.into_iter().map(|request| {
            let is_processed = request.state == RequestState::Processed;
            (request.id.to_string(), is_processed.then(|| read_results(request.results)))
        });
        Ok(results.collect())
    }

    async fn contacts(
        &self,
        list: &str,
        filter: &Map<String, Value>,
        after: Option<&str>,
        limit: u32,
    ) -> Answer<ContactPage> {
        let page = self.page(list, filter, after, limit).await;
        page.map_err(|refusal| failure(app::contacts::read::FIND.path, refusal))
    }
}
