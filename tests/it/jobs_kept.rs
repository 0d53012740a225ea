//! What is stored of jobs, how many, and what is deleted.

use crate::faults::{Fault, Switch};
use domain::id::ObjectId;
use jobs::job::{Action, Status, Task};
use jobs::service::Order;
use serde_json::{Value, json};
use storage::{JobKey, JobLimits, JobState, NewJob};

use crate::harness::{Server, Setup};
use crate::jobs::{Yard, files, matching, plan, rows};

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
    let all = yard.jobs().all(yard.order.caller.scope.account).await.expect("they read");
    assert!(yard.jobs().remove(all[0].clone()).await.expect("it is removed"));
    yard.upload("people.csv", "email\n").await.expect("there is room again");
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
    let account = other.order.caller.scope.account;
    assert_eq!(account, yard.order.caller.scope.account);
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
    let account = yard.order.caller.scope.account;
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
    let found = jobs::check::check(&stored, yard.server.storage.store_id(), &files).expect("a look");
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
    let held = yard.jobs().store.make(yard.order.caller.scope.account, old).expect("a place");
    let lock = held.lock().expect("it is written").expect("nobody has it");
    yard.tidy().await;
    assert_eq!(yard.directories(), [old], "somebody is bringing a file");
    drop(lock);
    let files = yard.server.directory.path("files");
    let found = jobs::check::check(&[], yard.server.storage.store_id(), &files).expect("a look");
    assert_eq!(found.orphans, 1);
    yard.tidy().await;
    assert!(yard.directories().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_an_earlier_version_left_are_taken_over_if_they_are_of_this_store() {
    let yard = Yard::new().await;
    let account = yard.order.caller.scope.account;
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
    jobs::adopt::adopt(&yard.inside.app).await.expect("they are taken over");
    jobs::adopt::adopt(&yard.inside.app).await.expect("nothing is left to do");
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
    let account = caller.scope.account;
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
