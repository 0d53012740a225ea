//! What the operating system accounts to a process of this machine.

use std::fs;
use std::process::Command;

use super::Result;

/// A process, looked at through /proc.
#[derive(Clone, Debug)]
pub struct Process {
    name: String,
    ticks_per_second: f64,
}

impl Process {
    /// The process with that id.
    ///
    /// # Errors
    /// Where there is none, or this system has no /proc.
    pub fn new(pid: u32) -> Result<Self> {
        Self::named(&pid.to_string())
    }

    /// This process.
    ///
    /// # Errors
    /// Where this system has no /proc.
    pub fn own() -> Result<Self> {
        Self::named("self")
    }

    fn named(name: &str) -> Result<Self> {
        let output = Command::new("getconf").arg("CLK_TCK").output()?;
        let ticks_per_second = String::from_utf8(output.stdout)?.trim().parse()?;
        let process = Self { name: name.to_owned(), ticks_per_second };
        process.cpu_seconds().map_err(|error| format!("process {name}: {error}"))?;
        Ok(process)
    }

    /// Seconds of CPU, user and system, of all its threads. Writing back by the kernel's own threads is not in it.
    ///
    /// # Errors
    /// Where the process is gone.
    pub fn cpu_seconds(&self) -> Result<f64> {
        let [user, system, _, _] = ticks(&self.name)?;
        Ok((user + system) / self.ticks_per_second)
    }

    /// The same of all processes with that name together, and of those children of theirs that have ended: of a
    /// database server that is a process for each connection.
    ///
    /// # Errors
    /// Where there is none, or this system has no /proc.
    pub fn cpu_seconds_of_all(&self, name: &str) -> Result<f64> {
        let mut all = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let process = entry?.file_name().to_string_lossy().into_owned();
            // What is no process has no such file, and a process may go meanwhile: its parent has its ticks then.
            let named = fs::read_to_string(format!("/proc/{process}/comm"));
            if named.is_ok_and(|named| named.trim_end() == name) {
                all.extend(ticks(&process).ok());
            }
        }
        if all.is_empty() {
            return Err(format!("no process here is called {name}").into());
        }
        Ok(all.into_iter().flatten().sum::<f64>() / self.ticks_per_second)
    }

    /// Resident memory in bytes.
    ///
    /// # Errors
    /// Where the process is gone.
    pub fn rss(&self) -> Result<u64> {
        self.status_bytes("VmRSS:")
    }

    /// The most that was ever resident, in bytes.
    ///
    /// # Errors
    /// Where the process is gone.
    pub fn peak_rss(&self) -> Result<u64> {
        self.status_bytes("VmHWM:")
    }

    fn status_bytes(&self, key: &str) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.name))?;
        let kib = status
            .lines()
            .find_map(|line| line.strip_prefix(key))
            .and_then(|rest| rest.split_whitespace().next())
            .ok_or_else(|| format!("no {key} in /proc/PID/status"))?;
        Ok(kib.parse::<u64>()? * 1024)
    }
}

/// The ticks of a process, user and system, and those of its children that have ended.
fn ticks(process: &str) -> Result<[f64; 4]> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name, in parentheses, may hold blanks; utime is the 12th field after it, and the others follow.
    let (_, fields) = stat.rsplit_once(") ").ok_or("/proc/PID/stat is not as expected")?;
    let times: Vec<_> =
        fields.split(' ').skip(11).take(4).map(str::parse).collect::<std::result::Result<_, _>>()?;
    times.try_into().map_err(|_| "/proc/PID/stat has too few fields".into())
}
