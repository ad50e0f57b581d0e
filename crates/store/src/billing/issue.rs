//! Closed files, listed and issued: made of what was kept when they were closed.

use ring::digest::{Context, SHA256};
use serde::Serialize;
use telness_core::names::TenantName;
use telness_core::record::billing::{FileHead, Format};

use super::{Billing, text};
use crate::StoreError;
use crate::sql::{Row, Transaction};

pub(super) const FILES: &str =
    "SELECT tenant, sequence, v, period_start, period_end, closed_at, closed_by, records, corrections,
    talk_ms, previous_sha256, jsonl_sha256, csv_sha256 FROM billing_files";
/// A record without a place is in a file of that number in another store.
const LINES: &str = "SELECT jsonl, csv FROM billing_records
    WHERE tenant = ?1 AND sequence = ?2 AND place IS NOT NULL ORDER BY place";

/// The most files that are listed at once: the longest page, and one more to see whether there are more.
const FILES_MAX: u32 = 1_001;

/// A closed file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BillingFile {
    /// Which one.
    #[serde(flatten)]
    pub head: FileHead,
    /// The SHA-256, in hexadecimal, of all its lines of JSON but the last, which has it.
    pub jsonl_sha256: String,
    /// The same of its rows of CSV.
    pub csv_sha256: String,
}

/// A file as it was issued first, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// Which one.
    pub file: BillingFile,
    /// All of it.
    pub text: String,
}

impl BillingFile {
    /// The checksum that stands in the file's last line.
    #[must_use]
    pub fn sha256(&self, format: Format) -> &str {
        match format {
            Format::JsonLines => &self.jsonl_sha256,
            Format::Csv => &self.csv_sha256,
        }
    }
}

/// The records of a file in both forms.
pub(super) struct Lines(Vec<(String, String)>);

impl Lines {
    pub(super) async fn of_transaction(
        transaction: &mut Transaction,
        tenant: &TenantName,
        sequence: i64,
    ) -> Result<Self, StoreError> {
        Self::of_rows(&transaction.query(LINES, vec![text(tenant), sequence.into()]).await?)
    }

    fn of_rows(rows: &[Row]) -> Result<Self, StoreError> {
        rows.iter()
            .map(|row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned())))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn of(&self, format: Format) -> impl Iterator<Item = &str> {
        self.0.iter().map(move |(jsonl, csv)| match format {
            Format::JsonLines => jsonl.as_str(),
            Format::Csv => csv.as_str(),
        })
    }
}

/// The checksum of a file's lines before the last.
pub(super) fn sum(head: &FileHead, format: Format, lines: &Lines) -> String {
    let mut context = Context::new(&SHA256);
    context.update(head.first_line(format).as_bytes());
    lines.of(format).for_each(|line| context.update(line.as_bytes()));
    let digits = |byte: &u8| [byte >> 4, byte & 0xf].map(|half| char::from_digit(half.into(), 16).unwrap_or('0'));
    context.finish().as_ref().iter().flat_map(digits).collect()
}

impl Billing {
    /// Files of a tenant after a sequence number, in order: so many at most.
    ///
    /// # Errors
    /// When the database cannot tell.
    pub async fn files(&self, tenant: &TenantName, after: i64, limit: u32) -> Result<Vec<BillingFile>, StoreError> {
        let sql = format!("{FILES} WHERE tenant = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3");
        let parameters = vec![text(tenant), after.into(), limit.clamp(1, FILES_MAX).into()];
        self.database.query("list_billing_files", sql, parameters).await?.iter().map(file).collect()
    }

    /// One file of a tenant, whole; none if there is no such file.
    ///
    /// # Errors
    /// When the database cannot tell, or the file is not what it was.
    pub async fn issue(
        &self,
        tenant: &TenantName,
        sequence: i64,
        format: Format,
    ) -> Result<Option<Issued>, StoreError> {
        let Some(file) = self.file(tenant, sequence).await? else { return Ok(None) };
        if !file.head.is_known() {
            return Err(StoreError::Broken(format!(
                "the billing file {sequence} of {tenant} is of version {}, which a later telness closed; that one issues it",
                file.head.v
            )));
        }
        let lines = self.lines(tenant, sequence).await?;
        if sum(&file.head, format, &lines) != file.sha256(format) {
            return Err(StoreError::Broken(format!(
                "the billing file {sequence} of {tenant} is not what it was when it was closed: somebody changed it by \
                 hand; `telness billing verify` says what is wrong, a backup has it as it was"
            )));
        }
        let mut text = file.head.first_line(format);
        lines.of(format).for_each(|line| text.push_str(line));
        text.push_str(&file.head.last_line(format, file.sha256(format)));
        Ok(Some(Issued { file, text }))
    }

    /// One file of a tenant without its records; none if there is no such file.
    ///
    /// # Errors
    /// When the database cannot tell.
    pub async fn file(&self, tenant: &TenantName, sequence: i64) -> Result<Option<BillingFile>, StoreError> {
        let sql = format!("{FILES} WHERE tenant = ?1 AND sequence = ?2");
        let rows = self.database.query("read_billing_file", sql, vec![text(tenant), sequence.into()]).await?;
        rows.first().map(file).transpose()
    }

    pub(super) async fn lines(&self, tenant: &TenantName, sequence: i64) -> Result<Lines, StoreError> {
        let parameters = vec![text(tenant), sequence.into()];
        Lines::of_rows(&self.database.query("read_billing_records", LINES, parameters).await?)
    }
}

pub(super) fn file(row: &Row) -> Result<BillingFile, StoreError> {
    let head = FileHead {
        tenant: row.text(0)?.to_owned(),
        sequence: row.int(1)?,
        v: row.number(2)?,
        period_start: row.time(3)?,
        period_end: row.time(4)?,
        closed_at: row.time(5)?,
        closed_by: row.parsed(6)?,
        records: row.int(7)?,
        corrections: row.int(8)?,
        talk_ms: row.int(9)?,
        previous_sha256: row.opt_text(10)?.map(str::to_owned),
    };
    Ok(BillingFile { head, jsonl_sha256: row.text(11)?.to_owned(), csv_sha256: row.text(12)?.to_owned() })
}
