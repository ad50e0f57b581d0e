//! What changed after a version, for nodes: everything at first, differences afterwards.

use telness_core::directory::{Block, NumberEntry, Tenant, User};

use super::changing::no_counter;
use super::crud::columns;
use super::entity::Stored;
use super::{Control, ControlError, Deck, Entity, Version};
use crate::StoreError;
use crate::sql::{Row, Value, listed};

const COUNTER: &str = "SELECT version FROM change_counter";
const PUBLISHED: &str = "SELECT version, revision FROM plan_publications WHERE version <= ?1 AND version ";

/// What became of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed<E: Entity> {
    /// It is so now.
    Put(E),
    /// It is no more.
    Gone(E::Key),
}

/// One change. A node that takes in all of them has what the store has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Of a tenant.
    Tenant(Changed<Tenant>),
    /// Of a user.
    User(Changed<User>),
    /// Of a block of numbers.
    Block(Changed<Block>),
    /// Of a number.
    Number(Changed<NumberEntry>),
    /// Of a trunk's rate deck, whose rows are read by its revision.
    Deck(Changed<Deck>),
    /// Another plan is published.
    Plan {
        /// Its revision.
        revision: u64,
    },
}

/// How far somebody has come: after all of a version's changes, or in the middle of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChangeCursor {
    version: i64,
    within: Option<(u8, Vec<Value>)>,
}

impl ChangeCursor {
    /// After all changes of a version. [`Version::default`] is before all.
    #[must_use]
    pub const fn after(version: Version) -> Self {
        Self { version: version.0, within: None }
    }

    /// The condition on what is of a kind and comes after this, and its parameters from the second on.
    fn condition(&self, rank: u8, key: &[&str]) -> (String, Vec<Value>) {
        match &self.within {
            Some((at, _)) if rank > *at => (">= ?2".to_owned(), vec![self.version.into()]),
            Some((at, last)) if rank == *at && !key.is_empty() => {
                let (names, values) = (key.join(", "), listed(2, key.len()));
                let parameters = [Value::Int(self.version)].into_iter().chain(last.iter().cloned()).collect();
                (format!(">= ?2 AND (version, {names}) > (?2, {values})"), parameters)
            }
            _ => ("> ?2".to_owned(), vec![self.version.into()]),
        }
    }
}

/// Some changes, in their order.
#[derive(Clone, Debug)]
pub struct Changes {
    /// The changes, each with its version. Of what changed several times there is only the latest.
    pub changes: Vec<(Version, Change)>,
    /// From where to ask on.
    pub next: ChangeCursor,
    /// Whether there are more now. Without, whoever took them in has all up to `version`.
    pub more: bool,
    /// The latest version when this was asked.
    pub version: Version,
}

/// A change where it stands among the others.
struct Placed {
    version: i64,
    rank: u8,
    key: Vec<Value>,
    change: Change,
}

impl Control {
    /// The number of the latest change.
    ///
    /// # Errors
    /// When the database cannot tell.
    pub async fn version(&self) -> Result<Version, ControlError> {
        let rows = self.database.query("control_version", COUNTER, Vec::new()).await?;
        Ok(Version(rows.first().ok_or_else(no_counter)?.int(0)?))
    }

    /// What changed after a cursor, tombstones included: so many at most, at least one is asked for.
    ///
    /// Whoever begins with nothing reads [`version`](Self::version), pages through [`list`](Self::list) of each kind,
    /// and then asks for all after that version: so nothing is read that was deleted long ago.
    ///
    /// # Errors
    /// When the database cannot tell.
    pub async fn changes_after(&self, cursor: &ChangeCursor, limit: u32) -> Result<Changes, ControlError> {
        // What is up to here is committed, each version whole; what is changed while this asks comes next time.
        let upto = self.version().await?;
        let limit = limit.max(1);
        let mut all = Vec::new();
        if upto.0 > cursor.version || cursor.within.is_some() {
            all.append(&mut self.changed(cursor, upto, limit, 0, Change::Tenant).await?);
            all.append(&mut self.changed(cursor, upto, limit, 1, Change::User).await?);
            all.append(&mut self.changed(cursor, upto, limit, 2, Change::Block).await?);
            all.append(&mut self.changed(cursor, upto, limit, 3, Change::Number).await?);
            all.append(&mut self.changed(cursor, upto, limit, 4, Change::Deck).await?);
            all.append(&mut self.published_after(cursor, upto, limit, 5).await?);
        }
        all.sort_by_key(|placed| (placed.version, placed.rank));
        let shown = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = all.len() > shown;
        all.truncate(shown);
        let next = match all.last() {
            Some(last) if more => ChangeCursor { version: last.version, within: Some((last.rank, last.key.clone())) },
            _ => ChangeCursor::after(upto.max(Version(cursor.version))),
        };
        let changes = all.into_iter().map(|placed| (Version(placed.version), placed.change)).collect();
        Ok(Changes { changes, next, more, version: upto })
    }

    /// Of one kind: one more than is asked for, to see whether there are more.
    async fn changed<E: Stored>(
        &self,
        cursor: &ChangeCursor,
        upto: Version,
        limit: u32,
        rank: u8,
        make: fn(Changed<E>) -> Change,
    ) -> Result<Vec<Placed>, StoreError> {
        let (after, mut rest) = cursor.condition(rank, E::KEY);
        let mut parameters = vec![upto.0.into()];
        parameters.append(&mut rest);
        parameters.push(limit.saturating_add(1).into());
        let sql = format!(
            "SELECT {}, version, deleted FROM {} WHERE version <= ?1 AND version {after} ORDER BY version, {} LIMIT ?{}",
            columns::<E>(),
            E::TABLE,
            E::KEY.join(", "),
            parameters.len()
        );
        let rows = self.database.query("changes_after", sql, parameters).await?;
        rows.iter().map(|row| placed(row, rank, make)).collect()
    }

    async fn published_after(
        &self,
        cursor: &ChangeCursor,
        upto: Version,
        limit: u32,
        rank: u8,
    ) -> Result<Vec<Placed>, StoreError> {
        let (after, mut rest) = cursor.condition(rank, &[]);
        let mut parameters = vec![upto.0.into()];
        parameters.append(&mut rest);
        parameters.push(limit.saturating_add(1).into());
        let sql = format!("{PUBLISHED}{after} ORDER BY version LIMIT ?3");
        let rows = self.database.query("changes_after", sql, parameters).await?;
        let place = |row: &Row| {
            let change = Change::Plan { revision: row.number(1)? };
            Ok(Placed { version: row.int(0)?, rank, key: Vec::new(), change })
        };
        rows.iter().map(place).collect()
    }
}

fn placed<E: Stored>(row: &Row, rank: u8, make: fn(Changed<E>) -> Change) -> Result<Placed, StoreError> {
    let entity = E::read(row)?;
    let version = row.int(E::COLUMNS.len())?;
    let gone = row.bool(E::COLUMNS.len().saturating_add(1))?;
    let key = E::key_values(&entity.key());
    let changed = if gone { Changed::Gone(entity.key()) } else { Changed::Put(entity) };
    Ok(Placed { version, rank, key, change: make(changed) })
}
