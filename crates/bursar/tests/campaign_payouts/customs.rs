//! Stands between the servers and the node, and looks at every block that leaves: its very bytes must be committed, and
//! in a journal, before the node sees them.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bursar_banano::SignedBlock;
use serde_json::Value;
use ureq::Agent;

use crate::campaign::Book;

/// Longer than servers wait for a node.
const NODE_TIME: Duration = Duration::from_secs(20);

/// What was seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// How often blocks left, the same ones again included.
    pub handed_over: u64,
    /// Their hashes.
    pub blocks: BTreeSet<String>,
    /// Blocks that left too early, and why.
    pub smuggled: Vec<String>,
}

/// A running proxy; its threads end with the process.
#[derive(Clone)]
pub struct Customs {
    address: SocketAddr,
    office: Arc<Office>,
}

struct Office {
    node: String,
    agent: Agent,
    book: Mutex<Option<Book>>,
    journals: Mutex<Vec<PathBuf>>,
    seen: Mutex<Seen>,
}

impl Customs {
    /// In front of the node at this URL.
    pub fn start(node: &str) -> Customs {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let agent = Agent::config_builder().http_status_as_error(false).timeout_global(Some(NODE_TIME));
        let office = Office {
            node: node.to_owned(),
            agent: agent.build().into(),
            book: Mutex::default(),
            journals: Mutex::default(),
            seen: Mutex::default(),
        };
        let customs = Customs { address: listener.local_addr().unwrap(), office: Arc::new(office) };
        let office = Arc::clone(&customs.office);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let office = Arc::clone(&office);
                std::thread::spawn(move || stream.ok().and_then(|stream| office.pass(&stream)));
            }
        });
        customs
    }

    /// For `BANANO_NODE_RPC`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Looks into this database from now on, and into these journals: a block must be in one of them.
    pub fn look_into(&self, book: Book, journals: Vec<PathBuf>) {
        *self.office.book.lock().unwrap() = Some(book);
        *self.office.journals.lock().unwrap() = journals;
    }

    /// What was seen so far.
    pub fn seen<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.office.seen.lock().unwrap())
    }
}

impl Office {
    /// One request and its answer; `None` = either side broke off.
    fn pass(&self, stream: &TcpStream) -> Option<()> {
        let body = read_request(stream)?;
        self.inspect(&body);
        let mut answer =
            self.agent.post(&self.node).header("content-type", "application/json").send(&body).ok()?;
        let status = answer.status().as_u16();
        let text = answer.body_mut().read_to_string().ok()?;
        let length = text.len();
        let head = format!(
            "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
        );
        let mut stream = stream;
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(text.as_bytes()).ok()
    }

    fn inspect(&self, body: &str) {
        let request: Value = serde_json::from_str(body).unwrap_or_default();
        if request["action"] != "process" {
            return;
        }
        let block: SignedBlock = serde_json::from_value(request["block"].clone()).expect("a block of ours");
        let hash = block.hash().to_string();
        let problem = self.problem(&hash, &request["block"]);
        let mut seen = self.seen.lock().unwrap();
        seen.handed_over += 1;
        seen.blocks.insert(hash.clone());
        seen.smuggled.extend(problem.map(|problem| format!("{hash} left {problem}")));
    }

    fn problem(&self, hash: &str, block: &Value) -> Option<&'static str> {
        let book = self.book.lock().unwrap();
        let book = book.as_ref()?;
        let sql = "SELECT bytes FROM payout_attempt WHERE transaction_id = $1";
        let stored: Option<Vec<u8>> = book
            .store()
            .read("test.customs", |tx| tx.query_first(sql, &[hash.into()], |row| row.get(0)))
            .expect("the database can be read");
        let Some(stored) = stored else { return Some("without an attempt in the database") };
        let stored: Value = serde_json::from_slice(&stored).unwrap();
        if stored["block"] != *block {
            return Some("in other bytes than were stored");
        }
        let journals = self.journals.lock().unwrap();
        let is_noted = |path: &PathBuf| std::fs::read_to_string(path).is_ok_and(|text| text.contains(hash));
        (!journals.iter().any(is_noted)).then_some("without a line in a journal")
    }
}

fn read_request(stream: &TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        if line == "\r\n" {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    String::from_utf8(body).ok()
}
