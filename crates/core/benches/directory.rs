//! How large a directory of a million is and how long it takes to make, to change and to ask.
//!
//! `cargo bench -p telness-core --bench directory`

#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark"
)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use telness_core::directory::HeldBy;
use telness_core::plan::{Plan, read_plan};
use telness_core::time::Timestamp;

mod million;

/// The allocator of the service itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A plan with the tenant and the trunk that the rows name.
fn plan() -> Plan {
    let text = include_str!("../../../examples/sweden.yaml");
    let text = text.replace("nordtel", "acme").replace("carrier-north", "carrier-c");
    read_plan(text.as_bytes(), 1).unwrap()
}

fn benches(criterion: &mut Criterion) {
    let plan = plan();
    let mut directory = million::directory();
    directory.bind(&plan);
    let bytes = directory.heap_bytes();
    println!("{} numbers and users in {bytes} bytes: {} each", million::USERS, bytes / million::USERS as usize);
    assert_eq!(directory.issues(&plan).shown, []);
    let now = Timestamp::default();
    let mut at = 0_u32;
    let mut next = || {
        at = (at + 244_007) % million::USERS;
        at
    };
    let numbers: Vec<_> = (0..million::USERS).map(million::number).collect();
    criterion.bench_function("directory/a held number of a million", |bencher| {
        bencher.iter(|| matches!(directory.held(black_box(numbers[next() as usize]), now), HeldBy::User(_)));
    });
    let free: Vec<_> = (0..million::USERS).map(|at| format!("+99947{at:07}").parse().unwrap()).collect();
    criterion.bench_function("directory/a number that nobody holds", |bencher| {
        bencher.iter(|| matches!(directory.held(black_box(free[next() as usize]), now), HeldBy::User(_)));
    });
    let mut group = criterion.benchmark_group("directory");
    group.sample_size(10);
    group.bench_function("ten users and numbers changed in a million", |bencher| {
        bencher.iter(|| {
            let mut changed = directory.clone();
            for _ in 0..10 {
                let at = next();
                let mut user = million::user(at);
                user.preferences.do_not_disturb = true;
                changed.put_user(&user);
                changed.remove_number(million::number(at));
                changed.put_number(&million::entry(at));
            }
            changed.bind(&plan);
            changed
        });
    });
    group.bench_function("the issues of a million", |bencher| bencher.iter(|| directory.issues(&plan)));
    group.bench_function("compile a million from entities", |bencher| bencher.iter(million::directory));
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
