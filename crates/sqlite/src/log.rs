//! Whether a write-ahead log is damaged in its middle.
//!
//! SQLite reads a log up to the first frame whose checksum is wrong, takes that for the end where a crash has cut a
//! commit short, and says nothing. But each of our commits is on disk before the next begins: behind a frame that a
//! crash has cut there is no more than the end of its own commit. Where several commits stand there, a disk has changed
//! what it held, and what was answered with 200 would be gone without a word. So such a log is refused.
//!
//! The last commit of a log cannot be told from one that a crash has cut: that much can be lost to a damaged disk. Where
//! the frame that ends the last but one does not even say that it ended one, that one looks like the beginning of the
//! last, and both can be.
//!
//! The format: <https://www.sqlite.org/fileformat2.html#the_write_ahead_log>

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use super::files::beside;
use storage::Error;

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// Commits behind a frame that does not read, from which on no crash explains it: of one, the end may be there.
const COMMITS: usize = 2;

/// Looks at the log beside a file, if there is one.
///
/// # Errors
/// [`Error::Damaged`] where it is damaged in its middle; [`Error::Unavailable`] where it cannot be read.
pub fn check(database: &Path) -> Result<(), Error> {
    let path = beside(database, "-wal");
    let unread = |error: io::Error| Error::Unavailable(format!("{}: {error}", path.display()));
    let log = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened.map_err(unread)?,
    };
    let lost = commits_behind_damage(BufReader::new(log)).map_err(unread)?;
    if lost < COMMITS {
        return Ok(());
    }
    Err(Error::Damaged(format!(
        "{} is damaged, and at least {lost} commits stand behind that: restore a backup, or move this file away to go \
         on without all that is only in it",
        path.display()
    )))
}

/// How many commits of the log stand behind the first frame that does not read; 0 where all read.
fn commits_behind_damage(mut log: impl Read) -> io::Result<usize> {
    let mut header = [0; HEADER];
    if !fill(&mut log, &mut header)? {
        return Ok(0);
    }
    let page = word(&header, 8) as usize;
    if !page.is_power_of_two() || !(512..=65_536).contains(&page) {
        // Without its length no frame can be told; a log that was just begun has none of its own.
        return Ok(if fill(&mut log, &mut [0; FRAME_HEADER])? { COMMITS } else { 0 });
    }
    let mut sum = Sum { words: [0, 0], big: header[3] & 1 == 1 };
    sum.add(&header[..24]);
    let mut intact = sum.is(&header, 24);
    // Of a damaged header not even this is sure: then the frames must agree with each other.
    let mut salt = intact.then(|| salt_of(&header, 16));
    let (mut frame, mut behind) = (vec![0; FRAME_HEADER + page], 0);
    while fill(&mut log, &mut frame)? {
        if *salt.get_or_insert_with(|| salt_of(&frame, 8)) != salt_of(&frame, 8) {
            // From before the log was begun anew. Of a damaged frame the salt may be what is damaged.
            intact = false;
            continue;
        }
        sum.add(&frame[..8]);
        sum.add(&frame[FRAME_HEADER..]);
        intact &= sum.is(&frame, 16);
        behind += usize::from(!intact && word(&frame, 4) != 0);
    }
    Ok(behind)
}

/// Reads a whole piece; `false` where there is none any more.
fn fill(log: &mut impl Read, piece: &mut [u8]) -> io::Result<bool> {
    match log.read_exact(piece) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().fold(0, |word, byte| word << 8 | u32::from(*byte))
}

fn salt_of(bytes: &[u8], at: usize) -> [u32; 2] {
    [word(bytes, at), word(bytes, at + 4)]
}

/// The checksum of a log: each frame's goes on from the one before.
struct Sum {
    words: [u32; 2],
    /// Whether the log was written by a machine that keeps the high byte first.
    big: bool,
}

impl Sum {
    fn add(&mut self, bytes: &[u8]) {
        let [mut one, mut two] = self.words;
        for pair in bytes.chunks_exact(8) {
            let (first, second) = (word(pair, 0), word(pair, 4));
            let [first, second] =
                if self.big { [first, second] } else { [first, second].map(u32::swap_bytes) };
            one = one.wrapping_add(first).wrapping_add(two);
            two = two.wrapping_add(second).wrapping_add(one);
        }
        self.words = [one, two];
    }

    fn is(&self, bytes: &[u8], at: usize) -> bool {
        self.words == salt_of(bytes, at)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use rusqlite::Connection;

    use super::*;

    /// A log of ten commits, and where each of its frames begins.
    fn log(test: &str) -> (Vec<u8>, Vec<usize>) {
        let path = std::env::temp_dir().join(format!("rollbook-log-{test}-{}", std::process::id()));
        let store = Connection::open(&path).unwrap();
        store
            .execute_batch("PRAGMA journal_mode = wal; PRAGMA synchronous = full; CREATE TABLE t (x)")
            .unwrap();
        for number in 0..9 {
            store.execute("INSERT INTO t VALUES (?1)", [number]).unwrap();
        }
        let bytes = std::fs::read(format!("{}-wal", path.display()));
        drop(store);
        std::fs::remove_file(&path).unwrap();
        let bytes = bytes.unwrap();
        let frames = (HEADER..bytes.len()).step_by(FRAME_HEADER + 4_096).collect();
        (bytes, frames)
    }

    #[test]
    fn a_log_that_is_whole_or_cut_anywhere_is_no_damage() {
        let (bytes, frames) = log("cut");
        assert!(frames.len() >= 10);
        assert_eq!(commits_behind_damage(&bytes[..]).unwrap(), 0);
        for length in (0..bytes.len()).step_by(97) {
            assert_eq!(commits_behind_damage(&bytes[..length]).unwrap(), 0, "cut to {length}");
        }
        // What is left of the log before it was begun anew bears another salt.
        let mut begun = bytes.clone();
        for at in &frames[3..] {
            begun[at + 8] ^= 1;
        }
        assert_eq!(commits_behind_damage(&begun[..]).unwrap(), 0);
    }

    #[test]
    fn a_bit_that_is_flipped_anywhere_is_told_by_the_commits_behind_it() {
        let (bytes, frames) = log("flipped");
        for (number, frame) in frames.iter().enumerate() {
            for at in [0, 5, 9, 17, 23, 24, 1_000, FRAME_HEADER + 4_095] {
                let mut flipped = bytes.clone();
                flipped[frame + at] ^= 0x10;
                let behind = commits_behind_damage(&flipped[..]).unwrap();
                // The frame itself may be one, or may have lost that by the flip.
                let left = frames.len() - number - 1;
                assert!(
                    (left.saturating_sub(1)..=left + 1).contains(&behind),
                    "frame {number}, byte {at}: {behind}"
                );
            }
        }
        for at in 0..HEADER {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x10;
            // Which checkpoint it is, and its version, are under the checksum too.
            assert!(commits_behind_damage(&flipped[..]).unwrap() >= COMMITS, "byte {at} of the header");
        }
    }
}
