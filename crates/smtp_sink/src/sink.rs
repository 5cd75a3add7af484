//! The server.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use mail_parser::MessageParser;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::{Notify, Semaphore},
    task::JoinHandle,
};

use crate::session;

/// Connections that are served at a time; others wait.
const CONNECTIONS: usize = 32;

/// Mails that nobody has taken yet; further ones are put off.
const WAITING: usize = 1_000;

/// A mail that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// From whom the client said it comes.
    pub from: String,
    /// For whom the client said it is.
    pub to: Vec<String>,
    /// As whom the client signed in, if it did.
    pub signed_in: Option<String>,
    /// The mail as it came, without the dots that SMTP adds.
    pub bytes: Vec<u8>,
}

impl Arrived {
    /// What it is about, on one line.
    pub fn subject(&self) -> String {
        let mail = MessageParser::default().parse(&self.bytes);
        let subject = mail.as_ref().and_then(|it| it.subject());
        line(subject.unwrap_or("(no subject)"))
    }
}

/// What a client wrote, fit for a terminal.
pub(crate) fn line(text: &str) -> String {
    text.chars()
        .filter(|it| kernel::is_printable(*it))
        .collect()
}

/// Where in the conversation the server may answer something else than it would.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// When a client has connected.
    Greeting,
    /// When it signs in.
    SignIn,
    /// When it says from whom the mail comes.
    Sender,
    /// When it says for whom the mail is.
    Recipient,
    /// When the whole mail has arrived.
    Mail,
}

/// A mail server that delivers nothing. It ends when it is dropped.
#[derive(Debug)]
pub struct Sink {
    address: SocketAddr,
    inside: Arc<Inside>,
    serving: JoinHandle<()>,
}

/// What the server and its connections share.
#[derive(Debug, Default)]
pub(crate) struct Inside {
    arrived: Mutex<VecDeque<Arrived>>,
    news: Notify,
    answers: Mutex<BTreeMap<Stage, VecDeque<String>>>,
}

impl Sink {
    /// Listens on this machine's own address, on any free port.
    ///
    /// # Errors
    /// When no address can be listened on.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let inside = Arc::new(Inside::default());
        let serving = telemetry::spawn_named("smtp sink", serve(listener, Arc::clone(&inside)));
        Ok(Self {
            address,
            inside,
            serving,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens, as the setting `mail.url` has it.
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// Answers something else the next time that a client gets there: `451 4.3.0 not now`. Several
    /// are answered in turn.
    pub fn answer_next(&self, stage: Stage, answer: impl Into<String>) {
        let mut answers = lock(&self.inside.answers);
        answers.entry(stage).or_default().push_back(answer.into());
    }

    /// The oldest mail that nobody has taken yet; waits until there is one.
    pub async fn next(&self) -> Arrived {
        loop {
            // Asked for before looking: a mail that comes in between wakes us.
            let news = self.inside.news.notified();
            if let Some(mail) = self.take() {
                return mail;
            }
            news.await;
        }
    }

    /// The oldest mail that nobody has taken yet, if there is one.
    pub fn take(&self) -> Option<Arrived> {
        lock(&self.inside.arrived).pop_front()
    }

    /// Talks with a client that connected elsewhere: over TLS, for one.
    ///
    /// # Errors
    /// When the client goes away in the middle of something.
    pub async fn talk<S>(&self, stream: S) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        session::talk(stream, &self.inside).await
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Inside {
    /// What is to be answered here instead.
    pub(crate) fn answer(&self, stage: Stage) -> Option<String> {
        lock(&self.answers).get_mut(&stage)?.pop_front()
    }

    /// Keeps a mail; `false` when there is no room.
    pub(crate) fn keep(&self, mail: Arrived) -> bool {
        let mut arrived = lock(&self.arrived);
        let has_room = arrived.len() < WAITING;
        if has_room {
            arrived.push_back(mail);
            self.news.notify_one();
        }
        has_room
    }
}

async fn serve(listener: TcpListener, inside: Arc<Inside>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        // A client that is gone before it was accepted is nobody's concern.
        let Ok((stream, _client)) = listener.accept().await else {
            continue;
        };
        let inside = Arc::clone(&inside);
        telemetry::spawn(async move {
            // Nor is one that goes away in the middle of something.
            let _ = session::talk(stream, &inside).await;
            drop(place);
        });
    }
}

/// No code here can panic while it holds one of these.
fn lock<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}
