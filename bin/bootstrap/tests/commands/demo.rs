//! `demo` and `import`: people.

use std::{fs, path::Path};

use crate::scratch::{Scratch, create};

fn samples() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/samples")
}

#[tokio::test]
async fn the_sample_companies_are_made_once() {
    let scratch = Scratch::ready().await;
    for done in scratch.run_at_once(3, &["demo"]) {
        assert_eq!(done.code, 0, "{}", done.json);
    }
    let people = "SELECT count(*) FROM t_acme.employees";
    assert_eq!(scratch.ask(people).await, "60");
    let linked = "SELECT count(*) FROM t_acme.users WHERE employee_id IS NOT NULL";
    assert_eq!(scratch.ask(linked).await, "2");
    let password = scratch.secret("acme-hr-manager-password");
    let (url, before) = (scratch.secret("database-url"), "globex-employee-password");
    fs::remove_file(scratch.credentials().join(before)).unwrap();
    assert_eq!(scratch.run(&["demo"]).code, 0);
    assert_eq!(scratch.secret("acme-hr-manager-password"), password);
    assert_eq!(scratch.secret("database-url"), url);
    assert_eq!(scratch.secret(before).trim().len(), 29);
}

#[tokio::test]
async fn somebody_elses_tenant_gets_no_sample_people() {
    let scratch = Scratch::ready().await;
    let create = scratch.run(&create("acme", "The real Acme"));
    assert_eq!(create.code, 0);
    let demo = scratch.run(&["demo"]);
    assert_eq!((demo.code, demo.error()), (4, "slug_taken"));
    assert_eq!(
        scratch.ask("SELECT count(*) FROM t_acme.employees").await,
        "0"
    );
    assert_eq!(scratch.ask("SELECT count(*) FROM t_acme.users").await, "1");
}

#[tokio::test]
async fn an_import_brings_everything_in_or_names_every_bad_row() {
    let scratch = Scratch::ready().await;
    let create = scratch.run(&create("pumps", "Pumps"));
    assert_eq!(create.code, 0);
    let (folder, files) = (samples().join("acme"), tempfile::tempdir().unwrap());
    let bad = files.path().join("people.csv");
    fs::write(
        &bad,
        "first_name,last_name,hire_date\nA,B,2026-02-30\nC,,2026-03-01\n",
    )
    .unwrap();
    let bad = bad.to_str().unwrap();

    let unnamed = scratch.run(&["import", "--tenant", "pumps", bad]);
    assert_eq!((unnamed.code, unnamed.error()), (2, "argument"));
    let refused = scratch.run(&["import", "--tenant", "pumps", "--kind", "employees", bad]);
    assert_eq!((refused.code, refused.error()), (4, "validation_failed"));
    let details = refused.json["error"]["details"].as_array().unwrap();
    assert_eq!(details.len(), 2, "{details:?}");
    assert!(
        details[0]
            .as_str()
            .unwrap()
            .starts_with("people.csv, line 2, hire_date: ")
    );

    let part = files.path().join("employees.csv");
    fs::write(
        &part,
        "Given,last_name,hire_date\nA,B,2026-02-30\nC,D,2026-03-01\n",
    )
    .unwrap();
    let part = part.to_str().unwrap();
    let unmapped = scratch.run(&["import", "--tenant", "pumps", part]);
    assert_eq!(unmapped.code, 4);
    let map = ["--map", "given:first_name", "--mode", "independent"];
    let dry = [
        &["import", "--tenant", "pumps", "--dry-run"],
        &map[..],
        &[part],
    ]
    .concat();
    let would = scratch.run(&dry);
    assert_eq!(
        (would.code, &would.json["failed"]),
        (5, &serde_json::json!(1))
    );
    assert_eq!(would.json["created"], 1, "{}", would.json);
    let error = would.json["errors"][0].as_str().unwrap();
    assert!(
        error.starts_with("employees.csv, line 2, hire_date: "),
        "{error}"
    );
    let count = "SELECT count(*) FROM t_pumps.employees";
    assert_eq!(scratch.ask(count).await, "0");

    let imported = scratch.run(&["import", "--tenant", "pumps", folder.to_str().unwrap()]);
    assert_eq!(imported.json["employees"], 60, "{}", imported.json);
    assert_eq!(
        scratch.ask("SELECT count(*) FROM t_pumps.employees").await,
        "60"
    );
}
