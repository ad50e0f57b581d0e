//! Batches as the shipper writes them: decoded from the journal's bytes, then written; and a page read back.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    missing_docs,
    dead_code,
    reason = "a benchmark"
)]

#[path = "../tests/sample/mod.rs"]
mod sample;
#[path = "../tests/scratch/mod.rs"]
mod scratch;

use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sample::{call, entry};
use scratch::Scratch;
use telness_store::{CallQuery, Entry, JournalId, Position, SqliteStore, Store};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

fn entries(first: i64, count: i64) -> Vec<Entry> {
    (first..first + count).map(|ms| entry(&call("nordtel", ms))).collect()
}

fn codec(c: &mut Criterion) {
    let record = call("nordtel", 1);
    let bytes = Entry::encode_call(&record).unwrap();
    println!("an entry of {} bytes", bytes.len());
    c.bench_function("entry/encode", |bencher| bencher.iter(|| Entry::encode_call(&record).unwrap()));
    c.bench_function("entry/decode", |bencher| bencher.iter(|| Entry::decode(&bytes).unwrap()));
}

fn write(c: &mut Criterion) {
    let mut benches = c.benchmark_group("store/write");
    for count in [100, 500] {
        let scratch = Scratch::new("bench-store");
        let store = SqliteStore::open(&scratch.path().join("store.sqlite")).unwrap();
        let runtime = runtime();
        let (mut next, mut written) = (0, 0_u32);
        benches.throughput(Throughput::Elements(count)).measurement_time(Duration::from_secs(4));
        benches.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter_batched(
                || {
                    next += i64::try_from(count).unwrap();
                    entries(next, i64::try_from(count).unwrap())
                },
                |entries| {
                    written += u32::try_from(entries.len()).unwrap();
                    runtime.block_on(store.write(JournalId([1; 16]), Position(1), entries)).unwrap();
                },
                BatchSize::PerIteration,
            );
        });
        println!("store/write/{count}: {:.2} us of CPU of the writer a call", writer_cpu_us() / f64::from(written));
    }
    benches.finish();
}

fn read(c: &mut Criterion) {
    let scratch = Scratch::new("bench-store-read");
    let store = SqliteStore::open(&scratch.path().join("store.sqlite")).unwrap();
    let runtime = runtime();
    for batch in 0..40 {
        runtime.block_on(store.write(JournalId([1; 16]), Position(1), entries(batch * 500, 500))).unwrap();
    }
    let tenant = "nordtel".parse().unwrap();
    let page = CallQuery { limit: 100, ..CallQuery::default() };
    c.bench_function("store/calls/page of 100", |bencher| {
        bencher.iter(|| runtime.block_on(store.calls(&tenant, &page)).unwrap());
    });
    let none = CallQuery { limit: 100, sip_call_id: Some("nobody".to_owned()), ..CallQuery::default() };
    c.bench_function("store/calls/search of 20,000", |bencher| {
        bencher.iter(|| runtime.block_on(store.calls(&tenant, &none)).unwrap());
    });
    c.bench_function("store/call", |bencher| {
        bencher.iter(|| runtime.block_on(store.call(&tenant, sample::id(9_000, 9_000))).unwrap().unwrap());
    });
}

/// CPU time of the store's writing thread so far, in microseconds. Only one store is open at a time.
fn writer_cpu_us() -> f64 {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return f64::NAN };
    let cpu = tasks.filter_map(|task| {
        let folder = task.ok()?.path();
        let name = std::fs::read_to_string(folder.join("comm")).ok()?;
        let stat = std::fs::read_to_string(folder.join("schedstat")).ok()?;
        (name.trim() == "store-writer").then(|| stat.split(' ').next()?.parse::<f64>().ok()).flatten()
    });
    cpu.sum::<f64>() / 1_000.0
}

criterion_group!(benches, codec, write, read);
criterion_main!(benches);
