//! Marks the hours of the calls that a batch touched, for whoever makes records for billing.

use rusqlite::Transaction;

use super::store_error;
use crate::StoreError;
use crate::billing::Hours;

const MARK: &str = "INSERT INTO billing_marks (tenant, hour, journal, count) VALUES (?1, ?2, ?3, 1)
    ON CONFLICT DO UPDATE SET count = count + 1";

pub(super) fn put(transaction: &Transaction<'_>, journal: &str, hours: &Hours) -> Result<(), StoreError> {
    let mut mark = transaction.prepare_cached(MARK).map_err(store_error)?;
    for (tenant, hour) in hours.iter() {
        mark.execute((tenant.as_str(), hour.as_micros(), journal)).map_err(store_error)?;
    }
    Ok(())
}
