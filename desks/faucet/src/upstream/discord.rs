//! Who a visitor is, by Discord's OAuth2: code for token, token for name and guilds. The token is dropped afterwards.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use ureq::http::HeaderValue;
use ureq::http::header::AUTHORIZATION;

use super::discord_answers::{read_guilds, read_me, read_token, snowflake};
use super::http::{Answer, Client, FORM, Question};
use super::observer::Observer;
use super::questions::{Identity, Visitor};
use super::reading::{Problem, Reading, Unavailable, Upstream, UpstreamConfigError};

/// Guilds on a page, the most that Discord gives.
const GUILDS_PER_PAGE: usize = 200;
/// Nobody is in more than 200 guilds, so a list that goes on past this many pages is no list.
const PAGES_LIMIT: u32 = 10;
/// Real codes have 30 characters.
const CODE_LIMIT: usize = 256;

/// The public side of the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscordApp {
    /// `https://discord.com/api` unless tested.
    pub base_url: String,
    /// The application's id.
    pub client_id: String,
    /// Where Discord sends visitors back to.
    pub redirect_uri: String,
    /// What visitors are asked to allow.
    pub scopes: Vec<String>,
}

impl DiscordApp {
    /// Discord's own address.
    pub const BASE_URL: &'static str = "https://discord.com/api";

    /// An application at Discord's own address that asks for name and guilds.
    #[must_use]
    pub fn new(client_id: impl Into<String>, redirect_uri: impl Into<String>) -> DiscordApp {
        DiscordApp {
            base_url: DiscordApp::BASE_URL.to_owned(),
            client_id: client_id.into(),
            redirect_uri: redirect_uri.into(),
            scopes: vec!["identify".to_owned(), "guilds".to_owned()],
        }
    }

    /// Where a visitor signs in; `state` comes back with the code.
    #[must_use]
    pub fn authorize_url(&self, state: &str) -> String {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("response_type", "code")
            .append_pair("scope", &self.scopes.join(" "))
            .append_pair("state", state)
            .finish();
        format!("{}/oauth2/authorize?{query}", self.base_url.trim_end_matches('/'))
    }
}

/// Where and how to ask.
#[derive(Clone)]
pub struct DiscordConfig {
    /// The application.
    pub app: DiscordApp,
    /// Its secret.
    pub client_secret: SecretString,
    /// The guild that visitors must be in: a snowflake in digits.
    pub guild_id: String,
    /// Time for each question.
    pub timeout: Duration,
}

impl DiscordConfig {
    /// With 10 s for each question.
    #[must_use]
    pub fn new(app: DiscordApp, client_secret: SecretString, guild_id: impl Into<String>) -> DiscordConfig {
        DiscordConfig { app, client_secret, guild_id: guild_id.into(), timeout: Duration::from_secs(10) }
    }
}

/// Discord itself.
pub struct Discord {
    http: Client,
    app: DiscordApp,
    client_secret: SecretString,
    guild_id: u64,
}

impl Discord {
    /// A client; nothing is sent yet.
    pub fn new(config: DiscordConfig, observer: Arc<dyn Observer>) -> Result<Discord, UpstreamConfigError> {
        let DiscordConfig { app, client_secret, guild_id, timeout } = config;
        let missing = |what| UpstreamConfigError::Identifier(Upstream::Discord, what);
        if app.client_id.is_empty() {
            return Err(missing("client id"));
        }
        if client_secret.expose_secret().is_empty() {
            return Err(UpstreamConfigError::Key(Upstream::Discord));
        }
        let guild_id = snowflake(&guild_id).ok_or(missing("guild id"))?;
        let http = Client::below(Upstream::Discord, &app.base_url, timeout, observer)?;
        Ok(Discord { http, app, client_secret, guild_id })
    }

    /// `None`: Discord refuses the code.
    fn sign_in(&self, code: &str) -> Result<Option<Visitor>, Unavailable> {
        let Some(token) = self.redeem(code)? else { return Ok(None) };
        let me = self.get("/users/@me", &token, read_me)?;
        let guild_member = self.is_member(&token)?;
        Ok(Some(Visitor { discord_user_id: me.id, username: me.username, guild_member }))
    }

    fn redeem(&self, code: &str) -> Result<Option<HeaderValue>, Unavailable> {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", &self.app.client_id)
            .append_pair("client_secret", self.client_secret.expose_secret())
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", &self.app.redirect_uri)
            .finish();
        let question = Question { path: "/oauth2/token", header: None, body: Some((FORM, form)) };
        self.http.ask(question, read_token)
    }

    fn is_member(&self, token: &HeaderValue) -> Result<bool, Unavailable> {
        let mut after = 0;
        for _ in 0..PAGES_LIMIT {
            let path = format!("/users/@me/guilds?limit={GUILDS_PER_PAGE}&after={after}");
            let page = self.get(&path, token, read_guilds)?;
            if page.contains(&self.guild_id) {
                return Ok(true);
            }
            let last = page.iter().copied().max().unwrap_or(0);
            if page.len() < GUILDS_PER_PAGE || last <= after {
                return Ok(false);
            }
            after = last;
        }
        let problem = Problem::Invalid("its list of guilds does not end");
        Err(Unavailable { upstream: Upstream::Discord, problem, retry_after: None })
    }

    fn get<T>(
        &self,
        path: &str,
        token: &HeaderValue,
        read: impl FnOnce(&Answer) -> Result<T, Problem>,
    ) -> Result<T, Unavailable> {
        let header = Some((AUTHORIZATION, token.clone()));
        self.http.ask(Question { path, header, body: None }, |answer| match answer.status {
            200 => read(answer),
            other => Err(Problem::of_status(other)),
        })
    }
}

impl Identity for Discord {
    fn identify(&self, code: &str) -> Reading<Visitor> {
        if code.is_empty() || code.len() > CODE_LIMIT {
            return Reading::NotFound;
        }
        match self.sign_in(code) {
            Ok(Some(visitor)) => Reading::Found(visitor),
            Ok(None) => Reading::NotFound,
            Err(unavailable) => Reading::Unavailable(unavailable),
        }
    }
}

impl fmt::Debug for Discord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Discord").field("host", &self.http.host()).finish_non_exhaustive()
    }
}

impl fmt::Debug for DiscordConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiscordConfig").field("guild_id", &self.guild_id).finish_non_exhaustive()
    }
}
