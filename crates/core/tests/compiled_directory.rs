//! The compiled directory answers as the rows that it was made of do, after any changes, and from a snapshot again.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use telness_core::directory::{
    Directory, HeldBy, Issue, NumberEntry, NumberState, Preferences, Restore, User, UserDevice,
};
use telness_core::names::{TenantName, UserName};
use telness_core::number::E164;
use telness_core::plan::{Plan, read_plan};
use telness_core::time::Timestamp;

fn plan() -> Plan {
    read_plan(include_bytes!("../../../examples/sweden.yaml"), 1).unwrap()
}

/// What may happen to a directory.
#[derive(Clone, Debug)]
enum Change {
    Put(User),
    Remove(TenantName, UserName),
    Enter(NumberEntry),
    Free(E164),
}

fn tenant() -> impl Strategy<Value = TenantName> {
    prop::sample::select(vec!["nordtel", "granen", "unknown"]).prop_map(|name| name.parse().unwrap())
}

fn name() -> impl Strategy<Value = UserName> {
    (0..40_u8).prop_map(|n| format!("user-{n}").parse().unwrap())
}

fn number() -> impl Strategy<Value = E164> {
    (5..99_u8).prop_map(|n| format!("+467017406{n:02}").parse().unwrap())
}

fn user() -> impl Strategy<Value = User> {
    let trunk = prop::sample::select(vec!["carrier-north", "granen-pbx", "nowhere"]);
    let number = prop::sample::select(vec!["+46846500401", "ext:201", "ext:0042"]);
    let device = (trunk, number)
        .prop_map(|(trunk, number)| UserDevice { trunk: trunk.parse().unwrap(), number: number.parse().unwrap() });
    let language = prop::option::of(prop::sample::select(vec!["sv", "en-GB"]));
    // An extension of its own, as the inventory sees to it, that changes between a few.
    (tenant(), 0..40_u8, prop::option::of(0..3_u8), prop::collection::vec(device, 0..4), any::<bool>(), language)
        .prop_map(|(tenant, n, extension, devices, do_not_disturb, language)| User {
            name: format!("user-{n}").parse().unwrap(),
            tenant,
            extension: extension.map(|of_three| format!("{of_three}{n:02}").parse().unwrap()),
            devices,
            preferences: Preferences { do_not_disturb, language: language.map(|tag| tag.parse().unwrap()) },
        })
}

fn entry() -> impl Strategy<Value = NumberEntry> {
    let states = NumberState::WORDS.map(|(state, _)| state).to_vec();
    (number(), prop::sample::select(states), tenant(), name(), 0..3_i64).prop_map(
        |(number, state, tenant, user, at)| {
            let cutover = Some(Timestamp::from_micros(at)).filter(|_| state != NumberState::Assigned);
            let user = Some(user).filter(|_| state != NumberState::Quarantined);
            NumberEntry { number, state, tenant, user, cutover }
        },
    )
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => user().prop_map(Change::Put),
        1 => (tenant(), name()).prop_map(|(tenant, name)| Change::Remove(tenant, name)),
        4 => entry().prop_map(Change::Enter),
        1 => number().prop_map(Change::Free),
    ]
}

#[derive(Default)]
struct Model {
    users: BTreeMap<(TenantName, UserName), User>,
    numbers: BTreeMap<E164, NumberEntry>,
}

impl Model {
    fn apply(&mut self, change: &Change) {
        match change {
            Change::Put(user) => drop(self.users.insert((user.tenant.clone(), user.name.clone()), user.clone())),
            Change::Remove(tenant, name) => drop(self.users.remove(&(tenant.clone(), name.clone()))),
            Change::Enter(entry) => drop(self.numbers.insert(entry.number, entry.clone())),
            Change::Free(number) => drop(self.numbers.remove(number)),
        }
    }
}

fn apply(directory: &mut Directory, change: &Change) {
    match change {
        Change::Put(user) => directory.put_user(user),
        Change::Remove(tenant, name) => directory.remove_user(tenant, name),
        Change::Enter(entry) => directory.put_number(entry),
        Change::Free(number) => directory.remove_number(*number),
    }
}

fn check(directory: &Directory, model: &Model, plan: &Plan) -> Result<(), TestCaseError> {
    let mut users: Vec<User> = directory.users().collect();
    users.sort_by(|a, b| (&a.tenant, &a.name).cmp(&(&b.tenant, &b.name)));
    prop_assert!(users.iter().eq(model.users.values()));
    prop_assert_eq!((directory.users_len(), directory.numbers_len()), (model.users.len(), model.numbers.len()));
    let mut numbers: Vec<NumberEntry> = directory.numbers().collect();
    numbers.sort_by_key(|entry| entry.number);
    prop_assert!(numbers.iter().eq(model.numbers.values()));
    for at in (0..4).map(Timestamp::from_micros) {
        for n in 0..110_u8 {
            let number = format!("+467017406{n:02}").parse().unwrap();
            let entry = model.numbers.get(&number);
            prop_assert_eq!(directory.number(number), entry.cloned());
            let held = entry.and_then(|entry| Some((&entry.tenant, entry.holder_at(at)?)));
            let held = held.filter(|(tenant, _)| plan.tenants.contains_key(*tenant));
            let user = held.and_then(|(tenant, user)| model.users.get(&(tenant.clone(), user.clone())));
            match directory.held(number, at) {
                HeldBy::User(view) => prop_assert_eq!(view.entity(), user.cloned()),
                HeldBy::Nobody => prop_assert_eq!(user, None),
                HeldBy::Quarantine => {
                    let entry = entry.unwrap();
                    prop_assert_eq!(entry.state, NumberState::Quarantined);
                    prop_assert!(entry.cutover.is_none_or(|cutover| at < cutover));
                }
            }
        }
    }
    for ((tenant, name), user) in &model.users {
        let view = directory.user(tenant, name).and_then(|view| view.entity());
        let known = plan.tenants.contains_key(tenant);
        prop_assert_eq!(view.as_ref(), Some(user).filter(|_| known));
        let Some(extension) = user.extension else { continue };
        let holder = directory.extension(tenant, extension).and_then(|view| view.entity());
        prop_assert_eq!(holder.as_ref(), Some(user).filter(|_| known));
    }
    Ok(())
}

/// The directory from its rows, each through MessagePack's next of kin.
fn restored(directory: &Directory) -> Directory {
    let names = directory.names();
    let mut restore = Restore::new(&names, directory.user_images_len(), directory.numbers_len()).unwrap();
    for image in directory.user_images() {
        let text = serde_json::to_string(&image).unwrap();
        restore.user(&serde_json::from_str(&text).unwrap()).unwrap();
    }
    for image in directory.number_images() {
        let text = serde_json::to_string(&image).unwrap();
        restore.number(&serde_json::from_str(&text).unwrap()).unwrap();
    }
    restore.finish(directory.version)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn answers_as_its_rows_do_whatever_changed(
        first in prop::collection::vec(change(), 0..200),
        then in prop::collection::vec(change(), 0..40),
    ) {
        let plan = plan();
        let (mut model, mut directory) = (Model::default(), Directory::default());
        for change in &first {
            model.apply(change);
            apply(&mut directory, change);
        }
        directory.bind(&plan);
        check(&directory, &model, &plan)?;
        let mut next = directory.clone();
        let mut changed = Model { users: model.users.clone(), numbers: model.numbers.clone() };
        for change in &then {
            changed.apply(change);
            apply(&mut next, change);
        }
        next.bind(&plan);
        check(&next, &changed, &plan)?;
        check(&directory, &model, &plan)?;
        let mut again = restored(&next);
        again.bind(&plan);
        check(&again, &changed, &plan)?;
    }
}

#[test]
fn what_does_not_fit_the_plan_is_listed_and_the_rest_is_in_service() {
    let plan = plan();
    let mut directory = Directory::default();
    let user = |name: &str, tenant: &str, trunk: &str| User {
        name: name.parse().unwrap(),
        tenant: tenant.parse().unwrap(),
        extension: None,
        devices: vec![UserDevice { trunk: trunk.parse().unwrap(), number: "ext:201".parse().unwrap() }],
        preferences: Preferences::default(),
    };
    directory.put_user(&user("anna", "nordtel", "nowhere"));
    directory.put_user(&user("berit", "unknown", "carrier-north"));
    let number: E164 = "+46701740690".parse().unwrap();
    directory.put_number(&NumberEntry {
        number,
        state: NumberState::Assigned,
        tenant: "nordtel".parse().unwrap(),
        user: Some("cilla".parse().unwrap()),
        cutover: None,
    });
    directory.bind(&plan);
    let issues = directory.issues(&plan);
    assert_eq!(issues.not_shown, 0);
    assert_eq!(
        issues.shown,
        [
            Issue::UnknownTenant { tenant: "unknown".parse().unwrap(), users: 1 },
            Issue::UnknownTrunk { trunk: "nowhere".parse().unwrap(), devices: 1 },
            Issue::UserMissing { number, tenant: "nordtel".parse().unwrap(), user: "cilla".parse().unwrap() },
        ]
    );
    assert!(matches!(directory.held(number, Timestamp::default()), HeldBy::Nobody));
    directory.put_user(&user("cilla", "nordtel", "carrier-north"));
    directory.remove_user(&"unknown".parse().unwrap(), &"berit".parse().unwrap());
    directory.put_user(&user("anna", "nordtel", "carrier-north"));
    directory.bind(&plan);
    assert_eq!(directory.issues(&plan).shown, []);
    assert!(matches!(directory.held(number, Timestamp::default()), HeldBy::User(user) if user.name() == "cilla"));
}

#[test]
fn a_row_that_no_directory_gave_out_is_refused() {
    let names = telness_core::directory::Names {
        tenants: vec!["nordtel".parse().unwrap()],
        trunks: vec!["carrier-north".parse().unwrap()],
        languages: Vec::new(),
    };
    let twice = telness_core::directory::Names { tenants: vec!["nordtel".parse().unwrap(); 2], ..names.clone() };
    assert!(Restore::new(&twice, 0, 0).is_err());
    let mut restore = Restore::new(&names, 1, 1).unwrap();
    let mut user = |json: &str| restore.user(&serde_json::from_str(json).unwrap()).is_ok();
    assert!(user(r#"{"t":0,"n":"anna","d":[[0,1201,false]]}"#));
    for bad in [
        r#"{"t":0,"n":"anna"}"#,
        r#"{"t":1,"n":"berit"}"#,
        r#"{"t":0,"n":"Berit!"}"#,
        r#"{"t":0,"n":"berit","e":1}"#,
        r#"{"t":0,"n":"berit","l":0}"#,
        r#"{"t":0,"n":"berit","d":[[1,1201,false]]}"#,
        r#"{"t":0,"n":"berit","d":[[0,1012,true]]}"#,
        r#"{"t":0,"n":"berit","d":[[0,99,false]]}"#,
    ] {
        assert!(!user(bad), "{bad}");
    }
    let mut number = |json: &str| restore.number(&serde_json::from_str(json).unwrap()).is_ok();
    assert!(number(r#"{"n":146701740605,"u":0}"#));
    for bad in [r#"{"n":146701740605,"u":1}"#, r#"{"n":146701740605}"#, r#"{"n":1460,"u":0}"#, r#"{"n":1,"t":0}"#] {
        assert!(!number(bad), "{bad}");
    }
}
