//! Tenants, as those who run the platform read and change them.

mod attacks;
mod changing;
mod creating;
mod domains;
mod reading;
mod suspending;

use app::settings::Settings;
use reqwest::Method;
use serde_json::Value;
use std::time::Duration;
use testkit::{Answer, Api, AppLogin, Fixture, Session};

const TENANTS: &str = "/api/v1/platform/tenants";

/// The path of a tenant, or of something below it.
fn of(tenant: Fixture, below: &str) -> String {
    format!("{TENANTS}/{}{below}", tenant.id)
}

/// Whoever runs the platform.
async fn platform<D: AppLogin>(api: &Api<D>) -> Session {
    api.sign_in("public", "administrator").await
}

/// The tenant as it is.
async fn shown(api: &Api, session: &Session, tenant: Fixture) -> Value {
    let answer = api.get(session, &of(tenant, "")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body
}

/// `If-Match` for the tenant as it is.
async fn version(api: &Api, session: &Session, tenant: Fixture) -> String {
    format!("\"{}\"", shown(api, session, tenant).await["version"])
}

/// What a login page of this host is told.
async fn profile<D: AppLogin>(api: &Api<D>, host: &str) -> Answer {
    let request = api.request(Method::GET, "/api/v1/tenant");
    api.send(request.header("host", host)).await
}

/// The database of another API.
struct Same(String);

impl AppLogin for Same {
    fn app_url(&self) -> String {
        self.0.clone()
    }
}

/// Two processes over one database; what one learns of the other, PostgreSQL told it.
async fn two() -> (Api, Api<Same>) {
    fn only_told(settings: &mut Settings) {
        settings.tenancy.poll_interval = Duration::from_hours(1);
        settings.tenancy.refuse_after = Duration::from_hours(3);
    }
    let one = Api::start_with(only_told).await;
    let other = Api::over(Same(one.database().app_url()), only_told).await;
    (one, other)
}
