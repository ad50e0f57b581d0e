//! From a request to its answer, whichever way it came: what is wrong with it, else what its method does.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use telness_core::class::Workflow;
use telness_engine::sip::{Fault, Reply, Request, Tags};
use telness_engine::supervise::guarded;
use telness_engine::telemetry::{Dropped, Metrics};
use telness_engine::{Engine, Unready};

use super::options;

/// The methods that are served.
pub(super) const ALLOW: &str = "OPTIONS";

/// The methods that there are (the registry of RFC 3261 and those after it).
const METHODS: [&str; 14] = [
    "ACK",
    "BYE",
    "CANCEL",
    "INFO",
    "INVITE",
    "MESSAGE",
    "NOTIFY",
    "OPTIONS",
    "PRACK",
    "PUBLISH",
    "REFER",
    "REGISTER",
    "SUBSCRIBE",
    "UPDATE",
];

/// What a request is answered, in the order of RFC 3261, 8.2; nothing if it is one that nobody answers.
pub(super) fn reply(request: &Request, unready: impl FnOnce() -> Option<Unready>) -> Option<Reply> {
    let method = request.method.as_str();
    if method == "ACK" {
        return None;
    }
    let scheme = request.uri.split(':').next().unwrap_or_default();
    let is_known_scheme = ["sip", "sips", "tel"].iter().any(|known| known.eq_ignore_ascii_case(scheme));
    Some(match (request.fault, method) {
        (Some(Fault::Version), _) => Reply::new(505, "Version Not Supported"),
        (Some(Fault::TooLarge), _) => Reply::new(513, "Message Too Large"),
        (Some(Fault::Malformed(what)), _) => Reply::new(400, "Bad Request").because(what),
        // Nothing is kept of a request that could be taken back.
        (None, "CANCEL") => Reply::new(481, "Call/Transaction Does Not Exist"),
        (None, "OPTIONS") if !is_known_scheme => Reply::new(416, "Unsupported URI Scheme"),
        (None, "OPTIONS") if !request.requires.is_empty() => {
            Reply::new(420, "Bad Extension").with("Unsupported", request.requires.join(", "))
        }
        // Whomever it names and however many hops it has left: it has come to the one who is asked (11.2).
        (None, "OPTIONS") => options::reply(unready()),
        (None, method) if METHODS.contains(&method) => Reply::new(405, "Method Not Allowed").with("Allow", ALLOW),
        (None, _) => Reply::new(501, "Not Implemented").with("Allow", ALLOW),
    })
}

/// Answers requests, and counts them.
pub(crate) struct Answerer {
    workflow: Workflow,
    unready: Box<dyn Fn() -> Option<Unready> + Send + Sync>,
    metrics: Arc<Metrics>,
    tags: Tags,
}

impl fmt::Debug for Answerer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answerer").field("workflow", &self.workflow).finish_non_exhaustive()
    }
}

/// An answer as it is sent.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) text: String,
    method: &'static str,
    status: u16,
}

impl Answerer {
    /// One that tells whether an engine is to be sent calls of a workflow.
    pub(crate) fn of(engine: &Arc<Engine>, workflow: Workflow) -> Self {
        let (metrics, engine) = (Arc::clone(engine.metrics()), Arc::clone(engine));
        Self::new(workflow, metrics, move || engine.unready(workflow))
    }

    /// One that is told whether it is.
    pub(super) fn new(
        workflow: Workflow,
        metrics: Arc<Metrics>,
        unready: impl Fn() -> Option<Unready> + Send + Sync + 'static,
    ) -> Self {
        Self { workflow, unready: Box::new(unready), metrics, tags: Tags::default() }
    }

    /// The answer to a request that came on a connection.
    pub(super) async fn answer(&self, request: &Request, from: SocketAddr) -> Option<Answer> {
        self.made(request, |reply| Some(reply.written(request, from, &self.tags))).await
    }

    /// The answer to a datagram, and where it goes.
    pub(super) async fn answer_datagram(&self, datagram: &[u8], from: SocketAddr) -> Option<(Answer, SocketAddr)> {
        let Ok((mut request, bytes)) = Request::read(datagram) else {
            self.dropped(Dropped::Malformed);
            return None;
        };
        if bytes > datagram.len() {
            // What a datagram does not have, no other one brings (RFC 3261, 18.3).
            request.fault.get_or_insert(Fault::Malformed("its body is shorter than it says"));
        }
        let write = |reply: &Reply| reply.datagram(&request, datagram.len(), from, &self.tags);
        let answer = self.made(&request, write).await?;
        Some((answer, request.response_to(from)))
    }

    async fn made(&self, request: &Request, write: impl Fn(&Reply) -> Option<String>) -> Option<Answer> {
        let method = METHODS.iter().find(|method| **method == request.method).copied().unwrap_or("other");
        // Whatever it was, it ends no listener.
        let made = guarded(async {
            let Some(reply) = reply(request, &self.unready) else { return Err(Dropped::Ack) };
            let text = write(&reply).ok_or(Dropped::Unsent)?;
            Ok(Answer { text, method, status: reply.status })
        });
        match made.await {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(why)) => {
                self.dropped(why);
                None
            }
            Err(_died) => {
                tracing::error!(method, "answering a request by SIP failed");
                self.dropped(Dropped::Failed);
                None
            }
        }
    }

    /// Counts an answer, by whether the system took it.
    pub(super) fn sent(&self, answer: &Answer, taken: bool) {
        if taken {
            self.metrics.sip.answered(self.workflow, answer.method, answer.status);
        } else {
            self.dropped(Dropped::Unsent);
        }
    }

    /// Counts a message that is not answered.
    pub(super) fn dropped(&self, why: Dropped) {
        self.metrics.sip.dropped(self.workflow, why);
    }
}
