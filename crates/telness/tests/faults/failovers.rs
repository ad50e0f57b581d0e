//! Another server takes over, or the database is an earlier one of itself.

use telness_testkit::{Cluster, Postgres};

use crate::scene::Scene;

#[test]
fn n3_the_leading_server_dies_and_the_other_takes_over() {
    let mut cluster = Cluster::start();
    Scene::on(cluster.leading(), None, 1, &[]).shows(|scene| {
        cluster.leader_dies();
        // A failover takes ten seconds: more calls each time, or the test takes minutes.
        for _ in 0..5 {
            scene.some_calls();
        }
        scene.store_is_ok(true);
        cluster.all_come_back();
    });
}

#[test]
fn n1_a_database_brought_back_from_a_backup_is_given_what_the_journal_kept() {
    Scene::on(Postgres::start(), None, 1, &[]).shows(|scene| {
        scene.postgres.back_up();
        scene.store_is_ok(true);
        scene.some_calls();
        scene.backlog_has_drained();
        scene.postgres.restore();
        scene.some_calls();
        scene.store_is_ok(true);
        assert!(scene.metric(0, "telness_store_set_back_total") > 0.0);
    });
}
