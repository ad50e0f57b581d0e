//! Which store a node has, by its settings: a Postgres that it shares with others, or a file of its own.

use std::path::Path;
use std::sync::Arc;

use telness_store::{Migrations, Observe, PostgresOptions, PostgresStore, SqliteStore, Store, StoreError};

use crate::config::StoreSettings;

/// Opens the store. It is asked nothing yet, so it may be down (S2); only an address that cannot be read is told now.
/// To be called within a runtime.
///
/// # Errors
/// When an address, a password file or a CA file cannot be read, or the system gives no threads.
pub fn open(settings: &StoreSettings, file: &Path, observe: Observe) -> Result<Arc<dyn Store>, StoreError> {
    Ok(match postgres(settings, observe) {
        Some(options) => Arc::new(PostgresStore::open(&options)?),
        None => Arc::new(SqliteStore::open(file)?),
    })
}

/// Opens the store to read what others write into it; none if its file is not there yet.
///
/// # Errors
/// When it cannot be read, or is of another version.
pub fn open_read_only(settings: &StoreSettings, file: &Path) -> Result<Option<Arc<dyn Store>>, StoreError> {
    if let Some(options) = postgres(settings, unobserved()) {
        return Ok(Some(Arc::new(PostgresStore::open(&options)?)));
    }
    if !file.exists() {
        return Ok(None);
    }
    Ok(Some(Arc::new(SqliteStore::open_read_only(file)?)))
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
