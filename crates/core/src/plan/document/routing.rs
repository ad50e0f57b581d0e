//! What happens to calls: rules, schedules and the vital numbers.

use super::decode::{Entries, List, shape};
use super::hours::{ClockTime, Days};
use super::leaf::{RejectReason, Whole};
use super::pattern::{CalledPattern, PlanNumber};
use crate::call::{CallType, Direction};
use crate::names::{RuleName, ScheduleName, TenantName, TrunkName, UserName};
use crate::number::{Digits, Region};
use crate::plan::CallerPattern;

shape! {
    /// Opening hours. The clock on the wall of the zone decides: the hour that summer time takes away is never
    /// open, and the one that comes twice in autumn is open twice.
    struct Schedule "schedule" {
        /// Its name.
        name "name": ScheduleName, required;
        /// The zone's name in the IANA database, such as Europe/Stockholm.
        zone "zone": String, required;
        /// When it is open.
        windows "windows": List<Window>, required;
        /// Days on which nothing opens. Hours that run past midnight belong to the day they begin on.
        holidays "holidays": List<jiff::civil::Date>, default List::default();
    }
}

shape! {
    /// Hours on some days of the week.
    struct Window "window" {
        /// The days on which the hours begin: mon, or a run such as mon-fri.
        days "days": List<Days>, required;
        /// When it opens, such as 08:00.
        from "from": ClockTime, required;
        /// When it closes, such as 17:00; 24:00 is midnight. Before `from`, it is a time of the next day.
        to "to": ClockTime, required;
    }
}

shape! {
    /// A condition and one action.
    struct Rule "rule" exactly_one_of ["route", "user", "rewrite", "reject"] {
        /// Its name, which decisions and records tell.
        name "name": RuleName, required;
        /// Whether it applies at all.
        enabled "enabled": bool, default true;
        /// Among rules with an equally long prefix the higher one is tried first.
        priority "priority": i32, default 0;
        /// Whether no other rule is tried when this one matches and nothing it leads to can be used.
        last "last": bool, default false;
        /// Which calls it is for. All conditions must hold.
        condition "match": Match, required;
        /// Action: try these trunks, in order.
        route "route": Option<List<RouteItem>>, default None;
        /// Action: ring a user's devices.
        user "user": Option<UserName>, default None;
        /// Action: change the called number and look for a rule again.
        rewrite "rewrite": Option<Rewrite>, default None;
        /// Action: end the call.
        reject "reject": Option<Reject>, default None;
    }
}

shape! {
    /// Which calls a rule is for. A condition that is left out always holds.
    struct Match "match" {
        /// The called numbers, any of: `+46…` is a prefix of public numbers, `1177` a whole short number of the
        /// rule's regions, `ext:2` a prefix of extensions, and `any` every number.
        called "called": List<CalledPattern>, required;
        /// The tenants whose calls are meant.
        tenants "tenants": Option<List<TenantName>>, default None;
        /// The kinds of network that the call comes from.
        types "types": Option<List<CallType>>, default None;
        /// Which way the call goes.
        direction "direction": Option<Direction>, default None;
        /// The calling numbers, any of: a prefix `+46…`, `ext:2`, or `unknown` for no number.
        caller "caller": Option<List<CallerPattern>>, default None;
        /// The regions that the call is dialled in. Short numbers are read as theirs, else as the default region's.
        regions "regions": Option<List<Region>>, default None;
        /// A schedule that must be open.
        schedule "schedule": Option<ScheduleName>, default None;
        /// A schedule that must be closed.
        outside_schedule "outside_schedule": Option<ScheduleName>, default None;
        /// What the request's metadata must have: for each key one of the values.
        metadata "metadata": Option<Entries<List<String>>>, default None;
    }
}

shape! {
    /// A trunk, or several that share the calls.
    struct RouteItem "route" exactly_one_of ["trunk", "split"] {
        /// The trunk.
        trunk "trunk": Option<TrunkName>, default None;
        /// Trunks that share the calls by weight. The others follow when the drawn one fails.
        split "split": Option<List<Share>>, default None;
    }
}

shape! {
    /// A trunk's share of the calls.
    struct Share "share" {
        /// The trunk.
        trunk "trunk": TrunkName, required;
        /// Its weight among the others.
        weight "weight": Whole<1, 65_535>, default Whole(1);
    }
}

shape! {
    /// A change of the called number: to another one, or of its first digits.
    struct Rewrite "rewrite" {
        /// The number that is called instead.
        to "to": Option<PlanNumber>, default None;
        /// How many digits come off the front.
        strip "strip": Option<Whole<0, 18>>, default None;
        /// The digits that are put before the rest.
        prepend "prepend": Option<Digits>, default None;
    }
}

shape! {
    /// How the call ends.
    struct Reject "reject" {
        /// The reason, which sets the SIP status and the Q.850 cause. `telness explain` tells about each.
        reason "reason": RejectReason, default RejectReason(crate::reason::Reason::DeniedByPlan);
    }
}

shape! {
    /// The vital numbers of a region.
    struct VitalList "vital" {
        /// The region that they are dialled in.
        region "region": Region, required;
        /// Public numbers (+46…) and short numbers (1177).
        numbers "numbers": List<PlanNumber>, required;
    }
}
