//! The log: JSON lines on stdout unless that is taken, and in a file when one is named, written by a thread of their own.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bursar_faucet::log_ring::LogRing;
use parking_lot::{Condvar, Mutex};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::{LogLevel, Logging};

/// Bytes that may wait for a slow reader of stdout; what comes on top is dropped and counted.
const WAITING_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How long an ending process waits for a slow reader.
const FLUSH_TIME: Duration = Duration::from_secs(5);

/// The running log. Dropping it writes what waits.
pub(super) struct Log {
    queue: Queue,
    thread: Option<JoinHandle<()>>,
}

#[derive(Clone)]
struct Queue {
    waiting: Arc<(Mutex<Waiting>, Condvar)>,
    /// What administrators are shown; `None` where nobody could ask.
    ring: Option<LogRing>,
}

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    dropped_lines: u64,
    is_writing: bool,
    has_ended: bool,
}

/// The newest lines of this process's log, for the desk that shows them.
static NEWEST: OnceLock<LogRing> = OnceLock::new();

/// The newest lines of this process's log; none where logging was not started with `keeps_lines`.
pub(crate) fn newest() -> LogRing {
    NEWEST.get().cloned().unwrap_or_else(|| LogRing::new(1))
}

/// Starts logging as configured. With `keeps_lines` the newest ones can be read again.
pub(super) fn start(logging: &Logging, keeps_lines: bool) -> io::Result<Log> {
    let file = logging.file.as_ref().map(|path| {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        OpenOptions::new().create(true).append(true).open(path)
    });
    let file = file.transpose()?;
    let ring = keeps_lines.then(|| NEWEST.get_or_init(|| LogRing::new(logging.kept_lines)).clone());
    let queue = Queue { waiting: Arc::default(), ring };
    let (writer, to_stdout) = (queue.clone(), logging.to_stdout);
    let thread = std::thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || writer.write_all(to_stdout, file))?;
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_max_level(level(logging.level))
        .with_writer(queue.clone())
        .finish();
    // A second logger in one process would be a test's own; the first one stays.
    let _ = tracing::subscriber::set_global_default(subscriber);
    let _ = LAST_WORDS.set(queue.clone());
    bursar_store::set_fail_stop_handler(stop_with_last_words);
    Ok(Log { queue, thread: Some(thread) })
}

/// What a process that stops itself writes before it ends.
static LAST_WORDS: OnceLock<Queue> = OnceLock::new();
/// How long it tries to: the reader of stdout may be what hangs.
const LAST_WORDS_TIME: Duration = Duration::from_secs(1);

fn stop_with_last_words(reason: &str) -> ! {
    if let Some(queue) = LAST_WORDS.get() {
        queue.wait_until_written(LAST_WORDS_TIME);
    }
    // When stderr is gone there is nobody to tell.
    let _ = writeln!(io::stderr(), "bursar: stopped itself: {reason}");
    std::process::abort()
}

fn level(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Trace => LevelFilter::TRACE,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Error => LevelFilter::ERROR,
    }
}

impl Log {
    /// Waits until everything logged so far is written.
    pub fn flush(&self) {
        self.queue.wait_until_written(FLUSH_TIME);
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.queue.waiting.0.lock().has_ended = true;
        self.queue.waiting.1.notify_all();
        if let Some(thread) = self.thread.take() {
            // The thread does not panic; there would be nobody to tell.
            let _ = thread.join();
        }
    }
}

impl Queue {
    fn wait_until_written(&self, longest: Duration) {
        let until = Instant::now() + longest;
        let (waiting, changed) = &*self.waiting;
        let mut waiting = waiting.lock();
        while !waiting.bytes.is_empty() || waiting.is_writing {
            if changed.wait_until(&mut waiting, until).timed_out() {
                return;
            }
        }
    }

    fn write_all(&self, to_stdout: bool, mut file: Option<File>) {
        let (waiting, changed) = &*self.waiting;
        let mut taken = Vec::new();
        let mut guard = waiting.lock();
        loop {
            if guard.bytes.is_empty() {
                if guard.has_ended {
                    return;
                }
                changed.wait(&mut guard);
                continue;
            }
            std::mem::swap(&mut taken, &mut guard.bytes);
            let dropped = std::mem::take(&mut guard.dropped_lines);
            guard.is_writing = true;
            drop(guard);
            write(&mut taken, dropped, to_stdout, file.as_mut());
            guard = waiting.lock();
            guard.is_writing = false;
            changed.notify_all();
        }
    }
}

/// A log that cannot be written must not stop the server: it goes on without.
fn write(bytes: &mut Vec<u8>, dropped_lines: u64, to_stdout: bool, file: Option<&mut File>) {
    if dropped_lines > 0 {
        let line = format!(
            "{{\"level\":\"WARN\",\"message\":\"{dropped_lines} log lines were dropped: the reader is too slow\"}}\n"
        );
        bytes.extend_from_slice(line.as_bytes());
    }
    if to_stdout {
        let mut stdout = io::stdout().lock();
        let _ = stdout.write_all(bytes).and_then(|()| stdout.flush());
    }
    if let Some(file) = file {
        let _ = file.write_all(bytes);
    }
    bytes.clear();
    bytes.shrink_to(64 * 1024);
}

/// One line on its way to the queue.
pub(super) struct Line(Queue);

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Some(ring) = &self.0.ring {
            ring.push(&String::from_utf8_lossy(line));
        }
        let (waiting, changed) = &*self.0.waiting;
        let mut waiting = waiting.lock();
        if waiting.bytes.len() + line.len() > WAITING_BYTES_MAX {
            waiting.dropped_lines += 1;
            return Ok(line.len());
        }
        let was_empty = waiting.bytes.is_empty();
        waiting.bytes.extend_from_slice(line);
        if was_empty {
            changed.notify_all();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Queue {
    type Writer = Line;

    fn make_writer(&self) -> Line {
        Line(self.clone())
    }
}
