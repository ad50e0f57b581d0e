//! The inventory of numbers, asked as people ask: which ones of a block are free, and what became of one at a time.

use serde::Serialize;
use telness_core::directory::{Block, NumberEntry, NumberStanding};
use telness_core::names::{TenantName, UserName};
use telness_core::number::{Digits, E164};
use telness_core::time::Timestamp;
use telness_store::StoreError;
use telness_store::control::{Control, ControlError, Entity, ListQuery, LogQuery, Refusal, Version};

/// The most free numbers that are looked for at once.
pub const FREE_NUMBERS_MAX: u32 = 10_000;

/// Entries that are asked for at once.
const PAGE: u32 = 5_000;

/// A number that can be given to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FreeNumber {
    /// The number.
    pub number: E164,
    /// The version of its entry, if its quarantine is over and nobody took the entry away. Whoever takes the number
    /// expects this one, or nothing.
    pub version: Option<Version>,
}

/// What became of a number at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NumberAt {
    /// The number.
    pub number: E164,
    /// When.
    pub at: Timestamp,
    /// What it was then.
    pub standing: NumberStanding,
    /// Whose it was.
    pub tenant: Option<TenantName>,
    /// Who held it.
    pub holder: Option<UserName>,
    /// When that changes, or changed.
    pub cutover: Option<Timestamp>,
    /// The first number of the block that it is in today.
    pub block: Option<E164>,
}

/// The first free numbers of a block, in order.
///
/// # Errors
/// When there is no such block, or the store cannot tell.
pub async fn free_numbers(
    control: &Control,
    block: E164,
    count: u32,
    now: Timestamp,
) -> Result<Vec<FreeNumber>, ControlError> {
    let found = control.get::<Block>(&block).await?;
    let not_found =
        || ControlError::Refused { entity: Block::NAME, key: block.to_string(), refusal: Refusal::NotFound };
    let block = found.ok_or_else(not_found)?.value;
    let wanted = usize::try_from(count.min(FREE_NUMBERS_MAX)).unwrap_or(usize::MAX);
    let (mut free, mut next) = (Vec::new(), Some(block.first));
    let mut after = neighbour(block.first, u64::checked_sub);
    loop {
        let page = control.list(&ListQuery::<NumberEntry> { tenant: None, after, limit: PAGE }).await?;
        // A number of fewer digits is below the first one.
        for entry in page.items.iter().filter(|entry| block.contains(entry.value.number)) {
            take_upto(&mut free, &mut next, entry.value.number, wanted);
            if free.len() < wanted && entry.value.standing_at(now) == NumberStanding::Free {
                free.push(FreeNumber { number: entry.value.number, version: Some(entry.version) });
            }
            next = neighbour(entry.value.number, u64::checked_add);
        }
        after = page.next.filter(|last| *last < block.last && free.len() < wanted);
        if after.is_none() {
            break;
        }
    }
    while let Some(number) = next.filter(|number| *number <= block.last && free.len() < wanted) {
        free.push(FreeNumber { number, version: None });
        next = neighbour(number, u64::checked_add);
    }
    Ok(free)
}

/// Takes those that have no entry, below one that has.
fn take_upto(free: &mut Vec<FreeNumber>, next: &mut Option<E164>, entry: E164, wanted: usize) {
    while let Some(number) = next.filter(|number| *number < entry && free.len() < wanted) {
        free.push(FreeNumber { number, version: None });
        *next = neighbour(number, u64::checked_add);
    }
}

/// The number before or after one; none if it would have another length.
fn neighbour(number: E164, step: fn(u64, u64) -> Option<u64>) -> Option<E164> {
    let digits = number.digits();
    let value = step(digits.value(), 1)?;
    let moved: Digits = value.to_string().parse().ok()?;
    E164::try_from(moved).ok().filter(|moved| moved.digits().len() == digits.len())
}

/// What became of a number at a time: now or later by its entry, in the past by the log of changes.
///
/// # Errors
/// When the store cannot tell, or the log holds what is no entry.
pub async fn number_at(
    control: &Control,
    number: E164,
    at: Timestamp,
    now: Timestamp,
) -> Result<NumberAt, ControlError> {
    let entry = if at < now {
        entry_then(control, number, at).await?
    } else {
        control.get::<NumberEntry>(&number).await?.map(|entry| entry.value)
    };
    let block = block_of(control, number).await?;
    let unlisted = if block.is_some() { NumberStanding::Free } else { NumberStanding::NotOurs };
    let standing = entry.as_ref().map_or(unlisted, |entry| entry.standing_at(at));
    Ok(NumberAt {
        number,
        at,
        standing,
        holder: entry.as_ref().and_then(|entry| entry.holder_at(at).cloned()),
        cutover: entry.as_ref().and_then(|entry| entry.cutover),
        tenant: entry.map(|entry| entry.tenant),
        block,
    })
}

/// What the last change of it left that was made by then.
async fn entry_then(control: &Control, number: E164, at: Timestamp) -> Result<Option<NumberEntry>, ControlError> {
    let mut query = LogQuery {
        entity: Some(NumberEntry::NAME.to_owned()),
        key: Some(number.to_string()),
        limit: 100,
        ..LogQuery::default()
    };
    loop {
        let page = control.log(&query).await?;
        if let Some(entry) = page.entries.into_iter().find(|entry| entry.at <= at) {
            let after = entry.after.map(serde_json::from_value).transpose();
            let broken = |error| StoreError::Broken(format!("the log has no entry of {number}: {error}"));
            return Ok(after.map_err(broken)?);
        }
        query.before = page.next;
        if query.before.is_none() {
            return Ok(None);
        }
    }
}

/// The first number of the block that a number is in.
async fn block_of(control: &Control, number: E164) -> Result<Option<E164>, ControlError> {
    let mut after = None;
    loop {
        let page = control.list(&ListQuery::<Block> { tenant: None, after, limit: PAGE }).await?;
        if let Some(block) = page.items.iter().find(|block| block.value.contains(number)) {
            return Ok(Some(block.value.first));
        }
        after = page.next.filter(|last| *last < number);
        if after.is_none() {
            return Ok(None);
        }
    }
}
