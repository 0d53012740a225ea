//! Who reads the log of a database: a reader that stays keeps the log from being emptied, and it grows.
//!
//! A reader holds one of the locks 123 to 127 of the index of the log (`-shm`), see the constants `WAL_READ_LOCK` and
//! `UNIX_SHM_BASE` of SQLite. The system says which process holds a lock. If it does not (another namespace, or a unit
//! that hides `/proc/locks`), the reader has no name.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::files::beside;

/// The bytes of the index that readers lock.
const READ_LOCKS: std::ops::RangeInclusive<u64> = 123..=127;

/// Other processes that read the log now: their names and numbers.
pub fn names(database: &Path) -> Vec<String> {
    let index = beside(database, "-shm").metadata().map(|index| index.ino());
    let locks = std::fs::read_to_string("/proc/locks");
    let (Ok(index), Ok(locks)) = (index, locks) else { return Vec::new() };
    let others = holders(&locks, index).into_iter().filter(|process| *process != std::process::id());
    others
        .map(|process| {
            let name = std::fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
            format!("{} ({process})", name.trim())
        })
        .collect()
}

/// The processes that hold a lock of readers, each once. A line: `7: POSIX  ADVISORY  READ 4711 08:01:1234 124 124`.
fn holders(locks: &str, index: u64) -> Vec<u32> {
    let mut holders = Vec::new();
    for line in locks.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        let [_, "POSIX", _, "READ", process, file, first, last] = words.as_slice() else { continue };
        let is_index = file.rsplit(':').next().and_then(|inode| inode.parse().ok()) == Some(index);
        let of_reader =
            [first, last].iter().all(|byte| byte.parse().is_ok_and(|byte| READ_LOCKS.contains(&byte)));
        if let Some(process) = process.parse().ok().filter(|_| is_index && of_reader)
            && !holders.contains(&process)
        {
            holders.push(process);
        }
    }
    holders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_hold_a_lock_of_readers_are_found() {
        let locks = "1: POSIX  ADVISORY  READ 11 08:01:77 124 124\n2: POSIX  ADVISORY  READ 11 08:01:77 125 125\n\
                     3: POSIX  ADVISORY  READ 12 08:01:77 128 128\n4: POSIX  ADVISORY  WRITE 13 08:01:77 120 120\n\
                     5: POSIX  ADVISORY  READ 14 08:01:78 124 124\n6: FLOCK  ADVISORY  WRITE 15 08:01:77 0 EOF\n\
                     6: -> POSIX  ADVISORY  READ 16 08:01:77 124 124\n7: POSIX  ADVISORY  READ 17 08:01:77 123 123\n";
        assert_eq!(holders(locks, 77), [11, 17]);
    }

    /// SQLite and the system say it as this module reads it.
    #[test]
    fn a_reader_of_a_real_log_is_found() -> Result<(), Box<dyn std::error::Error>> {
        let path = std::env::temp_dir().join(format!("rollbook-readers-{}", std::process::id()));
        let store = rusqlite::Connection::open(&path)?;
        store.execute_batch("PRAGMA journal_mode = wal; CREATE TABLE t (x); BEGIN; SELECT * FROM t")?;
        let index = beside(&path, "-shm").metadata()?.ino();
        let found = holders(&std::fs::read_to_string("/proc/locks")?, index);
        drop(store);
        std::fs::remove_file(&path)?;
        assert_eq!(found, [std::process::id()]);
        Ok(())
    }
}
