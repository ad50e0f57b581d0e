//! What another store has is added to this one, in one change: what is there already stays as it is, whatever the other
//! has in its place, and what does not go with it refuses all.

use std::collections::HashMap;

use telness_core::directory::{Block, NumberEntry, Tenant, User};
use telness_core::names::TrunkName;

use super::changing::{Changing, Noted};
use super::copy::{self, DeckRowOf, Kept, Plan, Publication};
use super::crud::{fault, with_what_is_there, write};
use super::entity::{Editable, Put};
use super::error::faults;
use super::{Control, ControlError, Deck, Edit, Entity, Expect, Version};
use crate::StoreError;
use crate::sql::{Transaction, Value};

/// A revision of a deck takes its number from the counter of changes.
const NEXT: &str = "UPDATE change_counter SET version = version + 1 RETURNING version";
const ANY_PLAN: &str = "SELECT revision FROM plans LIMIT 1";
const IN_FORCE: &str = "SELECT trunk FROM decks WHERE NOT deleted AND trunk = ?1";
const TAKE_AWAY: &str = "DELETE FROM decks WHERE deleted AND trunk = ?1";

/// A store into which another is being merged.
pub(crate) struct Merging<'a> {
    changing: Changing<'a>,
    /// The revisions that decks of the other store have here; none for those that are not taken.
    revisions: HashMap<i64, Option<i64>>,
    /// Whether the other's plans are taken: when there is none here.
    takes_plans: bool,
    published: Option<Publication>,
    /// How many things were added.
    pub(crate) added: u64,
    /// How many were there, or are no more.
    pub(crate) passed_over: u64,
}

impl<'a> Merging<'a> {
    pub(crate) async fn begin(transaction: Transaction, edit: &'a Edit) -> Result<Self, ControlError> {
        let mut changing = Changing::begin_in(transaction, edit).await?;
        let takes_plans = changing.transaction.query(ANY_PLAN, Vec::new()).await?.is_empty();
        let revisions = HashMap::new();
        Ok(Self { changing, revisions, takes_plans, published: None, added: 0, passed_over: 0 })
    }

    pub(crate) async fn tenants(&mut self, all: Vec<Kept<Tenant>>) -> Result<(), ControlError> {
        self.entities(all).await
    }

    pub(crate) async fn users(&mut self, all: Vec<Kept<User>>) -> Result<(), ControlError> {
        self.entities(all).await
    }

    pub(crate) async fn blocks(&mut self, all: Vec<Kept<Block>>) -> Result<(), ControlError> {
        self.entities(all).await
    }

    pub(crate) async fn numbers(&mut self, all: Vec<Kept<NumberEntry>>) -> Result<(), ControlError> {
        self.entities(all).await
    }

    pub(crate) async fn plans(&mut self, all: Vec<Plan>) -> Result<(), ControlError> {
        self.count(all.len(), self.takes_plans);
        if self.takes_plans {
            copy::put_plans(&mut self.changing.transaction, all).await?;
        }
        Ok(())
    }

    /// Of publications the last is taken, as one of this change.
    pub(crate) async fn publications(&mut self, all: Vec<Publication>) -> Result<(), ControlError> {
        self.published = all.into_iter().last().or_else(|| self.published.take());
        Ok(())
    }

    pub(crate) async fn decks(&mut self, all: Vec<Kept<Deck>>) -> Result<(), ControlError> {
        for Kept { value: deck, deleted, .. } in all {
            let taken = if deleted { None } else { self.deck(deck.clone()).await? };
            self.count(1, taken.is_some());
            self.revisions.insert(i64::try_from(deck.revision).unwrap_or(i64::MAX), taken);
        }
        self.changing.write_log().await?;
        Ok(())
    }

    pub(crate) async fn deck_rows(&mut self, all: Vec<DeckRowOf>) -> Result<(), ControlError> {
        let here = |one: DeckRowOf| {
            let revision = self.revisions.get(&one.revision).copied().flatten()?;
            Some(DeckRowOf { revision, row: one.row })
        };
        let all: Vec<DeckRowOf> = all.into_iter().filter_map(here).collect();
        Ok(copy::put_deck_rows(&mut self.changing.transaction, all).await?)
    }

    /// The transaction, for what is to be committed with it.
    pub(crate) const fn transaction(&mut self) -> &mut Transaction {
        &mut self.changing.transaction
    }

    pub(crate) async fn commit(mut self) -> Result<Version, ControlError> {
        if let Some(published) = self.published.take().filter(|_| self.takes_plans) {
            let revision = published.revision;
            let here = Publication { version: self.changing.version.0, ..published };
            copy::put_publications(&mut self.changing.transaction, vec![here]).await?;
            let after = Value::json(&serde_json::json!({ "revision": revision }))?;
            let (entity, key) = ("plan", "plan".to_owned());
            self.changing.note(Noted { tenant: None, entity, key, before: Value::Null, after });
        }
        self.changing.commit().await
    }

    async fn entities<E: Editable>(&mut self, all: Vec<Kept<E>>) -> Result<(), ControlError> {
        let count = all.len();
        let there: Vec<(E, Expect)> =
            all.into_iter().filter(|one| !one.deleted).map(|one| (one.value, Expect::Absent)).collect();
        let puts = with_what_is_there(&mut self.changing.transaction, there).await?;
        let puts: Vec<Put<E>> = puts.into_iter().filter(|put| put.before.is_none()).collect();
        write(&mut self.changing, &puts).await?;
        let refused = E::refused(&mut self.changing.transaction, &puts).await?;
        let refused = refused
            .into_iter()
            .filter_map(|(place, refusal)| puts.get(place).map(|put| fault(place, &put.value, refusal)));
        faults(refused.collect())?;
        for put in &puts {
            self.changing.note(Noted {
                tenant: put.value.tenant(),
                entity: E::NAME,
                key: put.value.key().to_string(),
                before: Value::Null,
                after: Value::json(&put.value)?,
            });
        }
        self.count(puts.len(), true);
        self.count(count.saturating_sub(puts.len()), false);
        Ok(self.changing.write_log().await?)
    }

    /// Takes a deck whose trunk has none; answers the revision that it has here.
    async fn deck(&mut self, deck: Deck) -> Result<Option<i64>, ControlError> {
        let transaction = &mut self.changing.transaction;
        let trunk = |trunk: &TrunkName| vec![Value::from(trunk.as_str())];
        if !transaction.query(IN_FORCE, trunk(&deck.trunk)).await?.is_empty() {
            return Ok(None);
        }
        let counted = transaction.query(NEXT, Vec::new()).await?;
        let revision = counted.first().ok_or_else(super::changing::no_counter)?.int(0)?;
        let number = u64::try_from(revision).map_err(|why| StoreError::Broken(why.to_string()))?;
        let deck = Deck { revision: number, ..deck };
        transaction.execute(TAKE_AWAY, trunk(&deck.trunk)).await?;
        let version = self.changing.version.0;
        let after = Value::json(&deck)?;
        let key = deck.trunk.to_string();
        copy::put_decks(transaction, vec![Kept { value: deck, version, deleted: false }]).await?;
        self.changing.note(Noted { tenant: None, entity: Deck::NAME, key, before: Value::Null, after });
        Ok(Some(revision))
    }

    /// Notes how many things were added, or were there.
    pub(crate) fn count(&mut self, things: usize, added: bool) {
        let counted = if added { &mut self.added } else { &mut self.passed_over };
        *counted = counted.saturating_add(u64::try_from(things).unwrap_or(u64::MAX));
    }
}

impl Control {
    /// Whether nothing was ever changed here.
    ///
    /// # Errors
    /// When the database cannot tell.
    pub(crate) async fn is_untouched(transaction: &mut Transaction) -> Result<bool, StoreError> {
        let rows = transaction.query("SELECT version FROM change_counter", Vec::new()).await?;
        Ok(rows.first().ok_or_else(super::changing::no_counter)?.int(0)? == 0)
    }
}
