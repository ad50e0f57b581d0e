//! The settings of the SIP listeners: where each workflow has one, and what a connection may cost.

use std::time::Duration;

use super::Settings;
use super::list::{COUNT_MAX, HOUR_MS, count, setting, whole};
use super::setting::{Setting, Takes};
use super::workflows::address;

fn high_listen(settings: &mut Settings, text: &str) -> Result<(), String> {
    settings.sip.high_listen = address(text)?;
    Ok(())
}

fn low_listen(settings: &mut Settings, text: &str) -> Result<(), String> {
    settings.sip.low_listen = address(text)?;
    Ok(())
}

pub(super) const HIGH_LISTEN: Setting = setting(
    "workflow.high.sip_listen",
    "",
    Takes::Text { form: "an address with a port, or nothing", set: high_listen },
    "Where SIP OPTIONS is answered by UDP and TCP as `/readyz/emergency` is, on the threads of emergency and vital calls: 200 \
     while emergency calls can be carried here, else 503. Where `workflow.serve` is `low` it is not served.",
);

pub(super) const LOW_LISTEN: Setting = setting(
    "workflow.low.sip_listen",
    "",
    Takes::Text { form: "an address with a port, or nothing", set: low_listen },
    "Where SIP OPTIONS is answered by UDP and TCP as `/readyz` is, on the threads of all other calls. Where \
     `workflow.serve` is `high` it is not served.",
);

pub(super) const CONNECTIONS_MAX: Setting = setting(
    "sip.connections_max",
    "1000",
    whole(1, COUNT_MAX, |to, n| to.sip.connections_max = count(n)),
    "Open TCP connections of each SIP listener at once; when more are wanted, those are closed that are idle or slow. Each needs an open file, \
     as with `http.connections_max`.",
);

pub(super) const IDLE_MS_MAX: Setting = setting(
    "sip.idle_ms_max",
    "180000",
    whole(100, HOUR_MS, |to, n| to.sip.idle_max = Duration::from_millis(n)),
    "How long a SIP connection may stay open without a message, in milliseconds. Longer than a switch pauses between two \
     OPTIONS.",
);

pub(super) const MESSAGE_MS_MAX: Setting = setting(
    "sip.message_ms_max",
    "10000",
    whole(100, HOUR_MS, |to, n| to.sip.message_max = Duration::from_millis(n)),
    "How long a message on a SIP connection may take to arrive, and its answer to be taken, in milliseconds.",
);
