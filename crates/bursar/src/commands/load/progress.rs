//! Progress for a person at a terminal; silence everywhere else.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

const STEPS: &str = "{msg:>28} {bar:32} {pos}/{len} {per_sec} {eta}";
const WAITING: &str = "{spinner} {msg}";

/// A bar on stderr, cleared when it is dropped; hidden when stderr is no terminal.
pub struct Bar(ProgressBar);

impl Bar {
    /// So many steps.
    pub fn of(what: String, steps: usize) -> Bar {
        let bar = ProgressBar::new(u64::try_from(steps).unwrap_or(u64::MAX));
        bar.set_style(style(STEPS, ProgressStyle::default_bar));
        bar.set_message(what);
        Bar(bar)
    }

    /// One of them is done.
    pub fn step(&self) {
        self.0.inc(1);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Says what is waited for.
pub struct Waiting {
    bar: ProgressBar,
    what: String,
}

impl Waiting {
    /// Begins to wait.
    pub fn of(what: String) -> Waiting {
        let bar = ProgressBar::new_spinner();
        bar.set_style(style(WAITING, ProgressStyle::default_spinner));
        bar.enable_steady_tick(Duration::from_millis(200));
        Waiting { bar, what }
    }

    /// So much is left.
    pub fn left(&self, left_ms: i64) {
        let what = &self.what;
        self.bar.set_message(format!("{what}: {} s left", (left_ms + 999) / 1_000));
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str, otherwise: impl FnOnce() -> ProgressStyle) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| otherwise())
}
