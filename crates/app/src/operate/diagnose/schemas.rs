//! Schemas: migrated, walled, registered, unchanged, and each somebody's.

use migration::{MigrationError, Migrator, SchemaStatus, catalogue as walls};
use sqlx::PgConnection;
use tenancy::Registry;

use super::{Check, Finding, find};
use crate::operate::Failure;

/// Whether this is a tenant's schema, or one that is whole.
pub(super) fn is_whole_or_a_tenants(status: &SchemaStatus) -> bool {
    status.schema != "platform" || status.misfits.is_empty()
}

/// Whether every schema has this program's migrations.
pub(super) fn migrations(name: &'static str, status: &[SchemaStatus]) -> Check {
    const REMEDY: &str = "Run `hrms-bootstrap up`; if a migration is unknown or was another one, \
                          run the version of the platform that fits the database.";
    let misfits = status.iter().flat_map(|it| &it.misfits);
    let findings = misfits
        .map(|misfit| Finding {
            object: format!("schema {}", misfit.schema()),
            problem: misfit.to_string(),
            remedy: REMEDY.to_owned(),
        })
        .collect();
    let detail = format!("{} schemas have all of them", status.len());
    Check::of_findings(name, findings, detail)
}

/// Whether no schema lacks a migration that is older than one it has.
pub(super) fn order(status: &[SchemaStatus]) -> Check {
    let findings = status.iter().flat_map(|it| {
        it.left_out().into_iter().map(|name| Finding {
            object: format!("schema {}", it.schema),
            problem: format!("lacks migration `{name}`, though it has later ones"),
            remedy: "Give the migration a later name than those that ran (migration/README.md); \
                     what has run is never put before anything."
                .to_owned(),
        })
    });
    let detail = "every schema was migrated in the same order";
    Check::of_findings("order", findings.collect(), detail)
}

/// Whether the catalogue keeps tenants apart: tables, rights and roles.
pub(super) async fn catalogue(connection: &mut PgConnection) -> Result<Check, Failure> {
    let findings = walls::check(connection).await?;
    let findings = findings.into_iter().map(|it| Finding {
        object: it.object,
        problem: it.problem,
        remedy: it.remedy,
    });
    let detail = "tables, rights and roles keep tenants apart";
    Ok(Check::of_findings("catalogue", findings.collect(), detail))
}

/// What the registry says and is not so. Tenants that are being created or moved are between two
/// states.
const REGISTRY: &str = "\
    WITH homes AS ( \
        SELECT 'tenant ' || slug AS object, schema_name FROM platform.tenants \
        WHERE status NOT IN ('creating', 'moving') \
        UNION ALL SELECT 'pool ' || schema_name, schema_name FROM platform.pools), \
    counted AS ( \
        SELECT p.schema_name, p.tenant_count, count(t.id) AS found FROM platform.pools p \
        LEFT JOIN platform.tenants t USING (schema_name) GROUP BY 1, 2) \
    SELECT object, format('its schema %s does not exist', schema_name) AS problem, \
        'Put the schema back from a backup; if it was meant to go, its registration must too.' \
    FROM homes WHERE to_regnamespace(quote_ident(schema_name)) IS NULL \
    UNION ALL \
    SELECT DISTINCT 'pool ' || schema_name, 'tenants live there, and it is not registered', \
        format('INSERT INTO platform.pools (schema_name) VALUES (%L)', schema_name) \
    FROM platform.tenants WHERE placement = 'pooled' AND status NOT IN ('creating', 'moving') \
        AND schema_name NOT IN (SELECT schema_name FROM platform.pools) \
    UNION ALL \
    SELECT 'pool ' || schema_name, \
        format('it counts %s tenants and has %s', tenant_count, found), \
        format('UPDATE platform.pools SET tenant_count = %s WHERE schema_name = %L', found, \
            schema_name) \
    FROM counted WHERE tenant_count <> found \
    ORDER BY 1, 2";

/// Whether everything that is registered is where the registry says.
pub(super) async fn registry(
    connection: &mut PgConnection,
    registry: &Registry,
) -> Result<Check, Failure> {
    let tenants = registry.all().await?;
    let detail = format!("{} tenants are where it says", tenants.len());
    let mut findings = find(connection, REGISTRY).await?;
    for illegible in tenants.into_iter().filter_map(Result::err) {
        findings.push(Finding {
            object: format!("tenant {}", illegible.slug),
            problem: format!("its row cannot be read: {}", illegible.error),
            remedy: "Correct its row in platform.tenants: until then it alone is not served."
                .to_owned(),
        });
    }
    Ok(Check::of_findings("registry", findings, detail))
}

/// Whether every schema is as a freshly migrated one. One that lacks a migration differs, and is told
/// by another check.
pub(super) async fn drift(migrator: &Migrator, status: &[SchemaStatus]) -> Result<Check, Failure> {
    let whole = status.iter().filter(|it| it.misfits.is_empty());
    let names: Vec<String> = whole.map(|it| it.schema.clone()).collect();
    let drift = match migrator.drift(&names).await {
        Ok(drift) => drift,
        Err(error @ MigrationError::Busy { .. }) => {
            let remedy = "Look again when it has ended.";
            return Ok(Check::failed("drift", error.to_string(), remedy));
        }
        Err(error) => return Err(error.into()),
    };
    let detail = format!("{} schemas are as freshly migrated ones", drift.compared);
    let findings = drift.differences.into_iter().map(|it| Finding {
        object: it.object,
        problem: it.problem,
        remedy: it.remedy,
    });
    Ok(Check::of_findings("drift", findings.collect(), detail))
}

/// What was left behind: schemas where nobody is registered, roles without a schema, records of
/// schemas that are gone. A role that another database uses belongs to a copy of this one.
const ORPHANS: &str = "\
    WITH registered AS ( \
        SELECT schema_name FROM platform.tenants UNION SELECT schema_name FROM platform.pools), \
    role AS ( \
        SELECT oid, rolname, substr(rolname, length(prefix) + 1) AS name \
        FROM pg_catalog.pg_roles, (SELECT 'hrms_' || id || '_' FROM platform.installation) AS ours \
            (prefix) \
        WHERE starts_with(rolname, prefix)) \
    SELECT 'schema ' || nspname AS object, 'nobody is registered there' AS problem, \
        format('Look whose it was. When nobody needs it any more: DROP SCHEMA %I CASCADE', nspname) \
    FROM pg_catalog.pg_namespace \
    WHERE nspname ~ '^(t_[a-z0-9_]{1,40}|pool_[0-9]{4})$' \
        AND nspname NOT IN (SELECT schema_name FROM registered) \
    UNION ALL \
    SELECT 'role ' || rolname, 'its schema does not exist', format('DROP ROLE %I', rolname) \
    FROM role \
    WHERE name ~ '^(t_[a-z0-9_]{1,40}|pool_[0-9]{4})$' AND to_regnamespace(name) IS NULL \
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_shdepend d \
            WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = role.oid AND d.dbid NOT IN (0, \
                (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))) \
    UNION ALL \
    SELECT 'record of schema ' || schema_name, 'the schema does not exist', \
        format('DELETE FROM platform.schema_migrations WHERE schema_name = %L', schema_name) \
    FROM (SELECT DISTINCT schema_name FROM platform.schema_migrations) recorded \
    WHERE to_regnamespace(quote_ident(schema_name)) IS NULL \
        AND schema_name NOT IN (SELECT schema_name FROM registered) \
    ORDER BY 1";

/// Whether every schema, role and record is somebody's.
pub(super) async fn orphans(connection: &mut PgConnection) -> Result<Check, Failure> {
    let findings = find(connection, ORPHANS).await?;
    let detail = "every schema and role is somebody's";
    Ok(Check::of_findings("orphans", findings, detail))
}
