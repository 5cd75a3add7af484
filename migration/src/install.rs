//! The installation: what exists once per database, and the roles, whose names are unique in the
//! cluster.
//!
//! | role | what it is |
//! | --- | --- |
//! | `hrms_<id>_owner` | owns every schema and table; NOLOGIN |
//! | `hrms_<id>_migrator` | member of the owner, BYPASSRLS; makes schema roles by a function only |
//! | `hrms_<id>_app` | the API and the worker; can do nothing until it takes one of the next two |
//! | `hrms_<id>_platform` | what a transaction in schema `platform` takes; NOLOGIN, reads the registry |
//! | `hrms_<id>_<schema>` | what a transaction in a tenant schema takes; NOLOGIN, rights there only |
//! | `hrms_<id>_backup`, `…_restore` | BYPASSRLS; read only, and restoring only; NOLOGIN until used |
//! | `hrms_<id>_roles` | CREATEROLE; owns the functions that make schema roles; nobody can take it |

use std::{fmt::Write as _, num::NonZeroU32};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::{
    MigrationError,
    turn::{self, Until},
};

/// The roles and their attributes, in the order in which they are made. A role that is a member of
/// another comes after it.
const ROLES: [(&str, &str); 7] = [
    ("owner", "NOLOGIN"),
    ("roles", "NOLOGIN CREATEROLE"),
    ("platform", "NOLOGIN NOINHERIT"),
    (
        "app",
        "NOLOGIN NOSUPERUSER NOBYPASSRLS NOINHERIT NOCREATEROLE NOCREATEDB",
    ),
    (
        "migrator",
        "NOLOGIN NOSUPERUSER BYPASSRLS INHERIT NOCREATEROLE NOCREATEDB",
    ),
    ("backup", "NOLOGIN BYPASSRLS"),
    ("restore", "NOLOGIN BYPASSRLS"),
];

/// Which role is member of which, both without their prefix.
const MEMBERSHIPS: [(&str, &str); 4] = [
    ("platform", "app"),
    ("platform", "migrator"),
    ("owner", "migrator"),
    ("owner", "restore"),
];

/// One installation of the platform: its id, and the names of its roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    id: String,
}

/// A role that people or processes log in as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// The API and the worker.
    App,
    /// The operator's command line.
    Migrator,
}

impl Installation {
    /// Reads an id: eight lower-case hexadecimal digits.
    fn new(id: &str) -> Result<Self, MigrationError> {
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if id.len() == 8 && id.bytes().all(hex) {
            Ok(Self { id: id.to_owned() })
        } else {
            Err(MigrationError::MalformedId(id.to_owned()))
        }
    }

    /// The id: eight hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name of a login role.
    pub fn login(&self, login: Login) -> String {
        self.role(match login {
            Login::App => "app",
            Login::Migrator => "migrator",
        })
    }

    /// The role that owns every schema and table.
    pub fn owner(&self) -> String {
        self.role("owner")
    }

    /// The role that a transaction in the schema `platform` takes.
    pub fn platform_role(&self) -> String {
        self.role("platform")
    }

    /// The role that reads everything, to back it up.
    pub fn backup_role(&self) -> String {
        self.role("backup")
    }

    /// The role that a transaction in this tenant schema takes.
    pub fn schema_role(&self, schema: &str) -> String {
        self.role(schema)
    }

    fn role(&self, name: &str) -> String {
        format!("hrms_{}_{name}", self.id)
    }

    /// The SQL text with the installation's id filled in. The id is hexadecimal by construction.
    fn fill(&self, sql: &str) -> AssertSqlSafe<String> {
        AssertSqlSafe(sql.replace("{id}", &self.id))
    }
}

/// Installs the platform in the database that `conn`, a superuser's, is connected to: roles,
/// schemas `platform` and `extensions`, the functions for schema roles, and no right for anybody
/// else. `proposed_id` names it, unless it has an id already. Runs again harmlessly, also ten at
/// once.
pub async fn install(
    conn: &mut PgConnection,
    proposed_id: &str,
) -> Result<Installation, MigrationError> {
    let mut tx = conn.begin().await?;
    lock(&mut tx).await?;
    let (installation, existing) = match find(&mut tx).await? {
        Some(installation) => {
            let roles = existing_roles(&mut tx, &installation).await?;
            (installation, roles)
        }
        None => (unused(&mut tx, proposed_id).await?, Vec::new()),
    };
    let mut sql = String::new();
    for (name, attributes) in ROLES {
        let role = installation.role(name);
        if !existing.contains(&role) {
            let _ = writeln!(sql, "CREATE ROLE {role} {attributes};");
        }
    }
    if !existing.contains(&installation.login(Login::App)) {
        // What the application does not qualify and scope finds nothing.
        sql += "ALTER ROLE hrms_{id}_app SET search_path = '';\n";
    }
    let members = memberships(&mut tx, &installation).await?;
    for (role, member) in MEMBERSHIPS {
        let is_member = (installation.role(role), installation.role(member));
        // A clone of this database may be installing at the same time, and have the same roles.
        if !members.contains(&is_member) {
            let _ = writeln!(sql, "GRANT hrms_{{id}}_{role} TO hrms_{{id}}_{member};");
        }
    }
    sql += include_str!("install/database.sql");
    sql += include_str!("install/memberships.sql");
    sql += include_str!("install/grants.sql");
    sqlx::raw_sql(installation.fill(&sql))
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(installation)
}

/// Grants the rights on the database itself anew. A clone made by `CREATE DATABASE … TEMPLATE` has
/// everything of its template but these.
pub async fn grant_database(conn: &mut PgConnection) -> Result<Installation, MigrationError> {
    let mut tx = conn.begin().await?;
    lock(&mut tx).await?;
    let installation = find(&mut tx).await?.ok_or(MigrationError::NotInstalled)?;
    let grants = installation.fill(include_str!("install/grants.sql"));
    sqlx::raw_sql(grants).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(installation)
}

/// The installation of this database, if it has one.
pub async fn find(conn: &mut PgConnection) -> Result<Option<Installation>, MigrationError> {
    let installed: bool =
        sqlx::query_scalar("SELECT to_regclass('platform.installation') IS NOT NULL")
            .fetch_one(&mut *conn)
            .await?;
    if !installed {
        return Ok(None);
    }
    let id: Option<String> = sqlx::query_scalar("SELECT id FROM platform.installation")
        .fetch_optional(conn)
        .await?;
    id.as_deref().map(Installation::new).transpose()
}

/// Lets a role log in with this password. PostgreSQL, and so its log, sees a SCRAM verifier only.
pub async fn set_login_password(
    conn: &mut PgConnection,
    installation: &Installation,
    login: Login,
    password: &str,
) -> Result<(), MigrationError> {
    let printable = password.bytes().all(|b| b.is_ascii_graphic());
    if !printable || !(16..=128).contains(&password.len()) {
        return Err(MigrationError::Password);
    }
    let mut tx = conn.begin().await?;
    lock(&mut tx).await?;
    let salt: Vec<u8> = sqlx::query_scalar("SELECT uuid_send(gen_random_uuid())")
        .fetch_one(&mut *tx)
        .await?;
    let role = installation.login(login);
    let verifier = scram_verifier(password, &salt);
    sqlx::raw_sql(AssertSqlSafe(format!(
        "ALTER ROLE {role} LOGIN PASSWORD '{verifier}'"
    )))
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Drops every role of an installation whose databases are gone.
pub async fn drop_roles(
    conn: &mut PgConnection,
    installation: &Installation,
) -> Result<(), MigrationError> {
    let roles = existing_roles(conn, installation).await?;
    if !roles.is_empty() {
        let drop = format!("DROP ROLE IF EXISTS {}", roles.join(", "));
        sqlx::raw_sql(AssertSqlSafe(drop)).execute(conn).await?;
    }
    Ok(())
}

/// Installations of one database take turns.
async fn lock(conn: &mut PgConnection) -> Result<(), MigrationError> {
    sqlx::raw_sql("SET LOCAL client_min_messages = warning")
        .execute(&mut *conn)
        .await?;
    turn::take(conn, "hrms install", Until::Commit).await
}

/// A new installation, whose id no role of the cluster bears.
async fn unused(conn: &mut PgConnection, id: &str) -> Result<Installation, MigrationError> {
    let installation = Installation::new(id)?;
    if existing_roles(conn, &installation).await?.is_empty() {
        Ok(installation)
    } else {
        Err(MigrationError::IdTaken(id.to_owned()))
    }
}

/// Which role of the installation is taken by which member.
async fn memberships(
    conn: &mut PgConnection,
    installation: &Installation,
) -> Result<Vec<(String, String)>, MigrationError> {
    let members = sqlx::query_as(
        "SELECT taken.rolname::text, member.rolname::text FROM pg_catalog.pg_auth_members m \
         JOIN pg_catalog.pg_roles taken ON taken.oid = m.roleid \
         JOIN pg_catalog.pg_roles member ON member.oid = m.member \
         WHERE starts_with(taken.rolname, $1)",
    )
    .bind(installation.role(""))
    .fetch_all(conn)
    .await?;
    Ok(members)
}

async fn existing_roles(
    conn: &mut PgConnection,
    installation: &Installation,
) -> Result<Vec<String>, MigrationError> {
    let roles = sqlx::query_scalar(
        "SELECT rolname::text FROM pg_catalog.pg_roles WHERE starts_with(rolname, $1)",
    )
    .bind(installation.role(""))
    .fetch_all(conn)
    .await?;
    Ok(roles)
}

/// What PostgreSQL stores of a password: `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`
/// (RFC 5802, section 3; RFC 7677). An ASCII password is its own SASLprep form.
fn scram_verifier(password: &str, salt: &[u8]) -> String {
    use aws_lc_rs::{digest, hmac, pbkdf2};

    const ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).unwrap();
    let mut salted = [0; digest::SHA256_OUTPUT_LEN];
    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA256,
        ITERATIONS,
        salt,
        password.as_bytes(),
        &mut salted,
    );
    let salted = hmac::Key::new(hmac::HMAC_SHA256, &salted);
    let client_key = hmac::sign(&salted, b"Client Key");
    let stored_key = digest::digest(&digest::SHA256, client_key.as_ref());
    let server_key = hmac::sign(&salted, b"Server Key");
    format!(
        "SCRAM-SHA-256${ITERATIONS}:{}${}:{}",
        BASE64_STANDARD.encode(salt),
        BASE64_STANDARD.encode(stored_key),
        BASE64_STANDARD.encode(server_key),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verifier_is_the_one_that_postgresql_makes() {
        let salt = BASE64_STANDARD.decode("m4jWLeFzEwboCye5w8+WoQ==").unwrap();
        assert_eq!(
            scram_verifier("a-password-of-a-test", &salt),
            "SCRAM-SHA-256$4096:m4jWLeFzEwboCye5w8+WoQ==$\
             7TsKqLf80sNoW34lxkxs0QrynFQ+aV8Zb43lA77t4EQ=:\
             CjZTAoBZ0ol9ouQm++rRcJk9/EU0RK5uk273kUzOCOY="
        );
    }

    #[test]
    fn an_id_is_eight_hexadecimal_digits() {
        assert_eq!(
            Installation::new("ab12cd34").unwrap().owner(),
            "hrms_ab12cd34_owner"
        );
        for bad in [
            "",
            "ab12cd3",
            "ab12cd345",
            "AB12CD34",
            "ab12cd3g",
            "ab12cd3'",
        ] {
            assert!(Installation::new(bad).is_err(), "{bad}");
        }
    }
}
