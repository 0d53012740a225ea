//! Jobs that run on the server: imports of uploaded files, and changes of many contacts.

use std::sync::Arc;

use rollbook::clock::Clock;
use rollbook::http::inside::Inside;
use rollbook::id::{Ids, ObjectId};
use rollbook::jobs::Jobs;
use rollbook::jobs::desk::{Error, Order};
use rollbook::jobs::job::{Action, Bulk, Plan, Status, Whom};
use rollbook::jobs::shelf::Job;
use rollbook::storage::UserRole;
use serde_json::{Value, json};

use crate::faults::{Fault, Switch};
use crate::harness::{Server, Setup};

/// A server, a list of it, and its user who works on it within the process.
pub struct Yard {
    pub server: Server,
    pub list: String,
    pub inside: Inside,
    pub order: Order,
}

/// What the columns of the files of these tests are.
fn plan(upsert: bool) -> Plan {
    let columns = ["email", "name", "variables.plan"].map(str::to_owned).to_vec();
    Plan { columns, new_variables: Vec::new(), empty_clears: false, upsert }
}

/// Rows of such a file, of which every `bad`th has no e-mail address that is one.
fn rows(count: usize, bad: usize) -> String {
    let row = |n: usize| {
        let at = if n.is_multiple_of(bad) { "" } else { "@example.com" };
        format!("user{n}{at},=cmd|{n},plan{n}\n")
    };
    format!("Email,Name,plan\n{}", (1..=count).map(row).collect::<String>())
}

impl Yard {
    pub async fn new() -> Self {
        Self::with(Setup::default()).await
    }

    pub async fn with(setup: Setup) -> Self {
        let server = Server::with(setup).await;
        let list = server.list().await;
        Self::on(server, list).await
    }

    pub async fn on(server: Server, list: String) -> Self {
        let inside = server.inside().await;
        let (caller, user) = (inside.caller.clone(), server.user);
        let order = Order { caller, user, list: list.clone(), list_name: "Customers".to_owned() };
        Self { server, list, inside, order }
    }

    pub fn jobs(&self) -> &Arc<Jobs> {
        &self.inside.app.jobs
    }

    pub async fn upload(&self, name: &str, content: impl AsRef<[u8]>) -> Result<ObjectId, Error> {
        let mut upload = self.jobs().upload(&self.inside.app, &self.order, self.jobs().room()?).await?;
        for piece in content.as_ref().chunks(100_000) {
            upload.write(piece.to_vec().into()).await?;
        }
        upload.finish(&self.inside.app, &self.order, name).await
    }

    pub async fn job(&self, id: ObjectId) -> Job {
        let job = self.jobs().one(self.order.caller.viewer.account, id).await;
        job.expect("it reads").expect("the job is there")
    }

    pub async fn begin(&self, id: ObjectId, plan: Option<Plan>, trying: bool) {
        self.jobs().begin(self.job(id).await, plan, trying).await.expect("it begins");
    }

    pub async fn until(&self, id: ObjectId, what: &str, is_so: impl Fn(&Job) -> bool) -> Job {
        self.server.wait_for(what, async || Some(self.job(id).await).filter(|job| is_so(job))).await
    }

    pub async fn ended(&self, id: ObjectId) -> Job {
        self.until(id, "the job to end", |job| !job.status().is_active()).await
    }

    /// created, updated, unchanged, failed
    pub fn counts(job: &Job) -> [u64; 4] {
        let counts = job.progress.as_ref().expect("it was begun").counts;
        [counts.created, counts.updated, counts.unchanged, counts.failed]
    }

    pub async fn find(&self, filter: &Value) -> Vec<Value> {
        let mut question = json!({ "contactListId": self.list, "limit": 1000 });
        question.as_object_mut().expect("an object").extend(filter.as_object().expect("an object").clone());
        let mut found = Vec::new();
        loop {
            let page = self.server.ok("/v3/contacts/find", &question).await;
            found.extend(page["data"].as_array().expect("an array").clone());
            match &page["next"] {
                Value::Null => return found,
                next => question["after"] = next.clone(),
            }
        }
    }

    pub async fn change(&self, action: Action, whom: Whom) -> ObjectId {
        let made = self.jobs().change_many(&self.inside.app, &self.order, Bulk { action, whom }).await;
        made.expect("the job is made")
    }
}

fn matching(filter: &Value) -> Whom {
    Whom::Matching(filter.as_object().expect("an object").clone())
}

fn set(field: &str, to: bool) -> Action {
    Action::Set { field: field.to_owned(), to }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uploaded_file_becomes_contacts_and_its_bad_rows_a_table() {
    let yard = Yard::new().await;
    let id = yard.upload("people.csv", rows(1_000, 100)).await.expect("a job");
    assert_eq!(yard.job(id).await.status(), Status::Ready);
    yard.begin(id, Some(plan(true)), false).await;
    let job = yard.ended(id).await;
    assert_eq!((job.status(), Yard::counts(&job)), (Status::Done, [990, 0, 0, 10]));
    let is_gone = async || (!job.place.upload().exists()).then_some(());
    yard.server.wait_for("the upload to go", is_gone).await;
    let failed = std::fs::read_to_string(job.place.failures()).expect("the failed rows");
    let lines: Vec<_> = failed.lines().collect();
    assert_eq!(lines[0], "rollbookLine,rollbookError,Email,Name,plan");
    assert_eq!(lines[1], "101,invalid RFC2822 email user100 at email field,user100,'=cmd|100,plan100");
    assert_eq!(lines.len(), 11);
    let contacts = yard.find(&json!({})).await;
    assert_eq!(contacts.len(), 990);
    // Batches in flight are accepted in any order.
    let named = |contact: &Value| contact["email"] == "user1@example.com" && contact["name"] == "=cmd|1";
    assert!(contacts.iter().any(named), "{}", contacts[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_what_would_be_done_and_changes_nothing() {
    let yard = Yard::new().await;
    yard.server.upsert(&yard.list, json!({ "contact": "user1@example.com" })).await;
    let id = yard.upload("people.csv", rows(300, 100)).await.expect("a job");
    let mut with_new = plan(false);
    with_new.columns[2] = "variables.other".to_owned();
    with_new.new_variables =
        vec![rollbook::files::mapping::NewVariable { name: "other".to_owned(), date: false }];
    yard.begin(id, Some(with_new), true).await;
    let job = yard.ended(id).await;
    assert_eq!((job.status(), Yard::counts(&job)), (Status::Ready, [0, 1, 0, 299]));
    let faults = job.progress.expect("it was tried").first_faults;
    assert_eq!(
        faults[0],
        (3, "CONTACT_NOT_FOUND: No contact of the list has this userId, email or phoneNumber".to_owned())
    );
    assert_eq!(faults.len(), 20);
    assert_eq!(yard.find(&json!({})).await.len(), 1);
    let list = yard.server.ok("/v3/contact-list/get", &json!({ "contactListId": yard.list })).await;
    assert!(!list.to_string().contains("other"), "{list}");
    // Then the real thing, with other wishes.
    yard.begin(id, Some(plan(true)), false).await;
    assert_eq!(Yard::counts(&yard.ended(id).await), [296, 1, 0, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_stopped_and_goes_on_with_no_row_twice() {
    // What is accepted waits, so that the import cannot end before it is stopped.
    let switch = Switch::new();
    let yard = Yard::with(Setup { wrap: switch.wrap(), ..Setup::default() }).await;
    switch.set(Fault::ApplyWaits);
    let id = yard.upload("people.csv", rows(12_000, 400)).await.expect("a job");
    yard.begin(id, Some(plan(true)), false).await;
    let accepted = async || (yard.server.storage.backlog().batches >= 20).then_some(());
    yard.server.wait_for("some rows to be accepted", accepted).await;
    yard.jobs().stop(yard.job(id).await).await.expect("it is asked to stop");
    let job = yard.ended(id).await;
    assert_eq!(job.status(), Status::Stopped);
    let done = job.progress.expect("it was begun").done;
    assert!(done < 12_000, "{done}");
    switch.set(Fault::None);
    yard.begin(id, None, false).await;
    let job = yard.ended(id).await;
    // A row that took effect twice would be counted as unchanged the second time.
    assert_eq!((job.status(), Yard::counts(&job)), (Status::Done, [11_970, 0, 0, 30]));
    let failed = std::fs::read_to_string(job.place.failures()).expect("the failed rows");
    assert_eq!(failed.lines().count(), 31);
    assert_eq!(yard.find(&json!({})).await.len(), 11_970);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_goes_on_by_itself_where_the_server_was_stopped() {
    let yard = Yard::new().await;
    let id = yard.upload("people.csv", rows(10_000, 500)).await.expect("a job");
    yard.begin(id, Some(plan(true)), false).await;
    let begun = |job: &Job| job.progress.as_ref().is_some_and(|progress| progress.done > 0);
    yard.until(id, "some rows to be done", begun).await;
    let Yard { server, list, inside, .. } = yard;
    drop(inside);
    let server = server.restart(Setup::default()).await;
    let yard = Yard::on(server, list).await;
    let job = yard.ended(id).await;
    assert_eq!((job.status(), Yard::counts(&job)), (Status::Done, [9_980, 0, 0, 20]));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_who_fit_a_filter_are_changed_and_nobody_else() {
    let yard = Yard::new().await;
    let contact = |n: usize| json!({ "contact": format!("user{n}@example.com"), "emailSubscribe": n.is_multiple_of(2), "name": format!("N{}", n % 3) });
    for some in (0..1_500).collect::<Vec<_>>().chunks(100) {
        yard.server.update(&yard.list, true, some.iter().map(|n| contact(*n)).collect()).await;
    }
    // Someone whose userId reads like the address of one who fits.
    yard.server
        .upsert(&yard.list, json!({ "contact": "x", "userId": "user0@example.com", "emailSubscribe": true }))
        .await;
    let id = yard
        .change(
            set("emailSubscribe", false),
            matching(&json!({ "emailSubscribe": true, "namePrefix": "n0" })),
        )
        .await;
    let job = yard.ended(id).await;
    assert_eq!((job.status(), Yard::counts(&job)), (Status::Done, [0, 250, 0, 0]));
    let left = yard.find(&json!({ "emailSubscribe": true })).await;
    assert_eq!(left.len(), 501);
    assert!(left.iter().all(|contact| contact["name"] != "N0"));
    let requests = std::fs::read_to_string(job.place.requests()).expect("the requests");
    assert_eq!(requests.lines().count(), 3, "{requests}");
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_that_were_chosen_are_removed_and_can_be_put_back() {
    let yard = Yard::new().await;
    let made = json!([{ "contact": "a" }, { "contact": "b@example.com" }, { "contact": "+15555551" }, { "contact": "c" }]);
    let made = yard.server.update(&yard.list, true, made).await;
    let made = made["results"]["success"].as_array().expect("an array").clone();
    let ids: Vec<_> = made.iter().map(|it| it["id"].as_str().expect("an id").to_owned()).collect();
    let gone = ids[3].clone();
    let removed = json!({ "contactListId": yard.list, "userIds": ["c"] });
    let removed = yard.server.ok("/v3/contacts/remove", &removed).await;
    yard.server.processed(removed["requestId"].as_str().expect("an id")).await;
    let whom =
        Whom::Ids(vec![ids[0].clone(), ids[1].clone(), ids[2].clone(), gone.clone(), "no id".to_owned()]);
    let job = yard.ended(yard.change(Action::Remove, whom).await).await;
    assert_eq!((job.status(), Yard::counts(&job)), (Status::Done, [0, 3, 0, 2]));
    let faults = job.progress.expect("it was begun").first_faults;
    assert_eq!(faults[0].1, format!("contact {gone} is not in the list any more"));
    assert_eq!(yard.find(&json!({})).await.len(), 0);
    let requests = std::fs::read_to_string(job.place.requests()).expect("the requests");
    for request in requests.lines() {
        let undo = yard.server.ok("/v3/request/undo", &json!({ "requestId": request })).await;
        yard.server.processed(undo["requestId"].as_str().expect("an id")).await;
    }
    assert_eq!(yard.find(&json!({})).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_be_imported_leave_nothing() {
    let yard = Yard::with(Setup { max_upload: 1 << 20, ..Setup::default() }).await;
    for (content, text) in [
        (Vec::new(), "people.csv: the file is empty"),
        (
            b"a,b\n\"c".to_vec(),
            "people.csv: line 2: a quotation mark that is opened in this row is never closed",
        ),
        (vec![b'x'; (1 << 20) + 1], "the file is larger than 1 MiB, which is the most that is taken"),
    ] {
        let told = yard.upload("people.csv", content).await.expect_err("it is refused").to_string();
        assert_eq!(told, text);
    }
    let account = yard.order.caller.viewer.account;
    assert!(yard.jobs().shelf.places(account).expect("they read").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_may_not_run_any_more_fails_and_one_of_another_account_is_not_there() {
    let yard = Yard::new().await;
    let id = yard.upload("people.csv", rows(10, 100)).await.expect("a job");
    let stranger = yard.server.bearer("Stranger").await;
    let stranger = yard.server.inside_as(&stranger).await;
    let account = stranger.caller.viewer.account;
    assert!(yard.jobs().one(account, id).await.expect("it reads").is_none());
    assert!(yard.jobs().all(account).await.expect("they read").is_empty());
    yard.server.storage.disable_user(yard.server.user, None).await.expect("it is set");
    yard.begin(id, Some(plan(true)), false).await;
    let job = yard.ended(id).await;
    assert_eq!(job.status(), Status::Failed);
    let fault = job.progress.expect("it was begun").fault;
    assert_eq!(fault.as_deref(), Some("the user who made it is not enabled any more"));
    let storage = &yard.server.storage;
    storage.enable_user(yard.server.user).await.expect("it is set");
    let (now, second) = (Clock::now(yard.server.clock.as_ref()), ("Second".to_owned(), UserRole::Owner));
    let id_of_second = Ids::from_system().next(now);
    assert!(
        storage.add_user(yard.server.account, id_of_second, second, 200, now).await.expect("it is added")
    );
    let demoted = storage.set_user_role(yard.server.user, UserRole::Viewer).await;
    assert!(demoted.expect("it is set").is_done());
    yard.begin(id, None, false).await;
    let fault = yard.ended(id).await.progress.expect("it was begun").fault;
    assert_eq!(fault.as_deref(), Some("the user who made it may not change contacts any more"));
    let promoted = storage.set_user_role(yard.server.user, UserRole::Editor).await;
    assert!(promoted.expect("it is set").is_done());
    yard.begin(id, None, false).await;
    assert_eq!(yard.ended(id).await.status(), Status::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erase_takes_what_was_uploaded_before_it_out_of_the_files() {
    let yard = Yard::new().await;
    let done = yard.upload("people.csv", rows(200, 100)).await.expect("a job");
    yard.begin(done, Some(plan(true)), false).await;
    let done = yard.ended(done).await;
    let ready = yard.upload("more.csv", rows(10, 100)).await.expect("a job");
    let erase = json!({ "email": "user1@example.com" });
    let erase = yard.server.post("/v3/contact/erase", &erase).await;
    assert!(erase.status.is_success(), "{}", erase.text());
    yard.server.processed(erase.json()["requestId"].as_str().expect("an id")).await;
    let later = yard.upload("later.csv", rows(10, 100)).await.expect("a job");
    rollbook::jobs::tidy::tidy(&yard.inside.app).await.expect("it is tidied");
    let ready = yard.job(ready).await;
    assert!(
        !done.place.failures().exists() && !ready.place.upload().exists() && !ready.place.preview().exists()
    );
    assert!(yard.job(later).await.place.upload().exists(), "what came after the erase stays");
    let told = yard.jobs().begin(ready, Some(plan(true)), false).await.expect_err("it cannot begin");
    assert_eq!(told.to_string(), "its file is gone: upload it again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_has_so_many_jobs_and_can_remove_them() {
    let yard = Yard::new().await;
    for _ in 0..10 {
        yard.upload("people.csv", "email\n").await.expect("a job");
    }
    let told = yard.upload("people.csv", "email\n").await.expect_err("there are too many").to_string();
    assert!(told.starts_with("there are 10 jobs that have not ended"), "{told}");
    let all = yard.jobs().all(yard.order.caller.viewer.account).await.expect("they read");
    assert!(yard.jobs().remove(all[0].clone()).await.expect("it is removed"));
    yard.upload("people.csv", "email\n").await.expect("there is room again");
}
