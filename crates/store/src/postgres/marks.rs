//! Marks the hours of the calls that a batch touched, for whoever makes records for billing.

use deadpool_postgres::Transaction;

use super::trouble::Trouble;
use super::value::Time;
use crate::billing::Hours;

/// The rows are of one journal, which one node ships, so that nobody waits for them; and they come in order.
pub(super) const MARK: &str = "INSERT INTO billing_marks (tenant, hour, journal, count)
    SELECT t, h, $3, 1 FROM unnest($1::text[], $2::timestamptz[]) AS a (t, h)
    ON CONFLICT (tenant, hour, journal) DO UPDATE SET count = billing_marks.count + 1";

pub(super) async fn put(transaction: &Transaction<'_>, journal: &str, hours: &Hours) -> Result<(), Trouble> {
    let (tenants, times): (Vec<&str>, Vec<Time>) =
        hours.iter().map(|(tenant, hour)| (tenant.as_str(), Time(*hour))).unzip();
    if !tenants.is_empty() {
        let mark = transaction.prepare_cached(MARK).await?;
        transaction.execute(&mark, &[&tenants, &times, &journal]).await?;
    }
    Ok(())
}
