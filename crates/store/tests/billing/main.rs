//! What records for billing promise: one suite, run over each database, and what only Postgres can show.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    clippy::string_slice,
    dead_code,
    reason = "a test"
)]

#[path = "../sample/mod.rs"]
mod sample;
#[path = "../scratch/mod.rs"]
mod scratch;

mod cases;
mod damage;
mod faults;
mod golden;
mod orders;
mod pruned;
mod scene;

use std::future::Future;
use std::sync::Arc;

use scene::Scene;
use scratch::Scratch;
use telness_store::control::Control;
use telness_store::{SqliteStore, Upkeep};

/// The suite over one database: a function that gives a test an empty one.
macro_rules! suite {
    ($with_scene:ident) => {
        #[test]
        fn n7_a_leg_is_in_one_file_and_hours_without_calls_have_one() {
            $with_scene("one-file", crate::cases::a_leg_is_in_one_file);
        }

        #[test]
        fn n7_what_changes_later_is_a_correction_that_names_what_it_replaces() {
            $with_scene("corrections", crate::cases::what_changes_later_is_a_correction);
        }

        #[test]
        fn n7_calls_that_come_days_late_are_in_the_next_file_by_their_own_times() {
            $with_scene("late", crate::cases::calls_that_come_days_late);
        }

        #[test]
        fn a_leg_is_open_until_it_ends_and_then_settles() {
            $with_scene("open", crate::cases::open_until_it_ends);
        }

        #[test]
        fn full_files_are_followed_by_another_of_the_same_hours() {
            $with_scene("full", crate::cases::full_files);
        }

        #[test]
        fn p1_who_forwards_pays_and_nobody_sees_anothers() {
            $with_scene("forwards", crate::cases::who_forwards_pays);
        }

        #[test]
        fn a_clock_that_is_set_back_closes_nothing_twice() {
            $with_scene("clock", crate::cases::a_clock_set_back);
        }

        #[test]
        fn n2_a_closing_that_goes_away_leaves_nothing_half_done() {
            $with_scene("goes-away", crate::cases::a_closing_that_goes_away);
        }

        #[test]
        fn n7_many_closers_at_once_make_each_file_once() {
            $with_scene("at-once", crate::cases::many_closers_at_once);
        }

        #[test]
        fn what_somebody_changed_by_hand_is_found_and_not_issued() {
            $with_scene("by-hand", crate::damage::what_somebody_changed);
        }

        #[test]
        fn s4_a_call_that_cannot_be_read_keeps_no_other_from_being_billed() {
            $with_scene("poison", crate::damage::a_call_that_cannot_be_read);
        }

        #[test]
        fn s4_a_record_that_cannot_be_read_keeps_no_other_call_from_being_billed() {
            $with_scene("record", crate::damage::a_record_that_cannot_be_read);
        }

        #[test]
        fn s4_an_hour_that_cannot_be_looked_at_keeps_no_other_from_being_billed() {
            $with_scene("hour", crate::damage::an_hour_that_cannot_be_looked_at);
        }

        #[test]
        fn n7_what_was_issued_of_a_call_stays_when_the_call_is_pruned() {
            $with_scene("pruned", crate::pruned::what_was_issued_stays);
        }

        #[test]
        fn n7_a_correction_of_a_pruned_call_has_what_was_issued_and_its_new_course() {
            $with_scene("pruned-late", crate::pruned::a_correction_has_what_was_issued);
        }

        #[test]
        fn n7_what_is_yet_to_be_billed_is_not_pruned() {
            $with_scene("unbilled", crate::pruned::what_is_yet_to_be_billed);
        }

        #[test]
        fn n7_a_call_that_was_pruned_before_it_was_billed_is_told_of() {
            $with_scene("pruned-lost", crate::pruned::a_call_that_was_never_billed);
        }

        #[test]
        fn n7_what_a_switch_connected_in_spite_of_a_rejection_is_seen_and_not_charged() {
            $with_scene("rejected", crate::cases::connected_in_spite_of_a_rejection);
        }

        #[test]
        fn calls_without_marks_are_found_when_asked_for() {
            $with_scene("look-again", crate::cases::calls_without_marks);
        }

        #[test]
        fn n6_every_order_of_arrival_and_closing_comes_to_the_same_sums() {
            $with_scene("orders", crate::orders::every_order);
        }
    };
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(future)
}

mod sqlite {
    use super::*;

    fn with_scene<F: Future<Output = ()>>(name: &str, test: impl FnOnce(Scene) -> F) {
        let scratch = Scratch::new(&format!("billing-{name}"));
        let file = scratch.path().join("store.sqlite");
        let store = Arc::new(SqliteStore::open(&file).unwrap());
        let control = Control::of_sqlite(Arc::clone(&store));
        let by_hand = Box::new(move |sql: &str| {
            let connection = rusqlite::Connection::open(&file).unwrap();
            connection.busy_timeout(std::time::Duration::from_secs(20)).unwrap();
            connection.execute_batch(sql).unwrap();
        });
        run(async { test(Scene::new(store as Arc<dyn Upkeep>, &control, by_hand).await).await });
    }

    suite!(with_scene);
}

mod postgres {
    use std::sync::OnceLock;

    use telness_store::{Migrations, PostgresOptions, PostgresStore, Tls};
    use telness_testkit::Postgres;

    use super::*;

    /// The server of this test's process.
    pub(crate) fn server() -> &'static Postgres {
        static SERVER: OnceLock<Postgres> = OnceLock::new();
        SERVER.get_or_init(Postgres::start)
    }

    fn with_scene<F: Future<Output = ()>>(_: &str, test: impl FnOnce(Scene) -> F) {
        let database = server().database();
        let options =
            PostgresOptions { tls: Tls::Off, connections_max: 6, ..PostgresOptions::new(server().url(&database)) };
        run(async {
            Migrations::new(&options).unwrap().up().await.unwrap();
            let store = PostgresStore::open(&options).unwrap();
            let control = Control::of_postgres(&store);
            let by_hand = Box::new(move |sql: &str| drop(server().sql(&database, sql)));
            test(Scene::new(Arc::new(store), &control, by_hand).await).await;
        });
    }

    suite!(with_scene);
}
