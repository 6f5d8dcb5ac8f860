//! A stretch of wire in front of PostgreSQL that cuts the connection at COMMIT, before or after it arrived.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use bursar_store::DatabaseUrl;

/// What becomes of the next COMMIT.
pub enum Cut {
    /// It never reaches the server.
    Before,
    /// The server commits, and its answer is lost.
    After,
    /// The server commits, and ends the session with a fatal error instead of an answer.
    AfterWithGoodbye,
    /// The client's connection ends at once; the server gets the COMMIT when the sender says so.
    Held(Receiver<()>),
}

/// The wire; connections through it end with the test.
pub struct CommitProxy {
    url: DatabaseUrl,
    cuts: Sender<Cut>,
}

impl CommitProxy {
    /// Puts a wire before `server`, whose URL names a host and port.
    pub fn before(server: &str) -> CommitProxy {
        let (user, rest) = server.split_once('@').unwrap();
        let (address, database) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("{user}@{}/{database}", listener.local_addr().unwrap()).parse().unwrap();
        let (cuts, planned) = channel();
        let (planned, address) = (Arc::new(Mutex::new(planned)), address.to_owned());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = TcpStream::connect(&address).unwrap();
                carry(client, server, &planned);
            }
        });
        CommitProxy { url, cuts }
    }

    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// Cuts at the next COMMIT of any connection.
    pub fn cut(&self, cut: Cut) {
        self.cuts.send(cut).unwrap();
    }
}

/// Set once the server's answers are held back: what the client gets instead.
type LastWords = Arc<Mutex<Option<Vec<u8>>>>;

/// PostgreSQL's error message with which an administrator's shutdown ends a session.
fn goodbye() -> Vec<u8> {
    let fields = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0";
    let length = u32::try_from(fields.len() + 4).unwrap();
    [b"E", &length.to_be_bytes()[..], fields].concat()
}

fn carry(client: TcpStream, server: TcpStream, planned: &Arc<Mutex<Receiver<Cut>>>) {
    let (mut from_server, mut to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let silenced: LastWords = Arc::default();
    let (silent, planned) = (Arc::clone(&silenced), Arc::clone(planned));
    thread::spawn(move || {
        let mut buffer = [0; 16_384];
        while let Ok(length @ 1..) = from_server.read(&mut buffer) {
            if let Some(last_words) = &*silent.lock().unwrap() {
                let _ = to_client.write_all(last_words);
                break;
            }
            if to_client.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        let _ = to_client.shutdown(Shutdown::Both);
    });
    thread::spawn(move || upstream(client, server, &silenced, &planned));
}

fn upstream(
    mut client: TcpStream,
    mut server: TcpStream,
    silenced: &LastWords,
    planned: &Mutex<Receiver<Cut>>,
) {
    let mut buffer = [0; 16_384];
    while let Ok(length @ 1..) = client.read(&mut buffer) {
        let message = &buffer[..length];
        let is_commit = message.windows(7).any(|text| text == b"COMMIT\0");
        let cut = if is_commit { planned.lock().unwrap().try_recv().ok() } else { None };
        match cut {
            None => {
                if server.write_all(message).is_err() {
                    break;
                }
                continue;
            }
            Some(Cut::Before) => {}
            Some(cut @ (Cut::After | Cut::AfterWithGoodbye)) => {
                let last_words = if matches!(cut, Cut::After) { Vec::new() } else { goodbye() };
                *silenced.lock().unwrap() = Some(last_words);
                server.write_all(message).unwrap();
                // The answer has arrived when the other direction has ended.
                let _ = client.read(&mut buffer);
            }
            Some(Cut::Held(release)) => {
                *silenced.lock().unwrap() = Some(Vec::new());
                client.shutdown(Shutdown::Both).unwrap();
                release.recv().unwrap();
                server.write_all(message).unwrap();
                let _ = client.read(&mut buffer);
                // Leaves the server time to answer: it ends the connection only after it has.
                let _ = server.shutdown(Shutdown::Write);
                return;
            }
        }
        break;
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}
