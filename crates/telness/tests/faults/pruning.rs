//! What is over is removed beside nodes that record calls, by runs that are killed and by two at once.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use telness_testkit::{pause, without_settings};

use crate::scene::Scene;

/// Some calls as they are, once more on a day that is long over; some of them of emergencies, which have no end here.
const OLD: &str = "SELECT make_day('2020-01-01'); CREATE TEMP TABLE old AS SELECT * FROM calls LIMIT 3000;
    UPDATE old SET call_id = gen_random_uuid(), received_at = '2020-01-01T00:00:00Z'::timestamptz + random() * '1 day'::interval;
    UPDATE old SET class = 'emergency' WHERE ctid IN (SELECT ctid FROM old LIMIT 5);
    INSERT INTO calls SELECT * FROM old";
const COUNT: &str = "SELECT count(*) || ' ' || count(*) FILTER (WHERE class = 'emergency') FROM calls
    WHERE received_at < '2020-01-02T00:00:00Z'";

fn prune(scene: &Scene, evidence_days: u32) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_telness"));
    let url = format!("store.url=postgres://postgres@127.0.0.1:{}/{}", scene.postgres.port(), scene.database);
    command.args(["records", "prune", "--set", "store.tls=off", "--set", &url]);
    command.args(["--set", "retention.calls_days=30", "--set", "retention.personal_days=7"]);
    command.args(["--set", &format!("retention.emergency_calls_days={evidence_days}")]);
    without_settings(&mut command);
    command.stdout(Stdio::null()).spawn().unwrap()
}

#[test]
fn n2_what_is_over_goes_beside_nodes_and_nothing_else_does() {
    Scene::new(2, &[]).shows(|scene| {
        scene.backlog_has_drained();
        scene.postgres.sql(&scene.database, OLD);
        for after_ms in [20, 60, 120] {
            let mut killed = prune(scene, 0);
            pause(Duration::from_millis(after_ms));
            killed.kill().unwrap();
            killed.wait().unwrap();
        }
        let mut both = [prune(scene, 0), prune(scene, 0)];
        assert!(both.iter_mut().all(|run| run.wait().unwrap().success()));
        // What one run held when the other came by is left to the next.
        assert!(prune(scene, 0).wait().unwrap().success());
        assert_eq!(scene.postgres.sql(&scene.database, COUNT), "5 5", "evidence stays");
        assert!(prune(scene, 30).wait().unwrap().success());
        let days = "SELECT count(*) FROM pg_class WHERE relname = 'calls_p20200101'";
        assert_eq!(scene.postgres.sql(&scene.database, COUNT), "0 0");
        if scene.postgres.sql(&scene.database, days) != "0" {
            // It was in use each time that it was asked for, and was emptied row by row.
            scene.postgres.sql(&scene.database, "DROP TABLE calls_p20200101, events_p20200101");
        }
    });
}
