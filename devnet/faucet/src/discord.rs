//! Discord's sign-in: the page that asks the visitor, the exchange of codes, and who somebody is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::json;

use crate::server::StandIn;
use crate::service::{Request, Response, Service};

/// Most guilds on one page.
const PAGE: usize = 200;

/// The application that may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscordApp {
    /// Its public id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Where its visitors are sent back to.
    pub redirect_uri: String,
}

struct Person {
    username: String,
    guilds: BTreeSet<u64>,
}

/// Discord, for one application. Operations are `authorize`, `token`, `me`, `guilds` and `other`.
pub struct Discord {
    app: DiscordApp,
    people: BTreeMap<u64, Person>,
    signed_in: Option<u64>,
    codes: BTreeMap<String, u64>,
    tokens: BTreeMap<String, u64>,
    issued: u64,
}

impl Discord {
    /// Discord without people.
    #[must_use]
    pub fn new(app: DiscordApp) -> Discord {
        Discord {
            app,
            people: BTreeMap::new(),
            signed_in: None,
            codes: BTreeMap::new(),
            tokens: BTreeMap::new(),
            issued: 0,
        }
    }

    /// Adds a person, or changes name and guilds.
    pub fn set_person(&mut self, id: u64, username: &str, guilds: impl IntoIterator<Item = u64>) {
        let person = Person { username: username.to_owned(), guilds: guilds.into_iter().collect() };
        self.people.insert(id, person);
    }

    /// The authorize page sends this person back at once; with `None` it shows everybody to choose from.
    pub fn sign_in(&mut self, person: Option<u64>) {
        self.signed_in = person;
    }

    /// A code as the authorize page gives it, good for one exchange.
    pub fn issue_code(&mut self, person: u64) -> String {
        self.issued += 1;
        let code = format!("code-{}", self.issued);
        self.codes.insert(code.clone(), person);
        code
    }

    fn authorize(&mut self, request: &Request) -> Response {
        let asked = |name: &str| request.query_value(name).unwrap_or_default();
        let is_ours =
            asked("client_id") == self.app.client_id && asked("redirect_uri") == self.app.redirect_uri;
        if !is_ours || asked("response_type") != "code" {
            return Response::json(
                400,
                &json!({ "message": "Invalid OAuth2 authorize request", "code": 50_035 }),
            );
        }
        let chosen = asked("as").parse().ok().or(self.signed_in).filter(|id| self.people.contains_key(id));
        let Some(person) = chosen else { return self.page(request) };
        let code = self.issue_code(person);
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("code", &code)
            .append_pair("state", &asked("state"))
            .finish();
        let mark = if self.app.redirect_uri.contains('?') { '&' } else { '?' };
        Response::redirect(format!("{}{mark}{query}", self.app.redirect_uri))
    }

    fn page(&self, request: &Request) -> Response {
        let mut page = "<!doctype html><title>Discord stand-in</title><h1>Who are you?</h1><ul>".to_owned();
        for (id, person) in &self.people {
            let link = escaped(&format!("?{}&as={id}", request.query));
            let _ = write!(page, "<li><a href=\"{link}\">{}</a>", escaped(&person.username));
        }
        Response::typed(200, "text/html; charset=utf-8", page)
    }

    fn token(&mut self, request: &Request) -> Response {
        let asked = |name: &str| request.form_value(name).unwrap_or_default();
        let refuse = |status: u16, error: &str| Response::json(status, &json!({ "error": error }));
        if asked("client_id") != self.app.client_id || asked("client_secret") != self.app.client_secret {
            return refuse(401, "invalid_client");
        }
        if asked("grant_type") != "authorization_code" {
            return refuse(400, "unsupported_grant_type");
        }
        if asked("redirect_uri") != self.app.redirect_uri {
            return refuse(400, "invalid_request");
        }
        let Some(person) = self.codes.remove(&asked("code")) else { return refuse(400, "invalid_grant") };
        self.issued += 1;
        let token = format!("token-{}", self.issued);
        self.tokens.insert(token.clone(), person);
        let body = json!({
            "access_token": token, "token_type": "Bearer", "expires_in": 604_800,
            "refresh_token": format!("refresh-{}", self.issued), "scope": "identify guilds",
        });
        Response::json(200, &body)
    }

    /// Whose token the request carries.
    fn bearer(&self, request: &Request) -> Option<(u64, &Person)> {
        let id = *self.tokens.get(request.bearer()?)?;
        Some((id, self.people.get(&id)?))
    }
}

impl Service for Discord {
    fn operation(&self, request: &Request) -> &'static str {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/oauth2/authorize") => "authorize",
            ("POST", "/oauth2/token") => "token",
            ("GET", "/users/@me") => "me",
            ("GET", "/users/@me/guilds") => "guilds",
            _ => "other",
        }
    }

    fn answer(&mut self, request: &Request) -> Response {
        match self.operation(request) {
            "authorize" => return self.authorize(request),
            "token" => return self.token(request),
            "other" => return Response::json(404, &json!({ "message": "404: Not Found", "code": 0 })),
            _ => {}
        }
        let Some((id, person)) = self.bearer(request) else {
            return Response::json(401, &json!({ "message": "401: Unauthorized", "code": 0 }));
        };
        if self.operation(request) == "me" {
            let body = json!({
                "id": id.to_string(), "username": person.username, "global_name": null, "discriminator": "0",
            });
            return Response::json(200, &body);
        }
        guilds(person, request)
    }
}

/// A page in the order of the ids, which begins behind `after`.
fn guilds(person: &Person, request: &Request) -> Response {
    let number = |name: &str, otherwise: u64| match request.query_value(name) {
        Some(text) => text.parse::<u64>().ok(),
        None => Some(otherwise),
    };
    let limit = number("limit", 200).and_then(|limit| usize::try_from(limit).ok());
    let (Some(limit @ 1..=PAGE), Some(after)) = (limit, number("after", 0)) else {
        return Response::json(400, &json!({ "message": "Invalid Form Body", "code": 50_035 }));
    };
    let page = person.guilds.iter().filter(|guild| **guild > after).take(limit);
    let shown = page.map(|guild| {
        json!({ "id": guild.to_string(), "name": format!("guild {guild}"), "owner": false, "permissions": "0" })
    });
    Response::json(200, &shown.collect())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

impl StandIn<Discord> {
    /// Adds a person, or changes name and guilds.
    pub fn set_person(&self, id: u64, username: &str, guilds: impl IntoIterator<Item = u64>) {
        self.with(|discord| discord.set_person(id, username, guilds));
    }

    /// The authorize page sends this person back at once; with `None` it shows everybody to choose from.
    pub fn sign_in(&self, person: Option<u64>) {
        self.with(|discord| discord.sign_in(person));
    }

    /// A code as the authorize page gives it, good for one exchange.
    #[must_use]
    pub fn issue_code(&self, person: u64) -> String {
        self.with(|discord| discord.issue_code(person))
    }
}
