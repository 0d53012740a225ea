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
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.name))?;
        // The name, in parentheses, may hold blanks; utime and stime are the 12th and 13th field after it.
        let (_, fields) = stat.rsplit_once(") ").ok_or("/proc/PID/stat is not as expected")?;
        let mut times = fields.split(' ').skip(11).map(str::parse::<f64>);
        let (user, system) = (times.next().ok_or("no utime")??, times.next().ok_or("no stime")??);
        Ok((user + system) / self.ticks_per_second)
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
