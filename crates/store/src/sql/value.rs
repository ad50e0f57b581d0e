//! What goes into a statement and comes out of it, the same for both databases.

use std::str::FromStr;

use telness_core::time::Timestamp;

use crate::StoreError;

/// One value. What it becomes is said by the column: a whole number is a truth value in a `boolean` and microseconds
/// since 1970 in a `timestamptz`; a text is JSON in a `jsonb`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// No time: before all others, so that it can be part of a key. Postgres writes it `-infinity`.
const ALWAYS: i64 = i64::MIN;

impl Value {
    /// A time that is part of a key, and may be none.
    pub(crate) fn time_or_always(time: Option<Timestamp>) -> Self {
        Self::Int(time.map_or(ALWAYS, Timestamp::as_micros))
    }

    /// A value as JSON text.
    pub(crate) fn json(value: &impl serde::Serialize) -> Result<Self, StoreError> {
        serde_json::to_string(value).map(Self::Text).map_err(|error| StoreError::Broken(error.to_string()))
    }

    /// A value as its text.
    pub(crate) fn shown(value: &impl ToString) -> Self {
        Self::Text(value.to_string())
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(value.into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(value.into())
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Timestamp> for Value {
    fn from(value: Timestamp) -> Self {
        Self::Int(value.as_micros())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One row of an answer.
#[derive(Clone, Debug)]
pub(crate) struct Row(pub(crate) Vec<Value>);

impl Row {
    fn value(&self, at: usize) -> Result<&Value, StoreError> {
        self.0.get(at).ok_or_else(|| unexpected(at, "no value"))
    }

    pub(crate) fn opt_int(&self, at: usize) -> Result<Option<i64>, StoreError> {
        match self.value(at)? {
            Value::Null => Ok(None),
            Value::Int(value) => Ok(Some(*value)),
            other => Err(unexpected(at, other)),
        }
    }

    pub(crate) fn int(&self, at: usize) -> Result<i64, StoreError> {
        self.opt_int(at)?.ok_or_else(|| unexpected(at, "nothing"))
    }

    /// A whole number of a narrower type.
    pub(crate) fn number<T: TryFrom<i64>>(&self, at: usize) -> Result<T, StoreError> {
        let value = self.int(at)?;
        T::try_from(value).map_err(|_| unexpected(at, value))
    }

    pub(crate) fn bool(&self, at: usize) -> Result<bool, StoreError> {
        Ok(self.int(at)? != 0)
    }

    pub(crate) fn opt_text(&self, at: usize) -> Result<Option<&str>, StoreError> {
        match self.value(at)? {
            Value::Null => Ok(None),
            Value::Text(value) => Ok(Some(value)),
            other => Err(unexpected(at, other)),
        }
    }

    pub(crate) fn text(&self, at: usize) -> Result<&str, StoreError> {
        self.opt_text(at)?.ok_or_else(|| unexpected(at, "nothing"))
    }

    pub(crate) fn bytes(&self, at: usize) -> Result<&[u8], StoreError> {
        match self.value(at)? {
            Value::Bytes(value) => Ok(value),
            other => Err(unexpected(at, other)),
        }
    }

    /// A text read as what it stands for.
    pub(crate) fn parsed<T: FromStr>(&self, at: usize) -> Result<T, StoreError> {
        let text = self.text(at)?;
        text.parse().map_err(|_| unexpected(at, text))
    }

    pub(crate) fn opt_parsed<T: FromStr>(&self, at: usize) -> Result<Option<T>, StoreError> {
        self.opt_text(at)?.map(|text| text.parse().map_err(|_| unexpected(at, text))).transpose()
    }

    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self, at: usize) -> Result<T, StoreError> {
        let text = self.text(at)?;
        serde_json::from_str(text).map_err(|error| unexpected(at, error))
    }

    pub(crate) fn opt_json<T: serde::de::DeserializeOwned>(&self, at: usize) -> Result<Option<T>, StoreError> {
        self.opt_text(at)?.map(|text| serde_json::from_str(text).map_err(|error| unexpected(at, error))).transpose()
    }

    pub(crate) fn time(&self, at: usize) -> Result<Timestamp, StoreError> {
        self.int(at).map(Timestamp::from_micros)
    }

    pub(crate) fn opt_time(&self, at: usize) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.opt_int(at)?.map(Timestamp::from_micros))
    }

    /// What [`Value::time_or_always`] wrote.
    pub(crate) fn time_or_always(&self, at: usize) -> Result<Option<Timestamp>, StoreError> {
        let micros = self.int(at)?;
        Ok((micros != ALWAYS).then(|| Timestamp::from_micros(micros)))
    }
}

fn unexpected(at: usize, found: impl std::fmt::Debug) -> StoreError {
    StoreError::Broken(format!("column {at} of an answer holds what it should not: {found:?}"))
}
