//! Many clients of many tenants at once, who hang up when they please.

use std::{collections::BTreeSet, fmt::Write as _, sync::Arc, time::Duration};

use app::settings::Settings;
use migration::Migrator;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use testkit::{Api, AppLogin, Session, TestDatabase, scaled};
use tokio::task::JoinSet;

use crate::scene::{created, import, sql, text, whole};

const CLIENTS: u64 = 64;
/// What each client asks, and of how many tenants: `./just test-full` asks for a million in all.
const ROUNDS: (&str, usize) = ("HRMS_TEST_CROWD_ROUNDS", 20);
const TENANTS: (&str, usize) = ("HRMS_TEST_CROWD_TENANTS", 20);
const PEOPLE: usize = 30;

/// What names a tenant in a name of something of its own. No cursor holds a colon.
fn mark(slug: &str) -> String {
    format!("of:{slug}")
}

/// A tenant whose people, departments and jobs all bear its mark.
#[derive(Clone, Debug)]
struct Marked {
    slug: String,
    schema: String,
    session: Session,
    people: Vec<String>,
    /// Of its own list of people.
    cursor: String,
}

/// Many tenants: the four of every test, four more with schemas of their own, and the others, who
/// share one.
async fn many(api: &Api) -> Vec<Marked> {
    let mut homes: Vec<_> = [
        ("acme", "t_acme"),
        ("globex", "t_globex"),
        ("initech", "pool_0001"),
        ("umbrella", "pool_0001"),
    ]
    .map(|(slug, schema)| (slug.to_owned(), schema.to_owned()))
    .into();
    let migrator = migrator(api.database()).await;
    let more = scaled(TENANTS.0, TENANTS.1) - homes.len();
    for number in 0..u32::try_from(more).unwrap() {
        let slug = format!("crowd-{number:02}");
        let schema = if number < 4 {
            format!("t_crowd_{number:02}")
        } else {
            "pool_0001".to_owned()
        };
        if number < 4 {
            migrator.migrate_schema(&schema).await.unwrap();
        }
        sql(api, tenant(number, &slug, &schema)).await;
        homes.push((slug, schema));
    }
    migrator.close().await.unwrap();

    let mut all = Vec::new();
    for (slug, schema) in homes {
        let session = api.sign_in(&slug, "administrator").await;
        let mark = mark(&slug);
        let mut people = "employee_number,first_name,last_name,hire_date,department_code,\
                          job_title_code,manager_number,pay_amount,pay_currency,pay_period\n"
            .to_owned();
        for number in 1..=PEOPLE {
            let manager = if number == 1 { "" } else { "1" };
            writeln!(
                people,
                "{number},P{number},{mark},2024-01-01,D,J,{manager},1000.00,EUR,monthly"
            )
            .unwrap();
        }
        for (kind, csv) in [
            ("departments", format!("code,name\nD,{mark}\n")),
            ("job_titles", format!("code,name\nJ,{mark}\n")),
            ("employees", people),
        ] {
            let answer = import(api, &session, kind, csv).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
        }
        let first = api.get(&session, "/api/v1/employees?limit=1").await;
        let cursor = text(&first.body["page"], "next_cursor").to_owned();
        let people = whole(api, &session, "/api/v1/employees?limit=200").await;
        all.push(Marked {
            people: people
                .iter()
                .map(|one| text(one, "id").to_owned())
                .collect(),
            slug,
            schema,
            session,
            cursor,
        });
    }
    all
}

async fn migrator(database: &TestDatabase) -> Migrator {
    let options = database.server().options(database.name());
    Migrator::connect(options, 1).await.unwrap()
}

/// A tenant with an administrator, whose password is that of Acme's.
fn tenant(number: u32, slug: &str, schema: &str) -> String {
    let id = format!("0192cccc-0000-7000-8000-{number:012}");
    let placement = if schema.starts_with("pool_") {
        "pooled"
    } else {
        "dedicated"
    };
    let address = testkit::email("administrator", slug);
    format!(
        "INSERT INTO platform.tenants \
         (id, slug, name, name_key, schema_name, placement, status, created_at, updated_at) VALUES \
         ('{id}', '{slug}', '{slug}', '{slug}', '{schema}', '{placement}', 'active', now(), now()); \
         INSERT INTO {schema}.users (tenant_id, id, email, email_key, display_name, password_hash, \
                                     status, created_at, updated_at) \
         SELECT '{id}', '{id}', '{address}', '{address}', 'Somebody', password_hash, \
                status, now(), now() \
         FROM t_acme.users WHERE email = 'administrator@acme.example'; \
         INSERT INTO {schema}.role_assignments (tenant_id, id, user_id, role) \
         VALUES ('{id}', '{id}', '{id}', 'administrator')"
    )
}

/// Chance that can be repeated: splitmix64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % 1_000_003).unwrap() % end
    }

    fn of<'all, T>(&mut self, all: &'all [T]) -> &'all T {
        let index = self.below(all.len());
        all.get(index).unwrap()
    }
}

/// Another process over the same database.
struct Another(String);

impl AppLogin for Another {
    fn app_url(&self) -> String {
        self.0.clone()
    }
}

#[derive(Debug, Default)]
struct Outcomes {
    answered: usize,
    hired: usize,
    hung_up: usize,
    given_up: usize,
}

/// What a client of a tenant asks, and the status of the answer.
struct Question {
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Option<Value>,
    answer: u16,
}

fn question(chance: &mut Chance, mine: &Marked, other: &Marked) -> Question {
    let list = "/api/v1/employees";
    let get = |path: String, answer| Question {
        method: Method::GET,
        path,
        headers: Vec::new(),
        body: None,
        answer,
    };
    let post = |path: String, body, answer| Question {
        method: Method::POST,
        body: Some(body),
        ..get(path, answer)
    };
    let own = mark(&mine.slug);
    match chance.below(16) {
        0 => get(format!("{list}?limit={}", 1 + chance.below(200)), 200),
        1 => get(format!("{list}?q=p1&sort=-hire_date&count=exact"), 200),
        2 => get(format!("{list}?q={}", mark(&other.slug)), 200),
        3 => get(format!("{list}/{}", chance.of(&mine.people)), 200),
        4 => get(format!("{list}/{}", chance.of(&other.people)), 404),
        5 => get(format!("{list}/{}/reports", chance.of(&mine.people)), 200),
        6 => get("/api/v1/auth/me".to_owned(), 200),
        7 => {
            let expand = "expand=manager,department&limit=5";
            get(format!("{list}?last_name={own}&{expand}"), 200)
        }
        8 => get(
            format!("{list}/{}/employments", chance.of(&other.people)),
            404,
        ),
        9 => get(format!("{list}?limit=1&cursor={}", mine.cursor), 200),
        10 => get(format!("{list}?limit=1&cursor={}", other.cursor), 400),
        11 => get(format!("{list}/{}/timeline", chance.of(&mine.people)), 200),
        12 => Question {
            headers: vec![("accept", "text/csv".to_owned())],
            ..get(format!("{list}?limit=50"), 200)
        },
        13 => {
            let pay = json!({"effective_date": "2025-01-01", "amount": "1.00", "currency": "EUR",
                             "pay_period": "monthly"});
            let path = format!("{list}/{}/change-compensation", chance.of(&other.people));
            post(path, pay, 404)
        }
        14 => {
            // Everybody uses the same few keys, each for the same request: what is answered again
            // is the tenant's own.
            let hire = json!({"first_name": "Once", "last_name": own, "hire_date": "2025-01-01"});
            let key = format!("key-{}", chance.below(20));
            Question {
                headers: vec![("idempotency-key", key)],
                ..post(list.to_owned(), hire, 201)
            }
        }
        _ => {
            let hire = json!({"first_name": "New", "last_name": own, "hire_date": "2025-01-01"});
            post(list.to_owned(), hire, 201)
        }
    }
}

async fn client(number: u64, api: String, tenants: Arc<Vec<Marked>>) -> Outcomes {
    // A connection each: one that nobody asked on is closed by the server, maybe under a question.
    let http = Client::builder().pool_max_idle_per_host(0).build().unwrap();
    let mut chance = Chance(number);
    let mut outcomes = Outcomes::default();
    for _ in 0..scaled(ROUNDS.0, ROUNDS.1) {
        let mine = chance.of(&tenants);
        let other = loop {
            let other = chance.of(&tenants);
            if other.slug != mine.slug {
                break other;
            }
        };
        let asked = question(&mut chance, mine, other);
        let mut request: RequestBuilder = http
            .request(asked.method, format!("{api}{}", asked.path))
            .header("x-tenant-slug", &mine.slug)
            .bearer_auth(mine.session.token());
        for (name, value) in asked.headers {
            request = request.header(name, value);
        }
        if let Some(body) = asked.body {
            request = request.json(&body);
        }
        let asking = async {
            let response = request.send().await.unwrap();
            let replayed = response.headers().contains_key("idempotency-replayed");
            let status = response.status().as_u16();
            (status, replayed, response.text().await.unwrap())
        };
        let patience = if chance.below(4) == 0 {
            Duration::from_micros(u64::try_from(chance.below(10_000)).unwrap())
        } else {
            Duration::from_mins(1)
        };
        let Ok((status, replayed, text)) = tokio::time::timeout(patience, asking).await else {
            outcomes.hung_up += 1;
            continue;
        };
        match status {
            503 => outcomes.given_up += 1,
            // Another one sends the same key at this moment.
            409 if asked.answer == 201 => outcomes.answered += 1,
            _ if status == asked.answer => {
                outcomes.answered += 1;
                outcomes.hired += usize::from(status == 201 && !replayed);
                assert_of(mine, &text);
            }
            _ => panic!("{} {}: {status} {text}", mine.slug, asked.path),
        }
    }
    outcomes
}

/// Demands that every mark in an answer is this tenant's.
fn assert_of(mine: &Marked, answer: &str) {
    for (at, _) in answer.match_indices("of:") {
        let rest = &answer[at + 3..];
        let word = |it: char| it.is_ascii_alphanumeric() || it == '-';
        let end = rest.find(|it| !word(it)).unwrap_or(rest.len());
        assert_eq!(&rest[..end], mine.slug, "{answer}");
    }
}

/// How many of a schema's people bear another name than their tenant's, and how many have no
/// employment.
async fn strays(api: &Api, schema: &str) -> (i64, i64) {
    let query = format!(
        "SELECT count(*) FILTER (WHERE e.last_name <> 'of:' || t.slug), \
                count(*) FILTER (WHERE m.id IS NULL) \
         FROM {schema}.employees e JOIN platform.tenants t ON t.id = e.tenant_id \
         LEFT JOIN {schema}.employments m \
         ON (m.tenant_id, m.employee_id) = (e.tenant_id, e.id)"
    );
    let mut superuser = api.database().superuser().await;
    sqlx::query_as(AssertSqlSafe(query))
        .fetch_one(&mut superuser)
        .await
        .unwrap()
}

#[tokio::test]
async fn nobody_meets_a_stranger_in_a_crowd_that_hangs_up_at_random() {
    // A million requests take longer than a token lasts.
    let patient = |settings: &mut Settings| {
        settings.auth.access_token_ttl = Duration::from_hours(4);
    };
    let api = Api::start_with(patient).await;
    let tenants = Arc::new(many(&api).await);
    // A second process that is quick to give up: requests end in the middle there as well.
    let same = Another(api.database().app_url());
    let hasty = Api::over(same, |settings| {
        patient(settings);
        settings.http.request_timeout = Duration::from_millis(30);
    })
    .await;

    let mut crowd = JoinSet::new();
    for number in 0..CLIENTS {
        let api = if number % 4 == 0 {
            hasty.base()
        } else {
            api.base()
        };
        crowd.spawn(client(number, api.to_owned(), Arc::clone(&tenants)));
    }
    let mut all = Outcomes::default();
    for one in crowd.join_all().await {
        all.answered += one.answered;
        all.hired += one.hired;
        all.hung_up += one.hung_up;
        all.given_up += one.given_up;
    }
    println!("{all:?}");
    let asked = usize::try_from(CLIENTS).unwrap() * scaled(ROUNDS.0, ROUNDS.1);
    assert_eq!(all.answered + all.hung_up + all.given_up, asked, "{all:?}");
    // One in four is in a hurry, one process in four requests gives up after 30 ms.
    assert!(
        all.answered > asked / 3 && all.hung_up > asked / 50 && all.hired > asked / 50,
        "{all:?}"
    );

    // Afterwards everything is as it should be, and every connection as good as new.
    let mut kept = 0;
    for mine in tenants.iter() {
        let everybody = whole(&api, &mine.session, "/api/v1/employees?limit=200").await;
        kept += everybody.len() - PEOPLE;
        assert_of(mine, &Value::Array(everybody).to_string());
        let last =
            json!({"first_name": "Last", "last_name": mark(&mine.slug), "hire_date": "2025-01-01"});
        created(&api, &mine.session, "/api/v1/employees", last).await;
    }
    let schemas: BTreeSet<_> = tenants.iter().map(|mine| &mine.schema).collect();
    for schema in schemas {
        assert_eq!(strays(&api, schema).await, (0, 0), "{schema}");
    }
    assert!(kept >= all.hired, "{kept} of {all:?}");

    hasty.stop().await;
    let database = api.stop().await;
    let migrator = migrator(&database).await;
    for mine in tenants
        .iter()
        .filter(|mine| mine.schema.starts_with("t_crowd"))
    {
        // Roles belong to the cluster and would outlive the database.
        migrator.drop_schema(&mine.schema).await.unwrap();
    }
    migrator.close().await.unwrap();
}
