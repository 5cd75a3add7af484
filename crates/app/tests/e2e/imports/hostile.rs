//! Files that are meant badly, and clients that are.

use app::settings::Settings;
use serde_json::json;
use testkit::Api;
use tokio::{io::AsyncWriteExt as _, task::JoinSet};

use super::{DEPARTMENT, HEADER, answered, begun, import, import_how, people};

#[tokio::test]
async fn files_that_never_arrive_fill_no_memory_and_keep_no_other_company_out() {
    let api = Api::start().await;
    let acme = api.sign_in("acme", "hr_manager").await;
    let globex = api.sign_in("globex", "hr_manager").await;
    let mut attack = JoinSet::new();
    for _ in 0..50 {
        attack.spawn(answered(begun(&api, &acme, 30_000_000).await));
    }
    // One has its turn and four wait for it; whatever the others send, nobody reads it.
    for _ in 0..45 {
        let answer = attack.join_next().await.unwrap().unwrap();
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(answer.contains("retry-after: "), "{answer}");
        assert!(answer.contains("Other imports are running."), "{answer}");
    }
    let imported = import(&api, &globex, "departments", DEPARTMENT).await;
    assert_eq!(imported.status, 200, "{}", imported.text);

    // Who hangs up has had his turn.
    attack.shutdown().await;
    let imported = import(&api, &acme, "departments", DEPARTMENT).await;
    assert_eq!(imported.status, 200, "{}", imported.text);
}

#[tokio::test]
async fn a_file_that_is_announced_as_too_large_is_refused_before_it_comes() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "hr_manager").await;
    let answer = answered(begun(&api, &session, 99_999_999_999).await).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

fn narrow(settings: &mut Settings) {
    settings.imports.rows = 100;
    settings.imports.row_bytes = 10_000;
    settings.imports.listed_faults = 3;
    settings.imports.body_limit = 20_000_000;
}

#[tokio::test]
async fn hostile_files_are_refused_by_name_and_leave_nothing() {
    let api = Api::start_with(narrow).await;
    let session = api.sign_in("acme", "hr_manager").await;
    let row = "1,Ada,King,2026-01-05,\n";
    let with = |rows: &str| format!("{HEADER}{rows}").into_bytes();
    let numbered: Vec<String> = (0..101)
        .map(|n| format!("{n},Ada,King,2026-01-05,\n"))
        .collect();
    let files: Vec<(&str, Vec<u8>, &str, &str)> = vec![
        ("no bytes", Vec::new(), "/rows/1", "empty"),
        (
            "too many rows",
            with(&numbered.concat()),
            "/rows/102",
            "too_many_rows",
        ),
        (
            "a million columns",
            with(&format!("{row}{}\n", ",".repeat(1_000_000))),
            "/rows/3",
            "too_long",
        ),
        (
            "a field of 10 MB",
            with(&format!(
                "{row}2,{},King,2026-01-05,\n",
                "x".repeat(10_000_000)
            )),
            "/rows/3",
            "too_long",
        ),
        (
            "an open quotation mark",
            with(&format!("{row}2,\"Ada,King,2026-01-05,\n")),
            "/rows/3",
            "quoting",
        ),
        (
            "no UTF-8",
            [with(row), b"2,\xFF,King,2026-01-05,\n".to_vec()].concat(),
            "/rows/3",
            "encoding",
        ),
        (
            "NUL",
            with("1,A\0da,King,2026-01-05,\n"),
            "/rows/2/first_name",
            "invalid",
        ),
        (
            "UTF-16",
            "\u{feff}first_name\n"
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect(),
            "/rows/1",
            "encoding",
        ),
        (
            "a header of a million columns",
            ",".repeat(1_000_000).into_bytes(),
            "/rows/1",
            "too_long",
        ),
    ];
    for (what, bytes, pointer, code) in files {
        let answer = import_how(&api, &session, "", None, bytes).await;
        assert_eq!(
            (answer.status, answer.error()),
            (422, Some("validation_failed")),
            "{what}: {}",
            answer.text
        );
        let errors = answer.body["errors"].as_array().unwrap();
        let first = (&errors[0]["pointer"], &errors[0]["code"]);
        assert_eq!(first, (&json!(pointer), &json!(code)), "{what}");
    }
    let header_alone = import_how(&api, &session, "", None, HEADER).await;
    assert_eq!(
        (header_alone.status, &header_alone.body["created"]),
        (200, &json!(0))
    );
    let bad = with(&"1,,King,2026-01-05,\n".repeat(5));
    let told = import_how(&api, &session, "", None, bad).await;
    let errors = told.body["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 4);
    assert_eq!(errors[3]["message"], "6 more things are wrong");
    assert!(people(&api, &session).await.is_empty());
}

#[tokio::test]
async fn who_hangs_up_half_way_leaves_nothing_and_frees_his_turn() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "hr_manager").await;
    for _ in 0..3 {
        let mut stream = begun(&api, &session, 1_000).await;
        stream.write_all(DEPARTMENT.as_bytes()).await.unwrap();
        drop(stream);
        let imported = import(&api, &session, "departments", "code,name\n").await;
        assert_eq!(imported.status, 200, "{}", imported.text);
    }
    let imported = import(&api, &session, "departments", DEPARTMENT).await;
    assert_eq!(imported.status, 200, "{}", imported.text);
}

/// His file takes a minute to come; meanwhile his company is put out of service.
#[tokio::test]
async fn an_import_that_was_let_in_before_its_tenant_was_suspended_is_refused_at_its_end() {
    let api = Api::start().await;
    let acme = api.sign_in("acme", "administrator").await;
    let platform = api.sign_in("public", "administrator").await;
    let mut stream = begun(&api, &acme, DEPARTMENT.len() as u64).await;
    stream.write_all(&DEPARTMENT.as_bytes()[..5]).await.unwrap();
    let path = format!("/api/v1/platform/tenants/{}/suspend", testkit::ACME.id);
    let suspended = api.post(&platform, &path, json!({})).await;
    assert_eq!(suspended.status, 200, "{}", suspended.text);
    stream.write_all(&DEPARTMENT.as_bytes()[5..]).await.unwrap();
    let answer = answered(stream).await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert!(answer.contains("tenant_suspended"), "{answer}");
    let mut superuser = api.database().superuser().await;
    let count = "SELECT count(*) FROM t_acme.departments";
    let came_in: i64 = sqlx::query_scalar(count)
        .fetch_one(&mut superuser)
        .await
        .unwrap();
    assert_eq!(came_in, 0);
}
