//! Where an emergency call goes: by the emergency table alone, and never nowhere while the table has a gateway.
//!
//! The routes are those of the caller's area and the service, else those of the area for any service, else those of the
//! region, first for the service, else the default ones; a list that names no gateway counts as none. Tenants, rate decks,
//! capacity and outward translations of the called number are not asked. Behind them stands the last resort of the node's
//! own settings, which needs no plan. A gateway that is down comes after those that are not, one that is switched off or
//! whose trunk is comes last, also after the last resort; all are still tried (E9).
//!
//! The number dialled is the one the region dials for the service. Where a service was asked for by name alone, its
//! number is looked for among the region's (see [`number_for`]): a URN in the user part of a SIP URI would be
//! understood by few.
//!
//! A test call goes to the plan's test route for the region that the caller is in, or nowhere. Its user part is the number that
//! was agreed on for tests, or the test URN, escaped, and never the digits of the service, so that no network on the way
//! can take it for the real thing.

use std::sync::{Arc, LazyLock};

use super::dial;
use super::legs;
use super::outcome::{Step, Target};
use super::targets::{Ready, Use, gateways, trunks};
use super::trace::{Dropped, TargetVerdict, Verdict};
use super::weighing::{Settled, Weighing};
use crate::emergency::{Emergency, Service, number_for};
use crate::last_resort::LastResort;
use crate::location::{CodeTable, EmergencyRow, locate, named_site};
use crate::names::TrunkName;
use crate::number::{Digits, Number};
use crate::plan::{AreaIx, Gateway, MoveOn, RouteGroup};
use crate::reason::Reason;

/// How long an emergency target may take to any SIP response, 100 too, in milliseconds (E9): who is there answers at once.
pub const EMERGENCY_RESPONSE_MS: u32 = 2000;

/// How long an emergency target may take to 18x, in milliseconds (E9). After it there is no limit: answering
/// queues take longer than any sensible one.
pub const EMERGENCY_SETUP_MS: u32 = 8000;

/// Every Q.850 cause by which a call can fail at a target, and not 16, by which somebody hung up.
const CAUSES: &[u8] = &[
    1, 2, 3, 4, 5, 6, 8, 17, 18, 19, 20, 21, 22, 23, 25, 26, 27, 28, 29, 31, 34, 38, 41, 42, 43, 44, 46, 47, 49, 50,
    53, 55, 57, 58, 62, 63, 65, 66, 69, 70, 79, 81, 82, 83, 84, 85, 86, 87, 88, 90, 91, 95, 96, 97, 98, 99, 100, 101,
    102, 103, 110, 111, 127,
];

/// Every registered SIP status by which a call can fail at a target, and not 487, which follows a CANCEL.
const STATUSES: &[u16] = &[
    300, 301, 302, 305, 380, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417,
    420, 421, 422, 423, 424, 425, 428, 429, 430, 433, 436, 437, 438, 439, 440, 469, 470, 480, 481, 482, 483, 484, 485,
    486, 488, 489, 491, 493, 494, 500, 501, 502, 503, 504, 505, 513, 555, 580, 600, 603, 604, 606, 607, 608,
];

/// After an error, busy or silence alike the next route of an emergency call is tried (E9).
static MOVE_ON: LazyLock<Arc<MoveOn>> =
    LazyLock::new(|| Arc::new(MoveOn { q850: CAUSES.to_vec(), sip: STATUSES.to_vec(), silence: true }));

/// After which causes the next route of an emergency call is tried: all but a hang-up and a CANCEL.
#[must_use]
pub fn emergency_move_on() -> Arc<MoveOn> {
    Arc::clone(&MOVE_ON)
}

/// When a target is tried, among those of an emergency call: what is in doubt comes after what is not.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    Usable,
    Down,
    LastResort,
    SwitchedOff,
}

/// A target and when it is tried.
struct Placed {
    target: Target,
    turn: Turn,
}

impl Weighing<'_> {
    /// Settles an emergency call, or a test of one.
    pub(super) fn by_emergency_table(&mut self, dialled: Emergency) -> Settled {
        let (mut located, area) = locate(self.plan, self.call, dialled.region);
        let emergency = self.where_it_is(dialled, area);
        located.region = Some(emergency.region).filter(|region| *region != self.call.place.region);
        if emergency.test {
            let settled = self.by_test_route(emergency);
            located.row = if settled.steps.is_empty() { EmergencyRow::Nothing } else { EmergencyRow::Region };
            self.located = Some(located);
            return settled;
        }
        let coded = self.plan.emergency.codes.get(&emergency.region);
        let coded = coded.and_then(|table| Some((table, table.code_of(&located)?)));
        located.code = coded.map(|(_, code)| code);
        let (row, mut placed) = self.by_table(emergency, area, coded);
        placed.extend(self.by_last_resort(emergency));
        // A stable sort: what is of one turn keeps its order.
        placed.sort_by_key(|placed| placed.turn);
        located.row = if placed.is_empty() { EmergencyRow::Nothing } else { row };
        self.located = Some(located);
        let named =
            placed.into_iter().zip(1..).map(|(placed, step)| Target { leg: legs::name(step, 1), ..placed.target });
        let steps: Vec<Step> = named.map(|target| Step { targets: vec![target] }).collect();
        let reason = if steps.is_empty() { Reason::NoEmergencyRoute } else { Reason::Routed };
        Settled { steps, emergency: true, ..Settled::reject(reason) }
    }

    /// The service as it is asked for where the caller is (E6): another region has numbers of its own.
    fn where_it_is(&self, emergency: Emergency, area: Option<AreaIx>) -> Emergency {
        let of_area = area.and_then(|area| self.plan.emergency.areas.get(area)).map(|area| area.region);
        let of_site = || Some(named_site(self.plan, self.call.location.as_ref()?)?.region);
        match of_area.or_else(of_site) {
            Some(region) if region != emergency.region => Emergency { region, digits: None, ..emergency },
            _ => emergency,
        }
    }

    /// The targets of the first row of the table that has a gateway, and which row that is.
    fn by_table(
        &mut self,
        emergency: Emergency,
        area: Option<AreaIx>,
        coded: Option<(&CodeTable, Digits)>,
    ) -> (EmergencyRow, Vec<Placed>) {
        let table = &self.plan.emergency;
        let in_area = |service| table.area_routes.get(&(area?, service)).map(|groups| &**groups);
        let in_region = |service| table.routes.get(&(emergency.region, service)).map(|groups| &**groups);
        let lists = [
            (EmergencyRow::Area, in_area(emergency.service)),
            (EmergencyRow::Area, in_area(Service::Any)),
            (EmergencyRow::Region, in_region(emergency.service)),
            (EmergencyRow::Region, in_region(Service::Any)),
            (EmergencyRow::Default, Some(&*table.default)),
        ];
        for (row, groups) in lists.into_iter().filter_map(|(row, groups)| Some((row, groups?))) {
            let placed = self.emergency_targets(emergency, groups, coded);
            if !placed.is_empty() {
                return (row, placed);
            }
        }
        (EmergencyRow::LastResort, Vec::new())
    }

    fn emergency_targets(
        &mut self,
        emergency: Emergency,
        groups: &[RouteGroup],
        coded: Option<(&CodeTable, Digits)>,
    ) -> Vec<Placed> {
        let mut placed: Vec<Placed> = Vec::new();
        for (ix, trunk) in trunks(self, groups) {
            let caller = self.caller_on(trunk, true);
            write_emergency(&mut self.text, emergency, coded.filter(|(table, _)| table.is_for(ix)));
            let ready = Ready { head: self.text.len(), phone: true, caller, rate: None };
            for at in gateways(&mut self.draws, trunk) {
                let Some(gateway) = trunk.gateways.get(at) else { continue };
                let listed =
                    |placed: &Placed| placed.target.trunk == trunk.name && placed.target.gateway == gateway.name;
                if placed.iter().any(listed) {
                    self.trace_emergency(&trunk.name, gateway, Verdict::Dropped(Dropped::Repeated));
                    continue;
                }
                let late = if trunk.enabled { self.unusable(trunk, gateway) } else { Some(Dropped::Disabled) };
                self.trace_emergency(&trunk.name, gateway, late.map_or(Verdict::Kept, Verdict::Last));
                let turn = match late {
                    None => Turn::Usable,
                    Some(Dropped::Disabled) => Turn::SwitchedOff,
                    Some(_) => Turn::Down,
                };
                placed.push(Placed { target: self.emergency_target(&trunk.name, gateway, &ready), turn });
            }
        }
        placed
    }

    /// The targets of the node's own settings, which stand behind those of the plan.
    fn by_last_resort(&mut self, emergency: Emergency) -> Vec<Placed> {
        let world = self.world;
        let Some(trunk) = LastResort::trunk().filter(|_| !world.last_resort.gateways().is_empty()) else {
            return Vec::new();
        };
        let caller = self.public_caller();
        write_emergency(&mut self.text, emergency, None);
        let ready = Ready { head: self.text.len(), phone: true, caller, rate: None };
        let mut placed = Vec::new();
        for gateway in world.last_resort.gateways() {
            self.trace_emergency(&trunk, gateway, Verdict::Kept);
            placed.push(Placed { target: self.emergency_target(&trunk, gateway, &ready), turn: Turn::LastResort });
        }
        placed
    }

    fn emergency_target(&mut self, trunk: &TrunkName, gateway: &Gateway, ready: &Ready) -> Target {
        Target {
            leg: legs::name(1, 1),
            trunk: trunk.clone(),
            gateway: gateway.name.clone(),
            user: None,
            uri: dial::uri(&mut self.text, ready.head, ready.phone, gateway),
            caller: ready.caller.clone(),
            response_ms: Some(EMERGENCY_RESPONSE_MS),
            setup_ms: EMERGENCY_SETUP_MS,
            ring_ms: None,
            move_on: emergency_move_on(),
        }
    }

    fn trace_emergency(&mut self, trunk: &TrunkName, gateway: &Gateway, verdict: Verdict) {
        self.targets.push(TargetVerdict {
            rule: None,
            trunk: trunk.clone(),
            gateway: Some(gateway.name.clone()),
            user: None,
            rate: None,
            verdict,
        });
    }

    /// A test call: to the plan's test route for the region, else answered without one.
    fn by_test_route(&mut self, emergency: Emergency) -> Settled {
        let Some(test) = self.plan.emergency.tests.get(&emergency.region) else {
            return Settled::reject(Reason::EmergencyTest);
        };
        let using = Use { rule: None, user: None, tenant: self.tenant };
        let steps = match test.number {
            // A translation that would make an emergency number of it leaves the trunk out.
            Some(number) => self.route(&test.route, Number::E164 { number }, using),
            None => self.route_of_urn(&test.route, emergency.service, using),
        };
        let reason = if steps.is_empty() { Reason::NoUsableTarget } else { Reason::Routed };
        Settled { steps, ..Settled::reject(reason) }
    }

    fn route_of_urn(&mut self, groups: &[RouteGroup], service: Service, using: Use<'_>) -> Vec<Step> {
        let number = Number::Service { service, test: true };
        let mut steps = Vec::new();
        let mut listed = smallvec::SmallVec::new();
        for (at, trunk) in trunks(self, groups) {
            if !trunk.enabled {
                self.drop_trunk(trunk, using, Dropped::Disabled);
                continue;
            }
            let caller = self.caller_on(trunk, false);
            dial::write_user(&mut self.text, &service.urn(true).replace(':', "%3A"));
            let ready = Ready { head: self.text.len(), phone: false, caller, rate: None };
            self.each_gateway(at, trunk, &ready, number, using, &mut listed, &mut steps);
        }
        steps
    }
}

/// Writes `sip:` and the number to dial for a service, with the code of the place where the trunk takes one.
fn write_emergency(text: &mut String, emergency: Emergency, coded: Option<(&CodeTable, Digits)>) {
    let number = match emergency.digits {
        Some(digits) => digits.to_string().into(),
        None => number_for(emergency.service, emergency.region),
    };
    dial::write_user(text, "");
    match coded {
        Some((table, code)) => table.write(&number, code, text),
        None => text.push_str(&number),
    }
}
