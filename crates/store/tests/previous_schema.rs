//! What earlier releases ask of the database works on the latest schema: expand, then contract. While nodes are rolled
//! out, the schema is the new one and most of them are the old one.
//!
//! For each schema that a release had, `tests/data` keeps the schema as its steps made it (`schema-vN.sql`), every
//! statement that the release sends (`statements-vN.sql`), and a day of its life, value by value (`day-vN.sql`).
//! `scripts/statements` made the two latter, and makes those of a later schema before its release.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    clippy::disallowed_methods,
    dead_code,
    reason = "a test"
)]

mod ground;
mod sample;
mod scratch;

use std::fmt::Write as _;
use std::future::Future;

use ground::{ready, server};
use sample::{at_ms, call, entry, event};
use telness_core::directory::{Block, NumberEntry, Tenant, User};
use telness_core::record::EventKind;
use telness_store::control::{
    ChangeCursor, Control, DeckHead, Edit, Entity as _, Expect, ListQuery, LogQuery, NodeReport,
};
use telness_store::{
    CallQuery, Entry, JournalId, Migrations, Position, PostgresOptions, PostgresStore, Store as _, StoreError, Tls,
};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};
use uuid::Uuid;

/// A schema that a release had, and what that release asks of it.
struct Release {
    version: i64,
    schema: &'static str,
    statements: &'static str,
    day: &'static str,
}

const RELEASES: [Release; 1] = [Release {
    version: 2,
    schema: include_str!("data/schema-v2.sql"),
    statements: include_str!("data/statements-v2.sql"),
    day: include_str!("data/day-v2.sql"),
}];

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(future)
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

impl Release {
    /// A database with its schema.
    async fn database(&self) -> (PostgresOptions, Client) {
        let options = PostgresOptions { tls: Tls::Off, ..PostgresOptions::new(server().url(&server().database())) };
        let client = connect(&options.url).await;
        client.batch_execute(self.schema).await.unwrap();
        (options, client)
    }

    /// The same, brought forward to the latest schema.
    async fn brought_forward(&self) -> Client {
        let (options, client) = self.database().await;
        let taken = Migrations::new(&options).unwrap().up().await.unwrap();
        assert!(taken.iter().all(|step| *step > self.version), "its own steps are as they were: {taken:?}");
        client
    }

    /// Its statements, one a line, without what the file says of itself.
    fn statements(&self) -> impl Iterator<Item = &'static str> {
        self.statements.lines().filter(|line| !line.is_empty() && !line.starts_with("--"))
    }
}

/// What a statement takes and gives; or why there is no such statement.
async fn shape(client: &Client, statement: &str) -> String {
    match client.prepare(statement).await {
        Ok(prepared) => {
            let gives: Vec<String> =
                prepared.columns().iter().map(|column| format!("{} {}", column.name(), column.type_())).collect();
            format!("takes {:?}, gives {gives:?}", prepared.params())
        }
        Err(why) => format!("{why:?}"),
    }
}

#[test]
fn s2_every_statement_of_an_earlier_release_takes_and_gives_on_the_latest_schema_what_it_did() {
    for release in RELEASES {
        run(async {
            let (_, before) = release.database().await;
            let after = release.brought_forward().await;
            let mut count = 0;
            for statement in release.statements() {
                let was = shape(&before, statement).await;
                assert!(was.starts_with("takes"), "schema {}: {statement}\n{was}", release.version);
                assert_eq!(was, shape(&after, statement).await, "schema {}: {statement}", release.version);
                count += 1;
            }
            assert!(count > 80, "only {count} statements of schema {}", release.version);
        });
    }
}

#[test]
fn s2_a_day_of_an_earlier_release_is_written_and_read_on_the_latest_schema_as_it_was() {
    for release in RELEASES {
        run(async {
            let (_, before) = release.database().await;
            let after = release.brought_forward().await;
            let was = lived(&before, release.day).await.unwrap();
            assert!(was.contains("nordtel") && was.contains("carrier-one"), "{was}");
            assert_eq!(Ok(was), lived(&after, release.day).await, "schema {}", release.version);
        });
    }
}

/// Has a database live a day; what each statement of it gave, or the first that failed.
async fn lived(client: &Client, day: &str) -> Result<String, String> {
    let mut told = String::new();
    for statement in day.split(";\n").map(str::trim).filter(|statement| !statement.is_empty()) {
        let gave = client.simple_query(statement).await.map_err(|why| format!("{statement}\n{why:?}"))?;
        for message in gave {
            match message {
                SimpleQueryMessage::Row(row) => {
                    let values = (0..row.len()).map(|at| row.get(at).unwrap_or("NULL").to_owned());
                    writeln!(told, "{}", values.collect::<Vec<_>>().join(" | ")).unwrap();
                }
                SimpleQueryMessage::CommandComplete(rows) => writeln!(told, "{rows} rows").unwrap(),
                _ => {}
            }
        }
    }
    Ok(told)
}

#[test]
fn a_step_that_takes_away_changes_or_demands_is_found() {
    let release = &RELEASES[0];
    run(async {
        for step in [
            "ALTER TABLE nodes ADD place text NOT NULL",
            "ALTER TABLE calls DROP COLUMN rule",
            "ALTER TABLE tenants ADD CHECK (suspended)",
            "CREATE UNIQUE INDEX ON changes (author)",
        ] {
            let after = release.brought_forward().await;
            after.batch_execute(step).await.unwrap();
            assert!(lived(&after, release.day).await.is_err(), "{step}");
        }
        let (_, before) = release.database().await;
        let after = release.brought_forward().await;
        after.batch_execute("ALTER TABLE decks ALTER currency TYPE bytea USING currency::bytea").await.unwrap();
        let mut others = 0;
        for statement in release.statements() {
            others += usize::from(shape(&before, statement).await != shape(&after, statement).await);
        }
        assert!(others > 0, "a column of another type is found");
    });
}

#[test]
fn s2_a_database_of_an_earlier_release_is_used_or_said_to_be_too_old() {
    for release in RELEASES {
        run(async {
            let (options, _) = release.database().await;
            let store = PostgresStore::open(&options).unwrap();
            let batch = vec![entry(&call("nordtel", 1))];
            match store.write(JournalId([1; 16]), Position(1), batch.clone()).await {
                Ok(_) => {}
                Err(StoreError::NotMigrated { found, needed }) => {
                    assert_eq!(found, release.version);
                    assert!(needed > found);
                }
                Err(other) => panic!("{other}"),
            }
            Migrations::new(&options).unwrap().up().await.unwrap();
            let store = PostgresStore::open(&options).unwrap();
            store.write(JournalId([1; 16]), Position(1), batch).await.unwrap();
            let tenant = "nordtel".parse().unwrap();
            assert_eq!(
                store.calls(&tenant, &CallQuery { limit: 9, ..CallQuery::default() }).await.unwrap().calls.len(),
                1
            );
        });
    }
}

/// A day of this release's life, on one connection. `scripts/statements` writes down what it sends.
#[test]
#[ignore = "scripts/statements runs it"]
fn a_day_in_its_life() {
    run(async {
        let options = PostgresOptions { connections_max: 1, ..ready(server()).await };
        let store = PostgresStore::open(&options).unwrap();
        store.check().await.unwrap();
        server().sql("postgres", "SELECT 'the day begins'");
        calls_of_a_day(&store).await;
        edits_of_a_day(&Control::of_postgres(&store)).await;
        reads_of_a_day(&store, &Control::of_postgres(&store)).await;
        server().sql("postgres", "SELECT 'the day ends'");
    });
    // So that its log is kept.
    assert!(std::env::var_os("TELNESS_POSTGRES_LOG").is_some(), "scripts/statements says where");
}

async fn calls_of_a_day(store: &PostgresStore) {
    let mut keyed = call("nordtel", 3);
    keyed.routing.call_id.0 = Uuid::from_u64_pair(0x1234_5678_9abc_8001, 1 << 63 | 5);
    let mut other = keyed.clone();
    other.routing.node = "node-other".parse().unwrap();
    let told = |ms, id: &str, kind, after| Entry::Event(Box::new(event("nordtel", ms, id, kind, after)));
    let mut batch = vec![entry(&call("nordtel", 1)), entry(&call("sydtel", 2)), entry(&keyed)];
    batch.push(told(1, "a", EventKind::Ringing, 10));
    batch.push(told(1, "b", EventKind::Answered, 900));
    batch.push(told(9, "early", EventKind::Ringing, 10));
    batch.extend((0..130).map(|at| told(1, &format!("flood-{at}"), EventKind::Failed, 2_000 + at)));
    store.write(JournalId([1; 16]), Position(1), batch).await.unwrap();
    let late = vec![entry(&other), entry(&call("nordtel", 9)), told(1, "c", EventKind::Ended, 60_000)];
    store.write(JournalId([1; 16]), Position(2), late).await.unwrap();
    store.position(JournalId([1; 16])).await.unwrap();
    store.check().await.unwrap();
}

async fn edits_of_a_day(control: &Control) {
    let edit = Edit { author: "anna".to_owned(), comment: "a day".to_owned(), at: at_ms(5) };
    let tenant: Tenant = serde_json::from_str(r#"{"name": "nordtel", "outside_line_prefixes": ["0"]}"#).unwrap();
    control.put(&edit, tenant, Expect::Absent).await.unwrap();
    let user = r#"{"name": "berit", "tenant": "nordtel", "extension": "201", "devices": [{"trunk": "pbx", "number": "ext:201"}]}"#;
    let user: User = serde_json::from_str(user).unwrap();
    control.put(&edit, user.clone(), Expect::Absent).await.unwrap();
    let gone = User { name: "gone".parse().unwrap(), extension: None, ..user };
    control.put(&edit, gone.clone(), Expect::Any).await.unwrap();
    control.delete::<User>(&edit, &gone.key(), Expect::Any).await.unwrap();
    let number = r#"{"number": "+46846500401", "state": "assigned", "tenant": "nordtel", "user": "berit"}"#;
    control.put::<NumberEntry>(&edit, serde_json::from_str(number).unwrap(), Expect::Any).await.unwrap();
    let block = r#"{"first": "+46846500400", "last": "+46846500499", "note": "ours"}"#;
    control.put::<Block>(&edit, serde_json::from_str(block).unwrap(), Expect::Any).await.unwrap();
    control.publish_plan(&edit, "plan: 1\n", Expect::Any).await.unwrap();
    control.publish_revision(&edit, 1, Expect::Any).await.unwrap();
    let head = DeckHead { trunk: "carrier-one".parse().unwrap(), currency: "SEK".parse().unwrap() };
    let row = r#"{"prefix": "467", "price": 5, "connection_fee": 1, "first_s": 60, "next_s": 1, "origin": null,
        "surcharge": 0, "valid_from": null, "valid_until": null}"#;
    for _ in 0..2 {
        let load = control.begin_deck(&head, at_ms(6)).await.unwrap();
        control.add_deck_rows(load, &[serde_json::from_str(row).unwrap()], at_ms(6)).await.unwrap();
        control.finish_deck(&edit, load, Expect::Any).await.unwrap();
    }
    while control.sweep_decks(at_ms(0)).await.unwrap() {}
    let report = NodeReport {
        name: "node-a".parse().unwrap(),
        started_at: at_ms(0),
        seen_at: at_ms(8),
        version: "0.1.0".to_owned(),
        schema_version: 2,
        plan_revision: 1,
        served_version: 4,
        snapshot_age_s: Some(1),
        journal_bytes: 5,
        backlog_records: 6,
        backlog_age_s: 7,
        plan_from: "store".to_owned(),
        fault: None,
        key_check: "00ff".to_owned(),
    };
    control.heartbeat(&report).await.unwrap();
    control.heartbeat(&report).await.unwrap();
}

async fn reads_of_a_day(store: &PostgresStore, control: &Control) {
    let tenant = "nordtel".parse().unwrap();
    let query = CallQuery { limit: 9, ..CallQuery::default() };
    let page = store.calls(&tenant, &query).await.unwrap();
    for call in &page.calls {
        store.call(&tenant, call.routing.call_id).await.unwrap();
        store.contradictions(&tenant, call.routing.call_id).await.unwrap();
    }
    control.version().await.unwrap();
    control.changes_after(&ChangeCursor::default(), 100).await.unwrap();
    control.list::<Tenant>(&ListQuery { tenant: None, after: None, limit: 9 }).await.unwrap();
    control.list::<User>(&ListQuery { tenant: Some(tenant), after: None, limit: 9 }).await.unwrap();
    control.list::<NumberEntry>(&ListQuery { tenant: None, after: None, limit: 9 }).await.unwrap();
    control.list::<Block>(&ListQuery { tenant: None, after: None, limit: 9 }).await.unwrap();
    let decks = control.list::<telness_store::control::Deck>(&ListQuery { tenant: None, after: None, limit: 9 });
    let deck = decks.await.unwrap().items[0].value.revision;
    control.deck_rows(deck, None, 9).await.unwrap();
    control.plan(1).await.unwrap();
    control.plans(None, 9).await.unwrap();
    control.published_plan().await.unwrap();
    control.log(&LogQuery { limit: 50, ..LogQuery::default() }).await.unwrap();
    control.nodes().await.unwrap();
}
