//! Records for billing are made and files are closed by runs that are killed, and cut off from the database, while
//! calls flow and switches report.

use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use telness_testkit::{eventually, pause, without_settings};

use crate::scene::Scene;

/// A killed run does not come so far as to close files of so many records: one that did would leave what comes after it
/// to the next hour.
const WAITING_MIN: u32 = 100;

/// The longest that a run goes on until it is killed, in milliseconds, where it closes no files.
const KILLED_MS_MAX: u64 = 400;
/// The most files that it closes else.
const KILLED_FILES_MAX: u64 = 6;

/// How long a thing may take that has to happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// No file is due before the hour after next, as after a clock that was ahead: records are made and wait.
const NOT_YET: &str = "INSERT INTO billing_tenants (tenant, next_sequence, period_start, period_end, closed_by)
    SELECT 'nordtel', 1, at, at, 'time' FROM date_trunc('hour', now() + '2 hours'::interval, 'UTC') AS at";
/// Files are due.
const NOW: &str = "UPDATE billing_tenants SET period_start = period_start - '5 hours'::interval,
    period_end = period_end - '5 hours'::interval WHERE next_sequence = 1 AND period_end > now()";
const FILES: &str = "SELECT count(*) FROM billing_files";
const WAITING: &str = "SELECT count(*) FROM billing_records WHERE sequence IS NULL";
/// Files, the highest number, records that they say they have, records that are in them, and different names of those.
const FILED: &str = "SELECT (SELECT count(*) FROM billing_files) || ' ' || (SELECT max(sequence) FROM billing_files) || ' '
    || (SELECT sum(records) FROM billing_files) || ' ' || count(*) || ' ' || count(DISTINCT jsonl::jsonb ->> 'record_id')
    FROM billing_records WHERE place IS NOT NULL";
/// Of all legs that are over: how many there are, and how many have no record, or a last one that says something else.
const LEGS: &str = "WITH legs AS (
        SELECT tenant, call_id::text AS call_id, leg ->> 'leg' AS leg, leg ->> 'state' AS state,
            leg ->> 'ended_at' AS ended_at
        FROM calls, jsonb_array_elements(cdr::jsonb -> 'legs') AS leg WHERE leg ->> 'state' IN ('failed', 'ended')
    ), last AS (
        SELECT DISTINCT ON (call_tenant, call_id, leg) call_tenant AS tenant, call_id, leg,
            jsonl::jsonb ->> 'state' AS state, jsonl::jsonb ->> 'ended_at' AS ended_at
        FROM billing_records ORDER BY call_tenant, call_id, leg, revision DESC
    ) SELECT count(*) || ' ' || count(*) FILTER (WHERE last.leg IS NULL) || ' ' || count(*) FILTER (
        WHERE last.state <> legs.state OR last.ended_at <> legs.ended_at)
    FROM legs LEFT JOIN last USING (tenant, call_id, leg)";

/// `telness billing` on the nodes' database, by the wire that is cut.
fn billing(scene: &Scene, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_telness"));
    let url = format!("store.url=postgres://postgres@localhost:{}/{}", scene.proxy.address().port(), scene.database);
    command.arg("billing").args(words).args(["--set", "store.tls=off", "--set", &url]);
    command.args(["--set", "billing.settle_s=0", "--set", "billing.file_records_max=2", "--set", "log.filter=error"]);
    without_settings(&mut command);
    command
}

fn close(scene: &Scene) -> Child {
    billing(scene, &["close"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn done(scene: &Scene, words: &[&str]) -> Output {
    let output = billing(scene, words).output().unwrap();
    let told = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    assert!(output.status.success(), "{words:?}: {told:?}");
    output
}

/// Kills a run somewhere in its work, perhaps after the wire was cut, and tells whether it was at work still.
fn is_killed(scene: &mut Scene, closes_files: bool, cut: bool) -> bool {
    let before = numbers(scene, FILES)[0];
    let mut run = close(scene);
    if closes_files {
        let enough = before + u32::try_from(1 + scene.dice.below(KILLED_FILES_MAX)).unwrap();
        let closed = || (run.try_wait().unwrap().is_some() || numbers(scene, FILES)[0] >= enough).then_some(());
        eventually(PATIENCE, closed).expect("no file is closed");
    } else {
        pause(Duration::from_millis(scene.dice.below(KILLED_MS_MAX)));
    }
    if cut {
        scene.proxy.cut();
    }
    pause(Duration::from_millis(scene.dice.below(20)));
    let at_work = run.try_wait().unwrap().is_none();
    run.kill().unwrap();
    run.wait().unwrap();
    at_work
}

fn numbers(scene: &Scene, statement: &str) -> Vec<u32> {
    let told = scene.postgres.sql(&scene.database, statement);
    told.split(' ').map(|number| number.parse().unwrap_or_else(|_| panic!("{told}"))).collect()
}

#[test]
fn n7_billing_is_killed_and_cut_off_and_each_leg_is_in_one_file_once() {
    let scene = Scene::new(2, &[]);
    scene.postgres.sql(&scene.database, NOT_YET);
    let (mut closes_files, mut killed) = (false, 0);
    let mut scene = scene.shows(|scene| {
        for run in 0..6 {
            if !closes_files || numbers(scene, WAITING)[0] >= WAITING_MIN {
                killed += u32::from(is_killed(scene, closes_files, run % 3 == 2));
            }
        }
        if !closes_files {
            // Those who are killed leave it to others.
            done(scene, &["close"]);
            closes_files = numbers(scene, WAITING)[0] >= WAITING_MIN;
        }
        if closes_files {
            scene.postgres.sql(&scene.database, NOW);
        }
    });
    assert!(closes_files && killed > 3, "{killed} were killed");
    // What waits yet, when nobody calls any more.
    for _ in 0..100 {
        if numbers(&scene, WAITING)[0] < WAITING_MIN {
            break;
        }
        killed += u32::from(is_killed(&mut scene, true, killed % 3 == 2));
    }
    let by_killed = numbers(&scene, FILES)[0];
    assert!(by_killed > 0, "of {killed} that were killed none closed a file before");
    done(&scene, &["close"]);
    done(&scene, &["verify"]);
    let [files, highest, said, filed, different] = numbers(&scene, FILED)[..] else { panic!("five numbers") };
    println!("{killed} runs killed, which closed {by_killed} of {files} files with {filed} records");
    assert_eq!((files, said, filed), (highest, filed, different), "numbers without gaps, each record once");
    assert_eq!(numbers(&scene, WAITING), [0], "all is in files");
    let [legs, without, other] = numbers(&scene, LEGS)[..] else { panic!("three numbers") };
    assert!(legs > WAITING_MIN, "{legs}");
    assert_eq!((without, other), (0, 0), "each of {legs} legs that are over has a record that says how it ended");
    let export = || done(&scene, &["export", "nordtel", &highest.to_string()]).stdout;
    assert_eq!(export(), export());
}
