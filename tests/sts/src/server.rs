//! The listening sockets, the record of requests, and faults of the connection.

use std::collections::VecDeque;
use std::io::{self, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::actions::{Twist, answer};
use crate::fault::Fault;
use crate::http::{Request, Response};
use crate::identity_center;
use crate::other_services;
use crate::state::World;
use crate::{tls, xml};

/// A recorded request.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The form's fields in order, decoded, without `Action` and `Version`.
    pub parameters: Vec<(String, String)>,
    /// For instance `AssumeRole`.
    pub action: String,
    /// The access key ID that signed; empty for unsigned requests.
    pub access_key_id: String,
    /// The region it was signed for.
    pub region: String,
    /// Whether it came over TLS.
    pub tls: bool,
    /// The `User-Agent` header.
    pub user_agent: String,
}

impl Recorded {
    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn of(request: &Request, tls: bool) -> Self {
        let (mut action, mut parameters) = (String::new(), request.form());
        parameters.retain(|(name, value)| {
            if name == "Action" {
                action.clone_from(value);
            }
            name != "Action" && name != "Version"
        });
        if request.is_of_s3() {
            action = "ListBuckets".into();
        } else if let Some(name) = other_services::name(request) {
            action = name.into();
            if identity_center::name(request).is_some() {
                parameters = identity_center::parameters(request);
            }
        }
        let authorization = request.header("authorization").unwrap_or_default();
        let scope = authorization.split("Credential=").nth(1).unwrap_or_default();
        let mut scope = scope.split('/');
        Self {
            parameters,
            action,
            access_key_id: scope.next().unwrap_or_default().to_owned(),
            region: scope.nth(1).unwrap_or_default().to_owned(),
            tls,
            user_agent: request.header("user-agent").unwrap_or_default().to_owned(),
        }
    }
}

#[derive(Debug, Default)]
struct State {
    world: World,
    requests: Vec<Recorded>,
    /// Each with the number of answers that it still applies to.
    faults: VecDeque<(Fault, usize)>,
    /// The number of requests that wait for [`Fault::Gather`].
    gathered: usize,
}

/// A running service; it stops when dropped.
#[derive(Debug)]
pub struct Sts {
    http: SocketAddr,
    https: SocketAddr,
    expired: SocketAddr,
    authority: SocketAddr,
    ca_pem: String,
    state: Arc<Mutex<State>>,
    stop: Arc<AtomicBool>,
}

impl Sts {
    /// Listens on two ports of 127.0.0.1, one for http and one for https; port 0 takes free ones.
    ///
    /// # Errors
    /// A port is not available.
    pub fn start(world: World, http_port: u16, https_port: u16) -> io::Result<Self> {
        let (ca_pem, [tls, expired_tls, authority_tls]) = tls::servers();
        let state = Arc::new(Mutex::new(State { world, ..State::default() }));
        let stop = Arc::new(AtomicBool::new(false));
        let listen = |port, tls: Option<Arc<ServerConfig>>| {
            let listener = TcpListener::bind(("127.0.0.1", port))?;
            let address = listener.local_addr()?;
            let (state, stop) = (Arc::clone(&state), Arc::clone(&stop));
            std::thread::spawn(move || {
                for stream in listener.incoming() {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let (state, tls) = (Arc::clone(&state), tls.clone());
                    let Ok(stream) = stream else { continue };
                    // A client may close its connection at any time.
                    std::thread::spawn(move || drop(serve(&state, stream, tls)));
                }
            });
            io::Result::Ok(address)
        };
        let http = listen(http_port, None)?;
        let https = listen(https_port, Some(tls))?;
        let expired = listen(0, Some(expired_tls))?;
        let authority = listen(0, Some(authority_tls))?;
        Ok(Self { http, https, expired, authority, ca_pem, state, stop })
    }

    /// The plain endpoint.
    pub fn url(&self) -> String {
        format!("http://{}", self.http)
    }

    /// The TLS endpoint.
    pub fn https_url(&self) -> String {
        format!("https://{}", self.https)
    }

    /// A TLS endpoint whose certificate has expired.
    pub fn expired_https_url(&self) -> String {
        format!("https://{}", self.expired)
    }

    /// A TLS endpoint that shows the certificate of its authority.
    pub fn authority_https_url(&self) -> String {
        format!("https://{}", self.authority)
    }

    /// The certificate authority of the TLS endpoint.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Recorded> {
        lock(&self.state).requests.clone()
    }

    /// Forgets the recorded requests and the remaining faults.
    pub fn reset(&self) {
        let mut state = lock(&self.state);
        state.requests.clear();
        state.faults.clear();
    }

    /// Applies a fault to the next answers, after those of earlier faults.
    pub fn inject(&self, fault: Fault, times: usize) {
        lock(&self.state).faults.push_back((fault, times));
    }

    /// Changes the state of the service.
    pub fn change(&self, change: impl FnOnce(&mut World)) {
        change(&mut lock(&self.state).world);
    }
}

impl Drop for Sts {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wake the listeners up, so that they see `stop`.
        for address in [self.http, self.https, self.expired, self.authority] {
            drop(TcpStream::connect(address));
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(state: &Mutex<State>, stream: TcpStream, tls: Option<Arc<ServerConfig>>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    match tls {
        None => talk(state, BufReader::new(stream), false),
        Some(config) => {
            let connection = ServerConnection::new(config).map_err(io::Error::other)?;
            talk(state, BufReader::new(StreamOwned::new(connection, stream)), true)
        }
    }
}

fn talk<S: Read + Write>(state: &Mutex<State>, mut stream: BufReader<S>, tls: bool) -> io::Result<()> {
    loop {
        if is_reset_next(state) {
            // The kernel sends a reset when a socket with unread data is closed.
            let mut byte = [0];
            stream.get_mut().read_exact(&mut byte)?;
            take_fault(state);
            return stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n<AssumeRole");
        }
        let Some(request) = Request::read(&mut stream)? else { return Ok(()) };
        lock(state).requests.push(Recorded::of(&request, tls));
        let fault = take_fault(state);
        respond(state, stream.get_mut(), &request, fault)?;
    }
}

fn is_reset_next(state: &Mutex<State>) -> bool {
    matches!(lock(state).faults.front(), Some((Fault::Reset, _)))
}

fn take_fault(state: &Mutex<State>) -> Option<Fault> {
    let mut state = lock(state);
    let (fault, left) = state.faults.front_mut()?;
    *left = left.saturating_sub(1);
    let (fault, is_last) = (fault.clone(), *left == 0);
    if is_last {
        state.faults.pop_front();
    }
    Some(fault)
}

fn respond(
    state: &Mutex<State>,
    stream: &mut impl Write,
    request: &Request,
    fault: Option<Fault>,
) -> io::Result<()> {
    let gone = || io::Error::from(io::ErrorKind::ConnectionAborted);
    let html = |status| Response {
        status,
        headers: vec![("Content-Type".into(), "text/html".into())],
        body: b"<html><body>Out of order</body></html>".to_vec(),
    };
    let mut twist = Twist::default();
    match &fault {
        Some(Fault::Throttle) => return xml::error(400, "Throttling", "Rate exceeded").write(stream),
        Some(Fault::Status(status)) => return html(*status).write(stream),
        Some(Fault::Exception(status, name, message)) => {
            return identity_center::exception(*status, name, message).write(stream);
        }
        Some(Fault::Refuse(code, message)) => {
            let mut response = xml::error(403, code, message);
            response.headers.push(("Date".into(), http_date(lock(state).world.clock_offset)));
            return response.write(stream);
        }
        Some(Fault::Redirect(url)) => {
            let mut response = html(302);
            response.headers.push(("Location".into(), url.clone()));
            return response.write(stream);
        }
        Some(Fault::Malform) => return Response::xml(200, "<AssumeRoleResponse><Cred".into()).write(stream),
        Some(Fault::Oversize) => {
            return Response::xml(200, format!("<AssumeRoleResponse>{}", " ".repeat(10_000_000)))
                .write(stream);
        }
        Some(Fault::Silence) => {
            // Longer than any client waits. The thread ends with the process.
            std::thread::sleep(Duration::from_secs(120));
            return Err(gone());
        }
        Some(Fault::Delay(time)) => std::thread::sleep(*time),
        Some(Fault::Gather(count)) => {
            lock(state).gathered += 1;
            let begin = std::time::Instant::now();
            while lock(state).gathered < *count {
                if begin.elapsed() > Duration::from_secs(10) {
                    return html(400).write(stream);
                }
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        Some(Fault::WrongRole) => twist.wrong_role = true,
        Some(Fault::SessionArn(arn)) => twist.session_arn = Some(arn.clone()),
        Some(Fault::FarExpiry) => twist.expiry_offset = Some(10 * 365 * 86_400),
        Some(Fault::PastExpiry) => twist.expiry_offset = Some(-86_400),
        Some(Fault::ControlCharacters) => twist.token = Some("tok\nen\u{1b}[2J".into()),
        Some(Fault::NoCredentials) => twist.no_credentials = true,
        Some(
            Fault::Unanswered
            | Fault::Late(_)
            | Fault::Drip
            | Fault::Reset
            | Fault::Truncate
            | Fault::SkewedDate(_),
        )
        | None => {}
    }
    let mut response = answer(&mut lock(state).world, request, &twist);
    let offset = match &fault {
        Some(Fault::SkewedDate(seconds)) => *seconds,
        _ => lock(state).world.clock_offset,
    };
    response.headers.push(("Date".into(), http_date(offset)));
    match fault {
        Some(Fault::Late(time)) => {
            std::thread::sleep(time);
            response.write(stream)
        }
        Some(Fault::Unanswered) => {
            std::thread::sleep(Duration::from_secs(120));
            Err(gone())
        }
        Some(Fault::Drip) => {
            stream.write_all(&response.head())?;
            for byte in &response.body {
                stream.write_all(&[*byte])?;
                stream.flush()?;
                std::thread::sleep(Duration::from_secs(1));
            }
            Ok(())
        }
        Some(Fault::Truncate) => {
            stream.write_all(&response.head())?;
            stream.write_all(&response.body[..response.body.len() / 2])?;
            stream.flush()?;
            Err(gone())
        }
        _ => response.write(stream),
    }
}

/// Formats the time `offset` seconds from now for HTTP: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(offset: i64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let seconds = since.saturating_add_signed(offset);
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let text = humantime::format_rfc3339_seconds(time).to_string();
    let month: usize = text[5..7].parse().unwrap_or(1);
    let weekday = usize::try_from(seconds / 86_400 % 7).unwrap_or(0);
    format!("{}, {} {} {} {} GMT", DAYS[weekday], &text[8..10], MONTHS[month - 1], &text[..4], &text[11..19])
}
