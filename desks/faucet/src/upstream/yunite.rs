//! Which Epic account a Discord user has, by Yunite's registration links; many users a call.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use ureq::http::HeaderValue;
use ureq::http::header::HeaderName;

use super::http::{Answer, Client, JSON, Question, is_name, is_plain_id, secret_header};
use super::observer::Observer;
use super::questions::{EpicAccount, Link, Links};
use super::reading::{NoData, Problem, Reading, Upstream, UpstreamConfigError};

/// Most users in one call.
pub const LINKS_PER_CALL: usize = 50;

const TOKEN: HeaderName = HeaderName::from_static("y-api-token");

/// Where and how to ask.
#[derive(Clone)]
pub struct YuniteConfig {
    /// `https://yunite.xyz/api` unless tested.
    pub base_url: String,
    /// The guild whose registrations are asked for.
    pub guild_id: String,
    /// The key of the guild.
    pub api_key: SecretString,
    /// Time for each call.
    pub timeout: Duration,
}

impl YuniteConfig {
    /// Yunite's own address.
    pub const BASE_URL: &'static str = "https://yunite.xyz/api";

    /// At Yunite's own address, with 10 s for each call.
    #[must_use]
    pub fn new(guild_id: impl Into<String>, api_key: SecretString) -> YuniteConfig {
        YuniteConfig {
            base_url: YuniteConfig::BASE_URL.to_owned(),
            guild_id: guild_id.into(),
            api_key,
            timeout: Duration::from_secs(10),
        }
    }
}

/// Yunite itself.
pub struct Yunite {
    http: Client,
    path: String,
    token: HeaderValue,
}

impl Yunite {
    /// A client; nothing is sent yet.
    pub fn new(config: YuniteConfig, observer: Arc<dyn Observer>) -> Result<Yunite, UpstreamConfigError> {
        if !is_plain_id(&config.guild_id) {
            return Err(UpstreamConfigError::Identifier(Upstream::Yunite, "guild id"));
        }
        Ok(Yunite {
            http: Client::below(Upstream::Yunite, &config.base_url, config.timeout, observer)?,
            path: format!("/v3/guild/{}/registration/links", config.guild_id),
            token: secret_header(Upstream::Yunite, &config.api_key)?,
        })
    }

    fn look_up_some(&self, ids: &[&str]) -> Vec<Reading<Link>> {
        let body = json!({ "type": "DISCORD", "userIds": ids }).to_string();
        let header = Some((TOKEN, self.token.clone()));
        let question = Question { path: &self.path, header, body: Some((JSON, body)) };
        match self.http.ask(question, |answer| readings(answer, ids)) {
            Ok(readings) => readings,
            Err(unavailable) => ids.iter().map(|_| Reading::Unavailable(unavailable)).collect(),
        }
    }
}

impl Links for Yunite {
    fn look_up(&self, discord_ids: &[&str]) -> Vec<Reading<Link>> {
        let mut readings: Vec<Reading<Link>> = Vec::with_capacity(discord_ids.len());
        for ids in discord_ids.chunks(LINKS_PER_CALL) {
            // A service that failed just now is not asked for the rest.
            match readings.last() {
                Some(Reading::Unavailable(unavailable)) => {
                    let unavailable = *unavailable;
                    readings.extend(ids.iter().map(|_| Reading::Unavailable(unavailable)));
                }
                _ => readings.extend(self.look_up_some(ids)),
            }
        }
        readings
    }
}

impl fmt::Debug for Yunite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Yunite").field("host", &self.http.host()).finish_non_exhaustive()
    }
}

impl fmt::Debug for YuniteConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("YuniteConfig").field("guild_id", &self.guild_id).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Registrations {
    users: Vec<User>,
    #[serde(default, rename = "notLinked")]
    not_linked: Vec<String>,
    #[serde(default, rename = "notFound")]
    not_found: Vec<String>,
}

#[derive(Deserialize)]
struct User {
    discord: DiscordUser,
    epic: Option<EpicUser>,
}

#[derive(Deserialize)]
struct DiscordUser {
    id: String,
}

#[derive(Deserialize)]
struct EpicUser {
    #[serde(rename = "epicID")]
    upper_case: Option<String>,
    #[serde(rename = "epicId")]
    camel_case: Option<String>,
    #[serde(rename = "epicName")]
    name: Option<String>,
}

pub(super) fn readings(answer: &Answer, ids: &[&str]) -> Result<Vec<Reading<Link>>, Problem> {
    match (answer.status, ids) {
        (200, _) => {}
        (404, [_]) => return Ok(vec![Reading::NotFound]),
        (404, _) => return Ok(ids.iter().map(|_| Reading::NoData(NoData::NothingFound)).collect()),
        (other, _) => return Err(Problem::of_status(other)),
    }
    let registrations: Registrations = answer.json()?;
    let mut told: BTreeMap<&str, Reading<Link>> = BTreeMap::new();
    for user in &registrations.users {
        note(&mut told, &user.discord.id, linked(user.epic.as_ref()));
    }
    for id in &registrations.not_linked {
        note(&mut told, id, Reading::Found(Link::NotLinked));
    }
    for id in &registrations.not_found {
        note(&mut told, id, Reading::Found(Link::NotInGuild));
    }
    let reading = |id: &&str| told.get(*id).cloned().unwrap_or(Reading::NoData(NoData::NotMentioned));
    Ok(ids.iter().map(reading).collect())
}

/// Twice the same is fine; two different things are neither.
fn note<'a>(told: &mut BTreeMap<&'a str, Reading<Link>>, id: &'a str, reading: Reading<Link>) {
    match told.get_mut(id) {
        None => {
            told.insert(id, reading);
        }
        Some(before) if *before == reading => {}
        Some(before) => *before = Reading::NoData(NoData::Contradiction),
    }
}

fn linked(epic: Option<&EpicUser>) -> Reading<Link> {
    let Some(epic) = epic else { return Reading::NoData(NoData::NoEpicAccount) };
    let id = match (&epic.upper_case, &epic.camel_case) {
        (Some(one), Some(other)) if one != other => return Reading::NoData(NoData::Contradiction),
        (Some(id), _) | (None, Some(id)) => id,
        (None, None) => return Reading::NoData(NoData::NoEpicAccount),
    };
    if !is_plain_id(id) {
        return Reading::NoData(NoData::NoEpicAccount);
    }
    let name = epic.name.clone().filter(|name| is_name(name));
    Reading::Found(Link::Linked(EpicAccount { id: id.clone(), name }))
}
