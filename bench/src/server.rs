//! The real server process under load, and one HTTP/1.1 connection to it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A running server; dropping it kills it.
pub struct Server {
    process: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when the process is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    /// Starts `program` with the rounds desk on `database`, its clock standing at `now_ms`, with these variables set.
    pub fn start(program: &Path, database: &str, now_ms: i64, variables: &[(&str, &str)]) -> Server {
        Server::start_with(program, database, now_ms, variables, &[])
    }

    /// The same with more arguments.
    pub fn start_with(
        program: &Path,
        database: &str,
        now_ms: i64,
        variables: &[(&str, &str)],
        arguments: &[&str],
    ) -> Server {
        let begun = Instant::now();
        let mut process = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0", "--clock", &format!("manual:{now_ms}")])
            .args(arguments)
            .env_clear()
            .env("BURSAR_ENV", "dev")
            .env("BURSAR_DESKS", "rounds")
            .env("DATABASE_URL", database)
            .env("LOG_LEVEL", "warn")
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts: build it with `cargo build --release -p bursar`");
        let stdout = process.stdout.take().expect("its output");
        let mut lines = BufReader::new(stdout).lines();
        let line = lines.by_ref().map_while(Result::ok).find(|line| line.contains("listening on http://"));
        let line = line.expect("the server says where it listens");
        println!("server ready in {:.0} ms", begun.elapsed().as_secs_f64() * 1e3);
        let address = line.rsplit("http://").next().unwrap_or_default();
        let address = address.trim_end_matches(['"', ' ', '}']).to_owned();
        std::thread::spawn(move || lines.for_each(drop));
        Server { process, address }
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its resident memory, KiB.
    pub fn resident_kib(&self) -> String {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
        line.split_whitespace().nth(1).unwrap_or("?").to_owned()
    }
}

/// A keep-alive connection with one request in flight.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub async fn open(address: &str) -> Connection {
        let stream = TcpStream::connect(address).await.expect("connects");
        stream.set_nodelay(true).expect("no delay");
        Connection { stream, buffer: vec![0; 1 << 20] }
    }

    /// Sends `request` and waits for the whole answer; its text, and the milliseconds that it took.
    pub async fn exchange(&mut self, request: &str) -> (String, f64) {
        let answer = self.try_exchange(request).await;
        answer.expect("the server closed the connection, or the answer exceeds a mebibyte")
    }

    /// The same; `None` = the server is gone.
    pub async fn try_exchange(&mut self, request: &str) -> Option<(String, f64)> {
        let begun = Instant::now();
        self.stream.write_all(request.as_bytes()).await.ok()?;
        let mut read = 0;
        while !is_complete(&self.buffer[..read]) {
            let count = self.stream.read(&mut self.buffer[read..]).await.ok().filter(|count| *count > 0)?;
            read += count;
        }
        let milliseconds = begun.elapsed().as_secs_f64() * 1e3;
        Some((String::from_utf8_lossy(&self.buffer[..read]).into_owned(), milliseconds))
    }
}

fn is_complete(bytes: &[u8]) -> bool {
    let Some(head) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let length =
        text.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok());
    length.is_some_and(|length| bytes.len() >= head + 4 + length)
}
