//! Incidents over virtual time, and over a restart.

use std::time::Duration;

use super::super::IncidentList;
use super::super::log::KEPT_MAX;
use super::*;
use crate::clock::monotonic;

const MINUTE: Duration = Duration::from_secs(60);

struct Scene {
    folder: tempfile::TempDir,
    began: Instant,
}

impl Scene {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), began: monotonic() }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("incidents.jsonl")
    }

    fn watch(&self) -> (Arc<IncidentLog>, IncidentWatch) {
        let log = Arc::new(IncidentLog::open(self.path()));
        let watch = IncidentWatch::new(Arc::clone(&log), "node-1".parse().unwrap(), self.began);
        (log, watch)
    }
}

fn seen(lost: u64, trouble: &[(IncidentKind, &str)]) -> Seen {
    Seen { lost, trouble: trouble.iter().map(|(kind, scope)| (*kind, Arc::from(*scope))).collect() }
}

fn at(minute: u32) -> Timestamp {
    Timestamp::from_micros(1_795_435_200_000_000 + i64::from(minute) * 60_000_000)
}

/// Looks each minute, and waits until what is to be kept is on the disk.
async fn look(watch: &mut IncidentWatch, scene: &Scene, minute: u32, seen: Seen) -> usize {
    let open = watch.look(seen, at(minute), scene.began + MINUTE * minute).await;
    while let Some(writing) = &watch.writing {
        if writing.is_finished() {
            watch.write().await;
        } else {
            tokio::task::yield_now().await;
        }
    }
    open
}

#[tokio::test]
async fn e17_an_incident_is_opened_counted_and_closed_by_itself() {
    let scene = Scene::new();
    let (log, mut watch) = scene.watch();
    let lost = IncidentKind::EmergencyCallsLost;
    assert_eq!(look(&mut watch, &scene, 0, seen(0, &[])).await, 0);
    assert_eq!(look(&mut watch, &scene, 1, seen(2, &[(lost, "all")])).await, 1);
    assert_eq!(look(&mut watch, &scene, 2, seen(2, &[])).await, 1);
    assert_eq!(look(&mut watch, &scene, 3, seen(5, &[(lost, "all")])).await, 1);
    assert_eq!(look(&mut watch, &scene, 12, seen(5, &[])).await, 1, "nine minutes without are not ten");
    assert_eq!(look(&mut watch, &scene, 13, seen(5, &[])).await, 0);
    assert_eq!(look(&mut watch, &scene, 20, seen(6, &[(lost, "all")])).await, 1, "what comes later is another");
    let kept = IncidentList::read(&scene.path()).unwrap();
    assert_eq!((kept.incidents.clone(), kept.unreadable), (log.list(), 0));
    let told = |one: &Incident| (one.opened_at, one.closed_at, one.emergency_calls_failed);
    let told: Vec<_> = kept.incidents.iter().map(told).collect();
    assert_eq!(told, [(at(20), None, 1), (at(1), Some(at(13)), 5)]);
}

#[tokio::test]
async fn e17_an_incident_goes_on_over_a_restart_and_a_line_that_was_cut_off_takes_no_other_with_it() {
    use std::io::Write as _;
    let scene = Scene::new();
    let silence = [(IncidentKind::EmergencySilence, "all")];
    let (_, mut watch) = scene.watch();
    assert_eq!(look(&mut watch, &scene, 0, seen(0, &silence)).await, 1);
    let mut file = std::fs::OpenOptions::new().append(true).open(scene.path()).unwrap();
    file.write_all(b"{\"v\":1,\"id\":\"cut").unwrap();
    assert_eq!(look(&mut watch, &scene, 1, seen(3, &silence)).await, 1);
    let kept = IncidentList::read(&scene.path()).unwrap();
    assert_eq!((kept.incidents.len(), kept.unreadable), (1, 1));

    let (log, mut watch) = scene.watch();
    assert_eq!(look(&mut watch, &scene, 2, seen(0, &silence)).await, 1);
    assert_eq!(look(&mut watch, &scene, 12, seen(1, &[])).await, 0);
    let told: Vec<_> = log.list().iter().map(|one| (one.opened_at, one.emergency_calls_failed)).collect();
    assert_eq!(told, [(at(0), 4)]);
    let kept = IncidentList::read(&scene.path()).unwrap();
    assert_eq!((kept.incidents, kept.unreadable), (log.list(), 0));
}

#[tokio::test]
async fn e17_a_node_that_never_stops_keeps_no_more_incidents_than_it_says_and_none_that_goes_on_is_forgotten() {
    let scene = Scene::new();
    let (log, mut watch) = scene.watch();
    let (silence, lost) = (IncidentKind::EmergencySilence, IncidentKind::EmergencyCallsLost);
    // Silence goes on all the while; the others are closed before the next begins.
    for turn in 0..u32::try_from(KEPT_MAX).unwrap() + 10 {
        look(&mut watch, &scene, 20 * turn, seen(0, &[(silence, "all"), (lost, "all")])).await;
        look(&mut watch, &scene, 20 * turn + 10, seen(0, &[(silence, "all")])).await;
    }
    let kept = log.list();
    assert_eq!((kept.len(), kept.iter().filter(|one| one.kind == silence).count()), (KEPT_MAX, 1));
    assert_eq!((kept[0].kind, kept[KEPT_MAX - 1].kind), (lost, silence), "the latest is first and the oldest last");
    drop(watch);
    assert_eq!(scene.watch().0.list().len(), KEPT_MAX);
}

#[tokio::test]
async fn n4_a_disk_that_takes_no_incident_gets_it_when_it_does() {
    let scene = Scene::new();
    let (log, mut watch) = scene.watch();
    std::fs::remove_file(scene.path()).unwrap();
    std::fs::create_dir(scene.path()).unwrap();
    let lost = [(IncidentKind::EmergencyCallsLost, "all")];
    let now = scene.began;
    assert_eq!(watch.look(seen(1, &lost), at(0), now).await, 1);
    while !watch.writing.as_ref().is_some_and(JoinHandle::is_finished) {
        tokio::task::yield_now().await;
    }
    assert_eq!(log.list().len(), 1, "it is shown all the while");
    std::fs::remove_dir(scene.path()).unwrap();
    look(&mut watch, &scene, 1, seen(1, &[])).await;
    assert_eq!(IncidentList::read(&scene.path()).unwrap().incidents, log.list());
}
