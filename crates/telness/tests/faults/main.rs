//! What happens when the database, the network or a node fails while calls flow. Each test is a demonstration: the
//! real service, a real Postgres, a fault shown again and again; and afterwards every acknowledged call and event is
//! there once (N1 to N5). `scripts/test --faults` makes at least 30,000 calls for each fault.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    reason = "a test; its form is chosen by the environment"
)]

#[path = "../acknowledged/mod.rs"]
mod acknowledged;
mod billing;
mod disks;
mod failovers;
mod pruning;
mod refused;
mod rolling;
mod scene;
mod schemas;

use std::time::Duration;

use scene::Scene;
use telness_testkit::{Network, Postgres, pause};

#[test]
fn n3_postgres_is_killed() {
    Scene::new(1, &[]).shows(|scene| {
        scene.postgres.kill();
        scene.store_is_ok(false);
        scene.some_calls();
        scene.postgres.start_again();
        scene.store_is_ok(true);
    });
}

#[test]
fn n3_postgres_is_stopped_and_started() {
    Scene::new(1, &[]).shows(|scene| {
        scene.postgres.stop();
        scene.store_is_ok(false);
        scene.some_calls();
        scene.postgres.start_again();
        scene.store_is_ok(true);
    });
}

#[test]
fn n3_postgres_hangs() {
    Scene::new(1, &[]).shows(|scene| {
        scene.postgres.pause();
        scene.store_is_ok(false);
        scene.some_calls();
        scene.postgres.go_on();
        scene.store_is_ok(true);
    });
}

#[test]
fn n3_twilio_2013_postgres_is_read_only() {
    Scene::new(1, &[]).shows(|scene| {
        let read_only = |value| {
            scene.postgres.sql("postgres", &format!("ALTER SYSTEM SET default_transaction_read_only = {value}"));
            scene.postgres.sql("postgres", "SELECT pg_reload_conf()");
        };
        read_only("on");
        scene.store_is_ok(false);
        scene.some_calls();
        // The superuser's own session is read only as well, but for what it says itself.
        let back = "SET default_transaction_read_only = off; ALTER SYSTEM RESET default_transaction_read_only";
        for statement in back.split("; ").map(str::to_owned).chain(["SELECT pg_reload_conf()".to_owned()]) {
            scene.postgres.sql("postgres", &statement);
        }
        scene.store_is_ok(true);
    });
}

#[test]
fn n3_the_network_cuts_every_connection() {
    Scene::new(1, &[]).shows(|scene| {
        for _ in 0..10 {
            scene.proxy.cut();
            pause(Duration::from_millis(30));
        }
    });
}

#[test]
fn n3_the_network_refuses() {
    Scene::new(1, &[]).shows(|scene| {
        scene.proxy.set(Network::Refuses);
        scene.proxy.cut();
        scene.store_is_ok(false);
        scene.some_calls();
        scene.proxy.set(Network::Passes);
        scene.store_is_ok(true);
    });
}

#[test]
fn n3_the_network_swallows_everything() {
    Scene::new(1, &[]).shows(|scene| {
        scene.proxy.set(Network::Swallows);
        scene.store_is_ok(false);
        scene.some_calls();
        scene.proxy.set(Network::Passes);
        scene.store_is_ok(true);
    });
}

#[test]
fn n3_one_byte_a_second() {
    Scene::new(1, &[]).shows(|scene| {
        scene.proxy.set(Network::Crawls(1));
        scene.store_is_ok(false);
        scene.some_calls();
        scene.proxy.set(Network::Passes);
        scene.store_is_ok(true);
    });
}

#[test]
fn s1_something_that_is_no_postgres_answers() {
    Scene::new(1, &[]).shows(|scene| {
        scene.proxy.set(Network::Garbles);
        scene.store_is_ok(false);
        scene.some_calls();
        // Connections made meanwhile too: they hear nonsense from the first byte on.
        scene.proxy.cut();
        scene.some_calls();
        scene.proxy.set(Network::Passes);
        scene.store_is_ok(true);
    });
}

#[test]
fn s1_the_certificate_of_postgres_expires() {
    let mut postgres = Postgres::start();
    let authority = postgres.offer_tls();
    let settings = [("store.tls", "verify"), ("store.tls_ca_file", authority.to_str().unwrap())];
    Scene::on(postgres, None, 1, &settings).shows(|scene| {
        scene.postgres.let_certificate_expire(true);
        scene.proxy.cut();
        scene.store_is_ok(false);
        scene.some_calls();
        scene.postgres.let_certificate_expire(false);
        scene.store_is_ok(true);
    });
}

#[test]
fn n3_an_answer_that_waits_for_the_database_falls_back_to_the_journal() {
    Scene::new(1, &[("workflow.low.durability", "database")]).shows(|scene| {
        let late = scene.metric(0, "telness_commits_late_total");
        scene.proxy.set(Network::Swallows);
        scene.some_calls();
        assert!(scene.metric(0, "telness_commits_late_total") > late);
        scene.proxy.set(Network::Passes);
        scene.store_is_ok(true);
    });
}

#[test]
fn n2_a_node_is_killed_beside_another() {
    Scene::new(2, &[]).shows(|scene| {
        scene.some_calls();
        scene.nodes[1].kill();
        scene.nodes[1].restart();
        scene.calls_again();
    });
}

#[test]
fn n5_two_nodes_get_the_same_keys_at_the_same_moment() {
    Scene::new(2, &[]).shows(|scene| scene.some_calls());
}
