//! A Postgres whose every change is archived by pgBackRest, as operators run it: full backups and the log of changes in a
//! repository beside it, out of which it is brought back as it was at any moment.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::postgres::{Postgres, as_postgres, done, give_to_postgres};
use crate::wait::eventually;

/// What pgBackRest knows the server by.
const STANZA: &str = "main";

/// The repository of a server, and what is done with it.
#[derive(Debug)]
pub struct Backups {
    settings: PathBuf,
}

impl Backups {
    /// Starts a server and archives all that it writes. Everything is in the server's folder, and gone with it.
    ///
    /// # Panics
    /// When Postgres or pgBackRest is missing, with what to install, or when the server does not start.
    #[must_use]
    pub fn of_a_new_server() -> (Postgres, Self) {
        let found = Command::new("pgbackrest").arg("version").output();
        assert!(found.is_ok(), "this test needs pgBackRest: apt-get install pgbackrest (Debian, Ubuntu)");
        let folder = tempfile::Builder::new().prefix("telness-backrest-").tempdir().expect("a folder").keep();
        let own = folder.display();
        let text = format!(
            "[global]\nrepo1-path={own}/repository\nrepo1-retention-full=2\nlog-path={own}\nlog-level-file=off\n\
             log-level-console=warn\nlock-path={own}\nspool-path={own}\nstart-fast=y\ncompress-type=lz4\n\
             [{STANZA}]\npg1-path={own}/data\npg1-socket-path={own}\npg1-user=postgres\n"
        );
        let settings = folder.join("pgbackrest.conf");
        std::fs::write(&settings, text).expect("a folder of our own");
        give_to_postgres(&folder);
        let archive = format!("pgbackrest --config={} --stanza={STANZA} archive-push %p", settings.display());
        let postgres = Postgres::start_in(folder.clone(), &[("archive_mode", "on"), ("archive_command", &archive)]);
        let backups = Self { settings };
        backups.run(&[&port(&postgres), "stanza-create"]);
        (postgres, backups)
    }

    /// Takes a full backup, beside whoever works. Every moment from its return on can be gone back to: pgBackRest goes
    /// by whole seconds, and finds a backup only for a moment of a later second than the one it ended in.
    ///
    /// # Panics
    /// When it is not taken.
    pub fn back_up(&self, postgres: &Postgres) {
        self.run(&[&port(postgres), "--type=full", "backup"]);
        let next = postgres.sql("postgres", "SELECT date_trunc('second', now()) + interval '1 second'");
        let is_over = || (postgres.sql("postgres", &format!("SELECT now() >= '{next}'")) == "t").then_some(());
        assert!(eventually(Duration::from_secs(10), is_over).is_some(), "the server's clock stands still");
    }

    /// Has the server hold what it held at a time, such as `2026-11-28 12:00:00.5+00`, and go on from there.
    pub fn restore(&self, postgres: &mut Postgres, time: &str) {
        postgres.stop();
        let target = format!("--target={time}");
        self.run(&["--delta", "--type=time", &target, "--target-action=promote", "restore"]);
        postgres.start_again();
    }

    fn run(&self, arguments: &[&str]) {
        let mut command = as_postgres("pgbackrest");
        command.arg(format!("--config={}", self.settings.display())).arg(format!("--stanza={STANZA}"));
        done(command.args(arguments));
    }
}

/// Where a server that runs is asked.
fn port(postgres: &Postgres) -> String {
    format!("--pg1-port={}", postgres.port())
}
