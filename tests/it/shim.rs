//! Faults below the program: a library that is loaded into it makes writes and syncs of the store's files fail, and
//! moves the clock. The test and the program share the file that says when.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::harness::Directory;
use crate::process::run;

/// The errno of a disk that is full.
pub const NO_ROOM: i64 = 28;

/// The errno of a disk that failed.
pub const BROKEN: i64 = 5;

/// Which calls fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i64)]
pub enum Kind {
    /// Everything that makes a file longer or other.
    Writes = 1,
    /// Everything that waits for the disk.
    Syncs = 2,
}

/// Which of the calls fail, and how.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    pub kind: Kind,
    /// So many go well first.
    pub skip: i64,
    /// So many fail then; `None`: all from there on.
    pub times: Option<i64>,
    pub error: i64,
    /// The first that fails writes a half before.
    pub torn: bool,
}

/// The numbers that are shared, in the order of the library's.
#[derive(Clone, Copy)]
enum Cell {
    Kinds,
    Skip,
    Times,
    Error,
    Torn,
    Seen,
    Failed,
    Clock,
}

/// The switch of one process, or of several on one store.
pub struct Shim {
    page: File,
    path: PathBuf,
    under: PathBuf,
    exact: bool,
    _directory: Directory,
}

impl Shim {
    /// For the files whose paths begin with `under`; nothing fails yet.
    pub fn new(under: &Path) -> Self {
        let directory = Directory::new();
        let path = directory.path("faults");
        let page = File::options().read(true).write(true).create_new(true).open(&path).expect("a file");
        page.set_len(4_096).expect("a page");
        Self { page, path, under: under.to_owned(), exact: false, _directory: directory }
    }

    /// For one file, and none whose path goes on.
    pub fn of_file(path: &Path) -> Self {
        Self { exact: true, ..Self::new(path) }
    }

    /// For [`crate::process::Store::serve_with`].
    pub fn load_into(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", library())
            .env("SHIM_PAGE", &self.path)
            .env("SHIM_UNDER", &self.under)
            .env("SHIM_EXACT", if self.exact { "1" } else { "" });
    }

    fn set(&self, cell: Cell, value: i64) {
        self.page.write_all_at(&value.to_ne_bytes(), cell as u64 * 8).expect("written");
    }

    fn get(&self, cell: Cell) -> i64 {
        let mut bytes = [0; 8];
        self.page.read_exact_at(&mut bytes, cell as u64 * 8).expect("read");
        i64::from_ne_bytes(bytes)
    }

    /// From now on that goes wrong.
    pub fn arm(&self, fault: Fault) {
        self.disarm();
        self.set(Cell::Seen, 0);
        self.set(Cell::Failed, 0);
        self.set(Cell::Skip, fault.skip);
        self.set(Cell::Times, fault.times.unwrap_or(-1));
        self.set(Cell::Error, fault.error);
        self.set(Cell::Torn, i64::from(fault.torn));
        self.set(Cell::Kinds, fault.kind as i64);
    }

    /// Nothing goes wrong any more.
    pub fn disarm(&self) {
        self.set(Cell::Kinds, 0);
    }

    /// How many calls of its kind there were since it was armed.
    pub fn seen(&self) -> i64 {
        self.get(Cell::Seen)
    }

    /// How many of them have failed.
    pub fn failed(&self) -> i64 {
        self.get(Cell::Failed)
    }

    /// Moves the time of day, in seconds from the true one.
    pub fn move_clock(&self, seconds: i64) {
        self.set(Cell::Clock, seconds);
    }
}

/// The library, compiled once.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<(PathBuf, Directory)> = OnceLock::new();
    let (path, _) = LIBRARY.get_or_init(|| {
        let directory = Directory::of_the_run();
        let path = directory.path("faults.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/c/faults.c");
        let mut compile = Command::new("cc");
        compile.args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"]).arg(&path).arg(source);
        let compiled = run(&mut compile);
        assert_eq!(compiled.code, Some(0), "{}", compiled.err);
        (path, directory)
    });
    path
}
