//! `/v1/decks`: the rate deck that is in force on each trunk; put as CSV, to load another.
#![allow(unused_qualifications, reason = "utoipa writes types with their paths")]

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use serde_json::json;
use telness_core::deck::Currency;
use telness_core::names::{TenantName, TrunkName};
use telness_core::reason::Reason;
use telness_engine::deck_flow::{DeckFile, Progress};
use telness_store::control::{Deck, DeckHead};
use utoipa::{IntoParams, ToSchema};

use super::super::api::Api;
use super::super::problem::Problem;
use super::answering;
use super::arriving::{Allowed, Arriving, pump};
use super::asking::{Head, Query, before};
use super::documented::{Comment, Paging, Precondition};
use super::refused::{DeleteRefused, ListRefused, PutRefused, ReadRefused};
use super::resource::{self, Named, Resource, part};

/// The rate deck that is in force on a trunk.
#[derive(ToSchema)]
#[schema(as = Deck)]
pub struct DeckDocument {
    /// The trunk, by its name in the plan.
    #[schema(example = "carrier-a")]
    pub trunk: String,
    /// Which rows are its.
    #[schema(example = 16)]
    pub revision: u64,
    /// The currency of its amounts (ISO 4217).
    #[schema(example = "SEK")]
    pub currency: String,
    /// How many rows it has.
    #[schema(example = 1)]
    pub rows: u64,
    /// Who loaded it.
    #[schema(example = "anna")]
    pub author: String,
    /// Why.
    #[schema(example = "ticket 4711")]
    pub comment: String,
    /// When it came into force.
    #[schema(format = DateTime, example = "2026-11-23T08:00:00Z")]
    pub at: String,
    /// The change that brought it into force.
    #[schema(example = 17)]
    pub version: i64,
}

/// A page of decks.
#[derive(ToSchema)]
#[schema(as = DeckPage)]
pub struct DeckPage {
    /// In the order of their trunks.
    pub items: Vec<DeckDocument>,
    /// What to send as `cursor` for the next page; `null` when this is the last.
    #[schema(example = json!(null))]
    pub next: Option<String>,
}

/// A deck that was loaded.
#[derive(ToSchema)]
#[schema(as = DeckLoaded)]
pub struct LoadedDocument {
    /// The trunk.
    #[schema(example = "carrier-a")]
    pub trunk: String,
    /// Which rows are its.
    #[schema(example = 16)]
    pub revision: u64,
    /// How many rows it has.
    #[schema(example = 1)]
    pub rows: u64,
    /// The change that brought it into force.
    #[schema(example = 17)]
    pub version: i64,
    /// What the operator should know of it, in sentences: that the published plan has no such trunk, that other decks
    /// are in another currency.
    pub concerns: Vec<String>,
}

/// Of which kind the amounts are.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeckQuery {
    /// The currency of all amounts (ISO 4217).
    #[param(example = "SEK", pattern = "^[A-Z]{3}$")]
    pub currency: String,
}

impl Resource for Deck {
    fn named(parts: &[(String, String)]) -> Option<TrunkName> {
        part(parts, "trunk")?.parse().ok()
    }

    fn path(key: &TrunkName) -> String {
        format!("/v1/decks/{key}")
    }

    fn cursor(key: &TrunkName) -> String {
        key.to_string()
    }

    fn after(cursor: &str, _: Option<&TenantName>) -> Option<TrunkName> {
        cursor.parse().ok()
    }
}

/// Lists the rate decks in force
///
/// In the order of their trunks. The operator's to read.
#[utoipa::path(
    get, path = "/v1/decks", tag = "directory", operation_id = "list_decks",
    params(Paging),
    responses(
        (status = 200, description = "A page.", body = DeckPage,
            headers(("Link" = String, description = "With `rel=\"next\"`: the next page, if there is one"))),
        ListRefused,
    ),
)]
pub async fn list_decks(State(api): State<Arc<Api>>, head: Head) -> Result<Response, Problem> {
    api.engine.control_of_operator(&head.asker()?)?;
    resource::list::<Deck>(&api, None, false, &head).await
}

/// Reads which rate deck is in force on a trunk
///
/// Its rows are at `/rows`. The operator's to read.
#[utoipa::path(
    get, path = "/v1/decks/{trunk}", tag = "directory", operation_id = "read_deck",
    params(("trunk" = String, Path, description = "The trunk")),
    responses(
        (status = 200, description = "It.", body = DeckDocument,
            headers(("ETag" = String, description = "Its version, for If-Match"))),
        (status = 304, description = "It is of the version that If-None-Match has."),
        ReadRefused,
    ),
)]
pub async fn read_deck(
    State(api): State<Arc<Api>>,
    Named(trunk): Named<Deck>,
    head: Head,
) -> Result<Response, Problem> {
    api.engine.control_of_operator(&head.asker()?)?;
    resource::read::<Deck>(&api, &trunk, &head).await
}

/// Loads a rate deck
///
/// The body is CSV with the columns `prefix`, `price`, `connection_fee`, `first_s`, `next_s` and, if there are any,
/// `origin`, `surcharge`, `valid_from`, `valid_until`. It is read as it arrives and comes into force whole or not at
/// all: a malformed row refuses the deck, with the line of each. Without a precondition the deck that was in force at
/// the beginning has to be still at the end.
#[utoipa::path(
    put, path = "/v1/decks/{trunk}", tag = "directory", operation_id = "load_deck",
    request_body(content = String, content_type = "text/csv"),
    params(("trunk" = String, Path, description = "The trunk"), DeckQuery, Precondition, Comment),
    responses(
        (status = 200, description = "It is in force.", body = LoadedDocument,
            headers(("ETag" = String, description = "Its version"))),
        (status = 201, description = "It is in force, as the trunk's first.", body = LoadedDocument,
            headers(("ETag" = String, description = "Its version"), ("Location" = String, description = "Its path"))),
        PutRefused,
    ),
)]
pub async fn load_deck(
    State(api): State<Arc<Api>>,
    Named(trunk): Named<Deck>,
    head: Head,
    body: Body,
) -> Result<Response, Problem> {
    let edit = api.engine.editor(&head.asker()?, "")?;
    let mut query = Query::of(&head.uri);
    let comment = query.comment();
    let currency: Option<Currency> =
        query.take("currency", "three capital letters of ISO 4217", |text| text.parse().ok());
    if currency.is_none() && query.faults.none() {
        query.faults.add("currency", Reason::FieldMissing, "is needed: the currency of the amounts");
    }
    query.done()?;
    let Some(currency) = currency else { return Err(Problem::internal()) };
    expect_csv(&head.headers)?;
    let expect = resource::expect::<Deck>(&api, &trunk, before(&head.headers)?).await?;
    let deck_head = DeckHead { trunk, currency };
    let (sender, input) = Arriving::channel();
    let progress = Progress::default();
    let file = DeckFile { head: deck_head.clone(), input, rows: None };
    let edit = telness_store::control::Edit { comment, ..edit };
    let allowed = Allowed { bytes_max: api.deck_bytes_max, wait_max: api.body.arrival_max };
    let loading = async {
        let loading = api.engine.deck_loader().load(file, edit, expect, &progress);
        // What the load says of an input that was cut is not why it was.
        let (pumped, loaded) = tokio::join!(pump(body, sender, allowed), loading);
        pumped?;
        loaded.map_err(Problem::from)
    };
    let mut loading = std::pin::pin!(loading);
    let deck = match tokio::time::timeout(api.deck_max, &mut loading).await {
        Ok(loaded) => loaded?,
        Err(_) if progress.give_up() => {
            return Err(Problem::new(
                Reason::RequestTimeout,
                "the deck was not loaded in the time allowed; nothing changed",
            ));
        }
        // It is coming into force: the store's own limits bound the wait, and the answer says what came of it.
        Err(_) => loading.await?,
    };
    let concerns = api.engine.deck_loader().concerns(&deck_head).await.unwrap_or_default();
    let trunk = &deck_head.trunk;
    let shown = json!({
        "trunk": trunk, "revision": deck.revision, "rows": deck.rows, "version": deck.version, "concerns": concerns,
    });
    answering::put(deck.replaced.is_none(), &Deck::path(trunk), deck.version, &shown)
}

/// Takes a rate deck out of force
///
/// The trunk has no prices then.
#[utoipa::path(
    delete, path = "/v1/decks/{trunk}", tag = "directory", operation_id = "delete_deck",
    params(("trunk" = String, Path, description = "The trunk"), Precondition, Comment),
    responses((status = 204, description = "It is in force no more."), DeleteRefused),
)]
pub async fn delete_deck(
    State(api): State<Arc<Api>>,
    Named(trunk): Named<Deck>,
    head: Head,
) -> Result<Response, Problem> {
    resource::delete::<Deck>(&api, &trunk, &head).await
}

fn expect_csv(headers: &HeaderMap) -> Result<(), Problem> {
    let mut sent = headers.get_all(header::CONTENT_TYPE).iter();
    let one = sent.next().filter(|_| sent.next().is_none()).and_then(|one| one.to_str().ok());
    let kind = one.and_then(|one| one.split(';').next()).map(str::trim);
    if kind.is_some_and(|kind| kind.eq_ignore_ascii_case("text/csv")) {
        return Ok(());
    }
    Err(Problem::new(Reason::MediaTypeUnsupported, "a rate deck is sent as text/csv"))
}
