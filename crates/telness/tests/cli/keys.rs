//! `telness keys new`: whose a key is, and what it opens.

use serde_json::json;
use telness_testkit::Client;

use super::serving::Service;
use super::{folder, run, run_in};

#[test]
fn an_operators_key_opens_the_directory_and_the_log_has_its_name() {
    let folder = folder();
    let made = run_in(&folder, &["keys", "new", "--operator", "anna", "--json"]).json();
    assert_eq!(made["operator"], "anna");
    let settings = format!("[[keys]]\noperator = 'anna'\nsha256 = '{}'\n", made["sha256"].as_str().unwrap());
    std::fs::write(folder.path().join("t.toml"), settings).unwrap();
    let service = Service::start(&folder, &["--config", "t.toml"]);
    let client = || Client::new(service.url().strip_prefix("http://").unwrap().parse().unwrap());
    let put = |client: &mut Client| client.request("PUT", "/v1/tenants/nordtel", &[], b"{}").unwrap().status;
    assert_eq!(put(&mut client()), 401);
    let mut anna = client().with_header("authorization", &format!("Bearer {}", made["key"].as_str().unwrap()));
    assert_eq!(put(&mut anna), 201);
    assert_eq!(anna.get("/v1/changes").unwrap().json()["items"][0]["author"], json!("anna"));
    service.signal("INT");
    let (code, log) = service.wait();
    assert_eq!(code, Some(0), "{log}");
    for secret in [&made["key"], &made["sha256"]] {
        assert!(!log.contains(secret.as_str().unwrap()), "{log}");
    }
}

#[test]
fn a_key_is_a_tenants_or_the_operators() {
    let shown = run(&["keys", "new", "--operator"]).out();
    assert!(shown.contains("[[keys]]\noperator = \"operator\"\nsha256 = \""), "{shown}");
    for wrong in
        [&["keys", "new"][..], &["keys", "new", "--tenant", "a", "--operator"], &["keys", "new", "--operator="]]
    {
        assert_eq!(run(wrong).code(), 2, "{wrong:?}");
    }
}
