//! A connection whose client may be slow, and not for ever.
//!
//! The server beneath has a time for the first head of a connection only, and none for writing. Who
//! begins a second head and drips it, or asks for a long list and does not read it, would keep a
//! connection as long as he likes, and an export its turn. So the stream itself looks at the clock.

use std::{
    future::Future as _,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};
use web::ClientTime;

/// Bytes a second that an answer may take besides its time: of a mobile phone in the countryside.
const SLOWEST: u64 = 16 * 1024;

/// How long a client is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// From the first byte of a request to the first of its answer.
    pub(super) request: Duration,
    /// To take what was written, besides the time that its bytes take at the slowest.
    pub(super) answer: Duration,
}

/// A stream that fails when its client has had his time.
pub(super) struct Patient<S> {
    stream: S,
    patience: Patience,
    /// How long the present request may take, when that is longer.
    longer: ClientTime,
    /// Since when a request is being received and nothing is answered.
    asked: Option<Instant>,
    /// Since when the client does not take what is written, and how much he took since.
    stuck: Option<(Instant, u64)>,
    /// Wakes whoever waits for the stream. Set once in a while, not with every request.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    pub(super) fn new(stream: S, patience: Patience) -> Self {
        Self {
            stream,
            patience,
            longer: ClientTime::default(),
            asked: None,
            stuck: None,
            alarm: None,
        }
    }

    /// What a request that takes long says so to.
    pub(super) fn longer(&self) -> ClientTime {
        self.longer.clone()
    }

    /// When the client has had his time, if he is waited for.
    fn deadline(&self) -> Option<Instant> {
        let request = self.patience.request;
        let request = self.longer.get().map_or(request, |it| it.max(request));
        let asked = self.asked.map(|since| since + request);
        let stuck = self.stuck.map(|(since, taken)| {
            let earned = Duration::from_millis(taken.saturating_mul(1_000) / SLOWEST);
            since + self.patience.answer + earned
        });
        [asked, stuck].into_iter().flatten().min()
    }

    /// Fails when the time is over; else sees to it that the task is woken then.
    fn wait(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let Some(deadline) = self.deadline() else {
            return Poll::Pending;
        };
        let alarm = self
            .alarm
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        // An alarm of an earlier request goes off too soon, and is set anew then.
        while alarm.as_mut().poll(context).is_ready() {
            if Instant::now() >= deadline {
                return Poll::Ready(io::ErrorKind::TimedOut.into());
            }
            alarm.as_mut().reset(deadline);
        }
        if alarm.deadline() > deadline {
            alarm.as_mut().reset(deadline);
            return self.wait(context);
        }
        Poll::Pending
    }

    /// Notes how a write of so many bytes went.
    fn note(&mut self, length: usize, written: &Poll<io::Result<usize>>) {
        match written {
            Poll::Ready(Ok(taken)) => {
                self.asked = None;
                self.longer.reset();
                if *taken >= length {
                    self.stuck = None;
                } else if let Some((_, so_far)) = &mut self.stuck {
                    *so_far = so_far.saturating_add(*taken as u64);
                }
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                self.stuck.get_or_insert_with(|| (Instant::now(), 0));
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Ready(Ok(())) if buffer.filled().len() > before => {
                let now = Instant::now();
                self.asked.get_or_insert(now);
                match self.deadline() {
                    Some(deadline) if now >= deadline => {
                        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
                    }
                    _ => Poll::Ready(Ok(())),
                }
            }
            Poll::Pending => self.wait(context).map(Err),
            ended @ Poll::Ready(_) => ended,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note(bytes.len(), &written);
        match written {
            Poll::Pending => self.wait(context).map(Err),
            done @ Poll::Ready(_) => done,
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = slices.iter().map(|slice| slice.len()).sum();
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.note(length, &written);
        match written {
            Poll::Pending => self.wait(context).map(Err),
            done @ Poll::Ready(_) => done,
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tokio::time::{advance, sleep};

    use super::*;

    const PATIENCE: Patience = Patience {
        request: Duration::from_secs(10),
        answer: Duration::from_secs(10),
    };

    #[tokio::test(start_paused = true)]
    async fn who_drips_a_request_is_given_up() {
        let (mut client, server) = duplex(64);
        let mut server = Patient::new(server, PATIENCE);
        let drip = async {
            while client.write_all(b"G").await.is_ok() {
                sleep(Duration::from_secs(1)).await;
            }
        };
        let read = async {
            let begun = Instant::now();
            let mut buffer = [0; 16];
            loop {
                if let Err(error) = server.read(&mut buffer).await {
                    drop(server);
                    return (error.kind(), begun.elapsed().as_secs());
                }
            }
        };
        let ((), given_up) = tokio::join!(drip, read);
        assert_eq!(given_up, (io::ErrorKind::TimedOut, 10));
    }

    #[tokio::test(start_paused = true)]
    async fn who_begins_and_says_no_more_is_given_up() {
        let (mut client, server) = duplex(64);
        let mut server = Patient::new(server, PATIENCE);
        client.write_all(b"GET").await.unwrap();
        let mut buffer = [0; 16];
        assert_eq!(server.read(&mut buffer).await.unwrap(), 3);
        let begun = Instant::now();
        let error = server.read(&mut buffer).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(begun.elapsed().as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_long_has_its_time_and_the_next_request_has_not() {
        let (mut client, server) = duplex(64);
        let mut server = Patient::new(server, PATIENCE);
        let mut buffer = [0; 16];
        client.write_all(b"POST").await.unwrap();
        assert_eq!(server.read(&mut buffer).await.unwrap(), 4);
        server.longer().extend(Duration::from_mins(5));
        let waited = tokio::time::timeout(Duration::from_mins(4), server.read(&mut buffer));
        assert!(waited.await.is_err(), "it is waited for");
        server.write_all(b"200").await.unwrap();
        client.write_all(b"GET").await.unwrap();
        assert_eq!(server.read(&mut buffer).await.unwrap(), 3);
        let begun = Instant::now();
        let error = server.read(&mut buffer).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(begun.elapsed().as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_answered_has_all_the_time_until_he_asks_again() {
        let (mut client, server) = duplex(64);
        let mut server = Patient::new(server, PATIENCE);
        let mut buffer = [0; 16];
        for _ in 0..5 {
            client.write_all(b"GET").await.unwrap();
            assert_eq!(server.read(&mut buffer).await.unwrap(), 3);
            advance(Duration::from_secs(8)).await;
            server.write_all(b"200").await.unwrap();
            assert_eq!(client.read(&mut buffer).await.unwrap(), 3);
            let idle = tokio::time::timeout(Duration::from_mins(5), server.read(&mut buffer));
            assert!(idle.await.is_err(), "nobody is given up for saying nothing");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_read_his_answer_is_given_up() {
        let (client, server) = duplex(64);
        let mut server = Patient::new(server, PATIENCE);
        let begun = Instant::now();
        let error = server.write_all(&[0; 1_000]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(begun.elapsed().as_secs(), 10);
        drop(client);
    }

    #[tokio::test(start_paused = true)]
    async fn who_reads_a_byte_a_second_is_given_up_and_who_reads_steadily_is_not() {
        for (bytes, is_served) in [(1, false), (32 * 1024, true)] {
            let (mut client, server) = duplex(1_024);
            let mut server = Patient::new(server, PATIENCE);
            let write = async {
                let written = server.write_all(&vec![0; 1024 * 1024]).await;
                drop(server);
                written.is_ok()
            };
            let read = async {
                let mut buffer = vec![0; 32 * 1024];
                let mut left = bytes;
                while let Some(part) = buffer.get_mut(..left) {
                    match client.read(part).await {
                        Ok(0) | Err(_) => break,
                        Ok(taken) => left -= taken,
                    }
                    if left == 0 {
                        left = bytes;
                        sleep(Duration::from_secs(1)).await;
                    }
                }
            };
            let (is_written, ()) = tokio::join!(write, read);
            assert_eq!(is_written, is_served, "{bytes} a second");
        }
    }
}
