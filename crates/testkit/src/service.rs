//! The real service as a process: started on a data folder, asked to stop, killed, and started again.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;

use crate::client::Client;
use crate::wait::{eventually, pause};

/// How long a start or an ordered stop may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Lines of the log that are kept to be shown when something fails.
const LOG_LINES_KEPT: usize = 200;

/// Where [`lasting_addresses`] goes on to look.
static ASKED: AtomicU32 = AtomicU32::new(0);

/// How to start the service.
#[derive(Clone, Debug)]
pub struct ServiceOptions {
    binary: PathBuf,
    data: PathBuf,
    prefix: Vec<String>,
    arguments: Vec<String>,
    listen: SocketAddr,
    log_is_read: bool,
}

impl ServiceOptions {
    /// The service of a binary on a data folder, all else by default.
    #[must_use]
    pub fn new(binary: impl Into<PathBuf>, data: impl Into<PathBuf>) -> Self {
        Self {
            binary: binary.into(),
            data: data.into(),
            prefix: Vec::new(),
            arguments: Vec::new(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            log_is_read: true,
        }
    }

    /// Listening here, also when it is started again; on a port of the system's choice if not said.
    #[must_use]
    pub const fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// With a setting, such as `shipper.enabled` and `false`.
    #[must_use]
    pub fn set(self, name: &str, value: &str) -> Self {
        self.argument("--set").argument(&format!("{name}={value}"))
    }

    /// With one more argument.
    #[must_use]
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Pinned to one processor.
    #[must_use]
    pub fn pinned_to(mut self, core: u32) -> Self {
        self.prefix.extend(["taskset".to_owned(), "-c".to_owned(), core.to_string()]);
        self
    }

    /// With no more open files than these.
    #[must_use]
    pub fn open_files_max(mut self, files: u32) -> Self {
        self.prefix.extend(["prlimit".to_owned(), format!("--nofile={files}")]);
        self
    }

    /// With nobody at the other end of its log, as where what collects logs hangs.
    #[must_use]
    pub const fn log_unread(mut self) -> Self {
        self.log_is_read = false;
        self
    }

    /// Started so that a refused write is an error that the service sees, and no signal that ends it. For
    /// [`Service::limit_file_size`].
    #[must_use]
    pub fn survives_file_size_limit(mut self) -> Self {
        let ignore = "trap '' XFSZ; exec \"$0\" \"$@\"";
        self.prefix.splice(0..0, ["sh".to_owned(), "-c".to_owned(), ignore.to_owned()]);
        self
    }

    fn command(&self) -> Command {
        let mut words = self.prefix.iter().map(PathBuf::from).chain([self.binary.clone()]);
        let mut command = tied(words.next().expect("the binary is always there"));
        command.args(words).args(["serve", "--listen", &self.listen.to_string(), "--json", "--data"]).arg(&self.data);
        command.args(&self.arguments);
        without_settings(&mut command);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// Free addresses that the system gives to nobody who connects somewhere: a client that asks again and again for a port where
/// nobody listens may else be given that port for its own end, and then nobody can listen there.
///
/// # Panics
/// When there are not as many.
#[must_use]
pub fn lasting_addresses<const N: usize>() -> [SocketAddr; N] {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let first = range.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(32_768_u16);
    let below = 1_024..first.max(1_025);
    // Nobody who asks at the same time is given the same, in this process or in another.
    let turn = ASKED.fetch_add(16, Ordering::Relaxed);
    let begin = std::process::id().wrapping_mul(7_919).wrapping_add(turn);
    let begin = usize::try_from(begin).unwrap_or(0).checked_rem(below.len()).unwrap_or(0);
    let ports = below.clone().cycle().skip(begin).take(below.len());
    // Each is held until all are found, so that they differ.
    let held: Vec<TcpListener> = ports.filter_map(|port| TcpListener::bind(("127.0.0.1", port)).ok()).take(N).collect();
    let addresses: Vec<SocketAddr> = held.iter().filter_map(|listener| listener.local_addr().ok()).collect();
    addresses.try_into().expect("so many free ports")
}

/// A program that is killed when the thread ends that starts it, so that a test which is killed leaves nothing behind.
pub fn tied(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(program);
    command
}

/// Settings come from the test alone, and not from whatever the shell of whoever runs it has set.
pub fn without_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"TELNESS_")) {
        command.env_remove(name);
    }
}

/// A running service. Dropped, it is killed; so it is when the thread ends that started it.
#[derive(Debug)]
pub struct Service {
    options: ServiceOptions,
    child: Child,
    address: SocketAddr,
    announced: Value,
    log: Arc<Mutex<Vec<String>>>,
    /// The log's pipe, open and full, where nobody is to read it.
    _unread: Option<ChildStderr>,
}

impl Service {
    /// Starts the service and waits until it is ready.
    ///
    /// # Panics
    /// When it does not start, with what it logged.
    #[must_use]
    pub fn start(options: &ServiceOptions) -> Self {
        let mut child = options.command().spawn().expect("the service's binary can be started");
        let stderr = child.stderr.take().expect("standard error is piped");
        let (log, unread) = if options.log_is_read { (gather(stderr), None) } else { (Arc::default(), Some(stderr)) };
        let stdout = BufReader::new(child.stdout.take().expect("standard output is piped"));
        let Some((address, announced)) = announced(stdout) else {
            // The log is whole once the process has ended.
            let _ = child.kill();
            let status = child.wait();
            panic!("the service did not say where it listens ({status:?}):\n{}", shown(&log));
        };
        let service = Self { options: options.clone(), child, address, announced, log, _unread: unread };
        let ready = || service.client().get("/readyz").ok().filter(|answer| answer.status == 200);
        assert!(eventually(PATIENCE, ready).is_some(), "the service is not ready:\n{}", service.log());
        service
    }

    /// Starts the service and ends it at once after a while, whether or not it was ready by then.
    pub fn start_and_kill(options: &ServiceOptions, after: Duration) {
        let mut child = options.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        pause(after);
        if let Ok(child) = &mut child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where emergency and vital calls have a listener of their own, if they have.
    #[must_use]
    pub fn address_of_high(&self) -> Option<SocketAddr> {
        address_in(&self.announced, "listening_high")
    }

    /// Where it answers SIP OPTIONS, and where for emergency calls alone, if it does.
    #[must_use]
    pub fn addresses_of_sip(&self) -> [Option<SocketAddr>; 2] {
        ["listening_sip", "listening_sip_high"].map(|name| address_in(&self.announced, name))
    }

    /// A new client of that listener.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn client_of_high(&self) -> Client {
        Client::new(self.address_of_high().expect("the service has a listener of the high workflow"))
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.options.data
    }

    /// A new client of it.
    #[must_use]
    pub const fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// The last lines that it logged.
    #[must_use]
    pub fn log(&self) -> String {
        shown(&self.log)
    }

    /// Ends it at once, as a crash would (SIGKILL), and waits until it is gone.
    pub fn kill(&mut self) {
        // It may have ended by itself, which is what was wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again on the same folder, ended at once if it has not stopped yet. It may listen elsewhere.
    pub fn restart(&mut self) {
        self.kill();
        *self = Self::start(&self.options);
    }

    /// Asks it to stop (SIGTERM), without waiting.
    pub fn ask_to_stop(&self) {
        self.signal("TERM");
    }

    /// Sends it a signal, such as `STOP`.
    pub fn signal(&self, signal: &str) {
        run("kill", &[&format!("-{signal}"), &self.pid().to_string()]);
    }

    /// Waits until it has stopped.
    ///
    /// # Panics
    /// When it does not.
    pub fn stopped(&mut self) -> ExitStatus {
        let ended = eventually(PATIENCE, || self.child.try_wait().expect("the process can be waited for"));
        ended.unwrap_or_else(|| panic!("the service does not stop:\n{}", self.log()))
    }

    /// Makes every write to a file fail from now on, as on a full disk, or lets them be again.
    pub fn limit_file_size(&self, bytes: Option<u64>) {
        let soft = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        run("prlimit", &["--pid", &self.pid().to_string(), &format!("--fsize={soft}:")]);
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Reads the line of JSON that the service prints once it listens: where, and all that the line says.
fn announced(mut stdout: impl std::io::BufRead + Send + 'static) -> Option<(SocketAddr, Value)> {
    let mut line = String::new();
    while stdout.read_line(&mut line).ok()? > 0 {
        let said = serde_json::from_str(&line).unwrap_or(Value::Null);
        if let Some(address) = address_in(&said, "listening") {
            // Whatever it prints later must not fill the pipe and block it.
            std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
            return Some((address, said));
        }
        line.clear();
    }
    None
}

fn address_in(said: &Value, name: &str) -> Option<SocketAddr> {
    let text = said.get(name)?.as_str()?;
    text.trim_start_matches("http://").trim_end_matches('/').parse().ok()
}

fn gather(stderr: impl std::io::Read + Send + 'static) -> Arc<Mutex<Vec<String>>> {
    let log = Arc::new(Mutex::new(Vec::new()));
    let lines = Arc::clone(&log);
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let mut kept = lines.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() >= LOG_LINES_KEPT {
                kept.remove(0);
            }
            kept.push(line);
        }
    });
    log
}

fn shown(log: &Mutex<Vec<String>>) -> String {
    log.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
}

fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status();
    assert!(status.as_ref().is_ok_and(ExitStatus::success), "{program} {arguments:?}: {status:?}");
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    #[test]
    fn the_address_is_read_among_other_lines() {
        let lines: &[u8] = b"starting\n{\"plan\":1}\n{\"listening\":\"127.0.0.1:4711\"}\n";
        let (address, said) = announced(lines).unwrap();
        assert_eq!((address, address_in(&said, "listening_high")), ("127.0.0.1:4711".parse().unwrap(), None));
        let lines: &[u8] = b"{\"listening\":\"http://127.0.0.1:80/\",\"listening_high\":\"http://127.0.0.1:81\"}";
        let (address, said) = announced(lines).unwrap();
        let high = Some("127.0.0.1:81".parse().unwrap());
        assert_eq!((address, address_in(&said, "listening_high")), ("127.0.0.1:80".parse().unwrap(), high));
        assert_eq!(announced(&b"no\n"[..]), None);
    }

    #[test]
    fn what_is_tied_is_killed_when_nobody_is_left_to_end_it() {
        let starter = std::thread::spawn(|| {
            let started = tied("sleep").arg("600").spawn().unwrap();
            let runs = || std::fs::read_to_string(format!("/proc/{}/comm", started.id())).ok();
            eventually(PATIENCE, || runs().filter(|name| name == "sleep\n")).unwrap();
            started
        });
        let mut left = starter.join().unwrap();
        let ended = eventually(PATIENCE, || left.try_wait().unwrap());
        let _ = left.kill();
        assert_eq!(ended.and_then(|status| status.signal()), Some(9));
    }

    #[test]
    fn a_process_that_says_nothing_is_shown_with_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let options = ServiceOptions::new("ls", folder.path());
        let caught = std::panic::catch_unwind(|| drop(Service::start(&options)));
        let message = caught.unwrap_err().downcast::<String>().unwrap();
        assert!(message.contains("did not say where it listens"), "{message}");
    }
}
