//! Where the service listens: for each workflow one listener, on threads that serve nothing of the other's.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use telness_core::class::Workflow;
use telness_engine::Engine;
use telness_engine::config::{HttpSettings, Settings};
use telness_engine::supervise::Supervisor;
use telness_engine::telemetry::log_as_high_workflow;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::cli::{Exit, Failure};
use crate::http;

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
        let listens = settings.listeners().iter().any(|(workflow, _)| *workflow == Workflow::High);
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

/// A listener that is open and serves nobody yet.
pub(crate) struct Listening {
    pub(crate) workflow: Workflow,
    pub(crate) address: SocketAddr,
    listener: TcpListener,
    threads: Handle,
}

/// Opens all listeners, that of the high workflow first, or says which address is taken.
pub(crate) async fn open(settings: &Settings, runtimes: &Runtimes) -> Result<Vec<Listening>, Failure> {
    let mut listeners = settings.listeners();
    listeners.sort_by_key(|(workflow, _)| *workflow);
    let mut open = Vec::new();
    for (workflow, wanted) in listeners {
        let threads = runtimes.of(workflow).clone();
        // Whoever opens a listener is told of its connections, so that is done on the threads that serve it.
        let bound = threads.spawn(TcpListener::bind(wanted)).await.map_err(Failure::cannot)?;
        let listener = bound.map_err(|why| taken(workflow, wanted, &why))?;
        let address = listener.local_addr().map_err(Failure::cannot)?;
        open.push(Listening { workflow, address, listener, threads });
    }
    Ok(open)
}

/// What chooses the address of a workflow's listener.
pub(crate) const fn chosen_by(workflow: Workflow) -> &'static str {
    match workflow {
        Workflow::High => "the setting workflow.high.listen",
        Workflow::Low => "--listen",
    }
}

fn taken(workflow: Workflow, address: SocketAddr, why: &io::Error) -> Failure {
    let by = chosen_by(workflow);
    let todo =
        format!("stop what uses it (`telness doctor` says whether that is a telness), or choose another with {by}");
    Failure::new(Exit::AddressUnavailable, format_args!("{address} cannot be listened on: {why}; {todo}"))
}

impl Listening {
    /// Serves, as one of `edges`, until `stop`. That it has ended, however, cancels `served`. Resolves when it takes
    /// connections.
    pub(crate) fn serve(
        self,
        engine: &Arc<Engine>,
        limits: &HttpSettings,
        edges: &Supervisor,
        stop: CancellationToken,
        served: &CancellationToken,
    ) -> impl Future<Output = ()> + use<> {
        let Self { workflow, address, listener, threads } = self;
        let (engine, limits, ended) = (Arc::clone(engine), limits.clone(), served.clone().drop_guard());
        let name = match workflow {
            Workflow::High => "the HTTP edge of the high workflow",
            Workflow::Low => "the HTTP edge",
        };
        let (begin, begun) = oneshot::channel();
        let _entered = threads.enter();
        edges.task(name, async move {
            let _ended = ended;
            engine.warm_numbers();
            // Who waited for it may have gone.
            let _ = begin.send(());
            http::serve(listener, workflow, engine, &limits, stop).await;
        });
        async move {
            // Should the task die first, `served` tells.
            if begun.await.is_ok() {
                tracing::info!(workflow = workflow.as_str(), %address, "calls are taken");
            }
        }
    }
}
