//! Other processes: the processor time that one has used, steadier than any rate on a busy machine, and the service's
//! commands on a database.

use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::service::without_settings;

/// Clock ticks in a second, as the kernel shows them to processes on every Linux.
const TICKS_PER_S: u64 = 100;

/// User and system time of a process since its start, in steps of 10 ms.
///
/// # Errors
/// When there is no such process.
pub fn cpu_time(pid: u32) -> io::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in brackets may hold spaces; utime and stime are the 12th and 13th fields after it.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks.saturating_mul(1000 / TICKS_PER_S)))
}

/// Runs a command of the service's binary on a database, as an operator does.
///
/// # Errors
/// When the binary cannot be started, and with what it says when it fails.
pub(super) fn on_database(telness: &Path, url: &str, arguments: &[&str]) -> io::Result<()> {
    let mut command = Command::new(telness);
    command.args(arguments).args(["--set", "store.tls=off", "--set", &format!("store.url={url}")]);
    without_settings(&mut command);
    let output = command.output()?;
    if output.status.success() { Ok(()) } else { Err(io::Error::other(String::from_utf8_lossy(&output.stderr))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_processor_time() {
        let me = std::process::id();
        let before = cpu_time(me).unwrap();
        let grown = crate::eventually(Duration::from_secs(20), || {
            std::hint::black_box((0..2_000_000_u64).fold(0, |sum, step| sum ^ step));
            (cpu_time(me).unwrap() > before).then_some(())
        });
        assert!(grown.is_some());
    }
}
