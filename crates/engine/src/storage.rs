//! Which store a node has, by its settings: a Postgres that it shares with others, or a file of its own.

use std::path::Path;
use std::sync::Arc;

use telness_store::control::Control;
use telness_store::{Migrations, Observe, PostgresOptions, PostgresStore, SqliteStore, Store, StoreError, Upkeep};
use tokio::sync::watch;

use crate::config::StoreSettings;

/// A store, and the control plane in it.
#[derive(Clone)]
pub struct Opened {
    /// Calls and events.
    pub store: Arc<dyn Store>,
    /// The same, to be looked after.
    pub upkeep: Arc<dyn Upkeep>,
    /// What people edit and nodes report.
    pub control: Control,
    postgres: Option<Arc<PostgresStore>>,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened").finish_non_exhaustive()
    }
}

impl Opened {
    /// Changes when somebody changed the control plane; none if the store does not tell.
    #[must_use]
    pub fn hints(&self) -> Option<watch::Receiver<u64>> {
        self.postgres.as_ref().map(|store| store.hints())
    }

    fn of_postgres(options: &PostgresOptions) -> Result<Self, StoreError> {
        let store = Arc::new(PostgresStore::open(options)?);
        let control = Control::of_postgres(&store);
        let upkeep = Arc::clone(&store) as Arc<dyn Upkeep>;
        Ok(Self { store: Arc::clone(&store) as Arc<dyn Store>, upkeep, control, postgres: Some(store) })
    }

    fn of_sqlite(store: SqliteStore) -> Self {
        let store = Arc::new(store);
        let upkeep = Arc::clone(&store) as Arc<dyn Upkeep>;
        Self { store: Arc::clone(&store) as Arc<dyn Store>, upkeep, control: Control::of_sqlite(store), postgres: None }
    }
}

/// Opens the store. It is asked nothing yet, so it may be down (S2); only an address that cannot be read is told now.
/// To be called within a runtime.
///
/// # Errors
/// When an address, a password file or a CA file cannot be read, or the system gives no threads.
pub fn open(settings: &StoreSettings, file: &Path, observe: Observe) -> Result<Opened, StoreError> {
    match postgres(settings, observe) {
        Some(options) => Opened::of_postgres(&options),
        None => Ok(Opened::of_sqlite(SqliteStore::open(file)?)),
    }
}

/// Opens the store to read what others write into it; none if its file is not there yet.
///
/// # Errors
/// When it cannot be read, or is of another version.
pub fn open_read_only(settings: &StoreSettings, file: &Path) -> Result<Option<Opened>, StoreError> {
    if let Some(options) = postgres(settings, unobserved()) {
        return Opened::of_postgres(&options).map(Some);
    }
    if !file.exists() {
        return Ok(None);
    }
    SqliteStore::open_read_only(file).map(|store| Some(Opened::of_sqlite(store)))
}

/// Who brings the store's schema forward; none for a file, which does that by itself.
///
/// # Errors
/// When an address, a password file or a CA file cannot be read.
pub fn migrations(settings: &StoreSettings) -> Result<Option<Migrations>, StoreError> {
    postgres(settings, unobserved()).as_ref().map(Migrations::new).transpose()
}

/// For whoever measures nothing.
#[must_use]
pub fn unobserved() -> Observe {
    Arc::new(|_| {})
}

fn postgres(settings: &StoreSettings, observe: Observe) -> Option<PostgresOptions> {
    let url = settings.url.clone()?;
    Some(PostgresOptions {
        url,
        password_file: settings.password_file.clone(),
        tls: settings.tls,
        tls_ca_file: settings.tls_ca_file.clone(),
        connections_max: settings.connections_max,
        connect_max: settings.connect_max,
        statement_max: settings.statement_max,
        tcp_user_max: settings.tcp_user_max,
        observe,
    })
}
