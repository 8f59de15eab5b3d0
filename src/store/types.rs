//! How ids and instants stand in either database: a uuid (`uuid`, 16-byte BLOB) and an instant (`timestamptz`, INTEGER
//! microseconds since 1970).

use chrono::{DateTime, TimeDelta, Utc};
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::Pg;
use diesel::query_builder::QueryId;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{HasSqlType, SqlType};
use diesel::sqlite::Sqlite;
use uuid::Uuid;

use super::db::MultiBackend;
use crate::domain::ids::{
    AttachmentId, ChannelId, ContactId, JobId, MailId, MergeId, ReceivedMailId, RoleId, SessionId, TagId, TaskId,
    TeamId, UserId, ViewId, WorkspaceId,
};

/// SQL type of ids.
#[derive(SqlType, QueryId, Clone, Copy, Debug)]
#[diesel(sqlite_type(name = "Binary"))]
#[diesel(postgres_type(oid = 2950, array_oid = 2951))]
pub struct Guid;

/// SQL type of instants.
#[derive(SqlType, QueryId, Clone, Copy, Debug)]
#[diesel(sqlite_type(name = "Long"))]
#[diesel(postgres_type(oid = 1184, array_oid = 1185))]
pub struct Instant;

impl HasSqlType<Guid> for MultiBackend {
    fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
        Self::lookup_sql_type::<Guid>(lookup)
    }
}

impl HasSqlType<Instant> for MultiBackend {
    fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
        Self::lookup_sql_type::<Instant>(lookup)
    }
}

/// An instant in a row. chrono's own type cannot carry our SQL type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Instant)]
pub struct At(pub DateTime<Utc>);

impl From<DateTime<Utc>> for At {
    fn from(at: DateTime<Utc>) -> Self {
        Self(at)
    }
}

impl From<At> for DateTime<Utc> {
    fn from(at: At) -> Self {
        at.0
    }
}

impl ToSql<Instant, Sqlite> for At {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.timestamp_micros());
        Ok(IsNull::No)
    }
}

impl FromSql<Instant, Sqlite> for At {
    fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        let micros = <i64 as FromSql<diesel::sql_types::BigInt, Sqlite>>::from_sql(value)?;
        DateTime::from_timestamp_micros(micros).map(Self).ok_or_else(|| "instant out of range".into())
    }
}

/// PostgreSQL counts microseconds from here.
fn pg_epoch() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(10_957)
}

impl ToSql<Instant, Pg> for At {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let micros = (self.0 - pg_epoch()).num_microseconds().ok_or("instant out of range")?;
        std::io::Write::write_all(out, &micros.to_be_bytes())?;
        Ok(IsNull::No)
    }
}

impl FromSql<Instant, Pg> for At {
    fn from_sql(value: <Pg as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        let bytes: [u8; 8] = value.as_bytes().try_into()?;
        let micros = TimeDelta::microseconds(i64::from_be_bytes(bytes));
        pg_epoch().checked_add_signed(micros).map(Self).ok_or_else(|| "instant out of range".into())
    }
}

impl ToSql<Instant, MultiBackend> for At {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
        out.set_value((Instant, self));
        Ok(IsNull::No)
    }
}

impl FromSql<Instant, MultiBackend> for At {
    fn from_sql(value: <MultiBackend as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        value.from_sql::<Self, Instant>()
    }
}

/// The domain's ids know nothing of databases, so what a derive would write for them is written here.
macro_rules! ids_in_rows {
    ($($name:ident),* $(,)?) => {$(
        impl ToSql<Guid, Sqlite> for $name {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
                out.set_value(self.0.as_bytes().as_slice());
                Ok(IsNull::No)
            }
        }
        impl FromSql<Guid, Sqlite> for $name {
            fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
                let bytes = <Vec<u8> as FromSql<diesel::sql_types::Binary, Sqlite>>::from_sql(value)?;
                Ok(Self(Uuid::from_slice(&bytes)?))
            }
        }
        impl ToSql<Guid, Pg> for $name {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                std::io::Write::write_all(out, self.0.as_bytes())?;
                Ok(IsNull::No)
            }
        }
        impl FromSql<Guid, Pg> for $name {
            fn from_sql(value: <Pg as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
                Ok(Self(Uuid::from_slice(value.as_bytes())?))
            }
        }
        impl ToSql<Guid, MultiBackend> for $name {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
                out.set_value((Guid, self));
                Ok(IsNull::No)
            }
        }
        impl FromSql<Guid, MultiBackend> for $name {
            fn from_sql(value: <MultiBackend as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
                value.from_sql::<Self, Guid>()
            }
        }
        ids_in_rows!(@expression $name, Guid, $name);
        ids_in_rows!(@expression $name, Guid, &'expr $name);
        ids_in_rows!(@expression $name, diesel::sql_types::Nullable<Guid>, $name);
        ids_in_rows!(@expression $name, diesel::sql_types::Nullable<Guid>, &'expr $name);
        impl<DB> ToSql<diesel::sql_types::Nullable<Guid>, DB> for $name
        where
            DB: Backend,
            Self: ToSql<Guid, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
                ToSql::<Guid, DB>::to_sql(self, out)
            }
        }
        impl<DB, ST> diesel::deserialize::Queryable<ST, DB> for $name
        where
            DB: Backend,
            ST: diesel::sql_types::SingleValue,
            Self: deserialize::FromStaticSqlRow<ST, DB>,
        {
            type Row = Self;
            fn build(row: Self) -> deserialize::Result<Self> {
                Ok(row)
            }
        }
    )*};
    (@expression $name:ident, $sql:ty, $own:ty) => {
        impl<'expr> AsExpression<$sql> for $own {
            type Expression = diesel::internal::derives::as_expression::Bound<$sql, Self>;
            fn as_expression(self) -> Self::Expression {
                diesel::internal::derives::as_expression::Bound::new(self)
            }
        }
    };
}

ids_in_rows!(
    WorkspaceId,
    UserId,
    RoleId,
    TeamId,
    ViewId,
    ChannelId,
    ContactId,
    MergeId,
    TagId,
    SessionId,
    JobId,
    MailId,
    AttachmentId,
    ReceivedMailId,
    TaskId,
);

/// Any id, where the column says by another one of what kind it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AnyId(pub Uuid);

ids_in_rows!(AnyId);
