//! Tenants: not deleted while they have users, numbers or blocks.

use telness_core::directory::{CALLS_PER_S_LIMIT_MAX, Tenant};
use telness_core::names::TenantName;
use telness_core::retention::{Retention, TenantRetention};

use super::entity::{Editable, Put, Stored, conflict};
use super::{Control, ControlError, Entity, Refusal};
use crate::StoreError;
use crate::sql::{Column, Kind, Row, Transaction, Value};

/// What a tenant can have, by a query that shows one of it.
const HAS: [(&str, &str); 3] = [
    ("user", "SELECT name FROM users WHERE NOT deleted AND tenant = ?1 LIMIT 1"),
    ("number", "SELECT number FROM numbers WHERE NOT deleted AND tenant = ?1 LIMIT 1"),
    ("block", "SELECT first FROM blocks WHERE NOT deleted AND tenant = ?1 LIMIT 1"),
];

const RETENTIONS: &str = "SELECT name, retention FROM tenants ORDER BY name";

impl Control {
    /// What tenants have of their own, also those that were deleted since: what they were told of their records holds
    /// for as long as there are any.
    ///
    /// # Errors
    /// When the database cannot tell.
    pub async fn tenant_retentions(&self) -> Result<Vec<(TenantName, TenantRetention)>, ControlError> {
        let rows = self.database.query("tenant_retentions", RETENTIONS, Vec::new()).await?;
        let read = |row: &Row| Ok((row.parsed(0)?, row.json(1)?));
        rows.iter().map(read).collect()
    }
}

impl Entity for Tenant {
    type Key = TenantName;
    const NAME: &'static str = "tenant";

    fn key(&self) -> TenantName {
        self.name.clone()
    }
}

impl Stored for Tenant {
    const TABLE: &'static str = "tenants";
    const KEY: &'static [&'static str] = &["name"];
    const COLUMNS: &'static [Column] = &[
        ("name", Kind::Text),
        ("suspended", Kind::Bool),
        ("outside_line_prefixes", Kind::Json),
        ("retention", Kind::Json),
        ("calls_per_s_max", Kind::Int),
    ];
    const TENANT: Option<&'static str> = Some("name");

    fn key_values(key: &TenantName) -> Vec<Value> {
        vec![key.as_str().into()]
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            name: row.parsed(0)?,
            suspended: row.bool(1)?,
            outside_line_prefixes: row.json(2)?,
            retention: row.json(3)?,
            calls_per_s_max: row.opt_int(4)?.map(|_| row.number(4)).transpose()?,
        })
    }

    fn tenant(&self) -> Option<&TenantName> {
        Some(&self.name)
    }

    async fn needed_by(&self, transaction: &mut Transaction) -> Result<Option<Refusal>, StoreError> {
        for (what, has) in HAS {
            let rows = transaction.query(has, vec![self.name.as_str().into()]).await?;
            if let Some(row) = rows.first() {
                let one = row.opt_text(0).map(|name| format!("{}/{}", self.name, name.unwrap_or_default()));
                let one = one.or_else(|_| row.int(0).map(|number| format!("+{number}")))?;
                return Ok(Some(conflict(what, &one, "the tenant is needed by what it has; take that away first")));
            }
        }
        Ok(None)
    }
}

impl Editable for Tenant {
    fn values(&self) -> Result<Vec<Value>, StoreError> {
        Ok(vec![
            self.name.as_str().into(),
            self.suspended.into(),
            Value::json(&self.outside_line_prefixes)?,
            Value::json(&self.retention)?,
            self.calls_per_s_max.into(),
        ])
    }

    fn invalid(&self, control: &Control) -> Option<String> {
        const PREFIXES_MAX: usize = 16;
        if self.outside_line_prefixes.len() > PREFIXES_MAX {
            return Some(format!("it has more than {PREFIXES_MAX} outside-line prefixes"));
        }
        if self.calls_per_s_max.is_some_and(|limit| !(1..=CALLS_PER_S_LIMIT_MAX).contains(&limit)) {
            return Some(format!("calls_per_s_max is not from 1 to {CALLS_PER_S_LIMIT_MAX}"));
        }
        let final_after = control.final_after?;
        // What the tenant does not say of its own was held against the same time with the settings.
        let own = self.retention.over(Retention::default());
        own.over_within(final_after).next().map(|(name, days)| {
            format!(
                "retention.{name} of {days} is no longer than billing.open_s_max ({} s), so calls would be over that \
                 are yet to be billed; raise it, or lower billing.open_s_max",
                final_after.as_secs()
            )
        })
    }

    async fn refused(_: &mut Transaction, _: &[Put<Self>]) -> Result<Vec<(usize, Refusal)>, StoreError> {
        Ok(Vec::new())
    }
}
