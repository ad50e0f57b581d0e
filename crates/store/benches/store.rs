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
use telness_core::record::EventKind;
use telness_store::{
    CallQuery, Entry, JournalId, Migrations, Position, PostgresOptions, PostgresStore, SqliteStore, Store, Tls,
};
use telness_testkit::Postgres;

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

/// Batches to a Postgres on this machine: processor time of the server and of this process, which is little but the
/// client.
fn write_postgres(c: &mut Criterion) {
    let mut benches = c.benchmark_group("store/postgres/write");
    let server = Postgres::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let options = PostgresOptions { tls: Tls::Off, ..PostgresOptions::new(server.url(&server.database())) };
    let store = runtime.block_on(async {
        Migrations::new(&options).unwrap().up().await.unwrap();
        PostgresStore::open(&options).unwrap()
    });
    let mut next = 0;
    for (what, count, told) in [("calls", 100, 0), ("calls", 1_000, 0), ("calls with 3 events", 1_000, 3)] {
        let (mut written, before) = (0_u32, (server.cpu(), own_cpu()));
        let mut in_client = Duration::ZERO;
        benches.throughput(Throughput::Elements(count)).measurement_time(Duration::from_secs(4));
        benches.bench_function(BenchmarkId::new(what, count), |bencher| {
            bencher.iter_batched(
                || {
                    let count = i64::try_from(count).unwrap();
                    next += count;
                    let mut batch = entries(next, count);
                    batch.extend((next..next + count).flat_map(|ms| events(ms, told)));
                    batch
                },
                |entries| {
                    written += u32::try_from(count).unwrap();
                    let began = own_cpu();
                    runtime.block_on(store.write(JournalId([1; 16]), Position(1), entries)).unwrap();
                    in_client += own_cpu() - began;
                },
                BatchSize::PerIteration,
            );
        });
        let each = |took: Duration| took.as_secs_f64() * 1e6 / f64::from(written);
        let (server, client) = (each(server.cpu() - before.0), each(in_client));
        println!(
            "store/postgres/write/{what}/{count}: {server:.1} us of CPU of Postgres a call, {client:.1} of the client"
        );
    }
    benches.finish();
}

/// The beginning of what a switch reports of a call.
fn events(ms: i64, count: usize) -> impl Iterator<Item = Entry> {
    let kinds = [(EventKind::Ringing, 100), (EventKind::Answered, 2_000), (EventKind::Ended, 62_000)];
    let event = move |(kind, after_ms)| sample::event("nordtel", ms, &format!("{after_ms}"), kind, after_ms);
    kinds.into_iter().take(count).map(move |told| Entry::Event(Box::new(event(told))))
}

/// Processor time of this process so far.
fn own_cpu() -> Duration {
    let stat = std::fs::read_dir("/proc/self/task").unwrap().filter_map(|task| {
        let stat = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        stat.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(stat.sum())
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

criterion_group!(benches, codec, write, read, write_postgres);
criterion_main!(benches);
