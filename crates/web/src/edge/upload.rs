//! The body of a request on its way in: it has to come, and soon.

use std::{
    cell::RefCell,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{
    HttpMessage as _, HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    dev::{Payload, ServiceRequest},
    error::PayloadError,
    web::Bytes,
};
use futures_util::Stream;
use tokio::time::{Instant, Sleep, sleep_until};

/// Bytes a second that a body may take besides its time: of a mobile phone in the countryside.
const SLOWEST: u64 = 16 * 1024;

/// A body that is being sent. Kept by the pipeline beside the handler, to know in the end whether
/// all of it was read.
#[derive(Clone)]
pub(crate) struct Upload(Rc<RefCell<Option<Payload>>>);

impl Upload {
    /// Watches the body of a request, if it has one: what is not there after `timeout`, and the
    /// time that its bytes take at the slowest, is given up. A client that sends a byte a second
    /// would else keep what the handler holds meanwhile, an import its turn.
    pub(crate) fn watch(request: &mut ServiceRequest, timeout: Duration) -> Option<Self> {
        let payload = match request.take_payload() {
            Payload::None => return None,
            payload => payload,
        };
        let upload = Self(Rc::new(RefCell::new(Some(payload))));
        let begun = Instant::now();
        let timed = Timed {
            upload: upload.clone(),
            begun,
            timeout,
            received: 0,
            deadline: Box::pin(sleep_until(begun + timeout)),
        };
        request.set_payload(Payload::Stream {
            payload: Box::pin(timed),
        });
        Some(upload)
    }

    /// Closes the connection after an answer to a request that was not read to its end. The server
    /// would else read on for as long as a chunked body comes, and it may come for ever. It closes
    /// when the body of the request is unread but still there, so that of the answer takes it along.
    pub(crate) fn end_with(self, answer: HttpResponse) -> HttpResponse {
        if self.0.borrow().is_none() {
            return answer;
        }
        answer.map_body(|_head, body| {
            BoxBody::new(Last {
                body,
                _upload: self,
            })
        })
    }
}

/// The body of an answer after which the connection closes.
struct Last {
    body: BoxBody,
    _upload: Upload,
}

impl MessageBody for Last {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}

struct Timed {
    upload: Upload,
    begun: Instant,
    timeout: Duration,
    received: u64,
    deadline: Pin<Box<Sleep>>,
}

impl Stream for Timed {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let upload = self.upload.clone();
        let mut payload = upload.0.borrow_mut();
        let Some(body) = payload.as_mut() else {
            return Poll::Ready(None);
        };
        match Pin::new(body).poll_next(context) {
            Poll::Ready(Some(Ok(bytes))) => {
                self.received += bytes.len() as u64;
                let earned = Duration::from_millis(self.received * 1_000 / SLOWEST);
                let deadline = self.begun + self.timeout + earned;
                self.deadline.as_mut().reset(deadline);
                Poll::Ready(Some(Ok(bytes)))
            }
            Poll::Ready(None) => {
                *payload = None;
                Poll::Ready(None)
            }
            Poll::Ready(failed) => Poll::Ready(failed),
            Poll::Pending => self
                .deadline
                .as_mut()
                .poll(context)
                .map(|()| Some(Err(PayloadError::Io(io::ErrorKind::TimedOut.into())))),
        }
    }
}
