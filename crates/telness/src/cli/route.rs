//! `telness route`: tries a call on a plan without making one, by the functions that live calls go through.

mod place;
pub(super) mod text;
mod weights;

use std::net::IpAddr;
use std::sync::Arc;

use clap::Args;
use serde_json::json;
use telness_core::call::{CallId, CallType, Draft, Metadata, Privacy};
use telness_core::class::Workflow;
use telness_core::decide::Action;
use telness_core::names::{PeerName, TenantName};
use telness_core::plan::{LISTENER_HTTP, Peer, Plan};
use telness_core::time::Timestamp;
use telness_engine::auth::{KeyText, Keys};
use telness_engine::clock::Clock;
use telness_engine::config::{KeyHolder, KeySetting, Settings};
use telness_engine::identity::Identity;
use telness_engine::plan_flow::PlanError;
use telness_engine::snapshot::SnapshotFolder;
use telness_engine::{Asker, Beginning, Trial, TrialCall, begin, read_secret, try_call};

use super::{Exit, Failure, Output, SettingFlags};
use crate::http::{DecisionView, PartyView};
use place::PlaceFlags;

/// A call to be tried.
#[derive(Args, Debug)]
pub(super) struct Route {
    /// The calling number, as sent; nobody's if not said
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    from: Option<String>,
    /// What is dialled, as sent
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    to: String,
    /// When, in RFC 3339 such as 2026-11-23T08:00:00Z; now if not said
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// What kind of network it comes from: mobile, pbx, sip or api; the peer's if not said
    #[arg(long = "type", value_name = "TYPE", value_parser = call_type)]
    kind: Option<CallType>,
    /// The tenant whose key is sent; the peer's, else the plan's default, if not said
    #[arg(long)]
    tenant: Option<TenantName>,
    /// Sends no API key
    #[arg(long, conflicts_with = "tenant")]
    without_key: bool,
    /// The peer of the plan that asks
    #[arg(long, conflicts_with = "from_address")]
    peer: Option<PeerName>,
    /// The address that the request comes from; 127.0.0.1 if neither it nor the peer is said
    #[arg(long, value_name = "IP")]
    from_address: Option<IpAddr>,
    /// The listener that takes the request
    #[arg(long, default_value = LISTENER_HTTP)]
    listener: String,
    /// Something that the application attaches; may be said again
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_and_value)]
    metadata: Vec<(String, String)>,
    #[command(flatten)]
    place: PlaceFlags,
    /// Withholds the calling number
    #[arg(long)]
    withheld: bool,
    /// The call's id, from which weighted choices are drawn; a new one if not said
    #[arg(long, value_name = "CALLID")]
    id: Option<CallId>,
    #[command(flatten)]
    settings: SettingFlags,
}

/// What a trial was made with, beside the call.
struct Lot {
    id: CallId,
    at: Timestamp,
    /// Whether the draws are those of the node whose data folder this is.
    of_node: bool,
}

impl Route {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let settings = self.settings.load(None)?.settings;
        let world = load(&settings)?.compiled.world;
        let address = self.address(&world.plan)?;
        let tenant = self.tenant_of_key(&world.plan, address)?;
        let (keys, key) = key_of(tenant)?;
        let secret = read_secret(&settings).map_err(Failure::cannot)?;
        let identity = Identity::new(&secret.unwrap_or_default());
        let at = self.at.unwrap_or_else(|| Clock::system().now());
        let id = self.id.map_or_else(|| identity.fresh_call_id(at), Ok).map_err(Failure::cannot)?;
        let lot = Lot { id, at, of_node: secret.is_some() };
        let key = key.as_ref().map(KeyText::reveal);
        let asker = Asker { listener: &self.listener, workflow: Workflow::Low, address, key };
        let call = TrialCall { draft: self.draft()?, id, at, draw_key: identity.draw_key() };
        let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(Failure::cannot)?;
        let trial = runtime.block_on(try_call(&world, &keys, &asker, call));
        answer(&trial, &world.plan, &lot, out)
    }

    fn draft(&self) -> Result<Draft, Failure> {
        let (location, faults) = self.place.location()?;
        let metadata = self.metadata.iter().map(|(key, value)| (Arc::from(key.as_str()), Arc::from(value.as_str())));
        Ok(Draft {
            from: self.from.as_deref().map(Arc::from),
            kind: self.kind,
            privacy: if self.withheld { Privacy::Withheld } else { Privacy::None },
            metadata: metadata.collect::<Metadata>(),
            location,
            faults,
            ..Draft::to(self.to.as_str())
        })
    }

    /// The address that the request comes from: of a named peer, one that the plan takes for that peer.
    fn address(&self, plan: &Plan) -> Result<IpAddr, Failure> {
        let Some(name) = &self.peer else {
            return Ok(self.from_address.unwrap_or(IpAddr::from([127, 0, 0, 1])));
        };
        let Some(peer) = plan.peers.iter().find(|peer| peer.name == *name) else {
            let known: Vec<_> = plan.peers.iter().map(|peer| peer.name.as_str()).collect();
            return Err(Failure::usage(format_args!("the plan has no peer `{name}`; it has {}", known.join(", "))));
        };
        let is_peers =
            |address: &IpAddr| plan.peer_of(&self.listener, *address).is_some_and(|found: &Peer| found.name == *name);
        let mut ends = peer.networks.iter().flat_map(|network| [network.network(), network.broadcast()]);
        ends.find(is_peers).ok_or_else(|| {
            let why = format!("on the listener `{}` the plan takes its addresses for other peers", self.listener);
            Failure::usage(format_args!("no request comes from the peer `{name}`: {why}; try --from-address"))
        })
    }

    /// The tenant whose key is sent.
    fn tenant_of_key(&self, plan: &Plan, address: IpAddr) -> Result<Option<TenantName>, Failure> {
        if self.without_key {
            return Ok(None);
        }
        if let Some(tenant) = &self.tenant
            && !plan.tenants.contains_key(tenant)
        {
            let known: Vec<_> = plan.tenants.keys().map(TenantName::as_str).collect();
            return Err(Failure::usage(format_args!("the plan has no tenant `{tenant}`; it has {}", known.join(", "))));
        }
        let of_peer = || plan.peer_of(&self.listener, address).and_then(|peer| peer.tenant.clone());
        Ok(self.tenant.clone().or_else(of_peer).or_else(|| Some(plan.default_tenant.clone())))
    }
}

/// What a node of the settings serves: by its plan's file, or by what it last had of the store, or the example.
pub(super) fn load(settings: &Settings) -> Result<Beginning, Failure> {
    let snapshots = SnapshotFolder::new(settings.data.join("snapshot"));
    let beginning =
        begin(&snapshots, settings.plan.as_deref(), Clock::system().now()).map_err(|error| match error {
            PlanError::Unreadable { .. } => Failure::cannot(error),
            PlanError::Faulty { .. } => Failure::new(Exit::No, error),
        })?;
    Ok(beginning.with_last_resort(&settings.last_resort))
}

/// The plan that a node of the settings serves.
pub(super) fn load_plan(settings: &Settings) -> Result<Plan, Failure> {
    load(settings).map(|beginning| Arc::unwrap_or_clone(beginning.compiled.world.plan))
}

/// A key for the trial alone, so that the tenant is proved as a live request proves it.
fn key_of(tenant: Option<TenantName>) -> Result<(Keys, Option<KeyText>), Failure> {
    let Some(tenant) = tenant else {
        return Ok((Keys::default(), None));
    };
    let key = KeyText::fresh().map_err(Failure::cannot)?;
    Ok((Keys::new(&[KeySetting { holder: KeyHolder::Tenant(tenant), sha256: key.sha256() }]), Some(key)))
}

fn answer(trial: &Trial, plan: &Plan, lot: &Lot, out: &mut Output) -> Result<Exit, Failure> {
    let routed = trial.outcome.as_ref().is_ok_and(|(_, decision)| decision.action == Action::Route);
    let exit = if routed { Exit::Done } else { Exit::No };
    if !out.is_json() {
        text::write(trial, plan, lot, out)?;
        return Ok(exit);
    }
    let class = trial.classified.class;
    let asker = json!({
        "peer": trial.standing.peer, "site": trial.standing.site, "tenant": trial.standing.tenant,
        "region": trial.standing.place.region,
    });
    let mut answer = json!({
        "call_id": lot.id, "at": lot.at, "class": class, "workflow": class.workflow(),
        "emergency": trial.classified.emergency, "asker": asker, "draws_of_node": lot.of_node,
    });
    let outcome = match &trial.outcome {
        Ok((call, decision)) => json!({
            "tenant": call.tenant, "type": call.kind, "direction": call.direction,
            "from": call.from.as_ref().map(PartyView::of), "to": PartyView::of(&call.to),
            "notes": call.notes, "weights": weights::drawn(plan, decision, call), "decision": DecisionView::of(decision),
        }),
        Err(refusal) => json!({ "refused": { "denials": refusal.denials, "faults": refusal.faults } }),
    };
    if let (Some(answer), serde_json::Value::Object(outcome)) = (answer.as_object_mut(), outcome) {
        answer.extend(outcome);
    }
    out.json(&answer)?;
    Ok(exit)
}

fn call_type(text: &str) -> Result<CallType, String> {
    text.parse().map_err(|()| "it is mobile, pbx, sip or api".to_owned())
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}
