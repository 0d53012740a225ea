//! What commands print, and how they end.

use std::io::{ErrorKind, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Result;

/// The exit code of a command that ran to its end and found faults: rows that failed, damage, checks of a report.
pub const FAULTS: u8 = 4;

/// Whether notes and progress are left out.
static QUIET: AtomicBool = AtomicBool::new(false);

/// Leaves notes and progress out, or not.
pub fn set_quiet(quiet: bool) {
    QUIET.store(quiet, Ordering::Relaxed);
}

/// Whether notes and progress are left out.
pub fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// A note on standard error, unless the user wants none.
pub fn note(line: &str) {
    if !is_quiet() {
        eprintln!("{line}");
    }
}

/// Reports that a command could not run, or not to its end.
pub fn failed(sentence: &str) -> ExitCode {
    eprintln!("rollbook: {sentence}");
    ExitCode::FAILURE
}

/// The end of a command that looks for faults: the sentence about those that it found.
pub fn found_faults(result: Result<Option<String>>) -> ExitCode {
    match result {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(sentence)) => {
            eprintln!("rollbook: {sentence}");
            ExitCode::from(FAULTS)
        }
        Err(sentence) => failed(&sentence),
    }
}

/// Prints a line. If the reader has closed the pipe (`rollbook … | head`), the command ends without an error. Any other
/// error ends it as failed: a disk may be full.
pub fn print(line: &str) {
    write(format!("{line}\n").as_bytes());
}

/// The same for bytes.
pub fn write(bytes: &[u8]) {
    let mut out = std::io::stdout();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => {
            eprintln!("rollbook: standard output: {error}");
            std::process::exit(1)
        }
    }
}
