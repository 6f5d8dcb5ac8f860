//! One question to the Fortnite statistics; [`super::KillReader`] decides when to ask and how often.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Number;
use ureq::http::HeaderValue;
use ureq::http::header::AUTHORIZATION;

use super::http::{Answer, Client, Question, is_plain_id, secret_header};
use super::kill_reader::StatsSource;
use super::observer::Observer;
use super::reading::{NoData, Problem, Reading, Upstream, UpstreamConfigError};

/// More kills than anybody can have; a larger number is an error of the service.
const KILLS_LIMIT: u64 = 1_000_000_000;

/// Where and how to ask.
#[derive(Clone)]
pub struct StatsConfig {
    /// `https://fortnite-api.com/v2` unless tested.
    pub base_url: String,
    /// Sent as the `Authorization` header, without scheme.
    pub api_key: SecretString,
    /// Time for each question.
    pub timeout: Duration,
}

impl StatsConfig {
    /// The service's own address.
    pub const BASE_URL: &'static str = "https://fortnite-api.com/v2";

    /// At the service's own address, with 5 s for each question.
    #[must_use]
    pub fn new(api_key: SecretString) -> StatsConfig {
        StatsConfig { base_url: StatsConfig::BASE_URL.to_owned(), api_key, timeout: Duration::from_secs(5) }
    }
}

/// The statistics themselves.
pub struct Stats {
    http: Client,
    key: HeaderValue,
}

impl Stats {
    /// A client; nothing is sent yet.
    pub fn new(config: StatsConfig, observer: Arc<dyn Observer>) -> Result<Stats, UpstreamConfigError> {
        Ok(Stats {
            http: Client::below(Upstream::Fortnite, &config.base_url, config.timeout, observer)?,
            key: secret_header(Upstream::Fortnite, &config.api_key)?,
        })
    }
}

impl StatsSource for Stats {
    fn ask(&self, account: &str) -> Reading<u64> {
        if !is_plain_id(account) {
            return Reading::NoData(NoData::BadAccount);
        }
        let path = format!("/stats/br/v2/{account}");
        let header = Some((AUTHORIZATION, self.key.clone()));
        let asked =
            self.http.ask(Question { path: &path, header, body: None }, |answer| reading(answer, account));
        asked.unwrap_or_else(Reading::Unavailable)
    }
}

impl fmt::Debug for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stats").field("host", &self.http.host()).finish_non_exhaustive()
    }
}

impl fmt::Debug for StatsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatsConfig").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Body {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    account: Option<Account>,
    stats: Option<Modes>,
}

#[derive(Deserialize)]
struct Account {
    id: String,
}

#[derive(Deserialize)]
struct Modes {
    all: Option<All>,
}

#[derive(Deserialize)]
struct All {
    overall: Option<Totals>,
}

#[derive(Deserialize)]
struct Totals {
    kills: Option<Number>,
}

pub(super) fn reading(answer: &Answer, account: &str) -> Result<Reading<u64>, Problem> {
    match answer.status {
        200 => {}
        400 => return Ok(Reading::NoData(NoData::BadAccount)),
        403 => return Ok(Reading::NoData(NoData::Private)),
        404 => return Ok(Reading::NotFound),
        other => return Err(Problem::of_status(other)),
    }
    let Body { data } = answer.json()?;
    if data.account.is_some_and(|told| !told.id.eq_ignore_ascii_case(account)) {
        return Err(Problem::Invalid("it is about another account"));
    }
    let totals = data.stats.and_then(|modes| modes.all).and_then(|all| all.overall);
    let Some(totals) = totals else { return Ok(Reading::NoData(NoData::NoTotals)) };
    let Some(kills) = totals.kills else { return Ok(Reading::NoData(NoData::NoKills)) };
    match kills.as_u64() {
        Some(kills) if kills <= KILLS_LIMIT => Ok(Reading::Found(kills)),
        _ => Err(Problem::Invalid("the kills are no whole number that anybody can have")),
    }
}
