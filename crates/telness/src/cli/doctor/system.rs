//! What the node needs of the system: its port, open files, time zones, and a clock that is right.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use telness_core::class::Workflow;
use telness_core::plan::Transport;
use telness_core::time::Timestamp;
use telness_engine::clock::Clock;
use telness_engine::sip::{Asked, Client, TlsRoots};

use super::Check;
use crate::listeners::{Protocol, chosen_by};
use crate::{open_files, sip};

/// How long an answer from the port is waited for.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// A clock before this is wrong: this version did not exist. 2026-11-01, in seconds since 1970.
const BUILT_AFTER_S: i64 = 1_793_491_200;

pub(super) fn address(listen: SocketAddr) -> Check {
    match TcpListener::bind(listen) {
        Ok(_) => Check::ok("address", format!("{listen} is free")),
        Err(why) if why.kind() == std::io::ErrorKind::AddrInUse => match readyz(listen) {
            Ok(200) => Check::ok("address", format!("a telness answers on {listen} and is ready")),
            Ok(503) => Check::warn(
                "address",
                format!("what answers on {listen} is not ready"),
                "ask it why: curl http://ADDR/readyz",
            ),
            answer => {
                let what =
                    answer.map_or_else(|why| why.to_string(), |status| format!("it answers /readyz with {status}"));
                let found = format!("{listen} is taken by another program: {what}");
                Check::fail("address", found, "stop that program, or choose another address with --listen")
            }
        },
        Err(why) => Check::fail(
            "address",
            format!("{listen} cannot be listened on: {why}"),
            "choose an address of this machine, and a port from 1024 up unless the service may use lower ones",
        ),
    }
}

/// Whether SIP can be served at an address, or already is.
pub(super) async fn sip_address(workflow: Workflow, listen: SocketAddr) -> Check {
    let why = match sip::open(listen).await {
        Ok(_) => return Check::ok("sip", format!("{listen} is free")),
        Err(why) => why,
    };
    let choose = format!("choose another address with {}", chosen_by(Protocol::Sip, workflow));
    if why.kind() != std::io::ErrorKind::AddrInUse {
        return Check::fail("sip", format!("{listen} cannot be listened on: {why}"), choose);
    }
    let client = Client::new(ANSWER_WITHIN, TlsRoots::default());
    match client.ask(&reached_at(listen).to_string(), Transport::Udp).await {
        Asked::Answered(200) => Check::ok("sip", format!("what is at {listen} answers OPTIONS and is ready")),
        Asked::Answered(503) => Check::warn(
            "sip",
            format!("what is at {listen} answers OPTIONS and is not ready"),
            "its answer has a Warning that says why; a telness says the same by /readyz and /readyz/emergency",
        ),
        asked => {
            let found = format!("{listen} is taken by another program: asked by OPTIONS it is {}", asked.as_str());
            Check::fail("sip", found, format!("stop that program, or {choose}"))
        }
    }
}

/// Where this machine reaches what listens on an address.
fn reached_at(listen: SocketAddr) -> SocketAddr {
    let mut to = listen;
    if to.ip().is_unspecified() {
        to.set_ip(if to.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() });
    }
    to
}

/// The status with which whoever listens answers `/readyz`.
fn readyz(listen: SocketAddr) -> std::io::Result<u16> {
    let to = reached_at(listen);
    let mut stream = TcpStream::connect_timeout(&to, ANSWER_WITHIN)?;
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    stream.set_write_timeout(Some(ANSWER_WITHIN))?;
    write!(stream, "GET /readyz HTTP/1.1\r\nhost: {to}\r\nconnection: close\r\n\r\n")?;
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    let status = std::str::from_utf8(&head).ok().and_then(|head| head.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok());
    status.ok_or_else(|| std::io::Error::other("it does not speak HTTP"))
}

pub(super) fn open_files(connections_max: usize, listeners: usize) -> Check {
    let (most, needed) = (open_files::most(), open_files::needed(connections_max, listeners));
    if most >= needed {
        return Check::ok("files", format!("{most} may be open at once"));
    }
    Check::warn(
        "files",
        format!("{most} may be open at once, and http.connections_max = {connections_max} needs {needed}"),
        "raise it (`ulimit -Hn`, or LimitNOFILE= of the service unit), or lower http.connections_max",
    )
}

pub(super) fn zones() -> Check {
    match jiff::tz::TimeZone::get("Europe/Stockholm") {
        Ok(_) => Check::ok("zones", "the time zone data is there"),
        Err(why) => Check::fail("zones", format!("no time zone data: {why}"), "install the package tzdata"),
    }
}

pub(super) fn clock(data: &Path) -> Check {
    let now = Clock::system().now();
    let todo = "set the clock, and keep it right with NTP (chrony, systemd-timesyncd)";
    if now < Timestamp::from_micros(BUILT_AFTER_S.saturating_mul(1_000_000)) {
        return Check::fail("clock", format!("it says {now}, which is before this version was made"), todo);
    }
    let newest = newest_file(data);
    match newest {
        // A minute is more than file systems and clocks differ by.
        Some(newest) if newest.as_micros() > now.as_micros().saturating_add(60_000_000) => {
            Check::fail("clock", format!("it says {now}, and the data folder was written at {newest}"), todo)
        }
        _ => Check::ok("clock", format!("{now}")),
    }
}

/// When a file of the data folder was last written.
fn newest_file(data: &Path) -> Option<Timestamp> {
    let folders = [data.to_owned(), data.join("journal")];
    let files = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    let written = files.filter_map(|file| file.metadata().ok()?.modified().ok());
    let since_1970 = written.filter_map(|at| at.duration_since(std::time::UNIX_EPOCH).ok()).max()?;
    Some(Timestamp::from_micros(i64::try_from(since_1970.as_micros()).ok()?))
}
