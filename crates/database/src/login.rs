//! Who the process is in PostgreSQL, and whether it may be that.

use kernel::SchemaName;
use sqlx::{PgConnection, Row as _};

use crate::StoreError;

/// As whom a process logs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// The API and the worker: a role that can do nothing until it takes a schema's role. A
    /// superuser, or one that bypasses row security, is refused.
    Application,
    /// The operator's command line: the migrator, or a superuser.
    Operator,
}

/// One installation of the platform in a PostgreSQL cluster; the names of its roles start with
/// `hrms_<id>_`, for roles belong to the cluster and another installation may live there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    id: String,
    platform_role: String,
}

impl Installation {
    /// The installation's id: eight hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The role that a transaction in this schema takes.
    pub fn schema_role(&self, schema: &SchemaName) -> String {
        format!("hrms_{}_{schema}", self.id)
    }

    /// The role that a transaction in the platform's schema takes.
    pub fn platform_role(&self) -> &str {
        &self.platform_role
    }

    /// Finds the installation that the database belongs to and checks the login.
    pub(crate) async fn discover(
        connection: &mut PgConnection,
        login: Login,
    ) -> Result<Self, StoreError> {
        let role = sqlx::query(
            "SELECT current_user::text AS name, \
                    rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb AS mighty, rolinherit \
             FROM pg_catalog.pg_roles WHERE rolname = current_user",
        )
        .fetch_one(&mut *connection)
        .await?;
        let (name, mighty, inherits): (String, bool, bool) =
            (role.try_get(0)?, role.try_get(1)?, role.try_get(2)?);
        if login == Login::Application && (mighty || inherits) {
            return Err(StoreError::UnsafeLogin(name));
        }
        // Who owns the schema `platform` is the installation's owner: its name holds the id.
        let owner = sqlx::query_scalar::<_, String>(
            "SELECT pg_catalog.pg_get_userbyid(nspowner)::text FROM pg_catalog.pg_namespace \
             WHERE nspname = 'platform'",
        )
        .fetch_optional(&mut *connection)
        .await?;
        let id = owner
            .as_deref()
            .and_then(|owner| owner.strip_prefix("hrms_")?.strip_suffix("_owner"))
            .filter(|id| id.len() == 8 && id.bytes().all(|b| b.is_ascii_hexdigit()))
            .ok_or(StoreError::NotInstalled)?
            .to_owned();
        let platform_role = match login {
            Login::Application => format!("hrms_{id}_platform"),
            Login::Operator => format!("hrms_{id}_owner"),
        };
        let may = sqlx::query_scalar::<_, bool>(
            "SELECT coalesce((SELECT pg_catalog.pg_has_role(oid, 'MEMBER') \
             FROM pg_catalog.pg_roles WHERE rolname = $1), false)",
        )
        .bind(&platform_role)
        .fetch_one(connection)
        .await?;
        if may {
            Ok(Self { id, platform_role })
        } else {
            Err(StoreError::ForeignLogin(name))
        }
    }
}
