//! Plans: numbered revisions, and which of them is published. Whoever publishes one has checked it.

use ring::digest;
use serde::Serialize;
use serde_json::json;
use telness_core::time::Timestamp;

use super::changing::{Changing, Noted};
use super::crud::unexpected;
use super::{Control, ControlError, Edit, Expect, Refusal, Version, copy};
use crate::StoreError;
use crate::sql::{Row, Transaction, Value};

const NAME: &str = "plan";
const HEAD: &str = "SELECT revision, author, comment, at, sha256 FROM plans";
const WHOLE: &str = "SELECT revision, author, comment, at, sha256, text FROM plans WHERE revision = ?1";
const LATEST: &str = "SELECT COALESCE(MAX(revision), 0) FROM plans";
const ADD: &str = "INSERT INTO plans (revision, author, comment, at, sha256, text) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
const PUBLISH: &str =
    "INSERT INTO plan_publications (version, revision, author, comment, at) VALUES (?1, ?2, ?3, ?4, ?5)";
const PUBLISHED: &str =
    "SELECT version, revision, author, comment, at FROM plan_publications ORDER BY version DESC LIMIT 1";

/// A revision without its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanHead {
    /// Its number: the first is 1.
    pub revision: u64,
    /// Who made it.
    pub author: String,
    /// Why.
    pub comment: String,
    /// When.
    pub at: Timestamp,
    /// The SHA-256 of the text.
    #[serde(serialize_with = "as_hex")]
    pub sha256: [u8; 32],
}

/// A revision, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanRevision {
    /// What it is.
    #[serde(flatten)]
    pub head: PlanHead,
    /// The text.
    pub text: String,
}

/// Which revision is published, and who published it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PublishedPlan {
    /// The change that published it.
    pub version: Version,
    /// The revision; an older one if somebody went back to it.
    pub revision: u64,
    /// Who published it.
    pub author: String,
    /// Why.
    pub comment: String,
    /// When.
    pub at: Timestamp,
}

impl Control {
    /// Keeps a text as the next revision and publishes it. `expect` is of the publication that was there.
    ///
    /// # Errors
    /// When another was published meanwhile, or the database cannot; then nothing was changed.
    pub async fn publish_plan(&self, edit: &Edit, text: &str, expect: Expect) -> Result<PublishedPlan, ControlError> {
        let mut changing = Changing::begin(self, "publish_plan", edit).await?;
        let rows = changing.transaction.query(LATEST, Vec::new()).await?;
        let latest = rows.first().map_or(Ok(0), |row| row.int(0))?;
        let revision = latest.saturating_add(1);
        let sha256 = digest::digest(&digest::SHA256, text.as_bytes());
        let parameters = vec![
            revision.into(),
            edit.author.as_str().into(),
            edit.comment.as_str().into(),
            edit.at.into(),
            Value::Bytes(sha256.as_ref().to_vec()),
            text.into(),
        ];
        changing.transaction.execute(ADD, parameters).await?;
        publish(changing, edit, revision, expect).await
    }

    /// Publishes a revision that is there already: going back to an older one is a new publication of it.
    ///
    /// # Errors
    /// When there is no such revision, another was published meanwhile, or the database cannot.
    pub async fn publish_revision(
        &self,
        edit: &Edit,
        revision: u64,
        expect: Expect,
    ) -> Result<PublishedPlan, ControlError> {
        let number = revision_value(revision);
        let mut changing = Changing::begin(self, "publish_plan", edit).await?;
        let rows = changing.transaction.query(format!("{HEAD} WHERE revision = ?1"), vec![number.into()]).await?;
        if rows.is_empty() {
            return Err(refused(number, Refusal::NotFound));
        }
        publish(changing, edit, number, expect).await
    }

    /// Which revision is published; none before the first.
    ///
    /// # Errors
    /// When the database cannot tell.
    pub async fn published_plan(&self) -> Result<Option<PublishedPlan>, ControlError> {
        let rows = self.database.query("published_plan", PUBLISHED, Vec::new()).await?;
        Ok(rows.first().map(published).transpose()?)
    }

    /// One revision with its text.
    ///
    /// # Errors
    /// When the database cannot tell, or its text is not what was kept.
    pub async fn plan(&self, revision: u64) -> Result<Option<PlanRevision>, ControlError> {
        let rows = self.database.query("get_plan", WHOLE, vec![revision_value(revision).into()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let (head, text) = (head(row)?, row.text(5)?.to_owned());
        if digest::digest(&digest::SHA256, text.as_bytes()).as_ref() != head.sha256 {
            let why = format!("the text of plan revision {revision} is not what was published; publish another");
            return Err(StoreError::Broken(why).into());
        }
        Ok(Some(PlanRevision { head, text }))
    }

    /// Revisions without their texts, the latest first: those before one, so many at most.
    ///
    /// # Errors
    /// When the database cannot tell.
    pub async fn plans(&self, before: Option<u64>, limit: u32) -> Result<Vec<PlanHead>, ControlError> {
        let sql = format!("{HEAD} WHERE revision < ?1 ORDER BY revision DESC LIMIT ?2");
        let before = before.map_or(i64::MAX, revision_value);
        let rows = self.database.query("list_plans", sql, vec![before.into(), limit.max(1).into()]).await?;
        Ok(rows.iter().map(head).collect::<Result<_, _>>()?)
    }
}

/// Keeps a revision as it was kept elsewhere.
pub(super) async fn add(transaction: &mut Transaction, plan: &copy::Plan) -> Result<(), StoreError> {
    let sha256 = digest::digest(&digest::SHA256, plan.text.as_bytes());
    let parameters = vec![
        plan.revision.into(),
        plan.author.as_str().into(),
        plan.comment.as_str().into(),
        plan.at.into(),
        Value::Bytes(sha256.as_ref().to_vec()),
        plan.text.as_str().into(),
    ];
    transaction.execute(ADD, parameters).await.map(drop)
}

/// Keeps a publication as it was kept elsewhere.
pub(super) async fn add_publication(transaction: &mut Transaction, one: &copy::Publication) -> Result<(), StoreError> {
    let (author, comment) = (one.author.as_str().into(), one.comment.as_str().into());
    let parameters = vec![one.version.into(), one.revision.into(), author, comment, one.at.into()];
    transaction.execute(PUBLISH, parameters).await.map(drop)
}

async fn publish(
    mut changing: Changing<'_>,
    edit: &Edit,
    revision: i64,
    expect: Expect,
) -> Result<PublishedPlan, ControlError> {
    let before = changing.transaction.query(PUBLISHED, Vec::new()).await?;
    let before = before.first().map(published).transpose()?;
    if let Some(refusal) = unexpected(expect, before.as_ref().map(|before| before.version)) {
        return Err(refused(revision, refusal));
    }
    let (author, comment) = (edit.author.as_str(), edit.comment.as_str());
    let parameters = vec![changing.version.0.into(), revision.into(), author.into(), comment.into(), edit.at.into()];
    changing.transaction.execute(PUBLISH, parameters).await?;
    let before = before.map(|before| Value::json(&json!({ "revision": before.revision }))).transpose()?;
    changing.note(Noted {
        tenant: None,
        entity: NAME,
        key: NAME.to_owned(),
        before: before.unwrap_or(Value::Null),
        after: Value::json(&json!({ "revision": revision }))?,
    });
    let version = changing.commit().await?;
    Ok(PublishedPlan {
        version,
        revision: u64::try_from(revision).unwrap_or_default(),
        author: author.to_owned(),
        comment: comment.to_owned(),
        at: edit.at,
    })
}

fn refused(revision: i64, refusal: Refusal) -> ControlError {
    ControlError::Refused { entity: NAME, key: format!("revision {revision}"), refusal }
}

fn revision_value(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}

fn head(row: &Row) -> Result<PlanHead, StoreError> {
    let sha256 = row.bytes(4)?.try_into();
    Ok(PlanHead {
        revision: row.number(0)?,
        author: row.text(1)?.to_owned(),
        comment: row.text(2)?.to_owned(),
        at: row.time(3)?,
        sha256: sha256.map_err(|_| StoreError::Broken("a plan's checksum is none".to_owned()))?,
    })
}

fn published(row: &Row) -> Result<PublishedPlan, StoreError> {
    Ok(PublishedPlan {
        version: Version(row.int(0)?),
        revision: row.number(1)?,
        author: row.text(2)?.to_owned(),
        comment: row.text(3)?.to_owned(),
        at: row.time(4)?,
    })
}

fn as_hex<S: serde::Serializer>(bytes: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    serializer.serialize_str(&hex)
}
