//! Which trunks and gateways share calls by weight, and which of them the draw put first.

use serde::Serialize;
use telness_core::call::Call;
use telness_core::decide::{Decision, TargetVerdict};
use telness_core::emergency::Service;
use telness_core::plan::{Plan, RouteGroup, RuleAction, Trunk};

/// One choice by weight.
#[derive(Debug, Serialize)]
pub(super) struct Drawn {
    /// What was chosen: `trunks`, or the gateways of a trunk.
    pub(super) of: String,
    /// Who shares, with their weights.
    pub(super) shares: Vec<(String, u16)>,
    /// Who came first.
    pub(super) first: String,
}

/// Every choice by weight that bore on a decision.
pub(super) fn drawn(plan: &Plan, decision: &Decision, call: &Call) -> Vec<Drawn> {
    let targets = &decision.trace.targets;
    let trunks = groups(plan, decision, call).iter().filter_map(|group| of_trunks(plan, group, targets));
    let mut drawn: Vec<Drawn> = trunks.collect();
    let named = plan.trunks.iter().filter(|trunk| targets.iter().any(|target| target.trunk == trunk.name));
    drawn.extend(named.flat_map(|trunk| of_gateways(trunk, targets)));
    drawn
}

/// The route groups that the decision was made from.
fn groups<'p>(plan: &'p Plan, decision: &Decision, call: &Call) -> &'p [RouteGroup] {
    if let Some(name) = &decision.rule {
        let rule = plan.rules.iter().find(|rule| rule.name == *name);
        return match rule.map(|rule| &rule.action) {
            Some(RuleAction::Route(groups)) => groups,
            _ => &[],
        };
    }
    let Some(emergency) = call.emergency else {
        return &[];
    };
    let table = &plan.emergency;
    let routes = |service| table.routes.get(&(emergency.region, service));
    let found = routes(emergency.service).or_else(|| routes(Service::Any));
    found.map_or(&*table.default, |groups| groups)
}

fn of_trunks(plan: &Plan, group: &RouteGroup, targets: &[TargetVerdict]) -> Option<Drawn> {
    let shares = group.0.iter().filter_map(|(trunk, weight)| Some((plan.trunk(*trunk)?.name.to_string(), *weight)));
    let shares: Vec<_> = shares.collect();
    let first = targets.iter().find(|target| shares.iter().any(|(name, _)| name == target.trunk.as_str()))?;
    (shares.len() > 1).then(|| Drawn { of: "trunks".to_owned(), first: first.trunk.to_string(), shares })
}

fn of_gateways(trunk: &Trunk, targets: &[TargetVerdict]) -> Vec<Drawn> {
    let mut priorities: Vec<u16> = trunk.gateways.iter().map(|gateway| gateway.priority).collect();
    priorities.sort_unstable();
    priorities.dedup();
    let one = |priority: u16| {
        let equals = trunk.gateways.iter().filter(|gateway| gateway.enabled && gateway.priority == priority);
        let shares: Vec<_> = equals.map(|gateway| (gateway.name.to_string(), gateway.weight)).collect();
        let tried =
            targets.iter().filter(|target| target.trunk == trunk.name).filter_map(|target| target.gateway.as_ref());
        let first = tried.map(ToString::to_string).find(|name| shares.iter().any(|(share, _)| share == name))?;
        (shares.len() > 1).then(|| Drawn { of: format!("gateways of {}", trunk.name), shares, first })
    };
    priorities.into_iter().filter_map(one).collect()
}
