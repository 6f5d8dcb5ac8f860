//! What happened, line by line: hashed always, printed on request.

/// The lines of one run.
#[derive(Debug)]
pub struct Trace {
    hasher: blake3::Hasher,
    lines: u64,
    prints: bool,
}

impl Trace {
    /// An empty trace; with `prints` each line also goes to standard output.
    pub fn new(prints: bool) -> Trace {
        Trace { hasher: blake3::Hasher::new(), lines: 0, prints }
    }

    /// Adds a line: when (ms since the run began), how deep in nested steps, what.
    pub fn line(&mut self, at_ms: i64, depth: usize, text: &str) {
        let line =
            format!("{:>7}.{:03} {:indent$}{text}\n", at_ms / 1_000, at_ms % 1_000, "", indent = depth * 2);
        self.hasher.update(line.as_bytes());
        self.lines += 1;
        if self.prints {
            print!("{line}");
        }
    }

    /// The hash over all lines so far, in hexadecimal digits.
    pub fn hash(&self) -> String {
        self.hasher.finalize().to_hex().to_string()
    }

    /// How many lines there are.
    pub fn lines(&self) -> u64 {
        self.lines
    }
}
