//! The server's key and what is derived from it: call ids, draws, and keyed hashes of numbers.

use std::fmt;

use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};
use telness_core::call::{CallId, Draft};
use telness_core::names::TenantName;
use telness_core::record::EventId;
use telness_core::time::Timestamp;
use uuid::Uuid;

use crate::event_flow::EventReport;

/// The system has no random bytes to give.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the system's random source failed; nothing can be named safely without it")]
pub struct NoRandomness;

/// The keys that a node, and every node beside it, derives from one secret.
pub struct Identity {
    idempotency: hmac::Key,
    draw: [u8; 16],
    number: [u8; 16],
    request: [u8; 16],
    check: [u8; 16],
    random: SystemRandom,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(secret)")
    }
}

impl Identity {
    /// Derives the keys from the server's secret. Every node of a deployment has the same secret, or the same
    /// idempotency key would make two calls on two nodes (N5).
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        let master = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let derive = |purpose: &str| -> [u8; 16] {
            let tag = hmac::sign(&master, purpose.as_bytes());
            let mut key = [0; 16];
            key.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
            key
        };
        Self {
            idempotency: hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&master, b"idempotency").as_ref()),
            draw: derive("draw"),
            number: derive("number"),
            request: derive("request"),
            check: derive("check"),
            random: SystemRandom::new(),
        }
    }

    /// A new call's id: version 7, so that ids sort by time.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn fresh_call_id(&self, now: Timestamp) -> Result<CallId, NoRandomness> {
        let mut random = [0; 10];
        self.random.fill(&mut random).map_err(|_| NoRandomness)?;
        let millis = u64::try_from(now.as_micros()).unwrap_or(0) / 1000;
        Ok(CallId(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()))
    }

    /// The id that a tenant's idempotency key stands for: version 8, the same on every node.
    #[must_use]
    pub fn keyed_call_id(&self, tenant: &TenantName, key: &str) -> CallId {
        let mut context = hmac::Context::with_key(&self.idempotency);
        context.update(tenant.as_str().as_bytes());
        // A name has no zero byte, so no tenant and key run together like another tenant's.
        context.update(&[0]);
        context.update(key.as_bytes());
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(context.sign().as_ref()).for_each(|(to, from)| *to = *from);
        CallId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// What tells two requests with one idempotency key apart: a hash of all that the request says.
    #[must_use]
    pub fn request_hash(&self, draft: &Draft) -> u64 {
        use std::hash::Hasher as _;
        let mut hasher = siphasher::sip::SipHasher13::new_with_key(&self.request);
        hasher.write(&serde_json::to_vec(draft).unwrap_or_default());
        hasher.finish()
    }

    /// The id of an event that came without one: the same for the same report, on every node.
    #[must_use]
    pub fn event_id(&self, report: &EventReport) -> EventId {
        use std::hash::Hasher as _;
        let mut hasher = siphasher::sip::SipHasher13::new_with_key(&self.request);
        let content = (report.leg.as_str(), report.kind, report.cause, report.occurred_at);
        hasher.write(&serde_json::to_vec(&content).unwrap_or_default());
        EventId::of_hash(hasher.finish())
    }

    /// What tells this secret from another, and tells nothing of it.
    #[must_use]
    pub fn check(&self) -> String {
        self.check.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The key of weighted choices.
    #[must_use]
    pub const fn draw_key(&self) -> [u8; 16] {
        self.draw
    }

    /// The key under which numbers are hashed for search.
    #[must_use]
    pub const fn number_key(&self) -> [u8; 16] {
        self.number
    }
}

/// Random bytes for a secret, a journal's id or a node's name.
///
/// # Errors
/// When the system has none.
pub fn random_bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// Whether an id was made from an idempotency key.
#[must_use]
pub fn is_keyed(id: Uuid) -> bool {
    id.get_version_num() == 8
}
