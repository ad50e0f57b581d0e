//! What was put is in service without a restart, on either database.

use serde_json::json;
use telness_engine::config::{Flag, Inputs, load};
use telness_engine::storage;
use telness_testkit::{Client, Postgres, eventually};

use super::{Keyed, berit, delete, done, put, put_berit};
use crate::served::PATIENCE;

/// Makes a database ready, as `telness migrate up` does.
fn migrate(settings: &[(&str, &str)]) {
    let flag = |(name, text): &(&str, &str)| Flag {
        flag: "--set".to_owned(),
        name: (*name).to_owned(),
        text: (*text).to_owned(),
    };
    let inputs = Inputs { flags: settings.iter().map(flag).collect(), ..Inputs::default() };
    let store = load(&inputs).unwrap().settings.store;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { storage::migrations(&store).unwrap().unwrap().up().await.unwrap() });
}

/// What is rung for a call to berit's number, once it is as expected.
fn rings(client: &mut Client, expected: impl Fn(&serde_json::Value) -> bool) {
    let call = json!({"from": "+46701740605", "to": "+46701740699", "type": "mobile"});
    let mut last = json!(null);
    let found = eventually(PATIENCE, || {
        last = client.post("/v1/calls", &call).unwrap().json();
        expected(&last).then_some(())
    });
    assert!(found.is_some(), "{last}");
}

fn a_number_and_its_user_are_in_service(keyed: &Keyed) {
    let (mut operator, mut caller) = (keyed.operator(), keyed.nordtel());
    rings(&mut caller, |answer| answer["steps"][0]["targets"][0]["user"] != "berit");
    put_berit(&mut operator);
    rings(&mut caller, |answer| {
        let target = &answer["steps"][0]["targets"][0];
        target["user"] == "berit" && target["uri"].as_str().is_some_and(|uri| uri.contains("+46701740688"))
    });
    let mut away = berit();
    away["preferences"] = json!({"do_not_disturb": true});
    done(&put(&mut operator, "/v1/tenants/nordtel/users/berit", &away));
    rings(&mut caller, |answer| answer["reason"]["name"] == "do_not_disturb");
    assert_eq!(delete(&mut operator, "/v1/numbers/+46701740699", &[]).status, 204);
    rings(&mut caller, |answer| answer["reason"]["name"] != "do_not_disturb");
}

#[test]
fn a_number_that_is_put_rings_its_users_device_without_a_restart() {
    a_number_and_its_user_are_in_service(&Keyed::start());
}

#[test]
fn a_number_that_is_put_in_postgres_rings_its_users_device_without_a_restart() {
    let postgres = Postgres::start();
    let url = postgres.url(&postgres.database());
    let settings = [("store.url", url.as_str()), ("store.tls", "off")];
    migrate(&settings);
    let keyed = Keyed::with(&settings);
    a_number_and_its_user_are_in_service(&keyed);
    let log = keyed.operator().get("/v1/changes").unwrap().json();
    assert_eq!(log["items"].as_array().unwrap().len(), 5, "{log}");
}
