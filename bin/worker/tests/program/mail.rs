//! Mails, from a job to a mail server.

use std::time::Duration;

use mail_parser::MessageParser;
use smtp_sink::{Arrived, Sink, Stage};
use sqlx::AssertSqlSafe;
use testkit::{ACME, Fixture, INITECH, TestDatabase};

use crate::{Program, count, run, until};

const JOERG: u128 = 1;
const INGRID: u128 = 2;
const GONE: u128 = 3;

/// Jörg of Acme reads Austrian German, Ingrid of Initech what her company does, and somebody of Acme
/// may not sign in any more.
async fn scene() -> TestDatabase {
    let database = TestDatabase::create().await;
    for (tenant, user, name, status, locale) in [
        (ACME, JOERG, "Jörg Müller", "active", "'de-AT'"),
        (ACME, GONE, "Gone", "deactivated", "NULL"),
        (INITECH, INGRID, "Ingrid", "active", "NULL"),
    ] {
        let (id, user) = (tenant.id, uuid::Uuid::from_u128(user));
        let (slug, schema) = (tenant.slug, tenant.schema);
        let insert = format!(
            "INSERT INTO {schema}.users (tenant_id, id, email, email_key, display_name, status, \
                 locale, created_at, updated_at) \
             VALUES ('{id}', '{user}', '{user}@{slug}.example', '{user}', '{name}', '{status}', \
                 {locale}, now(), now())"
        );
        run(&database, &insert).await;
    }
    let name = "UPDATE platform.tenants SET name = 'Müller & Söhne <b>' WHERE slug = 'acme'";
    run(&database, name).await;
    database
}

/// An import of a user has ended; the job that tells him.
async fn ended(database: &TestDatabase, tenant: Fixture, user: u128, job: u128) {
    let id = tenant.id;
    let (user, job) = (uuid::Uuid::from_u128(user), uuid::Uuid::from_u128(job));
    let order = format!(
        "INSERT INTO platform.jobs (id, tenant_id, kind, payload_version, payload, queue, \
             max_attempts, run_at, created_at) \
         VALUES ('{job}', '{id}', 'employees.tell_import_ended', 1, '{{\"user_id\": \"{user}\", \
             \"ended\": {{\"kind\": \"employees\", \"mode\": \"atomic\", \"dry_run\": false, \
             \"outcome\": \"refused\", \"created\": 0, \"failed\": 1, \"faults\": [{{\"line\": 7, \
             \"column\": \"hire_date\", \"code\": \"invalid\"}}], \"more_faults\": 0, \
             \"ended_at\": \"2026-11-27T16:05:00Z\", \"result_path\": \"/api/v1/imports/x\"}}}}', \
             'default', 30, now(), now())"
    );
    run(database, &order).await;
}

fn worker(database: &TestDatabase, url: &str) -> Program {
    let more = [
        ("HRMS_MAIL__URL", url),
        ("HRMS_MAIL__SENDER", "no-reply@hrms.example"),
        ("HRMS_MAIL__LINKS", "https://{tenant}.hr.example.com"),
        ("HRMS_WORKER__FIRST_WAIT", "10ms"),
    ];
    Program::start(&database.app_url(), &more)
}

async fn told(database: &TestDatabase, sql: &str) -> String {
    let query = AssertSqlSafe(sql.to_owned());
    let mut superuser = database.superuser().await;
    sqlx::query_scalar(query)
        .fetch_one(&mut superuser)
        .await
        .unwrap()
}

/// The next mail, if it comes at all.
async fn arrived(sink: &Sink) -> Arrived {
    let next = tokio::time::timeout(Duration::from_secs(30), sink.next());
    next.await.unwrap()
}

#[tokio::test]
async fn a_user_is_written_to_in_his_language_and_in_the_name_of_his_company() {
    let database = scene().await;
    let sink = Sink::start().await.unwrap();
    sink.answer_next(Stage::Recipient, "451 4.3.0 not now");
    ended(&database, ACME, JOERG, 11).await;
    let worker = worker(&database, &sink.url());
    let mail = arrived(&sink).await;
    ended(&database, INITECH, INGRID, 12).await;
    let other = arrived(&sink).await;
    until(&database, "platform.jobs WHERE state = 'done'", 2).await;
    // The one that was put off came once.
    assert_eq!(sink.take(), None);
    let attempts = "platform.jobs WHERE attempt = 2 AND result = '{\"mail\": \"sent\"}'";
    assert_eq!(count(&database, attempts).await, 1);

    let message = MessageParser::default().parse(&mail.bytes).unwrap();
    let from = message.from().unwrap().first().unwrap();
    assert_eq!(from.name(), Some("Müller & Söhne <b>"));
    assert_eq!(from.address(), Some("no-reply@hrms.example"));
    let to = message.to().unwrap().first().unwrap();
    assert_eq!(to.name(), Some("Jörg Müller"));
    let subject = "Import von Mitarbeitenden: nichts übernommen";
    assert_eq!(message.subject(), Some(subject));
    let id = format!("{}@hrms.example", uuid::Uuid::from_u128(11));
    assert_eq!(message.message_id(), Some(id.as_str()));
    let text = message.body_text(0).unwrap();
    assert!(
        text.contains("Zeile 7, hire_date: ist nicht gültig"),
        "{text}"
    );
    assert!(
        text.contains("https://acme.hr.example.com/api/v1/imports/x"),
        "{text}"
    );
    let html = message.body_html(0).unwrap();
    assert!(
        html.contains("Söhne &#60;b&#62;") && !html.contains("<b>"),
        "{html}"
    );

    let message = MessageParser::default().parse(&other.bytes).unwrap();
    let subject = "Import of employees: nothing came in";
    assert_eq!(message.subject(), Some(subject));
    worker.signal("TERM");
    let (status, log) = worker.end();
    assert!(status.success(), "{status} {log}");
    assert!(
        !log.contains("acme.example") && !log.contains("Jörg"),
        "{log}"
    );
}

#[tokio::test]
async fn a_mail_that_is_refused_ends_where_somebody_looks_and_repeats_no_address_or_password() {
    let database = scene().await;
    let sink = Sink::start().await.unwrap();
    let joerg = format!("{}@acme.example", uuid::Uuid::from_u128(JOERG));
    sink.answer_next(Stage::Recipient, format!("550 5.1.1 <{joerg}>: who?"));
    ended(&database, ACME, JOERG, 11).await;
    let url = format!("smtp://hrms:hunter2@{}", sink.address());
    let worker = worker(&database, &url);
    until(&database, "platform.jobs WHERE state = 'dead'", 1).await;
    sink.answer_next(Stage::SignIn, "535 5.7.8 not with hunter2");
    ended(&database, ACME, JOERG, 12).await;
    until(&database, "platform.jobs WHERE parked_for = 'operator'", 1).await;
    let errors = "SELECT string_agg(last_error, '; ' ORDER BY id) FROM platform.jobs";
    let errors = told(&database, errors).await;
    assert_eq!(
        errors,
        "the mail server refused the mail: 550 5.1.1; \
         the mail server does not let us in: 535 5.7.8"
    );
    assert_eq!(sink.take(), None);
    worker.signal("TERM");
    let (_, log) = worker.end();
    assert!(log.contains("550 5.1.1"), "{log}");
    assert!(!log.contains("hunter2") && !log.contains(&joerg), "{log}");
}

#[tokio::test]
async fn where_nobody_can_be_written_to_the_job_is_done_all_the_same() {
    let database = scene().await;
    let sink = Sink::start().await.unwrap();
    ended(&database, ACME, GONE, 11).await;
    ended(&database, ACME, 99, 12).await;
    let running = worker(&database, &sink.url());
    let nobody = "platform.jobs WHERE state = 'done' AND result = '{\"mail\": \"no_reader\"}'";
    until(&database, nobody, 2).await;
    running.signal("TERM");
    assert!(running.end().0.success());
    ended(&database, ACME, JOERG, 13).await;
    let running = Program::start(&database.app_url(), &[]);
    let disabled = "platform.jobs WHERE state = 'done' AND result = '{\"mail\": \"disabled\"}'";
    until(&database, disabled, 1).await;
    running.signal("TERM");
    let (_, log) = running.end();
    assert!(log.contains("no mail server is configured"), "{log}");
    assert_eq!(sink.take(), None);
}
