//! Who may know whom: the tiers of the house, read from the manifests and the imports.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read the workspace has failed"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// What each member may depend on besides `kernel`. Arrows run from the programs inwards, and never
/// between two crates of one domain tier.
fn allowed() -> BTreeMap<&'static str, &'static [&'static str]> {
    const CORE: &[&str] = &["web", "messaging", "mail", "database", "telemetry"];
    const DOMAIN: &[&str] = &[
        "activity",
        "audit",
        "tenancy",
        "access",
        "web",
        "messaging",
        "mail",
        "database",
        "telemetry",
    ];
    BTreeMap::from([
        ("kernel", &[] as &[&str]),
        ("telemetry", &[]),
        ("database", &["telemetry"]),
        ("web", &["database", "telemetry"]),
        ("messaging", &["database", "telemetry"]),
        ("activity", CORE),
        ("audit", CORE),
        ("mail", &[]),
        ("tenancy", CORE),
        ("access", CORE),
        ("auth", DOMAIN),
        ("employees", DOMAIN),
        ("migration", &[]),
        (
            "app",
            &[
                "activity",
                "audit",
                "auth",
                "employees",
                "tenancy",
                "access",
                "web",
                "messaging",
                "mail",
                "database",
                "telemetry",
                "migration",
            ],
        ),
        (
            "testkit",
            &[
                "access",
                "app",
                "audit",
                "auth",
                "database",
                "migration",
                "telemetry",
            ],
        ),
        // What is sent to it is shown to people at work on the platform, and to nobody else.
        ("smtp_sink", &["telemetry"]),
        ("hrms-api", &["app"]),
        ("hrms-bootstrap", &["app"]),
        ("hrms-worker", &["app"]),
    ])
}

#[test]
fn every_crate_knows_only_those_further_in() {
    let metadata = cargo_metadata::MetadataCommand::new()
        .no_deps()
        .exec()
        .unwrap();
    let members: BTreeSet<String> = metadata
        .packages
        .iter()
        .map(|package| package.name.to_string())
        .collect();
    let allowed = allowed();
    let mut wrong = Vec::new();
    for package in &metadata.packages {
        let Some(may) = allowed.get(package.name.as_str()) else {
            wrong.push(format!(
                "{} has no place in the house yet: give it one here",
                package.name
            ));
            continue;
        };
        for dependency in &package.dependencies {
            let inner = members.contains(&dependency.name);
            let for_tests = dependency.kind == cargo_metadata::DependencyKind::Development;
            let fine = dependency.name == "kernel" || may.contains(&dependency.name.as_str());
            let migration = package.name.as_str() == "migration";
            if inner && !for_tests && (!fine || migration) {
                wrong.push(format!(
                    "{} must not depend on {}",
                    package.name, dependency.name
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The first folder (or file) below `src`, which says what a file is for.
fn part(file: &Path, source: &Path) -> String {
    let below = file.strip_prefix(source).unwrap();
    let first = below
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_string_lossy()
        .into_owned();
    first.trim_end_matches(".rs").to_owned()
}

#[test]
fn storage_stays_in_postgres_and_http_in_http() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut wrong = Vec::new();
    for domain in [
        "activity",
        "audit",
        "tenancy",
        "access",
        "auth",
        "employees",
    ] {
        let source = root.join("crates").join(domain).join("src");
        for file in sources(&source) {
            let text = fs::read_to_string(&file).unwrap();
            let part = part(&file, &source);
            // Prose may speak of them.
            let code: Vec<&str> = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .collect();
            let mentions = |word: &str| code.iter().any(|line| line.contains(word));
            let storage = mentions("sea_orm") || mentions("sqlx::");
            if storage && part != "postgres" {
                wrong.push(format!("{}: storage outside postgres/", file.display()));
            }
            let http = mentions("actix_web") || mentions("utoipa");
            if http && part != "http" {
                wrong.push(format!("{}: HTTP outside http/", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_database_and_migration_see_a_connection() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut wrong = Vec::new();
    for file in sources(&root.join("crates"))
        .into_iter()
        .chain(sources(&root.join("bin")))
    {
        let path = file
            .strip_prefix(&root)
            .unwrap()
            .to_string_lossy()
            .into_owned();
        let free = [
            "crates/database/",
            "crates/testkit/",
            "crates/app/src/operate/",
        ];
        let is_test = path.contains("/tests/") || path.contains("/examples/");
        if is_test || free.iter().any(|prefix| path.starts_with(prefix)) {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        for word in [
            "PgConnection",
            "PgPool",
            "ConnectionTrait",
            "DatabaseConnection",
        ] {
            let code = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"));
            if code.into_iter().any(|line| line.contains(word)) {
                wrong.push(format!("{path} mentions {word}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn routes_permissions_and_roles_name_the_same_things() {
    let document = app::openapi_document();
    let asked: BTreeSet<String> = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|operations| operations.as_object().unwrap().values())
        .filter_map(|operation| operation.get("x-permission")?.as_str().map(str::to_owned))
        .collect();
    let declared: BTreeSet<String> = [
        activity::permission::ALL,
        audit::permission::ALL,
        employees::permission::ALL,
        tenancy::permission::ALL,
    ]
    .into_iter()
    .flatten()
    .map(|permission| permission.name.to_owned())
    .collect();
    let granted: BTreeSet<String> = access::GRANTS
        .iter()
        .map(|grant| grant.permission.to_owned())
        .collect();
    assert_eq!(
        declared, granted,
        "a permission without a role, or a role without a permission"
    );
    // Not a route's own: it opens fields of an employee.
    let fields = BTreeSet::from(["employees:read_compensation".to_owned()]);
    let routes: BTreeSet<String> = declared.difference(&fields).cloned().collect();
    assert_eq!(
        asked, routes,
        "a permission without a route, or a route without a permission"
    );
}
