//! One record that Postgres takes from nobody, while it takes all others.

use telness_testkit::eventually;

use crate::scene::{PATIENCE, Scene};

const REFUSES: &str =
    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not this one'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON calls FOR EACH ROW WHEN (NEW.sip_call_id = 'refused@pbx.example')
    EXECUTE FUNCTION refuse()";

#[test]
fn s4_one_call_that_postgres_never_takes_holds_up_no_other_and_is_there_after_a_later_start() {
    let mut scene = Scene::new(1, &[]);
    scene.postgres.sql(&scene.database, REFUSES);
    scene.calls_again();
    let call = serde_json::json!({
        "from": "+46701740605", "to": "+46701740610", "type": "mobile",
        "sip_call_id": "refused@pbx.example"
    });
    let answer = scene.ask(&call).unwrap();
    assert_eq!(answer.status, 201, "{}", answer.text());
    let aside = |scene: &Scene, wanted: f64| {
        let told = || (scene.metric(0, "telness_records_set_aside") == wanted).then_some(());
        assert!(eventually(PATIENCE, told).is_some(), "not {wanted} are set aside:\n{}", scene.nodes[0].log());
    };
    aside(&scene, 1.0);
    scene.some_calls();
    scene.store_is_ok(true);
    scene.backlog_has_drained();
    scene.end_calls();

    scene.postgres.sql(&scene.database, "DROP TRIGGER refuse ON calls");
    scene.nodes[0].restart();
    aside(&scene, 0.0);
    scene.everything_is_there_once();
}
