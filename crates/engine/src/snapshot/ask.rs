//! Asks the store's control plane for what is served: everything, or what changed.

use telness_core::directory::{Block, NumberEntry, Tenant, User};
use telness_core::names::TrunkName;
use telness_core::rates;
use telness_store::control::{
    Change, ChangeCursor, Changed, Changes, Control, ControlError, Deck, DeckRowKey, ListQuery, LogPlace, LogQuery,
    Version,
};

use super::tables::{Delta, LastChange, PlanText, Tables};

/// Rows that are asked for at once.
const PAGE: u32 = 5_000;

/// Why the store's control plane could not be taken over.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    /// The store did not answer, or is damaged.
    #[error(transparent)]
    Store(#[from] ControlError),
    /// A plan is published that is not there.
    #[error("plan revision {0} is published and is not there; publish another")]
    NoPlan(u64),
    /// A deck does not have the rows that it says.
    #[error("the rate deck of {trunk} should have {said} rows and has {found}; load it again")]
    Deck { trunk: TrunkName, said: u64, found: u64 },
}

/// Reads all of a kind, a page at a time.
macro_rules! each_page {
    ($control:expr, $entity:ty, $take:expr) => {{
        let mut after = None;
        loop {
            let query = ListQuery::<$entity> { tenant: None, after, limit: PAGE };
            let page = $control.list(&query).await?;
            let mut take = $take;
            take(page.items.into_iter().map(|item| item.value).collect::<Vec<$entity>>());
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }};
}

/// Everything. What is changed while it is read is asked for afterwards, by its version.
pub(super) async fn everything(control: &Control) -> Result<Tables, AskError> {
    let version = control.version().await?;
    let mut tables = Tables::default();
    let delta = || Delta { version: number(version), ..Delta::default() };
    each_page!(control, Tenant, |tenants| tables.apply(Delta { tenants, ..delta() }));
    each_page!(control, Block, |blocks| tables.apply(Delta { blocks, ..delta() }));
    each_page!(control, User, |users| tables.apply(Delta { users, ..delta() }));
    each_page!(control, NumberEntry, |numbers| tables.apply(Delta { numbers, ..delta() }));
    let mut heads = Vec::new();
    each_page!(control, Deck, |mut decks: Vec<Deck>| heads.append(&mut decks));
    for head in heads {
        // Another may have come into force meanwhile, and this one's rows be gone: then that is among the changes.
        if let Some(deck) = deck(control, &head, Missing::IsReplaced).await? {
            tables.apply(Delta { decks: vec![deck], ..delta() });
        }
    }
    tables.plan = published(control).await?;
    after(control, &mut tables, ChangeCursor::after(version)).await?;
    Ok(tables)
}

/// What changed after a cursor; tells whether anything did.
pub(super) async fn after(control: &Control, tables: &mut Tables, from: ChangeCursor) -> Result<bool, AskError> {
    let (mut cursor, mut changed) = (from, false);
    loop {
        let changes = control.changes_after(&cursor, PAGE).await?;
        let (more, next) = (changes.more, changes.next.clone());
        changed |= !changes.changes.is_empty();
        let delta = delta(control, changes).await?;
        tables.apply(delta);
        if !more {
            return Ok(changed);
        }
        cursor = next;
    }
}

/// The plan that is published now.
pub(super) async fn published(control: &Control) -> Result<Option<PlanText>, AskError> {
    match control.published_plan().await? {
        Some(published) => plan(control, published.revision).await.map(Some),
        None => Ok(None),
    }
}

/// The last change up to a version that the log has.
pub(super) async fn last_change(control: &Control, version: u64) -> Result<Option<LastChange>, AskError> {
    let version = i64::try_from(version).unwrap_or(i64::MAX).saturating_add(1);
    let before = Some(LogPlace { version: Version(version), place: 0 });
    let page = control.log(&LogQuery { before, limit: 1, ..LogQuery::default() }).await?;
    Ok(page.entries.first().map(|entry| LastChange { version: entry.at_place.version.0, at: entry.at }))
}

async fn delta(control: &Control, changes: Changes) -> Result<Delta, AskError> {
    let mut delta = Delta { version: number(changes.version), ..Delta::default() };
    let mut revision = None;
    for (_, change) in changes.changes {
        match change {
            Change::Tenant(Changed::Put(tenant)) => delta.tenants.push(tenant),
            Change::Tenant(Changed::Gone(name)) => delta.tenants_gone.push(name),
            Change::User(Changed::Put(user)) => delta.users.push(user),
            Change::User(Changed::Gone(key)) => delta.users_gone.push((key.tenant, key.name)),
            Change::Block(Changed::Put(block)) => delta.blocks.push(block),
            Change::Block(Changed::Gone(first)) => delta.blocks_gone.push(first),
            Change::Number(Changed::Put(entry)) => delta.numbers.push(entry),
            Change::Number(Changed::Gone(number)) => delta.numbers_gone.push(number),
            Change::Deck(Changed::Put(head)) => delta.decks.extend(deck(control, &head, Missing::IsAFault).await?),
            Change::Deck(Changed::Gone(trunk)) => delta.decks_gone.push(trunk),
            Change::Plan { revision: published } => revision = Some(published),
        }
    }
    if let Some(revision) = revision {
        delta.plan = Some(plan(control, revision).await?);
    }
    Ok(delta)
}

async fn plan(control: &Control, revision: u64) -> Result<PlanText, AskError> {
    let plan = control.plan(revision).await?.ok_or(AskError::NoPlan(revision))?;
    Ok(PlanText { name: format!("plan revision {revision}").into(), text: plan.text.into(), revision })
}

/// What it means that a deck lacks rows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    /// It is being replaced.
    IsReplaced,
    /// It is told; the next look may find it replaced.
    IsAFault,
}

async fn deck(control: &Control, head: &Deck, missing: Missing) -> Result<Option<rates::Deck>, AskError> {
    let (mut rows, mut last) = (Vec::new(), None::<DeckRowKey>);
    loop {
        let mut page = control.deck_rows(head.revision, last.as_ref(), PAGE).await?;
        last = page.last().map(DeckRowKey::from);
        let full = page.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
        rows.append(&mut page);
        if !full {
            break;
        }
    }
    let found = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    if found != head.rows {
        let fault = AskError::Deck { trunk: head.trunk.clone(), said: head.rows, found };
        return if missing == Missing::IsReplaced { Ok(None) } else { Err(fault) };
    }
    Ok(Some(rates::Deck::new(head.trunk.clone(), head.currency.clone(), head.revision, rows)))
}

fn number(version: Version) -> u64 {
    u64::try_from(version.0).unwrap_or(0)
}
