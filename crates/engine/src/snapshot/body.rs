//! The body of a snapshot of format 1: one value of MessagePack behind the other, each with its fields by name, so
//! that reading a million rows makes no list of them first. The head says how many of each follow.

use std::io::{self, Write};
use std::sync::Arc;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use telness_core::directory::{Block, Names, NumberImage, Restore, Tenant, UserImage};
use telness_core::rates::{Deck, DeckImage};
use telness_core::time::Timestamp;

use super::tables::{LastChange, PlanText, Tables};

/// What comes first.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    plan: Option<PlanImage>,
    version: u64,
    directory_version: u64,
    decks_version: u64,
    known_at: Timestamp,
    #[serde(default)]
    last_change: Option<LastChange>,
    names: Names,
    tenants: usize,
    blocks: usize,
    users: usize,
    numbers: usize,
    decks: usize,
}

#[derive(Debug, Serialize, Deserialize)]
struct PlanImage {
    name: Arc<str>,
    text: Arc<str>,
    revision: u64,
}

/// Writes tables as a body.
pub(super) fn write(tables: &Tables, mut to: impl Write) -> io::Result<()> {
    let directory = &tables.directory;
    let plan = tables.plan.as_ref().map(|plan| PlanImage {
        name: Arc::clone(&plan.name),
        text: Arc::clone(&plan.text),
        revision: plan.revision,
    });
    let head = Head {
        plan,
        version: tables.version,
        directory_version: directory.version,
        decks_version: tables.decks_version,
        known_at: tables.known_at,
        last_change: tables.last_change,
        names: directory.names(),
        tenants: tables.tenants.len(),
        blocks: tables.blocks.len(),
        users: directory.user_images_len(),
        numbers: directory.numbers_len(),
        decks: tables.decks.len(),
    };
    put(&mut to, &head)?;
    tables.tenants.values().try_for_each(|tenant| put(&mut to, tenant))?;
    tables.blocks.values().try_for_each(|block| put(&mut to, block))?;
    directory.user_images().try_for_each(|user| put(&mut to, &user))?;
    directory.number_images().try_for_each(|number| put(&mut to, &number))?;
    tables.decks.values().try_for_each(|deck| put(&mut to, &deck.image()))
}

fn put(to: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    rmp_serde::encode::write_named(to, value).map_err(io::Error::other)
}

/// Reads a whole body.
pub(super) fn read(body: &[u8]) -> Result<Tables, String> {
    let mut rest = Rest { decoder: rmp_serde::Deserializer::from_read_ref(body), len: body.len() };
    let head: Head = rest.next("head")?;
    let mut tables = Tables {
        plan: head.plan.map(|plan| PlanText { name: plan.name, text: plan.text, revision: plan.revision }),
        version: head.version,
        known_at: head.known_at,
        last_change: head.last_change,
        decks_version: head.decks_version,
        ..Tables::default()
    };
    for _ in 0..head.tenants {
        let tenant: Tenant = rest.next("tenant")?;
        tables.tenants.insert(tenant.name.clone(), tenant);
    }
    for _ in 0..head.blocks {
        let block: Block = rest.next("block")?;
        tables.blocks.insert(block.first, block);
    }
    // Room for no more rows than there can be, whatever the head says.
    let room = |rows: usize| rows.min(rest.len);
    let restore = Restore::new(&head.names, room(head.users), room(head.numbers));
    let mut restore = restore.map_err(|error| error.to_string())?;
    for _ in 0..head.users {
        restore.user(&rest.next::<UserImage<'_>>("user")?).map_err(|error| error.to_string())?;
    }
    for _ in 0..head.numbers {
        restore.number(&rest.next::<NumberImage>("number")?).map_err(|error| error.to_string())?;
    }
    tables.directory = restore.finish(head.directory_version);
    for _ in 0..head.decks {
        let deck = Deck::of_image(rest.next::<DeckImage<'_>>("deck")?).ok_or("a deck does not hold together")?;
        tables.decks.insert(deck.trunk.clone(), Arc::new(deck));
    }
    rest.end()?;
    Ok(tables)
}

/// What is left of a body.
struct Rest<'b> {
    decoder: rmp_serde::Deserializer<rmp_serde::decode::ReadRefReader<'b, [u8]>>,
    len: usize,
}

impl<'b> Rest<'b> {
    fn next<T: Deserialize<'b>>(&mut self, of: &str) -> Result<T, String> {
        T::deserialize(&mut self.decoder).map_err(|error| format!("a {of} cannot be read: {error}"))
    }

    fn end(mut self) -> Result<(), String> {
        match IgnoredAny::deserialize(&mut self.decoder) {
            Ok(IgnoredAny) => Err("something follows the last row".to_owned()),
            Err(_) => Ok(()),
        }
    }
}
