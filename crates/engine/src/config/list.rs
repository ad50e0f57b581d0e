//! The one list of settings. A setting that is not here does not exist.

use std::time::Duration;

use telness_core::last_resort::LastResort;
use telness_store::Tls;
use tracing_subscriber::EnvFilter;

use super::setting::{Setting, Takes};
use super::{Settings, sip, workflows};

/// As many as anybody can mean, where a limit has no natural end.
pub(super) const COUNT_MAX: u64 = 10_000_000;
/// An hour, in milliseconds.
pub(super) const HOUR_MS: u64 = 3_600_000;

/// A hundred years.
const RETENTION_DAYS_MAX: u64 = 36_500;

pub(super) const fn setting(name: &'static str, default: &'static str, takes: Takes, meaning: &'static str) -> Setting {
    Setting { name, default, takes, meaning, secret: false }
}

pub(super) const fn whole(min: u64, max: u64, set: fn(&mut Settings, u64)) -> Takes {
    Takes::Whole { min, max, set }
}

pub(super) const fn word(words: &'static [&'static str], set: fn(&mut Settings, &str)) -> Takes {
    Takes::Word { words, set }
}

/// On this service's platforms a `usize` holds every value of the list; should it not, the limit is the largest.
pub(super) fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A number of days, which is within the range of its setting.
fn days(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

fn listen(settings: &mut Settings, text: &str) -> Result<(), String> {
    settings.listen = text.parse().map_err(|_| format!("`{text}` is not an address with a port"))?;
    Ok(())
}

fn node(settings: &mut Settings, text: &str) -> Result<(), String> {
    let name = (!text.is_empty()).then(|| text.parse()).transpose();
    settings.node = name.map_err(|error| format!("`{text}` is {error}"))?;
    Ok(())
}

fn last_resort(settings: &mut Settings, text: &str) -> Result<(), String> {
    settings.last_resort = LastResort::parse(text)?;
    Ok(())
}

fn store_url(settings: &mut Settings, text: &str) -> Result<(), String> {
    if !text.is_empty() && !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
        // The text may hold a password, so it is not repeated.
        return Err("it is not written postgres://user@host:port/database".to_owned());
    }
    settings.store.url = (!text.is_empty()).then(|| text.to_owned());
    Ok(())
}

fn filter(settings: &mut Settings, text: &str) -> Result<(), String> {
    EnvFilter::try_new(text).map_err(|error| format!("`{text}` is no filter: {error}"))?;
    text.clone_into(&mut settings.log.filter);
    Ok(())
}

/// All settings, in the order in which people are shown them.
pub const SETTINGS: &[Setting] = &[
    setting(
        "listen",
        "127.0.0.1:8080",
        Takes::Text { form: "an address and a port, such as 127.0.0.1:8080 or [::1]:8080", set: listen },
        "Where HTTP is served; port 0 takes any free one. Loopback until there are keys, so that nobody can use a \
         service that was only just tried.",
    ),
    setting(
        "data",
        "telness-data",
        Takes::Path { optional: false, set: |to, path| to.data = path.unwrap_or_default() },
        "The folder of everything that the node keeps. It and what is in it are made readable by their owner alone. One \
         that was there before keeps its mode, and the log warns if others can look into it.",
    ),
    setting(
        "plan",
        "",
        Takes::Path { optional: true, set: |to, path| to.plan = path },
        "The plan's file. Without one the plan that is published in the store is in service, or the built-in example \
         before any was.",
    ),
    setting(
        "node",
        "",
        Takes::Text { form: "a name of a-z, 0-9, `-`, `_` and `.`, or nothing", set: node },
        "The node's name in records. Without one the data folder keeps one that was made at random.",
    ),
    setting(
        "identity.key_file",
        "",
        Takes::Path { optional: true, set: |to, path| to.key_file = path },
        "The file of the server's key: 32 bytes, or 64 hexadecimal digits. Without one the data folder keeps one that was \
         made at random. Nodes that share a database need the same: it makes the ids of calls with an Idempotency-Key, \
         and what numbers are found by. A node that sees another with a different key says so in its log, in `/readyz` \
         and in `telness nodes`.",
    ),
    setting(
        "emergency.last_resort",
        "",
        Takes::Text {
            form: "SIP addresses such as `192.0.2.9:5060, sos.carrier.example;transport=tls`, or nothing",
            set: last_resort,
        },
        "Where this node sends emergency calls when every trunk of the plan's emergency route has failed, and when the \
         plan has none: hosts with or without a port, perhaps with `;transport=tcp` or `;transport=tls`, set apart by \
         commas, in order, eight at most. No plan and no database can change it. They stand behind the plan's trunks in \
         each answer, as the trunk `node.last-resort`; without them an emergency call has the plan's ways and no more.",
    ),
    setting(
        "threads",
        "0",
        whole(0, 1024, |to, n| to.threads = count(n)),
        "Threads that serve requests; 0 is one for each core.",
    ),
    workflows::SERVE,
    workflows::HIGH_LISTEN,
    sip::HIGH_LISTEN,
    workflows::HIGH_THREADS,
    workflows::HIGH_DURABILITY,
    workflows::HIGH_CALLS_IN_FLIGHT_MAX,
    sip::LOW_LISTEN,
    workflows::LOW_DURABILITY,
    workflows::LOW_CALLS_IN_FLIGHT_MAX,
    workflows::LOW_BACKGROUND_PERCENT,
    workflows::LOW_QUEUE_CALLS_MAX,
    workflows::LOW_QUEUE_WAIT_MS_MAX,
    workflows::LOW_DELAY_MS_MAX,
    workflows::LOW_URL,
    setting(
        "emergency.callback_window_s",
        "3600",
        whole(60, 604_800, |to, n| to.callback_window = Duration::from_secs(n)),
        "For how long after an emergency call the emergency service's call back to its caller is of the class emergency \
         itself, in seconds (60 minutes): past do not disturb, forwards, screening and limits. It is known by a trunk with \
         `emergency_service: true` in the plan. The same on all nodes.",
    ),
    setting(
        "http.connections_max",
        "10000",
        whole(1, COUNT_MAX, |to, n| to.http.connections_max = count(n)),
        "Open connections of each listener at once. Each needs an open file: where fewer are allowed (`ulimit -Hn`), each listener has its share of those.",
    ),
    setting(
        "http.header_read_ms_max",
        "10000",
        whole(100, HOUR_MS, |to, n| to.http.header_read_max = Duration::from_millis(n)),
        "How long a request's head may take to arrive, in milliseconds. Cuts off who sends a byte at a time.",
    ),
    setting(
        "http.head_bytes_max",
        "32768",
        whole(8_192, 1_048_576, |to, n| to.http.head_bytes_max = count(n)),
        "The largest head of a request, in bytes.",
    ),
    setting(
        "http.header_lines_max",
        "64",
        whole(16, 1024, |to, n| to.http.header_lines_max = count(n)),
        "The most header lines of a request.",
    ),
    setting(
        "http.idle_ms_max",
        "75000",
        whole(100, HOUR_MS, |to, n| to.http.idle_max = Duration::from_millis(n)),
        "How long a connection may stay open without a request, in milliseconds. Longer than the idle time of the load \
         balancer before it, so that this closes first and never sends into a closing connection.",
    ),
    setting(
        "http.request_ms_max",
        "30000",
        whole(100, HOUR_MS, |to, n| to.http.request_max = Duration::from_millis(n)),
        "How long a request may take in all, in milliseconds.",
    ),
    setting(
        "http.body_bytes_max",
        "65536",
        whole(1024, 16_777_216, |to, n| to.http.body_bytes_max = count(n)),
        "The largest request body, in bytes. A call with a full location and metadata needs some 4 KiB.",
    ),
    setting(
        "http.bulk_bytes_max",
        "8388608",
        whole(65_536, 67_108_864, |to, n| to.http.bulk_bytes_max = count(n)),
        "The largest body of a request that puts several users, numbers, blocks or tenants at once, or that publishes a \
         plan, in bytes (8 MiB). Ten thousand users take some 2 MiB.",
    ),
    setting(
        "http.deck_bytes_max",
        "268435456",
        whole(65_536, 1 << 34, |to, n| to.http.deck_bytes_max = n),
        "The largest rate deck, in bytes of CSV (256 MiB). A million rows take some 40 MiB; they are read as they \
         arrive and never held together.",
    ),
    setting(
        "http.deck_ms_max",
        "600000",
        whole(1_000, 86_400_000, |to, n| to.http.deck_max = Duration::from_millis(n)),
        "How long a rate deck may take to arrive and to be loaded, in milliseconds (10 minutes).",
    ),
    setting(
        "http.drain_announce_ms",
        "0",
        whole(0, HOUR_MS, |to, n| to.http.drain_announce = Duration::from_millis(n)),
        "How long a node that was told to stop goes on taking connections while `/readyz` says that it stops, in \
         milliseconds: until whatever spreads the traffic has seen it. Longer than that takes to notice, such as 5000 \
         behind a check every second that has to fail twice; 0 where nothing is in front.",
    ),
    setting(
        "http.drain_ms_max",
        "20000",
        whole(0, HOUR_MS, |to, n| to.http.drain_max = Duration::from_millis(n)),
        "How long a stop may take after that, for requests in hand, for the journal and for the store, in \
         milliseconds. Together less than the 30 s that Kubernetes waits before it kills.",
    ),
    sip::CONNECTIONS_MAX,
    sip::IDLE_MS_MAX,
    sip::MESSAGE_MS_MAX,
    setting(
        "journal.segment_bytes_max",
        "67108864",
        whole(65_536, 1 << 40, |to, n| to.journal.segment_bytes_max = n),
        "When a segment of the journal is closed, in bytes (64 MiB). Space is given back by whole segments.",
    ),
    setting(
        "journal.bytes_max",
        "8589934592",
        whole(1_048_576, 1 << 50, |to, n| to.journal.bytes_max = n),
        "How large the journal may become, in bytes (8 GiB: some fifteen million calls while the store is away). Beyond \
         it normal calls are refused rather than lost. What waits there takes no memory, but for the answers to the \
         last 65,536 idempotency keys, some 200 MB at most.",
    ),
    setting(
        "journal.keep_shipped_s",
        "86400",
        whole(0, 31_536_000, |to, n| to.journal.keep_shipped = Duration::from_secs(n)),
        "How long records stay in the journal after the store has them, in seconds (a day) of the system's clock, so \
         that they can be shipped again to a store that was set back. A clock that is set forward ends it earlier.",
    ),
    setting(
        "journal.queue_records_max",
        "65536",
        whole(1, COUNT_MAX, |to, n| to.journal.queue_records_max = count(n)),
        "Records of each workflow that wait for the disk; beyond it calls are refused.",
    ),
    setting(
        "journal.batch_records_max",
        "512",
        whole(1, 65_536, |to, n| to.journal.batch_records_max = count(n)),
        "Records that share one disk sync.",
    ),
    setting(
        "journal.wait_ms_max",
        "2000",
        whole(1, HOUR_MS, |to, n| to.journal.wait_max = Duration::from_millis(n)),
        "How long an answer waits for its record, in milliseconds; then the call is refused with 503. A switch gives \
         up on us not much later.",
    ),
    setting(
        "shipper.enabled",
        "true",
        word(&["true", "false"], |to, word| to.shipper.enabled = word == "true"),
        "Whether records are moved from the journal to the store. Only measurements and repairs switch it off; no \
         answer waits for the store then.",
    ),
    setting(
        "shipper.batch_records_max",
        "1000",
        whole(1, 65_536, |to, n| to.shipper.batch_records_max = count(n)),
        "Records in one transaction of the store.",
    ),
    setting(
        "shipper.retry_ms_max",
        "5000",
        whole(100, HOUR_MS, |to, n| to.shipper.retry_max = Duration::from_millis(n)),
        "The longest pause before a store that failed is tried again, in milliseconds.",
    ),
    setting(
        "shipper.read_wait_ms_max",
        "2000",
        whole(0, HOUR_MS, |to, n| to.shipper.read_wait_max = Duration::from_millis(n)),
        "How long a reader waits until the store holds what was acknowledged before, in milliseconds.",
    ),
    Setting {
        name: "store.url",
        default: "",
        takes: Takes::Text { form: "postgres://user@host:port/database, or nothing", set: store_url },
        meaning: "The database that several nodes share. Without one the node keeps its own in the data folder (SQLite). \
                  A Postgres is made ready by `telness migrate up`; its encoding is UTF8. A pooler before it has to keep a \
                  connection for a session (PgBouncer: `pool_mode = session`).",
        secret: true,
    },
    setting(
        "store.password_file",
        "",
        Takes::Path { optional: true, set: |to, path| to.store.password_file = path },
        "The file with the database's password, so that it stands in no address. It is read for each connection, so a \
         password can be changed while nodes run.",
    ),
    setting(
        "store.tls",
        "verify",
        word(&["verify", "off"], |to, word| to.store.tls = if word == "off" { Tls::Off } else { Tls::Verify }),
        "Whether the connection to the database is encrypted: `verify` with certificate and host name verified, `off` \
         not at all, for a socket or a network that nobody else is on. There is nothing between.",
    ),
    setting(
        "store.tls_ca_file",
        "",
        Takes::Path { optional: true, set: |to, path| to.store.tls_ca_file = path },
        "The authorities that may have signed the database's certificate, as PEM. Without one the system's. It is \
         read for each connection.",
    ),
    setting(
        "store.connections_max",
        "8",
        whole(1, 1_000, |to, n| to.store.connections_max = count(n)),
        "Connections to the database at once: one for the shipper alone, the others, at least one, for readers and \
         editors. One more hears of changes.",
    ),
    setting(
        "store.connect_ms_max",
        "3000",
        whole(100, HOUR_MS, |to, n| to.store.connect_max = Duration::from_millis(n)),
        "How long a connection to the database may take to be made, and how long to wait for a free one, in milliseconds.",
    ),
    setting(
        "store.statement_ms_max",
        "10000",
        whole(100, HOUR_MS, |to, n| to.store.statement_max = Duration::from_millis(n)),
        "How long a statement may take in the database, in milliseconds. A transaction may take twice as long.",
    ),
    setting(
        "store.tcp_user_ms_max",
        "5000",
        whole(100, HOUR_MS, |to, n| to.store.tcp_user_max = Duration::from_millis(n)),
        "How long what was sent to the database may stay unconfirmed by the network before the connection is given up, \
         in milliseconds (TCP_USER_TIMEOUT).",
    ),
    setting(
        "store.commit_wait_ms_max",
        "250",
        whole(1, HOUR_MS, |to, n| to.store.commit_wait_max = Duration::from_millis(n)),
        "How long an answer with the durability `database` waits for the store's commit, in milliseconds from when its \
         record went to the journal. When the store is later than that, or fails, the call is answered as with `journal`.",
    ),
    setting(
        "store.poll_ms",
        "2000",
        whole(10, HOUR_MS, |to, n| to.store.poll = Duration::from_millis(n)),
        "How often to look whether the store has another plan, user, number or rate deck, in milliseconds. A Postgres \
         tells of changes at once; then this is for what was not heard.",
    ),
    setting(
        "billing.close_every_s",
        "0",
        whole(0, 3_600, |to, n| to.billing.close_every = Duration::from_secs(n)),
        "How often this node makes records for billing and closes the files of hours that are over, in seconds; 0 is \
         never, and `telness billing close` does it. Any number of nodes may: each file is closed once.",
    ),
    setting(
        "billing.settle_s",
        "900",
        whole(0, 604_800, |to, n| to.billing.settle = Duration::from_secs(n)),
        "How long after its end, by the switch's clock, a leg is final for billing, in seconds (15 minutes). What is \
         reported later makes a correction in a later file. The same on all nodes.",
    ),
    setting(
        "billing.open_s_max",
        "172800",
        whole(3_600, 31_536_000, |to, n| to.billing.open_max = Duration::from_secs(n)),
        "How long after its request a call is billed without an end, in seconds (two days): its record says that it is \
         not complete, and an end that comes later makes a correction. It has to be shorter than `retention.*` keeps \
         calls and their personal part, so that nothing is removed that is yet to be billed.",
    ),
    setting(
        "billing.file_records_max",
        "20000",
        whole(1, 100_000, |to, n| to.billing.file_records_max = u32::try_from(n).unwrap_or(u32::MAX)),
        "Records in one billing file; an hour with more has several files. A file passes through memory whole, some \
         1.5 KB a record.",
    ),
    setting(
        "emergency.silence_multiple",
        "30",
        whole(0, 100_000, |to, n| to.silence_multiple = u32::try_from(n).unwrap_or(u32::MAX)),
        "After how many times the usual time between two emergency calls, of the last 128 on this node, no call is \
         silence and an alert; a minute at least; 0 is never. Where they come less often than every two minutes silence \
         tells nothing.",
    ),
    setting(
        "probe.every_s",
        "60",
        whole(0, 3_600, |to, n| to.probe.every = Duration::from_secs(n)),
        "How often a gateway is asked, by SIP OPTIONS, if it is there, in seconds; 0 is never. Those are asked that \
         emergency calls go to, and those of trunks with `probe: true`. One in doubt is asked again after 5 s, one that is \
         down every 10 s.",
    ),
    setting(
        "probe.wait_ms_max",
        "4000",
        whole(100, 30_000, |to, n| to.probe.wait_max = Duration::from_millis(n)),
        "How long a gateway may take to answer that, in milliseconds.",
    ),
    setting(
        "probe.tls_ca_file",
        "",
        Takes::Path { optional: true, set: |to, path| to.probe.tls_ca_file = path },
        "The authorities that may have signed the certificates of gateways that are asked by TLS, as PEM. Without one the \
         system's. A gateway whose certificate is not believed is not asked, which `telness gateways` tells; it does not \
         count as down.",
    ),
    setting(
        "retention.calls_days",
        "0",
        whole(0, RETENTION_DAYS_MAX, |to, n| to.retention.calls_days = days(n)),
        "For how many days calls are kept, with their events and all that came under their ids; 0 is for ever. They go \
         with the first `telness records prune` after the end of the last of these days in UTC; nothing is removed \
         without that command. A tenant may have a time of its own. Emergency calls have their own setting.",
    ),
    setting(
        "retention.emergency_calls_days",
        "0",
        whole(0, RETENTION_DAYS_MAX, |to, n| to.retention.emergency_calls_days = days(n)),
        "The same for emergency calls, which are evidence; 0 is for ever. In Postgres a day is dropped in one go when \
         nothing of it is to be kept, so a day with an emergency call that stays goes row by row.",
    ),
    setting(
        "retention.personal_days",
        "0",
        whole(0, RETENTION_DAYS_MAX, |to, n| to.retention.personal_days = days(n)),
        "For how many days it is kept what tells of people in a call: numbers, names, places, what was attached, the \
         trace, and what numbers are found by; 0 is as long as the call. The rest of the call stays.",
    ),
    setting(
        "retention.emergency_personal_days",
        "0",
        whole(0, RETENTION_DAYS_MAX, |to, n| to.retention.emergency_personal_days = days(n)),
        "The same for emergency calls; 0 is as long as the call.",
    ),
    setting(
        "retention.waiting_events_days",
        "0",
        whole(0, RETENTION_DAYS_MAX, |to, n| to.retention.waiting_events_days = days(n)),
        "For how many days events wait for a call that never comes, such as one that was pruned before; 0 is for ever. \
         Longer than a node may be cut off from its database: its calls come that late.",
    ),
    setting(
        "log.format",
        "text",
        word(&["text", "json"], |to, word| to.log.json = word == "json"),
        "Whether log lines are for people (`text`) or machines (`json`).",
    ),
    setting(
        "log.filter",
        "info",
        Takes::Text { form: "a filter such as `info` or `warn,telness_engine=debug`", set: filter },
        "What is logged. Numbers and names of people never are.",
    ),
    Setting {
        name: "keys",
        default: "",
        takes: Takes::Keys,
        meaning: "The API keys: `[[keys]]` tables of the file with `sha256` (64 hexadecimal digits), and `tenant` for a \
                  tenant's key or `operator`, the name that the log of changes has, for one of the operator. `telness keys \
                  new` prints one to paste.",
        secret: true,
    },
];
