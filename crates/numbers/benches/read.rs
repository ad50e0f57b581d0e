//! How long it takes to read a number, by the form it is sent in.
#![allow(missing_docs, clippy::expect_used, reason = "a benchmark")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use telness_core::class::Place;
use telness_core::emergency::recognise;
use telness_core::number::Region;
use telness_numbers::{DialledIn, read, warm};

/// What is dialled in Sweden, by form. The numbers are of ranges kept for fiction.
const FORMS: [(&str, &str); 8] = [
    ("e164", "+46701740605"),
    ("e164_foreign", "+12025550123"),
    ("national", "070-174 06 05"),
    ("international_prefix", "0012025550123"),
    ("sip", "sip:+46701740605@pbx.example;user=phone"),
    ("fullwidth", "０７０１７４０６０５"),
    ("short", "1177"),
    ("emergency", "112"),
];

fn numbers(bench: &mut Criterion) {
    let sweden: Region = "SE".parse().expect("a region");
    let place = Place { outside_line_prefix: "9".parse().ok(), ..Place::region(sweden) };
    let within = DialledIn { place: &place, extension_digits: Some((4, 4)) };
    warm([sweden]);
    let mut group = bench.benchmark_group("read");
    group.throughput(Throughput::Elements(1));
    for (form, dialled) in FORMS {
        let plain = DialledIn { extension_digits: None, ..within };
        assert!(read(dialled, plain).is_ok(), "{dialled}");
        group.bench_function(form, |bencher| bencher.iter(|| read(black_box(dialled), plain)));
    }
    group.finish();
    bench
        .bench_function("recognise/ordinary", |bencher| bencher.iter(|| recognise(black_box("070-174 06 05"), &place)));
    bench.bench_function("recognise/emergency", |bencher| bencher.iter(|| recognise(black_box("9112"), &place)));
    bench.bench_function("read/every_row_of_dialled_tsv", |bencher| {
        let rows: Vec<(Place, &str)> = include_str!("../tests/data/dialled.tsv")
            .lines()
            .skip(1)
            .filter_map(|row| {
                let mut cells = row.split('\t');
                Some((Place::region(cells.next()?.parse().ok()?), cells.nth(1)?))
            })
            .collect();
        bencher.iter_batched(
            || &rows,
            |rows| {
                let ok = |(place, dialled): &&(Place, &str)| {
                    read(dialled, DialledIn { place, extension_digits: None }).is_ok()
                };
                rows.iter().filter(ok).count()
            },
            BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, numbers);
criterion_main!(benches);
