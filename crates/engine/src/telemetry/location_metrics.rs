//! The metrics of where emergency calls are, and by whose routes they go.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use telness_core::location::Located;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LocatedLabels {
    source: &'static str,
    default: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RoutesLabel {
    routes_of: &'static str,
}

/// What is counted of each emergency call.
#[derive(Debug, Default)]
pub(super) struct LocationMetrics {
    located: Family<LocatedLabels, Counter>,
    routes: Family<RoutesLabel, Counter>,
    sent: Counter,
    bad: Counter,
}

impl LocationMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let located = self.located.clone();
        registry.register("emergency_located", "Emergency calls, by what told where they are", located);
        let routes = self.routes.clone();
        registry.register("emergency_routes", "Emergency calls, by whose routes they have", routes);
        let sent = self.sent.clone();
        registry.register("emergency_locations_sent", "Emergency calls with a location of any kind", sent);
        let bad = self.bad.clone();
        registry.register("emergency_locations_bad", "Emergency calls of whose location something was no use", bad);
    }

    pub(super) fn count(&self, located: &Located, sent: bool, bad: bool) {
        let default = if located.default { "true" } else { "false" };
        self.located.get_or_create(&LocatedLabels { source: located.source.as_str(), default }).inc();
        self.routes.get_or_create(&RoutesLabel { routes_of: located.row.as_str() }).inc();
        self.sent.inc_by(u64::from(sent));
        self.bad.inc_by(u64::from(bad));
    }
}
