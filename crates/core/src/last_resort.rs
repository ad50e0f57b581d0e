//! The way out of emergency calls that needs no plan: SIP addresses of the node's own settings.

use std::sync::{Arc, LazyLock};

use crate::names::{GatewayName, TrunkName};
use crate::plan::{Gateway, Transport, is_gateway_address};

/// The most addresses.
pub const LAST_RESORT_ADDRESSES_MAX: usize = 8;

static TRUNK: LazyLock<Option<TrunkName>> = LazyLock::new(|| LAST_RESORT_TRUNK.parse().ok());

/// What the last resort is called where a plan's trunk would stand.
pub const LAST_RESORT_TRUNK: &str = "node.last-resort";

/// Where emergency calls go when all that the plan names has failed, or when it names nothing (E9).
#[derive(Clone, Debug, Default)]
pub struct LastResort(Arc<[Gateway]>);

impl LastResort {
    /// Reads addresses that are set apart by commas, each a host with or without a port, and perhaps a transport:
    /// `192.0.2.9:5060, sos.carrier.example;transport=tls`. An empty text is none.
    ///
    /// # Errors
    /// Which one is no address, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let gateways: Result<Vec<Gateway>, String> = text.split(',').zip(1..).map(gateway).collect();
        let gateways = gateways?;
        if gateways.len() > LAST_RESORT_ADDRESSES_MAX {
            return Err(format!("{} addresses are more than {LAST_RESORT_ADDRESSES_MAX}", gateways.len()));
        }
        Ok(Self(gateways.into()))
    }

    /// The addresses, in the order in which they are tried.
    #[must_use]
    pub fn gateways(&self) -> &[Gateway] {
        &self.0
    }

    /// What it is called where a plan's trunk would stand.
    #[must_use]
    pub fn trunk() -> Option<TrunkName> {
        TRUNK.clone()
    }
}

fn gateway((text, place): (&str, u16)) -> Result<Gateway, String> {
    let (address, transport) = text.trim().split_once(';').unwrap_or((text.trim(), "transport=udp"));
    let transport = match transport.trim() {
        "transport=udp" => Transport::Udp,
        "transport=tcp" => Transport::Tcp,
        "transport=tls" => Transport::Tls,
        other => return Err(format!("`{other}` is not transport=udp, transport=tcp or transport=tls")),
    };
    if !is_gateway_address(address) {
        return Err(format!("`{address}` is no host with or without a port"));
    }
    let name: GatewayName = format!("gw{place}").parse().map_err(|error| format!("{error}"))?;
    Ok(Gateway { name, address: address.into(), transport, enabled: true, priority: place, weight: 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_order_with_their_transports() {
        let read = LastResort::parse("192.0.2.9:5060, sos.carrier.example;transport=tls,[2001:db8::9]").unwrap();
        let read: Vec<_> =
            read.gateways().iter().map(|one| (one.name.as_str(), &*one.address, one.transport)).collect();
        let expected = [
            ("gw1", "192.0.2.9:5060", Transport::Udp),
            ("gw2", "sos.carrier.example", Transport::Tls),
            ("gw3", "[2001:db8::9]", Transport::Udp),
        ];
        assert_eq!(read, expected);
        assert!(LastResort::parse(" ").unwrap().gateways().is_empty());
        assert!(LastResort::trunk().is_some());
    }

    #[test]
    fn what_is_no_address_is_told() {
        for text in
            ["sip:112@192.0.2.9", "192.0.2.9:x", "a b", ",", "192.0.2.9;transport=ws", "a;b;c", "192.0.2.9\r\nX: y"]
        {
            assert!(LastResort::parse(text).is_err(), "{text}");
        }
        let addresses = |count: usize| LastResort::parse(&vec!["192.0.2.9"; count].join(","));
        assert_eq!(addresses(LAST_RESORT_ADDRESSES_MAX).unwrap().gateways().len(), LAST_RESORT_ADDRESSES_MAX);
        assert!(addresses(LAST_RESORT_ADDRESSES_MAX + 1).is_err());
    }
}
