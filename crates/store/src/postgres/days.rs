//! The partitions: one for each day of calls, made before the first record of the day needs it.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};

use super::pool::Pool;
use super::value::Day;
use crate::StoreError;

/// The days that are known to be there.
#[derive(Debug, Default)]
pub(super) struct Days(Mutex<HashSet<Day>>);

impl Days {
    /// Makes the days that may not be there, and with each the one after it, so that midnight finds it made.
    pub(super) async fn make(&self, pool: &Pool, days: BTreeSet<Day>) -> Result<(), StoreError> {
        let wanted: Vec<Day> = {
            let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            days.into_iter().filter(|day| !known.contains(day)).collect()
        };
        if wanted.is_empty() {
            return Ok(());
        }
        let with_next: BTreeSet<Day> = wanted.iter().flat_map(|day| [*day, Day(day.0.saturating_add(1))]).collect();
        for day in with_next {
            // One at a time: a lock on many days at once would hold up those who write.
            pool.transaction("make_day", move |transaction| {
                Box::pin(async move {
                    transaction.execute("SELECT make_day($1)", &[&day]).await?;
                    Ok(())
                })
            })
            .await?;
        }
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(wanted);
        Ok(())
    }

    /// Looks again next time.
    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
