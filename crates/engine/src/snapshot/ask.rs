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

/// What was found beside what changed: faults of single things, which hold up nothing else.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// Whether something came to be in the tables.
    pub(super) changed: bool,
    /// What is not as it should be.
    pub(super) faults: Vec<AskError>,
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

/// Everything, but for the plan and decks, which [`settle`] brings. What is changed while it is read is asked for
/// afterwards, by its version.
pub(super) async fn everything(control: &Control) -> Result<Tables, AskError> {
    let version = control.version().await?;
    let mut tables = Tables::default();
    let delta = || Delta { version: number(version), ..Delta::default() };
    each_page!(control, Tenant, |tenants| tables.apply(Delta { tenants, ..delta() }));
    each_page!(control, Block, |blocks| tables.apply(Delta { blocks, ..delta() }));
    each_page!(control, User, |users| tables.apply(Delta { users, ..delta() }));
    each_page!(control, NumberEntry, |numbers| tables.apply(Delta { numbers, ..delta() }));
    after(control, &mut tables, ChangeCursor::after(version)).await?;
    Ok(tables)
}

/// What changed after a cursor, but for the plan and decks, which [`settle`] brings; tells whether anything did.
pub(super) async fn after(control: &Control, tables: &mut Tables, from: ChangeCursor) -> Result<bool, AskError> {
    let (mut cursor, mut changed) = (from, false);
    loop {
        let changes = control.changes_after(&cursor, PAGE).await?;
        let (more, next) = (changes.more, changes.next.clone());
        changed |= !changes.changes.is_empty();
        tables.apply(delta(changes));
        if !more {
            return Ok(changed);
        }
        cursor = next;
    }
}

/// Brings plan and decks to what is published and in force now: they are few, and found so after whatever kept one of
/// them out before. What is not there leaves what was served, and is told.
pub(super) async fn settle(control: &Control, tables: &mut Tables) -> Result<Settled, AskError> {
    let mut settled = Settled::default();
    let published = control.published_plan().await?.map(|published| published.revision);
    if published != tables.plan.as_ref().map(|plan| plan.revision) {
        match published {
            Some(revision) => match plan(control, revision).await {
                Ok(plan) => (tables.plan, settled.changed) = (Some(plan), true),
                Err(fault @ AskError::NoPlan(_)) => settled.faults.push(fault),
                Err(error) => return Err(error),
            },
            None => (tables.plan, settled.changed) = (None, true),
        }
    }
    let mut heads = Vec::new();
    each_page!(control, Deck, |mut decks: Vec<Deck>| heads.append(&mut decks));
    let version = tables.version;
    for head in heads {
        if tables.decks.get(&head.trunk).is_some_and(|deck| deck.revision == head.revision) {
            continue;
        }
        // Another may have come into force meanwhile, and this one's rows be gone: then that is among the next changes.
        match deck(control, &head).await {
            Ok(deck) => {
                tables.apply(Delta { version, decks: vec![deck], ..Delta::default() });
                settled.changed = true;
            }
            Err(fault @ AskError::Deck { .. }) => settled.faults.push(fault),
            Err(error) => return Err(error),
        }
    }
    Ok(settled)
}

/// The last change up to a version that the log has.
pub(super) async fn last_change(control: &Control, version: u64) -> Result<Option<LastChange>, AskError> {
    let version = i64::try_from(version).unwrap_or(i64::MAX).saturating_add(1);
    let before = Some(LogPlace { version: Version(version), place: 0 });
    let page = control.log(&LogQuery { before, limit: 1, ..LogQuery::default() }).await?;
    Ok(page.entries.first().map(|entry| LastChange { version: entry.at_place.version.0, at: entry.at }))
}

fn delta(changes: Changes) -> Delta {
    let mut delta = Delta { version: number(changes.version), ..Delta::default() };
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
            Change::Deck(Changed::Gone(trunk)) => delta.decks_gone.push(trunk),
            Change::Deck(Changed::Put(_)) | Change::Plan { .. } => {}
        }
    }
    delta
}

async fn plan(control: &Control, revision: u64) -> Result<PlanText, AskError> {
    let plan = control.plan(revision).await?.ok_or(AskError::NoPlan(revision))?;
    Ok(PlanText { name: format!("plan revision {revision}").into(), text: plan.text.into(), revision })
}

async fn deck(control: &Control, head: &Deck) -> Result<rates::Deck, AskError> {
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
        return Err(AskError::Deck { trunk: head.trunk.clone(), said: head.rows, found });
    }
    Ok(rates::Deck::new(head.trunk.clone(), head.currency.clone(), head.revision, rows))
}

fn number(version: Version) -> u64 {
    u64::try_from(version.0).unwrap_or(0)
}
