//! What befalls a database: it is restarted, crashes, cuts connections, has no room. Callers are told to come again,
//! and what was answered with 200 is kept.

use std::path::PathBuf;
use std::time::Duration;

use super::postgres_callers::{Callers, Fate};
use crate::disk_full::SmallDisk;
use crate::harness::own_postgres::{Options, OwnPostgres};
use crate::process::{Store, wait_within};

/// A while of load.
const WHILE: Duration = Duration::from_millis(400);

#[test]
fn a_database_may_be_restarted_and_cut_connections_under_load() {
    let database = OwnPostgres::start(&Options::default());
    let store = Store::at(PathBuf::from(database.address()));
    let token = store.account("Shop").token;
    let server = store.serve();
    let mut callers = Callers::new(&server, &token, 4, 2);
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE application_name = 'rollbook' AND datname = 'contacts'";
    let faults: [&dyn Fn(); 3] = [&|| database.restart("fast"), &|| database.restart("immediate"), &|| {
        for _ in 0..10 {
            database.sql("postgres", cut);
            std::thread::sleep(WHILE / 10);
        }
    }];
    for fault in faults {
        let before = callers.count(|fate| matches!(fate, Fate::Kept(_)));
        callers.work(&[server.address], || {
            std::thread::sleep(WHILE);
            fault();
            std::thread::sleep(WHILE);
        });
        callers.work_until_kept(&server);
        assert!(callers.count(|fate| matches!(fate, Fate::Kept(_))) > before + 8, "it goes on");
    }
    println!("{} were refused", callers.count(|fate| *fate == Fate::Refused));
    println!("{} were in doubt", callers.count(|fate| *fate == Fate::Unknown));
    callers.audit(&server);
}

/// Where there is no room for data, PostgreSQL refuses what it has no room for. Where there is none for its log of
/// transactions, it goes down, and is started again once there is.
#[test]
fn a_database_may_have_no_room_for_data_or_for_its_log() {
    for of_the_log in [false, true] {
        let disk = SmallDisk::mount(64);
        let options = Options {
            data: (!of_the_log).then_some(disk.point.as_path()),
            wal: of_the_log.then_some(disk.point.as_path()),
            // What is deleted is not used again in the middle of the test.
            settings: "autovacuum = off",
            port: None,
        };
        let database = OwnPostgres::start(&options);
        let store = Store::at(PathBuf::from(database.address()));
        let token = store.account("Shop").token;
        let server = store.serve();
        let mut callers = Callers::new(&server, &token, 2, 1);
        callers.work_until_kept(&server);
        disk.fill();
        wait_within(Duration::from_secs(60), "the disk to take no more", || {
            callers.work(&[server.address], || std::thread::sleep(WHILE));
            (callers.count(|fate| !matches!(fate, Fate::Kept(_))) > 0).then_some(())
        });
        println!("{} batches until there was no room", callers.count(|_| true));
        disk.make_room();
        database.start_where_it_is_down();
        callers.work_until_kept(&server);
        callers.audit(&server);
        assert_eq!(of_the_log, database.log().contains("PANIC"), "{}", database.log());
    }
}
