//! How numbers are written for a trunk, and that nothing else can be.

use std::sync::Arc;

use telness_core::call::{Party, Privacy};
use telness_core::plan::{NumberFormat, Translation, Transport, Trunk};
use telness_core::reason::Reason;

use crate::book::{Book, call, decided, number, targets, uris};

fn dialled(to: &str, change: impl FnOnce(&mut Trunk)) -> Vec<String> {
    let world = Book::default().trunk_with("carrier", 1, change).route("any", "any", &["carrier"]).world();
    uris(&decided(&world, &call(to))).into_iter().map(str::to_owned).collect()
}

fn translation(prefix: &str, strip: u8, prepend: &str) -> Box<[Translation]> {
    Box::new([Translation { prefix: Arc::from(prefix), strip, prepend: Arc::from(prepend) }])
}

#[test]
fn a_uri_has_the_number_in_the_trunks_format() {
    let format = |format: NumberFormat| dialled("+46701740605", |trunk| trunk.number_format = format);
    assert_eq!(format(NumberFormat::E164), ["sip:+46701740605@192.0.2.1:5060;user=phone"]);
    assert_eq!(format(NumberFormat::Digits), ["sip:46701740605@192.0.2.1:5060;user=phone"]);
    assert_eq!(format(NumberFormat::DoubleZero), ["sip:0046701740605@192.0.2.1:5060;user=phone"]);
    assert_eq!(dialled("SE/1177", |_| {}), ["sip:1177@192.0.2.1:5060;user=phone"]);
    assert_eq!(dialled("x0200", |_| {}), ["sip:0200@192.0.2.1:5060"]);
}

#[test]
fn a_uri_names_its_transport() {
    let transport = |transport: Transport| dialled("+46701740605", |trunk| trunk.gateways[0].transport = transport);
    assert_eq!(transport(Transport::Tcp), ["sip:+46701740605@192.0.2.1:5060;user=phone;transport=tcp"]);
    assert_eq!(transport(Transport::Tls), ["sip:+46701740605@192.0.2.1:5060;user=phone;transport=tls"]);
}

#[test]
fn outward_translations_apply_to_the_number_as_written_for_the_trunk() {
    let to = |prefix: &str, strip, prepend: &str| {
        dialled("+46701740605", |trunk| trunk.translations.out_called = translation(prefix, strip, prepend))
    };
    assert_eq!(to("+46", 3, "0"), ["sip:0701740605@192.0.2.1:5060;user=phone"]);
    assert_eq!(to("+47", 3, "0"), ["sip:+46701740605@192.0.2.1:5060;user=phone"], "no match, no change");
    assert!(to("", 0, "99#").is_empty(), "a plus inside is no number");
    assert_eq!(to("+", 1, "*31#"), ["sip:*31%2346701740605@192.0.2.1:5060;user=phone"], "a hash is escaped");
}

#[test]
fn p3_nothing_but_a_number_is_ever_written() {
    for hostile in ["\r\nVia: x", "46 ", "a", "${x}", "|", ",", "[", "{", "@", ";", "%", "<", "\"", "+", "\u{ff11}"] {
        let world = Book::default()
            .trunk_with("carrier", 1, |trunk| trunk.translations.out_called = translation("+46", 1, hostile))
            .route("any", "any", &["carrier"])
            .world();
        let decision = decided(&world, &call("+46701740605"));
        if hostile == "+" {
            assert_eq!(uris(&decision), ["sip:+46701740605@192.0.2.1:5060;user=phone"]);
            continue;
        }
        assert_eq!(decision.reason, Reason::NoUsableTarget, "{hostile:?}");
        assert_eq!(targets(&decision), ["carrier: unwritable"], "{hostile:?}");
    }
    for strip in [12, 200] {
        let none = dialled("+46701740605", |trunk| trunk.translations.out_called = translation("+46", strip, ""));
        assert!(none.is_empty(), "nothing was left of the number");
    }
}

fn caller(from: Option<&str>, privacy: Privacy, change: impl FnOnce(&mut Trunk)) -> Option<String> {
    let world = Book::default().trunk_with("carrier", 1, change).route("any", "any", &["carrier"]).world();
    let mut call = call("+46701740610");
    call.from = from.map(|text| Party { sent: Arc::from(text), read: (text != "?").then(|| number(text)) });
    call.privacy = privacy;
    decided(&world, &call).steps[0].targets[0].caller.as_ref().map(ToString::to_string)
}

#[test]
fn the_caller_is_presented_unless_withheld() {
    let default = |trunk: &mut Trunk| trunk.default_caller = Some("+46846500400".parse().unwrap());
    let shown = |from, change: fn(&mut Trunk)| caller(from, Privacy::None, change);
    assert_eq!(shown(Some("+46701740605"), |_| {}).as_deref(), Some("+46701740605"));
    assert_eq!(shown(Some("+46701740605"), default).as_deref(), Some("+46701740605"));
    assert_eq!(shown(Some("?"), |_| {}), None);
    assert_eq!(shown(Some("?"), default).as_deref(), Some("+46846500400"));
    assert_eq!(shown(None, default).as_deref(), Some("+46846500400"));
    assert_eq!(shown(Some("x200"), |_| {}).as_deref(), Some("200"), "a PBX has no default caller");
    assert_eq!(shown(Some("x200"), default).as_deref(), Some("+46846500400"), "an extension means nothing outside");
    assert_eq!(caller(Some("+46701740605"), Privacy::Withheld, |_| {}), None);
    assert_eq!(caller(Some("+46701740605"), Privacy::Withheld, default), None);
}

#[test]
fn p3_the_caller_is_translated_and_stays_a_number() {
    let shown = |prepend: &str| {
        let list = translation("+46", 3, prepend);
        caller(Some("+46701740605"), Privacy::None, |trunk| trunk.translations.out_caller = list)
    };
    assert_eq!(shown("0").as_deref(), Some("0701740605"));
    assert_eq!(shown("0\r\nX: ").as_deref(), Some("+46701740605"));
}
