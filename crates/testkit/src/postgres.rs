//! A Postgres of one's own: started on a free port with its data under the folder for temporary files, stopped,
//! killed, paused and started again, and gone when it is dropped or the test's process ends, however it ends.

use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::wait::eventually;

/// How long a start or a stop may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the server until its input ends, then removes its folder; or until it reads a line, and keeps the folder. So
/// the server ends with the test's process, even if that is killed. With a file in `TELNESS_POSTGRES_LOG`, every statement
/// is written to it (`scripts/statements`).
const KEEPER: &str = r#"
folder="$1"; shift
"$@" ${TELNESS_POSTGRES_LOG:+-c log_statement=all -c log_line_prefix=} >>"${TELNESS_POSTGRES_LOG:-$folder/log}" 2>&1 &
server=$!
if read -r told; then kill -INT $server; else kill -QUIT $server; fi
wait $server
[ -n "$told" ] || rm -rf "$folder"
"#;

/// A server.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    keeper: Option<Child>,
    databases: AtomicU32,
    settings: Vec<(String, String)>,
}

impl Postgres {
    /// Starts one that everybody on this machine may ask, without TLS.
    ///
    /// # Panics
    /// When there is no Postgres on this machine, with what to install, or when it does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one with settings of its own, such as `max_connections` and `20`.
    #[must_use]
    pub fn start_with(settings: &[(&str, &str)]) -> Self {
        let parent = std::env::temp_dir();
        let folder = tempfile::Builder::new().prefix("telness-postgres-").tempdir_in(parent);
        let folder = folder.expect("a folder for temporary files").keep();
        Self::start_in(folder, settings)
    }

    /// Starts one that keeps all it has in a folder, which it removes at the end: on a filesystem of its own, say.
    #[must_use]
    pub fn start_in(folder: PathBuf, settings: &[(&str, &str)]) -> Self {
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let programs = programs();
        give_to_postgres(&folder);
        let mut server = Self { programs, folder, port: 0, keeper: None, databases: AtomicU32::new(0), settings };
        server.make();
        server.start_again();
        server
    }

    /// A server that somebody else runs: it can be asked, and is neither started nor stopped here.
    #[must_use]
    pub fn run_by_others(port: u16) -> Self {
        let (databases, settings) = (AtomicU32::new(0), Vec::new());
        Self { programs: programs(), folder: PathBuf::new(), port, keeper: None, databases, settings }
    }

    /// Stops it, copies all that it keeps, and starts it again: a backup.
    pub fn back_up(&mut self) {
        self.stop();
        done(
            as_postgres("sh")
                .args(["-c", "rm -rf \"$1/copy\" && cp -a \"$1/data\" \"$1/copy\"", "sh"])
                .arg(&self.folder),
        );
        self.start_again();
    }

    /// Has it hold what it held when it was backed up, and nothing since.
    pub fn restore(&mut self) {
        self.stop();
        done(
            as_postgres("sh")
                .args(["-c", "rm -rf \"$1/data\" && cp -a \"$1/copy\" \"$1/data\"", "sh"])
                .arg(&self.folder),
        );
        self.start_again();
    }

    /// Has it offer TLS with a certificate for `localhost`; answers the file of the authority that signed it.
    pub fn offer_tls(&mut self) -> PathBuf {
        let folder = self.folder.clone();
        let authority = folder.join("ca.pem");
        let script = "umask 077; cd \"$1\" && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
             -keyout ca.key -out ca.pem -subj /CN=test-authority -days 2 && openssl req -newkey ec -pkeyopt \
             ec_paramgen_curve:prime256v1 -nodes -keyout server.key -out server.csr -subj /CN=localhost && printf \
             'subjectAltName=DNS:localhost\\nbasicConstraints=CA:FALSE\\n' >ext && openssl x509 -req -in server.csr -CA \
             ca.pem -CAkey ca.key -CAcreateserial -out valid.pem -days 2 -extfile ext && openssl x509 -req -in server.csr \
             -CA ca.pem -CAkey ca.key -CAcreateserial -out expired.pem -days -1 -extfile ext && cp valid.pem server.pem \
             && chmod 644 ca.pem";
        let mut command = as_postgres("sh");
        command.args(["-c", script, "sh"]).arg(&folder);
        done(&mut command);
        for (name, value) in [
            ("ssl", "on".into()),
            ("ssl_cert_file", folder.join("server.pem")),
            ("ssl_key_file", folder.join("server.key")),
        ] {
            self.settings.push((name.to_owned(), value.display().to_string()));
        }
        self.restart();
        authority
    }

    /// Has the certificate that it shows from now on be one that expired yesterday, or the valid one again.
    pub fn let_certificate_expire(&self, expired: bool) {
        let shown = self.folder.join(if expired { "expired.pem" } else { "valid.pem" });
        done(as_postgres("cp").arg(shown).arg(self.folder.join("server.pem")));
        self.sql("postgres", "SELECT pg_reload_conf()");
    }

    /// Has it let in whom these lines of `pg_hba.conf` let in, beside the superuser.
    pub fn let_in(&mut self, rules: &str) {
        let file = self.folder.join("hba.conf");
        std::fs::write(&file, format!("host all postgres 127.0.0.1/32 trust\n{rules}\n")).expect("a folder of our own");
        self.settings.push(("hba_file".to_owned(), file.display().to_string()));
        self.restart();
    }

    /// Has it refuse to write, or write again, without cutting off who is connected: as a leader that became a standby.
    pub fn set_read_only(&self, read_only: bool) {
        let value = if read_only { "on" } else { "off" };
        self.sql("postgres", &format!("ALTER SYSTEM SET default_transaction_read_only = {value}"));
        self.sql("postgres", "SELECT pg_reload_conf()");
    }

    /// Where it listens on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Makes a fresh, empty database; answers its name.
    pub fn database(&self) -> String {
        let name = format!("t{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        name
    }

    /// The address of a database.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs statements as the superuser; answers what they gave, a row a line, its columns apart by `|`.
    ///
    /// # Panics
    /// When one fails.
    pub fn sql(&self, database: &str, statements: &str) -> String {
        let output = self.try_sql(database, statements);
        assert!(output.status.success(), "{statements}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Runs statements as the superuser, which may fail.
    #[must_use]
    pub fn try_sql(&self, database: &str, statements: &str) -> Output {
        let mut command = Command::new(self.programs.join("psql"));
        command.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "postgres", "-p"]);
        command.arg(self.port.to_string()).args(["-d", database, "-c", statements]).env("PGCONNECT_TIMEOUT", "5");
        command.output().expect("psql can be started")
    }

    /// Stops it in order, as its administrator would: whoever is connected is cut off.
    pub fn stop(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            if let Some(mut told) = keeper.stdin.take() {
                let _ = told.write_all(b"keep\n");
            }
            let _ = keeper.wait();
        }
    }

    /// Ends it at once, as a crash of the machine would.
    pub fn kill(&mut self) {
        self.signal("KILL");
        self.stop();
    }

    /// Stops and starts it.
    pub fn restart(&mut self) {
        self.stop();
        self.start_again();
    }

    /// Halts all of its processes: connections stay open, and nobody answers.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Lets them go on.
    pub fn go_on(&self) {
        self.signal("CONT");
    }

    /// Starts it after it was stopped or killed, on the same port.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_again(&mut self) {
        for _ in 0..5 {
            if self.port == 0 || self.keeper.is_none() && !free(self.port) {
                self.port = free_port();
            }
            self.launch();
            if eventually(PATIENCE, || self.has_started()).unwrap_or(false) {
                return;
            }
            self.stop();
            self.port = 0;
        }
        let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        panic!("Postgres does not start:\n{log}");
    }

    /// Some when it answers (true) or has ended (false).
    fn has_started(&mut self) -> Option<bool> {
        let ended = self.keeper.as_mut().is_none_or(|keeper| !matches!(keeper.try_wait(), Ok(None)));
        let mut ready = Command::new(self.programs.join("pg_isready"));
        ready.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
        let ready = ready.status().is_ok_and(|status| status.success());
        (ready || ended).then_some(ready && !ended)
    }

    fn launch(&mut self) {
        let data = self.folder.join("data");
        let mut command = as_postgres("sh");
        command.args(["-c", KEEPER, "sh"]).arg(&self.folder).arg(self.programs.join("postgres")).arg("-D").arg(&data);
        let folder = self.folder.display();
        let own = [format!("port={}", self.port), format!("unix_socket_directories={folder}")];
        let usual =
            ["listen_addresses=127.0.0.1", "shared_buffers=64MB", "max_connections=60", "logging_collector=off"];
        let asked = self.settings.iter().map(|(name, value)| format!("{name}={value}"));
        for setting in usual.iter().map(ToString::to_string).chain(own).chain(asked) {
            command.arg("-c").arg(setting);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        self.keeper = Some(command.spawn().expect("Postgres can be started"));
    }

    fn make(&self) {
        let mut command = as_postgres(self.programs.join("initdb"));
        command.args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "-N", "-D"]);
        done(command.arg(self.folder.join("data")));
    }

    /// Processor time of all its processes so far, in steps of 10 ms.
    #[must_use]
    pub fn cpu(&self) -> Duration {
        let Some(first) = self.first_process() else { return Duration::ZERO };
        let processes = std::fs::read_dir("/proc").expect("Linux").filter_map(Result::ok);
        let ticks = processes.filter_map(|process| {
            let stat = std::fs::read_to_string(process.path().join("stat")).ok()?;
            // Behind the name in brackets: state, parent, and from the twelfth on the times, its children's too.
            let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
            let its_own = process.file_name().to_str() == Some(&first) || fields.get(1) == Some(&first.as_str());
            let times = fields.get(11..15)?.iter().filter_map(|ticks| ticks.parse::<u64>().ok());
            its_own.then(|| times.sum::<u64>())
        });
        Duration::from_millis(ticks.sum::<u64>().saturating_mul(10))
    }

    fn first_process(&self) -> Option<String> {
        let pid_file = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).ok()?;
        pid_file.lines().next().map(|pid| pid.trim().to_owned())
    }

    /// Sends a signal to the server's first process and all that it began.
    fn signal(&self, signal: &str) {
        let Some(first) = self.first_process() else { return };
        // The first one last: it would only begin new ones, or tell the others to end.
        let script = "kill -STOP $2 && kill -$1 $(pgrep -P $2) $2; true";
        done(as_postgres("sh").args(["-c", script, "sh", signal, &first]));
        if signal != "STOP" {
            done(as_postgres("sh").args(["-c", "kill -CONT $1 2>/dev/null; true", "sh", &first]));
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        match self.keeper.take() {
            // Its input ends, so it removes the folder.
            Some(mut keeper) => {
                drop(keeper.stdin.take());
                let _ = keeper.wait();
            }
            None if self.folder.as_os_str().is_empty() => {}
            None => drop(std::fs::remove_dir_all(&self.folder)),
        }
    }
}

/// The folder of Postgres's programs: on the path, or where Debian hides them.
pub(crate) fn programs() -> PathBuf {
    let on_path = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let mut debian: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.filter_map(Result::ok).map(|version| version.path().join("bin")).collect())
        .unwrap_or_default();
    // The latest first.
    debian.sort_by_key(|folder| std::cmp::Reverse(version_of(folder)));
    let mut folders = debian.into_iter().chain(on_path.unwrap_or_default());
    let found = folders.find(|folder| ["initdb", "postgres", "psql"].iter().all(|name| folder.join(name).exists()));
    found.expect(
        "this test needs Postgres: apt-get install postgresql (Debian, Ubuntu), or put its programs on the PATH",
    )
}

fn version_of(folder: &Path) -> u32 {
    let name = folder.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    name.and_then(|name| name.parse().ok()).unwrap_or(0)
}

/// A program as the user that Postgres runs as: it refuses to run as root.
pub(crate) fn as_postgres(program: impl AsRef<std::ffi::OsStr>) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(program);
    // Its folder may be closed to that user.
    command.current_dir("/");
    command
}

pub(crate) fn give_to_postgres(folder: &Path) {
    if is_root() {
        done(Command::new("chown").arg("postgres:postgres").arg(folder));
    }
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("a folder of our own");
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().expect("id can be started");
    output.stdout.trim_ascii() == b"0"
}

pub(crate) fn done(command: &mut Command) {
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("it has an address").port()
}

fn free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_starts_stops_and_is_gone_with_what_it_kept() {
        let mut postgres = Postgres::start();
        let database = postgres.database();
        postgres.sql(&database, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)");
        postgres.restart();
        assert_eq!(postgres.sql(&database, "SELECT n FROM kept"), "7");
        postgres.kill();
        assert!(!postgres.try_sql(&database, "SELECT 1").status.success());
        postgres.start_again();
        assert_eq!(postgres.sql(&database, "SELECT n FROM kept"), "7");
        let folder = postgres.folder.clone();
        drop(postgres);
        assert!(!folder.exists());
    }
}
