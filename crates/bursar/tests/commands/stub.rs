//! A server that gives prepared answers to the network commands, and remembers what it was asked.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

/// A server on the loopback that answers as many requests as it has answers for.
pub struct Stub {
    pub base: String,
    asked: Receiver<String>,
}

impl Stub {
    /// Answers with these statuses and bodies, in order. A status of 3xx points to `/elsewhere`.
    pub fn answering(answers: &[(u16, &str)]) -> Stub {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let answers: Vec<(u16, String)> =
            answers.iter().map(|(status, body)| (*status, (*body).to_owned())).collect();
        let (tell, asked) = channel();
        std::thread::spawn(move || {
            for (status, body) in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let lines = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
                let request: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
                // The test may have ended without asking what was asked.
                let _ = tell.send(request.join("\n"));
                let length = body.len();
                write!(
                    stream,
                    "HTTP/1.1 {status} Stub\r\nlocation: /elsewhere\r\ncontent-length: {length}\r\n\
                     connection: close\r\n\r\n{body}"
                )
                .unwrap();
            }
        });
        Stub { base, asked }
    }

    /// The next request that came, its lines without the body.
    pub fn asked(&self) -> String {
        self.asked.recv().unwrap()
    }
}
