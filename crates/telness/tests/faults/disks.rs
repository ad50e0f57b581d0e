//! Disks that are full: the database's, and a node's own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use telness_testkit::{Postgres, eventually, pause};

use crate::scene::Scene;

/// A small filesystem in memory, unmounted when it is dropped. To mount one takes root.
struct Disk(PathBuf);

impl Disk {
    fn new(megabytes: u32) -> Self {
        let folder = tempfile::Builder::new().prefix("telness-disk-").tempdir().unwrap().keep();
        let size = format!("size={megabytes}m,mode=0755");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "telness-test"]).arg(&folder).status();
        assert!(
            mounted.is_ok_and(|status| status.success()),
            "this test mounts a small filesystem, which takes root; leave it out with: scripts/test -- --skip disk"
        );
        Self(folder)
    }

    fn path(&self) -> &Path {
        &self.0
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        let mut dd = Command::new("dd");
        dd.args(["if=/dev/zero", "bs=64k", "status=none"]).arg(format!("of={}", self.ballast().display()));
        // It ends with "no space left", which is what is wanted.
        let _ = dd.stderr(std::process::Stdio::null()).status();
    }

    fn empty(&self) {
        let _ = std::fs::remove_file(self.ballast());
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[test]
fn n3_the_disk_of_postgres_is_full() {
    let disk = Disk::new(600);
    let folder = disk.path().join("server");
    std::fs::create_dir(&folder).unwrap();
    let small = [("min_wal_size", "32MB"), ("max_wal_size", "64MB"), ("wal_recycle", "off")];
    Scene::on(Postgres::start_in(folder, &small), None, 1, &[]).shows(|scene| {
        disk.fill();
        // It takes records until the last page and the last log segment are used up.
        scene.store_is_ok(false);
        scene.some_calls();
        disk.empty();
        // Postgres ends when it cannot write its log, and who runs it starts it again.
        if !scene.postgres.try_sql("postgres", "SELECT 1").status.success() {
            scene.postgres.restart();
        }
        scene.store_is_ok(true);
    });
}

#[test]
fn n4_the_disk_of_the_journal_is_full_and_back() {
    let disk = Disk::new(60);
    Scene::on(Postgres::start(), Some(disk.path()), 1, &[]).shows(|scene| {
        disk.fill();
        let refused = || {
            let call = serde_json::json!({ "from": "+46701740605", "to": "070-174 06 10", "type": "mobile" });
            let answer = scene.ask(&call)?;
            (answer.status == 503 && answer.text().contains("record_not_kept")).then_some(())
        };
        assert!(eventually(Duration::from_secs(60), refused).is_some(), "normal calls are refused, not lost");
        let emergency = serde_json::json!({ "from": "+46701740605", "to": "112", "type": "mobile" });
        let answer = scene.ask(&emergency).unwrap();
        assert!(answer.is_success(), "an emergency call goes on: {}", answer.text());
        pause(Duration::from_millis(200));
        disk.empty();
        scene.some_calls();
    });
}
