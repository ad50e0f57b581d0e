//! What a row of a batch costs Postgres in processor time, copied and inserted: `cargo test -p telness-store --test
//! postgres_cost -- --ignored --nocapture`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    dead_code,
    reason = "a test"
)]

mod ground;
mod sample;
mod scratch;

use ground::{ready, server};
use sample::{call, entry};
use telness_store::{Entry, JournalId, Position, PostgresStore, Store};

const ROWS: i64 = 16_000;
const DAY_MS: i64 = 86_400_000;

#[test]
#[ignore = "a measurement, which takes a minute"]
fn what_a_row_costs() {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(async {
        for size in [64, 500, 64, 500] {
            for of_one_day in [true, false] {
                let micros = cost(size, of_one_day).await;
                let how = if of_one_day { "copied" } else { "inserted" };
                println!("batches of {size:3}, {how:8}: {micros:.1} µs of CPU a row");
            }
        }
    });
}

/// Of batches with one call of the next day, none is copied.
async fn cost(size: i64, of_one_day: bool) -> f64 {
    let store = PostgresStore::open(&ready(server()).await).unwrap();
    let batch = |number: i64| -> Vec<Entry> {
        let ms = |row| number * size + row + if of_one_day || row > 0 { 0 } else { DAY_MS };
        (0..size).map(|row| entry(&call("nordtel", ms(row)))).collect()
    };
    let write =
        |number: i64| store.write(JournalId([1; 16]), Position(u64::try_from(number + 1).unwrap()), batch(number));
    write(0).await.unwrap();
    let (before, batches) = (server().cpu(), ROWS / size);
    for number in 1..=batches {
        write(number).await.unwrap();
    }
    let used = server().cpu() - before;
    used.as_secs_f64() * 1e6 / f64::from(u32::try_from(batches * size).unwrap())
}
