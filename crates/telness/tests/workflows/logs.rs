//! Whoever collects the log may hang: no call and no stop waits for that.

use telness_testkit::{Service, eventually};

use super::{PATIENCE, emergency, metric, normal, options};

#[test]
fn e12_calls_go_on_and_a_stop_ends_while_nobody_reads_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let mut service = Service::start(&options(&folder).set("log.filter", "debug").log_unread());
    // Each request is a line; these are long, so that the pipe and the queue before it are full soon.
    let mut client = service.client().with_header("x-request-id", &"x".repeat(64));
    let dropped = eventually(PATIENCE, || {
        for call in [normal(), emergency()] {
            let answer = client.post("/v1/calls", &call).unwrap();
            assert_eq!((answer.status, &answer.json()["action"]), (201, &"route".into()), "{}", answer.text());
        }
        (0..100).for_each(|_| assert!(client.get("/healthz").unwrap().is_success()));
        (metric(&mut client, "telness_log_lines_dropped_total") > 0).then_some(())
    });
    assert!(dropped.is_some(), "the log was never full, so nothing was shown");
    let answer = client.post("/v1/calls", &emergency()).unwrap();
    assert_eq!(answer.json()["class"], "emergency", "{}", answer.text());
    service.ask_to_stop();
    assert!(service.stopped().success());
}
