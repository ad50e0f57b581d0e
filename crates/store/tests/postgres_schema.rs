//! A schema that others bring forward at the same time, that a later version made, or that somebody changed by hand.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    clippy::disallowed_methods,
    dead_code,
    reason = "a test"
)]

mod ground;
mod sample;
mod scratch;

use std::time::Duration;

use ground::{database_of, options, ready, server};
use telness_store::{Migrations, PostgresStore, Store as _, StoreError};

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(future)
}

#[test]
fn two_who_migrate_at_once_take_each_step_once() {
    run(async {
        let fresh = options(server());
        let store = PostgresStore::open(&fresh).unwrap();
        let refused = store.check().await;
        assert!(matches!(refused, Err(StoreError::NotMigrated { found: 0, .. })), "{refused:?}");
        assert!(Migrations::new(&fresh).unwrap().status().await.unwrap().iter().all(|step| !step.applied));
        let migrating: Vec<_> = (0..6)
            .map(|_| {
                let migrations = Migrations::new(&fresh).unwrap();
                tokio::spawn(async move { migrations.up().await.unwrap() })
            })
            .collect();
        let mut taken = Vec::new();
        for one in migrating {
            taken.extend(one.await.unwrap());
        }
        let status = Migrations::new(&fresh).unwrap().status().await.unwrap();
        assert!(status.iter().all(|step| step.applied));
        assert_eq!(taken, status.iter().map(|step| step.version).collect::<Vec<_>>());
        Migrations::new(&fresh).unwrap().verify().await.unwrap();
        // A node that was up before looks again by itself.
        store.check().await.unwrap();
    });
}

#[test]
fn s2_a_later_schema_serves_a_telness_that_it_still_works_from() {
    run(async {
        let shared = ready(server()).await;
        let database = database_of(&shared);
        let later = "INSERT INTO schema_migrations (version, name, checksum, works_from) VALUES (998, 'expand', '', 1)";
        server().sql(&database, later);
        let store = PostgresStore::open(&shared).unwrap();
        store.check().await.unwrap();
        let migrations = Migrations::new(&shared).unwrap();
        assert!(migrations.status().await.unwrap().iter().any(|step| step.version == 998 && step.applied));
        assert_eq!(migrations.up().await.unwrap(), [0_i64; 0]);
        let beyond = "INSERT INTO schema_migrations (version, name, checksum, works_from)
            VALUES (999, 'contract', '', 999)";
        server().sql(&database, beyond);
        let left_behind = PostgresStore::open(&shared).unwrap();
        let refused = left_behind.check().await;
        assert!(matches!(refused, Err(StoreError::Later { found: 999, .. })), "{refused:?}");
        // Whoever was connected notices within seconds, without a start.
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        while store.check().await.is_ok() {
            assert!(tokio::time::Instant::now() < deadline, "it goes on as if nothing were");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
}

#[test]
fn what_somebody_changed_by_hand_is_found() {
    run(async {
        for (change, told) in [
            ("UPDATE schema_migrations SET checksum = 'x'", "is not the one that this telness knows"),
            ("ALTER TABLE calls DROP COLUMN cause_sip", "lacks calls.cause_sip"),
            ("ALTER TABLE keyed_calls DROP CONSTRAINT keyed_calls_pkey", "lacks the unique key of keyed_calls"),
        ] {
            let shared = ready(server()).await;
            let migrations = Migrations::new(&shared).unwrap();
            migrations.verify().await.unwrap();
            server().sql(&database_of(&shared), change);
            let found = migrations.verify().await;
            assert!(matches!(&found, Err(StoreError::Broken(why)) if why.contains(told)), "{change}: {found:?}");
        }
    });
}
