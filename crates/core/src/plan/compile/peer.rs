//! Who asks, and the networks that tell one peer from another.

use std::collections::HashMap;

use ipnet::IpNet;

use super::empty_list;
use super::names::Names;
use crate::names::PeerName;
use crate::plan::Peer;
use crate::plan::document::leaf::{Listener, quoted};
use crate::plan::document::{self, Document};
use crate::plan::fault::FaultCode;
use crate::plan::faults::Faults;
use crate::plan::path::Path;

/// The peers by listener and network, to find two that cannot be told apart.
type Seen<'d> = HashMap<(Option<Listener>, IpNet), &'d PeerName>;

pub(super) fn compile(document: &Document, names: &Names, faults: &mut Faults<'_>) -> Box<[Peer]> {
    let root = Path::ROOT;
    let list = root.field("peers");
    let mut seen = Seen::new();
    let mut peers = Vec::new();
    for (at, peer) in document.peers.iter() {
        let here = list.item(at);
        let networks = networks(peer, &here, &mut seen, faults);
        if let Some(tenant) = &peer.tenant {
            names.tenants.find(tenant.as_str(), &here.field("tenant"), faults);
        }
        let site = peer.site.as_ref().and_then(|site| names.site(site.as_str(), &here.field("site"), faults));
        let trunk = peer.trunk.as_ref().and_then(|trunk| names.trunk(trunk.as_str(), &here.field("trunk"), faults));
        let sited = document.sites.iter().find(|(_, site)| Some(&site.name) == peer.site.as_ref());
        if let (Some(tenant), Some((_, site))) = (&peer.tenant, sited)
            && site.tenant != *tenant
        {
            let message = format!("the peer is tenant `{tenant}`'s, and its site is tenant `{}`'s", site.tenant);
            faults.tell(FaultCode::Contradiction, &here.field("site"), message, "let both be of one tenant");
        }
        peers.push(Peer {
            name: peer.name.clone(),
            networks,
            listener: peer.listener.map(|Listener(name)| name.into()),
            kind: peer.kind,
            tenant: peer.tenant.clone(),
            site,
            trunk,
            emergency_allowed: peer.emergency_allowed,
            trusted: peer.trusted,
            background: peer.background,
        });
    }
    peers.into()
}

fn networks<'d>(
    peer: &'d document::Peer,
    here: &Path<'_>,
    seen: &mut Seen<'d>,
    faults: &mut Faults<'_>,
) -> Box<[IpNet]> {
    let list = here.field("networks");
    if peer.networks.is_empty() {
        empty_list(&list, faults, "a peer is known by its networks");
    }
    let mut networks = Vec::new();
    for (at, text) in peer.networks.iter() {
        let Some(network) = network(text, &list.item(at), faults) else { continue };
        if let Some(other) = seen.insert((peer.listener, network), &peer.name) {
            let message = format!("the network {network} on this listener is peer `{other}`'s already");
            let help = "give each network to one peer, or tell the peers apart by `listener`";
            faults.tell(FaultCode::OverlappingNetworks, &list.item(at), message, help);
        }
        networks.push(network);
    }
    networks.into()
}

/// Reads a network; an address alone is a network of one.
fn network(text: &str, path: &Path<'_>, faults: &mut Faults<'_>) -> Option<IpNet> {
    let read: Option<IpNet> =
        if text.contains('/') { text.parse().ok() } else { text.parse().map(|one: std::net::IpAddr| one.into()).ok() };
    let Some(network) = read else {
        let message = format!("{} is no network", quoted(text));
        let help = "write an address and the length of its network, such as 192.0.2.0/24 or 2001:db8::/32";
        faults.tell(FaultCode::BadValue, path, message, help);
        return None;
    };
    if network != network.trunc() {
        let message = format!("{} has bits beyond its length of {}", quoted(text), network.prefix_len());
        let help = format!("write {}, or the address alone if one host is meant", network.trunc());
        faults.tell(FaultCode::BadValue, path, message, help);
        return None;
    }
    Some(network)
}
