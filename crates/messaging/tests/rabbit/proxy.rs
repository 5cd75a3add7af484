//! The way to RabbitMQ, which can be cut, closed, and made silent.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::{JoinHandle, JoinSet},
};

use crate::server;

/// Passes bytes on.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    target: String,
    listening: Mutex<Option<JoinHandle<()>>>,
    silent: watch::Sender<bool>,
    /// How many clients have not hung up.
    pub(crate) clients: Arc<AtomicUsize>,
    /// How many came.
    pub(crate) came: Arc<AtomicUsize>,
}

impl Proxy {
    /// One that does not listen yet.
    pub(crate) async fn closed() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = server::url();
        let (_, host) = url.split_once('@').unwrap();
        let (host, _) = host.split_once('/').unwrap();
        Self {
            address: listener.local_addr().unwrap(),
            target: host.to_owned(),
            listening: Mutex::default(),
            silent: watch::Sender::new(false),
            clients: Arc::default(),
            came: Arc::default(),
        }
    }

    /// The way to RabbitMQ through it.
    pub(crate) fn url(&self, query: &str) -> String {
        let url = server::url();
        let (user, rest) = url.split_once('@').unwrap();
        let (_, path) = rest.split_once('/').unwrap();
        format!("{user}@{}/{path}{query}", self.address)
    }

    pub(crate) async fn open(&self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        let (target, silent) = (self.target.clone(), self.silent.subscribe());
        let (clients, came) = (Arc::clone(&self.clients), Arc::clone(&self.came));
        let task = telemetry::spawn(async move {
            // Dropped with the task, and all that it passes on.
            let mut passing = JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.unwrap();
                came.fetch_add(1, Ordering::SeqCst);
                clients.fetch_add(1, Ordering::SeqCst);
                let gone = Gone(Arc::clone(&clients));
                passing.spawn(pass_both(client, target.clone(), silent.clone(), gone));
            }
        });
        *self.listening.lock().unwrap() = Some(task);
    }

    /// Cuts every connection, and takes no more.
    pub(crate) async fn close(&self) {
        let task = self.listening.lock().unwrap().take();
        if let Some(task) = task {
            task.abort();
            let _ = task.await;
        }
    }

    /// Takes connections, and passes nothing on; or does so again.
    pub(crate) fn hush(&self, silent: bool) {
        self.silent.send_replace(silent);
    }
}

/// A client hung up, or was hung up on.
struct Gone(Arc<AtomicUsize>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn pass_both(client: TcpStream, target: String, silent: watch::Receiver<bool>, _gone: Gone) {
    let Ok(server) = TcpStream::connect(target).await else {
        return;
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = pass(from_client, to_server, silent.clone()) => {}
        () = pass(from_server, to_client, silent) => {}
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut silent: watch::Receiver<bool>) {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        match from.read(&mut bytes).await {
            Ok(0) | Err(_) => return,
            // What is swallowed in silence is lost: the connection can never be used again.
            Ok(_) if *silent.borrow_and_update() => {}
            Ok(count) => {
                if to.write_all(bytes.get(..count).unwrap()).await.is_err() {
                    return;
                }
            }
        }
    }
}
