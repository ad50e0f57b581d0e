//! How long a node takes from a snapshot of a million numbers and a million rates to a world in service:
//! `cargo run --profile quick -p telness-engine --example snapshot`

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a measurement"
)]

use std::time::Instant;

use telness_core::deck::DeckRow;
use telness_core::directory::{NumberEntry, NumberState, Preferences, Tenant, User, UserDevice};
use telness_core::rates::Deck;
use telness_core::time::Timestamp;
use telness_core::world::Rate;
use telness_engine::example;
use telness_engine::snapshot::{Delta, Snapshot, SnapshotFolder, Tables};

/// The allocator of the service itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const MANY: u32 = 1_000_000;

/// There are no million numbers that are kept free, so these are of the country code 999, which is no country's.
fn number(at: u32) -> String {
    format!("+99946{at:07}")
}

fn user(at: u32) -> User {
    User {
        name: format!("user-{at}").parse().unwrap(),
        tenant: format!("tenant-{}", at % 100).parse().unwrap(),
        extension: Some(format!("2{:04}", at / 100).parse().unwrap()),
        devices: vec![UserDevice {
            trunk: "carrier-north".parse().unwrap(),
            number: format!("+99970{at:07}").parse().unwrap(),
        }],
        preferences: Preferences::default(),
    }
}

fn entry(at: u32) -> NumberEntry {
    NumberEntry {
        number: number(at).parse().unwrap(),
        state: NumberState::Assigned,
        tenant: format!("tenant-{}", at % 100).parse().unwrap(),
        user: Some(format!("user-{at}").parse().unwrap()),
        cutover: None,
    }
}

fn deck() -> Deck {
    let later = Some(Timestamp::from_micros(4_000_000_000_000_000));
    let row = |at: u32| DeckRow {
        prefix: format!("{}", 1_000_000 + u64::from(at)).parse().unwrap(),
        price: Rate(at),
        connection_fee: Rate(0),
        first_s: 60,
        next_s: 1,
        origin: None,
        surcharge: Rate(0),
        valid_from: later.filter(|_| at.is_multiple_of(10)),
        valid_until: None,
    };
    Deck::new("carrier-north".parse().unwrap(), "SEK".parse().unwrap(), 1, (0..MANY).map(row))
}

fn tables() -> Tables {
    let tenant = |at| Tenant {
        name: format!("tenant-{at}").parse().unwrap(),
        suspended: false,
        calls_per_s_max: None,
        outside_line_prefixes: Vec::new(),
        retention: Default::default(),
    };
    let mut tables = Tables { plan: Some(example()), ..Tables::default() };
    tables.apply(Delta {
        version: 1,
        tenants: (0..100).map(tenant).collect(),
        users: (0..MANY).map(user).collect(),
        numbers: (0..MANY).map(entry).collect(),
        decks: vec![deck()],
        ..Delta::default()
    });
    tables
}

/// The process's memory, in megabytes.
fn resident_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

fn main() {
    let parent = tempfile::tempdir().unwrap();
    let folder = SnapshotFolder::new(parent.path().join("snapshot"));
    let now = Timestamp::from_micros(1_795_435_200_000_000);
    let began = Instant::now();
    std::thread::scope(|scope| {
        let written = scope.spawn(|| {
            let tables = tables();
            println!("tables of entities: {:?}", began.elapsed());
            let began = Instant::now();
            folder.save(&tables).unwrap();
            println!("saved: {:?}", began.elapsed());
        });
        written.join().unwrap();
    });
    let bytes = std::fs::metadata(parent.path().join("snapshot/current")).unwrap().len();
    println!("{bytes} bytes of snapshot; {} MB resident before", resident_mb());
    let began = Instant::now();
    let loaded = folder.load().loaded.unwrap();
    let compiling = Instant::now();
    let compiled = loaded.tables.compile(loaded.tables.plan.as_ref().unwrap(), now, None).unwrap();
    let compile = compiling.elapsed();
    let snapshot = Snapshot::new(compiled.world.clone());
    let all = began.elapsed();
    println!("{:?}; compile {compile:?}; in all {all:?}", loaded.took);
    let (directory, decks) = (&loaded.tables.directory, &loaded.tables.decks);
    println!(
        "{} bytes a number with its user; {} a rate, and {} of them in the table; {} MB resident",
        directory.heap_bytes() / MANY as usize,
        decks.values().map(|deck| deck.heap_bytes()).sum::<usize>() / MANY as usize,
        snapshot
            .current()
            .decks
            .of(telness_core::plan::TrunkIx(0))
            .map_or(0, telness_core::plan::PrefixTable::heap_bytes)
            / MANY as usize,
        resident_mb()
    );
    println!("issues: {:?}", compiled.issues);
    let mut tables = loaded.tables;
    let delta = Delta {
        version: 2,
        users: (0..10).map(user).collect(),
        numbers: (0..10).map(entry).collect(),
        ..Delta::default()
    };
    let began = Instant::now();
    tables.apply(delta);
    let next = tables.compile(tables.plan.as_ref().unwrap(), now, Some(&compiled)).unwrap();
    snapshot.publish(next.world).unwrap();
    println!("a delta of ten users and numbers, in service: {:?}", began.elapsed());
}
