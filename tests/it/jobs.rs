//! Jobs that run on the server: imports of uploaded files, and changes of many contacts.

use std::sync::Arc;

use rollbook::clock::Clock;
use rollbook::files::choices::Choices;
use rollbook::files::layout::Said;
use rollbook::id::{Ids, ObjectId};
use rollbook::jobs::JobService;
use rollbook::jobs::job::{Action, Job, Plan, Status, Task, Whom};
use rollbook::jobs::service::{Error, Order};
use rollbook::jobs::store::JobFiles;
use rollbook::storage::{JobKey, JobLimits, JobState, NewJob, UserRole};
use serde_json::{Value, json};

use crate::faults::{Fault, Switch};
use crate::harness::{Inside, Server, Setup};

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
    let (choices, said) = (Choices::default(), Said::default());
    Plan {
        columns,
        new_variables: Vec::new(),
        empty_clears: false,
        upsert,
        choices,
        said,
        resubscribe: false,
    }
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
        let list_id = ObjectId::parse(&list).expect("an id");
        let list_no = server.storage.find_list(list_id).await.expect("a look").expect("the list").no;
        let order = Order { caller, user, list_no, list: list.clone(), list_name: "Customers".to_owned() };
        Self { server, list, inside, order }
    }

    pub fn jobs(&self) -> &Arc<JobService> {
        &self.inside.app.jobs
    }

    pub async fn upload(&self, name: &str, content: impl AsRef<[u8]>) -> Result<ObjectId, Error> {
        let room = self.jobs().place(self.order.caller.viewer.account).await?;
        let mut upload = self.jobs().upload(&self.inside.app, &self.order, room).await?;
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
        self.try_begin(self.job(id).await, plan, trying).await.expect("it begins");
    }

    async fn try_begin(&self, job: Job, plan: Option<Plan>, trying: bool) -> Result<(), Error> {
        self.jobs().begin(&self.inside.app, self.order.user, job, plan, trying).await
    }

    pub async fn until(&self, id: ObjectId, what: &str, is_so: impl Fn(&Job) -> bool) -> Job {
        self.server.wait_for(what, async || Some(self.job(id).await).filter(|job| is_so(job))).await
    }

    pub async fn ended(&self, id: ObjectId) -> Job {
        self.until(id, "the job to end", |job| !job.status.is_active()).await
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
        let id = self.inside.app.ids.next(self.server.clock.now());
        self.change_as(id, action, whom).await.expect("the job is made");
        id
    }

    async fn change_as(&self, id: ObjectId, action: Action, whom: Whom) -> Result<(), Error> {
        self.jobs().change_many(&self.inside.app, &self.order, id, action, whom).await
    }

    /// The ids of the requests that a change of many has made.
    pub async fn requests(&self, job: &Job) -> Vec<String> {
        let mut requests = Vec::new();
        for number in 1..=job.parts {
            let part = self.server.storage.job_part(job.key, number).await.expect("a look");
            let part = String::from_utf8(part.expect("the part")).expect("text");
            requests.extend(part.lines().map(str::to_owned));
        }
        requests
    }

    /// Forgets what is to be forgotten, as the server does each minute.
    async fn tidy(&self) {
        let app = &self.inside.app;
        let looked = app.retention.look(&*app.storage, app.clock.as_ref()).await;
        looked.expect("the time that has passed is known");
        rollbook::jobs::tidy::tidy(app).await.expect("it is tidied");
    }

    /// All directories of jobs.
    fn directories(&self) -> Vec<ObjectId> {
        let all = self.jobs().store.all().expect("they read");
        all.into_iter().map(|(_, files)| files.id).collect()
    }
}

fn files(job: &Job) -> &JobFiles {
    job.files_here().expect("its files are here")
}

fn matching(filter: &Value) -> Whom {
    Whom::Matching(filter.as_object().expect("an object").clone())
}

fn set(field: &str, to: bool) -> Action {
    Action::Set { field: field.to_owned(), to, resubscribe: false }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uploaded_file_becomes_contacts_and_its_bad_rows_a_table() {
    let yard = Yard::new().await;
    let id = yard.upload("people.csv", rows(1_000, 100)).await.expect("a job");
    assert_eq!(yard.job(id).await.status, Status::Ready);
    yard.begin(id, Some(plan(true)), false).await;
    let job = yard.ended(id).await;
    assert_eq!((job.status, Yard::counts(&job)), (Status::Done, [990, 0, 0, 10]));
    let is_gone = async || (!files(&job).upload().exists()).then_some(());
    yard.server.wait_for("the upload to go", is_gone).await;
    let failed = std::fs::read_to_string(files(&job).failures()).expect("the failed rows");
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
async fn who_opted_out_is_left_alone_and_counted_unless_the_job_says_otherwise() {
    let yard = Yard::new().await;
    let contacts = json!([
        { "contact": "user1@example.com", "emailSubscribe": false },
        { "contact": "user2@example.com", "emailSubscribe": false, "smsSubscribe": false },
        { "contact": "user3@example.com" },
    ]);
    yard.server.update(&yard.list, true, contacts).await;
    let rows: String = (1..=4).map(|n| format!("user{n}@example.com,name{n},yes\n")).collect();
    let plan = |resubscribe| {
        let columns = ["email", "name", "emailSubscribe"].map(str::to_owned).to_vec();
        Plan { columns, resubscribe, ..plan(true) }
    };
    let subscribed = async || yard.find(&json!({ "emailSubscribe": true })).await.len();
    let opted_out = |job: &Job| job.progress.as_ref().expect("it was begun").counts.opted_out;
    for (trying, resubscribe, counts, left, on) in [
        (true, false, [1, 3, 0, 0], 2, 0),
        (true, true, [1, 3, 0, 0], 0, 0),
        (false, false, [1, 3, 0, 0], 2, 2),
        (false, true, [0, 2, 2, 0], 0, 4),
    ] {
        let id = yard.upload("people.csv", format!("Email,Name,on\n{rows}")).await.expect("a job");
        yard.begin(id, Some(plan(resubscribe)), trying).await;
        let job = yard.ended(id).await;
        let what = format!("trying {trying}, resubscribe {resubscribe}");
        assert_eq!((Yard::counts(&job), opted_out(&job)), (counts, left), "{what}");
        assert_eq!(subscribed().await, on, "{what}");
    }
    for (resubscribe, left, on) in [(false, 1, 3), (true, 0, 4)] {
        let action = Action::Set { field: "smsSubscribe".to_owned(), to: true, resubscribe };
        let job = yard.ended(yard.change(action, matching(&json!({}))).await).await;
        assert_eq!((job.status, opted_out(&job)), (Status::Done, left));
        assert_eq!(yard.find(&json!({ "smsSubscribe": true })).await.len(), on);
    }
    yard.server.stop().await;
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
    assert_eq!((job.status, Yard::counts(&job)), (Status::Ready, [0, 1, 0, 299]));
    let faults = job.faults.first;
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
    let job = yard.ended(id).await;
    assert_eq!(Yard::counts(&job), [296, 1, 0, 3]);
    assert_eq!(job.faults.first.len(), 3, "those of the dry run are not its own: {:?}", job.faults.first);
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
    yard.jobs().stop(&yard.inside.app, &yard.job(id).await).await.expect("it is asked to stop");
    let job = yard.ended(id).await;
    assert_eq!(job.status, Status::Stopped);
    let done = job.progress.expect("it was begun").done;
    assert!(done < 12_000, "{done}");
    switch.set(Fault::None);
    yard.begin(id, None, false).await;
    let job = yard.ended(id).await;
    // A row that took effect twice would be counted as unchanged the second time.
    assert_eq!((job.status, Yard::counts(&job)), (Status::Done, [11_970, 0, 0, 30]));
    let failed = std::fs::read_to_string(files(&job).failures()).expect("the failed rows");
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
    assert_eq!((job.status, Yard::counts(&job)), (Status::Done, [9_980, 0, 0, 20]));
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
    assert_eq!((job.status, Yard::counts(&job)), (Status::Done, [0, 250, 0, 0]));
    let left = yard.find(&json!({ "emailSubscribe": true })).await;
    assert_eq!(left.len(), 501);
    assert!(left.iter().all(|contact| contact["name"] != "N0"));
    assert_eq!(yard.requests(&job).await.len(), 3);
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
    assert_eq!((job.status, Yard::counts(&job)), (Status::Done, [0, 3, 0, 2]));
    let faults = &job.faults.first;
    assert_eq!(faults[0].1, format!("contact {gone} is not in the list any more"));
    assert_eq!(yard.find(&json!({})).await.len(), 0);
    for request in yard.requests(&job).await {
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
    assert!(yard.directories().is_empty());
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
    assert_eq!(job.status, Status::Failed);
    assert_eq!(job.faults.fault.as_deref(), Some("the user who began it is not enabled any more"));
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
    let fault = yard.ended(id).await.faults.fault;
    assert_eq!(fault.as_deref(), Some("the user who began it may not change contacts any more"));
    let promoted = storage.set_user_role(yard.server.user, UserRole::Editor).await;
    assert!(promoted.expect("it is set").is_done());
    yard.begin(id, None, false).await;
    assert_eq!(yard.ended(id).await.status, Status::Done);
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
    yard.tidy().await;
    let (done, ready, later) = (yard.job(done.key.id).await, yard.job(ready).await, yard.job(later).await);
    assert!(!files(&done).failures().exists() && !files(&ready).upload().exists());
    assert!(ready.subject.is_none() && done.faults.first.is_empty());
    assert!(files(&later).upload().exists() && later.subject.is_some(), "what came after the erase stays");
    let told = yard.try_begin(ready, Some(plan(true)), false).await.expect_err("it cannot begin");
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

#[tokio::test(flavor = "multi_thread")]
async fn the_same_change_sent_twice_makes_one_job() {
    let yard = Yard::new().await;
    yard.server.upsert(&yard.list, json!({ "contact": "a" })).await;
    let id = yard.inside.app.ids.next(yard.server.clock.now());
    let change = || yard.change_as(id, Action::Remove, matching(&json!({})));
    let (first, second) = tokio::join!(change(), change());
    first.and(second).expect("both are answered with the job");
    let job = yard.ended(id).await;
    assert_eq!((job.status, Yard::counts(&job)), (Status::Done, [0, 1, 0, 0]));
    change().await.expect("it is there");
    assert_eq!(yard.job(id).await.status, Status::Done, "it does not run again");
    assert_eq!(yard.jobs().all(yard.order.caller.viewer.account).await.expect("they read").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_runs_stops_when_its_user_is_disabled() {
    let switch = Switch::new();
    let yard = Yard::with(Setup { wrap: switch.wrap(), ..Setup::default() }).await;
    switch.set(Fault::ApplyWaits);
    let import = yard.upload("people.csv", rows(12_000, 400)).await.expect("a job");
    yard.begin(import, Some(plan(true)), false).await;
    yard.until(import, "it to run", |job| job.status == Status::Running).await;
    yard.server.storage.disable_user(yard.server.user, None).await.expect("it is set");
    let job = yard.ended(import).await;
    assert_eq!(job.status, Status::Failed);
    assert_eq!(job.faults.fault.as_deref(), Some("the user who began it is not enabled any more"));
    switch.set(Fault::None);
}

/// The file of a job of an account, of whatever store it is.
fn leave(yard: &Yard, path: &str, name: &str, content: &str) {
    let directory = yard.server.directory.path("files").join(path);
    std::fs::create_dir_all(&directory).expect("a directory");
    std::fs::write(directory.join(name), content).expect("a file");
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_and_files_of_another_store_in_the_same_directory_are_neither_shown_nor_touched() {
    let yard = Yard::new().await;
    let id = yard.upload("secret.csv", rows(3, 100)).await.expect("a job");
    let directory = yard.server.directory.path("files");
    let before = files(&yard.job(id).await).upload();
    // Another store, whose first account has the same number, and whose jobs lie in the same directory.
    let other = Server::with(Setup { files: Some(directory), ..Setup::default() }).await;
    let list = other.list().await;
    let other = Yard::on(other, list).await;
    let account = other.order.caller.viewer.account;
    assert_eq!(account, yard.order.caller.viewer.account);
    assert!(other.jobs().all(account).await.expect("they read").is_empty());
    assert!(other.jobs().one(account, id).await.expect("it reads").is_none());
    let own = other.upload("own.csv", rows(3, 100)).await.expect("a job");
    other.tidy().await;
    assert_eq!(other.directories(), [own]);
    assert!(before.exists());
    assert_eq!(yard.jobs().all(account).await.expect("they read").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_does_not_read_can_be_removed_and_is_forgotten_with_its_files() {
    let yard = Yard::new().await;
    let account = yard.order.caller.viewer.account;
    let (now, week) = (yard.server.clock.now(), std::time::Duration::from_secs(7 * 24 * 3_600 + 60));
    let directory = yard.jobs().store.directory(yard.inside.app.ids.next(now)).expect("a directory");
    let mut ids = Vec::new();
    for created_at in [now.before(week), now] {
        let id = yard.inside.app.ids.next(created_at);
        let upload = yard.jobs().store.make(account, id).expect("a place").upload();
        std::fs::write(upload, "email\n").expect("a file");
        let job = NewJob {
            key: JobKey { account, list: yard.order.list_no, id },
            user: yard.order.user,
            created_at,
            directory: Some(directory),
            description: b"{\"task\":".to_vec(),
            subject: Some(b"x".to_vec()),
            state: JobState::Ready,
            progress: Some(b"[]".to_vec()),
            faults: None,
            output: None,
        };
        let limits = JobLimits { all: 9, open: 9 };
        yard.server.storage.add_job(job, limits).await.expect("it is added");
        ids.push(id);
    }
    let jobs = yard.jobs().all(account).await.expect("they read");
    assert!(jobs.iter().all(|job| job.description.task == Task::Damaged));
    let stored = yard.server.storage.jobs(account).await.expect("they read");
    let files = yard.server.directory.path("files");
    let found =
        rollbook::jobs::check::check(&stored, yard.server.storage.store_id(), &files).expect("a look");
    assert_eq!((found.jobs, found.orphans, found.findings.len()), (2, 0, 6), "{:?}", found.findings);
    yard.tidy().await;
    assert_eq!(yard.directories(), [ids[1]], "one is a week old");
    assert!(yard.jobs().remove(yard.job(ids[1]).await).await.expect("it is removed"));
    assert!(yard.directories().is_empty());
    assert!(yard.jobs().all(account).await.expect("they read").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_no_job_speaks_of_are_found_and_removed() {
    let yard = Yard::new().await;
    let old = yard.inside.app.ids.next(yard.server.clock.now().before(std::time::Duration::from_secs(90)));
    let held = yard.jobs().store.make(yard.order.caller.viewer.account, old).expect("a place");
    let lock = held.lock().expect("it is written").expect("nobody has it");
    yard.tidy().await;
    assert_eq!(yard.directories(), [old], "somebody is bringing a file");
    drop(lock);
    let files = yard.server.directory.path("files");
    let found = rollbook::jobs::check::check(&[], yard.server.storage.store_id(), &files).expect("a look");
    assert_eq!(found.orphans, 1);
    yard.tidy().await;
    assert!(yard.directories().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_an_earlier_version_left_are_taken_over_if_they_are_of_this_store() {
    let yard = Yard::new().await;
    let account = yard.order.caller.viewer.account;
    let ids: Vec<_> = (0..4).map(|_| yard.inside.app.ids.next(yard.server.clock.now())).collect();
    let describe = |user: ObjectId, task: &Value| {
        json!({ "account": account.0, "accountName": "Test", "user": user.to_string(), "list": yard.list,
                "listName": "Customers", "createdAt": yard.server.clock.now().millis(), "task": task })
        .to_string()
    };
    let import =
        json!({ "import": { "file": "people.csv", "bytes": 9, "rows": 3, "form": "UTF-8", "plan": null } });
    let bulk = json!({ "bulk": { "action": "remove", "whom": { "matching": { "namePrefix": "x" } } } });
    let progress = |phase: &str| {
        json!({ "turn": 1, "trying": false, "phase": phase, "fault": null, "done": 3, "of": 3,
                "counts": { "created": 2, "updated": 0, "unchanged": 0, "failed": 1 }, "began": [0, 0], "toldAt": 5,
                "firstFaults": [[2, "wrong"]] })
        .to_string()
    };
    let wish = json!({ "turn": 1, "trying": false, "stop": false }).to_string();
    let path = |number: usize| format!("{}/{}", account.0, ids[number]);
    // Not begun; done with failed rows; under way; of a user whom nobody knows here.
    for (number, user, task) in [
        (0, yard.server.user, &import),
        (1, yard.server.user, &import),
        (2, yard.server.user, &bulk),
        (3, ids[0], &import),
    ] {
        leave(&yard, &path(number), "job.json", &describe(user, task));
        leave(&yard, &path(number), "lock", "");
    }
    leave(&yard, &path(0), "upload", "email,n,p\nuser1@example.com,x,y\n");
    leave(&yard, &path(0), "preview.json", &json!({ "header": ["email", "n", "p"], "rows": [] }).to_string());
    leave(&yard, &path(1), "wish.json", &wish);
    leave(&yard, &path(1), "progress.json", &progress("done"));
    leave(&yard, &path(1), "failed.csv", "rollbookLine\n2\n");
    leave(&yard, &path(2), "wish.json", &wish);
    leave(&yard, &path(2), "progress.json", &progress("working"));
    leave(&yard, &path(2), "requests", "first\nsecond\n");
    rollbook::jobs::adopt::adopt(&yard.inside.app).await.expect("they are taken over");
    rollbook::jobs::adopt::adopt(&yard.inside.app).await.expect("nothing is left to do");
    let statuses: Vec<_> = {
        let mut jobs = yard.jobs().all(account).await.expect("they read");
        jobs.reverse();
        jobs.iter().map(|job| job.status).collect()
    };
    assert_eq!(statuses, [Status::Ready, Status::Done, Status::Failed]);
    let [ready, done, failed] = [yard.job(ids[0]).await, yard.job(ids[1]).await, yard.job(ids[2]).await];
    assert_eq!((Yard::counts(&done), done.faults.first.len()), ([2, 0, 0, 1], 1));
    assert_eq!(std::fs::read_to_string(files(&done).failures()).expect("failed rows"), "rollbookLine\n2\n");
    assert_eq!(yard.requests(&failed).await, ["first", "second"]);
    assert!(failed.faults.fault.is_some_and(|fault| fault.starts_with("it was begun by an earlier version")));
    yard.begin(ready.key.id, Some(plan(true)), false).await;
    let ended = yard.ended(ready.key.id).await;
    assert_eq!((ended.status, Yard::counts(&ended)), (Status::Done, [1, 0, 0, 0]));
    let left = yard.server.directory.path("files").join(path(3)).join("job.json");
    assert!(left.exists(), "what may be another store's stays");
    assert!(!yard.server.directory.path("files").join(path(0)).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_stops_in_time_with_a_job_that_waits_for_a_store_that_is_away() {
    let switch = Switch::new();
    let yard = Yard::with(Setup { wrap: switch.wrap(), ..Setup::default() }).await;
    let contacts: Vec<_> = (0..100).map(|n| json!({ "contact": format!("c{n}") })).collect();
    yard.server.update(&yard.list, true, json!(contacts)).await;
    switch.set(Fault::Silent);
    let id = yard.change(set("active", true), matching(&json!({}))).await;
    yard.until(id, "it to run", |job| job.status == Status::Running).await;
    let Yard { server, list, inside, .. } = yard;
    drop(inside);
    // The loops are given 20 seconds, whatever they wait for.
    let directory = tokio::time::timeout(std::time::Duration::from_secs(29), async {
        let owner = (server.account, server.user, server.token.clone(), server.webhook_secret.clone());
        (server.stop().await, owner)
    });
    let (directory, owner) = directory.await.expect("it stops though nothing is answered");
    switch.set(Fault::None);
    let server = Server::on(directory, Setup::default(), Some(owner)).await;
    let yard = Yard::on(server, list).await;
    let job = yard.ended(id).await;
    assert_eq!((job.status, Yard::counts(&job)), (Status::Done, [0, 100, 0, 0]), "it goes on by itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_with_many_jobs_makes_room_for_another() {
    let switch = Switch::new();
    let yard = Yard::with(Setup { wrap: switch.wrap(), ..Setup::default() }).await;
    // What is accepted waits, so that no job ends.
    switch.set(Fault::ApplyWaits);
    let mut jobs = Vec::new();
    for _ in 0..4 {
        let id = yard.upload("people.csv", rows(2_000, 400)).await.expect("a job");
        yard.begin(id, Some(plan(true)), false).await;
        jobs.push(id);
    }
    for id in &jobs[..2] {
        yard.until(*id, "the first two to run", |job| job.status == Status::Running).await;
    }
    let bearer = yard.server.bearer("Other").await;
    let made = json!({ "contactListName": "Theirs" });
    let list = yard.server.post_as(&bearer.token, "/v3/contact-list/create", &made).await.json();
    let list = list["contactListId"].as_str().expect("an id").to_owned();
    let list_no = yard.server.storage.find_list(ObjectId::parse(&list).expect("an id")).await;
    let list_no = list_no.expect("a look").expect("the list").no;
    let caller = yard.server.inside_as(&bearer).await.caller;
    let account = caller.viewer.account;
    let order = Order { caller, user: bearer.user, list_no, list, list_name: "Theirs".to_owned() };
    let id = yard.inside.app.ids.next(yard.server.clock.now());
    let begun = yard.jobs().change_many(&yard.inside.app, &order, id, Action::Remove, matching(&json!({})));
    begun.await.expect("a job");
    // Theirs is an empty list: it ends as soon as it has a turn.
    let ended = async || {
        let job = yard.jobs().one(account, id).await.expect("it reads").expect("the job");
        (job.status == Status::Done).then_some(())
    };
    yard.server.wait_for("the other account's job to end", ended).await;
    switch.set(Fault::None);
    for id in jobs {
        assert_eq!(Yard::counts(&yard.ended(id).await).iter().sum::<u64>(), 2_000);
    }
}
