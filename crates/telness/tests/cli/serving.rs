//! `telness serve`, as a process: how it starts, refuses and stops.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::{CALLED, Ran, folder, run_in, telness};

/// A running service, killed when the test ends.
pub(crate) struct Service {
    child: Child,
    pub(crate) announced: Value,
}

impl Service {
    pub(crate) fn start(folder: &TempDir, more: &[&str]) -> Self {
        Self::start_on(folder, "127.0.0.1:0", more)
    }

    fn start_on(folder: &TempDir, listen: &str, more: &[&str]) -> Self {
        let arguments = [&["serve", "--json", "--listen", listen], more].concat();
        let mut child = telness(folder, &arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let announced = serde_json::from_str(&line);
        let announced = announced.unwrap_or_else(|error| panic!("{error} in {line:?}: {}", stderr(&mut child)));
        Self { child, announced }
    }

    pub(crate) fn url(&self) -> &str {
        self.announced["listening"].as_str().unwrap()
    }

    /// Asks it, and gives the whole answer.
    pub(crate) fn ask(&self, head: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.url().strip_prefix("http://").unwrap()).unwrap();
        let length = body.len();
        write!(stream, "{head} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill").arg(format!("-{signal}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end: the exit code and what it logged.
    pub(crate) fn wait(mut self) -> (Option<i32>, String) {
        let log = stderr(&mut self.child);
        (self.child.wait().unwrap().code(), log)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn stderr(child: &mut Child) -> String {
    let mut text = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        stderr.read_to_string(&mut text).unwrap();
    }
    text
}

#[test]
fn a_first_start_needs_nothing_and_says_where_it_is() {
    let folder = folder();
    let service = Service::start(&folder, &[]);
    assert_eq!(service.announced["first_start"], true);
    assert_eq!(service.announced["plan"], "the built-in example");
    assert!(service.ask("GET /readyz", "").starts_with("HTTP/1.1 200"));
    assert!(folder.path().join("telness-data/server.key").exists());
    service.signal("TERM");
    let (code, log) = service.wait();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("http.body_bytes_max=\\\"65536\\\" (default)"), "the settings are logged: {log}");
    assert!(!log.contains('\u{1b}'), "no colour in a pipe");
    assert_eq!(Service::start(&folder, &[]).announced["first_start"], false);
}

/// What a start tells a person, up to the line that says how to stop it.
fn told_to_a_person(folder: &TempDir, more: &[&str]) -> String {
    let arguments = [&["serve", "--listen", "127.0.0.1:0"], more].concat();
    let mut child = telness(folder, &arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut told = String::new();
    for line in lines {
        told.push_str(&line);
        told.push('\n');
        if line.contains("ctrl-c") {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    told
}

#[test]
fn a_person_is_told_a_line_to_paste() {
    let folder = folder();
    let told = told_to_a_person(&folder, &[]);
    for part in ["http://127.0.0.1:", "curl -s ", "+46701740610", "the built-in example", "telness-data", "/docs"] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
    let both = told_to_a_person(&folder, &["--set", "workflow.high.listen=127.0.0.1:0"]);
    assert!(both.contains("to themselves") && both.contains("curl -s "), "{both}");
}

#[test]
fn of_a_process_for_emergency_calls_alone_nothing_is_said_that_it_refuses() {
    let folder = folder();
    let told = told_to_a_person(&folder, &["--workflow", "high"]);
    assert!(told.contains("emergency and vital calls alone"), "{told}");
    assert!(!told.contains("curl") && !told.contains("/docs"), "it answers those with 421: {told}");
    let service = Service::start(&folder, &["--workflow", "high"]);
    assert_eq!((&service.announced["docs"], service.url()), (&Value::Null, high_url(&service)));
}

fn high_url(service: &Service) -> &str {
    service.announced["listening_high"].as_str().unwrap()
}

#[test]
fn p5_listening_beyond_loopback_without_keys_is_refused_with_what_to_do() {
    let folder = folder();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8080"] {
        let ran = run_in(&folder, &["serve", "--listen", address]);
        assert_eq!(ran.code(), 6, "{address}: {}", ran.err());
        assert!(ran.err().contains("telness keys new") && ran.err().contains("--listen 127.0.0.1:"), "{}", ran.err());
    }
    let high = run_in(&folder, &["serve", "--listen", "127.0.0.1:0", "--set", "workflow.high.listen=0.0.0.0:0"]);
    assert_eq!((high.code(), high.err().contains("workflow.high.listen 127.0.0.1:")), (6, true), "{}", high.err());
    assert!(!folder.path().join("telness-data").exists(), "nothing was made");
}

#[test]
fn with_a_key_it_listens_everywhere_and_never_logs_the_hash() {
    let folder = folder();
    let key = run_in(&folder, &["keys", "new", "--tenant", "nordtel", "--json"]).json();
    let hash = key["sha256"].as_str().unwrap();
    std::fs::write(folder.path().join("t.toml"), format!("[[keys]]\ntenant = 'nordtel'\nsha256 = '{hash}'\n")).unwrap();
    let service = Service::start_on(&folder, "0.0.0.0:0", &["--config", "t.toml"]);
    service.signal("INT");
    let (code, log) = service.wait();
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains(hash) && log.contains("1 hidden"), "{log}");
}

#[test]
fn a_folder_or_a_port_that_is_taken_has_its_own_code() {
    let (one, other) = (folder(), folder());
    let service = Service::start(&one, &[]);
    let in_use = run_in(&one, &["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(in_use.code(), 4, "{}", in_use.err());
    let address = service.url().strip_prefix("http://").unwrap();
    let taken = run_in(&other, &["serve", "--listen", address]);
    assert_eq!(taken.code(), 5, "{}", taken.err());
    let doctor = run_in(&one, &["doctor", "--listen", address]);
    assert!(doctor.out().contains("a telness answers"), "{}", doctor.out());
    let damaged = folder();
    std::fs::create_dir(damaged.path().join("telness-data")).unwrap();
    std::fs::write(damaged.path().join("telness-data/server.key"), "short").unwrap();
    let ran: Ran = run_in(&damaged, &["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(ran.code(), 7, "{}", ran.err());
}

/// Makes a folder's call log one of a later version: its last step gets a number that nobody has yet. In the file, a
/// step's number stands before the head of its row, which its name follows.
fn make_call_log_later(folder: &TempDir) {
    let file = folder.path().join("telness-data/calls.sqlite");
    let mut bytes = std::fs::read(&file).unwrap();
    let name = b"tenant_rate";
    let row = [&[4, 0, 13 + 2 * u8::try_from(name.len()).unwrap(), 12 + 2 * 16], &name[..]].concat();
    let at = bytes.windows(row.len()).position(|window| window == row).unwrap();
    assert_eq!(bytes[at - 1], 6, "the number of the last step");
    bytes[at - 1] = 99;
    std::fs::write(&file, bytes).unwrap();
}

#[test]
fn s2_a_call_log_of_a_later_version_stops_no_start_and_every_command_says_what_is_wrong() {
    let folder = folder();
    let service = Service::start(&folder, &[]);
    service.signal("TERM");
    assert_eq!(service.wait().0, Some(0));
    make_call_log_later(&folder);
    let service = Service::start(&folder, &["--set", "http.drain_ms_max=0"]);
    let call = r#"{"from": "+46846500401", "to": "070-174 06 05", "type": "pbx"}"#;
    assert!(service.ask("POST /v1/calls", call).contains("journaled"));
    let list = service.ask("GET /v1/calls", "");
    assert!(list.starts_with("HTTP/1.1 503") && list.contains("store_unavailable"), "{list}");
    let ready = service.ask("GET /readyz", "");
    assert!(ready.starts_with("HTTP/1.1 200") && ready.contains(r#""store_ok":false"#), "{ready}");
    assert!(service.ask("GET /metrics", "").contains("telness_store_failing 1\n"));
    service.signal("TERM");
    let (code, log) = service.wait();
    assert_eq!(code, Some(0), "{log}");
    for said in [log, run_in(&folder, &["doctor", "--listen", "127.0.0.1:0"]).out()] {
        assert!(said.contains("version 99, which a later telness made"), "{said}");
    }
    let records = run_in(&folder, &["records"]);
    assert_eq!(records.code(), 7, "{}", records.err());
    assert!(records.err().contains("version 99, which a later telness made"), "{}", records.err());
}

#[test]
fn p2_in_a_folder_that_others_can_look_into_no_file_is_theirs_to_read() {
    let folder = folder();
    let data = folder.path().join("telness-data");
    std::fs::create_dir(&data).unwrap();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).unwrap();
    let service = Service::start(&folder, &[]);
    assert!(service.ask("POST /v1/calls", &format!(r#"{{"to": "{CALLED}"}}"#)).starts_with("HTTP/1.1 201"));
    let mut folders = vec![data];
    while let Some(inside) = folders.pop() {
        for found in std::fs::read_dir(inside).unwrap().map(Result::unwrap) {
            let mode = found.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{:?} has mode {mode:o}", found.path());
            folders.extend(found.file_type().unwrap().is_dir().then(|| found.path()));
        }
    }
    service.signal("TERM");
    let (code, log) = service.wait();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("others can look into the data folder") && log.contains("755"), "{log}");
}

/// A service by a copy of the example plan, which the test may change.
fn serving_a_plan_of_its_own(folder: &TempDir) -> (Service, PathBuf) {
    let plan = folder.path().join("plan.yaml");
    std::fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/sweden.yaml"), &plan).unwrap();
    (Service::start(folder, &["--plan", "plan.yaml"]), plan)
}

#[test]
fn s3_a_hang_up_reads_the_plan_again_and_a_bad_one_changes_nothing() {
    let folder = folder();
    let (mut service, plan) = serving_a_plan_of_its_own(&folder);
    let mut log = BufReader::new(service.child.stderr.take().unwrap()).lines().map(Result::unwrap);
    service.signal("HUP");
    assert!(log.any(|line| line.contains("in service") && line.contains("revision=2")));
    std::fs::write(&plan, "trunks: 7\n").unwrap();
    service.signal("HUP");
    assert!(log.any(|line| line.contains("refused; the one before stays")));
    assert!(service.ask("GET /readyz", "").starts_with("HTTP/1.1 200"));
}

#[test]
fn s3_a_plan_that_is_no_regular_file_is_refused_when_read_again() {
    let folder = folder();
    let (mut service, plan) = serving_a_plan_of_its_own(&folder);
    std::fs::remove_file(&plan).unwrap();
    assert!(Command::new("mkfifo").arg(&plan).status().unwrap().success());
    let mut log = BufReader::new(service.child.stderr.take().unwrap()).lines().map(Result::unwrap);
    service.signal("HUP");
    assert!(log.any(|line| line.contains("refused; the one before stays") && line.contains("not a regular file")));
    assert!(service.ask("GET /readyz", "").starts_with("HTTP/1.1 200"));
    service.signal("TERM");
    assert_eq!(service.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_second_signal_ends_at_once_whatever_is_in_hand() {
    let folder = folder();
    let mut service = Service::start(&folder, &[]);
    let mut log = BufReader::new(service.child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut stream = TcpStream::connect(service.url().strip_prefix("http://").unwrap()).unwrap();
    // Half a request: the service waits for the rest as long as it may.
    stream.write_all(b"POST /v1/calls HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ncontent-length: 99\r\nexpect: 100-continue\r\n\r\n").unwrap();
    let mut heard = [0; 12];
    stream.read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"HTTP/1.1 100");
    service.signal("TERM");
    assert!(log.any(|line| line.contains("stopping: no more connections")));
    service.signal("TERM");
    assert_eq!(service.child.wait().unwrap().code(), Some(130));
}
