//! The partitions: one for each day of calls, made before the first record of the day needs it.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};

use tokio_postgres::types::ToSql;

use super::pool::Pool;
use super::value::Day;
use crate::StoreError;

/// How many days are made ahead: a long weekend on which nobody may change tables.
const DAYS_AHEAD: i32 = 4;

/// The days that are known to be there.
#[derive(Debug, Default)]
pub(super) struct Days(Mutex<HashSet<Day>>);

impl Days {
    /// Makes the days that may not be there.
    pub(super) async fn make(&self, pool: &Pool, days: BTreeSet<Day>) -> Result<(), StoreError> {
        let wanted: Vec<Day> = {
            let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            days.into_iter().filter(|day| !known.contains(day)).collect()
        };
        if wanted.is_empty() {
            return Ok(());
        }
        for day in wanted.iter().copied() {
            // One at a time: a lock on many days at once would hold up those who write.
            make(pool, "SELECT make_day($1)", day).await?;
        }
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(wanted);
        Ok(())
    }

    /// Makes today's partitions, by the database's clock, and those of the days to come, so that midnight finds them
    /// made.
    pub(super) async fn make_ahead(&self, pool: &Pool) -> Result<(), StoreError> {
        for ahead in 0..=DAYS_AHEAD {
            make(pool, "SELECT make_day((now() AT TIME ZONE 'UTC')::date + $1::integer)", ahead).await?;
        }
        Ok(())
    }

    /// Looks again next time.
    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

async fn make(
    pool: &Pool,
    select: &'static str,
    which: impl ToSql + Sync + Send + Copy + 'static,
) -> Result<(), StoreError> {
    let made = pool.transaction("make_day", move |transaction| {
        Box::pin(async move { Ok(transaction.execute(select, &[&which]).await.map(drop)?) })
    });
    made.await
}
