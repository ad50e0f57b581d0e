//! Has billing wait for an import: hours whose calls it touched are not looked at until it is whole.

use crate::sql::{Database, Transaction};
use crate::{JournalId, StoreError};

const HOLD: &str = "INSERT INTO billing_holds (journal) VALUES (?1) ON CONFLICT DO NOTHING";
const RELEASE: &str = "DELETE FROM billing_holds WHERE journal = ?1";

/// From here on, what comes from this journal is not looked at.
pub(crate) async fn hold(transaction: &mut Transaction, journal: JournalId) -> Result<(), StoreError> {
    transaction.execute(HOLD, vec![journal.as_text().into()]).await.map(drop)
}

/// All of it is there.
pub(crate) async fn release(database: &Database, journal: JournalId) -> Result<(), StoreError> {
    let mut transaction = database.begin("release_billing").await?;
    transaction.execute(RELEASE, vec![journal.as_text().into()]).await?;
    transaction.commit().await
}
