//! Whether the keys are there that writing the same again leans on: without one, a record that is sent twice would be
//! there twice.

use tokio_postgres::GenericClient;

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
