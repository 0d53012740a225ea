//! Changes of many contacts, and jobs that may not run any more.

use crate::faults::{Fault, Switch};
use crate::harness::Setup;
use domain::clock::Clock;
use domain::id::Ids;
use jobs::job::{Action, Status, Whom};
use serde_json::json;
use storage::UserRole;

use crate::jobs::{Yard, matching, plan, rows, set};

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
async fn those_of_a_filter_or_a_segment_are_changed_and_nobody_else() {
    let yard = Yard::new().await;
    let contact = |user: &str, plan: &str| json!({ "contact": user, "emailSubscribe": true, "variables": [{ "name": "plan", "value": plan }] });
    let contacts =
        json!([contact("a", "pro"), contact("b", "free"), contact("c", "pro"), contact("d", "max")]);
    yard.server.update(&yard.list, true, contacts).await;
    let plan = |value: &str| json!({ "field": "variables.plan", "op": "is", "value": value });
    let subscribed = async || -> Vec<String> {
        let left = yard.find(&json!({ "emailSubscribe": true })).await;
        left.iter().map(|contact| contact["userId"].as_str().expect("a userId").to_owned()).collect()
    };
    let of_filter = matching(&json!({ "filter": { "any": [plan("free"), plan("max")] } }));
    let job = yard.ended(yard.change(set("emailSubscribe", false), of_filter).await).await;
    assert_eq!((job.status, Yard::counts(&job)), (Status::Done, [0, 2, 0, 0]));
    assert_eq!(subscribed().await, ["a", "c"]);
    let segment = json!({ "contactListId": yard.list, "name": "Pro", "filter": plan("pro") });
    let segment = yard.server.ok("/v3/segment/create", &segment).await["segmentId"].clone();
    let both = json!({ "all": [{ "segment": segment }, { "field": "userId", "op": "isNot", "value": "a" }] });
    let job = yard.ended(yard.change(Action::Remove, matching(&json!({ "filter": both }))).await).await;
    assert_eq!((job.status, Yard::counts(&job)), (Status::Done, [0, 1, 0, 0]));
    assert_eq!(subscribed().await, ["a"]);
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
    assert_eq!(yard.jobs().all(yard.order.caller.scope.account).await.expect("they read").len(), 1);
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

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_may_not_run_any_more_fails_and_one_of_another_account_is_not_there() {
    let yard = Yard::new().await;
    let id = yard.upload("people.csv", rows(10, 100)).await.expect("a job");
    let stranger = yard.server.bearer("Stranger").await;
    let stranger = yard.server.inside_as(&stranger).await;
    let account = stranger.caller.scope.account;
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
