//! A conversation with one client (RFC 5321).

use std::{borrow::Cow, io, slice, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use smtp_proto::{
    AUTH_PLAIN, Error, Request,
    request::receiver::{DataReceiver, RequestReceiver},
};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::{
    Arrived, Stage,
    sink::{Inside, line},
};

/// A mail has so many bytes at most.
const LARGEST: usize = 1024 * 1024;

/// And so many recipients.
const RECIPIENTS: usize = 100;

/// For so long a client may say nothing.
const PATIENCE: Duration = Duration::from_mins(1);

/// Talks until the client has nothing more to say.
pub(crate) async fn talk<S>(stream: S, inside: &Inside) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut session = Session {
        stream,
        inside,
        signed_in: None,
        from: None,
        to: Vec::new(),
    };
    session.greet().await?;
    session.listen().await
}

struct Session<'inside, S> {
    stream: S,
    inside: &'inside Inside,
    signed_in: Option<String>,
    from: Option<String>,
    to: Vec<String>,
}

/// What the client may send next.
enum Next {
    Commands,
    Mail,
    Nothing,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Session<'_, S> {
    async fn greet(&mut self) -> io::Result<()> {
        let usual = "220 smtp-sink takes everything and delivers nothing";
        self.answer(Stage::Greeting, usual).await
    }

    async fn listen(&mut self) -> io::Result<()> {
        let mut commands = RequestReceiver::default();
        let mut mail: Option<Incoming> = None;
        let mut buffer = vec![0; 8 * 1024];
        loop {
            let reading = tokio::time::timeout(PATIENCE, self.stream.read(&mut buffer));
            let Ok(read) = reading.await else {
                return self.say("421 4.4.2 you say nothing").await;
            };
            let read = buffer.get(..read?).unwrap_or_default();
            if read.is_empty() {
                return Ok(());
            }
            let mut bytes = read.iter();
            while !bytes.as_slice().is_empty() {
                if let Some(incoming) = &mut mail {
                    if incoming.take(&mut bytes) {
                        let done = mail.take().unwrap_or_default();
                        self.end(done).await?;
                    }
                    continue;
                }
                match commands.ingest(&mut bytes) {
                    Ok(request) => match self.obey(request).await? {
                        Next::Commands => {}
                        Next::Mail => mail = Some(Incoming::default()),
                        Next::Nothing => return Ok(()),
                    },
                    Err(Error::NeedsMoreData { .. }) => break,
                    Err(error) => self.refuse(&error).await?,
                }
            }
        }
    }

    async fn obey(&mut self, request: Request<Cow<'_, str>>) -> io::Result<Next> {
        match request {
            Request::Ehlo { .. } => {
                let able = format!(
                    "250-smtp-sink\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n\
                     250-AUTH PLAIN\r\n250 SIZE {LARGEST}"
                );
                self.reset();
                self.say(&able).await?;
            }
            Request::Helo { .. } => self.say("250 smtp-sink").await?,
            Request::Auth {
                mechanism: AUTH_PLAIN,
                initial_response,
            } => {
                self.signed_in = Some(user(&initial_response));
                self.answer(Stage::SignIn, "235 2.7.0 come in").await?;
            }
            Request::Mail { from } => {
                self.reset();
                self.from = Some(line(&from.address));
                self.answer(Stage::Sender, "250 2.1.0 from him").await?;
            }
            Request::Rcpt { .. } if self.from.is_none() => {
                self.say("503 5.5.1 from whom first").await?;
            }
            Request::Rcpt { .. } if self.to.len() >= RECIPIENTS => {
                self.say("452 4.5.3 too many recipients").await?;
            }
            Request::Rcpt { to } => {
                if let Some(other) = self.inside.answer(Stage::Recipient) {
                    self.say(&other).await?;
                } else {
                    self.to.push(line(&to.address));
                    self.say("250 2.1.5 to him").await?;
                }
            }
            Request::Data if self.to.is_empty() => {
                self.say("503 5.5.1 to whom first").await?;
            }
            Request::Data => {
                self.say("354 go on, and end with a dot").await?;
                return Ok(Next::Mail);
            }
            Request::Rset => {
                self.reset();
                self.say("250 2.0.0 forgotten").await?;
            }
            Request::Noop { .. } => self.say("250 2.0.0 here").await?,
            Request::Quit => {
                self.say("221 2.0.0 good-bye").await?;
                return Ok(Next::Nothing);
            }
            _ => self.say("502 5.5.1 not here").await?,
        }
        Ok(Next::Commands)
    }

    /// The whole mail has arrived.
    async fn end(&mut self, incoming: Incoming) -> io::Result<()> {
        let other = self.inside.answer(Stage::Mail);
        let from = self.from.take().unwrap_or_default();
        let to = std::mem::take(&mut self.to);
        let answer = match (other, incoming.is_too_large) {
            (Some(other), _) => other,
            (None, true) => "552 5.3.4 the mail is too large".to_owned(),
            (None, false) => {
                let kept = self.inside.keep(Arrived {
                    from,
                    to,
                    signed_in: self.signed_in.clone(),
                    bytes: incoming.bytes,
                });
                let answer = if kept {
                    "250 2.0.0 kept"
                } else {
                    "452 4.3.1 no room: nobody takes what is here"
                };
                answer.to_owned()
            }
        };
        self.say(&answer).await
    }

    async fn refuse(&mut self, error: &Error) -> io::Result<()> {
        let answer = match error {
            Error::UnknownCommand => "500 5.5.1 no such command",
            Error::InvalidSenderAddress => "501 5.1.7 no address",
            Error::InvalidRecipientAddress => "501 5.1.3 no address",
            Error::ResponseTooLong => "500 5.5.2 the line is too long",
            _ => "501 5.5.2 the command cannot be read",
        };
        self.say(answer).await
    }

    fn reset(&mut self) {
        self.from = None;
        self.to.clear();
    }

    async fn answer(&mut self, stage: Stage, usual: &str) -> io::Result<()> {
        match self.inside.answer(stage) {
            Some(other) => self.say(&other).await,
            None => self.say(usual).await,
        }
    }

    async fn say(&mut self, answer: &str) -> io::Result<()> {
        // In one piece: the second one would wait until the client acknowledges the first.
        let answer = format!("{answer}\r\n");
        self.stream.write_all(answer.as_bytes()).await?;
        self.stream.flush().await
    }
}

/// A mail that has yet to end.
struct Incoming {
    receiver: DataReceiver,
    bytes: Vec<u8>,
    is_too_large: bool,
}

impl Default for Incoming {
    fn default() -> Self {
        Self {
            receiver: DataReceiver::new(),
            bytes: Vec::new(),
            is_too_large: false,
        }
    }
}

impl Incoming {
    /// Takes more of it; whether it has ended.
    fn take(&mut self, bytes: &mut slice::Iter<'_, u8>) -> bool {
        let ended = self.receiver.ingest(bytes, &mut self.bytes);
        if self.bytes.len() > LARGEST {
            self.is_too_large = true;
            // Its end is still to be found, for which the receiver remembers what it needs.
            self.bytes.clear();
        }
        ended
    }
}

/// Of `\0user\0password`, the user (RFC 4616).
fn user(initial_response: &str) -> String {
    let decoded = BASE64_STANDARD.decode(initial_response).unwrap_or_default();
    let user = decoded.split(|it| *it == 0).nth(1).unwrap_or_default();
    line(&String::from_utf8_lossy(user))
}
