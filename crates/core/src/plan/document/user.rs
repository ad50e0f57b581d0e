//! Who can be called.

use super::decode::{List, shape};
use super::pattern::PlanNumber;
use crate::names::{TenantName, TrunkName, UserName};
use crate::number::{Digits, E164};

shape! {
    /// A person or a function that can be called.
    struct User "user" {
        /// The name.
        name "name": UserName, required;
        /// Whose user it is.
        tenant "tenant": TenantName, required;
        /// The public numbers held.
        numbers "numbers": List<E164>, default List::default();
        /// The extension held.
        extension "extension": Option<Digits>, default None;
        /// What rings, all at once.
        devices "devices": List<Device>, required;
    }
}

shape! {
    /// Something that rings: a number reached by a trunk.
    struct Device "device" {
        /// The trunk that reaches it.
        trunk "trunk": TrunkName, required;
        /// What is dialled there: a public number (+46…) or an extension of a PBX (ext:201).
        number "number": PlanNumber, required;
    }
}
