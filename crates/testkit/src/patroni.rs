//! Two Postgres servers, one of which follows the other and takes over: Patroni with etcd, and HAProxy before them, as
//! operators run them. Everything ends with the test's process.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::postgres::{Postgres, as_postgres, done, free_port, give_to_postgres, programs};
use crate::wait::eventually;

const PATIENCE: Duration = Duration::from_secs(90);

/// Runs a program until its input ends; its process's number is in a file beside its log.
const KEEPER: &str = r#"
name="$1"; shift
"$@" >>"$name.log" 2>&1 &
program=$!
echo $program >"$name.pid"
read -r _
kill -TERM $program 2>/dev/null
wait $program
"#;

/// The servers.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    members: Vec<Member>,
    proxy_port: u16,
    keepers: Vec<Child>,
}

#[derive(Debug)]
struct Member {
    name: String,
    api_port: u16,
    port: u16,
    keeper: Option<Child>,
}

impl Cluster {
    /// Starts two servers, of which a commit is on both before it is answered.
    ///
    /// # Panics
    /// When a program is missing, with what to install, or when it does not come up.
    #[must_use]
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("telness-patroni-").tempdir().expect("a folder").keep();
        give_to_postgres(&folder);
        let member =
            |at: usize| Member { name: format!("n{at}"), api_port: free_port(), port: free_port(), keeper: None };
        let members = vec![member(1), member(2)];
        let (etcd_port, peer_port, proxy_port) = (free_port(), free_port(), free_port());
        let mut cluster = Self { folder, members, proxy_port, keepers: Vec::new() };
        let etcd = [("client", etcd_port), ("peer", peer_port)].map(|(_, port)| format!("http://127.0.0.1:{port}"));
        let mut command = cluster.kept("etcd", "etcd");
        command.arg("--data-dir").arg(cluster.folder.join("etcd.data"));
        command.args(["--listen-client-urls", &etcd[0], "--advertise-client-urls", &etcd[0]]);
        command.args(["--listen-peer-urls", &etcd[1], "--initial-advertise-peer-urls", &etcd[1]]);
        command.args(["--initial-cluster", &format!("default={}", etcd[1])]);
        cluster.keepers.push(started(&mut command));
        for member in &cluster.members {
            write(&cluster.folder.join(format!("{}.yml", member.name)), &cluster.settings_of(member, etcd_port));
        }
        for at in 0..cluster.members.len() {
            cluster.start_member(at);
        }
        write(&cluster.folder.join("haproxy.cfg"), &cluster.proxy_settings());
        let mut command = cluster.kept("haproxy", "haproxy");
        command.args(["-db", "-f"]).arg(cluster.folder.join("haproxy.cfg"));
        cluster.keepers.push(started(&mut command));
        let up = eventually(PATIENCE, || (cluster.follower().is_some() && cluster.takes_writes()).then_some(()));
        assert!(up.is_some(), "the servers do not come up:\n{}", cluster.logs());
        cluster
    }

    /// Whoever leads, by way of HAProxy.
    #[must_use]
    pub fn leading(&self) -> Postgres {
        Postgres::run_by_others(self.proxy_port)
    }

    /// Ends the host of the leading server at once, and waits until the other has taken over; then has the host come
    /// back and follow.
    pub fn leader_dies(&mut self) {
        let at = self.leader().expect("there is a leader");
        self.kill_member(at);
        let over =
            eventually(PATIENCE, || (self.leader().is_some_and(|now| now != at) && self.takes_writes()).then_some(()));
        assert!(over.is_some(), "nobody takes over:\n{}", self.logs());
    }

    /// Has every server that died come back, and waits until it follows.
    pub fn all_come_back(&mut self) {
        for at in 0..self.members.len() {
            if self.members.get(at).is_some_and(|member| member.keeper.is_none()) {
                self.start_member(at);
            }
        }
        let back = eventually(PATIENCE, || self.follower());
        assert!(back.is_some(), "the server that died does not follow:\n{}", self.logs());
    }

    fn takes_writes(&self) -> bool {
        self.leading().try_sql("postgres", "CREATE TEMPORARY TABLE written (n int)").status.success()
    }

    fn start_member(&mut self, at: usize) {
        let name = |member: &Member| member.name.clone();
        let Some(name) = self.members.get(at).map(name) else { return };
        let mut command = self.kept(&name, "patroni");
        command.arg(self.folder.join(format!("{name}.yml")));
        if let Some(member) = self.members.get_mut(at) {
            member.keeper = Some(started(&mut command));
        }
    }

    fn kill_member(&mut self, at: usize) {
        let Some(member) = self.members.get_mut(at) else { return };
        let script =
            "first=$(head -1 $1.data/postmaster.pid); kill -KILL $(cat $1.pid) $(pgrep -P $first) $first; true";
        done(as_postgres("sh").args(["-c", script, "sh"]).arg(self.folder.join(&member.name)));
        if let Some(mut keeper) = member.keeper.take() {
            drop(keeper.stdin.take());
            let _ = keeper.wait();
        }
    }

    fn leader(&self) -> Option<usize> {
        self.place_of("leader")
    }

    fn follower(&self) -> Option<usize> {
        self.place_of("sync_standby").filter(|_| self.leader().is_some())
    }

    /// Which member has a part, as any of them tells.
    fn place_of(&self, role: &str) -> Option<usize> {
        let told =
            self.members.iter().filter(|member| member.keeper.is_some()).find_map(|member| told_by(member.api_port))?;
        let members = told.get("members")?.as_array()?;
        let has = |member: &&Value| {
            let is = |key: &str, value: &str| member.get(key).and_then(Value::as_str) == Some(value);
            is("role", role) && (is("state", "running") || is("state", "streaming"))
        };
        let name = members.iter().find(has)?.get("name")?.as_str()?.to_owned();
        self.members.iter().position(|member| member.name == name)
    }

    fn kept(&self, name: &str, program: &str) -> Command {
        let there = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
        assert!(
            there.is_ok_and(|there| there.status.success()),
            "this test needs {program}: apt-get install patroni etcd-server haproxy (Debian, Ubuntu)"
        );
        let mut command = as_postgres("sh");
        command.args(["-c", KEEPER, "sh"]).arg(self.folder.join(name)).arg(program);
        command
    }

    fn settings_of(&self, member: &Member, etcd_port: u16) -> String {
        let (folder, programs) = (self.folder.display(), programs());
        let Member { name, api_port, port, .. } = member;
        format!(
            r#"scope: telness
name: {name}
restapi: {{listen: "127.0.0.1:{api_port}", connect_address: "127.0.0.1:{api_port}"}}
etcd3: {{hosts: ["127.0.0.1:{etcd_port}"]}}
bootstrap:
  dcs:
    ttl: 10
    loop_wait: 1
    retry_timeout: 3
    synchronous_mode: true
    primary_start_timeout: 0
    postgresql:
      use_pg_rewind: true
      parameters: {{max_connections: 60, shared_buffers: 64MB, wal_level: replica, hot_standby: "on", wal_log_hints: "on"}}
  initdb: [{{encoding: UTF8}}, {{auth-host: trust}}, {{auth-local: trust}}]
  pg_hba: ["host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust", "local all all trust"]
postgresql:
  listen: "127.0.0.1:{port}"
  connect_address: "127.0.0.1:{port}"
  data_dir: {folder}/{name}.data
  bin_dir: {programs}
  pgpass: {folder}/{name}.pgpass
  authentication:
    superuser: {{username: postgres, password: unused}}
    replication: {{username: postgres, password: unused}}
    rewind: {{username: postgres, password: unused}}
  parameters: {{unix_socket_directories: "{folder}"}}
"#,
            programs = programs.display(),
        )
    }

    fn proxy_settings(&self) -> String {
        let mut text = format!(
            "global\n    maxconn 200\ndefaults\n    mode tcp\n    timeout connect 1s\n    timeout client 1h\n    \
             timeout server 1h\nlisten leader\n    bind 127.0.0.1:{}\n    option httpchk OPTIONS /primary\n    \
             http-check expect status 200\n    default-server inter 500ms fall 2 rise 1 on-marked-down \
             shutdown-sessions\n",
            self.proxy_port
        );
        for Member { name, api_port, port, .. } in &self.members {
            text.push_str(&format!("    server {name} 127.0.0.1:{port} check port {api_port}\n"));
        }
        text
    }

    fn logs(&self) -> String {
        let names = ["n1", "n2", "etcd", "haproxy"];
        let log = |name| std::fs::read_to_string(self.folder.join(format!("{name}.log"))).unwrap_or_default();
        let end = |text: String| text.lines().rev().take(15).collect::<Vec<_>>().join("\n");
        names.map(|name| format!("== {name}, the last line first\n{}", end(log(name)))).join("\n")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let members = self.members.iter_mut().filter_map(|member| member.keeper.take());
        for mut keeper in members.chain(self.keepers.drain(..).rev()) {
            drop(keeper.stdin.take());
            let _ = keeper.wait();
        }
        // A server whose Patroni was killed has nobody who stops it.
        let script = "for f in $1/*.data/postmaster.pid; do kill -QUIT $(head -1 $f); done; true";
        let _ = as_postgres("sh").args(["-c", script, "sh"]).arg(&self.folder).stderr(Stdio::null()).status();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// What a Patroni tells of the cluster. It ends its answers by closing the connection.
fn told_by(port: u16) -> Option<Value> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    stream.write_all(b"GET /cluster HTTP/1.0\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
}

fn started(command: &mut Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("it can be started")
}

fn write(file: &Path, text: &str) {
    std::fs::write(file, text).expect("the folder can be written to");
}
