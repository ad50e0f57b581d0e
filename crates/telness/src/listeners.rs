//! Where the service listens: for each workflow one listener of HTTP and perhaps one of SIP, on threads that serve nothing of
//! the other's.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use telness_core::class::Workflow;
use telness_engine::Engine;
use telness_engine::config::{HttpSettings, Settings, SipSettings};
use telness_engine::supervise::Supervisor;
use telness_engine::telemetry::log_as_high_workflow;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::cli::{Exit, Failure};
use crate::{http, sip};

/// The threads of the process: those that serve the low workflow and all that runs beside the calls, and those of the
/// high workflow's listener, if there is one.
pub(crate) struct Runtimes {
    pub(crate) low: Runtime,
    high: Option<Runtime>,
}

impl Runtimes {
    /// Starts the threads that the settings ask for.
    pub(crate) fn start(settings: &Settings) -> io::Result<Self> {
        let mut low = Builder::new_multi_thread();
        if settings.threads > 0 {
            low.worker_threads(settings.threads);
        }
        let low = low.enable_all().thread_name("telness").build()?;
        let mut high = Builder::new_multi_thread();
        high.worker_threads(settings.high_threads).enable_all().thread_name("telness-high");
        high.on_thread_start(log_as_high_workflow);
        let mut listeners = settings.listeners().into_iter().chain(settings.sip_listeners());
        let listens = listeners.any(|(workflow, _)| workflow == Workflow::High);
        let high = listens.then(|| high.build()).transpose()?;
        Ok(Self { low, high })
    }

    fn of(&self, workflow: Workflow) -> &Handle {
        match (workflow, &self.high) {
            (Workflow::High, Some(high)) => high.handle(),
            _ => self.low.handle(),
        }
    }

    /// Ends them. Whatever still runs has had its time.
    pub(crate) fn shutdown(self) {
        self.low.shutdown_background();
        if let Some(high) = self.high {
            high.shutdown_background();
        }
    }
}

/// What is spoken at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// HTTP.
    Http,
    /// SIP by UDP and TCP.
    Sip,
}

/// The limits of each listener.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) http: HttpSettings,
    pub(crate) sip: SipSettings,
}

/// A listener that is open and serves nobody yet.
pub(crate) struct Listening {
    pub(crate) workflow: Workflow,
    pub(crate) address: SocketAddr,
    sockets: Sockets,
    threads: Handle,
}

enum Sockets {
    Http(TcpListener),
    Sip(sip::Sockets),
}

/// Opens all listeners, those of the high workflow first, or says which address is taken.
pub(crate) async fn open(settings: &Settings, runtimes: &Runtimes) -> Result<Vec<Listening>, Failure> {
    let mut listeners = settings.listeners();
    listeners.sort_by_key(|(workflow, _)| *workflow);
    let mut open = Vec::new();
    let http = settings.listeners().into_iter().map(|one| (Protocol::Http, one));
    let sip = settings.sip_listeners().into_iter().map(|one| (Protocol::Sip, one));
    let mut all: Vec<_> = http.chain(sip).collect();
    all.sort_by_key(|(_, (workflow, _))| *workflow);
    for (protocol, (workflow, wanted)) in all {
        let threads = runtimes.of(workflow).clone();
        // Whoever opens a listener is told of its connections, so that is done on the threads that serve it.
        let bound = threads.spawn(bind(protocol, wanted)).await.map_err(Failure::cannot)?;
        let (address, sockets) = bound.map_err(|why| taken(protocol, workflow, wanted, &why))?;
        open.push(Listening { workflow, address, sockets, threads });
    }
    Ok(open)
}

async fn bind(protocol: Protocol, wanted: SocketAddr) -> io::Result<(SocketAddr, Sockets)> {
    Ok(match protocol {
        Protocol::Http => {
            let listener = TcpListener::bind(wanted).await?;
            (listener.local_addr()?, Sockets::Http(listener))
        }
        Protocol::Sip => {
            let sockets = sip::open(wanted).await?;
            (sockets.address, Sockets::Sip(sockets))
        }
    })
}

/// What chooses the address of a workflow's listener.
pub(crate) const fn chosen_by(protocol: Protocol, workflow: Workflow) -> &'static str {
    match (protocol, workflow) {
        (Protocol::Http, Workflow::High) => "the setting workflow.high.listen",
        (Protocol::Http, Workflow::Low) => "--listen",
        (Protocol::Sip, Workflow::High) => "the setting workflow.high.sip_listen",
        (Protocol::Sip, Workflow::Low) => "the setting workflow.low.sip_listen",
    }
}

fn taken(protocol: Protocol, workflow: Workflow, address: SocketAddr, why: &io::Error) -> Failure {
    let by = chosen_by(protocol, workflow);
    let todo =
        format!("stop what uses it (`telness doctor` says whether that is a telness), or choose another with {by}");
    Failure::new(Exit::AddressUnavailable, format_args!("{address} cannot be listened on: {why}; {todo}"))
}

impl Listening {
    /// What is spoken there.
    pub(crate) const fn protocol(&self) -> Protocol {
        match self.sockets {
            Sockets::Http(_) => Protocol::Http,
            Sockets::Sip(_) => Protocol::Sip,
        }
    }

    /// Serves, as one of `edges`, until `stop`. That it has ended, however, cancels `served`. Resolves when it takes what
    /// comes.
    pub(crate) fn serve(
        self,
        engine: &Arc<Engine>,
        limits: &Limits,
        edges: &Supervisor,
        stop: CancellationToken,
        served: &CancellationToken,
    ) -> impl Future<Output = ()> + use<> {
        let (name, Self { workflow, address, sockets, threads }) = (named(self.protocol(), self.workflow), self);
        let (engine, ended) = (Arc::clone(engine), served.clone().drop_guard());
        let (begin, begun) = oneshot::channel();
        let _entered = threads.enter();
        match sockets {
            Sockets::Http(listener) => {
                let limits = limits.http.clone();
                edges.task(name, async move {
                    let _ended = ended;
                    engine.warm_numbers();
                    // Who waited for it may have gone.
                    let _ = begin.send(());
                    http::serve(listener, workflow, engine, &limits, stop).await;
                });
            }
            Sockets::Sip(sockets) => {
                let limits = limits.sip.clone();
                edges.task(name, async move {
                    let _ended = ended;
                    let _ = begin.send(());
                    sip::serve(sockets, sip::Answerer::of(&engine, workflow), &limits, &stop).await;
                });
            }
        }
        async move {
            // Should the task die first, `served` tells.
            if begun.await.is_ok() {
                tracing::info!(%address, "{name} takes what comes");
            }
        }
    }
}

const fn named(protocol: Protocol, workflow: Workflow) -> &'static str {
    match (protocol, workflow) {
        (Protocol::Http, Workflow::High) => "the HTTP edge of the high workflow",
        (Protocol::Http, Workflow::Low) => "the HTTP edge",
        (Protocol::Sip, Workflow::High) => "the SIP edge of the high workflow",
        (Protocol::Sip, Workflow::Low) => "the SIP edge",
    }
}
