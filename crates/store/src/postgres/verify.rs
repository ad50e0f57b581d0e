//! Whether the schema is what its steps made. Above all the keys have to be there that writing the same again leans on:
//! without one, a record that is sent twice would be there twice.

use std::collections::BTreeMap;

use deadpool_postgres::{Object, Transaction};
use tokio_postgres::GenericClient;
use tokio_postgres::error::SqlState;

use super::trouble::Trouble;
use crate::StoreError;

/// Tables and the columns that name one row.
const KEYS: &[(&str, &str)] = &[
    ("calls", "tenant received_at call_id"),
    ("keyed_calls", "tenant call_id"),
    ("events", "tenant call_id beyond event_id digest day"),
    ("early_events", "tenant call_id event_id digest received_at"),
    ("contradictions", "tenant call_id digest"),
    ("ship_positions", "journal"),
];
/// Whether a table has a valid index that says of these columns that they name one row.
const HAS_KEY: &str = "SELECT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = to_regclass($1) AND i.indisunique
    AND i.indisvalid AND i.indpred IS NULL AND $2 = (SELECT string_agg(a.attname, ' ' ORDER BY k.n)
        FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, n)
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number))";

pub(super) async fn unique_keys(client: &impl GenericClient) -> Result<(), Trouble> {
    for (table, columns) in KEYS {
        let there: bool = client.query_one(HAS_KEY, &[table, columns]).await?.try_get(0)?;
        if !there {
            return Err(Trouble::Ours(StoreError::Broken(format!(
                "the schema lacks the unique key of {table} ({columns}), which its steps made: somebody changed it by \
                 hand"
            ))));
        }
    }
    Ok(())
}

/// A schema that the steps make anew, for a moment and for nobody else to see.
const ANEW: &str = "telness_verify";
/// What makes up a schema: columns, indexes and functions, each with its name and what it is. Days are made later.
const PARTS: &str =
    "SELECT c.table_name || '.' || c.column_name, concat_ws(' ', c.data_type, c.character_maximum_length,
        c.collation_name, CASE c.is_nullable WHEN 'NO' THEN 'NOT NULL' END, 'DEFAULT ' || c.column_default)
    FROM information_schema.columns c WHERE c.table_schema = $1 AND c.table_name !~ '_p[0-9]+$'
    UNION ALL SELECT indexname, replace(indexdef, $1 || '.', '') FROM pg_indexes
    WHERE schemaname = $1 AND tablename !~ '_p[0-9]+$'
    UNION ALL SELECT proname || '()', prosrc FROM pg_proc WHERE pronamespace = to_regnamespace($1)";
/// As many differences as are told.
const TOLD_MAX: usize = 5;

/// Has the steps make a schema anew beside the one that is there, compares both, and leaves nothing of it behind. What
/// is there beyond what the steps made is nobody's business.
pub(super) async fn same_as_made_anew(client: &mut Object, steps: &[&str]) -> Result<(), Trouble> {
    let transaction = client.transaction().await?;
    let here: String = transaction.query_one("SELECT current_schema()::text", &[]).await?.try_get(0)?;
    let found = parts(&transaction, &here).await?;
    match transaction.batch_execute(&format!("CREATE SCHEMA {ANEW}; SET LOCAL search_path = {ANEW}")).await {
        // Whoever may make no schema has to do with the keys and columns.
        Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => return Ok(()),
        made => made?,
    }
    for step in steps {
        transaction.batch_execute(step).await?;
    }
    let made = parts(&transaction, ANEW).await?;
    transaction.rollback().await?;
    let differ = made.iter().filter_map(|(name, made)| match found.get(name) {
        Some(found) if found == made => None,
        Some(found) if name.ends_with("()") => Some(format!("{name} is another ({} bytes)", found.len())),
        Some(found) => Some(format!("{name} is `{found}` and was made as `{made}`")),
        None => Some(format!("{name} is gone")),
    });
    let differ: Vec<String> = differ.collect();
    if differ.is_empty() {
        return Ok(());
    }
    let (told, more) =
        (differ.iter().take(TOLD_MAX).cloned().collect::<Vec<_>>(), differ.len().saturating_sub(TOLD_MAX));
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    Err(Trouble::Ours(StoreError::Broken(format!(
        "the schema is not what its steps made: somebody changed it by hand: {}{more}",
        told.join("; ")
    ))))
}

async fn parts(transaction: &Transaction<'_>, schema: &str) -> Result<BTreeMap<String, String>, Trouble> {
    let rows = transaction.query(PARTS, &[&schema]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}
