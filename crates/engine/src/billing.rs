//! Records for billing: made and closed into files again and again, listed and issued to whom they belong.

use std::sync::Arc;

use telness_core::names::TenantName;
use telness_core::record::billing::{Format, Settling};
use telness_core::time::Timestamp;
use telness_store::StoreError;
use telness_store::billing::{Billing, BillingFile, Closing, Gathered, Issued};
use tokio_util::sync::CancellationToken;

use crate::auth::{Access, Asker};
use crate::config::BillingSettings;
use crate::error::ReadError;
use crate::node::Engine;

/// What one go came to.
#[derive(Clone, Debug, Default)]
pub struct Closed {
    /// What was looked at, and how many records were made.
    pub gathered: Gathered,
    /// The files that were closed.
    pub files: Vec<BillingFile>,
}

/// How records are made by these settings at a time.
#[must_use]
pub const fn closing(settings: BillingSettings, now: Timestamp) -> Closing {
    Closing {
        settling: Settling { settle: settings.settle, open_max: settings.open_max },
        file_records_max: settings.file_records_max,
        now,
    }
}

/// Makes the records that can be made and closes the files whose hours are over.
///
/// # Errors
/// When the store cannot; what was done stays, and the next who tries goes on from there.
pub async fn close(billing: &Billing, closing: Closing) -> Result<Closed, StoreError> {
    let gathered = billing.gather(closing).await;
    let mut files = Vec::new();
    // What was made before is filed, whatever keeps more from being made.
    for tenant in billing.tenants().await? {
        files.extend(billing.close(&tenant, closing).await?);
    }
    Ok(Closed { gathered: gathered?, files })
}

/// Does so until the node stops.
pub(crate) async fn run(engine: Arc<Engine>, settings: BillingSettings, stop: CancellationToken) {
    let closing_on = async {
        let billing = Billing::of(engine.control());
        let mut failing = false;
        loop {
            tokio::time::sleep(settings.close_every).await;
            let done = engine.close_billing(&billing, settings).await;
            engine.metrics.billing_failing.set(i64::from(!matches!(done, Ok(0))));
            match done {
                Err(why) if !failing => {
                    tracing::warn!(%why, "records for billing cannot be made now; they follow when the store is back");
                }
                Ok(0) if failing => tracing::info!("records for billing are made again"),
                // What cannot be read is logged where it is found.
                Err(_) | Ok(_) => {}
            }
            failing = engine.metrics.billing_failing.get() != 0;
        }
    };
    tokio::select! {
        () = closing_on => {}
        () = stop.cancelled() => {}
    }
}

impl Engine {
    /// Tells how many calls and hours could not be read.
    async fn close_billing(&self, billing: &Billing, settings: BillingSettings) -> Result<u64, StoreError> {
        let closed = close(billing, closing(settings, self.clock.now())).await?;
        self.metrics.billing_records.inc_by(closed.gathered.records);
        self.metrics.billing_lost.inc_by(closed.gathered.lost);
        self.metrics.billing_held_hours.set(i64::try_from(closed.gathered.held).unwrap_or(i64::MAX));
        self.metrics.billing_files.inc_by(u64::try_from(closed.files.len()).unwrap_or(u64::MAX));
        for BillingFile { head, .. } in &closed.files {
            let (tenant, sequence, records) = (&head.tenant, head.sequence, head.records);
            tracing::info!(tenant, sequence, records, "a billing file was closed");
        }
        let oldest = billing.oldest_waiting().await?;
        let now = self.clock.now().as_micros();
        let waited = oldest.map_or(0, |oldest| now.saturating_sub(oldest.as_micros()).max(0) / 1_000_000);
        self.metrics.billing_waiting_seconds.set(waited);
        Ok(closed.gathered.faulty.saturating_add(closed.gathered.failed))
    }

    /// Billing files of a tenant after a sequence number, in order.
    ///
    /// # Errors
    /// When they cannot be read now, or the asker may not.
    pub async fn billing_files(
        &self,
        asker: &Asker<'_>,
        named: Option<&TenantName>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<BillingFile>, ReadError> {
        let tenant = self.bills_of(asker, named)?;
        Billing::of(self.control()).files(&tenant, after, limit).await.map_err(|error| unavailable(&error))
    }

    /// One billing file of a tenant, without its records.
    ///
    /// # Errors
    /// When there is none, it cannot be read now, or the asker may not.
    pub async fn billing_file(
        &self,
        asker: &Asker<'_>,
        named: Option<&TenantName>,
        sequence: i64,
    ) -> Result<BillingFile, ReadError> {
        let tenant = self.bills_of(asker, named)?;
        let file = Billing::of(self.control()).file(&tenant, sequence).await;
        file.map_err(|error| unavailable(&error))?.ok_or(ReadError::NotFound)
    }

    /// One billing file of a tenant, as it was issued first.
    ///
    /// # Errors
    /// When there is none, it cannot be read now, or the asker may not.
    pub async fn issue_billing_file(
        &self,
        asker: &Asker<'_>,
        named: Option<&TenantName>,
        sequence: i64,
        format: Format,
    ) -> Result<Issued, ReadError> {
        let tenant = self.bills_of(asker, named)?;
        let issued = Billing::of(self.control()).issue(&tenant, sequence, format).await;
        issued.map_err(|error| unavailable(&error))?.ok_or(ReadError::NotFound)
    }

    /// Whose billing files an operator reads: those of the tenant that the request names, else of the plan's default
    /// tenant. They have what carriers take, so they are no tenant's own to read, as rate decks are not.
    fn bills_of(&self, asker: &Asker<'_>, named: Option<&TenantName>) -> Result<TenantName, ReadError> {
        let access = self.access(asker).and_then(Access::operator);
        access.map_err(|denial| ReadError::Denied(vec![denial]))?;
        Ok(named.cloned().unwrap_or_else(|| self.world().plan.default_tenant.clone()))
    }
}

fn unavailable(error: &StoreError) -> ReadError {
    tracing::error!(%error, "a billing file could not be read");
    ReadError::Unavailable("the store does not answer, or the file is damaged; the log says which".to_owned())
}
