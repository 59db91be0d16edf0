//! A proxy on loopback that does to each request what a test decides: lets it through, answers itself, or breaks off. One request to a
//! connection; for clients that send a length.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// The longest that a connection is waited for. Nothing should come near it.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many bytes a slow answer has at once.
const TRICKLE_BYTES: usize = 100;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// The server answers.
    Pass,
    /// The server answers, and its answer goes on in small pieces.
    Trickle,
    /// The server answers, and the last so many bytes of its answer are lost.
    CutOff(usize),
    /// The answer to the first request that passed comes again.
    Stale,
    /// The proxy answers with this status, header and body: `503 Busy`, `retry-after: 1`, ``.
    Answer(&'static str, &'static str, &'static str),
    /// The connection ends without an answer.
    Reset,
}

/// What decides: told the request's number, from 0, and its bytes.
type Decide = Box<dyn Fn(usize, &[u8]) -> Deed + Send + Sync>;

struct Shared {
    server: SocketAddr,
    decide: Decide,
    n_requests: AtomicUsize,
    first_answer: Mutex<Option<Vec<u8>>>,
    is_stopped: AtomicBool,
}

/// The proxy; it ends when dropped.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// A proxy before this server.
    ///
    /// # Panics
    /// If it cannot listen.
    #[must_use]
    pub fn start(server: SocketAddr, decide: impl Fn(usize, &[u8]) -> Deed + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it listens");
        let shared = Arc::new(Shared {
            server,
            decide: Box::new(decide),
            n_requests: AtomicUsize::new(0),
            first_answer: Mutex::new(None),
            is_stopped: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        let thread = std::thread::spawn(move || serve(&listener, &serving));
        Self { address, shared, thread: Some(thread) }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many requests have come.
    #[must_use]
    pub fn n_requests(&self) -> usize {
        self.shared.n_requests.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.is_stopped.store(true, Ordering::SeqCst);
        // Wakes the thread, which waits for a connection.
        drop(TcpStream::connect(self.address));
        drop(self.thread.take().map(JoinHandle::join));
    }
}

fn serve(listener: &TcpListener, shared: &Arc<Shared>) {
    for connection in listener.incoming() {
        if shared.is_stopped.load(Ordering::SeqCst) {
            return;
        }
        let Ok(connection) = connection else { continue };
        let shared = Arc::clone(shared);
        // A connection that breaks is the client's to notice.
        std::thread::spawn(move || drop(answer(connection, &shared)));
    }
}

fn answer(mut client: TcpStream, shared: &Shared) -> io::Result<()> {
    client.set_read_timeout(Some(PATIENCE))?;
    client.set_nodelay(true)?;
    let request = read_request(&mut client)?;
    let number = shared.n_requests.fetch_add(1, Ordering::SeqCst);
    match (shared.decide)(number, &request) {
        Deed::Pass => client.write_all(&passed(&request, shared)?),
        Deed::Trickle => {
            let answer = passed(&request, shared)?;
            answer.chunks(TRICKLE_BYTES).try_for_each(|piece| client.write_all(piece))
        }
        Deed::CutOff(n_bytes) => {
            let answer = passed(&request, shared)?;
            client.write_all(answer.get(..answer.len().saturating_sub(n_bytes)).unwrap_or_default())
        }
        Deed::Stale => {
            let first = shared.first_answer.lock().unwrap_or_else(PoisonError::into_inner).clone();
            client.write_all(&first.unwrap_or_default())
        }
        Deed::Answer(status, header, body) => {
            let head = format!("HTTP/1.1 {status}\r\n{header}\r\nconnection: close\r\n");
            client.write_all(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes())
        }
        Deed::Reset => Ok(()),
    }
}

/// The head, and as much of a body as it announces.
fn read_request(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut request = Vec::new();
    let mut bytes = [0; 4096];
    loop {
        if let Some(end) = head_end(&request)
            && request.len() >= end + body_len(request.get(..end).unwrap_or_default())
        {
            return Ok(request);
        }
        match client.read(&mut bytes)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n_bytes => request.extend_from_slice(bytes.get(..n_bytes).unwrap_or_default()),
        }
    }
}

fn head_end(request: &[u8]) -> Option<usize> {
    Some(request.windows(4).position(|window| window == b"\r\n\r\n")? + 4)
}

fn body_len(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    length.unwrap_or_default()
}

/// What the server answers, to the byte.
fn passed(request: &[u8], shared: &Shared) -> io::Result<Vec<u8>> {
    let mut server = TcpStream::connect(shared.server)?;
    server.set_read_timeout(Some(PATIENCE))?;
    let line_end = request.windows(2).position(|window| window == b"\r\n").map_or(0, |place| place + 2);
    let (line, rest) = request.split_at(line_end);
    server.write_all(&[line, b"connection: close\r\n", rest].concat())?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    shared.first_answer.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| answer.clone());
    Ok(answer)
}
