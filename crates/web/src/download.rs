//! Large files, a piece after the other.

use std::{
    fmt,
    future::{Ready, ready},
};

use actix_web::{FromRequest, HttpRequest, HttpResponse, dev::Payload, http::header, web::Data};
use database::TenantContext;
use futures_util::stream;

use crate::{Exports, Pipeline, Problem, accept, context};

/// Writes a file of any length to a client. A piece is read when the one before has left: in turn with
/// the other exports of the tenant, for as long as the tenant is served, and nothing is held in between.
pub struct Download {
    tenant: TenantContext,
    request: HttpRequest,
    exports: Data<Exports>,
    pipeline: Data<Pipeline>,
}

impl Download {
    /// Which of these media types the client likes best; the first when he does not say.
    pub fn preferred(&self, types: &[&'static str]) -> Option<&'static str> {
        accept::preferred(self.request.headers(), types).copied()
    }

    /// Answers with the pieces that `read` reads: each with where the next one begins, `None` behind the
    /// last. The first is read before anything is answered, so that what is refused is refused as ever.
    ///
    /// # Errors
    /// Those of `read`; `rate_limited` when the tenant exports as much as it may already.
    pub async fn answer<P, F>(
        self,
        media_type: &'static str,
        name: &str,
        read: F,
    ) -> Result<HttpResponse, Problem>
    where
        P: 'static,
        F: AsyncFn(Option<P>) -> Result<(Vec<u8>, Option<P>), Problem> + 'static,
    {
        let turn = self.exports.turn(self.tenant.id()).await?;
        let (first, next) = read(None).await?;
        drop(turn);
        let state = State {
            read,
            ready: Some(first),
            next,
            download: self,
        };
        let body = stream::try_unfold(state, |state| async move {
            match state.piece().await {
                Ok(piece) => Ok(piece),
                Err(problem) => {
                    // The status is gone: the broken transfer tells the client.
                    let code = problem.kind().as_str();
                    tracing::warn!(cause = problem.chain(), code, "an export broke off");
                    Err(std::io::Error::other("the export broke off"))
                }
            }
        });
        let disposition = format!("attachment; filename=\"{name}\"");
        Ok(HttpResponse::Ok()
            .insert_header((header::CONTENT_TYPE, media_type))
            .insert_header((header::CONTENT_DISPOSITION, disposition))
            .streaming(body))
    }
}

struct State<P, F> {
    read: F,
    ready: Option<Vec<u8>>,
    next: Option<P>,
    download: Download,
}

impl<P, F> State<P, F>
where
    F: AsyncFn(Option<P>) -> Result<(Vec<u8>, Option<P>), Problem>,
{
    async fn piece(mut self) -> Result<Option<(actix_web::web::Bytes, Self)>, Problem> {
        let piece = match (self.ready.take(), self.next.take()) {
            (Some(first), next) => {
                self.next = next;
                first
            }
            (None, None) => return Ok(None),
            (None, Some(place)) => {
                let Download {
                    tenant,
                    exports,
                    pipeline,
                    ..
                } = &self.download;
                let _turn = exports.turn(tenant.id()).await?;
                // The piece before was read minutes ago, perhaps.
                pipeline.still_serves(tenant).await?;
                let (piece, next) = (self.read)(Some(place)).await?;
                self.next = next;
                piece
            }
        };
        Ok(Some((piece.into(), self)))
    }
}

impl FromRequest for Download {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(read(request))
    }
}

fn read(request: &HttpRequest) -> Result<Download, Problem> {
    let exports: &Data<Exports> = context::component(request)?;
    let pipeline: &Data<Pipeline> = context::component(request)?;
    Ok(Download {
        tenant: context::signed(request)?.tenant,
        request: request.clone(),
        exports: exports.clone(),
        pipeline: pipeline.clone(),
    })
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Download")
    }
}
