//! What can go wrong between a use case and PostgreSQL.

use kernel::{DomainError, ErrorKind};
use sea_orm::{DbErr, RuntimeErr};
use sqlx::postgres::PgDatabaseError;

/// An error of storage.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// PostgreSQL cannot be reached, or ended the connection.
    #[error("the database cannot be reached")]
    Unavailable(#[source] sqlx::Error),
    /// No connection of the pool became free in time.
    #[error("no database connection became free in time")]
    PoolTimeout,
    /// As many requests of this tenant wait for a connection as may.
    #[error("too many requests of the tenant wait for a database connection")]
    TenantBusy,
    /// Something took longer than its limit: opening a connection, a statement, a lock.
    #[error("the database did not answer in time ({0})")]
    Timeout(&'static str),
    /// The transaction failed earlier; nothing of it can be committed.
    #[error("the transaction failed earlier and cannot be committed")]
    Poisoned,
    /// Something was to be recorded, and the process was composed without an [`AuditSink`](crate::AuditSink).
    #[error("there is nothing to record with: nothing was kept")]
    Unrecorded,
    /// Two transactions stood in each other's way and PostgreSQL ended this one: try it again.
    #[error("the transaction collided with another one")]
    Collision(#[source] sqlx::Error),
    /// A unique key or an exclusion already holds this value.
    #[error("the constraint `{constraint}` already holds this value")]
    Duplicate {
        /// The constraint's name.
        constraint: String,
    },
    /// A row that is referred to does not exist, or still is referred to.
    #[error("the reference `{constraint}` is violated")]
    Reference {
        /// The constraint's name.
        constraint: String,
    },
    /// The login role of an application could bypass the walls between tenants.
    #[error(
        "the login role `{0}` may do too much (superuser, BYPASSRLS, CREATEROLE, CREATEDB or \
         INHERIT): use the role that `hrms-bootstrap up` made for the application"
    )]
    UnsafeLogin(String),
    /// The login role belongs to no or another installation.
    #[error("the login role `{0}` may not work in this installation: run `hrms-bootstrap up`")]
    ForeignLogin(String),
    /// The platform was never installed in this database.
    #[error("the platform is not installed in this database: run `hrms-bootstrap up`")]
    NotInstalled,
    /// The URL cannot be read. It holds a password and is not repeated.
    #[error("the database URL is not of the form postgres://user:password@host:port/database")]
    Url,
    /// A stored value contradicts the model.
    #[error("a stored value contradicts the model: {0}")]
    Corrupt(String),
    /// Anything else that PostgreSQL refused: a defect.
    #[error("the database refused a statement")]
    Refused(#[source] sqlx::Error),
    /// The ORM could not build a statement or read a row: a defect.
    #[error("the ORM failed")]
    Orm(#[source] DbErr),
}

impl StoreError {
    /// A stored value that the model cannot hold.
    pub fn corrupt(reason: impl std::fmt::Display) -> Self {
        Self::Corrupt(reason.to_string())
    }

    /// The PostgreSQL error code (SQLSTATE), when it was PostgreSQL that refused.
    pub fn sqlstate(&self) -> Option<String> {
        match self {
            Self::Unavailable(error) | Self::Collision(error) | Self::Refused(error) => error
                .as_database_error()
                .and_then(|error| error.code().map(std::borrow::Cow::into_owned)),
            Self::Duplicate { .. } => Some("23505".to_owned()),
            Self::Reference { .. } => Some("23503".to_owned()),
            _ => None,
        }
    }

    fn classify(error: &sqlx::Error) -> Class {
        let sqlx::Error::Database(database) = error else {
            return match error {
                sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolClosed => {
                    Class::Unavailable
                }
                _ => Class::Other,
            };
        };
        let constraint = || database.constraint().unwrap_or("unnamed").to_owned();
        match database.code().as_deref().unwrap_or_default() {
            "23505" | "23P01" => Class::Duplicate(constraint()),
            "23503" => Class::Reference(constraint()),
            // Serialisation, deadlock, and a plan made before a migration changed the table.
            "40001" | "40P01" => Class::Collision,
            "0A000" if is_outdated(&**database) => Class::Collision,
            "57014" => Class::Timeout("statement_timeout"),
            "55P03" => Class::Timeout("lock_timeout"),
            // Shutdown, crash, starting up, too many connections, idle in transaction.
            "57P01" | "57P02" | "57P03" | "53300" | "25P03" => Class::Unavailable,
            code if code.starts_with("08") => Class::Unavailable,
            _ => Class::Other,
        }
    }
}

enum Class {
    Unavailable,
    Collision,
    Timeout(&'static str),
    Duplicate(String),
    Reference(String),
    Other,
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match Self::classify(&error) {
            Class::Unavailable => Self::Unavailable(error),
            Class::Collision => Self::Collision(error),
            Class::Timeout(what) => Self::Timeout(what),
            Class::Duplicate(constraint) => Self::Duplicate { constraint },
            Class::Reference(constraint) => Self::Reference { constraint },
            Class::Other => Self::Refused(error),
        }
    }
}

/// The adapter's own failures travel through the ORM's error type and are taken out here.
impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        match error {
            DbErr::Exec(RuntimeErr::SqlxError(inner))
            | DbErr::Query(RuntimeErr::SqlxError(inner))
            | DbErr::Conn(RuntimeErr::SqlxError(inner)) => {
                match std::sync::Arc::try_unwrap(inner) {
                    Ok(inner) => inner.into(),
                    Err(shared) => match Self::classify(&shared) {
                        Class::Duplicate(constraint) => Self::Duplicate { constraint },
                        Class::Reference(constraint) => Self::Reference { constraint },
                        Class::Timeout(what) => Self::Timeout(what),
                        _ => Self::Orm(DbErr::Exec(RuntimeErr::SqlxError(shared))),
                    },
                }
            }
            DbErr::Custom(reason) if reason == POISONED => Self::Poisoned,
            DbErr::Custom(reason) if reason == ROUND_TRIP => Self::Timeout("round trip"),
            other => Self::Orm(other),
        }
    }
}

/// Whether a migration changed what a prepared statement answers, so that its plan is of no use.
pub(crate) fn is_outdated_plan(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(inner)) | DbErr::Query(RuntimeErr::SqlxError(inner))) =
        error
    else {
        return false;
    };
    inner.as_database_error().is_some_and(is_outdated)
}

/// PostgreSQL has no code of its own for it, and its text depends on the server's language.
fn is_outdated(error: &dyn sqlx::error::DatabaseError) -> bool {
    error
        .try_downcast_ref::<PgDatabaseError>()
        .is_some_and(|error| {
            error.code() == "0A000" && error.routine() == Some("RevalidateCachedQuery")
        })
}

pub(crate) const POISONED: &str = "hrms: poisoned";
pub(crate) const ROUND_TRIP: &str = "hrms: round trip timed out";

impl DomainError for StoreError {
    fn kind(&self) -> ErrorKind {
        match self {
            // Whoever stood in the way may have failed: what was asked for may be possible, and is
            // no conflict with what is stored.
            Self::Unavailable(_)
            | Self::PoolTimeout
            | Self::TenantBusy
            | Self::Timeout(_)
            | Self::Collision(_) => ErrorKind::Unavailable,
            _ => ErrorKind::Internal,
        }
    }

    fn is_transient(&self) -> bool {
        matches!(self, Self::Collision(_))
    }

    fn detail(&self) -> String {
        match self.kind() {
            _ if self.is_transient() => "Others were changing the same things at the same time, \
                                         and nothing of this was done. Try again in a few seconds."
                .to_owned(),
            ErrorKind::Unavailable => {
                "The service cannot answer right now. Try again in a few seconds.".to_owned()
            }
            _ => "Something went wrong on our side. It was recorded; quote the request id when \
                  you ask about it."
                .to_owned(),
        }
    }
}
