//! An emergency call gets through the whole node, whatever speaks against it.

use telness_core::call::{Draft, FieldFault, Location, Privacy};
use telness_core::class::Class;
use telness_core::decide::Action;
use telness_core::last_resort::LastResort;
use telness_core::reason::Reason;
use telness_engine::config::{Durability, KeyHolder, KeySetting};
use telness_engine::{Asker, CallError};

use crate::scene::{CARRIER, CLOSED, DIALLER, NOBODY, OFFICE, PLAN, STREET, SUSPENDED, Scene, draft, keyed};

#[tokio::test]
async fn e7_the_outcome_is_the_same_for_every_asker_that_the_plan_knows() {
    let scene = Scene::with(|settings| {
        settings.low.calls_in_flight_max = 0;
        settings.high.calls_in_flight_max = 0;
    });
    let wrong_key = Asker { key: Some("telness_key_of_nobody"), ..STREET };
    let right_key = Asker { key: Some(crate::scene::KEY), ..CLOSED };
    let expected = scene.call(&OFFICE, draft("112")).await.unwrap();
    assert_eq!(expected.record.routing.class, Class::Emergency);
    assert_eq!(expected.proof.as_str(), "deferred");
    for asker in [OFFICE, STREET, SUSPENDED, CARRIER, wrong_key, right_key] {
        for privacy in [Privacy::None, Privacy::Withheld] {
            let answer = scene.call(&asker, Draft { privacy, ..draft("112") }).await.unwrap();
            assert_eq!(answer.record.personal.steps, expected.record.personal.steps, "{asker:?}");
        }
    }
}

/// One call at once leaves no place for background calls, and what only says that it can wait goes on (E5).
#[tokio::test]
async fn e5_a_peer_whose_calls_can_wait_makes_emergency_calls_like_any_other() {
    let scene = Scene::with(|settings| settings.low.calls_in_flight_max = 1);
    let dialler = DIALLER;
    let refused = scene.call(&dialler, draft("+46701740605")).await.unwrap_err();
    assert_eq!(refused.reason(), Reason::Overloaded);
    let answer = scene.call(&dialler, draft("112")).await.unwrap();
    let expected = scene.call(&OFFICE, draft("112")).await.unwrap();
    assert_eq!(answer.record.routing.class, Class::Emergency);
    assert_eq!(answer.record.personal.steps, expected.record.personal.steps);

    let scene = Scene::new();
    let answer = scene.call(&dialler, draft("+46701740605")).await.unwrap();
    assert_eq!(answer.record.routing.class, Class::Background);
    assert_eq!(scene.call(&OFFICE, draft("+46701740605")).await.unwrap().record.routing.class, Class::Normal);
}

#[tokio::test]
async fn e7_an_operators_key_places_no_call_but_an_emergency_call() {
    let scene = Scene::with(|settings| {
        let operator = KeyHolder::Operator("anna".parse().unwrap());
        settings.keys = vec![KeySetting { holder: operator, sha256: crate::scene::KEY_SHA256 }];
    });
    let engine = scene.engine();
    let expected = scene.call(&OFFICE, draft("112")).await.unwrap();
    for from in [OFFICE, STREET, CLOSED, CARRIER, NOBODY] {
        let asker = Asker { key: Some(crate::scene::KEY), ..from };
        let refused = scene.call(&asker, draft("+46701740605")).await.unwrap_err();
        assert_eq!(refused.reason(), Reason::OperatorHasNoCalls, "{from:?}");
        let answer = scene.call(&asker, draft("112")).await.unwrap();
        assert_eq!(answer.record.personal.steps, expected.record.personal.steps, "{from:?}");
        let read = engine.read_call(&asker, answer.record.routing.call_id).await.unwrap_err();
        assert_eq!(read.reason(), Reason::OperatorHasNoCalls);
    }
}

#[tokio::test]
async fn e7_a_network_that_the_plan_does_not_allow_is_refused() {
    let scene = Scene::new();
    for asker in [NOBODY, CLOSED] {
        assert!(scene.call(&asker, draft("112")).await.is_err());
    }
}

#[tokio::test]
async fn e8_the_destination_alone_is_enough() {
    let scene = Scene::new();
    let mut broken = draft("112");
    broken.from = Some("\u{0}".into());
    broken.faults.push(FieldFault {
        field: "location".into(),
        reason: Reason::FieldInvalid,
        detail: "not a place".into(),
    });
    let answer = scene.call(&OFFICE, broken).await.unwrap();
    assert_eq!(answer.record.routing.action, Action::Route);
    assert!(answer.record.personal.notes.iter().any(|note| &*note.field == "location"));
}

#[tokio::test]
async fn e8_of_a_doubled_destination_the_emergency_call_counts() {
    let scene = Scene::new();
    let doubled =
        |to: &str, again: &[&str]| Draft { to_again: again.iter().map(|&to| to.into()).collect(), ..draft(to) };
    // The carrier's prefix is taken off each.
    let answer = scene.call(&CARRIER, doubled("0701740605", &["0701740606", "88112", "0701740607"])).await.unwrap();
    assert_eq!((answer.record.routing.class, &*answer.record.personal.to.sent), (Class::Emergency, "88112"));
    let answer = scene.call(&OFFICE, doubled("112", &["0701740606"])).await.unwrap();
    assert_eq!(&*answer.record.personal.to.sent, "112");
    let keyed = |again: &[&str]| Draft { idempotency_key: Some("one".into()), ..doubled("112", again) };
    let first = scene.call(&OFFICE, keyed(&["0701740606"])).await.unwrap();
    let second = scene.call(&OFFICE, keyed(&[])).await.unwrap();
    assert!(second.replayed, "what was ignored makes another request of it");
    assert_eq!(second.record.routing.call_id, first.record.routing.call_id);
    let answer = scene.call(&OFFICE, doubled("90701740605", &["90701740606"])).await.unwrap();
    assert_eq!((answer.record.routing.class, &*answer.record.personal.to.sent), (Class::Normal, "90701740605"));
}

#[tokio::test]
async fn e4_an_inward_translation_does_not_hide_an_emergency_number() {
    let scene = Scene::new();
    for dialled in ["112", "88112", "sip:88112@203.0.113.1;user=phone", "tel:88-112", "sip:112@203.0.113.1"] {
        let answer = scene.call(&CARRIER, draft(dialled)).await.unwrap();
        assert_eq!(answer.record.routing.class, Class::Emergency, "{dialled}");
    }
}

#[tokio::test]
async fn e4_a_vital_number_does_not_hide_the_emergency_number_that_it_is_translated_to() {
    let scene = Scene::new();
    let answer = scene.call(&CARRIER, draft("+46846500499")).await.unwrap();
    assert_eq!(answer.record.routing.class, Class::Emergency);
    assert_eq!(answer.record.routing.action, Action::Route);
}

#[tokio::test]
async fn e3_an_emergency_number_is_the_same_call_in_a_context_or_behind_a_name() {
    let scene = Scene::new();
    for dialled in
        ["tel:112;phone-context=+468", "sip:112;phone-context=+47@ims.example", "112 <sip:112@a.example>;tag=1"]
    {
        let answer = scene.call(&OFFICE, draft(dialled)).await.unwrap();
        assert_eq!(answer.record.routing.class, Class::Emergency, "{dialled}");
    }
}

#[tokio::test]
async fn e1_the_outside_line_prefix_of_the_tenant_makes_an_emergency_call_where_the_peer_has_no_site() {
    let scene = Scene::new();
    let with_key = |asker| Asker { key: Some(crate::scene::KEY), ..asker };
    for asker in [with_key(STREET), with_key(NOBODY)] {
        let answer = scene.call(&asker, draft("9112")).await.unwrap();
        assert_eq!(answer.record.routing.class, Class::Emergency, "{asker:?}");
        assert!(scene.call(&asker, draft("0112")).await.is_err(), "a prefix of nobody's");
        assert!(scene.call(&asker, draft("9070")).await.is_err(), "it authorises nothing");
    }
    assert!(scene.call(&STREET, draft("9112")).await.is_err(), "nobody's prefix without a tenant");
    assert!(scene.call(&CARRIER, draft("9112")).await.is_err(), "a carrier is no tenant's");
}

#[tokio::test]
async fn e6_the_region_is_where_the_caller_is() {
    let scene = Scene::new();
    let norway = scene.call(&crate::scene::OTHER, draft("113")).await.unwrap();
    assert_eq!(norway.record.routing.class, Class::Emergency);
    let sweden = scene.call(&OFFICE, draft("113")).await;
    assert!(sweden.is_err() || sweden.unwrap().record.routing.class == Class::Normal);
}

/// Of a caller without a site nobody knows whether it is in Sweden or in Norway, so both regions' numbers call for help.
#[tokio::test]
async fn e6_where_nothing_tells_the_region_a_number_that_calls_for_help_in_any_of_the_plan_s_is_an_emergency() {
    let scene = Scene::new();
    let wrong_key = Asker { key: Some("telness_key_of_nobody"), ..STREET };
    let right_key = Asker { key: Some(crate::scene::KEY), ..STREET };
    for asker in [STREET, wrong_key, right_key, CARRIER, SUSPENDED] {
        let answer = scene.call(&asker, draft("110")).await.unwrap();
        let record = &answer.record;
        assert_eq!(record.routing.class, Class::Emergency, "{asker:?}");
        assert_eq!(&*record.personal.steps[0].targets[0].uri, "sip:110@203.0.113.1:5060;user=phone");
        let located = record.personal.trace.located.as_ref().unwrap();
        assert_eq!((located.region.map(|region| region.to_string()).as_deref(), located.default), (Some("NO"), true));
        let swedish = scene.call(&asker, draft("90000")).await.unwrap();
        assert_eq!(
            swedish.record.personal.trace.located.as_ref().unwrap().region,
            None,
            "the default one before others"
        );
    }
    // Sites know where they are, and a location tells of any call where it is.
    let at = |site: &str| Draft {
        location: Some(Location { site: Some(site.into()), ..Location::default() }),
        ..draft("110")
    };
    let of_the_office = scene.call(&OFFICE, draft("110")).await.unwrap();
    assert_eq!(of_the_office.record.routing.class, Class::Normal, "an extension in Sweden");
    assert!(scene.call(&right_key, at("office")).await.is_err());
    for asker in [OFFICE, right_key] {
        let answer = scene.call(&asker, at("elsewhere")).await.unwrap();
        assert_eq!(answer.record.routing.class, Class::Emergency, "{asker:?}");
    }
    let lost = scene.call(&right_key, at("nowhere")).await.unwrap();
    assert_eq!(lost.record.routing.class, Class::Emergency, "what tells nothing takes nothing away");
}

#[tokio::test]
async fn e17_so_many_test_calls_go_out_as_was_agreed_on_and_no_real_one_is_counted() {
    let tests = "emergency:\n  tests: [{ region: SE, number: \"+46846500498\", calls_per_h_max: 3, route: [{ trunk: south }] }]\n";
    let scene = Scene::new();
    let file = scene.file("tests.yaml", &PLAN.replace("emergency:\n", tests));
    scene.engine().reload_plan(Some(&file)).unwrap();
    for _ in 0..3 {
        let sent = scene.call(&OFFICE, draft("urn:service:test.sos")).await.unwrap();
        assert_eq!(&*sent.record.personal.steps[0].targets[0].uri, "sip:+46846500498@203.0.113.17:5060;user=phone");
    }
    for dialled in ["urn:service:test.sos", "urn:service:test.sos.fire"] {
        let refused = scene.call(&OFFICE, keyed(dialled, dialled)).await.unwrap_err();
        assert_eq!(refused.reason(), Reason::EmergencyTestsLimited);
        let CallError::TestsLimited { calls_per_h_max: 3, retry_after_s } = refused else { panic!("{refused}") };
        assert!((1..=1200).contains(&retry_after_s), "{retry_after_s}");
    }
    for _ in 0..20 {
        assert!(scene.call(&OFFICE, draft("urn:service:sos")).await.is_ok());
        assert!(scene.call(&OFFICE, draft("112")).await.is_ok());
    }
    // Where there is no test route nothing goes out, so nothing is counted.
    for _ in 0..20 {
        let answered = scene.call(&crate::scene::OTHER, draft("urn:service:test.sos")).await.unwrap();
        assert_eq!(answered.record.routing.reason, Reason::EmergencyTest);
    }
}

#[tokio::test]
async fn e11_no_place_is_needed() {
    let scene = Scene::with(|settings| settings.high.calls_in_flight_max = 0);
    assert!(scene.call(&OFFICE, draft("1177")).await.is_err(), "a vital call needs a place");
    assert!(scene.call(&OFFICE, draft("112")).await.is_ok());
}

#[tokio::test]
async fn n5_another_body_under_the_same_key_is_a_new_flagged_call_for_an_emergency() {
    let scene = Scene::new();
    let first = scene.call(&OFFICE, keyed("112", "one")).await.unwrap();
    let again = scene.call(&OFFICE, keyed("112", "one")).await.unwrap();
    assert!(again.replayed);
    let mut other = keyed("112", "one");
    other.from = None;
    let other = scene.call(&OFFICE, other).await.unwrap();
    assert_ne!(other.record.routing.call_id, first.record.routing.call_id);
    assert_eq!(other.record.personal.notes[0].reason, Reason::IdempotencyConflict);
}

#[tokio::test]
async fn the_record_of_an_emergency_call_follows() {
    let scene = Scene::new();
    let id = scene.call(&OFFICE, draft("112")).await.unwrap().record.routing.call_id;
    let engine = scene.engine();
    let found = async {
        while engine.read_call(&OFFICE, id).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(5), found).await.unwrap();
}

/// Whatever the settings say of answers, and also if only a rule makes an emergency call of it.
#[tokio::test]
async fn e4_e12_no_answer_to_an_emergency_call_waits_for_a_disk() {
    for durability in [Durability::Journal, Durability::Database] {
        let scene =
            Scene::with(|settings| (settings.high.durability, settings.low.durability) = (durability, durability));
        let rule = "rules:\n  - { name: guard, priority: 9, match: { called: [\"ext:477\"] }, rewrite: { strip: 3, prepend: \"112\" } }\n";
        let file = scene.file("guard.yaml", &PLAN.replace("rules:\n", rule));
        scene.engine().reload_plan(Some(&file)).unwrap();
        for to in ["112", "477"] {
            let answer = scene.call(&OFFICE, draft(to)).await.unwrap();
            assert_eq!((answer.record.routing.class, answer.proof.as_str()), (Class::Emergency, "deferred"), "{to}");
        }
        let counted = "class=\"emergency\",outcome=\"Routed\",reason=\"routed\"} 2\n";
        let metrics = scene.engine().metrics_text();
        assert!(metrics.contains(counted), "both are counted as what they are:\n{metrics}");
    }
}

#[tokio::test]
async fn e9_the_last_resort_of_the_node_stands_behind_every_plan() {
    let scene = Scene::with(|settings| settings.last_resort = LastResort::parse("198.51.100.9:5060").unwrap());
    let trunks = async || {
        let answer = scene.call(&OFFICE, draft("112")).await.unwrap();
        let steps = &answer.record.personal.steps;
        steps.iter().map(|step| step.targets[0].trunk.to_string()).collect::<Vec<_>>()
    };
    let before = trunks().await;
    assert_eq!(before.last().map(String::as_str), Some("node.last-resort"));
    let plan = scene.file("other.yaml", include_str!("../../../../examples/sweden.yaml"));
    scene.engine().reload_plan(Some(&plan)).unwrap();
    let asker = Asker { address: std::net::Ipv4Addr::LOCALHOST.into(), ..OFFICE };
    let answer = scene.call(&asker, draft("112")).await.unwrap();
    let last = &answer.record.personal.steps.last().unwrap().targets[0];
    assert_eq!(&*last.uri, "sip:112@198.51.100.9:5060;user=phone", "another plan has not taken it away");
    assert_eq!((last.response_ms, last.setup_ms, last.ring_ms), (Some(2000), 8000, None));
}
