//! Pages that the disk has torn, flipped or cut in the journal's file and in its log, while accepted batches wait in
//! them: the store is refused, or says what it cannot read, or has all; it never does anything else in silence.

use std::fs;
use std::path::{Path, PathBuf};

use domain::contact::field::Field::FirstName;
use domain::id::ObjectId;
use storage::{Error, RequestState, Role};

use super::sqlite_crash::{copy, desk_on};
use super::{Desk, Sqlite};
use crate::kill::number;

/// Places that are damaged in each file, where ROLLBOOK_TEST_PAGES does not say how many.
const PLACES: u64 = 24;

/// Batches that wait.
const WAITING: u32 = 12;

/// What a disk may do to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Damage {
    /// One bit is another.
    Flip,
    /// A sector holds zeros.
    Zeros,
    /// A sector holds what stood at another place.
    Stray,
    /// The file ends.
    Cut,
}

impl Damage {
    const ALL: [Self; 4] = [Self::Flip, Self::Zeros, Self::Stray, Self::Cut];

    fn do_to(self, file: &Path, at: usize) {
        const SECTOR: usize = 512;
        let mut bytes = fs::read(file).expect("the file");
        let sector = at / SECTOR * SECTOR;
        let end = (sector + SECTOR).min(bytes.len());
        match self {
            Self::Flip => bytes[at] ^= 1 << (at % 8),
            Self::Zeros => bytes[sector..end].fill(0),
            Self::Stray => {
                let from = (sector + bytes.len() / 2) / SECTOR * SECTOR % (bytes.len() - SECTOR);
                bytes.copy_within(from..from + (end - sector), sector);
            }
            Self::Cut => bytes.truncate(at),
        }
        fs::write(file, bytes).expect("written");
    }
}

/// What came of a damaged store.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    refused: u32,
    told: u32,
    whole: u32,
    /// The last commit of the log, which nobody can tell from one that a crash has cut, or the last two, where the frame
    /// between them has lost what it was; of a log that ends early, all that stood behind its end.
    end_lost: u32,
}

/// Opens a copy that was damaged and holds what it says against what was accepted.
async fn judge(
    files: Sqlite,
    desk: &Desk,
    requests: &[ObjectId],
    (damage, log): (Damage, bool),
    count: &mut Count,
) -> Result<(), String> {
    match files.try_open(Role::Server) {
        Err(_) => {
            count.refused += 1;
            return Ok(());
        }
        Ok(store) => drop(store),
    }
    let after = desk_on(files, desk);
    // A page that does not read holds back what is behind it, and says so; nothing is skipped.
    for _ in 0..3 {
        match after.storage().apply_next(1_000, after.now).await {
            Ok(_) => {}
            Err(Error::Damaged(_) | Error::Unavailable(_)) => {
                count.told += 1;
                return Ok(());
            }
            Err(error) => return Err(format!("{error}")),
        }
    }
    let Ok(found) = after.storage().find_requests(after.account.no, requests.to_vec()).await else {
        count.told += 1;
        return Ok(());
    };
    let (mut missing, mut damaged) = (Vec::new(), 0);
    for (step, request) in requests.iter().enumerate() {
        let Some(there) = found.iter().find(|found| found.id == *request) else {
            missing.push(step);
            continue;
        };
        if there.state != RequestState::Processed {
            return Err(format!("batch {step} waits for ever"));
        }
        match after.told(*request).await.as_slice() {
            [told] if told == "STORE_DAMAGED" => damaged += 1,
            [told] if *told == format!("created id{step} -") => {
                let name = after.field(&format!("id{step}"), FirstName).await;
                if name != Some(format!("name {step}")) {
                    return Err(format!("batch {step} made {name:?}"));
                }
            }
            told => return Err(format!("batch {step} is told as {told:?}")),
        }
    }
    match missing.as_slice() {
        [] if damaged == 0 => count.whole += 1,
        [] => count.told += 1,
        [first, ..] if damage == Damage::Cut && first + missing.len() == requests.len() => {
            count.end_lost += 1
        }
        [last] if last + 1 == requests.len() => count.end_lost += 1,
        [one, last] if log && one + 1 == *last && last + 1 == requests.len() => count.end_lost += 1,
        // A row that has lost its id is applied as damaged under none: it is told in the log.
        [_] if damaged == 0 => count.told += 1,
        missing => return Err(format!("batches {missing:?} are gone without a word")),
    }
    Ok(())
}

async fn damage_everywhere(desk: &Desk, files: &Sqlite, requests: &[ObjectId], log: bool) -> Count {
    let path = |files: &Sqlite| {
        let suffix = if log { "-wal" } else { "" };
        PathBuf::from(format!("{}{suffix}", files.intake().display()))
    };
    let length = usize::try_from(fs::metadata(path(files)).expect("the file").len()).expect("small");
    assert!(length > 4_096, "there is something to damage");
    let places = usize::try_from(number("ROLLBOOK_TEST_PAGES").unwrap_or(PLACES)).expect("a count");
    let (mut count, mut wrong) = (Count::default(), Vec::new());
    for damage in Damage::ALL {
        for place in 0..places {
            // Not at one distance from the beginnings of pages.
            let at = (length * place / places + place * 37) % length;
            let copied = copy(files);
            damage.do_to(&path(&copied), at);
            if let Err(error) = judge(copied, desk, requests, (damage, log), &mut count).await {
                wrong.push(format!("{damage:?} at {at} of {length}: {error}"));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
    count
}

async fn waiting(desk: &Desk) -> Vec<ObjectId> {
    let mut requests = Vec::new();
    for step in 0..WAITING {
        let name = format!("name {step}");
        requests.push(desk.append(desk.batch(&[(&format!("id{step}"), &[(FirstName, &name)])])).await);
    }
    requests
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_log_of_the_journal_is_refused_or_has_all_but_its_end() {
    let files = Sqlite::new();
    let desk = Desk::new(Box::new(files.clone())).await;
    let requests = waiting(&desk).await;
    let count = damage_everywhere(&desk, &files, &requests, true).await;
    println!("the log: {count:?}");
    assert!(count.refused > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_of_the_journal_is_refused_or_told() {
    let files = Sqlite::new();
    let mut desk = Desk::new(Box::new(files.clone())).await;
    let requests = waiting(&desk).await;
    // Closed and opened, the journal is in the file, and its log is empty.
    desk.reopen();
    let count = damage_everywhere(&desk, &files, &requests, false).await;
    println!("the file: {count:?}");
    assert!(count.refused + count.told > 0);
}
