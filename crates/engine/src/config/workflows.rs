//! The settings of the two workflows: who is served where, on which threads, and how many calls at once.

use std::net::SocketAddr;
use std::time::Duration;

use super::list::{COUNT_MAX, HOUR_MS, count, setting, whole, word};
use super::setting::{Setting, Takes};
use super::{Durability, Serve, Settings};

const DURABILITIES: &[&str] = &["journal", "database", "async"];

fn durability(word: &str) -> Durability {
    match word {
        "async" => Durability::Async,
        "database" => Durability::Database,
        _ => Durability::Journal,
    }
}

fn serve(settings: &mut Settings, word: &str) {
    settings.serve = match word {
        "high" => Serve::High,
        "low" => Serve::Low,
        _ => Serve::Both,
    };
}

/// An address, or none.
pub(super) fn address(text: &str) -> Result<Option<SocketAddr>, String> {
    let address = (!text.is_empty()).then(|| text.parse()).transpose();
    address.map_err(|_| format!("`{text}` is not an address with a port"))
}

fn high_listen(settings: &mut Settings, text: &str) -> Result<(), String> {
    settings.high_listen = address(text)?;
    Ok(())
}

fn low_url(settings: &mut Settings, text: &str) -> Result<(), String> {
    if !text.is_empty() && !text.starts_with("http://") && !text.starts_with("https://") {
        return Err(format!("`{text}` is not written http://host:port or https://host:port"));
    }
    settings.low_url = (!text.is_empty()).then(|| text.to_owned());
    Ok(())
}

pub(super) const SERVE: Setting = setting(
    "workflow.serve",
    "both",
    word(&["both", "high", "low"], serve),
    "Which workflows this process serves: `both`, or one of them where each has processes of its own. A process that \
     serves `low` carries emergency and vital calls as well, one that serves `high` carries nothing else.",
);

pub(super) const HIGH_LISTEN: Setting = setting(
    "workflow.high.listen",
    "",
    Takes::Text { form: "an address with a port, or nothing", set: high_listen },
    "Where emergency and vital calls have a listener of their own, on threads of their own; other calls are sent away \
     there with 421. Without one they come to `listen`, as all calls may; where `workflow.serve` is `high`, `listen` is \
     that listener then.",
);

pub(super) const HIGH_THREADS: Setting = setting(
    "workflow.high.threads",
    "2",
    whole(1, 1024, |to, n| to.high_threads = count(n)),
    "Threads that serve the listener of emergency and vital calls, and nothing else.",
);

pub(super) const HIGH_DURABILITY: Setting = setting(
    "workflow.high.durability",
    "async",
    word(DURABILITIES, |to, word| to.high.durability = durability(word)),
    "When a vital call is answered: `journal` after its record is on this node's disk, `database` after the store \
     committed it as well (see `store.commit_wait_ms_max`), `async` at once. A life does not wait for a disk; the \
     record follows within milliseconds. Emergency calls never wait, whatever stands here.",
);

pub(super) const HIGH_CALLS_IN_FLIGHT_MAX: Setting = setting(
    "workflow.high.calls_in_flight_max",
    "4096",
    whole(1, COUNT_MAX, |to, n| to.high.calls_in_flight_max = count(n)),
    "Vital calls in hand at once; more are refused. Emergency calls are not counted and never refused.",
);

pub(super) const LOW_DURABILITY: Setting = setting(
    "workflow.low.durability",
    "journal",
    word(DURABILITIES, |to, word| to.low.durability = durability(word)),
    "When a normal call is answered: `journal` after its record is on this node's disk, `database` after the store \
     committed it as well (see `store.commit_wait_ms_max`), `async` at once. With `journal` the loss of the disk, \
     with `async` a power loss, can lose calls that were answered.",
);

pub(super) const LOW_CALLS_IN_FLIGHT_MAX: Setting = setting(
    "workflow.low.calls_in_flight_max",
    "4096",
    whole(1, COUNT_MAX, |to, n| to.low.calls_in_flight_max = count(n)),
    "Normal and background calls in hand at once; more wait a little and are refused then. Enough for 40,000 calls/s on a disk that takes 100 ms.",
);

pub(super) const LOW_BACKGROUND_PERCENT: Setting = setting(
    "workflow.low.background_percent",
    "10",
    whole(0, 50, |to, n| to.low_admission.background_percent = count(n)),
    "The share of `workflow.low.calls_in_flight_max` that is for background calls, in percent; normal calls have the \
     rest.",
);

pub(super) const LOW_QUEUE_CALLS_MAX: Setting = setting(
    "workflow.low.queue_calls_max",
    "1024",
    whole(0, COUNT_MAX, |to, n| to.low_admission.queue_calls_max = count(n)),
    "Normal calls that wait for a place. Beyond that whoever has waited longest is refused.",
);

pub(super) const LOW_QUEUE_WAIT_MS_MAX: Setting = setting(
    "workflow.low.queue_wait_ms_max",
    "100",
    whole(1, HOUR_MS, |to, n| to.low_admission.queue_wait_max = Duration::from_millis(n)),
    "How long a normal call waits for a place, in milliseconds; then it is refused. Once calls have waited without a \
     break for 100 ms, each waits 5 ms at most, and the newest is first.",
);

pub(super) const LOW_DELAY_MS_MAX: Setting = setting(
    "workflow.low.delay_ms_max",
    "50",
    whole(1, HOUR_MS, |to, n| to.low_admission.delay_max = Duration::from_millis(n)),
    "How long what comes may wait before a thread of the low workflow looks at it, in milliseconds. While the least \
     delay of 100 ms is more, no background call is taken and an ever larger share of normal ones is refused at once.",
);

pub(super) const LOW_URL: Setting = setting(
    "workflow.low.url",
    "",
    Takes::Text { form: "an address such as http://calls.example.net, or nothing", set: low_url },
    "Where the high listener tells those to go who ask it for what is not its own (421). Without one it names the port \
     of `listen`, where this process serves that too.",
);
