//! What was recorded, read back: one call, its trace, or a page of calls. Readers see what they were told is kept.

use std::sync::Arc;
use std::time::Duration;

use telness_core::call::CallId;
use telness_core::names::TenantName;
use telness_core::record::CallRecord;
use telness_core::standing::Denial;
use telness_store::{CallQuery, Page, Position, Store, StoreError, StoredCall, Upkeep};

use crate::auth::Asker;
use crate::error::ReadError;
use crate::node::Engine;
use crate::recorder::Recorder;

/// The reading side of the store.
#[derive(Clone)]
pub(crate) struct CallLog {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) upkeep: Arc<dyn Upkeep>,
    pub(crate) recorder: Recorder,
    pub(crate) wait_max: Duration,
    /// Where the journal ended when the node started: up to there, only the store remembers.
    pub(crate) started_at: Position,
}

impl std::fmt::Debug for CallLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallLog").finish_non_exhaustive()
    }
}

impl CallLog {
    /// Whether the store takes what is recorded, so that it can be asked.
    pub(crate) fn can_tell(&self) -> bool {
        self.recorder.is_shipping()
    }

    /// The record of a call from before this node's memory, if the store has it and can tell. One that was answered
    /// since the start may be on its way there still.
    pub(crate) async fn first_answer(
        &self,
        tenant: &TenantName,
        id: CallId,
        answered_here: bool,
    ) -> Option<CallRecord> {
        let by = if answered_here { self.recorder.end() } else { self.started_at };
        self.recorder.shipped_to(by).await;
        // What was answered is not known any more once it was pruned: the call is decided again.
        let stored = self.store.call(tenant, id).await.ok()??;
        if stored.personal.pruned {
            return None;
        }
        Some(CallRecord { routing: stored.routing, personal: stored.personal })
    }

    pub(crate) async fn up_to_date(&self) -> Result<(), ReadError> {
        let behind = || match self.recorder.shipped().failing {
            Some(why) => ReadError::Unavailable(why.to_string()),
            None => ReadError::Unavailable("the store has not caught up with the journal yet".to_owned()),
        };
        self.recorder.caught_up(self.wait_max).await.map_err(|_| behind())
    }
}

pub(crate) fn unavailable(error: &StoreError) -> ReadError {
    tracing::error!(%error, "the call log could not be read");
    ReadError::Unavailable("the store does not answer".to_owned())
}

impl Engine {
    /// One call of the asker's tenant, with its events and detail record.
    ///
    /// # Errors
    /// When there is none, or it cannot be read now.
    pub async fn read_call(&self, asker: &Asker<'_>, id: CallId) -> Result<StoredCall, ReadError> {
        self.read_call_of(asker, None, id).await
    }

    /// A page of the asker's tenant's calls, newest first.
    ///
    /// # Errors
    /// When they cannot be read now.
    pub async fn list_calls(&self, asker: &Asker<'_>, query: &CallQuery) -> Result<Page, ReadError> {
        self.list_calls_of(asker, None, query).await
    }

    /// The same of a call of the tenant that an operator names.
    ///
    /// # Errors
    /// When there is none, or it cannot be read now.
    pub async fn read_call_of(
        &self,
        asker: &Asker<'_>,
        named: Option<&TenantName>,
        id: CallId,
    ) -> Result<StoredCall, ReadError> {
        let tenant = self.reads_calls_of(asker, named).map_err(ReadError::Denied)?;
        self.call_log.up_to_date().await?;
        self.call_log.store.call(&tenant, id).await.map_err(|error| unavailable(&error))?.ok_or(ReadError::NotFound)
    }

    /// The same of the calls of the tenant that an operator names.
    ///
    /// # Errors
    /// When they cannot be read now.
    pub async fn list_calls_of(
        &self,
        asker: &Asker<'_>,
        named: Option<&TenantName>,
        query: &CallQuery,
    ) -> Result<Page, ReadError> {
        let tenant = self.reads_calls_of(asker, named).map_err(ReadError::Denied)?;
        self.call_log.up_to_date().await?;
        self.call_log.store.calls(&tenant, query).await.map_err(|error| unavailable(&error))
    }

    /// Whose calls an asker reads: a tenant's key its own, and the operator those of a tenant that the request names.
    pub(crate) fn reads_calls_of(
        &self,
        asker: &Asker<'_>,
        named: Option<&TenantName>,
    ) -> Result<TenantName, Vec<Denial>> {
        let Some(named) = named else { return self.tenant_of(asker) };
        let access = self.access(asker).map_err(|denial| vec![denial])?;
        if access.only() == Some(named) {
            return Ok(named.clone());
        }
        access.operator().map(|_| named.clone()).map_err(|denial| vec![denial])
    }
}
