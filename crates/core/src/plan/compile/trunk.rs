//! Trunks: gateways in the order they are tried, causes that move on, and what is done to numbers.

use std::collections::HashSet;
use std::sync::Arc;

use super::emergency::Guard;
use super::empty_list;
use super::names::{Names, duplicate};
use crate::last_resort::LAST_RESORT_TRUNK;
use crate::plan::document::decode::List;
use crate::plan::document::leaf::quoted;
use crate::plan::document::{self, Document, TranslationItem};
use crate::plan::fault::FaultCode;
use crate::plan::faults::Faults;
use crate::plan::path::Path;
use crate::plan::{Gateway, MoveOn, Translation, Translations, Trunk, is_gateway_address};

/// The longest prefix or prepended text of a translation, in characters.
const TRANSLATION_CHARS_MAX: usize = 24;

pub(super) fn compile(document: &Document, names: &Names, guard: &Guard, faults: &mut Faults<'_>) -> Box<[Trunk]> {
    let root = Path::ROOT;
    let list = root.field("trunks");
    document.trunks.iter().map(|(at, one)| trunk(one, &list.item(at), names, guard, faults)).collect()
}

fn trunk(trunk: &document::Trunk, here: &Path<'_>, names: &Names, guard: &Guard, faults: &mut Faults<'_>) -> Trunk {
    if trunk.name.as_str() == LAST_RESORT_TRUNK {
        let message = format!("`{LAST_RESORT_TRUNK}` is the node's own last resort, whose use raises an alert");
        faults.tell(FaultCode::BadValue, &here.field("name"), message, "give the trunk another name");
    }
    let tenants_here = here.field("tenants");
    for (at, tenant) in trunk.tenants.iter() {
        names.tenants.find(tenant.as_str(), &tenants_here.item(at), faults);
    }
    Trunk {
        name: trunk.name.clone(),
        enabled: trunk.enabled,
        emergency_service: trunk.emergency_service,
        tenants: trunk.tenants.iter().map(|(_, tenant)| tenant.clone()).collect(),
        gateways: gateways(trunk, &here.field("gateways"), faults),
        translations: translations(trunk, &here.field("translations"), guard, faults),
        number_format: trunk.number_format,
        default_caller: trunk.default_caller,
        setup_ms: trunk.setup_ms.0,
        ring_ms: trunk.ring_ms.0,
        move_on: Arc::new(move_on(trunk)),
        probe: trunk.probe,
    }
}

fn move_on(trunk: &document::Trunk) -> MoveOn {
    let default = MoveOn::default();
    let Some(written) = &trunk.move_on else { return default };
    let q850 = written.q850.as_ref().map(|list| list.iter().map(|(_, cause)| cause.narrow()).collect());
    let sip = written.sip.as_ref().map(|list| list.iter().map(|(_, status)| status.narrow()).collect());
    MoveOn { q850: q850.unwrap_or(default.q850), sip: sip.unwrap_or(default.sip), silence: written.silence }
}

fn gateways(trunk: &document::Trunk, list: &Path<'_>, faults: &mut Faults<'_>) -> Box<[Gateway]> {
    if trunk.gateways.is_empty() {
        empty_list(list, faults, "a trunk without a gateway leads nowhere");
    }
    let mut seen = HashSet::new();
    let mut gateways = Vec::new();
    for (at, gateway) in trunk.gateways.iter() {
        let here = list.item(at);
        if !seen.insert(&gateway.name) {
            duplicate("gateway", gateway.name.as_str(), &here.field("name"), faults);
        }
        if !is_gateway_address(&gateway.address) {
            let message = format!("{} is no address of a gateway", quoted(&gateway.address));
            let help = "write a host, and a port after a colon if it is not the usual one: 192.0.2.10:5060, \
                        [2001:db8::10]:5060, gw1.carrier.example";
            faults.tell(FaultCode::BadValue, &here.field("address"), message, help);
        }
        gateways.push(Gateway {
            name: gateway.name.clone(),
            address: gateway.address.as_str().into(),
            transport: gateway.transport,
            enabled: gateway.enabled,
            priority: gateway.priority.narrow(),
            weight: gateway.weight.narrow(),
        });
    }
    gateways.sort_by_key(|gateway| gateway.priority);
    gateways.into()
}

fn translations(trunk: &document::Trunk, here: &Path<'_>, guard: &Guard, faults: &mut Faults<'_>) -> Translations {
    let Some(lists) = &trunk.translations else { return Translations::default() };
    // A caller's number is no destination, so it cannot stand before an emergency number.
    Translations {
        in_called: translation_list(&lists.in_called, &here.field("in_called"), Some(guard), faults),
        in_caller: translation_list(&lists.in_caller, &here.field("in_caller"), None, faults),
        out_called: translation_list(&lists.out_called, &here.field("out_called"), Some(guard), faults),
        out_caller: translation_list(&lists.out_caller, &here.field("out_caller"), None, faults),
    }
}

fn translation_list(
    list: &List<TranslationItem>,
    path: &Path<'_>,
    guard: Option<&Guard>,
    faults: &mut Faults<'_>,
) -> Box<[Translation]> {
    let mut compiled = Vec::new();
    for (at, item) in list.iter() {
        let here = path.item(at);
        translation_text(&item.prefix, &here.field("prefix"), faults);
        translation_text(&item.prepend, &here.field("prepend"), faults);
        if item.prefix.is_empty() {
            let message = "an empty prefix would change every number without saying so".to_owned();
            let help = "write what the number begins with; `+` is every international number";
            faults.tell(FaultCode::ImplicitCatchAll, &here.field("prefix"), message, help);
        } else if let Some(guard) = guard {
            guard.translation(&item.prefix, &here.field("prefix"), faults);
        }
        let strip: u8 = item.strip.narrow();
        if usize::from(strip) > item.prefix.len() {
            let message = format!("{strip} characters would come off, and the prefix `{}` has fewer", item.prefix);
            let help = "take off no more than the prefix has, since nothing is known of what follows it";
            faults.tell(FaultCode::StripTooLong, &here.field("strip"), message, help);
        }
        let (prefix, prepend) = (item.prefix.as_str().into(), item.prepend.as_str().into());
        compiled.push(Translation { prefix, strip, prepend });
    }
    compiled.into()
}

/// Refuses what could not stand in a number, and so in a SIP URI.
fn translation_text(text: &str, path: &Path<'_>, faults: &mut Faults<'_>) {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let dialled = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'*' | b'#');
    if text.len() > TRANSLATION_CHARS_MAX || !digits.bytes().all(dialled) {
        let message = format!("{} cannot be part of a number", quoted(text));
        let help = format!("write digits, `*` and `#`, after a `+` if there is one, {TRANSLATION_CHARS_MAX} at most");
        faults.tell(FaultCode::BadValue, path, message, help);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_hosts_with_or_without_ports_and_nothing_else() {
        for good in
            ["192.0.2.10", "192.0.2.10:5060", "[2001:db8::10]", "[2001:db8::10]:5061", "gw1.carrier.example:5070"]
        {
            assert!(is_gateway_address(good), "{good}");
        }
        for bad in [
            "",
            ":5060",
            "192.0.2.10:",
            "192.0.2.10:0",
            "192.0.2.10:65536",
            "192.0.2.999",
            "2001:db8::10",
            "[2001:db8::10",
            "[gw1]",
            "gw1;transport=tcp",
            "sip:gw1",
            "gw1 ",
            "a@b",
            "gw_1",
            "-gw",
            "gw..example",
            "gw1:+5",
            "192.0.2.1:5\r\n",
        ] {
            assert!(!is_gateway_address(bad), "{bad}");
        }
    }
}
