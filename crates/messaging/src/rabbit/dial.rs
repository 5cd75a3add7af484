//! One connection: how it comes about, and that nothing of it stays.

use std::{
    net::{Shutdown, TcpStream},
    os::fd::{AsFd as _, OwnedFd},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use kernel::Ambient;
use lapin::{
    Connection, ConnectionProperties,
    tcp::{AsyncTcpStream, OwnedTLSConfig},
    uri::{AMQPScheme, AMQPUri},
};

use super::call::{CallError, within};
use crate::Backoff;

/// Knows where RabbitMQ is. Has the password, and therefore no `Debug`.
#[derive(Clone)]
pub(super) struct Dialer {
    pub(super) uri: AMQPUri,
    pub(super) patience: Duration,
    pub(super) backoff: Backoff,
}

/// A connection that stands. Dropped, its socket is closed.
pub(super) struct Live {
    pub(super) connection: Arc<Connection>,
    _socket: Shut,
}

impl Dialer {
    pub(super) async fn connect(&self, name: &'static str) -> Result<Live, CallError> {
        let socket = Shut(Socket::default());
        let kept = socket.0.clone();
        let connect = Connection::connector(
            self.uri.clone(),
            lapin::runtime::default_runtime()?,
            async move |uri: AMQPUri, runtime| {
                let address = (uri.authority.host.clone(), uri.authority.port);
                let address = runtime.to_socket_addrs(address);
                let stream = AsyncTcpStream::connect(&runtime, address).await?;
                if let AsyncTcpStream::Plain(plain) = &stream {
                    kept.keep(plain.get_ref().as_fd().try_clone_to_owned()?);
                }
                if uri.scheme == AMQPScheme::AMQPS {
                    let tls = OwnedTLSConfig::default();
                    let host = &uri.authority.host;
                    return Ok(stream.into_tls(host, tls.as_ref()).await?);
                }
                Ok(stream)
            },
            ConnectionProperties::default().with_connection_name(format!("hrms {name}").into()),
        );
        let connection = within(self.patience, "a connection", connect).await?;
        Ok(Live {
            connection: Arc::new(connection),
            _socket: socket,
        })
    }

    /// How long to wait after so many failures in a row. Never less than half of the longest: a
    /// broker that has just come back is not to meet everybody at once, nor somebody at all times.
    pub(super) fn pause(&self, failures: u32, ambient: &Ambient) -> Duration {
        let half = self.backoff.longest(failures) / 2;
        half + self.backoff.draw(failures, ambient) / 2
    }
}

/// The socket under a connection, once there is one. The client reads it on a thread of its own,
/// which would wait for ever for a server that takes a connection and says nothing: the socket is
/// shut when nobody waits for it any more.
#[derive(Clone, Default)]
struct Socket(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    stream: Option<TcpStream>,
    is_over: bool,
}

impl Socket {
    fn keep(&self, descriptor: OwnedFd) {
        let stream = TcpStream::from(descriptor);
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_over {
            shut(&stream);
        } else {
            held.stream = Some(stream);
        }
    }
}

/// Shuts the socket when it is dropped.
struct Shut(Socket);

impl Drop for Shut {
    fn drop(&mut self) {
        let mut held = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.is_over = true;
        if let Some(stream) = held.stream.take() {
            shut(&stream);
        }
    }
}

fn shut(stream: &TcpStream) {
    // It may have been shut by the other side: that is as well.
    let _ = stream.shutdown(Shutdown::Both);
}
