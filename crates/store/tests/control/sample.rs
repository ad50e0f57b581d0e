//! What the tests put.

use super::*;

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_795_478_400_000_000 + seconds * 1_000_000)
}

pub(crate) fn edit(comment: &str) -> Edit {
    Edit { author: "anna@nordtel.example".to_owned(), comment: comment.to_owned(), at: at(0) }
}

pub(crate) fn tenant(name: &str) -> Tenant {
    Tenant {
        name: name.parse().unwrap(),
        suspended: false,
        calls_per_s_max: None,
        outside_line_prefixes: Vec::new(),
        retention: Default::default(),
    }
}

pub(crate) fn user(tenant: &str, name: &str) -> User {
    User {
        name: name.parse().unwrap(),
        tenant: tenant.parse().unwrap(),
        extension: None,
        devices: serde_json::from_str(r#"[{"trunk":"pbx","number":"ext:201"}]"#).unwrap(),
        preferences: Preferences::default(),
    }
}

pub(crate) fn with_extension(mut user: User, extension: &str) -> User {
    user.extension = Some(extension.parse().unwrap());
    user
}

/// The numbers that may be used for this in Sweden: +46 8 465 004 00 to 99.
pub(crate) fn number(last: u32) -> E164 {
    format!("+468465004{last:02}").parse().unwrap()
}

pub(crate) fn assigned(last: u32, tenant: &str, user: &str) -> NumberEntry {
    NumberEntry {
        number: number(last),
        state: NumberState::Assigned,
        tenant: tenant.parse().unwrap(),
        user: Some(user.parse().unwrap()),
        cutover: None,
    }
}

pub(crate) fn block(first: u32, last: u32, tenant: Option<&str>) -> Block {
    let tenant = tenant.map(|name| name.parse().unwrap());
    Block { first: number(first), last: number(last), tenant, note: "a note".to_owned() }
}

pub(crate) fn refusal(error: ControlError) -> Refusal {
    match error {
        ControlError::Refused { refusal, .. } => refusal,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn conflict_with(error: ControlError) -> String {
    match refusal(error) {
        Refusal::Conflict { with, .. } => with,
        other => panic!("{other:?}"),
    }
}

/// Two tenants with a user each.
pub(crate) async fn two_tenants(control: &Control) {
    for name in ["nordtel", "sydtel"] {
        control.put(&edit("begin"), tenant(name), Expect::Absent).await.unwrap();
        control.put(&edit("begin"), user(name, "anna"), Expect::Absent).await.unwrap();
    }
}

/// All of a kind, in pages of a few.
pub(crate) async fn all_of<E: Entity>(
    list: impl AsyncFn(ListQuery<E>) -> telness_store::control::ListPage<E>,
) -> Vec<(E::Key, Version)> {
    let (mut after, mut all) = (None, Vec::new());
    loop {
        let page = list(ListQuery { tenant: None, after, limit: 3 }).await;
        assert!(page.items.len() <= 3);
        all.extend(page.items.iter().map(|item| (item.value.key(), item.version)));
        let Some(next) = page.next else { return all };
        after = Some(next);
    }
}
