//! People and the organisation they work in.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testkit::{Api, Session};
use tokio::task::JoinSet;

use crate::scene::{
    NOTHING, assert_problem, created, hired, ids, mistakes, sql, text, whole, wrong,
};

const EMPLOYEES: &str = "/api/v1/employees";

#[tokio::test]
async fn somebody_is_hired_with_all_that_is_agreed_and_shown_alike_everywhere() {
    let api = Api::start().await;
    for tenant in ["acme", "umbrella"] {
        let session = api.sign_in(tenant, "hr_manager").await;
        let department = json!({"code": "sales", "name": "Sales"});
        let department = created(&api, &session, "/api/v1/departments", department).await;
        let job = created(
            &api,
            &session,
            "/api/v1/job-titles",
            json!({
                "name": "Clerk", "pay_range": {
                    "min": {"amount": "3000", "currency": "EUR"},
                    "max": {"amount": "5000", "currency": "EUR"},
                },
            }),
        )
        .await;
        let location = json!({"name": "Oxford", "country": "gb", "time_zone": "Europe/London"});
        let location = created(&api, &session, "/api/v1/locations", location).await;
        let boss = hired(&api, &session, "Steven", "King").await;
        let answer = api
            .post(
                &session,
                EMPLOYEES,
                json!({
                    "first_name": " Neena ", "last_name": "Yang", "hire_date": "2024-02-29",
                    "work_email": "Neena.Yang@example.com", "phone": "+1 515 555 0101",
                    "employment_type": "part_time", "department_id": department["id"],
                    "job_title_id": job["id"], "location_id": location["id"],
                    "manager_id": boss["id"],
                    "compensation": {
                        "amount": "4100.5", "currency": "EUR", "pay_period": "monthly",
                    },
                }),
            )
            .await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        let yang = answer.body.clone();
        let path = answer.header("location").unwrap();
        assert_eq!(path, format!("{EMPLOYEES}/{}", text(&yang, "id")));
        let number = |one: &Value| text(one, "employee_number").parse::<u32>().unwrap();
        assert_eq!(number(&yang), number(&boss) + 1);
        let mut expected = json!({
            "id": yang["id"], "employee_number": yang["employee_number"],
            "first_name": "Neena", "last_name": "Yang", "hire_date": "2024-02-29",
            "original_hire_date": "2024-02-29", "work_email": yang["work_email"], "phone": "+1 515 555 0101",
            "status": "active", "employment_type": "part_time",
            "department": {"id": department["id"], "name": "Sales"},
            "job_title": {"id": job["id"], "name": "Clerk"},
            "location": {"id": location["id"], "name": "Oxford"},
            "manager": {"id": boss["id"], "name": "Steven King"},
            "compensation": {
                "amount": "4100.50", "currency": "EUR", "pay_period": "monthly",
                "commission_percent": null, "valid_from": "2024-02-29",
            },
            "created_at": yang["created_at"], "updated_at": yang["created_at"], "version": 1,
        });
        assert_eq!(yang, expected);
        let address = text(&yang, "work_email").to_lowercase();
        assert_eq!(address, "neena.yang@example.com");
        assert_eq!(api.get(&session, path).await.body, expected);

        expected.as_object_mut().unwrap().remove("compensation");
        assert_eq!(
            whole(&api, &session, "/api/v1/employees?q=neena").await,
            [expected]
        );
        let employments = whole(&api, &session, &format!("{path}/employments")).await;
        let [employment] = employments.as_slice() else {
            panic!("{employments:?}")
        };
        assert_eq!(
            (
                &employment["valid_from"],
                &employment["valid_to"],
                &employment["manager"]
            ),
            (&json!("2024-02-29"), &Value::Null, &yang["manager"])
        );
        for (list, one) in [
            ("/api/v1/departments", &department),
            ("/api/v1/job-titles", &job),
            ("/api/v1/locations", &location),
        ] {
            assert_eq!(whole(&api, &session, list).await, std::slice::from_ref(one));
            let path = format!("{list}/{}", text(one, "id"));
            assert_eq!(&api.get(&session, &path).await.body, one);
        }
        assert_eq!(department["code"], "SALES");
        assert_eq!(location["country"], "GB");
    }
}

#[tokio::test]
async fn what_is_unique_is_taken_once_and_what_is_referred_to_is_there() {
    let api = Api::start().await;
    let session = api.sign_in("globex", "administrator").await;
    let person = |field: &str, value: &str| {
        let mut person =
            json!({"first_name": "Neena", "last_name": "Yang", "hire_date": "2024-01-01"});
        person[field] = json!(value);
        person
    };
    created(&api, &session, EMPLOYEES, person("employee_number", "E-7")).await;
    created(
        &api,
        &session,
        EMPLOYEES,
        person("work_email", "n.yang@example.com"),
    )
    .await;
    for (field, value) in [
        ("employee_number", "E-7"),
        ("employee_number", "e-7"),
        ("work_email", "n.yang@example.com"),
        ("work_email", "N.Yang@Example.COM"),
    ] {
        let answer = api.post(&session, EMPLOYEES, person(field, value)).await;
        assert_problem(&answer, 409, "conflict");
        let pointer = format!("/{field}");
        assert_eq!(
            mistakes(&answer),
            wrong([(pointer.as_str(), "taken")]),
            "{value}"
        );
    }
    for (path, name) in [
        (
            "/api/v1/departments",
            json!({"code": "X1", "name": "Sales"}),
        ),
        ("/api/v1/job-titles", json!({"code": "X1", "name": "Clerk"})),
        (
            "/api/v1/locations",
            json!({"code": "X1", "name": "Ulm", "country": "DE"}),
        ),
    ] {
        created(&api, &session, path, name.clone()).await;
        let answer = api.post(&session, path, name).await;
        assert_problem(&answer, 409, "conflict");
        assert_eq!(mistakes(&answer), wrong([("/code", "taken")]), "{path}");
    }
    let nowhere = json!({
        "first_name": "Neena", "last_name": "Yang", "hire_date": "2024-01-01",
        "department_id": NOTHING, "job_title_id": NOTHING, "location_id": NOTHING,
        "manager_id": NOTHING,
    });
    let answer = api.post(&session, EMPLOYEES, nowhere).await;
    assert_problem(&answer, 422, "validation_failed");
    assert_eq!(
        mistakes(&answer),
        wrong([
            ("/department_id", "not_found"),
            ("/job_title_id", "not_found"),
            ("/location_id", "not_found"),
            ("/manager_id", "not_found"),
        ])
    );
    let spare = json!({"name": "Spare", "parent_id": NOTHING, "manager_id": NOTHING});
    let answer = api.post(&session, "/api/v1/departments", spare).await;
    assert_eq!(
        mistakes(&answer),
        wrong([("/manager_id", "not_found"), ("/parent_id", "not_found")])
    );
    // A number that was given by hand is passed over when the series reaches it.
    let two = whole(&api, &session, EMPLOYEES).await;
    assert_eq!(two.len(), 2, "nothing else was kept");
    let drawn = hired(&api, &session, "Otto", "Worker").await;
    let next = text(&drawn, "employee_number").parse::<u32>().unwrap() + 1;
    let given = person("employee_number", &next.to_string());
    created(&api, &session, EMPLOYEES, given).await;
    let after = hired(&api, &session, "Olga", "Worker").await;
    assert_eq!(text(&after, "employee_number"), (next + 1).to_string());
}

#[tokio::test]
async fn fifty_who_are_hired_at_once_get_fifty_numbers() {
    let api = std::sync::Arc::new(Api::start().await);
    for tenant in ["acme", "initech"] {
        let session = api.sign_in(tenant, "administrator").await;
        let mut hiring = JoinSet::new();
        for number in 0..50 {
            let (api, session) = (api.clone(), session.clone());
            // Every fifth wants the same address, and one of these may have it.
            let address = (number % 5 == 0).then_some("the.one@example.com");
            hiring.spawn(async move {
                let body = json!({
                    "first_name": "P", "last_name": "Q", "hire_date": "2024-01-01",
                    "work_email": address,
                });
                (address, api.post(&session, EMPLOYEES, body).await)
            });
        }
        let (mut numbers, mut with_address) = (BTreeSet::new(), 0);
        let answers = hiring.join_all().await;
        for (address, answer) in answers {
            if answer.status == 201 {
                with_address += usize::from(address.is_some());
                let number = text(&answer.body, "employee_number");
                assert!(
                    numbers.insert(number.to_owned()),
                    "{number} was given twice"
                );
            } else {
                assert_problem(&answer, 409, "conflict");
                assert_eq!(mistakes(&answer), wrong([("/work_email", "taken")]));
            }
        }
        assert_eq!((numbers.len(), with_address), (41, 1));
        let listed = whole(&api, &session, EMPLOYEES).await;
        let listed: BTreeSet<_> = listed
            .iter()
            .map(|one| text(one, "employee_number").to_owned())
            .collect();
        assert_eq!(listed, numbers);
    }
}

async fn under(api: &Api, session: &Session, name: &str, manager: &str) -> String {
    let body = json!({
        "first_name": name, "last_name": name, "hire_date": "2024-01-01", "manager_id": manager,
    });
    let hired = created(api, session, EMPLOYEES, body).await;
    text(&hired, "id").to_owned()
}

#[tokio::test]
async fn reports_are_counted_in_steps_down_the_tree() {
    let api = Api::start().await;
    let session = api.sign_in("initech", "hr_manager").await;
    let king = hired(&api, &session, "King", "King").await;
    let king = text(&king, "id");
    let beta = under(&api, &session, "Beta", king).await;
    let alpha = under(&api, &session, "Alpha", king).await;
    let gamma = under(&api, &session, "Gamma", &beta).await;
    let delta = under(&api, &session, "Delta", &gamma).await;
    let reports = async |manager: &str, query: &str| {
        let path = format!("{EMPLOYEES}/{manager}/reports{query}");
        let reports = whole(&api, &session, &path).await;
        let steps = reports.iter().map(|one| one["depth"].as_u64().unwrap());
        let steps: Vec<_> = steps.collect();
        let found = ids(&reports).into_iter().map(str::to_owned);
        found.zip(steps).collect::<Vec<_>>()
    };
    let nearest = [(alpha.clone(), 1), (beta.clone(), 1)];
    assert_eq!(reports(king, "").await, nearest);
    assert_eq!(reports(king, "?depth=1").await, nearest);
    let all = [&nearest[..], &[(gamma.clone(), 2), (delta.clone(), 3)]].concat();
    assert_eq!(reports(king, "?depth=20").await, all);
    assert_eq!(reports(king, "?depth=20&limit=1").await, all);
    assert_eq!(reports(king, "?depth=2").await, all[..3]);
    assert_eq!(reports(&gamma, "?depth=20").await, [(delta.clone(), 1)]);
    assert_eq!(reports(&delta, "?depth=20").await, []);
    let path = format!("{EMPLOYEES}/{king}/reports?depth=20&limit=1&count=exact");
    assert_eq!(api.get(&session, &path).await.body["page"]["total"], 4);
    for path in ["reports", "employments"] {
        let answer = api
            .get(&session, &format!("{EMPLOYEES}/{NOTHING}/{path}"))
            .await;
        assert_problem(&answer, 404, "not_found");
    }
}

#[tokio::test]
async fn departments_are_a_tree_and_one_that_was_bent_into_a_ring_is_read_to_an_end() {
    let api = Api::start().await;
    for (tenant, schema) in [("acme", "t_acme"), ("umbrella", "pool_0001")] {
        let session = api.sign_in(tenant, "administrator").await;
        let chief = hired(&api, &session, "Ada", "Chief").await;
        let mut parent = Value::Null;
        let mut chain = Vec::new();
        for name in ["Company", "Division", "Team"] {
            let body = json!({"name": name, "parent_id": parent, "manager_id": chief["id"]});
            let department = created(&api, &session, "/api/v1/departments", body).await;
            assert_eq!(department["parent_id"], parent);
            assert_eq!(department["manager_id"], chief["id"]);
            parent = department["id"].clone();
            chain.push(department);
        }
        assert_eq!(whole(&api, &session, "/api/v1/departments").await, chain);

        // Even a tree that something else has bent into a ring is read to an end.
        let (top, bottom) = (text(&chain[0], "id"), text(&chain[2], "id"));
        let otto = under(&api, &session, "Otto", text(&chief, "id")).await;
        let chief = text(&chief, "id");
        let ring = format!(
            "UPDATE {schema}.departments SET parent_id = '{bottom}' WHERE id = '{top}'; \
             UPDATE {schema}.employments SET manager_id = '{otto}' WHERE employee_id = '{chief}'"
        );
        sql(&api, ring).await;
        let answer = api
            .get(&session, &format!("/api/v1/departments/{top}"))
            .await;
        assert_eq!(answer.body["parent_id"], bottom);
        let path = format!("{EMPLOYEES}/{chief}/reports?depth=20&count=exact");
        let answer = api.get(&session, &path).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.body["page"]["total"], 20, "a step down each");
    }
}

#[tokio::test]
async fn somebody_is_scheduled_active_or_gone_as_of_today() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "hr_manager").await;
    let starting = |day: &str, manager: &Value| {
        json!({
            "first_name": "P", "last_name": "Q", "hire_date": day, "manager_id": manager["id"],
        })
    };
    let nobody = json!({});
    let scheduled = created(&api, &session, EMPLOYEES, starting("2199-12-31", &nobody)).await;
    assert_eq!(scheduled["status"], "scheduled");
    let active = created(&api, &session, EMPLOYEES, starting("1999-12-31", &nobody)).await;
    assert_eq!(active["status"], "active");
    for (body, mistake) in [
        (starting("1899-12-31", &nobody), ("/hire_date", "invalid")),
        (starting("2200-01-01", &nobody), ("/hire_date", "invalid")),
        // Who begins before his manager does has none.
        (
            starting("2024-01-01", &scheduled),
            ("/manager_id", "not_active"),
        ),
    ] {
        let answer = api.post(&session, EMPLOYEES, body).await;
        assert_problem(&answer, 422, "validation_failed");
        assert_eq!(mistakes(&answer), wrong([mistake]));
    }
    for (status, expected) in [
        ("scheduled", vec![text(&scheduled, "id")]),
        ("active", vec![text(&active, "id")]),
        ("terminated", vec![]),
    ] {
        let found = whole(&api, &session, &format!("{EMPLOYEES}?status={status}")).await;
        assert_eq!(ids(&found), expected, "{status}");
    }
}
