//! Who is calling and what speaks against it; only [`admit`] refuses, and never an emergency call.

use serde::{Deserialize, Serialize};

use std::sync::Arc;

use crate::call::{Call, CallId, Direction, Draft, FieldFault, Party};
use crate::class::{Class, Classified};
use crate::names::{PeerName, SiteName, TenantName};
use crate::number::Number;
use crate::reason::Reason;

/// Something that speaks against a call: a failed sign-in, a suspension, a limit, a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denial {
    /// The stable code.
    pub reason: Reason,
    /// What happened, in a sentence that may be shown to whoever asked.
    pub detail: Arc<str>,
}

/// Who is calling. Whatever speaks against it is in one list, so that one place decides what follows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The peer, known by its network or certificate before and without credentials.
    pub peer: Option<PeerName>,
    /// The peer's site.
    pub site: Option<SiteName>,
    /// Whether the peer is a carrier, which hands calls in for our tenants' numbers.
    pub carrier: bool,
    /// Whether emergency calls are taken from the peer whatever its credentials.
    pub emergency_allowed: bool,
    /// The tenant that the request says it is of; authorises nothing.
    pub claimed: Option<TenantName>,
    /// The tenant that the credentials prove, or that owns the peer.
    pub tenant: Option<TenantName>,
    /// What speaks against it.
    pub denials: Vec<Denial>,
}

/// What the numbers of a draft were read as, or why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadNumbers {
    /// The called number.
    pub to: Result<Number, FieldFault>,
    /// The calling number, where one was sent.
    pub from: Option<Result<Number, FieldFault>>,
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
    id: CallId,
    fallback: &TenantName,
) -> Result<Call, Refusal> {
    let emergency = classified.class == Class::Emergency && (standing.emergency_allowed || standing.denials.is_empty());
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
    Ok(Call {
        id,
        tenant: standing.tenant.unwrap_or_else(|| fallback.clone()),
        class: classified.class,
        emergency: classified.emergency,
        kind: draft.kind,
        direction: if standing.carrier { Direction::FromCarrier } else { Direction::FromTenant },
        peer: standing.peer,
        site: standing.site,
        place: draft.place,
        from: draft.from.map(|sent| Party { sent, read: from }),
        to: Party { sent: draft.to, read: to },
        privacy: draft.privacy,
        diversions: draft.diversions,
        metadata: draft.metadata,
        location: draft.location,
        sip_call_id: draft.sip_call_id,
        received_at: draft.received_at,
        notes: faults,
    })
}

/// The number that was read; a fault joins the others.
fn keep(read: Result<Number, FieldFault>, faults: &mut Vec<FieldFault>) -> Option<Number> {
    read.map_err(|fault| faults.push(fault)).ok()
}
