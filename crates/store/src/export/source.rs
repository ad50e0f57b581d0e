//! A store as it is at one moment, page by page: what an export is made of.

use std::collections::BTreeSet;

use telness_core::names::TenantName;

use super::place::{CallAt, Copied, CopiedCall, Place};
use crate::control::Control;
use crate::sql::Transaction;
use crate::{Entry, StoreError, postgres, sqlite};

/// How many calls, events or other rows are read at once.
pub(super) const PAGE_ROWS: i64 = 1_000;

/// Where tenants are that have something.
const WITH_TENANT: [&str; 3] = ["calls", "contradictions", "events"];

/// The store.
pub(super) struct Source {
    pub(super) transaction: Transaction,
}

impl Source {
    pub(super) async fn open(control: &Control) -> Result<Self, StoreError> {
        Ok(Self { transaction: control.database().begin_reading("export").await? })
    }

    /// Everybody who has calls, events or contradictions, by the bytes of their names.
    pub(super) async fn tenants(&mut self) -> Result<Vec<TenantName>, StoreError> {
        let waiting = matches!(self.transaction, Transaction::Postgres(_)).then_some("early_events");
        let mut found = BTreeSet::new();
        for table in WITH_TENANT.into_iter().chain(waiting) {
            let mut last = String::new();
            while let Some(next) = self.tenant_after(table, last).await? {
                found.insert(next.clone());
                last = next;
            }
        }
        let parsed = |name: String| {
            name.parse().map_err(|_| StoreError::Broken("the name of a tenant in it is none".to_owned()))
        };
        found.into_iter().map(parsed).collect()
    }

    async fn tenant_after(&mut self, table: &'static str, after: String) -> Result<Option<String>, StoreError> {
        match &mut self.transaction {
            Transaction::Sqlite(session) => {
                session.work(move |connection| sqlite::copy::tenant_after(connection, table, &after)).await
            }
            Transaction::Postgres(session) => {
                session.step(async |client| postgres::copy::tenant_after(client, table, &after).await).await
            }
        }
    }

    pub(super) async fn calls(&mut self, tenant: &TenantName, after: CallAt) -> Result<Vec<CopiedCall>, StoreError> {
        let tenant = tenant.to_string();
        match &mut self.transaction {
            Transaction::Sqlite(session) => {
                session.work(move |connection| sqlite::copy::calls(connection, &tenant, after, PAGE_ROWS)).await
            }
            Transaction::Postgres(session) => {
                let rows = async |client: &_| postgres::copy::calls(client, &tenant, after, PAGE_ROWS).await;
                session.step(rows).await?.iter().map(postgres::copy::call).collect()
            }
        }
    }

    pub(super) async fn contradictions(
        &mut self,
        tenant: &TenantName,
        after: Place,
    ) -> Result<Vec<Copied<Place, Entry>>, StoreError> {
        let tenant = tenant.to_string();
        match &mut self.transaction {
            Transaction::Sqlite(session) => {
                let ask = move |connection: &_| sqlite::copy::contradictions(connection, &tenant, &after, PAGE_ROWS);
                session.work(ask).await
            }
            Transaction::Postgres(session) => {
                let rows = async |client: &_| postgres::copy::contradictions(client, &tenant, &after, PAGE_ROWS).await;
                session.step(rows).await?.iter().map(postgres::copy::contradiction).collect()
            }
        }
    }

    /// Events of calls that are there, or those that wait for theirs.
    pub(super) async fn events(
        &mut self,
        tenant: &TenantName,
        after: Place,
        waiting: bool,
    ) -> Result<Vec<Copied<Place, Entry>>, StoreError> {
        let (tenant, which) = (tenant.to_string(), (waiting, PAGE_ROWS));
        match &mut self.transaction {
            Transaction::Sqlite(session) => {
                session.work(move |connection| sqlite::copy::events(connection, &tenant, &after, which)).await
            }
            Transaction::Postgres(session) => {
                let rows = async |client: &_| postgres::copy::events(client, &tenant, &after, which).await;
                let rows = session.step(rows).await?;
                rows.iter().map(|row| postgres::copy::event(row, waiting)).collect()
            }
        }
    }
}
