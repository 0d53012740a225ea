use super::*;

#[test]
fn the_state_and_what_users_want_come_to_a_status() {
    for (state, dry_run, stop, status) in [
        (JobState::Ready, true, true, Status::Ready),
        (JobState::Waiting, false, false, Status::Waiting),
        (JobState::Running, false, false, Status::Running),
        (JobState::Running, true, false, Status::Trying),
        (JobState::Running, false, true, Status::Stopping),
        (JobState::Running, true, true, Status::Stopping),
        (JobState::Stopped, false, true, Status::Stopped),
        (JobState::Done, false, false, Status::Done),
        (JobState::Failed, false, false, Status::Failed),
    ] {
        assert_eq!(Status::of(state, dry_run, stop), status, "{state:?} {dry_run} {stop}");
    }
}

#[test]
fn rate_and_time_left_are_of_the_run() {
    let mut progress = Progress { began: (0, 1_000), told_at: 1_000, ..Progress::default() };
    assert_eq!((progress.rate(), progress.seconds_left(), progress.percent()), (0, None, None));
    progress = Progress { done: 600, of: 1_600, began: (100, 1_000), told_at: 6_000, ..progress };
    assert_eq!((progress.rate(), progress.seconds_left(), progress.percent()), (100, Some(10), Some(37)));
}
