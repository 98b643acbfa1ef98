//! Accepts connections until one of them has a result. A browser opens some in advance and sends nothing on
//! them, and any other program on this machine can connect as well.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

/// The longest request head, in bytes. A browser sends the cookies of all ports of 127.0.0.1.
pub(crate) const MAX_BROWSER_HEAD: usize = 64 * 1024;
/// The most connections at the same time. A further one closes the oldest. That one has sent no request
/// yet, because each request is read as soon as it arrives.
const MAX_CONNECTIONS: usize = 64;

/// Serves connections, several at once, until `serve` returns something for one of them. The others end then.
///
/// # Errors
/// The port no longer accepts connections.
pub(crate) async fn first_result<T, F>(
    listener: &TcpListener,
    serve: impl Fn(TcpStream, SocketAddr) -> F,
) -> io::Result<T>
where
    T: Send + 'static,
    F: Future<Output = Option<T>> + Send + 'static,
{
    let mut connections = JoinSet::new();
    let mut oldest: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        tokio::select! {
            // Look at finished connections first, so that a new one does not close one that has a result.
            biased;
            Some(served) = connections.join_next() => {
                if let Ok(Some(result)) = served {
                    return Ok(result);
                }
            }
            accepted = listener.accept() => {
                let (stream, client) = accepted?;
                oldest.retain(|connection| !connection.is_finished());
                if oldest.len() >= MAX_CONNECTIONS && let Some(connection) = oldest.pop_front() {
                    connection.abort();
                }
                oldest.push_back(connections.spawn(serve(stream, client)));
                // Let the connection read a request that has arrived, before a further connection could
                // end it.
                tokio::task::yield_now().await;
            }
        }
    }
}
