//! Another server takes over, or the database is an earlier one of itself.

use std::time::Duration;

use telness_testkit::{Backups, Cluster, Postgres, eventually};

use crate::scene::Scene;

const SET_BACK: &str = "telness_store_set_back_total";

#[test]
fn n3_github_2018_the_leading_server_dies_and_the_other_takes_over() {
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
        assert!(scene.metric(0, SET_BACK) > 0.0);
    });
}

#[test]
fn n1_a_database_brought_back_while_nobody_calls_is_given_what_the_journal_kept() {
    Scene::on(Postgres::start(), None, 1, &[]).shows(|scene| {
        scene.postgres.back_up();
        scene.store_is_ok(true);
        scene.some_calls();
        scene.end_calls();
        scene.backlog_has_drained();
        let before = scene.metric(0, SET_BACK);
        scene.postgres.restore();
        let found = eventually(Duration::from_secs(60), || (scene.metric(0, SET_BACK) > before).then_some(()));
        assert!(found.is_some(), "nobody noticed:\n{}", scene.nodes[0].log());
        scene.backlog_has_drained();
        scene.calls_again();
    });
}

#[test]
fn n1_pgbackrest_brings_a_database_back_to_a_moment_before_somebodys_mistake() {
    let (postgres, backups) = Backups::of_a_new_server();
    Scene::on(postgres, None, 1, &[]).shows(|scene| {
        backups.back_up(&scene.postgres);
        scene.some_calls();
        let before = scene.postgres.sql("postgres", "SELECT now()");
        // What is written from here on is lost with the mistake, and only the journal has it.
        scene.some_calls();
        scene.backlog_has_drained();
        scene.postgres.sql(&scene.database, "DROP TABLE calls");
        scene.store_is_ok(false);
        scene.some_calls();
        // The node runs on meanwhile.
        backups.restore(&mut scene.postgres, &before);
        scene.some_calls();
        scene.store_is_ok(true);
        assert!(scene.metric(0, SET_BACK) > 0.0);
    });
}
