//! `tenant`: all of it, or nothing.

use serde_json::json;

use crate::scratch::{Scratch, create};

#[tokio::test]
async fn a_tenant_is_created_shown_and_listed() {
    let scratch = Scratch::ready().await;
    let mut in_berlin = create("alpha", "Alpha");
    in_berlin.extend(["--time-zone", "Europe/Berlin", "--locale", "de-AT"]);
    let created = scratch.run(&in_berlin);
    assert_eq!(created.code, 0, "{}", created.json);
    assert_eq!(
        scratch.secret("alpha-administrator-password").trim().len(),
        29
    );
    let shown = scratch.run(&["tenant", "show", "alpha"]).json;
    assert_eq!(
        [
            &shown["schema"],
            &shown["status"],
            &shown["time_zone"],
            &shown["locale"]
        ],
        ["t_alpha", "active", "Europe/Berlin", "de-AT"]
    );
    let listed = scratch.run(&["tenant", "list"]).json;
    assert_eq!(
        [&listed[0]["slug"], &listed[1]["slug"]],
        ["alpha", "public"]
    );
    assert_eq!(
        scratch
            .ask("SELECT role FROM t_alpha.role_assignments")
            .await,
        "administrator"
    );

    let again = scratch.run(&create("alpha", "Alpha"));
    assert_eq!((again.code, again.error()), (4, "slug_taken"));
    let missing = scratch.run(&["tenant", "show", "beta"]);
    assert_eq!((missing.code, missing.error()), (4, "tenant_not_found"));
}

#[tokio::test]
async fn of_fifty_who_want_one_slug_one_gets_it() {
    let scratch = Scratch::ready().await;
    let done = scratch.run_at_once(50, &create("alpha", "Alpha"));
    let created = done.iter().filter(|it| it.code == 0).count();
    let taken = done.iter().filter(|it| it.error() == "slug_taken").count();
    assert_eq!((created, taken), (1, 49));
    assert_eq!(scratch.ask("SELECT count(*) FROM t_alpha.users").await, "1");
}

#[tokio::test]
async fn a_pool_takes_as_many_as_it_may_and_then_the_next_begins() {
    let scratch = Scratch::ready().await;
    let running: Vec<_> = (1..=7)
        .map(|number| {
            let slug = format!("small-{number}");
            scratch
                .command(&["tenant", "create", "--slug", &slug, "--name", "Small"])
                .args(["--placement", "pooled", "--admin-email", "a@small.example"])
                .env("HRMS_TENANCY__POOL_CAPACITY", "3")
                .spawn()
                .unwrap()
        })
        .collect();
    for child in running {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    let pools = "SELECT json_agg(json_build_array(schema_name, tenant_count, ( \
                     SELECT count(*) FROM platform.tenants \
                     WHERE tenants.schema_name = pools.schema_name)) ORDER BY schema_name) \
                 FROM platform.pools";
    let pools: serde_json::Value = serde_json::from_str(&scratch.ask(pools).await).unwrap();
    assert_eq!(
        pools,
        json!([
            ["pool_0001", 3, 3],
            ["pool_0002", 3, 3],
            ["pool_0003", 1, 1]
        ])
    );
    assert_eq!(scratch.run(&["diagnose"]).code, 0);
}

#[tokio::test]
async fn a_tenant_that_was_cut_off_is_completed_by_the_same_words_only() {
    let scratch = Scratch::ready().await;
    for (slug, schema, placement) in [
        ("alpha", "t_alpha", "dedicated"),
        ("beta", "pool_0001", "pooled"),
    ] {
        let claim = format!(
            "INSERT INTO platform.tenants \
             (id, slug, name, name_key, schema_name, placement, status, created_at, updated_at) VALUES \
             (gen_random_uuid(), '{slug}', 'Left', 'left', '{schema}', '{placement}', 'creating', now(), now())"
        );
        scratch.change(&claim).await;
        let create = |name, placement| {
            let mut create = create(slug, name);
            create.extend(["--placement", placement]);
            scratch.run(&create)
        };
        assert_eq!(create("Another", placement).error(), "slug_taken");
        let other = if placement == "pooled" {
            "dedicated"
        } else {
            "pooled"
        };
        assert_eq!(create("Left", other).error(), "slug_taken");
        let completed = create("Left", placement);
        assert_eq!(completed.json["status"], "active", "{}", completed.json);
        assert_eq!(completed.json["schema"], schema);
    }
    let counted = scratch.ask("SELECT tenant_count FROM platform.pools").await;
    assert_eq!(counted, "1");
}

#[tokio::test]
async fn a_tenant_that_cannot_be_created_leaves_nothing() {
    let scratch = Scratch::ready().await;
    // Makes the schema, and then fails at the administrator.
    std::fs::create_dir(scratch.credentials().join("alpha-administrator-password")).unwrap();
    let failed = scratch.run(&create("alpha", "Alpha"));
    assert_eq!(failed.code, 1, "{}", failed.json);
    assert_eq!(
        scratch.ask("SELECT count(*) FROM platform.tenants").await,
        "1"
    );
    assert_eq!(
        scratch
            .ask("SELECT to_regnamespace('t_alpha') IS NULL")
            .await,
        "true"
    );
    let mut pooled = create("alpha", "Alpha");
    pooled.extend(["--placement", "pooled"]);
    assert_eq!(scratch.run(&pooled).code, 1);
    assert_eq!(
        scratch.ask("SELECT count(*) FROM platform.tenants").await,
        "1"
    );
    assert_eq!(
        scratch.ask("SELECT tenant_count FROM platform.pools").await,
        "0"
    );

    std::fs::remove_dir(scratch.credentials().join("alpha-administrator-password")).unwrap();
    assert_eq!(scratch.run(&create("alpha", "Alpha")).code, 0);
}

#[tokio::test]
async fn a_password_that_is_too_short_is_refused_before_anything_is_made() {
    let scratch = Scratch::ready().await;
    let file = scratch.credentials().join("chosen");
    std::fs::write(&file, "short\n").unwrap();
    let mut create = create("alpha", "Alpha");
    create.extend(["--password-file", file.to_str().unwrap()]);
    assert_eq!(scratch.run(&create).code, 2);
    assert_eq!(
        scratch.ask("SELECT count(*) FROM platform.tenants").await,
        "1"
    );
    std::fs::write(&file, "correct horse battery staple\n").unwrap();
    let created = scratch.run(&create);
    assert_eq!(created.code, 0, "{}", created.json);
    assert_eq!(created.json.get("administrator_password_file"), None);
}
