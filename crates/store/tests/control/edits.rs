//! What is put is read, refused or logged.

use super::*;

pub(crate) async fn what_is_put_is_read(control: Control) {
    two_tenants(&control).await;
    let mut anna = with_extension(user("nordtel", "anna"), "201");
    anna.preferences = Preferences { do_not_disturb: true, language: Some("sv".parse().unwrap()) };
    let version = control.put(&edit("an extension"), anna.clone(), Expect::Any).await.unwrap();
    let stored = control.get::<User>(&anna.key()).await.unwrap().unwrap();
    assert_eq!((stored.value, stored.version), (anna.clone(), version));
    assert_eq!(control.version().await.unwrap(), version);
    let mut nordtel = tenant("nordtel");
    nordtel.suspended = true;
    nordtel.calls_per_s_max = Some(1_000_000);
    nordtel.outside_line_prefixes = vec!["0".parse().unwrap(), "00".parse().unwrap()];
    control.put(&edit(""), nordtel.clone(), Expect::Any).await.unwrap();
    assert_eq!(control.get::<Tenant>(&nordtel.name).await.unwrap().unwrap().value, nordtel);
    for wrong in [0, 1_000_001] {
        let beyond = Tenant { calls_per_s_max: Some(wrong), ..nordtel.clone() };
        let refused = control.put(&edit(""), beyond, Expect::Any).await.unwrap_err();
        assert!(matches!(refused, ControlError::Refused { refusal: Refusal::Invalid(_), .. }), "{wrong}: {refused}");
    }
    let ported = NumberEntry { state: NumberState::PortedIn, cutover: Some(at(60)), ..assigned(1, "nordtel", "anna") };
    control.put(&edit(""), ported.clone(), Expect::Absent).await.unwrap();
    assert_eq!(control.get::<NumberEntry>(&number(1)).await.unwrap().unwrap().value, ported);
    let ten = block(10, 19, Some("nordtel"));
    control.put(&edit(""), ten.clone(), Expect::Absent).await.unwrap();
    assert_eq!(control.get::<Block>(&number(10)).await.unwrap().unwrap().value, ten);
    // Lists come in pages, in the order of their keys, and may be of one tenant.
    let many = (0..8).map(|at| (user("sydtel", &format!("user-{at}")), Expect::Absent)).collect();
    control.put_all(&edit("many"), many).await.unwrap();
    let all = all_of::<User>(async |query| control.list(&query).await.unwrap()).await;
    let mut sorted = all.clone();
    sorted.sort();
    assert_eq!((all.len(), &all), (10, &sorted));
    let query = ListQuery { tenant: Some("nordtel".parse().unwrap()), after: None, limit: 100 };
    let page = control.list::<User>(&query).await.unwrap();
    assert_eq!((page.items.len(), page.next), (1, None));
}

pub(crate) async fn one_fault_in_a_bulk_changes_nothing(control: Control) {
    two_tenants(&control).await;
    let before = control.version().await.unwrap();
    let fine = |last| (assigned(last, "nordtel", "anna"), Expect::Absent);
    let mut items: Vec<_> = (0..90).map(fine).collect();
    items[41] = (assigned(41, "nordtel", "bo"), Expect::Absent);
    items[70] = (assigned(70, "osttel", "anna"), Expect::Absent);
    let ControlError::Faults { faults, count } = control.put_all(&edit(""), items).await.unwrap_err() else { panic!() };
    // The tenant that is not there has no such user either.
    let told: Vec<_> = faults.iter().map(|fault| (fault.place, fault.key.as_str())).collect();
    assert_eq!((told, count), (vec![(41, "+46846500441"), (70, "+46846500470"), (70, "+46846500470")], 3));
    // Something expected that is not so, something invalid and something twice are told by place as well.
    let mut items: Vec<_> = (0..90).map(fine).collect();
    items[7].1 = Expect::Version(before);
    let ControlError::Faults { faults, count } = control.put_all(&edit(""), items).await.unwrap_err() else { panic!() };
    assert_eq!((faults[0].place, &faults[0].refusal, count), (7, &Refusal::Unexpected { found: None }, 1));
    let mut items: Vec<_> = (0..90).map(fine).collect();
    items[88] = fine(3);
    items[5].0.user = None;
    let ControlError::Faults { faults, count } = control.put_all(&edit(""), items).await.unwrap_err() else { panic!() };
    assert!(matches!(faults[0].refusal, Refusal::Invalid(_)));
    assert_eq!((faults[0].place, faults[1].place, &faults[1].refusal, count), (5, 88, &Refusal::Twice { first: 3 }, 2));
    assert_eq!(control.version().await.unwrap(), before);
    assert!(all_of::<NumberEntry>(async |query| control.list(&query).await.unwrap()).await.is_empty());
    assert!(
        control
            .log(&LogQuery { entity: Some("number".to_owned()), limit: 1, ..LogQuery::default() })
            .await
            .unwrap()
            .entries
            .is_empty()
    );
    // Without a fault all are there by one change.
    let version = control.put_all(&edit("all"), (0..90).map(fine).collect()).await.unwrap();
    let all = all_of::<NumberEntry>(async |query| control.list(&query).await.unwrap()).await;
    assert!(all.len() == 90 && all.iter().all(|(_, of)| *of == version));
    assert_eq!(version.0, before.0 + 1);
}

pub(crate) async fn nothing_points_to_what_is_not_there(control: Control) {
    two_tenants(&control).await;
    let e = edit("");
    let orphan = control.put(&e, user("osttel", "anna"), Expect::Any).await.unwrap_err();
    assert_eq!(conflict_with(orphan), "tenant osttel");
    let other = control.put(&e, assigned(1, "nordtel", "bo"), Expect::Any).await.unwrap_err();
    assert_eq!(conflict_with(other), "user nordtel/bo");
    control.put(&e, user("sydtel", "bo"), Expect::Absent).await.unwrap();
    let of_another_tenant = control.put(&e, assigned(1, "nordtel", "bo"), Expect::Any).await.unwrap_err();
    assert_eq!(conflict_with(of_another_tenant), "user nordtel/bo");
    control.put(&e, assigned(1, "nordtel", "anna"), Expect::Absent).await.unwrap();
    let twice = control.put(&e, assigned(1, "sydtel", "anna"), Expect::Absent).await.unwrap_err();
    assert!(matches!(refusal(twice), Refusal::Unexpected { found: Some(_) }));
    let holds = control.delete::<User>(&e, &user("nordtel", "anna").key(), Expect::Any).await.unwrap_err();
    assert_eq!(conflict_with(holds), "number +46846500401");
    let has_users = control.delete::<Tenant>(&e, &"sydtel".parse().unwrap(), Expect::Any).await.unwrap_err();
    assert!(conflict_with(has_users).starts_with("user sydtel/"));
    // An extension has one holder in a tenant; two may exchange theirs in one change.
    let anna = |extension| (with_extension(user("nordtel", "anna"), extension), Expect::Any);
    let bo = |extension| (with_extension(user("nordtel", "bo"), extension), Expect::Any);
    control.put_all(&e, vec![anna("201"), bo("202")]).await.unwrap();
    control.put_all(&e, vec![anna("202"), bo("201")]).await.unwrap();
    control.put(&e, with_extension(user("sydtel", "anna"), "201"), Expect::Any).await.unwrap();
    let (taken, expect) = anna("201");
    let taken = control.put(&e, taken, expect).await.unwrap_err();
    assert_eq!(conflict_with(taken), "user nordtel/bo");
    // Blocks do not overlap, whichever of them comes first.
    control.put(&e, block(20, 39, None), Expect::Absent).await.unwrap();
    for (first, last) in [(10, 20), (39, 50), (25, 30), (10, 90), (20, 39)] {
        let error = control.put(&e, block(first, last, None), Expect::Absent).await.unwrap_err();
        if first != 20 {
            assert_eq!(conflict_with(error), "block +46846500420 to +46846500439");
        }
    }
    let among = vec![(block(40, 60, None), Expect::Any), (block(50, 70, None), Expect::Any)];
    assert!(matches!(control.put_all(&e, among).await, Err(ControlError::Faults { count: 2, .. })));
    let side_by_side = vec![(block(20, 29, None), Expect::Any), (block(30, 39, Some("sydtel")), Expect::Absent)];
    control.put_all(&e, side_by_side).await.unwrap();
    // A tenant without anything can go.
    control.put(&e, tenant("osttel"), Expect::Absent).await.unwrap();
    control.delete::<Tenant>(&e, &"osttel".parse().unwrap(), Expect::Any).await.unwrap();
}

pub(crate) async fn the_log_says_who_changed_what(control: Control) {
    two_tenants(&control).await;
    let mut changed = tenant("nordtel");
    changed.suspended = true;
    let version = control.put(&edit("not paid"), changed, Expect::Any).await.unwrap();
    control.delete::<User>(&edit("left"), &user("nordtel", "anna").key(), Expect::Any).await.unwrap();
    let of = |tenant: &str, limit| LogQuery { tenant: Some(tenant.parse().unwrap()), limit, ..LogQuery::default() };
    let page = control.log(&of("nordtel", 2)).await.unwrap();
    let (left, not_paid) = (&page.entries[0], &page.entries[1]);
    assert_eq!((left.key.as_str(), left.comment.as_str(), &left.after), ("nordtel/anna", "left", &None));
    assert!(left.before.as_ref().unwrap()["devices"].is_array());
    assert_eq!((not_paid.at_place.version, not_paid.author.as_str()), (version, "anna@nordtel.example"));
    assert_eq!(not_paid.before.as_ref().unwrap()["suspended"], false);
    assert_eq!(not_paid.after.as_ref().unwrap()["suspended"], true);
    assert_eq!(not_paid.at, at(0));
    let rest = control.log(&LogQuery { before: page.next, ..of("nordtel", 10) }).await.unwrap();
    assert_eq!((rest.entries.len(), rest.next), (2, None));
    assert!(rest.entries.iter().all(|entry| entry.before.is_none() && entry.tenant == left.tenant));
    let one = LogQuery {
        entity: Some("user".to_owned()),
        key: Some("sydtel/anna".to_owned()),
        limit: 9,
        ..LogQuery::default()
    };
    assert_eq!(control.log(&one).await.unwrap().entries.len(), 1);
}
