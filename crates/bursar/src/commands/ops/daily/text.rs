//! The figures of a span of time as a text for people.

use bursar_store::Timestamp;

use super::figures::Figures;

/// The text, ending without a line break.
pub fn text(figures: &Figures) -> String {
    let counts = &figures.counts;
    let mut lines = vec![format!("From {} to {}", at(figures.window.from), at(figures.window.until))];
    let success = counts.success_bps().map_or_else(|| "-".to_owned(), percent);
    let latency = |bps| counts.latency_at_bps(bps).unwrap_or_else(|| "-".to_owned());
    lines.push(format!(
        "Answers: {}, of them {success} no fault of ours; half within {} s, 95 % within {} s, 99 % within {} s",
        figures.answered(),
        latency(5_000),
        latency(9_500),
        latency(9_900)
    ));
    lines.extend(counts.statuses().iter().map(|(status, calls)| format!("  {status}  {calls}")));
    lines.push("Refused by rate limit, by route and bucket:".to_owned());
    let limited = counts.limited();
    lines.extend(limited.iter().map(|one| format!("  {} {}  {}", one.route, one.bucket, one.calls)));
    if limited.is_empty() {
        lines.push("  none".to_owned());
    }
    lines.push("Most refused wallets:".to_owned());
    for caller in &counts.refused {
        let who = if caller.subject.is_empty() { "(others)" } else { &*caller.subject };
        let codes: Vec<String> = caller.codes.iter().map(|(code, calls)| format!("{code} {calls}")).collect();
        lines.push(format!("  {who}  {}: {}", caller.calls, codes.join(", ")));
    }
    if counts.refused.is_empty() {
        lines.push("  none".to_owned());
    }
    lines.push(format!(
        "Rounds: {} settled, {} refunded for want of a price, {} failed runs",
        figures.settled(),
        figures.voided(),
        figures.failed_runs()
    ));
    lines.extend(figures.lag().iter().map(|bucket| format!("  within {} s  {}", bucket.le, bucket.count)));
    lines.push(format!("Last backup: {}", figures.last_backup().map_or_else(|| "none".to_owned(), at)));
    let look_at = figures.look_at();
    if look_at.is_empty() {
        lines.push("Nothing is out of the ordinary.".to_owned());
    } else {
        lines.push("Look at:".to_owned());
        lines.extend(look_at.iter().map(|word| format!("  {word}")));
    }
    lines.join("\n")
}

/// An instant to the minute, in UTC.
fn at(time: Timestamp) -> String {
    let moment = jiff::Timestamp::from_millisecond(time.ms()).ok();
    moment.map_or_else(|| time.to_string(), |moment| moment.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

/// Basis points as a percentage with two places.
fn percent(bps: i64) -> String {
    format!("{}.{:02} %", bps / 100, bps % 100)
}
