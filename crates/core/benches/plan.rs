//! How long plans take to compile, and prefixes to find: `cargo bench -p telness-core --bench plan`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark"
)]

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use telness_core::number::Digits;
use telness_core::plan::{PrefixTable, read_plan};

mod prefixes;

const EXAMPLE: &str = include_str!("../../../examples/sweden.yaml");

/// The example with further rules in front, each with a prefix of its own.
fn with_rules(count: usize, prefixes: &[Digits]) -> String {
    let mut rules = String::from("rules:\n");
    for (at, prefix) in prefixes.iter().step_by(prefixes.len() / count).take(count).enumerate() {
        writeln!(rules, "  - name: rule-{at}\n    priority: {}", at % 7).unwrap();
        writeln!(rules, "    match: {{ called: [\"+{prefix}\"], direction: from_tenant, tenants: [nordtel] }}")
            .unwrap();
        writeln!(rules, "    route: [{{ trunk: carrier-north }}, {{ trunk: carrier-south }}]").unwrap();
    }
    EXAMPLE.replace("rules:\n", &rules)
}

fn compile(c: &mut Criterion) {
    let mut group = c.benchmark_group("plan");
    group.bench_function("compile examples/sweden.yaml", |b| {
        b.iter(|| read_plan(black_box(EXAMPLE.as_bytes()), 0).unwrap());
    });
    let large = with_rules(10_000, &prefixes::real());
    assert!(read_plan(large.as_bytes(), 0).unwrap().rules.len() > 10_000);
    group.sample_size(10);
    group.throughput(Throughput::Bytes(large.len() as u64));
    group.bench_function("compile 10,000 rules", |b| b.iter(|| read_plan(black_box(large.as_bytes()), 0).unwrap()));
    group.finish();
}

fn prefix_table(c: &mut Criterion) {
    let real = prefixes::real();
    let entries: Vec<(Digits, u32)> = real.iter().zip(0..).map(|(prefix, value)| (*prefix, value)).collect();
    let table = PrefixTable::build(entries.iter().copied());
    println!("{} prefixes in {} bytes: {} a prefix", table.len(), table.heap_bytes(), table.heap_bytes() / table.len());
    let mut group = c.benchmark_group("prefix_table");
    group.sample_size(20);
    group.bench_function("build 316,652", |b| b.iter(|| PrefixTable::build(entries.iter().copied())));
    group.sample_size(100);
    // As many numbers as no cache of the processor holds the slots of.
    let numbers = prefixes::numbers(&real, 1 << 20);
    let mut at = 0;
    group.bench_function("longest of 316,652", |b| {
        b.iter(|| {
            at = (at + 1) & (numbers.len() - 1);
            table.matches(black_box(numbers[at])).next()
        });
    });
    group.bench_function("all of 316,652", |b| {
        b.iter(|| {
            at = (at + 1) & (numbers.len() - 1);
            table.matches(black_box(numbers[at])).map(|(_, value)| u64::from(value)).sum::<u64>()
        });
    });
    group.finish();
}

criterion_group!(benches, compile, prefix_table);
criterion_main!(benches);
