//! A receiver of webhooks on loopback that keeps what it was sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The longest wait for a delivery. Real time.
const PATIENCE: Duration = Duration::from_secs(15);

/// One delivery.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// Its headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body as it came.
    pub text: String,
}

impl Delivered {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A running receiver.
#[derive(Clone)]
pub struct Webhook {
    address: SocketAddr,
    received: Arc<(Mutex<Vec<Delivered>>, Condvar)>,
    status: Arc<AtomicU16>,
}

impl Webhook {
    /// Starts one on a free port; it answers 200.
    pub fn start() -> Webhook {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let webhook = Webhook {
            address: listener.local_addr().unwrap(),
            received: Arc::default(),
            status: Arc::new(AtomicU16::new(200)),
        };
        let shared = webhook.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = shared.clone();
                std::thread::spawn(move || stream.ok().and_then(|stream| shared.answer(&stream)));
            }
        });
        webhook
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Answers with this status from now on.
    pub fn answer_with(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// Everything received so far.
    pub fn received(&self) -> Vec<Delivered> {
        self.received.0.lock().unwrap().clone()
    }

    /// Waits for a delivery whose `event` is `name`.
    #[track_caller]
    pub fn wait_for_event(&self, name: &str) -> Delivered {
        let patience = Instant::now() + PATIENCE;
        let mut received = self.received.0.lock().unwrap();
        loop {
            let found = received.iter().find(|delivered| delivered.json()["event"] == name);
            if let Some(found) = found {
                return found.clone();
            }
            let left = patience.checked_duration_since(Instant::now());
            let left = left.unwrap_or_else(|| panic!("no delivery of {name}: {received:?}"));
            received = self.received.1.wait_timeout(received, left).unwrap().0;
        }
    }

    /// Waits until this many deliveries have come.
    #[track_caller]
    pub fn wait_for_count(&self, count: usize) {
        let patience = Instant::now() + PATIENCE;
        let mut received = self.received.0.lock().unwrap();
        while received.len() < count {
            let left = patience.checked_duration_since(Instant::now());
            let left = left.unwrap_or_else(|| panic!("{} of {count} deliveries came", received.len()));
            received = self.received.1.wait_timeout(received, left).unwrap().0;
        }
    }

    fn answer(&self, stream: &TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        let length = headers.iter().find(|(name, _)| name == "content-length")?.1.parse().ok()?;
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let text = String::from_utf8(body).ok()?;
        self.received.0.lock().unwrap().push(Delivered { headers, text });
        self.received.1.notify_all();
        let status = self.status.load(Ordering::SeqCst);
        let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        let mut stream = stream;
        stream.write_all(answer.as_bytes()).ok()
    }
}
