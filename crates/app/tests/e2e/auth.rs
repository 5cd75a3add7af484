//! Signing in, staying signed in, and what a token is good for.

use app::settings::CoreCount;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Api, Session, USER_PASSWORD, email};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::scene::{
    NOTHING, assert_dressed, assert_problem, created, hired, ids, indistinguishable, sql, text,
    whole,
};

async fn refresh(api: &Api, tenant: &str, token: &str) -> Answer {
    let request = api
        .request(Method::POST, "/api/v1/auth/refresh")
        .header("x-tenant-slug", tenant)
        .json(&json!({"refresh_token": token}));
    api.send(request).await
}

async fn me(api: &Api, session: &Session) -> Answer {
    api.get(session, "/api/v1/auth/me").await
}

/// Makes a fixture user the employee that he is.
async fn link(api: &Api, schema: &str, address: &str, employee: &str) {
    let batch =
        format!("UPDATE {schema}.users SET employee_id = '{employee}' WHERE email = '{address}'");
    sql(api, batch).await;
}

#[tokio::test]
async fn a_login_answers_with_tokens_and_says_whose_they_are() {
    let api = Api::start().await;
    // Whatever the case of its letters.
    let answer = api
        .log_in("initech", "HR_Manager@Initech.example", USER_PASSWORD)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_dressed(&answer, "login");
    let body = &answer.body;
    assert_eq!(
        (&body["token_type"], &body["expires_in"]),
        (&json!("Bearer"), &json!(600))
    );
    assert_eq!(body["user"]["email"], email("hr_manager", "initech"));
    assert_eq!(body["user"]["roles"], json!(["hr_manager"]));
    assert_eq!(body["tenant"]["slug"], "initech");
    let session = Session {
        tenant: "initech".to_owned(),
        login: body.clone(),
    };
    let answer = me(&api, &session).await;
    assert_eq!(
        answer.body,
        json!({"user": body["user"], "tenant": body["tenant"]})
    );
}

#[tokio::test]
async fn a_failed_login_does_not_tell_why() {
    let api = Api::start().await;
    let deactivate = "UPDATE t_acme.users SET status = 'deactivated' \
                      WHERE email = 'employee@acme.example'";
    sql(&api, deactivate.to_owned()).await;
    let log_in = async |address: &str, password: &str| {
        let request = api
            .request(Method::POST, "/api/v1/auth/login")
            .header("x-tenant-slug", "acme")
            .header("x-request-id", "one")
            .json(&json!({"email": address, "password": password}));
        api.send(request).await
    };
    let wrong = log_in("administrator@acme.example", "a wrong password").await;
    assert_problem(&wrong, 401, "invalid_credentials");
    for (address, password) in [
        ("administrator@acme.example", ""),
        ("nobody@acme.example", USER_PASSWORD),
        ("employee@acme.example", USER_PASSWORD),
        ("employee@acme.example", "a wrong password"),
        ("administrator@globex.example", USER_PASSWORD),
        ("no address", USER_PASSWORD),
        ("", ""),
        ("' OR ''='", USER_PASSWORD),
        ("administrator@acme.example\u{0}", USER_PASSWORD),
    ] {
        let answer = log_in(address, password).await;
        assert_eq!(
            indistinguishable(&answer, ""),
            indistinguishable(&wrong, ""),
            "{address}"
        );
    }
    // What was sent is not sent back.
    assert!(!wrong.text.contains("administrator@") && !wrong.text.contains("a wrong password"));
}

/// Logs in with a body of one's own.
async fn log_in_with(api: &Api, body: &Value) -> Answer {
    let request = api
        .request(Method::POST, "/api/v1/auth/login")
        .header("x-tenant-slug", "acme")
        .header("x-request-id", "one")
        .json(body);
    api.send(request).await
}

#[tokio::test]
async fn a_password_longer_than_any_is_wrong_and_a_body_longer_than_that_is_too_large() {
    let api = Api::start().await;
    let address = email("administrator", "acme");
    let log_in = async |password: &str| {
        log_in_with(&api, &json!({"email": address, "password": password})).await
    };
    let wrong = log_in("a wrong password").await;
    assert_problem(&wrong, 401, "invalid_credentials");
    // NFKC writes this one ligature with eighteen letters.
    let ligatures = |count: usize| "\u{fdfa}".repeat(count);
    for password in [ligatures(682), ligatures(683), ligatures(2_500)] {
        let answer = log_in(&password).await;
        assert_eq!(
            indistinguishable(&answer, ""),
            indistinguishable(&wrong, "")
        );
    }
    for count in [2_800, 340_000] {
        assert_problem(&log_in(&ligatures(count)).await, 413, "too_large");
    }
    let token = "a".repeat(8 * 1024);
    assert_problem(&refresh(&api, "acme", &token).await, 413, "too_large");
    let token = "a".repeat(8 * 1000);
    assert_problem(&refresh(&api, "acme", &token).await, 401, "unauthenticated");
}

#[tokio::test]
async fn a_body_that_is_not_announced_breaks_off_where_it_is_too_large() {
    let api = Api::start().await;
    let mut stream = TcpStream::connect(api.base().trim_start_matches("http://"))
        .await
        .unwrap();
    let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
    // No end of it comes.
    let request = format!(
        "POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\nX-Tenant-Slug: acme\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}{chunk}{chunk}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = [0; 13];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 413 ");
}

#[tokio::test]
async fn a_one_time_password_may_be_sent_and_is_ignored() {
    let api = Api::start().await;
    let body = |otp: Value| {
        let address = email("administrator", "acme");
        json!({"email": address, "password": USER_PASSWORD, "otp": otp})
    };
    for otp in [json!(null), json!("492039"), json!("")] {
        let answer = log_in_with(&api, &body(otp)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let answer = log_in_with(&api, &body(json!(492_039))).await;
    assert_problem(&answer, 422, "validation_failed");
    assert_eq!(answer.body["errors"][0]["pointer"], "/otp");
    let schema = api.request(Method::GET, "/api/openapi.json");
    let schema = api.send(schema).await.body["components"]["schemas"]["Credentials"].clone();
    assert_eq!(
        schema["properties"]["otp"]["type"],
        json!(["string", "null"])
    );
    assert_eq!(schema["required"], json!(["email", "password"]));
}

#[tokio::test]
async fn a_flood_of_logins_to_one_tenant_refuses_no_login_to_another() {
    let api = Api::start_with(|settings| {
        let argon2 = &mut settings.auth.argon2;
        argon2.memory_kib = 65_536;
        argon2.concurrency = CoreCount::Exactly(1);
        argon2.queue_limit = 4;
        argon2.queue_timeout = std::time::Duration::from_secs(20);
    })
    .await;
    // Who is unknown is compared with a hash of these settings, and not of the fixtures' cheap ones.
    let unknown = email("nobody", "acme");
    let flood = join_all((0..40).map(|_| api.log_in("acme", &unknown, "a wrong password")));
    let others = async {
        let mut statuses = Vec::new();
        for tenant in ["globex", "initech", "umbrella"].repeat(2) {
            let address = email("employee", tenant);
            statuses.push(api.log_in(tenant, &address, USER_PASSWORD).await.status);
        }
        statuses
    };
    let (flood, others) = tokio::join!(flood, others);
    assert_eq!(others, [200; 6]);
    let refused: Vec<_> = flood.iter().filter(|it| it.status != 401).collect();
    assert!(!refused.is_empty(), "it was no flood");
    for answer in refused {
        assert_problem(answer, 503, "unavailable");
    }
}

#[tokio::test]
async fn a_refresh_token_works_once_and_ends_its_session_when_it_comes_again() {
    let api = Api::start().await;
    let first = api.sign_in("acme", "administrator").await;
    let bystander = api.sign_in("acme", "administrator").await;

    let answer = refresh(&api, "acme", first.refresh_token()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let second = Session {
        tenant: "acme".to_owned(),
        login: answer.body,
    };
    assert_ne!(second.refresh_token(), first.refresh_token());
    assert_ne!(second.token(), first.token());
    assert_eq!(second.login["user"], first.login["user"]);
    assert_eq!(me(&api, &second).await.status, 200);

    let again = refresh(&api, "acme", first.refresh_token()).await;
    assert_problem(&again, 401, "unauthenticated");
    let successor = refresh(&api, "acme", second.refresh_token()).await;
    assert_eq!(successor.comparable(), again.comparable());
    for stolen in [&first, &second] {
        assert_problem(&me(&api, stolen).await, 401, "unauthenticated");
    }
    // Another session of the same person is another session.
    assert_eq!(me(&api, &bystander).await.status, 200);
    assert_eq!(
        refresh(&api, "acme", bystander.refresh_token())
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn of_many_refreshes_with_one_token_at_most_one_succeeds() {
    let api = Api::start().await;
    let session = api.sign_in("umbrella", "administrator").await;
    let one = || refresh(&api, "umbrella", session.refresh_token());
    let answers = join_all(std::iter::repeat_with(one).take(8)).await;
    let won: Vec<_> = answers
        .into_iter()
        .filter(|answer| {
            assert!([200, 401].contains(&answer.status), "{}", answer.text);
            answer.status == 200
        })
        .collect();
    assert_eq!(won.len(), 1);
    // Somebody sent it twice, so nobody can tell whose it is.
    let next = text(&won.first().unwrap().body, "refresh_token").to_owned();
    assert_problem(
        &refresh(&api, "umbrella", &next).await,
        401,
        "unauthenticated",
    );
}

#[tokio::test]
async fn logging_out_ends_both_tokens_at_once() {
    let api = Api::start().await;
    let session = api.sign_in("globex", "hr_manager").await;
    let other = api.sign_in("globex", "hr_manager").await;
    assert_eq!(me(&api, &session).await.status, 200);
    let log_out = || api.signed(&session, Method::POST, "/api/v1/auth/logout");
    let answer = api.send(log_out()).await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    assert_dressed(&answer, "logout");
    assert_problem(&me(&api, &session).await, 401, "unauthenticated");
    assert_problem(&api.send(log_out()).await, 401, "unauthenticated");
    let answer = refresh(&api, "globex", session.refresh_token()).await;
    assert_problem(&answer, 401, "unauthenticated");
    assert_eq!(me(&api, &other).await.status, 200);
}

#[tokio::test]
async fn whoever_is_deactivated_or_loses_his_role_loses_access_with_his_token_in_hand() {
    let moment = std::time::Duration::from_millis(10);
    let api = Api::start_with(|settings| settings.auth.principal_cache.ttl = moment).await;
    let manager = api.sign_in("acme", "hr_manager").await;
    let administrator = api.sign_in("acme", "administrator").await;
    for session in [&manager, &administrator] {
        assert_eq!(api.get(session, "/api/v1/employees").await.status, 200);
    }
    sql(
        &api,
        "UPDATE t_acme.users SET status = 'deactivated' WHERE email = 'hr_manager@acme.example'; \
         DELETE FROM t_acme.role_assignments WHERE role = 'administrator'"
            .to_owned(),
    )
    .await;
    tokio::time::sleep(moment * 5).await;
    let answer = api.get(&manager, "/api/v1/employees").await;
    assert_problem(&answer, 401, "unauthenticated");
    let answer = refresh(&api, "acme", manager.refresh_token()).await;
    assert_problem(&answer, 401, "unauthenticated");
    let answer = api.get(&administrator, "/api/v1/employees").await;
    assert_problem(&answer, 403, "permission_denied");
}

/// The parts of a token.
fn parts(token: &str) -> (Value, Value, String) {
    let mut parts = token.split('.');
    let mut json = || {
        let bytes = URL_SAFE_NO_PAD.decode(parts.next().unwrap()).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    };
    let (header, claims) = (json(), json());
    (header, claims, parts.next().unwrap().to_owned())
}

fn joined(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}

fn with(value: &Value, key: &str, new: Value) -> Value {
    let mut value = value.clone();
    value[key] = new;
    value
}

/// Tokens that look much like a good one.
fn forged(good: &Session, key: &Value) -> Vec<(&'static str, String)> {
    let (header, claims, signature) = parts(good.token());
    let signed = |header: &Value, claims: &Value| joined(header, claims, &signature);
    let with_header = |name: &str, value: Value| signed(&with(&header, name, value), &claims);
    let with_claim = |name: &str, value: Value| signed(&header, &with(&claims, name, value));
    let hs256 = |secret: &[u8]| {
        let mut forged = Header::new(Algorithm::HS256);
        forged.kid = header["kid"].as_str().map(str::to_owned);
        forged.typ = header["typ"].as_str().map(str::to_owned);
        jsonwebtoken::encode(&forged, &claims, &EncodingKey::from_secret(secret)).unwrap()
    };
    let public = text(key, "x");
    let unsigned = joined(&with(&header, "alg", json!("none")), &claims, "");
    let (shortened, _) = good.token().split_at(good.token().len() - 1);
    vec![
        ("no algorithm", unsigned),
        ("no algorithm, signed", with_header("alg", json!("none"))),
        (
            "the public key as a secret",
            hs256(&URL_SAFE_NO_PAD.decode(public).unwrap()),
        ),
        (
            "the public key's text as a secret",
            hs256(public.as_bytes()),
        ),
        ("an empty secret", hs256(b"")),
        ("another key", with_header("kid", json!("other"))),
        (
            "a path as a key",
            with_header("kid", json!("../../dev/null")),
        ),
        ("a key of its own", with_header("jwk", key.clone())),
        ("another type", with_header("typ", json!("JWT"))),
        ("another user", with_claim("sub", json!(NOTHING))),
        ("another tenant", with_claim("tenant_slug", json!("globex"))),
        ("a longer life", with_claim("exp", json!(4_102_444_800_i64))),
        ("no signature", joined(&header, &claims, "")),
        ("half a signature", shortened.to_owned()),
        ("a refresh token", good.refresh_token().to_owned()),
        ("nonsense", "nonsense".to_owned()),
        ("dots", "..".to_owned()),
        ("much", "a".repeat(7_000)),
    ]
}

/// Asks who is signed in, with a header as it is.
async fn authorised(api: &Api, authorization: &str) -> Answer {
    let request = api
        .request(Method::GET, "/api/v1/auth/me")
        .header("x-tenant-slug", "acme")
        .header("x-request-id", "one")
        .header("authorization", authorization);
    api.send(request).await
}

#[tokio::test]
async fn a_forged_token_gets_one_answer_whatever_is_wrong_with_it() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "employee").await;
    let jwks = api.request(Method::GET, "/.well-known/jwks.json");
    let jwks = api.send(jwks).await;
    let key = &jwks.body["keys"][0];
    let (header, _, _) = parts(session.token());
    assert_eq!(
        *key,
        json!({
            "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
            "kid": header["kid"], "x": key["x"],
        })
    );
    let expected = authorised(&api, "Bearer x.y.z").await;
    assert_problem(&expected, 401, "unauthenticated");
    for (what, token) in forged(&session, key) {
        let answer = authorised(&api, &format!("Bearer {token}")).await;
        let told = indistinguishable(&answer, "");
        assert_eq!(told, indistinguishable(&expected, ""), "{what}");
    }
    let good = authorised(&api, &format!("Bearer {}", session.token())).await;
    assert_eq!(good.status, 200, "{}", good.text);
}

#[tokio::test]
async fn a_token_comes_in_its_header_once_and_nowhere_else() {
    let api = Api::start().await;
    let session = api.sign_in("acme", "employee").await;
    let token = session.token();
    for authorization in [
        format!("Basic {token}"),
        token.to_owned(),
        "Bearer ".to_owned(),
        format!("Bearer {token} {token}"),
        format!("Bearer {}", "a".repeat(9_000)),
    ] {
        let answer = authorised(&api, &authorization).await;
        assert_problem(&answer, 401, "unauthenticated");
    }
    let twice = api
        .signed(&session, Method::GET, "/api/v1/auth/me")
        .header("authorization", format!("Bearer {token}"));
    assert_problem(&api.send(twice).await, 401, "unauthenticated");
    // Not from where logs, histories and foreign pages have it.
    let elsewhere = api
        .request(
            Method::GET,
            &format!("/api/v1/auth/me?access_token={token}"),
        )
        .header("x-tenant-slug", "acme")
        .header("cookie", format!("access_token={token}"));
    assert_problem(&api.send(elsewhere).await, 401, "unauthenticated");
    assert_eq!(me(&api, &session).await.status, 200);
}

#[tokio::test]
async fn an_employee_sees_himself_and_nobody_else() {
    let api = Api::start().await;
    let administrator = api.sign_in("acme", "administrator").await;
    let pay = json!({"amount": "4000", "currency": "EUR", "pay_period": "monthly"});
    let boss = hired(&api, &administrator, "Maria", "Boss").await;
    let own = created(
        &api,
        &administrator,
        "/api/v1/employees",
        json!({
            "first_name": "Otto", "last_name": "Worker", "hire_date": "2024-01-01",
            "manager_id": boss["id"], "compensation": pay,
        }),
    )
    .await;
    let report = created(
        &api,
        &administrator,
        "/api/v1/employees",
        json!({
            "first_name": "Olga", "last_name": "Intern", "hire_date": "2024-01-01",
            "manager_id": own["id"],
        }),
    )
    .await;
    let nobody = api.sign_in("acme", "employee").await;
    for path in [
        "/api/v1/employees",
        "/api/v1/employees?count=exact",
        "/api/v1/employees?q=otto",
    ] {
        assert_eq!(
            whole(&api, &nobody, path).await,
            Vec::<Value>::new(),
            "{path}"
        );
    }
    let hidden = |id: &str| format!("/api/v1/employees/{id}");
    let own_id = text(&own, "id");
    assert_problem(&api.get(&nobody, &hidden(own_id)).await, 404, "not_found");

    link(&api, "t_acme", "employee@acme.example", own_id).await;
    let otto = api.sign_in("acme", "employee").await;
    assert_eq!(otto.login["user"]["employee_id"], own["id"]);
    for path in [
        "/api/v1/employees",
        "/api/v1/employees?sort=-hire_date&limit=1",
        "/api/v1/employees?status=active",
        "/api/v1/employees?q=worker",
    ] {
        assert_eq!(ids(&whole(&api, &otto, path).await), [own_id], "{path}");
    }
    for path in ["/api/v1/employees?q=boss", "/api/v1/employees?q=olga"] {
        assert_eq!(
            whole(&api, &otto, path).await,
            Vec::<Value>::new(),
            "{path}"
        );
    }
    let count = api.get(&otto, "/api/v1/employees?count=exact").await;
    assert_eq!(count.body["page"]["total"], 1);
    assert_eq!(api.get(&otto, &hidden(own_id)).await.body, own);
    assert_eq!(own["compensation"]["amount"], "4000.00");
    let employments = format!("{}/employments", hidden(own_id));
    assert_eq!(whole(&api, &otto, &employments).await.len(), 1);
    let reports = format!("{}/reports?depth=20", hidden(own_id));
    assert_eq!(whole(&api, &otto, &reports).await, Vec::<Value>::new());
    assert_eq!(whole(&api, &administrator, &reports).await.len(), 1);

    for other in [text(&boss, "id"), text(&report, "id")] {
        for path in [
            hidden(other),
            format!("{}/employments", hidden(other)),
            format!("{}/reports", hidden(other)),
        ] {
            let ask = |path: &str| {
                api.signed(&otto, Method::GET, path)
                    .header("x-request-id", "one")
            };
            let answer = api.send(ask(&path)).await;
            assert_problem(&answer, 404, "not_found");
            let nothing = api.send(ask(&path.replace(other, NOTHING))).await;
            assert_eq!(
                indistinguishable(&answer, other),
                indistinguishable(&nothing, NOTHING)
            );
        }
    }
    for path in [
        "/api/v1/departments",
        "/api/v1/job-titles",
        "/api/v1/locations",
    ] {
        assert_problem(&api.get(&otto, path).await, 403, "permission_denied");
    }
    let hire = json!({"first_name": "X", "last_name": "Y", "hire_date": "2024-01-01"});
    let answer = api.post(&otto, "/api/v1/employees", hire).await;
    assert_problem(&answer, 403, "permission_denied");
}

#[tokio::test]
async fn pay_is_shown_one_person_at_a_time_to_whoever_may_see_it() {
    let api = Api::start().await;
    let manager = api.sign_in("umbrella", "hr_manager").await;
    let paid = created(
        &api,
        &manager,
        "/api/v1/employees",
        json!({
            "first_name": "Maria", "last_name": "Boss", "hire_date": "2024-01-01",
            "compensation": {
                "amount": "90000", "currency": "JPY", "pay_period": "yearly",
                "commission_percent": "12.5",
            },
        }),
    )
    .await;
    assert_eq!(
        paid["compensation"],
        json!({
            "amount": "90000", "currency": "JPY", "pay_period": "yearly",
            "commission_percent": "12.50", "valid_from": "2024-01-01",
        })
    );
    let unpaid = hired(&api, &manager, "Otto", "Worker").await;
    for (hired, pay) in [(&paid, &paid["compensation"]), (&unpaid, &Value::Null)] {
        let path = format!("/api/v1/employees/{}", text(hired, "id"));
        let shown = api.get(&manager, &path).await.body;
        assert_eq!(shown.get("compensation"), Some(pay));
    }
    for listed in whole(&api, &manager, "/api/v1/employees").await {
        assert_eq!(listed.get("compensation"), None);
    }
}
