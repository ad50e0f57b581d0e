//! How Postgres is reached, and what happens when it is not: TLS, passwords, limits of time, and a server that goes
//! away and comes back. Each test that harms its server has one of its own.
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

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ground::{database_of, options, ready, server};
use sample::{call, entry, event, id};
use scratch::Scratch;
use telness_core::record::EventKind;
use telness_store::control::Control;
use telness_store::{
    Entry, JournalId, Migrations, Position, PostgresOptions, PostgresStore, Store, StoreError, Tls, Transacted,
};
use telness_testkit::{Postgres, now};
use tokio_postgres::NoTls;

const JOURNAL: JournalId = JournalId([1; 16]);
/// Ends the connections of a database's stores.
const END: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'telness'";
const SECRET: &str = "s3cret-0f-the-store";

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(future)
}

/// Short limits, so that a test of them is short.
fn impatient(options: PostgresOptions) -> PostgresOptions {
    PostgresOptions { connect_max: Duration::from_millis(500), statement_max: Duration::from_secs(1), ..options }
}

/// What a store at these options says when it is asked whether it works.
async fn refusal(options: &PostgresOptions) -> String {
    match PostgresStore::open(options).unwrap().check().await {
        Err(StoreError::Unavailable(why)) => why,
        other => panic!("{other:?}"),
    }
}

async fn write(store: &dyn Store, ms: i64) -> Result<(), StoreError> {
    store.write(JOURNAL, Position(u64::try_from(ms).unwrap()), vec![entry(&call("nordtel", ms))]).await.map(drop)
}

/// Asks again and again until it works.
async fn works_again(store: &dyn Store) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while let Err(error) = store.check().await {
        assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
        assert!(tokio::time::Instant::now() < deadline, "it does not work again: {error}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Makes an authority that signed nothing.
fn another_authority(folder: &Path) -> std::path::PathBuf {
    let [key, certificate] = ["other.key", "other.pem"].map(|name| folder.join(name));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
        .args(["-subj", "/CN=another", "-days", "2", "-keyout"])
        .args([key.as_path(), Path::new("-out"), certificate.as_path()])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    certificate
}

#[test]
fn only_a_certificate_of_our_authority_for_this_host_is_trusted() {
    let mut server = Postgres::start();
    let plain = PostgresOptions::new(server.url(&server.database()));
    let scratch = Scratch::new("authority");
    run(async {
        let other = another_authority(scratch.path());
        let with_ca = PostgresOptions { tls_ca_file: Some(other.clone()), ..plain.clone() };
        let told = refusal(&with_ca).await;
        assert!(told.contains("store.tls = verify"), "a server without TLS: {told}");
        let authority = server.offer_tls();
        let url = server.url(&database_of(&plain)).replace("127.0.0.1", "localhost");
        let right = PostgresOptions { url, tls_ca_file: Some(authority), ..plain };
        Migrations::new(&right).unwrap().up().await.unwrap();
        let store = PostgresStore::open(&right).unwrap();
        store.check().await.unwrap();
        let ours = "SELECT count(*) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid)
            WHERE a.application_name = 'telness' AND s.ssl";
        assert_eq!(server.sql("postgres", ours), "1");
        for (what, wrong) in [
            ("another authority", PostgresOptions { tls_ca_file: Some(other), ..right.clone() }),
            ("the system's authorities", PostgresOptions { tls_ca_file: None, ..right.clone() }),
            ("another name", PostgresOptions { url: server.url(&database_of(&right)), ..right.clone() }),
            (
                "a wish in the address",
                PostgresOptions {
                    url: format!("{}?sslmode=disable", server.url(&database_of(&right))),
                    ..right.clone()
                },
            ),
        ] {
            let told = refusal(&wrong).await;
            assert!(told.contains("certificate"), "{what}: {told}");
        }
    });
}

#[test]
fn p2_a_password_is_in_no_error() {
    let mut server = Postgres::start();
    server.let_in("host all all 127.0.0.1/32 scram-sha-256");
    let database = server.database();
    server.sql(&database, &format!("CREATE ROLE app LOGIN PASSWORD '{SECRET}'; GRANT ALL ON SCHEMA public TO app"));
    let scratch = Scratch::new("password");
    let [right, wrong] = ["right", "wrong"].map(|name| scratch.path().join(name));
    std::fs::write(&right, format!("{SECRET}\n")).unwrap();
    std::fs::write(&wrong, format!("{SECRET}-not")).unwrap();
    let address = server.url(&database).replace("postgres@", "app@");
    let by_file =
        |file| PostgresOptions { password_file: Some(file), tls: Tls::Off, ..PostgresOptions::new(address.clone()) };
    run(async {
        let right = by_file(right);
        Migrations::new(&right).unwrap().up().await.unwrap();
        PostgresStore::open(&right).unwrap().check().await.unwrap();
        let told = refusal(&by_file(wrong)).await;
        assert!(told.contains("28P01") && told.contains("store.password_file"), "{told}");
        let with = |host: &str| PostgresOptions {
            tls: Tls::Off,
            ..PostgresOptions::new(format!("postgres://app:{SECRET}-not@{host}/{database}"))
        };
        for host in [format!("127.0.0.1:{}", server.port()), "127.0.0.1:1".to_owned(), "nowhere.invalid".to_owned()] {
            let options = with(&host);
            let told = refusal(&options).await;
            assert!(!told.contains("s3cret"), "{told}");
            assert!(!format!("{options:?} {:?}", PostgresStore::open(&options)).contains("s3cret"));
        }
        let unreadable = PostgresOptions::new(format!("postgres://app:{SECRET}@host:not-a-port/x"));
        let refused = PostgresStore::open(&unreadable).unwrap_err();
        assert!(matches!(&refused, StoreError::Broken(why) if why.contains("postgres://user@host")), "{refused}");
        assert!(!refused.to_string().contains("s3cret"), "{refused}");
    });
}

#[test]
fn n3_whoever_never_answers_is_given_up_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://app@{}/x", silent.local_addr().unwrap());
    let began = now();
    let told = run(async { refusal(&impatient(PostgresOptions { tls: Tls::Off, ..PostgresOptions::new(url) })).await });
    assert!(told.contains("in time"), "{told}");
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    // It answered, and then no more: connections stay open, and new ones are taken by the kernel.
    let server = Postgres::start();
    run(async {
        let store = PostgresStore::open(&impatient(ready(&server).await)).unwrap();
        write(&store, 1).await.unwrap();
        server.pause();
        for ms in 2..4 {
            let began = now();
            let refused = write(&store, ms).await;
            assert!(matches!(&refused, Err(StoreError::Unavailable(why)) if why.contains("in time")), "{refused:?}");
            assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
        }
        server.go_on();
        works_again(&store).await;
        write(&store, 2).await.unwrap();
    });
}

#[test]
fn all_connections_in_use_is_said_in_time() {
    run(async {
        let shared = ready(server()).await;
        let blocked =
            PostgresStore::open(&PostgresOptions { connections_max: 1, ..impatient(shared.clone()) }).unwrap();
        write(&blocked, 1).await.unwrap();
        let blocker = Blocker::on(&shared).await;
        let (first, second) = tokio::join!(write(&blocked, 2), async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            blocked.position(JOURNAL).await
        });
        assert!(
            matches!(&second, Err(StoreError::Unavailable(why)) if why.contains("store.connections_max")),
            "{second:?}"
        );
        // The server ends a statement that takes too long.
        assert!(matches!(&first, Err(StoreError::Unavailable(_))), "{first:?}");
        drop(blocker);
        works_again(&blocked).await;
    });
}

/// Somebody who holds a lock that whoever writes calls waits for.
struct Blocker(tokio_postgres::Client);

impl Blocker {
    async fn on(options: &PostgresOptions) -> Self {
        let (client, connection) = tokio_postgres::connect(&options.url, NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute("BEGIN; LOCK TABLE calls IN ACCESS EXCLUSIVE MODE").await.unwrap();
        Self(client)
    }
}

#[test]
fn n3_a_connection_that_is_cut_in_a_transaction_costs_another_attempt() {
    run(async {
        let shared = ready(server()).await;
        let seen = Arc::new(Mutex::new(Vec::<Transacted>::new()));
        let told = Arc::clone(&seen);
        let observe = Arc::new(move |one: &Transacted| told.lock().unwrap().push(*one));
        let shared = PostgresOptions { observe, ..shared };
        let store = PostgresStore::open(&shared).unwrap();
        write(&store, 1).await.unwrap();
        let database = database_of(&shared);
        // While it lies idle: the next who asks gets another, and need not know.
        assert_ne!(server().sql(&database, END), "0");
        write(&store, 2).await.unwrap();
        let blocker = Blocker::on(&shared).await;
        let cut = async {
            let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                AND application_name = 'telness' AND wait_event_type = 'Lock'";
            while server().sql(&database, waits) != "1" {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            seen.lock().unwrap().clear();
            server().sql(&database, END);
            drop(blocker);
        };
        let (written, ()) = tokio::join!(write(&store, 3), cut);
        written.unwrap();
        let seen = seen.lock().unwrap().clone();
        assert!(matches!(seen.as_slice(), [Transacted { name: "copy_batch", retries: 1, ok: true, .. }]), "{seen:?}");
        assert!(store.call(&"nordtel".parse().unwrap(), id(3, 3)).await.unwrap().is_some());
    });
}

/// On one thread, which is with the server while it ends them: that the connections are gone shows when they are used.
#[test]
fn n3_whoever_edits_gets_another_connection_for_one_that_broke_while_it_lay_idle() {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let seen = Arc::new(Mutex::new(Vec::<Transacted>::new()));
        let told = Arc::clone(&seen);
        let observe = Arc::new(move |one: &Transacted| told.lock().unwrap().push(*one));
        let shared = PostgresOptions { observe, ..ready(server()).await };
        let control = Control::of_postgres(&PostgresStore::open(&shared).unwrap());
        let gone = "gone".parse().unwrap();
        for retries in [0, 1, 1] {
            seen.lock().unwrap().clear();
            control.forget_node(&gone).await.unwrap();
            let seen = seen.lock().unwrap().clone();
            let [transacted] = seen.as_slice() else { panic!("{seen:?}") };
            assert_eq!((transacted.retries, transacted.ok), (retries, true));
            assert_ne!(server().sql(&database_of(&shared), END), "0");
        }
    });
}

#[test]
fn n3_a_server_that_was_stopped_killed_or_read_only_is_used_again_when_it_can_be() {
    let mut server = Postgres::start();
    run(async {
        let shared = impatient(ready(&server).await);
        let store = PostgresStore::open(&shared).unwrap();
        let mut hints = store.hints();
        tokio::time::timeout(Duration::from_secs(20), hints.changed()).await.unwrap().unwrap();
        write(&store, 1).await.unwrap();
        for (turn, ms) in [(Postgres::stop as fn(&mut Postgres), 2), (Postgres::kill, 3)] {
            turn(&mut server);
            let refused = write(&store, ms).await;
            assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
            server.start_again();
            works_again(&store).await;
            write(&store, ms).await.unwrap();
        }
        // A leader that became a standby keeps its connections, and refuses what is written.
        let database = database_of(&shared);
        server.set_read_only(true);
        let told = loop {
            match write(&store, 4).await {
                Err(StoreError::Unavailable(why)) => break why,
                other => other.unwrap(),
            }
        };
        assert!(told.contains("25006") && told.contains("standby"), "{told}");
        assert!(store.call(&"nordtel".parse().unwrap(), id(1, 1)).await.unwrap().is_some());
        server.set_read_only(false);
        works_again(&store).await;
        let told = event("nordtel", 3, "e", EventKind::Ended, 5);
        store.write(JOURNAL, Position(5), vec![Entry::Event(Box::new(told))]).await.unwrap();
        for ms in 1..4 {
            let call = store.call(&"nordtel".parse().unwrap(), id(ms, u64::try_from(ms).unwrap())).await.unwrap();
            assert!(call.is_some(), "{ms}");
        }
        // Hints come again, over a connection that was made anew.
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        hints.mark_unchanged();
        while !hints.has_changed().unwrap() {
            assert!(tokio::time::Instant::now() < deadline, "no hint any more");
            server.sql(&database, "NOTIFY telness_change");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
}

#[test]
fn s2_a_store_is_opened_without_its_server() {
    run(async {
        let nowhere = PostgresOptions { tls: Tls::Off, ..PostgresOptions::new("postgres://app@127.0.0.1:1/x") };
        let store = PostgresStore::open(&nowhere).unwrap();
        drop(store.hints());
        let told = refusal(&nowhere).await;
        assert!(told.contains("refused"), "{told}");
        let missing = PostgresOptions { url: server().url("nothing_here"), ..options(server()) };
        let told = refusal(&missing).await;
        assert!(told.contains("3D000") && told.contains("create the database"), "{told}");
    });
}
