//! A database whose schema is not the one that a node knows: not made yet, or brought forward by a later version.

use telness_testkit::Postgres;

use crate::scene::{Scene, migrate};

/// What the steps of schema 2 made.
const SCHEMA_2: &str = include_str!("../../../store/tests/data/schema-v2.sql");

#[test]
fn s2_a_schema_that_left_this_version_behind_stops_no_call_and_no_start() {
    Scene::new(1, &[]).shows(|scene| {
        let sql = |statement: &str| scene.postgres.sql(&scene.database, statement);
        sql("INSERT INTO schema_migrations (version, name, checksum, works_from) VALUES (999, 'later', '', 999)");
        scene.store_is_ok(false);
        scene.some_calls();
        // A roll-back to this version must not crash-loop: it starts, routes and journals.
        scene.nodes[0].restart();
        scene.calls_again();
        scene.store_is_ok(false);
        scene.postgres.sql(&scene.database, "DELETE FROM schema_migrations WHERE version = 999");
        scene.store_is_ok(true);
    });
}

#[test]
fn s2_a_later_schema_that_leaves_room_for_this_version_is_used() {
    Scene::new(1, &[]).shows(|scene| {
        let later = "INSERT INTO schema_migrations (version, name, checksum, works_from) VALUES (999, 'later', '', 1)
            ON CONFLICT DO NOTHING";
        scene.postgres.sql(&scene.database, later);
        scene.some_calls();
        scene.store_is_ok(true);
    });
}

#[test]
fn s2_a_database_that_is_yet_to_be_made_ready_is_used_once_it_is() {
    Scene::new(1, &[]).shows(|scene| {
        let sql = |statement: &str| scene.postgres.sql(&scene.database, statement);
        sql("ALTER TABLE schema_migrations RENAME TO put_aside");
        scene.store_is_ok(false);
        scene.some_calls();
        sql("ALTER TABLE put_aside RENAME TO schema_migrations");
        scene.store_is_ok(true);
    });
}

#[test]
fn s2_a_database_of_an_earlier_release_is_used_or_waited_for_until_it_is_brought_forward() {
    let earlier = |postgres: &Postgres, database: &str, _: &str| drop(postgres.sql(database, SCHEMA_2));
    Scene::prepared(Postgres::start(), None, (1, &[]), earlier).shows(|scene| {
        scene.some_calls();
        // Neither of the two is a crash loop: it starts, routes and journals.
        scene.nodes[0].restart();
        scene.calls_again();
        assert_eq!(scene.nodes[0].client().get("/readyz").unwrap().status, 200);
        migrate(&scene.postgres.url(&scene.database));
        scene.store_is_ok(true);
    });
}
