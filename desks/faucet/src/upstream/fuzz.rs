//! What the fuzz targets call: each service's answers, read as its client reads them. `None` = it is not believed.

use std::time::Duration;

use super::http::Answer;
use super::{Link, Reading, discord_answers, stats, token_balance, yunite};

/// Lifetime kills of `account`, if the answer holds them.
#[must_use]
pub fn kills(status: u16, body: &[u8], account: &str) -> Option<u64> {
    stats::reading(&Answer::made_up(status, body), account).ok()?.found()
}

/// What is linked with each of `ids`, in their order.
#[must_use]
pub fn links(status: u16, body: &[u8], ids: &[&str]) -> Option<Vec<Reading<Link>>> {
    yunite::readings(&Answer::made_up(status, body), ids).ok()
}

/// Whole tokens of `mint` in `wallet`.
#[must_use]
pub fn tokens(status: u16, body: &[u8], wallet: &str, mint: &str) -> Option<u64> {
    token_balance::sum(&Answer::made_up(status, body), wallet, mint).ok()
}

/// The visitor's id and name.
#[must_use]
pub fn visitor(status: u16, body: &[u8]) -> Option<(String, String)> {
    let answer = Answer::made_up(status, body);
    let _ = discord_answers::read_token(&answer);
    let _ = discord_answers::read_guilds(&answer);
    discord_answers::read_me(&answer).ok().map(|me| (me.id, me.username))
}

/// How long the service asks us to wait.
#[must_use]
pub fn retry_after(header: Option<&str>, body: &[u8]) -> Option<Duration> {
    super::retry_after::retry_after(header, body)
}
