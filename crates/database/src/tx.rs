//! The unit of work.

use std::marker::PhantomData;

use kernel::{TypedId, audit::AuditEntry};
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ConnectionTrait as _, DbBackend, DeleteMany,
    EntityTrait, FromQueryResult, IntoActiveModel, Iterable as _, Statement, UpdateMany, Value,
    sea_query::OnConflict,
};
use telemetry::Origin;

use crate::{
    Find, StoreError, TenantContext,
    audit::Recorder,
    connection::Connection,
    savepoint::Savepoint,
    scope::{Mode, Platform, Read, Scope, Scoped, Tenant, Write},
};

/// A transaction in the scope `S` with the rights `M`.
///
/// [`commit`](Self::commit) makes it lasting; dropped without, it never happened. After an error
/// nothing more can be done with it.
///
/// What belongs to the platform is used in the platform's scope …
///
/// ```
/// # mod tenants {
/// #     use sea_orm::entity::prelude::*;
/// #     #[derive(Clone, Debug, DeriveEntityModel)]
/// #     #[sea_orm(table_name = "tenants")]
/// #     pub struct Model { #[sea_orm(primary_key, auto_increment = false)] pub id: Uuid }
/// #     #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
/// #     pub enum Relation {}
/// #     impl ActiveModelBehavior for ActiveModel {}
/// # }
/// impl database::Scoped<database::Platform> for tenants::Entity {}
///
/// async fn look(tx: &database::PlatformTx) {
///     let _ = tx.find::<tenants::Entity>().all().await;
/// }
/// ```
///
/// … and cannot be in a tenant:
///
/// ```compile_fail,E0277
/// # mod tenants {
/// #     use sea_orm::entity::prelude::*;
/// #     #[derive(Clone, Debug, DeriveEntityModel)]
/// #     #[sea_orm(table_name = "tenants")]
/// #     pub struct Model { #[sea_orm(primary_key, auto_increment = false)] pub id: Uuid }
/// #     #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
/// #     pub enum Relation {}
/// #     impl ActiveModelBehavior for ActiveModel {}
/// # }
/// impl database::Scoped<database::Platform> for tenants::Entity {}
///
/// async fn look(tx: &database::TenantTx) {
///     let _ = tx.find::<tenants::Entity>().all().await;
/// }
/// ```
///
/// Who may write has methods that write …
///
/// ```
/// async fn clear(tx: &database::TenantTx) {
///     let _ = tx.run("DELETE FROM employees", []).await;
/// }
/// ```
///
/// … and a read transaction has none:
///
/// ```compile_fail,E0599
/// async fn clear(tx: &database::TenantReadTx) {
///     let _ = tx.run("DELETE FROM employees", []).await;
/// }
/// ```
///
/// The authority makes a context …
///
/// ```
/// fn open(authority: database::RegistryAuthority, row: database::TenantRecord) {
///     let acme: database::TenantContext = authority.tenant(row);
/// }
/// ```
///
/// … and nobody else, nor is there a second one:
///
/// ```compile_fail,E0451
/// fn open(row: database::TenantRecord) {
///     let acme = database::TenantContext { 0: unimplemented!() };
/// }
/// ```
///
/// ```compile_fail,E0599
/// fn open(authority: database::RegistryAuthority, row: database::TenantRecord) {
///     let acme: database::TenantContext = authority.clone().tenant(row);
/// }
/// ```
///
/// The ORM has connections of its own …
///
/// ```
/// fn run(_: &impl sea_orm::ConnectionTrait) {}
/// fn smuggle(tx: &sea_orm::DatabaseConnection) {
///     run(tx);
/// }
/// ```
///
/// … and a transaction is none:
///
/// ```compile_fail,E0277
/// fn run(_: &impl sea_orm::ConnectionTrait) {}
/// fn smuggle(tx: &database::TenantTx) {
///     run(tx);
/// }
/// ```
#[must_use = "a transaction that is dropped without `commit` never happened"]
pub struct Tx<S: Scope, M: Mode> {
    connection: Connection,
    context: S::Context,
    origin: Origin,
    recorder: Recorder,
    mode: PhantomData<fn() -> M>,
}

/// Reads and writes in one tenant.
pub type TenantTx = Tx<Tenant, Write>;
/// Reads in one tenant.
pub type TenantReadTx = Tx<Tenant, Read>;
/// Reads and writes in the platform's schema.
pub type PlatformTx = Tx<Platform, Write>;
/// Reads in the platform's schema.
pub type PlatformReadTx = Tx<Platform, Read>;

impl<S: Scope, M: Mode> Tx<S, M> {
    pub(crate) fn new(connection: Connection, context: S::Context, recorder: Recorder) -> Self {
        Self {
            connection,
            context,
            origin: Origin::default(),
            recorder,
            mode: PhantomData,
        }
    }

    /// Starts a query of an entity that lives in this scope.
    pub fn find<E: Scoped<S>>(&self) -> Find<'_, E> {
        Find::new(&self.connection)
    }

    /// Reads the row with this key.
    pub async fn find_by_id<E>(&self, id: impl TypedId) -> Result<Option<E::Model>, StoreError>
    where
        E: Scoped<S>,
        E::PrimaryKey: sea_orm::PrimaryKeyTrait<ValueType = uuid::Uuid>,
    {
        let id: uuid::Uuid = id.into();
        Ok(E::find_by_id(id).one(&self.connection).await?)
    }

    /// Reads the rows of a hand-written query.
    pub async fn rows<T: FromQueryResult>(
        &self,
        sql: &'static str,
        values: impl IntoIterator<Item = Value> + Send,
    ) -> Result<Vec<T>, StoreError> {
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
        let rows = self.connection.query_all_raw(statement).await?;
        rows.iter()
            .map(|row| T::from_query_result(row, "").map_err(StoreError::Orm))
            .collect()
    }

    /// Reads the first row of a hand-written query.
    pub async fn row<T: FromQueryResult>(
        &self,
        sql: &'static str,
        values: impl IntoIterator<Item = Value> + Send,
    ) -> Result<Option<T>, StoreError> {
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
        let row = self.connection.query_one_raw(statement).await?;
        row.map(|row| T::from_query_result(&row, "").map_err(StoreError::Orm))
            .transpose()
    }

    /// Reads the rows of a composed query.
    pub async fn select<T: FromQueryResult>(
        &self,
        query: &sea_orm::sea_query::SelectStatement,
    ) -> Result<Vec<T>, StoreError> {
        let rows = self.connection.query_all(query).await?;
        rows.iter()
            .map(|row| T::from_query_result(row, "").map_err(StoreError::Orm))
            .collect()
    }

    /// Opens a savepoint: what fails behind it can be undone without losing the transaction.
    pub async fn savepoint(&self) -> Result<Savepoint<'_>, StoreError> {
        Savepoint::open(&self.connection, &self.recorder).await
    }

    /// Makes it lasting, with the [record](Tx::record) of what was done in it, and the connection free.
    ///
    /// # Errors
    /// [`StoreError::Poisoned`] when a statement failed or was cancelled, and
    /// [`StoreError::Unrecorded`] when there is nothing to record with: nothing is kept.
    pub async fn commit(self) -> Result<(), StoreError> {
        if self.connection.is_poisoned() {
            return Err(StoreError::Poisoned);
        }
        M::record(&self).await?;
        self.connection.into_lease().end("COMMIT").await
    }

    /// Undoes everything, and makes the connection free.
    pub async fn rollback(self) -> Result<(), StoreError> {
        self.connection.into_lease().end("ROLLBACK").await
    }
}

impl<M: Mode> Tx<Tenant, M> {
    /// The tenant this transaction is in.
    pub fn tenant(&self) -> &TenantContext {
        &self.context
    }
}

impl<S: Scope> Tx<S, Write> {
    /// Says on whose behalf everything in it is done. Whoever opens a transaction knows; whoever
    /// records what was done in it asks the transaction, so that no use case can forget to tell.
    pub fn initiated_by(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// On whose behalf everything in it is done; nobody's, unless somebody said so.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Records that something was done in it. It is written with the commit, by the [`AuditSink`] of
    /// the database: there is no change without its record, and no record of what never happened.
    pub fn record(&self, entry: AuditEntry) {
        self.recorder.note(entry);
    }

    /// How much was recorded in it so far.
    pub fn recorded(&self) -> usize {
        self.recorder.noted()
    }

    /// Writes what was recorded in it so far, and keeps it no longer in memory: for whoever does much
    /// in one transaction. Within a [savepoint](Tx::savepoint) nothing is written yet.
    ///
    /// # Errors
    /// As [`Tx::commit`].
    pub async fn flush_record(&self) -> Result<(), StoreError> {
        if self.recorder.is_within_savepoint() {
            return Ok(());
        }
        self.write_record().await
    }

    /// Writes what was recorded, before the end.
    pub(crate) async fn write_record(&self) -> Result<(), StoreError> {
        let entries = self.recorder.take();
        if entries.is_empty() {
            return Ok(());
        }
        let sink = self.recorder.sink().ok_or(StoreError::Unrecorded)?;
        S::record(sink, self, entries).await?;
        if self.connection.is_poisoned() {
            return Err(StoreError::Poisoned);
        }
        Ok(())
    }

    /// Inserts a row and reads it back as stored.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`], [`StoreError::Reference`].
    pub async fn insert<A>(&self, row: A) -> Result<<A::Entity as EntityTrait>::Model, StoreError>
    where
        A: ActiveModelTrait + ActiveModelBehavior + Send,
        A::Entity: Scoped<S>,
        <A::Entity as EntityTrait>::Model: IntoActiveModel<A>,
    {
        Ok(A::Entity::insert(row)
            .exec_with_returning(&self.connection)
            .await?)
    }

    /// Inserts a row; `false` when a unique key already holds its value. The transaction goes on.
    pub async fn insert_or_ignore<A>(&self, row: A) -> Result<bool, StoreError>
    where
        A: ActiveModelTrait + ActiveModelBehavior + Send,
        A::Entity: Scoped<S>,
    {
        let inserted = A::Entity::insert(row)
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .exec_without_returning(&self.connection)
            .await?;
        Ok(inserted > 0)
    }

    /// Inserts many rows, in as many statements as PostgreSQL's limit of 65,535 values needs.
    ///
    /// # Errors
    /// As [`Self::insert`].
    pub async fn insert_many<A>(&self, rows: Vec<A>) -> Result<(), StoreError>
    where
        A: ActiveModelTrait + ActiveModelBehavior + Send,
        A::Entity: Scoped<S>,
    {
        let columns = <A::Entity as EntityTrait>::Column::iter().count().max(1);
        // Few enough values for PostgreSQL, few enough rows for the planner's memory.
        let chunk = (60_000 / columns).clamp(1, 1_000);
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let some: Vec<A> = rows.by_ref().take(chunk).collect();
            A::Entity::insert_many(some)
                .exec_without_returning(&self.connection)
                .await?;
        }
        Ok(())
    }

    /// Changes the row with this key and reads it back.
    ///
    /// # Errors
    /// As [`Self::insert`].
    pub async fn update<A>(&self, row: A) -> Result<<A::Entity as EntityTrait>::Model, StoreError>
    where
        A: ActiveModelTrait + ActiveModelBehavior + Send,
        A::Entity: Scoped<S>,
        <A::Entity as EntityTrait>::Model: IntoActiveModel<A>,
    {
        Ok(A::Entity::update(row)
            .validate()?
            .exec(&self.connection)
            .await?)
    }

    /// Changes the rows that the statement selects; how many there were.
    pub async fn update_where<E: Scoped<S>>(
        &self,
        statement: UpdateMany<E>,
    ) -> Result<u64, StoreError> {
        Ok(statement.exec(&self.connection).await?.rows_affected)
    }

    /// Deletes the rows that the statement selects; how many there were.
    pub async fn delete_where<E: Scoped<S>>(
        &self,
        statement: DeleteMany<E>,
    ) -> Result<u64, StoreError> {
        Ok(statement.exec(&self.connection).await?.rows_affected)
    }

    /// Runs a hand-written statement; how many rows it touched.
    pub async fn run(
        &self,
        sql: &'static str,
        values: impl IntoIterator<Item = Value> + Send,
    ) -> Result<u64, StoreError> {
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
        Ok(self
            .connection
            .execute_raw(statement)
            .await?
            .rows_affected())
    }
}

impl Tx<Tenant, Write> {
    /// Waits for the tenant's lock of this name and holds it until the transaction ends. A tree
    /// (departments, managers) is changed under one: acyclicity that is only checked is a race.
    pub async fn lock(&self, name: &'static str) -> Result<(), StoreError> {
        self.run(
            "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))",
            [Value::from(format!("{}/{name}", self.context.id()))],
        )
        .await?;
        Ok(())
    }
}
