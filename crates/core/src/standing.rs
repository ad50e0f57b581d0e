//! Who is calling and what speaks against it; only [`admit`] refuses, and never an emergency call.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::call::{Call, CallId, CallType, Direction, Draft, FieldFault, Location, Party};
use crate::class::{Class, Classified, Place};
use crate::decide::held;
use crate::location::region_of;
use crate::names::{PeerName, SiteName, TenantName};
use crate::number::Number;
use crate::plan::{Plan, TrunkIx};
use crate::reason::Reason;
use crate::time::Timestamp;
use crate::world::World;

/// Something that speaks against a call: a failed sign-in, a suspension, a limit, a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denial {
    /// The stable code.
    pub reason: Reason,
    /// What happened, in a sentence that may be shown to whoever asked.
    pub detail: Arc<str>,
}

/// Who is calling. Whatever speaks against it is in one list, so that one place decides what follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The peer, known by its network or certificate before and without credentials.
    pub peer: Option<PeerName>,
    /// The peer's site.
    pub site: Option<SiteName>,
    /// Where its calls are dialled: the site's region and outside-line prefix, else the plan's default region.
    pub place: Place,
    /// How many digits an extension of the site has, from and to.
    pub extension_digits: Option<(u8, u8)>,
    /// What kind of network the peer is.
    pub kind: CallType,
    /// The trunk that the peer hands calls in by, if it is a carrier.
    pub trunk: Option<TrunkIx>,
    /// Whether emergency calls are taken from the peer whatever its credentials.
    pub emergency_allowed: bool,
    /// Whether the peer's normal calls are of the class background.
    pub background: bool,
    /// The tenant that the request says it is of; authorises nothing.
    pub claimed: Option<TenantName>,
    /// The tenant that the credentials prove, or that owns the peer.
    pub tenant: Option<TenantName>,
    /// What speaks against it.
    pub denials: Vec<Denial>,
}

impl Standing {
    /// Says where else the caller may be (E6): in the region that the location tells, else, where the peer has no site, in
    /// any of the plan's, whoever asks (E7).
    pub fn settle_place(&mut self, sent: Option<&Location>, plan: &Plan) {
        if plan.elsewhere.is_empty() {
            return;
        }
        self.place.elsewhere = match sent.and_then(|sent| region_of(plan, sent, self.place.region)) {
            Some(told) => Some(told).filter(|told| *told != self.place.region).into_iter().collect(),
            None if self.site.is_none() => plan.elsewhere.to_vec(),
            None => Vec::new(),
        };
    }

    /// Makes a carrier's call the call of whoever holds the called number: a carrier is no tenant's.
    pub fn settle_tenant(&mut self, numbers: &ReadNumbers, world: &World, at: Timestamp) {
        let Ok(number @ Number::E164 { .. }) = &numbers.to else { return };
        if self.trunk.is_none() {
            return;
        }
        // A public number is held whoever asks, so any tenant does for the question.
        if let Some(holder) = held(world, number, &world.plan.default_tenant, at).holder() {
            self.tenant = Some(holder.tenant().clone());
        }
    }
}

/// What a call is given as it is let in, and that is no property of the request.
#[derive(Clone, Debug)]
pub struct Admission {
    /// The call's id.
    pub id: CallId,
    /// When the request arrived.
    pub received_at: Timestamp,
    /// The tenant that an emergency call of nobody is kept under.
    pub fallback: TenantName,
}

/// What the numbers of a draft were read as, or why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadNumbers {
    /// The called number.
    pub to: Result<Number, FieldFault>,
    /// The calling number, where one was sent.
    pub from: Option<Result<Number, FieldFault>>,
    /// What could not be read and does not matter: a switch's odd caller is no reason to refuse its call.
    pub notes: Vec<FieldFault>,
}

/// Why a call was not let in. Nothing of it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What speaks against the caller, most important first.
    pub denials: Vec<Denial>,
    /// Every wrong field, unless the caller is not let in at all.
    pub faults: Vec<FieldFault>,
}

/// Lets a draft in as a call of `classified`'s class, or says everything that speaks against it.
///
/// An emergency call is let in whatever its faults and denials; they are kept as notes. It needs a tenant to
/// be kept under: the caller's own, or `fallback`.
///
/// # Errors
/// A [`Refusal`] with every denial, or with every wrong field.
pub fn admit(
    draft: Draft,
    classified: Classified,
    standing: Standing,
    read: ReadNumbers,
    admission: Admission,
) -> Result<Call, Refusal> {
    // Who is on the network's list, or has shown who it is, is carried whatever else speaks against it (E7).
    let stranger =
        standing.denials.iter().any(|denial| matches!(denial.reason, Reason::Unauthenticated | Reason::PeerUnknown));
    let emergency = classified.class == Class::Emergency && (standing.emergency_allowed || !stranger);
    if !emergency && !standing.denials.is_empty() {
        return Err(Refusal { denials: standing.denials, faults: Vec::new() });
    }
    let mut faults = draft.faults;
    let to = keep(read.to, &mut faults);
    let from = read.from.and_then(|from| keep(from, &mut faults));
    if !emergency && !faults.is_empty() {
        return Err(Refusal { denials: Vec::new(), faults });
    }
    let denied = standing.denials.into_iter().map(|denial| FieldFault {
        field: Arc::from("standing"),
        reason: denial.reason,
        detail: denial.detail,
    });
    faults.extend(denied);
    faults.extend(read.notes);
    Ok(Call {
        id: admission.id,
        tenant: standing.tenant.unwrap_or(admission.fallback),
        class: classified.class,
        emergency: classified.emergency,
        callback: classified.callback,
        kind: draft.kind.unwrap_or(standing.kind),
        direction: if standing.trunk.is_some() { Direction::FromCarrier } else { Direction::FromTenant },
        peer: standing.peer,
        site: standing.site,
        place: standing.place,
        from: draft.from.map(|sent| Party::new(sent, from)),
        to: Party::new(draft.to, to),
        privacy: draft.privacy,
        diversions: draft.diversions,
        metadata: draft.metadata,
        location: draft.location,
        sip_call_id: draft.sip_call_id,
        received_at: admission.received_at,
        notes: faults,
    })
}

/// The number that was read; a fault joins the others.
fn keep(read: Result<Number, FieldFault>, faults: &mut Vec<FieldFault>) -> Option<Number> {
    read.map_err(|fault| faults.push(fault)).ok()
}
