//! Where an emergency call is taken to be, and that whatever is sent of it never costs the call.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use telness_core::call::{Call, Location, ReadLocation};
use telness_core::decide::{Action, Decision, EMERGENCY_RESPONSE_MS, EMERGENCY_SETUP_MS};
use telness_core::emergency::Service;
use telness_core::last_resort::LastResort;
use telness_core::location::{EmergencyRow, Located, LocationSource};
use telness_core::names::AreaName;
use telness_core::plan::{EmergencyTable, Plan, TestRoute, read_plan};
use telness_core::reason::Reason;
use telness_core::world::World;

use crate::book::{decided, emergency_call, steps, targets, uris};

const PLAN: &str = r#"
version: 1
default_region: SE
default_tenant: acme
tenants: [{ name: acme }]
sites:
  - { name: kista, tenant: acme, region: SE, area: stockholm, address: "Exempelgatan 1, Kista" }
  - { name: bromma, tenant: acme, region: SE, address: "Exempelgatan 2, Bromma" }
  - { name: softphones, tenant: acme, region: SE, area: stockholm, address: "Exempelgatan 1, Kista", nomadic: true }
  - { name: oslo, tenant: acme, region: "NO" }
trunks:
  - { name: east, gateways: [{ name: gw1, address: 192.0.2.1 }] }
  - { name: west, gateways: [{ name: gw1, address: 192.0.2.2 }] }
  - { name: north, gateways: [{ name: gw1, address: 192.0.2.3 }] }
  - { name: south, gateways: [{ name: gw1, address: 192.0.2.4 }] }
rules: []
emergency:
  areas:
    - name: stockholm
      region: SE
      municipality: "0180"
      civic: [Stockholm, Stockholms kommun]
      cells: [240-01-1-*, 240-01-2-7]
      polygons: [[{ lat: 59.2, lon: 17.8 }, { lat: 59.2, lon: 18.2 }, { lat: 59.4, lon: 18.2 }, { lat: 59.4, lon: 17.8 }]]
    - name: solna
      region: SE
      municipality: "0184"
      cells: [240-01-1-9-*, 240-01-*]
      polygons: [[{ lat: 59.4, lon: 17.8 }, { lat: 59.4, lon: 18.2 }, { lat: 59.5, lon: 18.2 }, { lat: 59.5, lon: 17.8 }]]
    - name: oslo
      region: "NO"
      municipality: "0301"
      civic: [Oslo]
      cells: [242-01-*]
  routes:
    - { region: SE, areas: [stockholm], service: fire, route: [{ trunk: west }, { trunk: north }] }
    - { region: SE, areas: [stockholm], route: [{ trunk: east }, { trunk: north }] }
    - { region: SE, service: police, route: [{ trunk: south }, { trunk: west }] }
    - { region: SE, route: [{ trunk: south }, { trunk: north }] }
    - { region: "NO", areas: [oslo], route: [{ trunk: west }, { trunk: south }] }
  default: [{ trunk: north }, { trunk: east }]
"#;

fn plan() -> Plan {
    read_plan(PLAN.as_bytes(), 1).unwrap_or_else(|faults| panic!("{}", faults.render("plan", PLAN)))
}

fn world() -> World {
    World::of_plan(plan()).with_last_resort(LastResort::parse("198.51.100.9, 198.51.100.10;transport=tls").unwrap())
}

fn call_at(service: Service, location: Option<Location>) -> Call {
    Call { location, ..emergency_call("SE", service, Some("112"), false) }
}

fn cell(cell: &str) -> Location {
    Location { cell: Some(Arc::from(cell)), ..Location::default() }
}

fn position(latitude: f64, longitude: f64) -> Location {
    Location { latitude: Some(latitude), longitude: Some(longitude), ..Location::default() }
}

fn municipality(code: &str) -> Location {
    Location { municipality: Some(Arc::from(code)), ..Location::default() }
}

fn by_value(position: Option<(f64, f64)>, country: &str, names: &[&str]) -> Location {
    let read = ReadLocation {
        latitude: position.map(|(latitude, _)| latitude),
        longitude: position.map(|(_, longitude)| longitude),
        country: country.parse().ok(),
        names: names.iter().map(|name| Arc::from(*name)).collect(),
        ..ReadLocation::default()
    };
    Location { pidf_lo: Some(Arc::from("<presence/>")), pidf_lo_read: Some(read), ..Location::default() }
}

fn located(decision: &Decision) -> &Located {
    decision.trace.located.as_ref().unwrap()
}

/// The area, the source and the first trunk for what was sent.
fn found(location: Location) -> (Option<String>, LocationSource, String) {
    let decision = decided(&world(), &call_at(Service::Any, Some(location)));
    let located = located(&decision);
    assert_eq!(located.default, located.source == LocationSource::Region);
    let area = located.area.as_ref().map(ToString::to_string);
    (area, located.source, decision.steps[0].targets[0].trunk.to_string())
}

#[test]
fn e9_every_place_and_service_has_two_ways_that_share_no_trunk_and_the_last_resort_behind() {
    let world = world();
    let places = [None, Some(position(59.3, 18.0)), Some(cell("240-01-5")), Some(cell("242-01-5"))];
    for (service, place) in Service::ALL.into_iter().flat_map(|service| places.clone().map(|place| (service, place))) {
        let decision = decided(&world, &call_at(service, place.clone()));
        assert_eq!((decision.action, decision.reason), (Action::Route, Reason::Routed));
        let trunks: Vec<&str> = decision.steps.iter().map(|step| step.targets[0].trunk.as_str()).collect();
        let (last, ways) = (trunks[trunks.len() - 2..].to_vec(), &trunks[..trunks.len() - 2]);
        assert_eq!(last, ["node.last-resort"; 2], "{service:?} {place:?}");
        assert!(ways.iter().collect::<BTreeSet<_>>().len() >= 2, "{service:?} {place:?}: {ways:?}");
        for target in decision.steps.iter().flat_map(|step| &step.targets) {
            assert_eq!(target.response_ms, Some(EMERGENCY_RESPONSE_MS));
            assert_eq!((target.setup_ms, target.ring_ms), (EMERGENCY_SETUP_MS, None));
            assert!(target.move_on.silence && target.move_on.sip.contains(&486) && target.move_on.q850.contains(&17));
        }
    }
    assert_eq!((EMERGENCY_RESPONSE_MS, EMERGENCY_SETUP_MS), (2000, 8000));
}

#[test]
fn e9_the_table_is_asked_by_area_then_region_and_service_comes_before_any() {
    let of = |service, location| {
        let decision = decided(&world(), &call_at(service, location));
        let trunks: Vec<String> = steps(&decision).into_iter().take(2).collect();
        (trunks.join(" "), located(&decision).row)
    };
    let in_stockholm = || Some(municipality("0180"));
    assert_eq!(of(Service::Fire, in_stockholm()), ("west/gw1 north/gw1".to_owned(), EmergencyRow::Area));
    assert_eq!(of(Service::Police, in_stockholm()), ("east/gw1 north/gw1".to_owned(), EmergencyRow::Area));
    assert_eq!(
        of(Service::Police, Some(municipality("0184"))).1,
        EmergencyRow::Region,
        "solna has no route of its own"
    );
    assert_eq!(of(Service::Police, None), ("south/gw1 west/gw1".to_owned(), EmergencyRow::Region));
    assert_eq!(of(Service::Any, None), ("south/gw1 north/gw1".to_owned(), EmergencyRow::Region));
    let abroad = emergency_call("NO", Service::Any, Some("112"), false);
    assert_eq!(located(&decided(&world(), &abroad)).row, EmergencyRow::Default);
}

#[test]
fn e9_an_empty_table_yields_the_last_resort_and_not_an_error() {
    let mut emptied = plan();
    emptied.emergency = EmergencyTable::default();
    let world = World::of_plan(emptied).with_last_resort(world().last_resort);
    for location in [None, Some(position(59.3, 18.0)), Some(municipality("0180"))] {
        let decision = decided(&world, &call_at(Service::Ambulance, location));
        assert_eq!((decision.action, located(&decision).row), (Action::Route, EmergencyRow::LastResort));
        let expected = ["sip:112@198.51.100.9;user=phone", "sip:112@198.51.100.10;user=phone;transport=tls"];
        assert_eq!(uris(&decision), expected);
        assert_eq!(decision.steps[0].targets[0].caller.as_deref(), Some("+46701740605"));
    }
    let nothing = World::of_plan(Plan { emergency: EmergencyTable::default(), ..plan() });
    let decision = decided(&nothing, &call_at(Service::Any, None));
    assert_eq!((decision.reason, located(&decision).row), (Reason::NoEmergencyRoute, EmergencyRow::Nothing));
}

#[test]
fn e9_a_route_whose_trunks_are_all_gone_yields_the_last_resort() {
    // What the check of a plan refuses, a defect could still leave behind: an index that leads nowhere.
    let mut broken = plan();
    broken.trunks = Box::default();
    let world = World::of_plan(broken).with_last_resort(world().last_resort);
    let decision = decided(&world, &call_at(Service::Any, Some(municipality("0180"))));
    assert_eq!(steps(&decision), ["node.last-resort/gw1", "node.last-resort/gw2"]);
}

#[test]
fn e9_the_last_resort_stands_behind_what_is_down_and_before_what_is_switched_off() {
    let mut world = world();
    let plan = Arc::make_mut(&mut world.plan);
    plan.trunks[0].enabled = false;
    let down = [("north".parse().unwrap(), "gw1".parse().unwrap())];
    Arc::make_mut(&mut world.health).down = down.into_iter().collect();
    let decision = decided(&world, &call_at(Service::Any, Some(municipality("0180"))));
    assert_eq!(steps(&decision), ["north/gw1", "node.last-resort/gw1", "node.last-resort/gw2", "east/gw1"]);
    let verdicts = targets(&decision);
    assert_eq!(verdicts[..2], ["east/gw1: last disabled", "north/gw1: last down"]);
}

#[test]
fn e10_a_location_is_found_by_each_of_what_switches_send() {
    let is = |location, area: &str, source, trunk: &str| {
        assert_eq!(found(location), (Some(area.to_owned()), source, trunk.to_owned()));
    };
    is(position(59.3, 18.0), "stockholm", LocationSource::Coordinates, "east");
    is(position(59.4, 18.0), "solna", LocationSource::Coordinates, "south");
    is(cell("240-01-2-7"), "stockholm", LocationSource::Cell, "east");
    is(cell("240-01-2-70"), "solna", LocationSource::Cell, "south");
    is(cell("240-01-1-4"), "stockholm", LocationSource::Cell, "east");
    is(cell("240-01-1-9-4"), "solna", LocationSource::Cell, "south");
    is(municipality("0184"), "solna", LocationSource::Municipality, "south");
    is(by_value(Some((59.3, 18.0)), "SE", &["Oslo"]), "stockholm", LocationSource::PidfLo, "east");
    is(by_value(None, "SE", &["Kista", "STOCKHOLMS KOMMUN"]), "stockholm", LocationSource::CivicAddress, "east");
    is(by_value(Some((0.0, 0.0)), "NO", &["oslo"]), "oslo", LocationSource::CivicAddress, "west");
    let kista = Location { site: Some(Arc::from("kista")), ..Location::default() };
    is(kista, "stockholm", LocationSource::Site, "east");
}

#[test]
fn e10_of_two_areas_that_have_a_position_the_first_counts() {
    let (apart, over) = ("[[{ lat: 59.4, lon: 17.8 }, { lat: 59.4,", "[[{ lat: 59.3, lon: 17.8 }, { lat: 59.3,");
    assert_eq!(PLAN.matches(apart).count(), 1);
    let world = World::of_plan(read_plan(PLAN.replace(apart, over).as_bytes(), 1).unwrap());
    for (latitude, area) in [(59.25, "stockholm"), (59.35, "stockholm"), (59.45, "solna")] {
        let decision = decided(&world, &call_at(Service::Any, Some(position(latitude, 18.0))));
        assert_eq!(located(&decision).area.as_ref().map(AreaName::as_str), Some(area), "{latitude}");
    }
}

#[test]
fn e10_what_is_nearest_to_the_caller_counts_and_what_leads_nowhere_is_passed_over_and_told() {
    let all = Location { municipality: Some(Arc::from("0184")), ..cell("240-01-1-4") };
    assert_eq!(
        found(Location { latitude: Some(59.45), longitude: Some(18.0), ..all.clone() }).0.as_deref(),
        Some("solna")
    );
    let at_sea = Location { latitude: Some(0.0), longitude: Some(0.0), ..all };
    let decision = decided(&world(), &call_at(Service::Any, Some(at_sea)));
    let place = located(&decision);
    assert_eq!((place.source, &*place.passed_over), (LocationSource::Cell, &[LocationSource::Coordinates][..]));
    assert_eq!((place.municipality.as_deref(), place.default), (Some("0180"), false));
}

#[test]
fn e10_bad_or_missing_locations_take_the_default_which_is_marked_and_cost_no_call() {
    let without = decided(&world(), &call_at(Service::Any, None));
    assert_eq!((located(&without).source, located(&without).default), (LocationSource::Region, true));
    let nowhere = [
        position(0.0, 0.0),
        position(f64::NAN, f64::INFINITY),
        Location { latitude: Some(59.3), ..Location::default() },
        cell(""),
        cell(&"2".repeat(10_000)),
        cell("\u{1f691}240-01-1-4"),
        municipality("9999"),
        municipality("0301"),
        by_value(Some((0.0, 0.0)), "SE", &["Atlantis"]),
        by_value(None, "XX", &["Stockholm"]),
        Location { pidf_lo: Some(Arc::from("<")), ..Location::default() },
        Location { site: Some(Arc::from("nowhere")), ..Location::default() },
        Location { site: Some(Arc::from("softphone")), ..Location::default() },
        Location::default(),
    ];
    for location in nowhere {
        let decision = decided(&world(), &call_at(Service::Any, Some(location.clone())));
        assert_eq!(decision.steps, without.steps, "{location:?}");
        assert_eq!((located(&decision).source, located(&decision).default), (LocationSource::Region, true));
    }
}

#[test]
fn e6_a_caller_in_an_area_of_another_region_gets_the_service_of_that_region() {
    let police_of_norway =
        Call { location: Some(cell("240-01-1-4")), ..emergency_call("NO", Service::Ambulance, Some("113"), false) };
    let decision = decided(&world(), &police_of_norway);
    assert_eq!(uris(&decision)[0], "sip:112@192.0.2.1;user=phone", "there is no 113 in Sweden");
    let ambulance = decided(&world(), &call_at(Service::Ambulance, Some(cell("242-01-1"))));
    assert_eq!(uris(&ambulance)[0], "sip:113@192.0.2.2;user=phone");
    // Within its own region the number that was dialled stays.
    let dialled =
        Call { location: Some(cell("240-01-1-4")), ..emergency_call("SE", Service::Any, Some("90000"), false) };
    assert_eq!(uris(&decided(&world(), &dialled))[0], "sip:90000@192.0.2.1;user=phone");
}

#[test]
fn e6_a_site_that_is_registered_nowhere_tells_the_region_all_the_same() {
    let at_oslo = || Some(Location { site: Some(Arc::from("oslo")), ..Location::default() });
    // The peer's own site says nothing of who is at another one.
    for own in [None, "kista".parse().ok()] {
        let decision = decided(&world(), &Call { site: own, ..call_at(Service::Ambulance, at_oslo()) });
        let place = located(&decision);
        assert_eq!((uris(&decision)[0], place.row), ("sip:113@192.0.2.3;user=phone", EmergencyRow::Default));
        assert_eq!((place.default, place.address.as_deref()), (true, None));
        assert_eq!(place.region.map(|region| region.to_string()).as_deref(), Some("NO"));
        assert_eq!(place.passed_over, [LocationSource::Site]);
    }
    assert_eq!(located(&decided(&world(), &call_at(Service::Any, None))).region, None);
}

#[test]
fn e6_a_test_call_tries_the_region_where_the_caller_is() {
    let mut plan = plan();
    let to_norway = plan.emergency.default.clone();
    let test = TestRoute { route: to_norway, number: None, calls_per_h_max: 12 };
    plan.emergency.tests.insert("NO".parse().unwrap(), test);
    let world = World::of_plan(plan);
    let test = |place| Call { location: Some(cell(place)), ..emergency_call("SE", Service::Fire, None, true) };
    let in_oslo = decided(&world, &test("242-01-5"));
    assert_eq!(uris(&in_oslo)[0], "sip:urn%3Aservice%3Atest.sos.fire@192.0.2.3");
    assert_eq!(located(&in_oslo).row, EmergencyRow::Region);
    let in_stockholm = decided(&world, &test("240-01-1-4"));
    assert_eq!((in_stockholm.reason, located(&in_stockholm).row), (Reason::EmergencyTest, EmergencyRow::Nothing));
}

#[test]
fn e6_the_site_s_registered_place_stands_in_and_never_for_who_may_be_anywhere() {
    let at = |site: &str, location| {
        let call = Call { site: Some(site.parse().unwrap()), ..call_at(Service::Any, location) };
        let decision = decided(&world(), &call);
        (located(&decision).clone(), steps(&decision)[0].clone())
    };
    let (kista, first) = at("kista", None);
    assert_eq!((kista.source, kista.default, kista.nomadic), (LocationSource::RegisteredSite, false, false));
    assert_eq!((kista.address.as_deref(), first.as_str()), (Some("Exempelgatan 1, Kista"), "east/gw1"));
    let (bromma, first) = at("bromma", None);
    assert_eq!((bromma.source, bromma.default, bromma.area), (LocationSource::RegisteredSite, false, None));
    assert_eq!((bromma.address.as_deref(), first.as_str()), (Some("Exempelgatan 2, Bromma"), "south/gw1"));
    let (softphone, first) = at("softphones", None);
    assert_eq!((softphone.source, softphone.default), (LocationSource::RegisteredSite, true));
    assert_eq!((softphone.nomadic, softphone.address, first.as_str()), (true, None, "east/gw1"));
    let (sent, first) = at("softphones", Some(municipality("0184")));
    assert_eq!((sent.source, sent.default, sent.nomadic), (LocationSource::Municipality, false, true));
    assert_eq!(first, "south/gw1");
    let (oslo, _) = at("oslo", None);
    assert_eq!((oslo.source, oslo.default), (LocationSource::Region, true), "registered nowhere in particular");
}

#[test]
fn e10_what_is_of_no_use_is_told_by_its_kind() {
    let sent = Location {
        pidf_lo: Some(Arc::from("<")),
        site: Some(Arc::from("nowhere")),
        latitude: Some(0.0),
        longitude: Some(0.0),
        municipality: Some(Arc::from("9999")),
        ..cell("1")
    };
    let decision = decided(&world(), &call_at(Service::Any, Some(sent)));
    let passed: Vec<&str> = located(&decision).passed_over.iter().map(|source| source.as_str()).collect();
    assert_eq!(passed, ["pidf_lo", "coordinates", "cell", "municipality", "site"]);
}

#[test]
fn e6_a_site_that_the_request_names_goes_before_the_peer_s_and_nomadic_can_be_said_of_any_call() {
    let at = |site: Option<&str>, nomadic| {
        let sent = Location { site: site.map(Arc::from), nomadic, ..Location::default() };
        let call = Call { site: "kista".parse().ok(), ..call_at(Service::Any, Some(sent)) };
        located(&decided(&world(), &call)).clone()
    };
    let bromma = at(Some("bromma"), false);
    assert_eq!((bromma.source, bromma.address.as_deref()), (LocationSource::Site, Some("Exempelgatan 2, Bromma")));
    let unknown = at(Some("nowhere"), false);
    assert_eq!((unknown.source, &*unknown.passed_over), (LocationSource::RegisteredSite, &[LocationSource::Site][..]));
    assert!(at(Some("softphones"), false).nomadic);
    for said in [at(None, true), at(Some("bromma"), true)] {
        assert_eq!((said.nomadic, said.default, said.address), (true, true, None));
    }
}

const PLACES: &str = include_str!("../../../../examples/emergency-places.yaml");

#[test]
fn e10_the_number_carries_the_code_of_the_place_on_trunks_that_take_codes() {
    let plan = read_plan(PLACES.as_bytes(), 1).unwrap_or_else(|faults| panic!("{}", faults.render("plan", PLACES)));
    assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);
    let municipalities = plan.emergency.codes[&"SE".parse().unwrap()].municipalities.clone();
    let mut world = World::of_plan(plan).with_last_resort(world().last_resort);
    let of = |world: &World, site: &str, location| {
        let call = Call { site: site.parse().ok(), ..call_at(Service::Any, location) };
        let decision = decided(world, &call);
        let numbers = uris(&decision).into_iter().map(|uri| uri.split([':', '@']).nth(1).unwrap().to_owned());
        (numbers.collect::<Vec<_>>(), located(&decision).code.map(|code| code.to_string()))
    };
    for (name, code) in &municipalities {
        let (numbers, shown) = of(&world, "nordtel-core", Some(municipality(name)));
        let coded = format!("112{code}");
        // Two gateways of the trunk that takes codes, two of the one that does not, and the last resort.
        assert_eq!(numbers, [&*coded, &*coded, "112", "112", "112", "112"], "{name}");
        assert_eq!(shown, Some(code.to_string()));
    }
    assert_eq!(of(&world, "granen-office", None).1.as_deref(), Some("9001"), "the site's registered place");
    let (numbers, shown) = of(&world, "granen-softphones", None);
    assert_eq!((numbers[0].as_str(), shown.as_deref()), ("1129800", Some("9800")));
    let sent = of(&world, "granen-softphones", Some(municipality("0180"))).1;
    assert_eq!(sent.as_deref(), Some("9800"), "who may be anywhere is asked, whatever was sent");
    assert_eq!(of(&world, "nordtel-core", None).0[0], "1129900", "nobody knows where");
    let codes = &mut Arc::make_mut(&mut world.plan).emergency.codes;
    codes.values_mut().for_each(|table| (table.nomadic, table.unknown) = (None, None));
    for site in ["granen-softphones", "nordtel-core"] {
        assert_eq!(of(&world, site, None), (vec!["112".to_owned(); 6], None), "{site}: no code is no reason to fail");
    }
}

fn anything() -> impl Strategy<Value = Location> {
    let number = || prop::option::of(prop_oneof![any::<f64>(), 50.0..70.0_f64, 10.0..25.0_f64]);
    let text = || prop::option::of(prop_oneof!["\\PC{0,80}", "24[0-2]-01-[0-9-]{0,6}", Just("0180".to_owned())]);
    (number(), number(), number(), text(), text()).prop_map(
        |(latitude, longitude, uncertainty_m, cell, municipality)| {
            let shared = |text: Option<String>| text.map(Arc::from);
            let (cell, municipality) = (shared(cell), shared(municipality));
            Location { latitude, longitude, uncertainty_m, cell, municipality, ..Location::default() }
        },
    )
}

proptest! {
    #[test]
    fn e10_no_location_whatever_costs_a_call_or_one_of_its_ways(location in anything(), service in 0..Service::ALL.len()) {
        let decision = decided(&world(), &call_at(Service::ALL[service], Some(location.clone())));
        prop_assert_eq!(decision.reason, Reason::Routed);
        prop_assert_eq!(decision.steps.len(), 4, "two ways and two last resorts: {:?}", location);
        prop_assert!(decision.steps.iter().all(|step| step.targets[0].uri.starts_with("sip:11")));
    }
}
