//! Queries of one entity.

use sea_orm::{
    EntityTrait, FromQueryResult, PaginatorTrait as _, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, Select, sea_query::SelectStatement,
};

use crate::{StoreError, connection::Connection};

/// A query of one entity in one transaction. Built with the ORM's own words (`filter`, `order_by`,
/// `limit`, `join`: bring [`sea_orm::QueryFilter`] and its siblings into scope) and run with the
/// methods here.
#[must_use = "a query that is not run does nothing"]
pub struct Find<'tx, E: EntityTrait> {
    connection: &'tx Connection,
    select: Select<E>,
}

impl<'tx, E: EntityTrait> Find<'tx, E> {
    pub(crate) fn new(connection: &'tx Connection) -> Self {
        Self {
            connection,
            select: E::find(),
        }
    }

    /// Reads the first row.
    pub async fn one(self) -> Result<Option<E::Model>, StoreError> {
        Ok(self.select.one(self.connection).await?)
    }

    /// Reads every row.
    pub async fn all(self) -> Result<Vec<E::Model>, StoreError> {
        Ok(self.select.all(self.connection).await?)
    }

    /// Reads every row as something else.
    pub async fn all_as<T: FromQueryResult>(self) -> Result<Vec<T>, StoreError> {
        Ok(self.select.into_model::<T>().all(self.connection).await?)
    }

    /// Counts the rows.
    pub async fn count(self) -> Result<u64, StoreError>
    where
        E::Model: Send + Sync,
    {
        Ok(self.select.count(self.connection).await?)
    }
}

impl<E: EntityTrait> QueryFilter for Find<'_, E> {
    type QueryStatement = SelectStatement;

    fn query(&mut self) -> &mut SelectStatement {
        QueryTrait::query(&mut self.select)
    }
}

impl<E: EntityTrait> QueryOrder for Find<'_, E> {
    type QueryStatement = SelectStatement;

    fn query(&mut self) -> &mut SelectStatement {
        QueryTrait::query(&mut self.select)
    }
}

impl<E: EntityTrait> QuerySelect for Find<'_, E> {
    type QueryStatement = SelectStatement;

    fn query(&mut self) -> &mut SelectStatement {
        QueryTrait::query(&mut self.select)
    }
}
