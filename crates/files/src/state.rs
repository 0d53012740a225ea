//! How far an import has come: a small file beside the failed rows, so that it goes on after a stop or a crash.
//!
//! It is a line that says which import it is, and a line for each point that was reached; the last whole line counts.
//! What lies behind that point is sent again, with the same keys, and the server does nothing twice.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::key::ImportId;
use super::send::Counts;
use super::{Error, Result};

/// What an import is: another with the same of this goes on with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// The SHA-256 of the file, in hex digits.
    pub file: String,
    /// The list.
    pub list: String,
    /// What decides how the file is read and sent: a version and a hash.
    pub plan: String,
}

/// The version of what is hashed in [`Identity::plan`].
pub const PLAN_VERSION: u8 = 2;

impl Identity {
    /// Whether its plan can be compared with one of this version.
    fn is_of_this_version(&self) -> bool {
        self.plan.split_once(':').is_some_and(|(version, _)| version == PLAN_VERSION.to_string())
    }
}

/// A point that was reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Point {
    /// Batches up to it.
    pub batches: u64,
    /// Rows up to it.
    pub rows: u64,
    /// Bytes of the file of failed rows.
    pub failures: u64,
    /// What became of the rows.
    pub counts: Counts,
}

#[derive(Serialize, Deserialize)]
struct Begun {
    import: String,
    #[serde(flatten)]
    identity: Identity,
}

/// Batches, rows, bytes of failures; created, updated, unchanged, failed, opted out, warnings.
type Line = [u64; 9];

/// The file. It is locked while it is open.
#[derive(Debug)]
pub struct State {
    path: PathBuf,
    file: File,
    /// What the import is known by.
    pub import: ImportId,
    /// The last point.
    pub point: Point,
    /// Whether it goes on with what was begun before.
    pub resumed: bool,
}

impl State {
    /// Where the state of an import with such a file of failed rows is.
    pub fn path_beside(failures: &Path) -> PathBuf {
        let mut path = failures.as_os_str().to_owned();
        path.push(".state");
        PathBuf::from(path)
    }

    /// Opens or makes it. When it returns it is on disk: nothing is sent before that.
    ///
    /// # Errors
    /// Where another import is running or was stopped with this file, or it cannot be written.
    pub fn open(path: &Path, identity: &Identity) -> Result<Self> {
        let told = |error: std::io::Error| Error::file(path, error);
        let options = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path);
        let mut file = options.map_err(told)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => Error::file(path, "this import is running already"),
            TryLockError::Error(error) => told(error),
        })?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(told)?;
        // What has no end was cut off by a crash.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).map_err(told)?;
        let mut lines = text[..whole].lines();
        let Some(first) = lines.next() else { return Self::begin(path, file, identity) };
        let begun: Begun =
            serde_json::from_str(first).map_err(|_| Error::file(path, "this is no state of an import"))?;
        if !begun.identity.is_of_this_version() {
            let text = "an import that another version of Rollbook began was stopped here: end it with that version, or \
                        remove this file to give it up";
            return Err(Error::file(path, text));
        }
        if begun.identity != *identity {
            let text = "another import was stopped here: end it by the same command, or remove this file to give it up";
            return Err(Error::file(path, text));
        }
        let point = lines
            .next_back()
            .map(|line| serde_json::from_str::<Line>(line).map_err(|error| told(error.into())));
        let point = point.transpose()?.map(read).unwrap_or_default();
        Ok(Self { path: path.to_owned(), file, import: ImportId::kept(begun.import), point, resumed: true })
    }

    fn begin(path: &Path, file: File, identity: &Identity) -> Result<Self> {
        let import = ImportId::new();
        let begun = Begun { import: import.as_str().to_owned(), identity: identity.clone() };
        let mut state = Self { path: path.to_owned(), file, import, point: Point::default(), resumed: false };
        state.append(&begun)?;
        // The file's own name must be on disk too.
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
        let directory = File::open(directory.unwrap_or(Path::new(".")));
        directory.and_then(|directory| directory.sync_all()).map_err(|error| Error::file(path, error))?;
        Ok(state)
    }

    /// Writes down that a point was reached. What it speaks of is on disk already.
    ///
    /// # Errors
    /// Where that fails.
    pub fn reach(&mut self, point: Point) -> Result<()> {
        if point != self.point {
            let Point { batches, rows, failures, counts } = point;
            let Counts { created, updated, unchanged, failed, opted_out, warnings } = counts;
            let line: Line =
                [batches, rows, failures, created, updated, unchanged, failed, opted_out, warnings];
            self.append(&line)?;
            self.point = point;
        }
        Ok(())
    }

    /// At the end of the import.
    ///
    /// # Errors
    /// Where it cannot be removed.
    pub fn remove(self) -> Result<()> {
        std::fs::remove_file(&self.path).map_err(|error| Error::file(&self.path, error))
    }

    fn append(&mut self, line: &impl Serialize) -> Result<()> {
        let mut bytes = serde_json::to_vec(line).map_err(|error| Error::file(&self.path, error))?;
        bytes.push(b'\n');
        let written = self.file.write_all(&bytes).and_then(|()| self.file.sync_data());
        written.map_err(|error| Error::file(&self.path, error))
    }
}

const fn read(line: Line) -> Point {
    let [batches, rows, failures, created, updated, unchanged, failed, opted_out, warnings] = line;
    let counts = Counts { created, updated, unchanged, failed, opted_out, warnings };
    Point { batches, rows, failures, counts }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn an_import_goes_on_where_its_last_whole_line_says() {
        let path = std::env::temp_dir().join(format!("rollbook-state-{}", std::process::id()));
        let identity = Identity { file: "f".to_owned(), list: "l".to_owned(), plan: "2:p".to_owned() };
        let counts = Counts { created: 1, updated: 2, unchanged: 3, failed: 4, opted_out: 5, warnings: 6 };
        let point = Point { batches: 1, rows: 10, failures: 99, counts };
        let mut state = State::open(&path, &identity).unwrap();
        let import = state.import.clone();
        assert!(!state.resumed);
        state.reach(point).unwrap();
        let running = State::open(&path, &identity).unwrap_err().to_string();
        assert!(running.ends_with("this import is running already"), "{running}");
        state.file.write_all(b"[2,20,9").unwrap();
        drop(state);
        let state = State::open(&path, &identity).unwrap();
        assert_eq!((state.point, &state.import, state.resumed), (point, &import, true));
        drop(state);
        let other = Identity { list: "other".to_owned(), ..identity };
        let told = State::open(&path, &other).unwrap_err().to_string();
        assert!(told.contains("another import was stopped here"), "{told}");
        // As an earlier version wrote it: a hash, and nothing of how it was made.
        std::fs::write(&path, "{\"import\":\"i\",\"file\":\"f\",\"list\":\"l\",\"plan\":\"abc\"}\n").unwrap();
        let told = State::open(&path, &other).unwrap_err().to_string();
        assert!(told.contains("another version of Rollbook began"), "{told}");
        std::fs::remove_file(&path).unwrap();
    }
}
