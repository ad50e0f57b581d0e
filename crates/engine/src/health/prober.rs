//! Asks the gateways in turn, and puts what is believed of them in service.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use telness_core::names::NodeName;
use telness_core::time::Timestamp;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::gateways::{Gateways, ToAsk};
use super::view::{GatewayList, GatewayView};
use crate::clock::{Clock, monotonic};
use crate::sip::{Asked, Client};
use crate::snapshot::Served;
use crate::supervise::guarded;
use crate::telemetry::Metrics;

/// How often to look whose turn it is.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How many are asked at once.
const AT_ONCE_MAX: usize = 32;
/// How often at most what is believed is kept on the disk.
const KEEP_EVERY: Duration = Duration::from_secs(2);

/// Asks the gateways of the plan in service.
#[derive(Debug)]
pub(crate) struct Prober {
    pub(crate) gateways: Arc<Gateways>,
    pub(crate) served: Arc<Served>,
    pub(crate) client: Client,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) clock: Clock,
    pub(crate) node: NodeName,
    /// Where what is believed is kept.
    pub(crate) kept: PathBuf,
}

/// What came of asking one, and how long it took.
type Came = (ToAsk, Asked, Duration);

impl Prober {
    /// Asks until the node stops.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut asking: JoinSet<Came> = JoinSet::new();
        let mut keeping = Keeping { node: self.node.clone(), path: self.kept.clone(), last: None, writing: None };
        loop {
            let now = monotonic();
            self.gateways.follow(&self.served.current(), now);
            for whom in self.gateways.due(now, AT_ONCE_MAX.saturating_sub(asking.len())) {
                asking.spawn(ask(self.client.clone(), whom));
            }
            // While another world is compiled, what changed here waits for the next look.
            self.served.change_health(|| self.gateways.news(self.clock.now(), now));
            let (list, blind) = (self.gateways.list(), self.gateways.is_blind());
            self.metrics.health.gateways(list.iter().map(GatewayView::in_state), blind);
            keeping.keep(list, blind, self.clock.now(), now);
            tokio::select! {
                Some(came) = asking.join_next(), if !asking.is_empty() => {
                    if let Ok((whom, asked, took)) = came {
                        self.metrics.health.probed(asked.as_str(), asked.is_answer().then_some(took));
                        self.gateways.asked(&whom, &asked, took, self.clock.now(), monotonic());
                    }
                }
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = stop.cancelled() => return,
            }
        }
    }
}

async fn ask(client: Client, whom: ToAsk) -> Came {
    let began = monotonic();
    let asked = guarded(client.ask(&whom.address, whom.transport)).await;
    let asked = asked.unwrap_or_else(|_| Asked::Unasked("asking it failed by a defect of ours".into()));
    (whom, asked, began.elapsed())
}

/// Keeps what is believed on the disk, for `telness gateways`. A disk that hangs holds nobody up.
struct Keeping {
    node: NodeName,
    path: PathBuf,
    last: Option<(Instant, GatewayList)>,
    writing: Option<JoinHandle<std::io::Result<()>>>,
}

impl Keeping {
    fn keep(&mut self, gateways: Vec<GatewayView>, blind: bool, at: Timestamp, now: Instant) {
        let soon = self.last.as_ref().is_some_and(|(at, _)| now.saturating_duration_since(*at) < KEEP_EVERY);
        if soon || self.writing.as_ref().is_some_and(|writing| !writing.is_finished()) {
            return;
        }
        let same = |before: &GatewayList| before.gateways == gateways && before.blind == blind;
        if self.last.as_ref().is_some_and(|(_, before)| same(before)) {
            return;
        }
        let list = GatewayList { node: self.node.clone(), at, blind, gateways };
        self.last = Some((now, list.clone()));
        let path = self.path.clone();
        // Should it fail, the file is of before, which it says.
        self.writing = Some(tokio::task::spawn_blocking(move || list.keep(&path)));
    }
}
