//! Changes: one transaction a request, done once.

use std::time::Duration;

use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest, HttpResponse,
    dev::Payload,
    http::{Method, header::HeaderValue},
};
use aws_lc_rs::digest;
use database::{Database, Earlier, RequestKey, TenantContext, TenantTx};
use futures_util::future::{Ready, ready};
use kernel::{Actor, ErrorKind, TypedId};
use telemetry::Origin;
use uuid::Uuid;

use crate::{
    Answer, Cursors, Pipeline, Problem, Signed,
    context::{RequestState, component},
    response::Rendered,
};

/// How often a transaction is done again when it collided with another one.
const TRIES: usize = 3;

/// What somebody changes, in one transaction of his tenant. The handler says what, and everything
/// else is here: the transaction is opened and committed, done again when it collided with another
/// one, and with an `Idempotency-Key` its answer is kept in it, so that the same request is done
/// once, however often it comes.
///
/// ```ignore
/// change.run(async |tx| {
///     let department = employees.lock_department(&permit, tx, id).await?;     // 404
///     if_match.check(department.stamp.version)?;                              // 428, 412
///     let current = NewDepartment::of(&department);
///     let new = draft.merged(&current, NewDepartment::parse)?;                // 415, 400, 422
///     let changed = employees.change_department(tx, department, new).await?;  // 409, 422
///     Ok(DepartmentBody::from(changed).whole())
/// })
/// .await
/// ```
#[derive(Debug)]
pub struct Change {
    /// The tenant.
    pub tenant: TenantContext,
    /// Who acts.
    pub actor: Actor,
    key: Option<String>,
    request: HttpRequest,
}

impl Change {
    /// Who wants it, in which request and trace: for what comes of it later.
    pub fn origin(&self) -> Origin {
        let noted = self.request.extensions();
        let state = noted.get::<RequestState>();
        state.map(|it| it.origin.clone()).unwrap_or_default()
    }

    /// Does the work and answers. The work may be done again from the start: it changes nothing but
    /// through its transaction.
    ///
    /// # Errors
    /// Those of the work; 409 `idempotency_in_progress`, 422 `idempotency_key_reused`; 503 when
    /// the database cannot be used, or others stood in the way each time.
    pub async fn run<A: Answer>(
        &self,
        work: impl AsyncFn(&TenantTx) -> Result<A, Problem>,
    ) -> Result<HttpResponse, Problem> {
        let mut tries = 1;
        loop {
            match self.attempt(&work).await {
                Err(problem) if problem.is_transient() && tries < TRIES => {
                    tries += 1;
                    tokio::time::sleep(self.pause()?).await;
                }
                done => return done,
            }
        }
    }

    /// 10 to 50 ms, drawn at random: two that stood in each other's way do not meet again at once.
    fn pause(&self) -> Result<Duration, Problem> {
        let [drawn] = component::<Pipeline>(&self.request)?.ambient.bytes();
        Ok(Duration::from_millis(10 + u64::from(drawn) % 41))
    }

    async fn attempt<A: Answer>(
        &self,
        work: &impl AsyncFn(&TenantTx) -> Result<A, Problem>,
    ) -> Result<HttpResponse, Problem> {
        let database = component::<Database>(&self.request)?;
        let pipeline = component::<Pipeline>(&self.request)?;
        let tx = database.begin_tenant(&self.tenant).await?;
        let tx = tx.initiated_by(self.origin());
        let Some(key) = &self.key else {
            let (tx, rendered) = done(tx, work, pipeline).await?;
            tx.commit().await?;
            return Ok(rendered.into());
        };
        let ambient = &pipeline.ambient;
        let request = self.request_key(key)?;
        match tx.earlier(&request, ambient.now()).await? {
            Earlier::Never => {}
            Earlier::Answered(answer) => {
                tx.rollback().await?;
                let mut response = HttpResponse::from(Rendered::from(answer));
                let replayed = HeaderValue::from_static("true");
                let name = actix_web::http::header::HeaderName::from_static("idempotency-replayed");
                response.headers_mut().insert(name, replayed);
                return Ok(response);
            }
            Earlier::Running => return Err(running()),
            Earlier::Another => {
                return Err(Problem::new(
                    ErrorKind::IdempotencyKeyReused,
                    "This Idempotency-Key was sent with another request within the last 24 hours. \
                     A new request needs a new key.",
                ));
            }
        }
        let (tx, rendered) = done(tx, work, pipeline).await?;
        let id: RowId = ambient.id();
        if !tx
            .keep(id.0, &request, rendered.kept(), ambient.now())
            .await?
        {
            return Err(running());
        }
        tx.commit().await?;
        Ok(rendered.into())
    }

    fn request_key(&self, key: &str) -> Result<RequestKey, Problem> {
        let body = self.request.extensions().get::<RequestHash>().copied();
        let body = body.map(|RequestHash(hash)| hash).unwrap_or_default();
        let query = self.request.query_string().as_bytes();
        let digests = component::<Cursors>(&self.request)?;
        Ok(RequestKey {
            actor: self.actor.user_id,
            route: format!("{} {}", self.request.method(), self.request.path()),
            key: key.to_owned(),
            request_hash: digests.digest(&[query, b"\n", &body]),
        })
    }
}

/// Does the work, for a tenant that is still served when it is done: an import takes minutes. When it
/// fails, the transaction is over before anybody hears of it: done again, it would find its own locks
/// taken.
async fn done<A: Answer>(
    tx: TenantTx,
    work: &impl AsyncFn(&TenantTx) -> Result<A, Problem>,
    pipeline: &Pipeline,
) -> Result<(TenantTx, Rendered), Problem> {
    let worked = async {
        let rendered = work(&tx).await?.render()?;
        pipeline.still_serves(tx.tenant()).await?;
        Ok(rendered)
    };
    match worked.await {
        Ok(rendered) => Ok((tx, rendered)),
        Err(problem) => {
            // What cannot be rolled back is closed, and PostgreSQL rolls back.
            let _ = tx.rollback().await;
            Err(problem)
        }
    }
}

fn running() -> Problem {
    Problem::new(
        ErrorKind::IdempotencyInProgress,
        "The same request is being done right now. Send it again in a moment to hear its answer.",
    )
    .retry_after(1)
}

fn sha256(digest: digest::Digest) -> [u8; 32] {
    digest.as_ref().try_into().unwrap_or_default()
}

impl FromRequest for Change {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let signed = Signed::from_request(request, payload).into_inner();
        ready(signed.and_then(|Signed { tenant, actor }| {
            Ok(Self {
                tenant,
                actor,
                key: key(request)?,
                request: request.clone(),
            })
        }))
    }
}

/// The client's name for a request: 1 to 255 visible ASCII characters, with a POST.
fn key(request: &HttpRequest) -> Result<Option<String>, Problem> {
    const NAME: &str = "Idempotency-Key";
    let mut values = request.headers().get_all("idempotency-key");
    let Some(value) = values.next().filter(|_| request.method() == Method::POST) else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Problem::parameter(NAME, "is given twice"));
    }
    let visible = |text: &&str| {
        (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    match value.to_str().ok().filter(visible) {
        Some(key) => Ok(Some(key.to_owned())),
        None => Err(Problem::parameter(
            NAME,
            "is 1 to 255 visible ASCII characters, for example a UUID",
        )),
    }
}

/// SHA-256 of a body, noted by whoever read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestHash([u8; 32]);

impl RequestHash {
    /// Notes the body of a request that may be done once.
    pub(crate) fn note(request: &HttpRequest, body: &[u8]) {
        if request.headers().contains_key("idempotency-key") {
            Self::note_digest(request, digest::digest(&digest::SHA256, body));
        }
    }

    /// Notes the SHA-256 of a body that was read piece by piece.
    pub(crate) fn note_digest(request: &HttpRequest, digest: digest::Digest) {
        request.extensions_mut().insert(Self(sha256(digest)));
    }
}

#[derive(Clone, Copy)]
struct RowId(Uuid);

impl From<Uuid> for RowId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

impl From<RowId> for Uuid {
    fn from(id: RowId) -> Self {
        id.0
    }
}

impl TypedId for RowId {}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn read(method: Method, values: &[&str]) -> Result<Option<String>, ErrorKind> {
        let request = values
            .iter()
            .fold(TestRequest::default().method(method), |request, value| {
                request.append_header(("Idempotency-Key", *value))
            });
        key(&request.to_http_request()).map_err(|problem| problem.kind())
    }

    #[test]
    fn a_key_is_visible_ascii_and_goes_with_a_post() {
        let long = "k".repeat(255);
        for good in [
            "1",
            "7f3c-…".split('…').next().unwrap(),
            "\"quoted\"",
            &long,
        ] {
            assert_eq!(read(Method::POST, &[good]), Ok(Some(good.to_owned())));
        }
        let longer = "k".repeat(256);
        for bad in ["", "two words", "k\u{e9}", &longer] {
            let refused = read(Method::POST, &[bad]);
            assert_eq!(refused, Err(ErrorKind::InvalidParameter), "{bad}");
        }
        assert_eq!(
            read(Method::POST, &["1", "1"]),
            Err(ErrorKind::InvalidParameter)
        );
        assert_eq!(read(Method::PATCH, &["1"]), Ok(None));
        assert_eq!(read(Method::POST, &[]), Ok(None));
    }
}
