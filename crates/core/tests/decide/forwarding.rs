//! A forwarded call that comes round is stopped, and one that only looks like it goes on.

use std::sync::Arc;

use telness_core::decide::Action;
use telness_core::number::Number;
use telness_core::plan::{Rewrite, RuleAction};
use telness_core::reason::Reason;
use telness_core::world::World;

use crate::book::{Book, call, decided, digits, diverted, from_carrier};

const MOBILE: &str = "+46701740610";
const ANNA: &str = "+46846500410";

fn anywhere() -> World {
    Book::default().trunk("carrier", 1).route("any", "any", &["carrier"]).world()
}

/// Anna's extension at one of two PBXs, and a public number that a rule rewrites to it.
fn office() -> World {
    let gateway = |address: &'static str| {
        move |trunk: &mut telness_core::plan::Trunk| trunk.gateways[0].address = Arc::from(address)
    };
    let extension = Rewrite::To(Number::Extension { digits: digits("200") });
    Book::default()
        .trunk_with("pbx", 1, gateway("pbx.example:5070"))
        .trunk_with("pbx-v6", 1, gateway("[2001:db8::10]:5061"))
        .trunk_with("branch", 1, gateway("branch.example"))
        .user("anna", "acme", &[], Some("200"), &[("pbx", "x7200"), ("pbx-v6", "x200"), ("branch", MOBILE)])
        .rule("anna", ANNA, RuleAction::Rewrite(extension), |_| {})
        .world()
}

#[test]
fn c7_five_diversions_are_too_many() {
    let five = ["+46701740611", "+46701740612", "+46701740613", "+46701740614", "+46701740615"];
    assert_eq!(decided(&anywhere(), &diverted(call(MOBILE), &five[..4])).action, Action::Route);
    let decision = decided(&anywhere(), &diverted(call(MOBILE), &five));
    assert_eq!((decision.action, decision.reason), (Action::Reject, Reason::ForwardLoop));
}

#[test]
fn c7_a_forward_that_comes_round_is_stopped_however_its_number_is_written() {
    for by in [
        "+46701740610",
        "46701740610",
        "0046701740610",
        "070-174 06 10",
        "９-070 174 06 10",
        "sip:+46701740610@pbx.example;user=phone",
        "<SIP:+46701740610@pbx.example>",
        "sips:%2B46701740610:secret@pbx.example",
        "\"Anna\" <sip:0701740610@pbx.example>;reason=no-answer",
        "\"a < b\" <Sip:+46701740610@pbx.example;user=phone>",
        "tel:+46-70-174-06-10",
        "TEL:701740610;phone-context=+46",
    ] {
        let mut call = diverted(call(MOBILE), &["+46701740611", by]);
        call.place.outside_line_prefix = Some(digits("9"));
        let decision = decided(&anywhere(), &call);
        assert_eq!((decision.action, decision.reason), (Action::Reject, Reason::ForwardLoop), "{by}");
    }
}

#[test]
fn c7_a_diversion_is_read_in_the_place_of_the_peer() {
    let mut call = diverted(call(MOBILE), &["070-174 06 10"]);
    assert_eq!(decided(&anywhere(), &call).reason, Reason::ForwardLoop);
    call.place.region = "DE".parse().unwrap();
    assert_eq!(decided(&anywhere(), &call).action, Action::Route);
}

#[test]
fn c7_another_number_among_the_diversions_stops_nothing() {
    for by in ["+467017406100", "070-174 06 11", "anna", "", "<", "sip:pbx.example", "urn:service:sos"] {
        assert_eq!(decided(&anywhere(), &diverted(call(MOBILE), &[by])).action, Action::Route, "{by}");
    }
}

#[test]
fn c7_another_pbxs_extension_of_the_same_digits_is_somebody_else() {
    for by in [
        "200",
        "tel:200",
        "sip:200@pbx.elsewhere.example",
        "<sip:200@198.51.100.7:5070>",
        "sip:200@branch.example",
        "sip:201@[2001:db8::10]",
    ] {
        for call in [call("x200"), call(ANNA), from_carrier(ANNA)] {
            let decision = decided(&office(), &diverted(call, &[by]));
            assert_eq!((decision.action, decision.reason), (Action::Route, Reason::Routed), "{by}");
        }
    }
    assert_eq!(decided(&anywhere(), &diverted(call("SE/1177"), &["sip:1177@pbx.example"])).action, Action::Route);
}

#[test]
fn c7_an_extension_that_forwarded_is_known_at_its_own_pbx() {
    for by in [
        "sip:7200@pbx.example",
        "\"Anna\" <SIP:7200@PBX.example:5070;transport=tcp>;reason=no-answer",
        "sip:200@[2001:db8::10]:5060;user=phone",
    ] {
        for call in [call("x200"), call(ANNA), from_carrier(ANNA)] {
            assert_eq!(decided(&office(), &diverted(call, &[by])).reason, Reason::ForwardLoop, "{by}");
        }
    }
}

#[test]
fn who_forwarded_last_is_in_the_trace() {
    let to = |to: &str| RuleAction::Rewrite(Rewrite::To(crate::book::number(to)));
    let world = Book::default()
        .trunk("carrier", 1)
        .user("anna", "acme", &[ANNA], None, &[("carrier", MOBILE)])
        .user("berit", "other", &["+46846500420"], None, &[("carrier", MOBILE)])
        .rule("to-berit", ANNA, to("+46846500420"), |_| {})
        .rule("out", "+46846500420", to("+46701740615"), |rule| rule.priority = 1)
        .route("any", "any", &["carrier"])
        .world();
    for call in [call(ANNA), from_carrier(ANNA)] {
        let decision = decided(&world, &call);
        assert_eq!((decision.action, decision.reason), (Action::Route, Reason::Routed), "{decision:?}");
        let by = decision.trace.forwarded_by.unwrap();
        let user = by.user.map(|user| user.to_string());
        assert_eq!(
            (by.tenant.as_str(), user.as_deref(), by.number.to_string().as_str()),
            ("other", Some("berit"), "+46846500420")
        );
    }
    let plain = decided(&world, &call("+46701740616"));
    assert_eq!((plain.trace.forwarded_by, plain.trace.on_behalf), (None, None));
}
