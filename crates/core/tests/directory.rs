//! What the directory's entities accept, refuse and mean.
#![allow(clippy::unwrap_used, reason = "a test")]

use telness_core::directory::{Block, BlockError, DeviceNumber, NumberEntry, NumberEntryError, NumberState, User};
use telness_core::time::Timestamp;

fn entry(state: NumberState, user: Option<&str>, cutover: Option<i64>) -> NumberEntry {
    NumberEntry {
        number: "+46701740605".parse().unwrap(),
        state,
        tenant: "nordtel".parse().unwrap(),
        user: user.map(|name| name.parse().unwrap()),
        cutover: cutover.map(Timestamp::from_micros),
    }
}

#[test]
fn a_number_is_held_from_or_until_its_cutover() {
    let held_at = |entry: &NumberEntry, at| entry.holder_at(Timestamp::from_micros(at)).is_some();
    assert!(held_at(&entry(NumberState::Assigned, Some("anna"), None), 0));
    let ported_in = entry(NumberState::PortedIn, Some("anna"), Some(10));
    assert_eq!((held_at(&ported_in, 9), held_at(&ported_in, 10)), (false, true));
    let ported_out = entry(NumberState::PortedOut, Some("anna"), Some(10));
    assert_eq!((held_at(&ported_out, 9), held_at(&ported_out, 10)), (true, false));
    assert!(!held_at(&entry(NumberState::Quarantined, None, None), 0));
}

#[test]
fn each_state_has_what_it_needs_and_nothing_else() {
    use NumberState::{Assigned, PortedIn, PortedOut, Quarantined};
    for good in [
        entry(Assigned, Some("anna"), None),
        entry(Quarantined, None, None),
        entry(Quarantined, None, Some(1)),
        entry(PortedIn, Some("anna"), Some(1)),
        entry(PortedOut, None, Some(1)),
    ] {
        assert_eq!(good.check(), Ok(()), "{good:?}");
    }
    assert_eq!(entry(Assigned, None, None).check(), Err(NumberEntryError::UserMissing(Assigned)));
    assert_eq!(entry(Assigned, Some("anna"), Some(1)).check(), Err(NumberEntryError::CutoverOfAssigned));
    assert_eq!(entry(Quarantined, Some("anna"), None).check(), Err(NumberEntryError::UserOfQuarantined));
    assert_eq!(entry(PortedIn, Some("anna"), None).check(), Err(NumberEntryError::CutoverMissing(PortedIn)));
    assert_eq!(entry(PortedOut, Some("anna"), None).check(), Err(NumberEntryError::CutoverMissing(PortedOut)));
}

#[test]
fn a_block_runs_from_its_first_to_its_last_number() {
    let block = |first: &str, last: &str| Block {
        first: first.parse().unwrap(),
        last: last.parse().unwrap(),
        tenant: None,
        note: String::new(),
    };
    let good = block("+46846500400", "+46846500499");
    assert_eq!(good.check(), Ok(()));
    let inside = |number: &str| good.contains(number.parse().unwrap());
    assert!(inside("+46846500400") && inside("+46846500499"));
    assert!(!inside("+46846500500") && !inside("+4684650040") && !inside("+468465004000"));
    assert_eq!(block("+46846500499", "+46846500400").check(), Err(BlockError::Backwards));
    assert_eq!(block("+46846500400", "+468465004990").check(), Err(BlockError::Lengths));
}

#[test]
fn a_user_is_read_as_it_was_written() {
    let text = r#"{"name":"anna","tenant":"nordtel","extension":"201","devices":[{"trunk":"pbx","number":"ext:201"},
        {"trunk":"mobile","number":"+46701740605"}],"preferences":{"do_not_disturb":true,"language":"sv"}}"#;
    let user: User = serde_json::from_str(text).unwrap();
    assert_eq!(user.devices.first().unwrap().number, DeviceNumber::Extension("201".parse().unwrap()));
    let again: User = serde_json::from_str(&serde_json::to_string(&user).unwrap()).unwrap();
    assert_eq!(again, user);
    let least: User = serde_json::from_str(r#"{"name":"anna","tenant":"nordtel"}"#).unwrap();
    assert!(least.devices.is_empty() && !least.preferences.do_not_disturb);
    for bad in [
        r#"{"name":"anna","tenant":"nordtel","nickname":"a"}"#,
        r#"{"name":"Anna Ek","tenant":"nordtel"}"#,
        r#"{"name":"anna","tenant":"nordtel","devices":[{"trunk":"pbx","number":"201"}]}"#,
        r#"{"name":"anna","tenant":"nordtel","preferences":{"language":"Swedish, please"}}"#,
    ] {
        assert!(serde_json::from_str::<User>(bad).is_err(), "{bad}");
    }
}
