//! Users: each of a tenant that is there, with an extension that nobody else of the tenant has; not deleted while
//! they hold numbers.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use serde::Serialize;
use telness_core::directory::User;
use telness_core::names::{TenantName, UserName};

use super::entity::{Editable, Put, Stored, conflict, rows_with, without_tenant};
use super::{Control, Entity, Refusal};
use crate::StoreError;
use crate::sql::{Column, Kind, Row, Transaction, Value};

const HOLDS: &str = "SELECT number FROM numbers WHERE NOT deleted AND tenant = ?1 AND user_name = ?2 LIMIT 1";
const WITH_EXTENSION: &str = "SELECT tenant, extension, name FROM users WHERE NOT deleted";

/// Whose user, and which one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct UserKey {
    /// Whose.
    pub tenant: TenantName,
    /// Which one.
    pub name: UserName,
}

impl fmt::Display for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tenant, self.name)
    }
}

impl Entity for User {
    type Key = UserKey;
    const NAME: &'static str = "user";

    fn key(&self) -> UserKey {
        UserKey { tenant: self.tenant.clone(), name: self.name.clone() }
    }
}

impl Stored for User {
    const TABLE: &'static str = "users";
    const KEY: &'static [&'static str] = &["tenant", "name"];
    const COLUMNS: &'static [Column] = &[
        ("tenant", Kind::Text),
        ("name", Kind::Text),
        ("extension", Kind::Text),
        ("devices", Kind::Json),
        ("preferences", Kind::Json),
    ];
    const TENANT: Option<&'static str> = Some("tenant");

    fn key_values(key: &UserKey) -> Vec<Value> {
        vec![key.tenant.as_str().into(), key.name.as_str().into()]
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            tenant: row.parsed(0)?,
            name: row.parsed(1)?,
            extension: row.opt_parsed(2)?,
            devices: row.json(3)?,
            preferences: row.json(4)?,
        })
    }

    fn tenant(&self) -> Option<&TenantName> {
        Some(&self.tenant)
    }

    async fn needed_by(&self, transaction: &mut Transaction) -> Result<Option<Refusal>, StoreError> {
        let rows = transaction.query(HOLDS, Self::key_values(&self.key())).await?;
        let number = rows.first().map(|row| row.int(0)).transpose()?.map(|number| format!("+{number}"));
        Ok(number.map(|number| conflict("number", &number, "the user holds it; take it away first")))
    }
}

impl Editable for User {
    fn values(&self) -> Result<Vec<Value>, StoreError> {
        Ok(vec![
            self.tenant.as_str().into(),
            self.name.as_str().into(),
            self.extension.map(|extension| extension.to_string()).into(),
            Value::json(&self.devices)?,
            Value::json(&self.preferences)?,
        ])
    }

    fn invalid(&self, _: &Control) -> Option<String> {
        const DEVICES_MAX: usize = 32;
        (self.devices.len() > DEVICES_MAX).then(|| format!("it has more than {DEVICES_MAX} devices"))
    }

    async fn refused(transaction: &mut Transaction, puts: &[Put<Self>]) -> Result<Vec<(usize, Refusal)>, StoreError> {
        let tenants = puts.iter().map(|put| &put.value.tenant).enumerate();
        let mut refused = without_tenant(transaction, tenants).await?;
        refused.append(&mut with_taken_extension(transaction, puts).await?);
        Ok(refused)
    }
}

/// Those whose extension another user of the tenant has as well, now that all are written.
async fn with_taken_extension(
    transaction: &mut Transaction,
    puts: &[Put<User>],
) -> Result<Vec<(usize, Refusal)>, StoreError> {
    let extension = |user: &User| Some((user.tenant.to_string(), user.extension?.to_string()));
    let wanted: BTreeSet<_> = puts.iter().filter_map(|put| extension(&put.value)).collect();
    let keys: Vec<Vec<Value>> =
        wanted.into_iter().map(|(tenant, extension)| vec![tenant.into(), extension.into()]).collect();
    let mut holders: HashMap<(String, String), Vec<String>> = HashMap::new();
    for row in rows_with(transaction, WITH_EXTENSION, &["tenant", "extension"], &keys).await? {
        let held = (row.text(0)?.to_owned(), row.text(1)?.to_owned());
        holders.entry(held).or_default().push(row.text(2)?.to_owned());
    }
    let taken = puts.iter().enumerate().filter_map(|(place, put)| {
        let held_by = holders.get(&extension(&put.value)?)?;
        let other = held_by.iter().find(|name| *name != put.value.name.as_str())?;
        let key = format!("{}/{other}", put.value.tenant);
        Some((place, conflict("user", &key, "the extension is taken")))
    });
    Ok(taken.collect())
}
