//! The ways out: trunks, their gateways and what they do to numbers.

use super::decode::{List, shape};
use super::leaf::Whole;
use crate::names::{GatewayName, TenantName, TrunkName};
use crate::number::E164;
use crate::plan::{NumberFormat, Transport};

/// How long a target may take to answer the INVITE, when a trunk does not say, in milliseconds.
pub(crate) const SETUP_MS_DEFAULT: u32 = 4_000;
/// How long a target may ring, when a trunk does not say, in milliseconds.
pub(crate) const RING_MS_DEFAULT: u32 = 60_000;

/// A Q.850 cause.
pub(crate) type Q850Cause = Whole<1, 127>;
/// A SIP status that ends an attempt.
pub(crate) type SipStatus = Whole<300, 699>;

shape! {
    /// A commercial route to a carrier or a PBX.
    struct Trunk "trunk" {
        /// Its name.
        name "name": TrunkName, required;
        /// Whether it may be used.
        enabled "enabled": bool, default true;
        /// Whether the emergency service itself calls by it. A call that comes in by it, to a number that made an emergency
        /// call within the window, is of the class emergency: past do not disturb, forwards, screening and limits.
        emergency_service "emergency_service": bool, default false;
        /// The tenants that may use it; all if left out.
        tenants "tenants": List<TenantName>, default List::default();
        /// How the called number is written: e164 is +46…, digits is 46…, double_zero is 0046….
        number_format "number_format": NumberFormat, default NumberFormat::E164;
        /// The number shown as caller when the call's own may not be used.
        default_caller "default_caller": Option<E164>, default None;
        /// How long a gateway may take to answer with ringing, in milliseconds.
        setup_ms "setup_ms": Whole<100, 60_000>, default Whole(SETUP_MS_DEFAULT);
        /// How long the called party may ring, in milliseconds.
        ring_ms "ring_ms": Whole<1_000, 600_000>, default Whole(RING_MS_DEFAULT);
        /// After which failures the next target may be tried.
        move_on "move_on": Option<MoveOnCauses>, default None;
        /// What is done to numbers on the way in and out.
        translations "translations": Option<TranslationLists>, default None;
        /// Whether its gateways are asked, by SIP OPTIONS, if they are there. If left out, those that emergency calls
        /// go to are.
        probe "probe": Option<bool>, default None;
        /// The SIP addresses of the trunk.
        gateways "gateways": List<Gateway>, required;
    }
}

shape! {
    /// After which failures the next target may be tried. A Q.850 cause outranks the SIP status. A list that is
    /// left out has its default: causes that say that this way does not work, none that says what the called
    /// party wants.
    struct MoveOnCauses "move_on" {
        /// Q.850 causes. If left out: 34, 38, 41, 42.
        q850 "q850": Option<List<Q850Cause>>, default None;
        /// SIP statuses. If left out: 500, 502, 503, 504.
        sip "sip": Option<List<SipStatus>>, default None;
        /// Whether silence moves on: nothing heard within the setup time.
        silence "silence": bool, default true;
    }
}

shape! {
    /// What is done to numbers, by party and direction. Of each list the first item that matches is applied.
    struct TranslationLists "translations" {
        /// To the called number of calls that come in, before it is read: to its plus and digits, without scheme,
        /// host, parameters and separators. If it has other signs too, such as `#`, to the user part as sent.
        in_called "in_called": List<TranslationItem>, default List::default();
        /// To the calling number of calls that come in, before it is read: to the same of it.
        in_caller "in_caller": List<TranslationItem>, default List::default();
        /// To the called number of calls that go out, as it is written for the trunk.
        out_called "out_called": List<TranslationItem>, default List::default();
        /// To the calling number of calls that go out, as it is written for the trunk.
        out_caller "out_caller": List<TranslationItem>, default List::default();
    }
}

shape! {
    /// Takes leading characters off a number and puts others before the rest.
    struct TranslationItem "translation" {
        /// What the number must begin with: digits, perhaps after a plus.
        prefix "prefix": String, required;
        /// How many characters come off; no more than the prefix has.
        strip "strip": Whole<0, 20>, default Whole(0);
        /// What is put before the rest.
        prepend "prepend": String, default String::new();
    }
}

shape! {
    /// One SIP address of a trunk.
    struct Gateway "gateway" {
        /// Its name.
        name "name": GatewayName, required;
        /// Host, and port if it is not the usual one: 192.0.2.10:5060, [2001:db8::10]:5060, gw1.carrier.example.
        address "address": String, required;
        /// How SIP is carried to it.
        transport "transport": Transport, default Transport::Udp;
        /// Whether it may be used.
        enabled "enabled": bool, default true;
        /// Lower is tried first.
        priority "priority": Whole<0, 65_535>, default Whole(1);
        /// Among gateways of one priority: how often this one is first.
        weight "weight": Whole<1, 65_535>, default Whole(1);
    }
}
