//! What those who run a database do to it while nodes use it: passwords change, others take the connections, schemas
//! of somebody else come first on the path, and a network falls silent.
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

use std::time::Duration;

use ground::{database_of, options, ready, server};
use sample::{at_ms, call, entry};
use scratch::Scratch;
use telness_core::directory::Tenant;
use telness_store::control::{Control, Edit, Expect};
use telness_store::{JournalId, Migrations, Position, PostgresOptions, PostgresStore, Store, StoreError, Tls};
use telness_testkit::{Network, Postgres, Proxy};

const JOURNAL: JournalId = JournalId([1; 16]);
const PATIENCE: Duration = Duration::from_secs(30);

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(future)
}

async fn write(store: &dyn Store, ms: i64) -> Result<(), StoreError> {
    let upto = Position(u64::try_from(ms).unwrap());
    store.write(JOURNAL, upto, vec![entry(&call("nordtel", ms))]).await.map(drop)
}

/// Asks again and again until it is so.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(tokio::time::Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn n3_a_password_that_is_changed_in_its_file_is_used_for_the_next_connection() {
    let mut server = Postgres::start();
    server.let_in("host all all 127.0.0.1/32 scram-sha-256");
    let database = server.database();
    server.sql(&database, "CREATE ROLE app LOGIN PASSWORD 'one'; GRANT ALL ON SCHEMA public TO app");
    let scratch = Scratch::new("rotated");
    let file = scratch.path().join("password");
    let url = server.url(&database).replace("postgres@", "app@");
    let app = PostgresOptions { password_file: Some(file.clone()), tls: Tls::Off, ..PostgresOptions::new(url) };
    run(async {
        // Whoever writes the file may be later than the node: it starts, and says what it lacks.
        let store = PostgresStore::open(&app).unwrap();
        let told = store.check().await.unwrap_err();
        assert!(matches!(&told, StoreError::Unavailable(why) if why.contains("password")), "{told}");
        std::fs::write(&file, "one\n").unwrap();
        Migrations::new(&app).unwrap().up().await.unwrap();
        write(&store, 1).await.unwrap();
        let mut hints = store.hints();
        tokio::time::timeout(PATIENCE, hints.changed()).await.unwrap().unwrap();
        server.sql(&database, "ALTER ROLE app PASSWORD 'two'");
        std::fs::write(&file, "two\n").unwrap();
        // Every connection is made anew.
        server.sql(&database, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'");
        until("it writes with the new password", async || write(&store, 2).await.is_ok()).await;
        until("it hears of changes with the new password", async || {
            hints.mark_unchanged();
            server.sql(&database, "NOTIFY telness_change");
            tokio::time::timeout(Duration::from_millis(200), hints.changed()).await.is_ok()
        })
        .await;
    });
}

#[test]
fn n3_whoever_edits_and_reads_leaves_the_shipper_its_connection() {
    let shared = run(ready(server()));
    let database = database_of(&shared);
    run(async {
        let store = PostgresStore::open(&PostgresOptions { connect_max: Duration::from_secs(1), ..shared }).unwrap();
        let control = Control::of_postgres(&store);
        write(&store, 1).await.unwrap();
        let (holder, connection) =
            tokio_postgres::connect(&server().url(&database), tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        holder.batch_execute("BEGIN; UPDATE change_counter SET version = version").await.unwrap();
        for number in 0..20 {
            let control = control.clone();
            tokio::spawn(async move {
                let edit = Edit { author: "a".to_owned(), comment: String::new(), at: at_ms(0) };
                let tenant = Tenant {
                    name: format!("tenant-{number}").parse().unwrap(),
                    suspended: false,
                    calls_per_s_max: None,
                    outside_line_prefixes: Vec::new(),
                    retention: Default::default(),
                };
                control.put(&edit, tenant, Expect::Any).await
            });
        }
        let waits =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        until("editors wait on every connection that they may have", async || {
            server().sql(&database, waits).parse::<u32>().unwrap() >= 7
        })
        .await;
        write(&store, 2).await.unwrap();
        assert_eq!(store.position(JOURNAL).await.unwrap(), Some(Position(2)));
    });
}

#[test]
fn n3_a_schema_that_comes_first_on_the_path_takes_no_days() {
    let shared = run(ready(server()));
    let database = database_of(&shared);
    run(async {
        write(&PostgresStore::open(&shared).unwrap(), 1).await.unwrap();
        // The first place on the path is the schema of the user's name, if there is one.
        server().sql(&database, "CREATE SCHEMA postgres");
        for _ in 0..2 {
            // Each start asks for the day anew.
            let store = PostgresStore::open(&shared).unwrap();
            write(&store, 2 * 86_400_000).await.unwrap();
            store.tend().await.unwrap();
        }
        let strays = "SELECT count(*) FROM pg_class WHERE relnamespace = 'postgres'::regnamespace";
        assert_eq!(server().sql(&database, strays), "0");
    });
}

#[test]
fn a_database_that_cannot_hold_every_character_is_not_made_ready() {
    for encoding in ["LATIN1", "SQL_ASCII"] {
        let name = format!("with_{}", encoding.to_lowercase());
        server()
            .sql("postgres", &format!("CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0"));
        let narrow = PostgresOptions { url: server().url(&name), ..options(server()) };
        let told = run(async { Migrations::new(&narrow).unwrap().up().await.unwrap_err().to_string() });
        assert!(told.contains(encoding) && told.contains("ENCODING 'UTF8'"), "{told}");
        assert_eq!(
            server().sql(&name, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"),
            "0"
        );
    }
}

#[test]
fn a_listener_whose_connection_fell_silent_makes_another() {
    let shared = run(ready(server()));
    let database = database_of(&shared);
    let proxy = Proxy::start(([127, 0, 0, 1], server().port()).into());
    let url = format!("postgres://postgres@{}/{database}", proxy.address());
    let short = Duration::from_millis(300);
    run(async {
        let by_proxy = PostgresOptions { url, connect_max: short, tcp_user_max: short, ..shared };
        let store = PostgresStore::open(&by_proxy).unwrap();
        let mut hints = store.hints();
        tokio::time::timeout(PATIENCE, hints.changed()).await.unwrap().unwrap();
        let before = server().sql(
            &database,
            "SELECT max(backend_start) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name = 'telness'",
        );
        // Connections stay open, and nothing passes: neither end is told.
        proxy.set(Network::Swallows);
        tokio::time::sleep(Duration::from_secs(2)).await;
        proxy.set(Network::Passes);
        until("it listens on another connection", async || {
            let later = format!(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                AND application_name = 'telness' AND backend_start > '{before}'"
            );
            server().sql(&database, &later) != "0"
        })
        .await;
        until("changes are told again", async || {
            hints.mark_unchanged();
            server().sql(&database, "NOTIFY telness_change");
            tokio::time::timeout(Duration::from_millis(200), hints.changed()).await.is_ok()
        })
        .await;
    });
}

#[test]
fn verify_finds_what_somebody_changed_by_hand() {
    for (change, told_of) in [
        ("DROP FUNCTION make_day", "make_day"),
        ("ALTER TABLE nodes ALTER COLUMN fault TYPE varchar(10)", "nodes.fault"),
        ("ALTER TABLE users ALTER COLUMN extension SET NOT NULL", "users.extension"),
        ("DROP INDEX users_by_version", "users_by_version"),
        ("ALTER TABLE calls ALTER COLUMN state DROP DEFAULT", "calls.state"),
    ] {
        let shared = run(ready(server()));
        let migrations = Migrations::new(&shared).unwrap();
        run(migrations.verify()).unwrap();
        server().sql(&database_of(&shared), change);
        let told = run(migrations.verify()).unwrap_err().to_string();
        assert!(told.contains(told_of) && told.contains("by hand"), "{change}: {told}");
    }
}
