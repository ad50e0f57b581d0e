//! What the control plane promises: one suite, run over each database.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    clippy::print_stdout,
    dead_code,
    reason = "a test"
)]

#[path = "../scratch/mod.rs"]
mod scratch;

mod decks;
mod edits;
mod feed;
mod million;
mod reports;
mod sample;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use scratch::Scratch;
use telness_core::deck::DeckRow;
use telness_core::directory::{Block, NumberEntry, NumberState, Preferences, Tenant, User};
use telness_core::number::E164;
use telness_core::time::Timestamp;
use telness_core::world::Rate;
use telness_store::SqliteStore;
use telness_store::control::{
    Change, ChangeCursor, Changed, Control, ControlError, Deck, DeckHead, DeckLoad, DeckRowKey, Edit, Entity, Expect,
    ListQuery, LogQuery, NodeReport, Refusal, UserKey, Version,
};
use tokio::task::JoinSet;

use decks::*;
use edits::*;
use feed::*;
use million::*;
use reports::*;
use sample::*;

/// The suite over one database: a function that gives a test an empty one.
macro_rules! suite {
    ($with_control:ident) => {
        #[test]
        fn what_is_put_is_read() {
            $with_control("put", super::what_is_put_is_read);
        }

        #[test]
        fn one_of_many_at_once_wins() {
            $with_control("at-once", super::one_of_many_at_once_wins);
        }

        #[test]
        fn pollers_skip_nothing() {
            $with_control("pollers", super::pollers_skip_nothing);
        }

        #[test]
        fn tombstones_tell_of_what_is_gone() {
            $with_control("tombstones", super::tombstones_tell_of_what_is_gone);
        }

        #[test]
        fn s3_one_fault_in_a_bulk_changes_nothing() {
            $with_control("bulk", super::one_fault_in_a_bulk_changes_nothing);
        }

        #[test]
        fn nothing_points_to_what_is_not_there() {
            $with_control("integrity", super::nothing_points_to_what_is_not_there);
        }

        #[test]
        fn plans_are_numbered_and_one_is_published() {
            $with_control("plans", super::plans_are_numbered_and_one_is_published);
        }

        #[test]
        fn s3_a_deck_is_in_force_whole_or_not() {
            $with_control("decks", super::a_deck_is_in_force_whole_or_not);
        }

        #[test]
        fn the_log_says_who_changed_what() {
            $with_control("log", super::the_log_says_who_changed_what);
        }

        #[test]
        fn whoever_goes_away_leaves_nothing_half_done() {
            $with_control("goes-away", super::whoever_goes_away_leaves_nothing_half_done);
        }

        #[test]
        #[ignore = "takes minutes; scripts/test --long runs it"]
        fn a_million() {
            $with_control("a-million", super::a_million);
        }

        #[test]
        fn nodes_are_known_by_what_they_said_last() {
            $with_control("nodes", super::nodes_are_known_by_what_they_said_last);
        }
    };
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(future)
}

mod sqlite {
    use super::*;

    fn with_control<F: Future<Output = ()>>(name: &str, test: impl FnOnce(Control) -> F) {
        let scratch = Scratch::new(name);
        let store = SqliteStore::open(&scratch.path().join("store.sqlite")).unwrap();
        run(test(Control::of_sqlite(Arc::new(store))));
    }

    suite!(with_control);
}

mod postgres {
    use std::sync::OnceLock;

    use telness_store::{Migrations, PostgresOptions, PostgresStore, Tls};
    use telness_testkit::Postgres;

    use super::*;

    /// The server of this test's process.
    fn server() -> &'static Postgres {
        static SERVER: OnceLock<Postgres> = OnceLock::new();
        SERVER.get_or_init(Postgres::start)
    }

    fn options() -> PostgresOptions {
        let url = server().url(&server().database());
        PostgresOptions { tls: Tls::Off, connections_max: 4, ..PostgresOptions::new(url) }
    }

    fn with_control<F: Future<Output = ()>>(_: &str, test: impl FnOnce(Control) -> F) {
        let options = options();
        run(async {
            Migrations::new(&options).unwrap().up().await.unwrap();
            let store = PostgresStore::open(&options).unwrap();
            test(Control::of_postgres(&store)).await;
        });
    }

    suite!(with_control);

    #[test]
    fn the_schema_is_what_its_steps_made() {
        let migrations = Migrations::new(&options()).unwrap();
        run(async {
            migrations.up().await.unwrap();
            migrations.verify().await.unwrap();
        });
    }

    #[test]
    fn a_change_is_hinted_at_when_it_is_committed() {
        let options = options();
        run(async {
            Migrations::new(&options).unwrap().up().await.unwrap();
            let store = PostgresStore::open(&options).unwrap();
            let control = Control::of_postgres(&store);
            let mut hints = store.hints();
            // The listener says so as well when it has begun to listen.
            let hinted = async {
                loop {
                    control.put(&edit(""), tenant("nordtel"), Expect::Any).await.unwrap();
                    let next = tokio::time::timeout(std::time::Duration::from_millis(500), hints.changed()).await;
                    if next.is_ok() {
                        return;
                    }
                }
            };
            tokio::time::timeout(std::time::Duration::from_secs(20), hinted).await.unwrap();
        });
    }
}
