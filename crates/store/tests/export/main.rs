//! A store as one file, and back: between the two kinds of store, whatever is done to the file, and whoever is killed.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    dead_code,
    reason = "a test"
)]

#[path = "../ground/mod.rs"]
mod ground;
#[path = "../sample/mod.rs"]
mod sample;
#[path = "../scratch/mod.rs"]
mod scratch;

mod billed;
mod content;
mod damaged;
mod merged;
mod moved;

use std::future::Future;
use std::io::{Cursor, Read, Seek};
use std::sync::Arc;

use ground::{ready, server};
use scratch::Scratch;
use telness_core::time::Timestamp;
use telness_store::control::Control;
use telness_store::export::{self, Applied, Checked, Count, ExportError, Merge, What};
use telness_store::{PostgresStore, SqliteStore, Store};

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(future)
}

/// A store of either kind.
struct Kept {
    store: Arc<dyn Store>,
    control: Control,
}

fn sqlite(scratch: &Scratch, name: &str) -> Kept {
    let store = Arc::new(SqliteStore::open(&scratch.path().join(name)).unwrap());
    Kept { store: Arc::clone(&store) as Arc<dyn Store>, control: Control::of_sqlite(store) }
}

async fn postgres() -> Kept {
    let store = PostgresStore::open(&ready(server()).await).unwrap();
    let control = Control::of_postgres(&store);
    Kept { store: Arc::new(store), control }
}

fn what() -> What {
    let at = Timestamp::from_micros(1_795_478_400_000_000);
    What { tenant: None, telness: "0.1.0".to_owned(), at, key_check: Some("00ff".to_owned()) }
}

impl Kept {
    async fn exported(&self) -> Vec<u8> {
        self.exported_with(&what()).await.0
    }

    async fn exported_with(&self, what: &What) -> (Vec<u8>, Vec<Count>) {
        let mut bytes = Vec::new();
        let counts = export::export(&self.control, &mut bytes, what, &mut |_| {}).await.unwrap();
        (bytes, counts)
    }

    async fn import(&self, file: &[u8]) -> Result<Applied, ExportError> {
        self.import_from(Cursor::new(file), &checked(file)?, &Merge::Refused).await
    }

    async fn import_from(
        &self,
        input: impl Read + Seek,
        checked: &Checked,
        merge: &Merge,
    ) -> Result<Applied, ExportError> {
        export::import((&*self.store, &self.control), input, checked, merge, &mut |_| {}).await
    }
}

fn checked(file: &[u8]) -> Result<Checked, ExportError> {
    export::check(file, &mut |_| {})
}
