//! Bodies that are too large for memory.

use std::fs::File;

use actix_web::{
    FromRequest, HttpRequest, dev,
    http::header,
    web::{Bytes, Payload},
};
use aws_lc_rs::digest;
use futures_util::{StreamExt as _, future::LocalBoxFuture};
use kernel::ErrorKind;
use tokio::io::AsyncWriteExt as _;

use crate::{Problem, change::RequestHash};

/// A body that goes to a file when it is its turn, and not before: whoever waits for something
/// first takes neither memory nor disk meanwhile.
pub struct Spool {
    body: Payload,
    request: HttpRequest,
}

impl std::fmt::Debug for Spool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Spool")
    }
}

impl Spool {
    /// Refuses a body that is announced as larger than so many bytes.
    ///
    /// # Errors
    /// 413 `too_large`.
    pub fn admit(&self, limit: u64) -> Result<(), Problem> {
        let announced = self.request.headers().get(header::CONTENT_LENGTH);
        let announced = announced.and_then(|length| length.to_str().ok()?.parse().ok());
        match announced {
            Some(length) if limit < length => Err(too_large(limit)),
            _ => Ok(()),
        }
    }

    /// Receives the body into a file that has no name: nobody else can open it, and it is gone
    /// when it is dropped, or the process ends. It lies in the folder for temporary files
    /// (`TMPDIR`). With an `Idempotency-Key`, a [`Change`](crate::Change) knows the body by its
    /// SHA-256.
    ///
    /// # Errors
    /// 413 `too_large`, 400 `malformed_request` when it does not arrive whole and in time, 503
    /// `unavailable` when there is no room for it.
    pub async fn receive(mut self, limit: u64) -> Result<File, Problem> {
        self.admit(limit)?;
        let file = telemetry::spawn_blocking(tempfile::tempfile).await;
        let file = file.map_err(|panicked| no_room(&panicked))?;
        let mut file = tokio::fs::File::from_std(file.map_err(|error| no_room(&error))?);
        let mut hash = digest::Context::new(&digest::SHA256);
        let mut length = 0_u64;
        while let Some(bytes) = self.body.next().await {
            let bytes: Bytes = bytes.map_err(|error| incomplete(&error))?;
            length = length.saturating_add(bytes.len() as u64);
            if length > limit {
                return Err(too_large(limit));
            }
            hash.update(&bytes);
            file.write_all(&bytes)
                .await
                .map_err(|error| no_room(&error))?;
        }
        file.flush().await.map_err(|error| no_room(&error))?;
        RequestHash::note_digest(&self.request, hash.finish());
        Ok(file.into_std().await)
    }
}

fn too_large(limit: u64) -> Problem {
    let detail = format!("The body is larger than the {limit} bytes that are accepted; divide it.");
    Problem::new(ErrorKind::TooLarge, detail)
}

fn incomplete(error: &actix_web::error::PayloadError) -> Problem {
    let detail = "The body did not arrive completely, or not in time.";
    Problem::new(ErrorKind::MalformedRequest, detail).caused_by(error.to_string())
}

fn no_room(error: &dyn std::error::Error) -> Problem {
    let detail = "The body cannot be kept right now. Try again later.";
    Problem::new(ErrorKind::Unavailable, detail).caused_by(error.to_string())
}

impl FromRequest for Spool {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, stream: &mut dev::Payload) -> Self::Future {
        if let Err(refusal) = crate::body::as_it_is(request) {
            return Box::pin(async { Err(refusal) });
        }
        let body = Payload::from_request(request, stream);
        let request = request.clone();
        Box::pin(async move {
            let body = body.await.map_err(|error| {
                let detail = "The body cannot be read.";
                Problem::new(ErrorKind::MalformedRequest, detail).caused_by(error.to_string())
            })?;
            Ok(Self { body, request })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Seek as _};

    use actix_web::{HttpMessage as _, test::TestRequest};

    use super::*;

    async fn received(
        request: TestRequest,
        limit: u64,
    ) -> (Result<String, ErrorKind>, HttpRequest) {
        let (request, mut stream) = request.to_http_parts();
        let spool = Spool::from_request(&request, &mut stream).await.unwrap();
        let received = spool.receive(limit).await;
        let text = received.map(|mut file| {
            let mut text = String::new();
            file.rewind().unwrap();
            file.read_to_string(&mut text).unwrap();
            text
        });
        (text.map_err(|problem| problem.kind()), request)
    }

    fn body(text: &'static str) -> TestRequest {
        TestRequest::post().set_payload(text)
    }

    #[actix_web::test]
    async fn a_body_lies_in_the_file_as_it_came_up_to_its_limit() {
        assert_eq!(
            received(body("a\n1\n2\n"), 6).await.0,
            Ok("a\n1\n2\n".to_owned())
        );
        assert_eq!(
            received(body("a\n1\n2\n"), 5).await.0,
            Err(ErrorKind::TooLarge)
        );
        assert_eq!(received(body(""), 5).await.0, Ok(String::new()));
    }

    #[actix_web::test]
    async fn a_body_that_is_announced_as_too_large_is_not_waited_for() {
        for (length, is_admitted) in [("6", true), ("7", false), ("99999999999", false)] {
            let request = TestRequest::post().insert_header((header::CONTENT_LENGTH, length));
            let (request, mut stream) = request.to_http_parts();
            let spool = Spool::from_request(&request, &mut stream).await.unwrap();
            assert_eq!(spool.admit(6).is_ok(), is_admitted, "{length}");
        }
    }

    #[actix_web::test]
    async fn the_same_body_has_the_same_hash_as_one_in_memory() {
        let keyed = || body("abc").insert_header(("idempotency-key", "1"));
        let (_, request) = received(keyed(), 10).await;
        let spooled = request.extensions().get::<RequestHash>().copied();
        let (request, _) = keyed().to_http_parts();
        RequestHash::note(&request, b"abc");
        let in_memory = request.extensions().get::<RequestHash>().copied();
        assert_eq!(spooled, in_memory);
        assert!(spooled.is_some());
    }
}
