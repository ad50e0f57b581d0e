//! Appends to the journal in groups of several sizes: the time until they are durable, and the CPU that they take.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    dead_code,
    reason = "a benchmark"
)]

#[path = "../tests/sample/mod.rs"]
mod sample;
#[path = "../tests/scratch/mod.rs"]
mod scratch;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use scratch::Scratch;
use telness_store::{Entry, Journal, JournalId, JournalOptions, Position};

fn options() -> JournalOptions {
    JournalOptions { segment_bytes_max: 64 << 20, bytes_max: 1 << 30, keep_shipped: Duration::ZERO }
}

fn group(records: u64) -> Vec<Vec<u8>> {
    let record = |ms| Entry::encode_call(&sample::call("nordtel", ms)).unwrap();
    (0..i64::try_from(records).unwrap()).map(record).collect()
}

fn append(c: &mut Criterion) {
    let mut benches = c.benchmark_group("journal/append");
    for records in [1, 8, 64, 512] {
        let scratch = Scratch::new("bench-journal");
        let mut journal = Journal::open(scratch.path(), options(), JournalId([1; 16])).unwrap();
        let group = group(records);
        let (mut written, mut cpu) = (0, 0.0);
        benches.throughput(Throughput::Elements(records)).measurement_time(Duration::from_secs(3));
        benches.bench_function(BenchmarkId::from_parameter(records), |bencher| {
            // The CPU time is taken here, so that the benchmark's own sums are not in it.
            bencher.iter_custom(|times| {
                let (started, cpu_before) = (Instant::now(), cpu_us());
                for _ in 0..times {
                    let end = journal.append(&group).unwrap();
                    written += records;
                    if written % 65_536 < records {
                        journal.prune(end, 0).unwrap();
                    }
                }
                cpu += cpu_us() - cpu_before;
                started.elapsed()
            });
        });
        println!("journal/append/{records}: {:.2} us of CPU a record", cpu / as_f64(written));
    }
    benches.finish();
}

fn read(c: &mut Criterion) {
    let scratch = Scratch::new("bench-journal-read");
    let mut journal = Journal::open(scratch.path(), options(), JournalId([1; 16])).unwrap();
    for _ in 0..100 {
        journal.append(&group(64)).unwrap();
    }
    let mut reader = journal.reader();
    let mut position = Position::default();
    let mut benches = c.benchmark_group("journal/read");
    benches.throughput(Throughput::Elements(512));
    benches.bench_function("512", |bencher| {
        bencher.iter(|| {
            let found = black_box(reader.after(position, 512).unwrap());
            position = found.last().map_or(Position::default(), |(place, _)| *place);
        });
    });
    benches.finish();
}

/// CPU time of this thread, in microseconds.
fn cpu_us() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1_000.0
}

fn as_f64(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

criterion_group!(benches, append, read);
criterion_main!(benches);
