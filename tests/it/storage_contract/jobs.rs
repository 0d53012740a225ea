//! Jobs: what is stored of them, who runs them, and what is forgotten.

use std::time::Duration;

use domain::clock::Timestamp;
use domain::id::ObjectId;
use storage::{JobAdded, JobKey, JobLimits, JobReport, JobState, NewJob, Role, Storage, StoredJob, UserRole};

use super::{Backend, Desk, Postgres, add_account, on_every_backend};
use crate::harness::PATIENCE;

on_every_backend!(
    a_job_is_added_once_and_so_many_are_kept,
    a_job_is_begun_run_stopped_and_removed_by_one_at_a_time,
    what_a_run_reports_is_stored_together_or_not_at_all,
    what_people_can_be_read_from_is_forgotten_and_old_jobs_go,
    jobs_go_with_their_account_and_rights_with_user_and_account,
    a_job_of_a_client_is_recorded_part_by_part_and_stored_longer,
);

const LIMITS: JobLimits = JobLimits { all: 4, open: 2 };

fn job(desk: &Desk, created_at: Timestamp) -> NewJob {
    NewJob {
        key: JobKey { account: desk.account.no, list: desk.list, id: desk.ids.next(created_at) },
        user: desk.account.user,
        created_at,
        directory: Some(desk.list_id),
        description: b"what".to_vec(),
        subject: Some(b"whom".to_vec()),
        state: JobState::Ready,
        progress: None,
        faults: None,
        output: None,
    }
}

fn report(state: JobState, now: Timestamp) -> JobReport {
    let (progress, faults) = (b"how far".to_vec(), b"wrong".to_vec());
    JobReport { state, progress, faults, checkpoint: None, part: None, now }
}

impl Desk {
    async fn add_job(&self, job: NewJob) -> JobKey {
        let key = job.key;
        let added = self.storage().add_job(job, JobLimits { all: 99, open: 99 }).await;
        assert_eq!(added.expect("a store"), JobAdded::Added);
        key
    }

    async fn found(&self, key: JobKey) -> StoredJob {
        self.storage().find_job(key.account, key.id).await.expect("a look").expect("the job")
    }

    async fn begin(&self, key: JobKey) -> bool {
        let begun =
            self.storage().begin_job(key, self.account.user, b"begun".to_vec(), false, self.now).await;
        begun.expect("a store")
    }

    /// Claims a job, and returns its lease.
    async fn claim(&self, key: JobKey) -> u64 {
        let lease = self.found(key).await.lease;
        let claimed = self.storage().claim_job(key, lease, self.now).await.expect("a store");
        claimed.expect("it is free").lease
    }

    async fn end(&self, key: JobKey, state: JobState) {
        self.begin(key).await;
        let lease = self.claim(key).await;
        let done = self.storage().report_job(key, lease, report(state, self.now)).await;
        assert_eq!(done.expect("a store"), Some(false));
    }
}

async fn a_job_is_added_once_and_so_many_are_kept(mut desk: Desk) {
    let first = job(&desk, desk.now);
    let key = first.key;
    let add = async |job: NewJob| desk.storage().add_job(job, LIMITS).await.expect("a store");
    let (one, two) = tokio::join!(add(first.clone()), add(first.clone()));
    assert!(
        [(JobAdded::Added, JobAdded::Exists), (JobAdded::Exists, JobAdded::Added)].contains(&(one, two)),
        "{one:?} {two:?}"
    );
    let expected = StoredJob {
        key,
        user: desk.account.user,
        created_at: desk.now,
        changed_at: desk.now,
        directory: Some(desk.list_id),
        description: b"what".to_vec(),
        subject: Some(b"whom".to_vec()),
        state: JobState::Ready,
        dry_run: false,
        stop_requested: false,
        progress: None,
        faults: None,
        parts: 0,
        lease: 0,
    };
    assert_eq!(desk.found(key).await, expected);
    let with_output = NewJob { output: Some(b"out".to_vec()), directory: None, ..job(&desk, desk.now) };
    let second = with_output.key;
    assert_eq!(add(with_output).await, JobAdded::Added);
    assert_eq!(add(job(&desk, desk.now)).await, JobAdded::TooMany);
    let jobs = desk.storage().jobs(desk.account.no).await.expect("a look");
    assert_eq!(jobs.iter().map(|job| job.key).collect::<Vec<_>>(), [second, key], "the newest first");
    assert_eq!((jobs[0].parts, jobs[0].directory), (1, None));
    assert_eq!(desk.storage().job_part(second, 1).await.expect("a look").as_deref(), Some(&b"out"[..]));
    // Of those that are done, the oldest makes room.
    let mut done = Vec::new();
    desk.end(key, JobState::Done).await;
    desk.end(second, JobState::Done).await;
    for _ in 0..4 {
        let new = job(&desk, desk.now);
        done.push(new.key);
        assert_eq!(desk.storage().add_job(new, LIMITS).await.expect("a store"), JobAdded::Added);
        desk.end(done[done.len() - 1], JobState::Done).await;
    }
    desk.reopen();
    let jobs = desk.storage().jobs(desk.account.no).await.expect("a look");
    assert_eq!(jobs.iter().map(|job| job.key).rev().collect::<Vec<_>>(), done);
    assert_eq!(desk.storage().job_part(second, 1).await.expect("a look"), None, "parts go with their job");
    // Others have their own.
    let other = add_account(desk.storage(), &desk.ids, desk.now).await;
    assert!(desk.storage().jobs(other.no).await.expect("a look").is_empty());
    assert!(desk.storage().find_job(other.no, done[0].id).await.expect("a look").is_none());
}

async fn a_job_is_begun_run_stopped_and_removed_by_one_at_a_time(desk: Desk) {
    let storage = desk.storage();
    let key = desk.add_job(job(&desk, desk.now)).await;
    assert!(storage.active_jobs().await.expect("a look").is_empty());
    let (one, two) = tokio::join!(desk.begin(key), desk.begin(key));
    assert!(one != two, "of two who begin it, one does");
    assert_eq!(desk.found(key).await.description, b"begun");
    let active = storage.active_jobs().await.expect("a look");
    assert_eq!(active.len(), 1);
    assert_eq!((active[0].key, active[0].lease, active[0].free), (key, 0, true));
    assert!(!storage.remove_job(key).await.expect("a store"), "it waits");
    // Two who claim it.
    let (one, two) = tokio::join!(storage.claim_job(key, 0, desk.now), storage.claim_job(key, 0, desk.now));
    let claims = [one, two].map(|claim| claim.expect("a store").map(|job| (job.state, job.lease)));
    assert!(claims.contains(&None) && claims.contains(&Some((JobState::Running, 1))), "{claims:?}");
    assert_eq!(storage.job_stop_requested(key, 1).await.expect("a look"), Some(false));
    storage.stop_job(key, desk.now).await.expect("a store");
    assert_eq!(storage.job_stop_requested(key, 1).await.expect("a look"), Some(true));
    assert_eq!(desk.found(key).await.state, JobState::Running, "whoever runs it stops it");
    let stopped = storage.report_job(key, 1, report(JobState::Stopped, desk.now)).await;
    assert_eq!(stopped.expect("a store"), Some(true));
    // It goes on under a new lease, and the one before says nothing any more.
    assert!(desk.begin(key).await);
    assert!(!desk.found(key).await.stop_requested);
    assert_eq!(desk.claim(key).await, 2);
    assert_eq!(storage.job_stop_requested(key, 1).await.expect("a look"), None);
    let late = storage.report_job(key, 1, report(JobState::Failed, desk.now)).await;
    assert_eq!((late.expect("a store"), desk.found(key).await.state), (None, JobState::Running));
    // Given back, it waits; a stop then needs nobody.
    storage.report_job(key, 2, report(JobState::Waiting, desk.now)).await.expect("a store");
    storage.stop_job(key, desk.now).await.expect("a store");
    assert_eq!(desk.found(key).await.state, JobState::Stopped);
    // A dry run that did not begin leaves it ready.
    let dry = storage.begin_job(key, desk.account.user, b"dry".to_vec(), true, desk.now).await;
    assert!(dry.expect("a store") && desk.found(key).await.dry_run);
    storage.stop_job(key, desk.now).await.expect("a store");
    assert_eq!(desk.found(key).await.state, JobState::Ready);
    assert!(storage.remove_job(key).await.expect("a store"));
    assert!(!storage.remove_job(key).await.expect("a store"));
    assert!(!desk.begin(key).await);
}

async fn what_a_run_reports_is_stored_together_or_not_at_all(mut desk: Desk) {
    let key = desk.add_job(NewJob { state: JobState::Waiting, ..job(&desk, desk.now) }).await;
    let lease = desk.claim(key).await;
    let later = desk.now.after(Duration::from_secs(5));
    let part = |number: u64, bytes: &[u8]| JobReport {
        checkpoint: Some(vec![7; 100_000]),
        part: Some((number, bytes.to_vec())),
        ..report(JobState::Running, later)
    };
    let storage = desk.storage();
    assert_eq!(storage.job_checkpoint(key).await.expect("a look"), None);
    for (number, bytes) in [(1, &b"a"[..]), (2, b"b"), (2, b"c")] {
        let reported = storage.report_job(key, lease, part(number, bytes)).await;
        assert_eq!(reported.expect("a store"), Some(false));
    }
    assert_eq!(storage.report_job(key, lease + 1, part(3, b"d")).await.expect("a store"), None);
    desk.reopen();
    let (storage, found) = (desk.storage(), desk.found(key).await);
    assert_eq!((found.parts, found.changed_at, found.state), (2, later, JobState::Running));
    assert_eq!((found.progress, found.faults), (Some(b"how far".to_vec()), Some(b"wrong".to_vec())));
    assert_eq!(storage.job_checkpoint(key).await.expect("a look"), Some(vec![7; 100_000]));
    for (number, bytes) in [(1, Some(b"a".to_vec())), (2, Some(b"c".to_vec())), (3, None)] {
        assert_eq!(storage.job_part(key, number).await.expect("a look"), bytes);
    }
    // Complete, it goes on from nowhere, and is about nobody.
    let done = storage.report_job(key, lease, report(JobState::Done, later)).await;
    assert_eq!(done.expect("a store"), Some(false));
    assert_eq!(storage.job_checkpoint(key).await.expect("a look"), None);
    let found = desk.found(key).await;
    assert_eq!((found.subject, found.parts, found.state), (None, 2, JobState::Done));
}

async fn what_people_can_be_read_from_is_forgotten_and_old_jobs_go(desk: Desk) {
    let storage = desk.storage();
    let later = desk.now.after(Duration::from_secs(60));
    let [before, runs, after] = [
        desk.add_job(job(&desk, desk.now)).await,
        desk.add_job(job(&desk, desk.now)).await,
        desk.add_job(job(&desk, later)).await,
    ];
    for key in [before, runs] {
        desk.begin(key).await;
        let lease = desk.claim(key).await;
        let state = if key == runs { JobState::Running } else { JobState::Stopped };
        let people = JobReport { checkpoint: Some(b"people".to_vec()), ..report(state, desk.now) };
        storage.report_job(key, lease, people).await.expect("a store");
    }
    assert_eq!(storage.accounts_with_jobs().await.expect("a look"), [desk.account.no]);
    storage.forget_in_jobs(desk.account.no, desk.now).await.expect("a store");
    let people = async |key: JobKey| {
        let found = desk.found(key).await;
        let checkpoint = storage.job_checkpoint(key).await.expect("a look");
        (found.subject.is_some(), found.faults.is_some(), checkpoint.is_some())
    };
    assert_eq!(people(before).await, (false, false, false));
    assert_eq!(people(runs).await, (true, true, true), "it is used");
    assert_eq!(people(after).await, (true, false, false), "it was made later");
    assert_eq!(desk.found(before).await.progress, Some(b"how far".to_vec()), "what names nobody stays");
    // One that was not touched since a moment goes, unless it waits or runs.
    storage.prune_jobs(later, later).await.expect("a store");
    let left = storage.jobs(desk.account.no).await.expect("a look");
    assert_eq!(left.iter().map(|job| job.key).collect::<Vec<_>>(), [after, runs]);
}

async fn a_job_of_a_client_is_recorded_part_by_part_and_stored_longer(desk: Desk) {
    let storage = desk.storage();
    let limits = JobLimits { all: 99, open: usize::MAX };
    let new = |progress: &[u8], at: Timestamp, key: JobKey| {
        let (directory, subject, state) = (None, None, JobState::Done);
        let job = job(&desk, at);
        NewJob { key, directory, subject, state, progress: Some(progress.to_vec()), ..job }
    };
    let key = job(&desk, desk.now).key;
    let record = async |job: NewJob, part: Option<&[u8]>| {
        storage.record_job(job, limits, part.map(<[u8]>::to_vec)).await.expect("a store")
    };
    assert_eq!(record(new(b"0", desk.now, key), None).await, JobAdded::Added);
    let later = desk.now.after(Duration::from_secs(60));
    assert_eq!(record(new(b"1", later, key), Some(b"one")).await, JobAdded::Added);
    assert_eq!(record(new(b"2", later, key), Some(b"two")).await, JobAdded::Added);
    let found = desk.found(key).await;
    assert_eq!((found.parts, found.progress, found.state), (2, Some(b"2".to_vec()), JobState::Done));
    assert_eq!((found.created_at, found.changed_at), (desk.now, later));
    assert_eq!(storage.job_part(key, 1).await.expect("a look").as_deref(), Some(&b"one"[..]));
    assert_eq!(storage.job_part(key, 2).await.expect("a look").as_deref(), Some(&b"two"[..]));
    assert!(storage.active_jobs().await.expect("a look").is_empty(), "no node runs it");
    let open = desk.add_job(job(&desk, desk.now)).await;
    assert_eq!(record(new(b"3", later, open), Some(b"x")).await, JobAdded::Exists);
    assert_eq!(desk.found(open).await.parts, 0);
    // What is done stays longer than what is not.
    let after = later.after(Duration::from_secs(60));
    storage.prune_jobs(after, later).await.expect("a store");
    assert_eq!(storage.jobs(key.account).await.expect("a look").len(), 1);
    storage.prune_jobs(after, after).await.expect("a store");
    assert!(storage.jobs(key.account).await.expect("a look").is_empty());
}

async fn jobs_go_with_their_account_and_rights_with_user_and_account(desk: Desk) {
    let storage = desk.storage();
    let (account, user) = (desk.account.no, desk.account.user);
    let rights = async || storage.job_rights(account, user).await.expect("a look");
    assert_eq!(rights().await, Some(("Test".to_owned(), UserRole::Owner)));
    assert_eq!(storage.job_rights(account, desk.ids.next(desk.now)).await.expect("a look"), None);
    let other = add_account(storage, &desk.ids, desk.now).await;
    assert_eq!(storage.job_rights(other.no, user).await.expect("a look"), None);
    storage.disable_user(user, None).await.expect("a store");
    assert_eq!(rights().await, None);
    storage.enable_user(user).await.expect("a store");
    storage.set_account_enabled(desk.account.id, false).await.expect("a store");
    assert_eq!(rights().await, None);
    storage.set_account_enabled(desk.account.id, true).await.expect("a store");
    let output = Some(b"out".to_vec());
    let key = desk.add_job(NewJob { output, state: JobState::Waiting, ..job(&desk, desk.now) }).await;
    storage.remove_account(desk.account.id).await.expect("a store");
    assert!(storage.jobs(account).await.expect("a look").is_empty());
    assert!(storage.active_jobs().await.expect("a look").is_empty());
    assert_eq!(storage.job_part(key, 1).await.expect("a look"), None);
    assert_eq!(rights().await, None);
}

/// What a node that is gone had claimed is free once it was silent for the length of a lease.
#[tokio::test(flavor = "multi_thread")]
async fn the_lease_of_a_dead_node_ends_and_that_of_a_live_one_does_not() {
    let backend = Postgres::new();
    let mut desk = Desk::new(Box::new(backend.clone())).await;
    let other = backend.open(Role::Server);
    let key = desk.add_job(NewJob { state: JobState::Waiting, ..job(&desk, desk.now) }).await;
    assert_eq!(desk.storage().store_id(), other.store_id());
    let lease = desk.claim(key).await;
    let free = async |storage: &dyn Storage| storage.active_jobs().await.expect("a look")[0].free;
    assert!(free(desk.storage()).await, "it is its own, and it knows what it runs");
    assert!(!free(other.as_ref()).await);
    desk.close();
    let start = std::time::Instant::now();
    while !free(other.as_ref()).await {
        assert!(start.elapsed() < PATIENCE, "the lease does not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let taken = other.claim_job(key, lease, desk.now).await.expect("a store").expect("it is free");
    assert_eq!((taken.key, taken.lease), (key, lease + 1));
}

/// An id, for those who need one without a desk.
pub fn some_job(key: JobKey, user: ObjectId, now: Timestamp) -> NewJob {
    NewJob {
        key,
        user,
        created_at: now,
        directory: Some(user),
        description: b"{}".to_vec(),
        subject: Some(b"{}".to_vec()),
        state: JobState::Waiting,
        progress: None,
        faults: None,
        output: Some(b"out".to_vec()),
    }
}
