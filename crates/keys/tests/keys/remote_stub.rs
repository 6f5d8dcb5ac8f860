//! A remote signer on the loopback address, for tests: one answer, and what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use bursar_keys::{Ed25519, Endpoint, KeyScheme, KeySecret, SigningRequest};

/// What the stub does with a request.
#[derive(Clone, Copy, Debug)]
pub enum Behaviour {
    /// Signs with the expected key.
    Signs,
    /// Signs another message.
    SignsSomethingElse,
    /// Answers this status, with text that must not get into any error.
    Status(u16),
    /// Answers a body without an end, of well-formed beginning.
    Endless,
    /// Answers something that is no JSON.
    Nonsense,
    /// Sends to another place.
    Redirects,
    /// Takes the request and says nothing.
    Silent,
}

/// What the stub was asked.
pub struct Asked {
    pub head: Vec<String>,
    pub body: String,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        let named = self.head.iter().filter_map(|line| line.split_once(": "));
        named.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub fn request(&self) -> SigningRequest {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Starts a signer that serves until the test ends.
pub fn start(secret: KeySecret, behaviour: Behaviour) -> (Endpoint, Receiver<Asked>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/sign", listener.local_addr().unwrap());
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let asked = read(&stream);
            let body = asked.body.clone();
            let _ = sender.send(asked);
            // The client may have gone away, as it should from an endless answer.
            let _ = answer(&stream, behaviour, &secret, &body);
        }
    });
    (Endpoint::parse(&url).unwrap(), receiver)
}

fn read(stream: &TcpStream) -> Asked {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let mut asked = Asked { head, body: String::new() };
    let length = asked.header("content-length").unwrap().parse().unwrap();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    asked.body = String::from_utf8(body).unwrap();
    asked
}

fn answer(
    mut stream: &TcpStream,
    behaviour: Behaviour,
    secret: &KeySecret,
    body: &str,
) -> std::io::Result<()> {
    let message = || {
        let request: SigningRequest = serde_json::from_str(body).unwrap();
        hex::decode(request.message).unwrap()
    };
    let signed = |message: &[u8]| hex::encode(Ed25519.sign(secret, message).unwrap());
    let (status, body) = match behaviour {
        Behaviour::Signs => (200, format!(r#"{{"signature":"{}"}}"#, signed(&message()))),
        Behaviour::SignsSomethingElse => (200, format!(r#"{{"signature":"{}"}}"#, signed(b"something else"))),
        Behaviour::Status(status) => (status, r#"{"error":"hunter2"}"#.to_owned()),
        Behaviour::Nonsense => (200, "hunter2".to_owned()),
        Behaviour::Redirects => {
            return stream
                .write_all(b"HTTP/1.1 307 x\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n");
        }
        Behaviour::Endless => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"signature\":\"")?;
            loop {
                stream.write_all(&[b'0'; 1_024])?;
            }
        }
        Behaviour::Silent => {
            thread::sleep(Duration::from_secs(60));
            return Ok(());
        }
    };
    let head = format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}
