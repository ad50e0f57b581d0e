//! Calls as the billing tables' side reads them, from either database, within a transaction of its own.

use telness_core::call::{CallId, CallType};
use telness_core::class::Class;
use telness_core::names::TenantName;
use telness_core::record::billing::BilledCall;
use telness_core::record::{Cdr, Personal, cdr};
use telness_core::time::Timestamp;
use uuid::Uuid;

use super::text;
use crate::sql::{Database, Row, Transaction, Value};
use crate::words::{self, action_word, direction_word};
use crate::{Entry, EntryError, StoreError};

/// Calls that are looked at in one transaction.
pub(super) const CALLS_MAX: u32 = 1_000;

/// A call, whole enough to be billed.
pub(super) struct StoredForBilling {
    pub(super) call: BilledCall,
    pub(super) personal: Personal,
    pub(super) cdr: Cdr,
}

/// Where a page ended.
#[derive(Clone, Debug)]
pub(super) struct After {
    received_at: Timestamp,
    id: Vec<u8>,
}

/// A page of calls.
pub(super) struct Page {
    pub(super) calls: Vec<StoredForBilling>,
    /// Calls that cannot be read. They keep no other from being billed, and are looked at again each time.
    pub(super) faulty: u64,
    /// Where it ended, if there may be more.
    pub(super) next: Option<After>,
}

/// A page of a tenant's calls of a span of time, by time and id.
pub(super) async fn calls(
    database: &Database,
    transaction: &mut Transaction,
    tenant: &TenantName,
    (since, until): (Timestamp, Timestamp),
    after: Option<&After>,
) -> Result<Page, StoreError> {
    // The only words that the two databases do not share: the bytes of an id.
    let id = match database {
        Database::Sqlite(_) => "call_id",
        Database::Postgres(_) => "uuid_send(call_id)",
    };
    let sql = format!(
        "SELECT {id}, received_at, class, kind, direction, action, reason, rule, plan_revision, node, sip_call_id,
            personal, CAST(cdr AS text) FROM calls
         WHERE tenant = ?1 AND received_at >= ?2 AND received_at < ?3 AND (received_at > ?2 OR {id} > ?4)
         ORDER BY received_at, call_id LIMIT ?5"
    );
    let (from, id) = after.map_or((since, Vec::new()), |after| (after.received_at, after.id.clone()));
    let parameters = vec![text(tenant), from.into(), until.into(), Value::Bytes(id), CALLS_MAX.into()];
    let rows = transaction.query(sql, parameters).await?;
    let whole = u32::try_from(rows.len()).is_ok_and(|count| count == CALLS_MAX);
    let after = |row: &Row| Ok::<_, StoreError>(After { received_at: row.time(1)?, id: row.bytes(0)?.to_vec() });
    let next = rows.last().filter(|_| whole).map(after).transpose()?;
    let mut page = Page { calls: Vec::with_capacity(rows.len()), faulty: 0, next };
    for row in &rows {
        match stored(tenant, row) {
            Ok(call) => page.calls.push(call),
            Err(why) => {
                let call = row.bytes(0).ok().and_then(|id| Uuid::from_slice(id).ok()).unwrap_or_default();
                tracing::error!(%tenant, %call, %why, "a call cannot be read and so not be billed");
                page.faulty = page.faulty.saturating_add(1);
            }
        }
    }
    Ok(page)
}

/// The first call at a time or later, of a tenant or else of one with a later name, and when it was received.
pub(super) async fn next_hour(
    database: &Database,
    tenant: &str,
    from: Timestamp,
    since: Timestamp,
) -> Result<Option<(String, Timestamp)>, StoreError> {
    let of = "SELECT tenant, received_at FROM calls WHERE tenant = ?1 AND received_at >= ?2
        ORDER BY received_at LIMIT 1";
    let found = database.query("billing_next_call", of, vec![tenant.into(), from.into()]).await?;
    if let Some(row) = found.first() {
        return Ok(Some((row.text(0)?.to_owned(), row.time(1)?)));
    }
    let others = "SELECT tenant, received_at FROM calls WHERE tenant > ?1 AND received_at >= ?2
        ORDER BY tenant, received_at LIMIT 1";
    let found = database.query("billing_next_tenant", others, vec![tenant.into(), since.into()]).await?;
    found.first().map(|row| Ok((row.text(0)?.to_owned(), row.time(1)?))).transpose()
}

fn stored(tenant: &TenantName, row: &Row) -> Result<StoredForBilling, StoreError> {
    let uuid = Uuid::from_slice(row.bytes(0)?).map_err(|error| StoreError::Broken(error.to_string()))?;
    let call = BilledCall {
        tenant: tenant.clone(),
        call_id: CallId(uuid),
        received_at: row.time(1)?,
        class: one_of(row, 2, &words::CLASSES, Class::as_str)?,
        kind: one_of(row, 3, &CallType::ALL, CallType::as_str)?,
        direction: one_of(row, 4, &words::DIRECTIONS, direction_word)?,
        action: one_of(row, 5, &words::ACTIONS, action_word)?,
        reason: row.parsed(6)?,
        rule: row.opt_parsed(7)?,
        plan_revision: row.int(8)?.cast_unsigned(),
        node: row.parsed(9)?,
        sip_call_id: row.opt_text(10)?.map(str::to_owned),
    };
    let personal = Entry::personal(row.bytes(11)?).map_err(|EntryError(why)| StoreError::Broken(why))?;
    Ok(StoredForBilling { call, personal, cdr: row.opt_json(12)?.unwrap_or_else(|| cdr(&[])) })
}

fn one_of<T: Copy>(row: &Row, at: usize, all: &[T], name: fn(T) -> &'static str) -> Result<T, StoreError> {
    let text = row.text(at)?;
    let unknown =
        || StoreError::Broken(format!("the value {text:?} of a call is not known to this version of telness"));
    words::word(text, all, name).ok_or_else(unknown)
}
