//! Whether a forwarded call comes round: forwarded too often, or back to who forwarded it (C7).
//!
//! Whoever forwards writes the number as it likes, so a diversion is read as a called number is, in the place of
//! the peer. A public number is the same everywhere. An extension is one only within its PBX: another PBX's
//! extension of the same digits is somebody else, so the host must be a gateway by which the plan rings it.

use super::holder::{Held, HoldersDevice};
use super::weighing::Weighing;
use crate::call::Call;
use crate::class::Place;
use crate::emergency::{address, dialled_forms};
use crate::number::{Digits, Number};
use crate::plan::Plan;

/// With as many diversions a call has been forwarded too often (C7).
pub const DIVERSIONS_MAX: usize = 5;

/// Whether a call to `number` has been forwarded too often, or comes back to who forwarded it.
pub(super) fn comes_round(weighing: &Weighing<'_>, number: &Number, held: &Held<'_>) -> bool {
    let call = weighing.call;
    call.diversions.len() >= DIVERSIONS_MAX
        || call.diversions.iter().map(|diversion| address(&diversion.by)).any(|by| match *number {
            Number::E164 { number } => can_mean(by, &call.place, number.digits()),
            Number::Extension { .. } => held
                .holder()
                .is_some_and(|holder| holder.devices().iter().any(|device| is_device(by, weighing.plan, call, device))),
            // Nobody forwards from a short number or a service; what shows one is an extension of a PBX.
            Number::Short { .. } | Number::Service { .. } => false,
        })
}

/// Whether what was written can mean a number of these digits.
fn can_mean(written: &str, place: &Place, digits: Digits) -> bool {
    dialled_forms(written, place).any(|form| form == digits)
}

/// Whether a URI is of an extension that a device rings, at a gateway of the device's trunk.
fn is_device(uri: &str, plan: &Plan, call: &Call, device: &HoldersDevice<'_>) -> bool {
    let Number::Extension { digits } = device.number else { return false };
    let Some((_, host)) = uri.rsplit_once('@') else { return false };
    let here = |address: &str| host_of(address).eq_ignore_ascii_case(host_of(host));
    let gateways = device.trunk.ok().and_then(|at| plan.trunk(at)).map(|trunk| &trunk.gateways);
    gateways.into_iter().flatten().any(|gateway| here(&gateway.address)) && can_mean(uri, &call.place, digits)
}

/// A host without the port and parameters that follow it; one of IPv6 keeps its brackets.
fn host_of(text: &str) -> &str {
    let end = if text.starts_with('[') { text.find(']').map(|at| at.saturating_add(1)) } else { None };
    end.and_then(|end| text.get(..end)).or_else(|| text.split([':', ';', '?']).next()).unwrap_or(text)
}
