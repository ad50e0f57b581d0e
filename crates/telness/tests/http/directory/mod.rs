//! What people edit, over HTTP: who may, what is refused, and that what was put is in service.

mod access;
mod bad_input;
mod decks;
mod editing;
mod plans;
mod service;

use serde_json::{Value, json};
use telness_engine::auth::KeyText;
use telness_engine::config::{KeyHolder, KeySetting};
use telness_testkit::{Client, Response};

use crate::served::Served;

/// A node with keys: the operator's, and one of each tenant of the example plan.
pub(super) struct Keyed {
    pub(super) served: Served,
    operator: String,
    nordtel: String,
    granen: String,
}

impl Keyed {
    pub(super) fn start() -> Self {
        Self::with(&[])
    }

    pub(super) fn with(settings: &[(&str, &str)]) -> Self {
        let mut keys = Vec::new();
        let mut key = |holder| {
            let key = KeyText::fresh().unwrap();
            keys.push(KeySetting { holder, sha256: key.sha256() });
            format!("Bearer {}", key.reveal())
        };
        let operator = key(KeyHolder::Operator("anna".parse().unwrap()));
        let nordtel = key(KeyHolder::Tenant("nordtel".parse().unwrap()));
        let granen = key(KeyHolder::Tenant("granen".parse().unwrap()));
        let settings: Vec<_> = settings.iter().copied().chain([("store.poll_ms", "10")]).collect();
        let served = Served::changed(&settings, |settings| settings.keys = keys);
        Self { served, operator, nordtel, granen }
    }

    pub(super) fn operator(&self) -> Client {
        self.served.client().with_header("authorization", &self.operator)
    }

    pub(super) fn nordtel(&self) -> Client {
        self.served.client().with_header("authorization", &self.nordtel)
    }

    pub(super) fn granen(&self) -> Client {
        self.served.client().with_header("authorization", &self.granen)
    }
}

pub(super) fn put(client: &mut Client, path: &str, body: &Value) -> Response {
    put_with(client, path, &[], body)
}

pub(super) fn put_with(client: &mut Client, path: &str, headers: &[(&str, &str)], body: &Value) -> Response {
    client.request("PUT", path, headers, body.to_string().as_bytes()).unwrap()
}

pub(super) fn delete(client: &mut Client, path: &str, headers: &[(&str, &str)]) -> Response {
    client.request("DELETE", path, headers, b"").unwrap()
}

/// That it succeeded, with its ETag.
pub(super) fn done(response: &Response) -> String {
    assert!(response.is_success(), "{}: {}", response.status, response.text());
    response.header("etag").unwrap_or_default().to_owned()
}

/// That it was refused so, and the names of the fields at fault.
pub(super) fn refused(response: &Response, status: u16, reason: &str) -> Vec<String> {
    let document = response.json();
    assert_eq!((response.status, &document["reason"]["name"]), (status, &json!(reason)), "{document}");
    let errors = document["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
}

/// The tenant nordtel with the user berit, who holds a number.
pub(super) fn put_berit(client: &mut Client) {
    done(&put(client, "/v1/tenants/nordtel", &json!({})));
    done(&put(client, "/v1/tenants/nordtel/users/berit", &berit()));
    let entry = json!({"state": "assigned", "tenant": "nordtel", "user": "berit"});
    done(&put(client, "/v1/numbers/+46701740699", &entry));
}

pub(super) fn berit() -> Value {
    json!({"extension": "201", "devices": [{"trunk": "mobile-core", "number": "+46701740688"}]})
}
