//! Connections of a browser: it opens some in advance and sends nothing on them, and any other program of this
//! machine can connect as well.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

/// The longest head of a request. Browsers send the cookies of all ports of 127.0.0.1.
pub(crate) const MAX_BROWSER_HEAD: usize = 64 * 1024;
/// A further connection ends the oldest one. Each request is read at once, so that is one that sends nothing.
const MAX_CONNECTIONS: usize = 64;

/// Serves connections, several at once, until `serve` returns something for one of them. The others end then.
///
/// # Errors
/// The port does not accept connections any more.
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
            // In this order: a connection that has its answer is not ended for a new one.
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
                // A request that is there already is read before the next connection could end this one.
                tokio::task::yield_now().await;
            }
        }
    }
}
