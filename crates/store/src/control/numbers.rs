//! The entries of the inventory: one a number, each of a tenant that is there and held by one of its users.

use std::collections::HashSet;

use telness_core::directory::NumberEntry;
use telness_core::directory::NumberState;
use telness_core::names::TenantName;
use telness_core::number::{Digits, E164};

use super::entity::{Editable, Put, Stored, conflict, rows_with, without_tenant};
use super::{Control, Entity, Refusal};
use crate::StoreError;
use crate::sql::{Column, Kind, Row, Transaction, Value};

const USERS: &str = "SELECT tenant, name FROM users WHERE NOT deleted";

/// A number as its digits.
pub(super) fn number_value(number: E164) -> Value {
    // Fifteen digits fit.
    Value::Int(i64::try_from(number.digits().value()).unwrap_or(i64::MAX))
}

pub(super) fn number_at(row: &Row, at: usize) -> Result<E164, StoreError> {
    let digits = row.int(at)?;
    let read = digits.to_string().parse::<Digits>().ok().and_then(|digits| E164::try_from(digits).ok());
    read.ok_or_else(|| StoreError::Broken(format!("{digits} is no number")))
}

impl Entity for NumberEntry {
    type Key = E164;
    const NAME: &'static str = "number";

    fn key(&self) -> E164 {
        self.number
    }
}

impl Stored for NumberEntry {
    const TABLE: &'static str = "numbers";
    const KEY: &'static [&'static str] = &["number"];
    const COLUMNS: &'static [Column] = &[
        ("number", Kind::Int),
        ("state", Kind::Text),
        ("tenant", Kind::Text),
        ("user_name", Kind::Text),
        ("cutover", Kind::Time),
    ];
    const TENANT: Option<&'static str> = Some("tenant");

    fn key_values(key: &E164) -> Vec<Value> {
        vec![number_value(*key)]
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let state = row.text(1)?;
        Ok(Self {
            number: number_at(row, 0)?,
            state: NumberState::of_word(state)
                .ok_or_else(|| StoreError::Broken(format!("{state} is no state of a number")))?,
            tenant: row.parsed(2)?,
            user: row.opt_parsed(3)?,
            cutover: row.opt_time(4)?,
        })
    }

    fn tenant(&self) -> Option<&TenantName> {
        Some(&self.tenant)
    }

    async fn needed_by(&self, _: &mut Transaction) -> Result<Option<Refusal>, StoreError> {
        Ok(None)
    }
}

impl Editable for NumberEntry {
    fn values(&self) -> Result<Vec<Value>, StoreError> {
        Ok(vec![
            number_value(self.number),
            self.state.word().into(),
            self.tenant.as_str().into(),
            self.user.as_ref().map(ToString::to_string).into(),
            self.cutover.into(),
        ])
    }

    fn invalid(&self, _: &Control) -> Option<String> {
        self.check().err().map(|error| error.to_string())
    }

    async fn refused(transaction: &mut Transaction, puts: &[Put<Self>]) -> Result<Vec<(usize, Refusal)>, StoreError> {
        let tenants = puts.iter().map(|put| &put.value.tenant).enumerate();
        let mut refused = without_tenant(transaction, tenants).await?;
        refused.append(&mut without_user(transaction, puts).await?);
        Ok(refused)
    }
}

/// Those whose user is not there, or is another tenant's.
async fn without_user(
    transaction: &mut Transaction,
    puts: &[Put<NumberEntry>],
) -> Result<Vec<(usize, Refusal)>, StoreError> {
    let held = puts.iter().enumerate().filter_map(|(place, put)| {
        let user = put.value.user.as_ref()?;
        Some((place, (put.value.tenant.to_string(), user.to_string())))
    });
    let wanted: HashSet<(String, String)> = held.clone().map(|(_, user)| user).collect();
    let keys: Vec<Vec<Value>> = wanted.into_iter().map(|(tenant, name)| vec![tenant.into(), name.into()]).collect();
    let mut there = HashSet::new();
    for row in rows_with(transaction, USERS, &["tenant", "name"], &keys).await? {
        there.insert((row.text(0)?.to_owned(), row.text(1)?.to_owned()));
    }
    let missing = held.filter(|(_, user)| !there.contains(user));
    let why = "the tenant has no such user";
    Ok(missing.map(|(place, (tenant, name))| (place, conflict("user", &format!("{tenant}/{name}"), why))).collect())
}
