//! Times and days as Postgres writes them on the wire, so that no library of times stands between.

use std::error::Error;

use telness_core::time::Timestamp;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

/// 2000-01-01T00:00:00Z, from which Postgres counts, in microseconds after 1970.
const POSTGRES_EPOCH_MICROS: i64 = 946_684_800_000_000;
const DAY_MICROS: i64 = 86_400_000_000;
/// 2000-01-01, in days after 1970.
const POSTGRES_EPOCH_DAYS: i64 = 10_957;

/// A `timestamptz`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Time(pub(super) Timestamp);

/// A `date`: days after 1970, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Day(pub(super) i32);

impl Day {
    /// The day of a time.
    pub(super) fn of(at: Timestamp) -> Self {
        let days = at.as_micros().div_euclid(DAY_MICROS);
        // A time that Postgres cannot hold is refused where it is bound; here the nearest end will do.
        Self(i32::try_from(days).unwrap_or(if days < 0 { i32::MIN } else { i32::MAX }))
    }
}

impl Day {
    /// Its first moment.
    pub(super) fn begins(self) -> Timestamp {
        Timestamp::from_micros(i64::from(self.0).saturating_mul(DAY_MICROS))
    }

    /// The first moment of the next one.
    pub(super) fn ends(self) -> Timestamp {
        Timestamp::from_micros(i64::from(self.0).saturating_add(1).saturating_mul(DAY_MICROS))
    }
}

impl<'a> FromSql<'a> for Day {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let days = i64::from(i32::from_be_bytes(raw.try_into()?)).saturating_add(POSTGRES_EPOCH_DAYS);
        Ok(Self(i32::try_from(days)?))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::DATE
    }
}

impl Time {
    /// As Postgres has it on the wire, unless that is out of its range.
    pub(super) fn wire(self) -> Option<[u8; 8]> {
        self.0.as_micros().checked_sub(POSTGRES_EPOCH_MICROS).map(i64::to_be_bytes)
    }
}

impl ToSql for Time {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(&self.wire().ok_or("a time before all time")?);
        Ok(IsNull::No)
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::TIMESTAMPTZ
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Time {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let micros = i64::from_be_bytes(raw.try_into()?);
        let micros = micros.checked_add(POSTGRES_EPOCH_MICROS).ok_or("a time after all time")?;
        Ok(Self(Timestamp::from_micros(micros)))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::TIMESTAMPTZ
    }
}

impl ToSql for Day {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let days = i32::try_from(i64::from(self.0).saturating_sub(POSTGRES_EPOCH_DAYS))?;
        out.extend_from_slice(&days.to_be_bytes());
        Ok(IsNull::No)
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::DATE
    }

    to_sql_checked!();
}
