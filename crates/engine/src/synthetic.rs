//! An emergency call that is none: decided again and again by the functions that decide real ones, at every kind of place
//! that the plan has, and recorded nowhere (E17). It shows that the node could carry one, before somebody needs it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use serde::Serialize;
use telness_core::call::{CallId, Draft};
use telness_core::class::{Class, Place, Workflow};
use telness_core::decide::Action;
use telness_core::emergency::{Service, number_for};
use telness_core::number::{Digits, Region};
use telness_core::plan::{LISTENER_HTTP, Peer, Plan};
use telness_core::standing::Standing;
use telness_core::time::Timestamp;
use telness_core::world::World;
use uuid::Uuid;

use crate::auth::{Asker, Keys, standing};
use crate::identity::random_bytes;
use crate::trial::{TrialCall, try_standing};

/// The most kinds of places that are tried. A kind is a region and what is dialled before an outside number there.
const PLACES_MAX: usize = 256;

/// What came of trying every kind of place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Round {
    /// When.
    pub(crate) at: Timestamp,
    /// How many kinds of places were tried.
    pub(crate) tried: usize,
    /// Those whose emergency calls would go nowhere.
    pub(crate) failed: Vec<FailedPlace>,
}

/// A kind of place whose emergency calls would go nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct FailedPlace {
    /// Its region.
    pub(crate) region: Region,
    /// What was dialled.
    pub(crate) dialled: Arc<str>,
    /// Why, in words.
    pub(crate) why: Arc<str>,
}

impl std::fmt::Display for FailedPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} in {}: {}", self.dialled, self.region, self.why)
    }
}

impl Round {
    /// Whether an emergency call can be carried from anywhere.
    #[must_use]
    pub(crate) fn is_usable(&self) -> bool {
        self.failed.len() < self.tried
    }
}

/// Tries every kind of place of a world once.
pub(crate) async fn round(world: &World, keys: &Keys, draw_key: [u8; 16], at: Timestamp) -> Round {
    let mut round = Round { at, ..Round::default() };
    for ((region, prefix), standing) in places(&world.plan, keys) {
        let number = number_for(Service::Any, region);
        let dialled: Arc<str> = prefix.map_or_else(|| number.to_string(), |prefix| format!("{prefix}{number}")).into();
        round.tried = round.tried.saturating_add(1);
        if let Err(why) = try_one(world, standing, &dialled, draw_key, at).await {
            round.failed.push(FailedPlace { region, dialled, why });
        }
    }
    round
}

async fn try_one(
    world: &World,
    standing: Standing,
    dialled: &Arc<str>,
    draw_key: [u8; 16],
    at: Timestamp,
) -> Result<(), Arc<str>> {
    let id = random_bytes::<16>().map(|bytes| CallId(Uuid::from_bytes(bytes)));
    let id = id.map_err(|error| Arc::from(error.to_string()))?;
    let call = TrialCall { draft: Draft::to(Arc::clone(dialled)), id, at, draw_key };
    let trial = try_standing(world, standing, call).await;
    if trial.classified.class != Class::Emergency {
        return Err("it was not recognised as an emergency call".into());
    }
    match trial.outcome {
        Ok((_, decision)) if decision.action == Action::Route && !decision.steps.is_empty() => Ok(()),
        Ok((_, decision)) => Err(decision.reason.page().what.into()),
        Err(refusal) => Err(refusal.denials.first().map_or("it was refused".into(), |one| Arc::clone(&one.detail))),
    }
}

/// One who asks from each kind of place. Where no peer of the plan is, nobody is known by a network, and a caller shows
/// by its key who it is.
fn places(plan: &Plan, keys: &Keys) -> BTreeMap<(Region, Option<Digits>), Standing> {
    let mut found = BTreeMap::new();
    for peer in plan.peers.iter().filter(|peer| peer.emergency_allowed || peer.trusted) {
        let Some(address) = peer.networks.first().map(ipnet::IpNet::addr) else { continue };
        let asker = Asker { listener: listener(peer), workflow: Workflow::High, address, key: None };
        let standing = standing(&asker, plan, keys);
        let kind = (standing.place.region, standing.place.outside_line_prefix);
        if found.len() < PLACES_MAX && standing.emergency_allowed {
            found.entry(kind).or_insert(standing);
        }
    }
    let sites = plan.sites.iter().map(|site| (site.region, site.outside_line_prefix));
    for (region, prefix) in sites.chain([(plan.default_region, None)]) {
        if found.len() < PLACES_MAX {
            found.entry((region, prefix)).or_insert_with(|| unknown(plan, keys, region, prefix));
        }
    }
    found
}

fn unknown(plan: &Plan, keys: &Keys, region: Region, prefix: Option<Digits>) -> Standing {
    let nobody = Asker {
        listener: "synthetic",
        workflow: Workflow::High,
        address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        key: None,
    };
    let place = Place { outside_line_prefix: prefix, ..Place::region(region) };
    Standing { place, emergency_allowed: true, trunk: None, extension_digits: None, ..standing(&nobody, plan, keys) }
}

fn listener(peer: &Peer) -> &str {
    peer.listener.as_deref().unwrap_or(LISTENER_HTTP)
}
