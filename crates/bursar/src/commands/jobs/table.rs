//! The jobs as a table for people: one line a job, with spans of time instead of instants.

use bursar_desk::job::JobRow;
use bursar_store::Timestamp;

use super::condition::{Condition, Moment};

/// Longest text of a failure in the table, in characters; JSON has all of it.
const FAILURE_CHARACTERS: usize = 100;
const HEAD: [&str; 9] =
    ["JOB", "STATE", "RUN BY", "HEARTBEAT", "LAST SUCCESS", "LAST FAILURE", "NEXT RUN", "LAG", "FAILURES"];

/// The table, ending without a line break.
pub fn table(jobs: &[(&JobRow, Condition)], moment: Moment) -> String {
    let mut lines = vec![HEAD.map(str::to_owned)];
    lines.extend(jobs.iter().map(|(job, condition)| line(job, *condition, moment)));
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
    let aligned = |line: &[String; 9]| {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut text: Vec<String> = lines.iter().map(aligned).collect();
    let failures = jobs.iter().filter_map(|(job, _)| Some((job, job.last_error.as_ref()?)));
    text.extend(failures.map(|(job, why)| format!("{} failed: {}", job.name, shortened(why))));
    text.join("\n")
}

fn line(job: &JobRow, condition: Condition, moment: Moment) -> [String; 9] {
    let ago = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| span(moment.since(at)));
    let next = match job.next_at {
        None => "-".to_owned(),
        Some(at) if at <= moment.now => "due".to_owned(),
        Some(at) => format!("in {}", span(at.ms().saturating_sub(moment.now.ms()))),
    };
    [
        job.name.clone(),
        condition.word().to_owned(),
        job.leased_by.as_deref().map_or("-", short).to_owned(),
        ago(job.checked_at),
        ago(job.succeeded_at),
        ago(job.failed_at),
        next,
        span(job.lag_ms),
        job.failures.to_string(),
    ]
}

/// The end of a process id, which tells processes apart; they begin alike.
fn short(process: &str) -> &str {
    process.rsplit('-').next().unwrap_or(process)
}

/// One line of a failure's text.
fn shortened(why: &str) -> String {
    let one_line: String = why.chars().map(|mark| if mark.is_control() { ' ' } else { mark }).collect();
    match one_line.char_indices().nth(FAILURE_CHARACTERS) {
        Some((end, _)) => format!("{}...", one_line.get(..end).unwrap_or_default()),
        None => one_line,
    }
}

/// A span as people read it, cut to its two greatest units.
pub fn span(ms: i64) -> String {
    let (seconds, rest) = (ms / 1_000, ms % 1_000);
    match seconds {
        0 => format!("{rest} ms"),
        1..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_cut_to_their_two_greatest_units() {
        let spans = [0, 999, 59_999, 61_000, 3_660_000, 90_000_000].map(span);
        assert_eq!(spans, ["0 ms", "999 ms", "59 s", "1 min 1 s", "1 h 1 min", "1 d 1 h"]);
    }

    #[test]
    fn a_failure_is_one_short_line_whatever_it_says() {
        assert_eq!(shortened("a\nb\u{1b}[2J"), "a b [2J");
        assert_eq!(shortened(&"\u{e9}".repeat(101)), format!("{}...", "\u{e9}".repeat(100)));
    }
}
