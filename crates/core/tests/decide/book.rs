//! Builds small worlds and calls for the tests, so that each test states only what it is about.

use std::collections::BTreeMap;
use std::sync::Arc;

use telness_core::call::{Call, CallId, CallType, Direction, Diversion, Metadata, Party, Privacy};
use telness_core::class::{Class, Place};
use telness_core::decide::{Decision, Dropped, Verdict, decide, reserve};
use telness_core::directory::{self, Directory, NumberEntry, NumberState, Preferences, UserDevice};
use telness_core::emergency::{Emergency, Service};
use telness_core::facts::{Facts, Wanted};
use telness_core::number::{Digits, E164, Number};
use telness_core::plan::{
    CalledIndex, Condition, Device, EmergencyTable, Gateway, MoveOn, NumberFormat, Plan, PrefixTable, RouteGroup, Rule,
    RuleAction, RuleIx, Run, Translations, Transport, Trunk, TrunkIx, User, UserIx,
};
use telness_core::time::Timestamp;
use telness_core::world::{Decks, Moment, World};

/// Noon of a Monday, UTC.
pub(crate) const NOON: Timestamp = Timestamp::from_micros(1_795_435_200_000_000);

pub(crate) fn digits(text: &str) -> Digits {
    text.parse().unwrap()
}

/// `+46…` is a public number, `SE/1177` a short one, `x200` an extension.
pub(crate) fn number(text: &str) -> Number {
    if text.starts_with('+') {
        Number::E164 { number: text.parse().unwrap() }
    } else if let Some((region, short)) = text.split_once('/') {
        Number::Short { region: region.parse().unwrap(), digits: digits(short) }
    } else {
        Number::Extension { digits: digits(text.strip_prefix('x').unwrap()) }
    }
}

/// A rule and the called pattern it has: a prefix written like [`number`], or `any`.
pub(crate) struct Entry {
    pub(crate) called: String,
    pub(crate) rule: Rule,
}

/// A plan in the making.
pub(crate) struct Book {
    pub(crate) plan: Plan,
    pub(crate) entries: Vec<Entry>,
    pub(crate) decks: Decks,
    pub(crate) directory: Directory,
    pub(crate) down: Vec<(String, String)>,
}

impl Default for Book {
    fn default() -> Self {
        let plan = Plan {
            revision: 7,
            default_region: "SE".parse().unwrap(),
            default_tenant: "acme".parse().unwrap(),
            tenants: BTreeMap::new(),
            sites: Box::default(),
            elsewhere: Box::default(),
            peers: Box::default(),
            trunks: Box::default(),
            users: Box::default(),
            holders: BTreeMap::new(),
            extensions: BTreeMap::new(),
            schedules: Box::default(),
            rules: Box::default(),
            called: CalledIndex::default(),
            emergency: EmergencyTable::default(),
            vital: BTreeMap::new(),
            warnings: Box::default(),
        };
        Self { plan, entries: Vec::new(), decks: Decks::default(), directory: Directory::default(), down: Vec::new() }
    }
}

impl Book {
    /// A trunk with gateways `gw1`, `gw2` and so on at 192.0.2.1, .2 and so on, by ascending priority.
    pub(crate) fn trunk(self, name: &str, gateways: u8) -> Self {
        self.trunk_with(name, gateways, |_| {})
    }

    pub(crate) fn trunk_with(mut self, name: &str, gateways: u8, change: impl FnOnce(&mut Trunk)) -> Self {
        let gateway = |at: u8| Gateway {
            name: format!("gw{at}").parse().unwrap(),
            address: Arc::from(format!("192.0.2.{at}:5060")),
            transport: Transport::Udp,
            enabled: true,
            priority: u16::from(at),
            weight: 1,
        };
        let mut trunk = Trunk {
            name: name.parse().unwrap(),
            enabled: true,
            emergency_service: false,
            tenants: Box::default(),
            gateways: (1..=gateways).map(gateway).collect(),
            translations: Translations::default(),
            number_format: NumberFormat::E164,
            default_caller: None,
            setup_ms: 4000,
            ring_ms: 60_000,
            move_on: Arc::new(MoveOn::default()),
            probe: None,
        };
        change(&mut trunk);
        push(&mut self.plan.trunks, trunk);
        self
    }

    pub(crate) fn ix(&self, trunk: &str) -> TrunkIx {
        TrunkIx(u32::try_from(self.plan.trunks.iter().position(|one| one.name.as_str() == trunk).unwrap()).unwrap())
    }

    /// Trunks as one group each.
    pub(crate) fn groups(&self, trunks: &[&str]) -> Box<[RouteGroup]> {
        trunks.iter().map(|name| RouteGroup(Box::new([(self.ix(name), 1)]))).collect()
    }

    /// A rule that routes to trunks in order.
    pub(crate) fn route(self, name: &str, called: &str, trunks: &[&str]) -> Self {
        self.route_if(name, called, trunks, |_| {})
    }

    pub(crate) fn route_if(self, name: &str, called: &str, trunks: &[&str], change: impl FnOnce(&mut Rule)) -> Self {
        let action = RuleAction::Route(self.groups(trunks));
        self.rule(name, called, action, change)
    }

    pub(crate) fn rule(mut self, name: &str, called: &str, action: RuleAction, change: impl FnOnce(&mut Rule)) -> Self {
        let mut rule = Rule {
            name: name.parse().unwrap(),
            enabled: true,
            priority: 0,
            condition: Condition::default(),
            action,
            last: false,
            wants: Wanted::NONE,
        };
        change(&mut rule);
        self.entries.push(Entry { called: called.to_owned(), rule });
        self
    }

    /// A user of a tenant, with devices as trunk and number.
    pub(crate) fn user(
        mut self,
        name: &str,
        tenant: &str,
        numbers: &[&str],
        extension: Option<&str>,
        devices: &[(&str, &str)],
    ) -> Self {
        let at = UserIx(u32::try_from(self.plan.users.len()).unwrap());
        let numbers: Box<[E164]> = numbers.iter().map(|text| text.parse().unwrap()).collect();
        self.plan.holders.extend(numbers.iter().map(|held| (*held, at)));
        let extension = extension.map(digits);
        self.plan.extensions.extend(extension.map(|held| ((tenant.parse().unwrap(), held), at)));
        let device = |(trunk, to): &(&str, &str)| Device { trunk: self.ix(trunk), number: number(to) };
        let devices = devices.iter().map(device).collect();
        let user = User { name: name.parse().unwrap(), tenant: tenant.parse().unwrap(), numbers, extension, devices };
        push(&mut self.plan.users, user);
        self
    }

    pub(crate) fn deck(mut self, trunk: &str, rates: &[(&str, u32)]) -> Self {
        let table = PrefixTable::build(rates.iter().map(|(prefix, rate)| (digits(prefix), *rate)));
        self.decks = std::mem::take(&mut self.decks).with(trunk.parse().unwrap(), Arc::new(table));
        self
    }

    /// A user of the directory, who may be of a tenant and on trunks that the plan does not have.
    pub(crate) fn listed(
        mut self,
        name: &str,
        tenant: &str,
        extension: Option<&str>,
        devices: &[(&str, &str)],
    ) -> Self {
        let device = |(trunk, number): &(&str, &str)| UserDevice {
            trunk: trunk.parse().unwrap(),
            number: number.parse().unwrap(),
        };
        self.directory.put_user(&directory::User {
            name: name.parse().unwrap(),
            tenant: tenant.parse().unwrap(),
            extension: extension.map(digits),
            devices: devices.iter().map(device).collect(),
            preferences: Preferences { do_not_disturb: name.starts_with("quiet"), language: None },
        });
        self.plan.tenants.entry("acme".parse().unwrap()).or_default();
        self
    }

    /// A number of the inventory.
    pub(crate) fn entry(mut self, number: &str, state: NumberState, user: Option<&str>, cutover: Option<i64>) -> Self {
        self.directory.put_number(&NumberEntry {
            number: number.parse().unwrap(),
            state,
            tenant: "acme".parse().unwrap(),
            user: user.map(|name| name.parse().unwrap()),
            cutover: cutover.map(Timestamp::from_micros),
        });
        self
    }

    pub(crate) fn down(mut self, trunk: &str, gateway: &str) -> Self {
        self.down.push((trunk.to_owned(), gateway.to_owned()));
        self
    }

    pub(crate) fn change(mut self, change: impl FnOnce(&mut Plan)) -> Self {
        change(&mut self.plan);
        self
    }

    pub(crate) fn emergency(mut self, region: &str, service: Service, trunks: &[&str]) -> Self {
        let groups = self.groups(trunks);
        self.plan.emergency.routes.insert((region.parse().unwrap(), service), groups);
        self
    }

    /// The world, with its rules put into the index as the compiler does it.
    pub(crate) fn world(self) -> World {
        let mut plan = self.plan;
        let (called, rules): (Vec<_>, Vec<_>) =
            self.entries.into_iter().map(|entry| (entry.called, entry.rule)).unzip();
        plan.called = index(&called, &rules);
        plan.rules = rules.into();
        let mut world = World::new(Arc::new(plan), self.directory, self.decks, Arc::default());
        let down = self.down.iter().map(|(trunk, gateway)| (trunk.parse().unwrap(), gateway.parse().unwrap()));
        Arc::make_mut(&mut world.health).down = down.collect();
        world
    }
}

/// The rules by called pattern.
fn index(patterns: &[String], rules: &[Rule]) -> CalledIndex {
    let mut sets: BTreeMap<&str, Vec<RuleIx>> = BTreeMap::new();
    for (at, pattern) in patterns.iter().enumerate() {
        sets.entry(pattern).or_default().push(RuleIx(u32::try_from(at).unwrap()));
    }
    let mut called = CalledIndex::default();
    let (mut e164, mut extensions, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for (pattern, set) in sets {
        let set = Run::new(rules, set);
        if pattern == "any" {
            called.any = set;
            continue;
        }
        let at = u32::try_from(all.len()).unwrap();
        all.push(set);
        if let Some((region, short)) = pattern.split_once('/') {
            called.short.insert((region.parse().unwrap(), digits(short)), at);
        } else if let Some(prefix) = pattern.strip_prefix('+') {
            e164.push((digits(prefix), at));
        } else {
            extensions.push((digits(pattern.strip_prefix('x').unwrap()), at));
        }
    }
    called.e164 = PrefixTable::build(e164);
    called.extensions = PrefixTable::build(extensions);
    called.sets = all.into();
    called
}

fn push<T>(list: &mut Box<[T]>, one: T) {
    let mut all = std::mem::take(list).into_vec();
    all.push(one);
    *list = all.into();
}

/// A call of tenant `acme` from a mobile in Sweden.
pub(crate) fn call(to: &str) -> Call {
    Call {
        id: CallId("01900000-0000-7000-8000-000000000001".parse().unwrap()),
        tenant: "acme".parse().unwrap(),
        class: Class::Normal,
        emergency: None,
        callback: None,
        kind: CallType::Mobile,
        direction: Direction::FromTenant,
        peer: None,
        site: None,
        place: Place::region("SE".parse().unwrap()),
        from: Some(Party { sent: Arc::from("+46701740605"), read: Some(number("+46701740605")) }),
        to: Party { sent: Arc::from(to), read: Some(number(to)) },
        privacy: Privacy::None,
        diversions: Vec::new(),
        metadata: Metadata::new(),
        location: None,
        sip_call_id: None,
        received_at: NOON,
        notes: Vec::new(),
    }
}

pub(crate) fn from_carrier(to: &str) -> Call {
    Call { direction: Direction::FromCarrier, ..call(to) }
}

/// An emergency call, or a test of one, of which no number was read.
pub(crate) fn emergency_call(region: &str, service: Service, dialled: Option<&str>, test: bool) -> Call {
    let region = region.parse().unwrap();
    let mut call = call("x0");
    call.class = if test { Class::Background } else { Class::Emergency };
    call.emergency = Some(Emergency { service, test, region, digits: dialled.map(digits) });
    call.place = Place::region(region);
    call.to = Party { sent: Arc::from(dialled.unwrap_or("urn:service:sos")), read: None };
    call
}

pub(crate) fn diverted(mut call: Call, by: &[&str]) -> Call {
    let one = |by: &&str| Diversion { by: Arc::from(*by), cause: Arc::from("no-answer") };
    call.diversions = by.iter().map(one).collect();
    call
}

pub(crate) fn moment(call: &Call) -> Moment {
    Moment::of(NOON, call.id, [7; 16])
}

/// Decides with room for every target.
pub(crate) fn decided(world: &World, call: &Call) -> Decision {
    reserve(decide(world, call, &Facts::default(), moment(call)), |_| true)
}

/// The steps as `trunk/gateway`, parallel targets joined by `+`.
pub(crate) fn steps(decision: &Decision) -> Vec<String> {
    let step = |targets: &[telness_core::decide::Target]| {
        let names: Vec<String> = targets.iter().map(|one| format!("{}/{}", one.trunk, one.gateway)).collect();
        names.join("+")
    };
    decision.steps.iter().map(|one| step(&one.targets)).collect()
}

pub(crate) fn verdict(verdict: Verdict) -> String {
    match verdict {
        Verdict::Kept => "kept".to_owned(),
        Verdict::Last(why) => format!("last {}", dropped(why)),
        Verdict::Dropped(why) => dropped(why),
    }
}

fn dropped(why: Dropped) -> String {
    serde_json::to_value(why).unwrap().as_str().unwrap().to_owned()
}

/// The rules' verdicts as `rule: verdict`.
pub(crate) fn rules(decision: &Decision) -> Vec<String> {
    decision.trace.rules.iter().map(|one| format!("{}: {}", one.rule, verdict(one.verdict))).collect()
}

/// The targets' verdicts as `trunk/gateway: verdict`, `trunk: verdict` for a trunk that was dropped whole.
pub(crate) fn targets(decision: &Decision) -> Vec<String> {
    let place = |one: &telness_core::decide::TargetVerdict| match &one.gateway {
        Some(gateway) => format!("{}/{gateway}", one.trunk),
        None => one.trunk.to_string(),
    };
    decision.trace.targets.iter().map(|one| format!("{}: {}", place(one), verdict(one.verdict))).collect()
}

/// The URIs to dial, in order.
pub(crate) fn uris(decision: &Decision) -> Vec<&str> {
    decision.steps.iter().flat_map(|step| &step.targets).map(|target| &*target.uri).collect()
}
