//! One short HTTP exchange on a loopback connection.

use std::io;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::net::TcpStream;
use zeroize::Zeroizing;

/// The longest request head, in bytes. SDKs send a few hundred.
pub(crate) const MAX_HEAD: usize = 8 * 1024;
/// How long a client may take to send its request. A local client needs far less.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);

/// Reads the head of a request, with its empty line. Returns `None` if it is longer than `max` bytes or if
/// data follows it.
pub(crate) async fn read_head(stream: &TcpStream, max: usize) -> io::Result<Option<Vec<u8>>> {
    let mut head = vec![0; max];
    let mut length = 0;
    loop {
        stream.readable().await?;
        match stream.try_read(&mut head[length..]) {
            Ok(0) if length == max => return Ok(None),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        }
        if let Some(end) = head[..length].windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let is_alone = end + 4 == length;
            head.truncate(length);
            return Ok(is_alone.then_some(head));
        }
    }
}

pub(crate) async fn write(stream: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

pub(crate) fn random_token<const N: usize>() -> io::Result<String> {
    let mut bytes = Zeroizing::new([0; N]);
    SystemRandom::new()
        .fill(&mut *bytes)
        .map_err(|_| io::Error::other("the system's random number generator failed"))?;
    Ok(URL_SAFE_NO_PAD.encode(*bytes))
}
