//! The whole API in the test's own process, on a database of the test's own.

use std::net::TcpListener;

use access::Role;
use app::{
    Components,
    settings::{CoreCount, LoadFrom, Settings},
};
use auth::{Argon2Settings, NewUser, Password, Users};
use database::{Database, DatabaseSettings, Login};
use kernel::Ambient;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::{FIXTURES, Server, TestDatabase, template::Failure};

/// The password of every user of the fixtures.
pub const USER_PASSWORD: &str = "a password of the tests";

/// A database that the application can log in to.
pub trait AppLogin {
    /// Its URL for the application's login.
    fn app_url(&self) -> String;
}

impl AppLogin for TestDatabase {
    fn app_url(&self) -> String {
        Self::app_url(self)
    }
}

/// A running API.
#[derive(Debug)]
pub struct Api<D = TestDatabase> {
    database: D,
    base: String,
    client: reqwest::Client,
    server: app::ServerHandle,
}

/// What the API answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, `null` when it is no JSON.
    pub body: Value,
    /// The body as text.
    pub text: String,
}

impl Answer {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The problem's stable code.
    pub fn error(&self) -> Option<&str> {
        self.body.get("error").and_then(Value::as_str)
    }

    /// The answer without what differs from one request to the next.
    pub fn comparable(&self) -> (u16, Value) {
        let mut body = self.body.clone();
        if let Some(body) = body.as_object_mut() {
            body.remove("request_id");
            body.remove("instance");
        }
        (self.status, body)
    }
}

/// Somebody who signed in to one tenant.
#[derive(Clone, Debug)]
pub struct Session {
    /// The tenant's slug.
    pub tenant: String,
    /// What login answered.
    pub login: Value,
}

impl Session {
    /// The access token.
    pub fn token(&self) -> &str {
        self.login
            .get("access_token")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// The refresh token.
    pub fn refresh_token(&self) -> &str {
        self.login
            .get("refresh_token")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

impl Api {
    /// Starts the API on a clone of a template in which every fixture tenant has the users
    /// `administrator@…`, `hr_manager@…` and `employee@…` of its domain `<slug>.example`.
    ///
    /// # Panics
    /// When it does not start: the test cannot run.
    pub async fn start() -> Self {
        Self::start_with(|_settings| {}).await
    }

    /// Starts the API with other settings.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub async fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        let database = TestDatabase::create_from("api", populate).await;
        Self::over(database, change).await
    }
}

#[expect(clippy::expect_used, reason = "the test cannot run without its API")]
impl<D: AppLogin> Api<D> {
    /// Starts the API over a database that is there already: another process, as it were.
    ///
    /// # Panics
    /// As [`Api::start`].
    pub async fn over(database: D, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = api_settings(&database.app_url());
        change(&mut settings);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("the socket has an address");
        let connecting = Box::pin(Components::connect(&settings, Ambient::system()));
        let components = connecting.await.expect("the API connects to its database");
        let server = app::serve(
            &settings.http,
            &settings.imports,
            components,
            listener,
            false,
        )
        .expect("the API starts to serve");
        let handle = server.handle();
        telemetry::spawn(server);
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("an HTTP client");
        Self {
            database,
            base: format!("http://{address}"),
            client,
            server: handle,
        }
    }

    /// The database behind it.
    pub fn database(&self) -> &D {
        &self.database
    }

    /// Its address: `http://127.0.0.1:…`.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Stops it, and hands back the database.
    pub async fn stop(self) -> D {
        self.server.stop(true).await;
        self.database
    }

    /// Begins a request; nothing is added to it.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    /// Asks, as somebody.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn get(&self, session: &Session, path: &str) -> Answer {
        self.send(self.signed(session, Method::GET, path)).await
    }

    /// Sends a JSON body, as somebody.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn post(&self, session: &Session, path: &str, body: Value) -> Answer {
        self.send(self.signed(session, Method::POST, path).json(&body))
            .await
    }

    /// Begins a request of somebody.
    pub fn signed(&self, session: &Session, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path)
            .header("x-tenant-slug", &session.tenant)
            .bearer_auth(session.token())
    }

    /// Sends a request and reads the answer.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.expect("the API answers");
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("?").to_owned()))
            .collect();
        let text = response.text().await.expect("the answer arrives whole");
        let body = serde_json::from_str(&text).unwrap_or_default();
        Answer {
            status,
            headers,
            body,
            text,
        }
    }

    /// Signs a fixture user in: `administrator`, `hr_manager` or `employee` of a tenant.
    ///
    /// # Panics
    /// When he is refused.
    pub async fn sign_in(&self, tenant: &str, role: &str) -> Session {
        let answer = self
            .log_in(tenant, &email(role, tenant), USER_PASSWORD)
            .await;
        assert_eq!(
            answer.status, 200,
            "{role} of {tenant} signs in: {}",
            answer.text
        );
        Session {
            tenant: tenant.to_owned(),
            login: answer.body,
        }
    }

    /// Tries to log in.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn log_in(&self, tenant: &str, email: &str, password: &str) -> Answer {
        let request = self
            .request(Method::POST, "/api/v1/auth/login")
            .header("x-tenant-slug", tenant)
            .json(&json!({ "email": email, "password": password }));
        self.send(request).await
    }
}

/// The address of a fixture user.
pub fn email(role: &str, tenant: &str) -> String {
    format!("{role}@{tenant}.example")
}

/// Settings of an API of a test: small, and with hashes that cost next to nothing.
///
/// # Panics
/// When the URL is none.
#[expect(clippy::expect_used, reason = "the test cannot run without settings")]
pub fn api_settings(url: &str) -> Settings {
    let from = LoadFrom::environment([
        ("HRMS_DATABASE__URL", url),
        ("HRMS_AUDIT__KEY", crate::AUDIT_KEY),
    ]);
    let mut settings = Settings::load(&from).expect("the settings are valid");
    settings.database.pool_size = 4;
    settings.http.workers = CoreCount::Exactly(1);
    // On, so that every test meets them, and high, so that none is stopped by them unawares.
    for limit in [
        &mut settings.limits.address_rate,
        &mut settings.limits.address_burst,
        &mut settings.limits.user_rate,
        &mut settings.limits.user_burst,
        &mut settings.limits.tenant_rate,
        &mut settings.limits.tenant_burst,
    ] {
        *limit = 100_000;
    }
    settings.auth.argon2.memory_kib = 64;
    settings.auth.argon2.iterations = 1;
    settings
}

/// Puts keys and users into the template.
async fn populate(server: &Server, name: &str) -> Result<(), Failure> {
    let url = server.superuser_url(name);
    let operator = DatabaseSettings {
        pool_size: 2,
        ..DatabaseSettings::new(url.into())
    };
    let (database, authority) = Database::connect(operator, Login::Operator).await?;
    let database = database.recorded_by(std::sync::Arc::new(crate::audit_log()));
    let (platform, ambient) = (authority.platform(), Ambient::system());
    auth::ensure_signing_key(&database, &platform, &ambient).await?;
    auth::ensure_secret(&database, &platform, &ambient, auth::CURSOR_KEY).await?;
    let cheap = Argon2Settings {
        memory_kib: 64,
        iterations: 1,
        ..Argon2Settings::default()
    };
    let users = Users::start(&cheap, database.clone(), ambient)?;
    let password = Password::choose(USER_PASSWORD)?;
    for fixture in FIXTURES {
        let tenant = authority.tenant(fixture.record());
        for role in [Role::Administrator, Role::HrManager, Role::Employee] {
            let user = NewUser {
                email: email(role.as_str(), fixture.slug).parse()?,
                display_name: role.as_str().parse()?,
                roles: vec![role],
                employee_id: None,
            };
            users.create(&tenant, &user, &password).await?;
        }
    }
    database.close().await;
    Ok(())
}
