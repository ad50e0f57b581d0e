//! Whether the files of a tenant are what they were, and none is missing.

use std::collections::BTreeMap;

use telness_core::names::TenantName;
use telness_core::record::billing::{BillingRecord, ClosedBy, Format};

use super::issue::{BillingFile, sum};
use super::{Billing, text};
use crate::StoreError;
use crate::sql::Row;

/// Files that are read in one go.
const FILES_MAX: u32 = 100;

const NEXT: &str = "SELECT next_sequence FROM billing_tenants WHERE tenant = ?1";

/// Records that were issued in another store, of calls that came from there.
const ELSEWHERE: &str = "SELECT call_id, leg, revision, sequence FROM billing_records
    WHERE tenant = ?1 AND sequence IS NOT NULL AND place IS NULL ORDER BY call_id, leg, revision";

/// What is known of a leg's records so far.
type Legs = BTreeMap<(String, String), Last>;

/// The last record of a leg.
struct Last {
    revision: u32,
    /// The file that has it.
    sequence: i64,
    /// Whether that is one of this store.
    here: bool,
}

impl Billing {
    /// What is wrong with a tenant's files, in words: gaps in their numbers or hours, counts, sums and checksums that
    /// do not hold, records doubled or of the wrong tenant, corrections of what is not there. Nothing if all is well.
    ///
    /// # Errors
    /// When the database cannot tell.
    pub async fn verify(&self, tenant: &TenantName) -> Result<Vec<String>, StoreError> {
        let (mut faults, mut last, mut legs) = (Vec::new(), None::<BillingFile>, self.elsewhere(tenant).await?);
        loop {
            let after = last.as_ref().map_or(0, |file| file.head.sequence);
            let files = self.files(tenant, after, FILES_MAX).await?;
            if files.is_empty() {
                break;
            }
            for file in files {
                follows(last.as_ref(), &file, &mut faults);
                self.verify_file(tenant, &file, &mut legs, &mut faults).await?;
                last = Some(file);
            }
        }
        let next = self.database.query("billing_next_sequence", NEXT, vec![text(tenant)]).await?;
        let next = next.first().map_or(Ok(1), |row| row.int(0))?;
        let expected = last.map_or(0, |file| file.head.sequence).saturating_add(1);
        if next != expected {
            faults.push(format!("the next file is to be {next}, and the last one leads to {expected}"));
        }
        Ok(faults)
    }

    async fn elsewhere(&self, tenant: &TenantName) -> Result<Legs, StoreError> {
        let rows = self.database.query("billing_elsewhere", ELSEWHERE, vec![text(tenant)]).await?;
        let leg = |row: &Row| {
            let key = (row.text(0)?.to_owned(), row.text(1)?.to_owned());
            Ok((key, Last { revision: row.number(2)?, sequence: row.int(3)?, here: false }))
        };
        rows.iter().map(leg).collect()
    }

    async fn verify_file(
        &self,
        tenant: &TenantName,
        file: &BillingFile,
        legs: &mut Legs,
        faults: &mut Vec<String>,
    ) -> Result<(), StoreError> {
        let (head, lines) = (&file.head, self.lines(tenant, file.head.sequence).await?);
        let mut wrong = |what: String| faults.push(format!("file {}: {what}", head.sequence));
        if !head.is_known() {
            wrong(format!("it is of version {}, which a later telness closed; that one can verify it", head.v));
            return Ok(());
        }
        if i64::try_from(lines.len()).ok() != Some(head.records) {
            wrong(format!("it has {} records and says {}", lines.len(), head.records));
        }
        for format in [Format::JsonLines, Format::Csv] {
            if sum(head, format, &lines) != file.sha256(format) {
                wrong(format!("its checksum as {format:?} is not what it was"));
            }
        }
        let (mut talk_ms, mut corrections) = (0_u64, 0_i64);
        for line in lines.of(Format::JsonLines) {
            let Ok(record) = serde_json::from_str::<BillingRecord>(line) else {
                wrong("a record of it cannot be read".to_owned());
                continue;
            };
            talk_ms = talk_ms.saturating_add(record.talk_ms.unwrap_or(0));
            corrections = corrections.saturating_add(i64::from(record.revision.revision > 1));
            if record.tenant != head.tenant {
                wrong(format!("{} is another tenant's", record.record_id));
            }
            let now = Last { revision: record.revision.revision, sequence: head.sequence, here: true };
            let before = legs.insert((record.call_id.clone(), record.leg.clone()), now);
            let named = (record.revision.revision.checked_sub(1), record.revision.replaces_sequence);
            let fits = match before {
                None => named == (Some(0), None),
                Some(Last { revision, sequence, here }) => {
                    named == (Some(revision), Some(sequence)) && (!here || sequence < head.sequence)
                }
            };
            if !fits {
                wrong(format!("{} does not follow the record of its leg before", record.record_id));
            }
        }
        if i64::try_from(talk_ms).ok() != Some(head.talk_ms) || corrections != head.corrections {
            wrong("its sums are not those of its records".to_owned());
        }
        Ok(())
    }
}

/// Whether a file follows the one before: its number, its hours and the checksum that it names.
fn follows(last: Option<&BillingFile>, file: &BillingFile, faults: &mut Vec<String>) {
    let head = &file.head;
    let mut wrong = |what: &str| faults.push(format!("file {}: {what}", head.sequence));
    let expected = last.map_or(0, |last| last.head.sequence).saturating_add(1);
    if head.sequence != expected {
        wrong(&format!("it was to be {expected}: files are missing"));
    }
    let Some(last) = last else { return };
    let begins = match last.head.closed_by {
        ClosedBy::Time => last.head.period_end,
        ClosedBy::Records => last.head.period_start,
    };
    if head.period_start != begins {
        wrong("its hours do not follow those of the file before");
    }
    if head.previous_sha256.as_deref() != Some(&last.jsonl_sha256) {
        wrong("it names another checksum than that of the file before");
    }
}
