//! The settings: what each is called, what it means, its unit and its default.
//!
//! [`SETTINGS`] is the one list of them: names, environment variables, defaults, checks and `docs/settings.md`
//! all come from it. Where a value comes from, weakest first: the default, the file, the environment, a flag.

mod document;
mod environment;
mod fault;
mod file;
mod list;
mod load;
mod nearest;
mod setting;
mod sip;
#[cfg(test)]
mod tests;
mod workflows;

pub use document::settings_page;
pub use environment::{CONFIG_VARIABLE, Environment};
pub use fault::{ConfigFault, ConfigFaults, Source};
pub use list::SETTINGS;
pub use load::{Effective, Flag, Inputs, Loaded, load};
pub use setting::{Setting, Takes};

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use telness_core::class::Workflow;
use telness_core::last_resort::LastResort;
use telness_core::names::{NodeName, OperatorName, TenantName};
use telness_core::retention::Retention;
use telness_store::Tls;

/// How soon a call's record is durable, seen from its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The answer waits until the record is in the journal.
    Journal,
    /// The answer waits until the record is in the journal, and then for the store's commit, but not for ever.
    Database,
    /// The answer does not wait; the record follows within the journal's group time.
    Async,
}

/// One workflow's settings.
#[derive(Clone, Debug)]
pub struct WorkflowSettings {
    /// When the answer is given.
    pub durability: Durability,
    /// Calls in hand at once; more are refused. Emergency calls are not counted and never refused.
    pub calls_in_flight_max: usize,
}

/// Who of the low workflow is let in.
#[derive(Clone, Copy, Debug)]
pub struct AdmissionSettings {
    /// The share of background calls, in percent.
    pub background_percent: usize,
    /// Normal calls that wait for a place.
    pub queue_calls_max: usize,
    /// How long each waits.
    pub queue_wait_max: Duration,
    /// How late its threads may be.
    pub delay_max: Duration,
}

/// Which workflows a process serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serve {
    /// Both.
    Both,
    /// Emergency and vital calls alone.
    High,
    /// All calls, on one listener.
    Low,
}

/// Whose an API key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyHolder {
    /// A tenant's: its calls, and reading what is its own.
    Tenant(TenantName),
    /// The operator's: editing and reading what is there of all tenants, and no calls.
    Operator(OperatorName),
}

/// An API key, as it is kept: not the key but its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySetting {
    /// Whom it proves.
    pub holder: KeyHolder,
    /// SHA-256 of the key.
    pub sha256: [u8; 32],
}

/// All settings of a node.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where HTTP is served.
    pub listen: SocketAddr,
    /// The folder of everything that the node keeps.
    pub data: PathBuf,
    /// The plan's file; the store's plan if there is none, or the built-in example.
    pub plan: Option<PathBuf>,
    /// The file of the server's key; one in the data folder if there is none.
    pub key_file: Option<PathBuf>,
    /// The node's name.
    pub node: Option<NodeName>,
    /// The API keys.
    pub keys: Vec<KeySetting>,
    /// Where emergency calls go when all that the plan names has failed, or when it names nothing.
    pub last_resort: LastResort,
    /// For how long after an emergency call the emergency service's call back is of that class.
    pub callback_window: Duration,
    /// Runtime threads; the number of cores if 0.
    pub threads: usize,
    /// Which workflows are served.
    pub serve: Serve,
    /// Where emergency and vital calls have a listener of their own, if they have one.
    pub high_listen: Option<SocketAddr>,
    /// Threads of that listener.
    pub high_threads: usize,
    /// Where that listener sends those who ask it for something else.
    pub low_url: Option<String>,
    /// Emergency and vital calls.
    pub high: WorkflowSettings,
    /// All other calls.
    pub low: WorkflowSettings,
    /// Who of them is let in.
    pub low_admission: AdmissionSettings,
    /// HTTP limits.
    pub http: HttpSettings,
    /// Where SIP is answered, and its limits.
    pub sip: SipSettings,
    /// The journal's limits.
    pub journal: JournalSettings,
    /// What moves records from the journal to the store.
    pub shipper: ShipperSettings,
    /// The store that several nodes share, if there is one.
    pub store: StoreSettings,
    /// Records for billing.
    pub billing: BillingSettings,
    /// How gateways are asked if they are there.
    pub probe: ProbeSettings,
    /// How many times the usual time between two emergency calls is silence; never if 0.
    pub silence_multiple: u32,
    /// How long records are kept.
    pub retention: Retention,
    /// What is logged and how.
    pub log: LogSettings,
}

/// The limits of the HTTP listener.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// Open connections at once.
    pub connections_max: usize,
    /// How long the head of a request may take to arrive.
    pub header_read_max: Duration,
    /// The largest head of a request, in bytes.
    pub head_bytes_max: usize,
    /// The most header lines of a request.
    pub header_lines_max: usize,
    /// How long a connection may stay open without a request.
    pub idle_max: Duration,
    /// How long a request may take in all.
    pub request_max: Duration,
    /// The largest body, in bytes.
    pub body_bytes_max: usize,
    /// The largest body of several things at once or of a plan, in bytes.
    pub bulk_bytes_max: usize,
    /// The largest rate deck, in bytes.
    pub deck_bytes_max: u64,
    /// How long a rate deck may take to arrive and to be loaded.
    pub deck_max: Duration,
    /// How long a node that was told to stop still takes connections.
    pub drain_announce: Duration,
    /// How long a stopping node waits for requests in hand.
    pub drain_max: Duration,
}

/// Where SIP is answered, and the limits of each such listener.
#[derive(Clone, Debug)]
pub struct SipSettings {
    /// Where it says whether emergency calls can be carried, if anywhere.
    pub high_listen: Option<SocketAddr>,
    /// Where it says whether other calls can.
    pub low_listen: Option<SocketAddr>,
    /// Open connections at once.
    pub connections_max: usize,
    /// How long a connection may stay open without a request.
    pub idle_max: Duration,
    /// How long a message may take to arrive, and its answer to be taken.
    pub message_max: Duration,
}

/// The limits of the journal.
#[derive(Clone, Debug)]
pub struct JournalSettings {
    /// A segment's size, in bytes.
    pub segment_bytes_max: u64,
    /// The size of all segments, in bytes.
    pub bytes_max: u64,
    /// How long shipped records are kept.
    pub keep_shipped: Duration,
    /// Records that wait to be written, in each workflow.
    pub queue_records_max: usize,
    /// Records in one group.
    pub batch_records_max: usize,
    /// How long an answer waits for its record.
    pub wait_max: Duration,
}

/// The limits of the shipper.
#[derive(Clone, Debug)]
pub struct ShipperSettings {
    /// Whether records are moved on at all; only benchmarks and repairs switch it off.
    pub enabled: bool,
    /// Records in one transaction.
    pub batch_records_max: usize,
    /// The longest pause after a failure.
    pub retry_max: Duration,
    /// How long a reader waits for the store to hold what was acknowledged before its request.
    pub read_wait_max: Duration,
}

/// The store, and how long to wait for it.
#[derive(Clone)]
pub struct StoreSettings {
    /// A Postgres's address, which may hold a password; the node's own file if there is none.
    pub url: Option<String>,
    /// The file with the password.
    pub password_file: Option<PathBuf>,
    /// Whether the connection is encrypted.
    pub tls: Tls,
    /// The authorities that may have signed the server's certificate.
    pub tls_ca_file: Option<PathBuf>,
    /// Connections at once.
    pub connections_max: usize,
    /// How long a connection may take to be made.
    pub connect_max: Duration,
    /// How long a statement may take.
    pub statement_max: Duration,
    /// How long what was sent may stay unconfirmed.
    pub tcp_user_max: Duration,
    /// How long an answer waits for the store's commit.
    pub commit_wait_max: Duration,
    /// How often to look for changes of what is served.
    pub poll: Duration,
}

impl fmt::Debug for StoreSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreSettings").field("tls", &self.tls).finish_non_exhaustive()
    }
}

/// When records for billing are made and closed into files.
#[derive(Clone, Copy, Debug)]
pub struct BillingSettings {
    /// How often the node does it; never if zero.
    pub close_every: Duration,
    /// How long after its end a leg is taken to be final.
    pub settle: Duration,
    /// How long after its request a call is taken to be final without an end.
    pub open_max: Duration,
    /// Records in one file.
    pub file_records_max: u32,
}

/// How gateways are asked if they are there.
#[derive(Clone, Debug)]
pub struct ProbeSettings {
    /// How often one that is well is asked; never if zero.
    pub every: Duration,
    /// How long it may take to answer.
    pub wait_max: Duration,
    /// The authorities that may have signed a gateway's certificate.
    pub tls_ca_file: Option<PathBuf>,
}

/// What is logged.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// Whether lines are JSON.
    pub json: bool,
    /// What is logged, in the filter language of the `tracing` crates.
    pub filter: String,
}

impl Settings {
    /// Where the process listens, and which workflow's calls each listener is for.
    #[must_use]
    pub fn listeners(&self) -> Vec<(Workflow, SocketAddr)> {
        let high = |address| (Workflow::High, address);
        match self.serve {
            Serve::Both => [(Workflow::Low, self.listen)].into_iter().chain(self.high_listen.map(high)).collect(),
            Serve::Low => vec![(Workflow::Low, self.listen)],
            Serve::High => vec![high(self.high_listen.unwrap_or(self.listen))],
        }
    }

    /// Where the process answers SIP, and which workflow each listener tells of.
    #[must_use]
    pub fn sip_listeners(&self) -> Vec<(Workflow, SocketAddr)> {
        let low = self.sip.low_listen.filter(|_| self.serve != Serve::High).map(|address| (Workflow::Low, address));
        let high = self.sip.high_listen.filter(|_| self.serve != Serve::Low).map(|address| (Workflow::High, address));
        low.into_iter().chain(high).collect()
    }

    /// Nothing at all: what the defaults of the list are laid over.
    fn blank() -> Self {
        let workflow = || WorkflowSettings { durability: Durability::Journal, calls_in_flight_max: 0 };
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            data: PathBuf::new(),
            plan: None,
            key_file: None,
            node: None,
            keys: Vec::new(),
            last_resort: LastResort::default(),
            callback_window: Duration::ZERO,
            threads: 0,
            serve: Serve::Both,
            high_listen: None,
            high_threads: 0,
            low_url: None,
            high: workflow(),
            low: workflow(),
            low_admission: AdmissionSettings {
                background_percent: 0,
                queue_calls_max: 0,
                queue_wait_max: Duration::ZERO,
                delay_max: Duration::ZERO,
            },
            http: HttpSettings {
                connections_max: 0,
                header_read_max: Duration::ZERO,
                head_bytes_max: 0,
                header_lines_max: 0,
                idle_max: Duration::ZERO,
                request_max: Duration::ZERO,
                body_bytes_max: 0,
                bulk_bytes_max: 0,
                deck_bytes_max: 0,
                deck_max: Duration::ZERO,
                drain_announce: Duration::ZERO,
                drain_max: Duration::ZERO,
            },
            sip: SipSettings {
                high_listen: None,
                low_listen: None,
                connections_max: 0,
                idle_max: Duration::ZERO,
                message_max: Duration::ZERO,
            },
            journal: JournalSettings {
                segment_bytes_max: 0,
                bytes_max: 0,
                keep_shipped: Duration::ZERO,
                queue_records_max: 0,
                batch_records_max: 0,
                wait_max: Duration::ZERO,
            },
            shipper: ShipperSettings {
                enabled: false,
                batch_records_max: 0,
                retry_max: Duration::ZERO,
                read_wait_max: Duration::ZERO,
            },
            store: StoreSettings {
                url: None,
                password_file: None,
                tls: Tls::Verify,
                tls_ca_file: None,
                connections_max: 0,
                connect_max: Duration::ZERO,
                statement_max: Duration::ZERO,
                tcp_user_max: Duration::ZERO,
                commit_wait_max: Duration::ZERO,
                poll: Duration::ZERO,
            },
            billing: BillingSettings {
                close_every: Duration::ZERO,
                settle: Duration::ZERO,
                open_max: Duration::ZERO,
                file_records_max: 0,
            },
            probe: ProbeSettings { every: Duration::ZERO, wait_max: Duration::ZERO, tls_ca_file: None },
            silence_multiple: 0,
            retention: Retention::default(),
            log: LogSettings { json: false, filter: String::new() },
        }
    }
}
