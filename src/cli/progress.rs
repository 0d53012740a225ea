//! How far a command is: a bar where somebody looks on, else a line now and then. A library for it would be larger
//! than this.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

use super::is_quiet;

/// How often a line is written where it goes to a file.
const LINE: Duration = Duration::from_secs(10);

/// The width of the bar.
const WIDTH: u64 = 20;

/// Shows progress on standard error.
pub struct Bar {
    terminal: bool,
    unit: &'static str,
    start: Instant,
    /// The count at the beginning, so that the rate is of this run.
    first: Option<u64>,
    told: Instant,
    shown: bool,
}

impl Bar {
    /// From now on; what is counted is of that unit.
    pub fn of(unit: &'static str) -> Self {
        let now = Instant::now();
        Self { terminal: stderr().is_terminal(), unit, start: now, first: None, told: now, shown: false }
    }

    /// Shows that so many are done, of so many if that is known.
    pub fn show(&mut self, done: u64, of: Option<u64>, more: &str) {
        let first = *self.first.get_or_insert(done);
        if is_quiet() || !self.terminal && self.told.elapsed() < LINE {
            return;
        }
        self.told = Instant::now();
        let line = text(done, first, of, self.unit, self.start.elapsed(), more);
        // Nobody is harmed where it cannot be shown.
        let _ = if self.terminal { write!(stderr(), "\r\x1b[K{line}") } else { writeln!(stderr(), "{line}") };
        self.shown = true;
    }

    /// Leaves the line.
    pub fn end(&self) {
        if self.terminal && self.shown {
            let _ = writeln!(stderr());
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate"
)]
fn text(done: u64, first: u64, of: Option<u64>, unit: &str, time: Duration, more: &str) -> String {
    let rate = (done - first) as f64 / time.as_secs_f64().max(0.001);
    let Some(of) = of.filter(|of| *of > 0) else { return format!("{done} {unit}, {rate:.0} a second{more}") };
    let full = done.saturating_mul(WIDTH) / of;
    let bar: String = (0..WIDTH).map(|place| if place < full { '#' } else { '.' }).collect();
    let left = if rate > 0.0 {
        let seconds = (of.saturating_sub(done) as f64 / rate) as u64;
        format!(", {}:{:02} left", seconds / 60, seconds % 60)
    } else {
        String::new()
    };
    format!("[{bar}] {}% {done} of {of} {unit}, {rate:.0} a second{left}{more}", done * 100 / of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_tells_rate_and_time_left() {
        let told = text(600, 100, Some(1_600), "rows", Duration::from_secs(5), ", 3 failed");
        assert_eq!(told, "[#######.............] 37% 600 of 1600 rows, 100 a second, 0:10 left, 3 failed");
        assert_eq!(text(600, 0, None, "MiB", Duration::from_secs(6), ""), "600 MiB, 100 a second");
        let none = text(0, 0, Some(10), "rows", Duration::ZERO, "");
        assert_eq!(none, "[....................] 0% 0 of 10 rows, 0 a second");
    }
}
