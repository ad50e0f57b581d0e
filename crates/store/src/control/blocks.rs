//! Blocks of numbers: none overlaps another.

use telness_core::directory::Block;
use telness_core::names::TenantName;
use telness_core::number::E164;

use super::entity::{Editable, Put, Stored, conflict, without_tenant};
use super::numbers::{number_at, number_value};
use super::{Control, Entity, Refusal};
use crate::StoreError;
use crate::sql::{Column, Kind, Row, Transaction, Value};

/// The neighbours of a block that begin before and after it. It is enough to look at those: a block further away that
/// reached so far would overlap a neighbour as well, and that one's own neighbours tell.
const BEFORE: &str = "SELECT first, last FROM blocks WHERE NOT deleted AND first < ?1 ORDER BY first DESC LIMIT 1";
const AFTER: &str = "SELECT first, last FROM blocks WHERE NOT deleted AND first > ?1 ORDER BY first LIMIT 1";

impl Entity for Block {
    type Key = E164;
    const NAME: &'static str = "block";

    fn key(&self) -> E164 {
        self.first
    }
}

impl Stored for Block {
    const TABLE: &'static str = "blocks";
    const KEY: &'static [&'static str] = &["first"];
    const COLUMNS: &'static [Column] =
        &[("first", Kind::Int), ("last", Kind::Int), ("tenant", Kind::Text), ("note", Kind::Text)];
    const TENANT: Option<&'static str> = Some("tenant");

    fn key_values(key: &E164) -> Vec<Value> {
        vec![number_value(*key)]
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            first: number_at(row, 0)?,
            last: number_at(row, 1)?,
            tenant: row.opt_parsed(2)?,
            note: row.text(3)?.to_owned(),
        })
    }

    fn tenant(&self) -> Option<&TenantName> {
        self.tenant.as_ref()
    }

    async fn needed_by(&self, _: &mut Transaction) -> Result<Option<Refusal>, StoreError> {
        Ok(None)
    }
}

impl Editable for Block {
    fn values(&self) -> Result<Vec<Value>, StoreError> {
        Ok(vec![
            number_value(self.first),
            number_value(self.last),
            self.tenant.as_ref().map(ToString::to_string).into(),
            self.note.as_str().into(),
        ])
    }

    fn invalid(&self, _: &Control) -> Option<String> {
        self.check().err().map(|error| error.to_string())
    }

    async fn refused(transaction: &mut Transaction, puts: &[Put<Self>]) -> Result<Vec<(usize, Refusal)>, StoreError> {
        let tenants = puts.iter().enumerate().filter_map(|(place, put)| Some((place, put.value.tenant.as_ref()?)));
        let mut refused = without_tenant(transaction, tenants).await?;
        for (place, put) in puts.iter().enumerate() {
            let mut neighbours = transaction.query(BEFORE, Self::key_values(&put.value.first)).await?;
            neighbours.append(&mut transaction.query(AFTER, Self::key_values(&put.value.first)).await?);
            for row in &neighbours {
                let (first, last) = (number_at(row, 0)?, number_at(row, 1)?);
                if first <= put.value.last && put.value.first <= last {
                    refused.push((place, conflict("block", &format!("{first} to {last}"), "blocks do not overlap")));
                }
            }
        }
        Ok(refused)
    }
}
