//! What an operator should know of a deck that is loaded, though nothing keeps it from being loaded.

use telness_core::plan::read_plan;
use telness_store::control::{Control, ControlError, Deck, DeckHead, ListQuery};

/// Decks that are looked at at once.
const PAGE: u32 = 500;

/// What there is, in sentences.
pub(super) async fn concerns(control: &Control, head: &DeckHead) -> Result<Vec<String>, ControlError> {
    let found = [not_in_the_plan(control, head).await?, other_currencies(control, head).await?];
    Ok(found.into_iter().flatten().collect())
}

/// A deck of a trunk that the plan does not have rates nothing.
async fn not_in_the_plan(control: &Control, head: &DeckHead) -> Result<Option<String>, ControlError> {
    let trunk = &head.trunk;
    let Some(published) = control.published_plan().await? else {
        let told = format!("no plan is published, so it is not known whether nodes have a trunk {trunk}");
        return Ok(Some(told));
    };
    let revision = published.revision;
    let text = control.plan(revision).await?.map(|plan| plan.text).unwrap_or_default();
    let known = read_plan(text.as_bytes(), revision).map(|plan| plan.trunks.iter().any(|known| known.name == *trunk));
    Ok(match known {
        Ok(true) => None,
        Ok(false) => {
            Some(format!("plan revision {revision} has no trunk {trunk}: the deck rates nothing until one has"))
        }
        Err(_) => {
            Some(format!("plan revision {revision} has faults, so it is not known whether it has a trunk {trunk}"))
        }
    })
}

/// Prices order routes as they are, whatever they are in.
async fn other_currencies(control: &Control, head: &DeckHead) -> Result<Option<String>, ControlError> {
    let (mut others, mut after) = (Vec::new(), None);
    loop {
        let page = control.list(&ListQuery::<Deck> { tenant: None, after, limit: PAGE }).await?;
        let unlike = page.items.into_iter().map(|deck| deck.value).filter(|deck| deck.currency != head.currency);
        others.extend(unlike.map(|deck| (deck.trunk, deck.currency)));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let first = others.first().map(|(trunk, currency)| {
        let (count, own) = (others.len(), &head.currency);
        let more = if count > 1 { format!(" and {} more", count.saturating_sub(1)) } else { String::new() };
        format!(
            "the deck of {trunk} is in {currency}{more}, and this one in {own}: prices order routes as they are, without \
             being exchanged"
        )
    });
    Ok(first)
}
