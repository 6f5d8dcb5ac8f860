//! One connection to a server, which never sends anything twice: what a killed server has heard stays an open question.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use super::{Bet, PATIENCE};

/// What came back for a join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// 200, and the entry is new.
    Created,
    /// 200, and the entry was there before.
    Known,
    /// Any other answer: the status and the code.
    Refused(u16, String),
    /// The connection ended: whether the join was accepted is not known.
    Nothing,
}

/// A connection that is kept open.
pub struct Connection(BufReader<TcpStream>);

impl Connection {
    /// To the server at `base`; `None` = there is none any more.
    pub fn open(base: &str) -> Option<Connection> {
        let stream = TcpStream::connect(base.trim_start_matches("http://")).ok()?;
        stream.set_nodelay(true).ok()?;
        stream.set_read_timeout(Some(2 * PATIENCE)).ok()?;
        Some(Connection(BufReader::new(stream)))
    }

    /// Sends a join and waits for what comes back.
    pub fn join(&mut self, bet: &Bet) -> Heard {
        self.send_join(bet);
        self.hear_join()
    }

    /// Sends a join.
    pub fn send_join(&mut self, bet: &Bet) {
        self.send("/api/sim/entries", "", &bet.body());
    }

    /// Waits for the answer to a join.
    pub fn hear_join(&mut self) -> Heard {
        let Some((status, text)) = self.hear() else { return Heard::Nothing };
        let body: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text:?}"));
        match (status, body["created"].as_bool()) {
            (200, Some(true)) => Heard::Created,
            (200, Some(false)) => Heard::Known,
            _ => Heard::Refused(status, body["code"].as_str().unwrap_or_default().to_owned()),
        }
    }

    /// Posts and waits for status and body; `None` = the connection ended.
    pub fn post(&mut self, path: &str, headers: &str, body: &str) -> Option<(u16, String)> {
        self.send(path, headers, body);
        self.hear()
    }

    fn send(&mut self, path: &str, headers: &str, body: &str) {
        let length = body.len();
        let text = format!(
            "POST {path} HTTP/1.1\r\nhost: bursar\r\ncontent-type: application/json\r\n{headers}\
             content-length: {length}\r\n\r\n{body}"
        );
        // A connection that has ended says so when the answer is waited for.
        let _ = self.0.get_mut().write_all(text.as_bytes());
    }

    fn hear(&mut self) -> Option<(u16, String)> {
        let mut line = String::new();
        self.0.read_line(&mut line).ok()?;
        let status = line.split(' ').nth(1)?.parse().ok()?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).ok().filter(|read| *read > 0)?;
            if line == "\r\n" {
                break;
            }
            let (name, value) = line.split_once(':')?;
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).ok()?;
        Some((status, String::from_utf8(body).unwrap()))
    }
}
