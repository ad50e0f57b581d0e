//! Where the stores of a test are kept, so that a test can look into them behind their backs.

use std::path::PathBuf;
use std::sync::OnceLock;

use telness_store::{Migrations, PostgresOptions, PostgresStore, SqliteStore, Tls, Upkeep};
use telness_testkit::Postgres;

use crate::scratch::Scratch;

/// Makes stores of one kind.
pub(crate) trait Ground {
    /// A new, empty one.
    async fn store(&mut self) -> Box<dyn Upkeep>;

    /// The ids of the events that the so-manieth store keeps among those that count, or beyond them.
    fn ids_kept(&self, store: usize, beyond: bool) -> Vec<String>;
}

/// Files in a folder.
pub(crate) struct SqliteGround {
    scratch: Scratch,
    files: Vec<PathBuf>,
}

impl SqliteGround {
    pub(crate) fn new(name: &str) -> Self {
        Self { scratch: Scratch::new(name), files: Vec::new() }
    }
}

impl Ground for SqliteGround {
    async fn store(&mut self) -> Box<dyn Upkeep> {
        let file = self.scratch.path().join(format!("{}.sqlite", self.files.len()));
        let store = SqliteStore::open(&file).unwrap();
        self.files.push(file);
        Box::new(store)
    }

    fn ids_kept(&self, store: usize, beyond: bool) -> Vec<String> {
        let file = rusqlite::Connection::open(&self.files[store]).unwrap();
        let mut select = file.prepare("SELECT event_id FROM events WHERE beyond = ?1 ORDER BY event_id").unwrap();
        select.query_map([beyond], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }
}

/// Databases of one server, which ends with the process.
pub(crate) struct PostgresGround {
    databases: Vec<String>,
}

impl PostgresGround {
    pub(crate) fn new(_name: &str) -> Self {
        Self { databases: Vec::new() }
    }
}

impl Ground for PostgresGround {
    async fn store(&mut self) -> Box<dyn Upkeep> {
        let options = ready(server()).await;
        self.databases.push(database_of(&options));
        Box::new(PostgresStore::open(&options).unwrap())
    }

    fn ids_kept(&self, store: usize, beyond: bool) -> Vec<String> {
        let select = format!("SELECT event_id FROM events WHERE beyond = {beyond} ORDER BY event_id");
        server().sql(&self.databases[store], &select).lines().map(str::to_owned).collect()
    }
}

/// The server of this test's process.
pub(crate) fn server() -> &'static Postgres {
    static SERVER: OnceLock<Postgres> = OnceLock::new();
    SERVER.get_or_init(Postgres::start)
}

/// A new, empty database of a server, without a schema.
pub(crate) fn options(server: &Postgres) -> PostgresOptions {
    PostgresOptions { tls: Tls::Off, ..PostgresOptions::new(server.url(&server.database())) }
}

/// The same, with the schema.
pub(crate) async fn ready(server: &Postgres) -> PostgresOptions {
    let options = options(server);
    Migrations::new(&options).unwrap().up().await.unwrap();
    options
}

/// The name of the database that options lead to.
pub(crate) fn database_of(options: &PostgresOptions) -> String {
    options.url.rsplit('/').next().unwrap().to_owned()
}
