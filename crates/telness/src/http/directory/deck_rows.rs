//! `/v1/decks/{trunk}/rows`: the rows of the deck that is in force, as JSON or as the CSV that it was loaded from.
#![allow(unused_qualifications, reason = "utoipa writes types with their paths")]

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use serde::{Serialize, Serializer};
use telness_core::deck::{DeckRow, deck_header};
use telness_core::number::Digits;
use telness_core::reason::Reason;
use telness_core::time::Timestamp;
use telness_core::world::Rate;
use telness_engine::directory_flow::DirectoryError;
use telness_store::control::{Deck, DeckRowKey};
use utoipa::ToSchema;

use super::super::api::{Api, in_time};
use super::super::paging::{next_link, wants_csv};
use super::super::problem::Problem;
use super::answering;
use super::asking::{Head, Query};
use super::documented::Paging;
use super::refused::ListRefused;
use super::resource::Named;

/// What a call to a prefix costs. Amounts are texts of decimal digits, exact to a millionth.
#[derive(Serialize, ToSchema)]
#[schema(as = DeckRow)]
pub struct RowView {
    /// What the called number begins with, without the plus.
    #[schema(value_type = String, example = "4670")]
    prefix: Digits,
    /// The price of a minute.
    #[serde(serialize_with = "amount")]
    #[schema(value_type = String, example = "0.0125")]
    price: Rate,
    /// What is paid once, when the call is answered.
    #[serde(serialize_with = "amount")]
    #[schema(value_type = String, example = "0")]
    connection_fee: Rate,
    /// The least that is charged, in seconds.
    #[schema(example = 60)]
    first_s: u16,
    /// The steps that are charged afterwards, in seconds.
    #[schema(example = 1)]
    next_s: u16,
    /// What the calling number begins with, without the plus; `null` if the row is for every caller.
    #[schema(value_type = Option<String>, example = json!(null))]
    origin: Option<Digits>,
    /// What a minute costs more from this origin.
    #[serde(serialize_with = "amount")]
    #[schema(value_type = String, example = "0")]
    surcharge: Rate,
    /// From when on it counts; `null` if it always has.
    #[schema(value_type = Option<String>, format = DateTime, example = json!(null))]
    valid_from: Option<Timestamp>,
    /// Until when it counts; `null` if there is no end yet.
    #[schema(value_type = Option<String>, format = DateTime, example = json!(null))]
    valid_until: Option<Timestamp>,
}

/// A page of rows.
#[derive(ToSchema)]
#[schema(as = DeckRowPage)]
pub struct RowPage {
    /// In the order of prefix, origin and beginning.
    pub items: Vec<RowView>,
    /// What to send as `cursor` for the next page; `null` when this is the last.
    #[schema(example = json!(null))]
    pub next: Option<String>,
}

/// Where a list of rows goes on, and in which deck.
struct Place {
    revision: u64,
    after: DeckRowKey,
}

/// Lists the rows of the deck in force on a trunk
///
/// As CSV (`Accept: text/csv`) a page is a deck that can be loaded again. The operator's to read.
#[utoipa::path(
    get, path = "/v1/decks/{trunk}/rows", tag = "directory", operation_id = "list_deck_rows",
    params(("trunk" = String, Path, description = "The trunk"), Paging),
    responses(
        (status = 200, description = "A page.", content((RowPage = "application/json"), (String = "text/csv")),
            headers(("Link" = String, description = "With `rel=\"next\"`: the next page, if there is one"))),
        ListRefused,
    ),
)]
pub async fn list_deck_rows(
    State(api): State<Arc<Api>>,
    Named(trunk): Named<Deck>,
    head: Head,
) -> Result<Response, Problem> {
    let mut query = Query::of(&head.uri);
    let limit = query.limit();
    let place = query.cursor(place);
    query.done()?;
    let asker = head.asker()?;
    let control = api.engine.control_of_operator(&asker)?;
    let reading = async {
        let deck = api.engine.read_kept::<Deck>(&asker, &trunk).await?.value;
        if place.as_ref().is_some_and(|place| place.revision != deck.revision) {
            return Ok((deck, Vec::new()));
        }
        let after = place.as_ref().map(|place| &place.after);
        let rows = control.deck_rows(deck.revision, after, limit.saturating_add(1)).await?;
        Ok::<_, DirectoryError>((deck, rows))
    };
    let (deck, mut rows) = in_time(api.read_max, reading).await?;
    if rows.is_empty() {
        return Err(Problem::new(
            Reason::Conflict,
            "another deck came into force meanwhile; begin with its first page",
        ));
    }
    let shown = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > shown;
    rows.truncate(shown);
    let next = rows.last().filter(|_| more).map(|last| cursor(deck.revision, last));
    let mut response = if wants_csv(&head.headers) {
        let mut response = Response::new(Body::from(csv(&rows)));
        let media_type = HeaderValue::from_static("text/csv; charset=utf-8; header=present");
        response.headers_mut().insert(header::CONTENT_TYPE, media_type);
        if let Some(link) = next.and_then(|next| next_link(&head.uri, &next)) {
            response.headers_mut().insert(header::LINK, link);
        }
        response
    } else {
        let views: Vec<RowView> = rows.into_iter().map(RowView::from).collect();
        answering::page(&head, &views, next)?
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
    Ok(response)
}

impl From<DeckRow> for RowView {
    fn from(row: DeckRow) -> Self {
        let DeckRow { prefix, price, connection_fee, first_s, next_s, origin, surcharge, valid_from, valid_until } =
            row;
        Self { prefix, price, connection_fee, first_s, next_s, origin, surcharge, valid_from, valid_until }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn amount<S: Serializer>(rate: &Rate, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(rate)
}

/// Rows as a deck that can be loaded, its lines ended as RFC 4180 has them.
fn csv(rows: &[DeckRow]) -> String {
    let lines = std::iter::once(deck_header()).chain(rows.iter().map(DeckRow::to_csv));
    lines.flat_map(|line| [line, "\r\n".to_owned()]).collect()
}

fn cursor(revision: u64, last: &DeckRow) -> String {
    let origin = last.origin.map_or_else(String::new, |origin| origin.to_string());
    let from = last.valid_from.map_or_else(String::new, |from| from.as_micros().to_string());
    format!("{revision}_{}_{origin}_{from}", last.prefix)
}

fn place(cursor: &str) -> Option<Place> {
    let mut parts = cursor.split('_');
    let revision = parts.next()?.parse().ok()?;
    let prefix = parts.next()?.parse().ok()?;
    let origin = optional(parts.next()?, |text| text.parse().ok())?;
    let valid_from = optional(parts.next()?, |text| text.parse().ok().map(Timestamp::from_micros))?;
    let row = DeckRow {
        prefix,
        price: Rate(0),
        connection_fee: Rate(0),
        first_s: 0,
        next_s: 1,
        origin,
        surcharge: Rate(0),
        valid_from,
        valid_until: None,
    };
    parts.next().is_none().then(|| Place { revision, after: DeckRowKey::from(&row) })
}

/// Nothing of an empty text; none if it cannot be read.
fn optional<T>(text: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<Option<T>> {
    if text.is_empty() { Some(None) } else { read(text).map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_that_is_none_is_refused() {
        assert!(place("7_46__").is_some() && place("7_46_47_-5").is_some());
        for wrong in ["", "7", "7_46", "7_46_", "x_46__", "7_x__", "7_46_x_", "7_46__x", "7_46___", "-1_46__"] {
            assert!(place(wrong).is_none(), "{wrong}");
        }
    }
}
