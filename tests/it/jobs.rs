//! Jobs that run on the server: imports of uploaded files, and changes of many contacts.

use std::sync::Arc;

use domain::id::ObjectId;
use files::choices::Choices;
use files::layout::Said;
use jobs::JobService;
use jobs::job::{Action, Job, Plan, Status, Whom};
use jobs::service::{Error, Order};
use jobs::store::JobFiles;
use serde_json::{Value, json};

use crate::harness::{Inside, Server, Setup};

/// A server, a list of it, and its user who works on it within the process.
pub struct Yard {
    pub server: Server,
    pub list: String,
    pub inside: Inside,
    pub order: Order,
}

/// What the columns of the files of these tests are.
pub fn plan(upsert: bool) -> Plan {
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
pub fn rows(count: usize, bad: usize) -> String {
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
        let room = self.jobs().place(self.order.caller.scope.account).await?;
        let mut upload = self.jobs().upload(&self.inside.app, &self.order, room).await?;
        for piece in content.as_ref().chunks(100_000) {
            upload.write(piece.to_vec().into()).await?;
        }
        upload.finish(&self.inside.app, &self.order, name).await
    }

    pub async fn job(&self, id: ObjectId) -> Job {
        let job = self.jobs().one(self.order.caller.scope.account, id).await;
        job.expect("it reads").expect("the job is there")
    }

    pub async fn begin(&self, id: ObjectId, plan: Option<Plan>, trying: bool) {
        self.try_begin(self.job(id).await, plan, trying).await.expect("it begins");
    }

    pub async fn try_begin(&self, job: Job, plan: Option<Plan>, trying: bool) -> Result<(), Error> {
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

    pub async fn change_as(&self, id: ObjectId, action: Action, whom: Whom) -> Result<(), Error> {
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
    pub async fn tidy(&self) {
        let app = &self.inside.app;
        let looked = app.retention.look(&*app.storage, app.clock.as_ref()).await;
        looked.expect("the time that has passed is known");
        jobs::tidy::tidy(app).await.expect("it is tidied");
    }

    /// All directories of jobs.
    pub fn directories(&self) -> Vec<ObjectId> {
        let all = self.jobs().store.all().expect("they read");
        all.into_iter().map(|(_, files)| files.id).collect()
    }
}

pub fn files(job: &Job) -> &JobFiles {
    job.files_here().expect("its files are here")
}

pub fn matching(filter: &Value) -> Whom {
    Whom::Matching(filter.as_object().expect("an object").clone())
}

pub fn set(field: &str, to: bool) -> Action {
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
    with_new.new_variables = vec![files::mapping::NewVariable { name: "other".to_owned(), date: false }];
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
