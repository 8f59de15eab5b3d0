//! "One of these", in statements that SQLite prepares once.
//!
//! Diesel writes `IN (?, ?, …)` with as many places as there are values, and takes such a statement for one that does not
//! come again: it is parsed and planned anew each time, which costs as much as running it. Here the number of places is
//! rounded up to a power of two, and the last value repeated in those that are left. PostgreSQL binds a list as one value.

use std::marker::PhantomData;

use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{Bool, HasSqlType, SingleValue};
use diesel::sqlite::Sqlite;

/// So many places at most are worth keeping a statement for.
const KEPT: usize = 128;

/// Whether an expression is one of some values.
#[derive(Clone, Debug)]
pub(super) struct Among<L, ST, V> {
    left: L,
    values: Vec<V>,
    sql_type: PhantomData<ST>,
}

/// Whether `left` is one of these.
pub(super) fn among<L: Expression, V: Clone>(left: L, values: &[V]) -> Among<L, L::SqlType, V> {
    let mut values = values.to_vec();
    if let Some(last) = values.last().cloned() {
        let places = values.len().next_power_of_two();
        if places <= KEPT {
            values.resize(places, last);
        }
    }
    Among { left, values, sql_type: PhantomData }
}

impl<L, ST, V> Expression for Among<L, ST, V> {
    type SqlType = Bool;
}

impl<L, ST, V, QS> SelectableExpression<QS> for Among<L, ST, V> where Self: AppearsOnTable<QS> {}

impl<L: AppearsOnTable<QS>, ST, V, QS> AppearsOnTable<QS> for Among<L, ST, V> {}

impl<L, ST, V> ValidGrouping<()> for Among<L, ST, V> {
    type IsAggregate = is_aggregate::No;
}

impl<L, ST, V> QueryId for Among<L, ST, V> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<L, ST, V> QueryFragment<Sqlite> for Among<L, ST, V>
where
    L: QueryFragment<Sqlite>,
    Sqlite: HasSqlType<ST>,
    ST: SingleValue,
    V: ToSql<ST, Sqlite>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        if self.values.is_empty() {
            out.push_sql("1=0");
            return Ok(());
        }
        if self.values.len() > KEPT {
            out.unsafe_to_cache_prepared();
        }
        self.left.walk_ast(out.reborrow())?;
        for (index, value) in self.values.iter().enumerate() {
            out.push_sql(if index == 0 { " IN (" } else { ", " });
            out.push_bind_param::<ST, V>(value)?;
        }
        out.push_sql(")");
        Ok(())
    }
}

/// Loads rows of a query, of which a column is one of some values.
macro_rules! load_among {
    ($conn:expr, $row:ty, $query:expr, $column:expr, $values:expr) => {{
        match $conn {
            $crate::store::db::AnyConn::Sqlite(conn) => {
                $query.filter($crate::store::among::among($column, $values)).load::<$row>(conn)
            }
            $crate::store::db::AnyConn::Pg(conn) => $query.filter($column.eq_any($values)).load::<$row>(conn),
        }
    }};
}
pub(super) use load_among;
