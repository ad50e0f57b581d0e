//! Digits, numbers, names, times and facts: what they take, what they refuse, and how they are written.

#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, missing_docs, reason = "a test")]

use std::str::FromStr;
use std::sync::Arc;

use proptest::prelude::*;
use telness_core::call::{CallId, CallType, Party, SENT_BYTES_MAX};
use telness_core::class::{Callback, Class, Workflow};
use telness_core::emergency::Service;
use telness_core::facts::{Absence, Fact, FactKind, Facts, Wanted};
use telness_core::location::{EmergencyRow, LocationSource};
use telness_core::names::{NAME_BYTES_MAX, RuleName, TrunkName};
use telness_core::number::{Digits, E164, Number, Region};
use telness_core::time::Timestamp;
use telness_core::world::Moment;

fn digits(text: &str) -> Digits {
    text.parse().unwrap()
}

proptest! {
    #[test]
    fn digits_are_the_text_that_they_came_from(text in "[0-9]{1,18}", cut in 0_usize..20, other in "[0-9]{1,18}") {
        let all = digits(&text);
        prop_assert_eq!(&all.to_string(), &text);
        prop_assert_eq!(all.len(), text.len());
        let mut pushed = String::from("x");
        all.push_to(&mut pushed);
        prop_assert_eq!(pushed, format!("x{text}"));
        let head = text.get(..cut).filter(|head| !head.is_empty()).map(digits);
        prop_assert_eq!(all.prefix(cut), head);
        let rest = text.get(cut..).filter(|rest| !rest.is_empty()).map(digits);
        prop_assert_eq!(all.without_first(cut), rest);
        prop_assert_eq!(all.starts_with(digits(&other)), text.starts_with(&other));
        let joined = format!("{text}{other}");
        prop_assert_eq!(all.followed_by(digits(&other)), joined.parse().ok());
        prop_assert_eq!(all == digits(&other), text == other, "leading zeros count");
        let kept = serde_json::to_string(&all).unwrap();
        prop_assert_eq!(serde_json::from_str::<Digits>(&kept).unwrap(), all);
    }

    #[test]
    fn a_time_is_written_and_read_as_it_was(micros in any::<i64>()) {
        let time = Timestamp::from_micros(micros);
        let text = time.to_string();
        prop_assert_eq!(text.parse::<Timestamp>().unwrap(), time);
        prop_assert_eq!(serde_json::from_str::<Timestamp>(&serde_json::to_string(&time).unwrap()).unwrap(), time);
        prop_assert_eq!(time.to_jiff().as_microsecond(), time.as_micros());
    }
}

#[test]
fn only_digits_are_digits() {
    for none in ["", "1234567890123456789", "12a", "+46", " 1", "\u{ff11}", "-1"] {
        assert!(none.parse::<Digits>().is_err(), "{none:?}");
    }
    assert!(serde_json::from_str::<Digits>("12").is_err(), "a number in JSON would lose its zeros");
}

#[test]
fn an_e164_number_is_a_plus_and_4_to_15_digits() {
    for number in ["+4670", "+46701740605", "+123456789012345"] {
        assert_eq!(E164::from_str(number).unwrap().to_string(), number);
    }
    for none in ["46701740605", "+467", "+1234567890123456", "+0701740605", "+", "++46701740605", "+46 70"] {
        assert!(none.parse::<E164>().is_err(), "{none}");
    }
}

#[test]
fn a_region_is_two_capitals() {
    assert_eq!(Region::from_str("SE").unwrap().as_str(), "SE");
    for none in ["se", "S", "SWE", "", "S1", "Å"] {
        assert!(none.parse::<Region>().is_err(), "{none}");
    }
}

#[test]
fn a_number_is_kept_with_its_kind() {
    let region = "SE".parse().unwrap();
    let all = [
        (Number::E164 { number: "+46701740605".parse().unwrap() }, "+46701740605", Some("46701740605")),
        (Number::Short { region, digits: digits("1177") }, "1177", Some("1177")),
        (Number::Extension { digits: digits("0200") }, "0200", Some("0200")),
        (Number::Service { service: Service::Fire, test: false }, "urn:service:sos.fire", None),
        (Number::Service { service: Service::Any, test: true }, "urn:service:test.sos", None),
    ];
    for (number, text, matched) in all {
        assert_eq!(number.to_string(), text);
        assert_eq!(number.digits(), matched.map(digits));
        let kept = serde_json::to_string(&number).unwrap();
        assert_eq!(serde_json::from_str::<Number>(&kept).unwrap(), number, "{kept}");
    }
}

#[test]
fn a_name_is_short_and_plain() {
    for name in ["a", "0", "carrier-a.se_1", &"x".repeat(NAME_BYTES_MAX)] {
        assert_eq!(name.parse::<TrunkName>().unwrap().as_str(), name);
    }
    for none in ["", "-a", ".a", "_a", "A", "a b", "a\n", "å", "a/b", &"x".repeat(NAME_BYTES_MAX + 1)] {
        assert!(none.parse::<TrunkName>().is_err(), "{none:?}");
    }
    let message = "Ö".parse::<RuleName>().unwrap_err().to_string();
    assert!(message.starts_with("not a rule name: 1 to 64 of a-z"), "{message}");
    assert!(serde_json::from_str::<RuleName>("\"two words\"").is_err());
}

#[test]
fn times_stay_in_the_years_that_rfc_3339_can_write() {
    assert_eq!(Timestamp::from_micros(i64::MIN).to_string(), "0001-01-01T00:00:00.000000Z");
    assert_eq!(Timestamp::from_micros(i64::MAX).to_string(), "9999-12-30T22:00:00.000000Z");
    let noon: Timestamp = "2026-11-23T13:00:00+01:00".parse().unwrap();
    assert_eq!(noon.to_string(), "2026-11-23T12:00:00.000000Z");
    for none in ["", "2026-11-23", "2026-11-23T12:00:00", "noon"] {
        assert!(none.parse::<Timestamp>().is_err(), "{none}");
    }
}

#[test]
fn milliseconds_between_times_are_whole_and_never_negative() {
    let at = Timestamp::from_micros;
    assert_eq!(at(5_999).millis_since(at(0)), 5);
    assert_eq!(at(0).millis_since(at(5_999)), 0);
    assert_eq!(at(i64::MAX).millis_since(at(i64::MIN)), 253_402_207_200_000 + 62_135_596_800_000);
}

#[test]
fn what_is_wanted_is_a_set() {
    assert!(FactKind::ALL.into_iter().all(|kind| !Wanted::NONE.has(kind)));
    for kind in FactKind::ALL {
        let one = Wanted::of(kind);
        assert!(FactKind::ALL.into_iter().all(|other| one.has(other) == (other == kind)));
        assert_eq!(one.and(Wanted::NONE), one);
        assert!(FactKind::ALL.into_iter().all(|other| one.and(Wanted::of(other)).has(other)));
    }
}

#[test]
fn a_fact_is_known_or_says_why_not() {
    let known: Fact<Arc<str>> = Fact::Known { value: Arc::from("Anna"), age_ms: 12, source: Arc::from("directory") };
    assert_eq!((known.known().map(|name| &**name), known.absence()), (Some("Anna"), None));
    let facts = Facts { caller_name: known, fraud_score: Fact::Unknown { why: Absence::Timeout }, ..Facts::default() };
    assert_eq!(facts.absence(FactKind::Portability), Some(Absence::NotWanted));
    assert_eq!(facts.absence(FactKind::CallerName), None);
    assert_eq!(facts.absence(FactKind::FraudScore), Some(Absence::Timeout));
    let kept = serde_json::to_string(&facts).unwrap();
    assert_eq!(serde_json::from_str::<Facts>(&kept).unwrap(), facts);
}

#[test]
fn only_a_look_up_that_failed_degrades_an_answer() {
    let all = [
        (Absence::NotWanted, false),
        (Absence::NotConfigured, false),
        (Absence::Timeout, true),
        (Absence::Unreachable, true),
        (Absence::Unreadable, true),
        (Absence::NotFound, false),
    ];
    for (absence, degrades) in all {
        assert_eq!(absence.degrades(), degrades);
        assert_eq!(serde_json::to_string(&absence).unwrap(), format!("\"{}\"", absence.as_str()));
    }
}

#[test]
fn e5_emergency_and_vital_calls_go_by_the_high_workflow() {
    let all = [
        (Class::Emergency, Workflow::High, "emergency"),
        (Class::Vital, Workflow::High, "vital"),
        (Class::Normal, Workflow::Low, "normal"),
        (Class::Background, Workflow::Low, "background"),
    ];
    for (class, workflow, word) in all {
        assert_eq!((class.workflow(), class.as_str()), (workflow, word));
        assert_eq!(serde_json::to_string(&class).unwrap(), format!("\"{word}\""));
    }
    assert!(all.is_sorted_by_key(|(class, ..)| *class), "most depends on the first");
}

/// What is kept as one word is shown, counted and looked for as that word.
fn is_its_word(kept: &impl serde::Serialize, word: &str) {
    assert_eq!(serde_json::to_string(kept).unwrap(), format!("\"{word}\""));
}

#[test]
fn what_an_emergency_call_was_taken_for_has_one_word_in_records_answers_and_metrics() {
    [Workflow::High, Workflow::Low].iter().for_each(|one| is_its_word(one, one.as_str()));
    [Callback::Known, Callback::Assumed].iter().for_each(|one| is_its_word(one, one.as_str()));
    LocationSource::ALL.iter().for_each(|one| is_its_word(one, one.as_str()));
    let rows = [
        EmergencyRow::Area,
        EmergencyRow::Region,
        EmergencyRow::Default,
        EmergencyRow::LastResort,
        EmergencyRow::Nothing,
    ];
    rows.iter().for_each(|one| is_its_word(one, one.as_str()));
}

#[test]
fn a_type_of_call_is_its_word() {
    for kind in CallType::ALL {
        assert_eq!(kind.as_str().parse(), Ok(kind));
    }
    assert_eq!("fax".parse::<CallType>(), Err(()));
}

#[test]
fn a_calls_lot_is_its_ids_and_the_servers() {
    let id = |text: &str| text.parse::<CallId>().unwrap();
    let one = id("01900000-0000-7000-8000-000000000001");
    assert_eq!(one.to_string(), "01900000-0000-7000-8000-000000000001");
    let now = Timestamp::from_micros(5);
    let moment = Moment::of(now, one, [1; 16]);
    assert_eq!(moment, Moment::of(now, one, [1; 16]));
    assert_eq!(moment.now, now);
    assert_ne!(moment.draw, Moment::of(now, one, [2; 16]).draw, "nobody without the key can choose it");
    assert_ne!(moment.draw, Moment::of(now, id("01900000-0000-7000-8000-000000000002"), [1; 16]).draw);
    assert_eq!(moment.draw, Moment::of(Timestamp::from_micros(9), one, [1; 16]).draw);
}

#[test]
fn what_was_sent_is_kept_up_to_a_limit_and_in_whole_characters() {
    let kept = |sent: &str| Party::new(sent.into(), None).sent.to_string();
    assert_eq!(kept(&"1".repeat(SENT_BYTES_MAX)), "1".repeat(SENT_BYTES_MAX));
    assert_eq!(kept(&"１".repeat(SENT_BYTES_MAX)), "１".repeat(SENT_BYTES_MAX / 3));
}
