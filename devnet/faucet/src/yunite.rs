//! Yunite: which Discord user of a guild is which Epic account.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::server::StandIn;
use crate::service::{Request, Response, Service};

/// How the Epic id's field is spelt; both have been seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EpicSpelling {
    /// `epicID`.
    UpperCase,
    /// `epicId`.
    CamelCase,
}

/// The service for one guild. Its only operation is `links`.
pub struct Yunite {
    guild: String,
    token: String,
    spelling: EpicSpelling,
    members: BTreeSet<String>,
    links: BTreeMap<String, String>,
    batch_sizes: Vec<usize>,
}

impl Yunite {
    /// A service for an empty guild, which wants this token.
    #[must_use]
    pub fn new(guild: &str, token: &str) -> Yunite {
        Yunite {
            guild: guild.to_owned(),
            token: token.to_owned(),
            spelling: EpicSpelling::UpperCase,
            members: BTreeSet::new(),
            links: BTreeMap::new(),
            batch_sizes: Vec::new(),
        }
    }

    /// The user is in the guild, without an Epic account unless linked.
    pub fn join(&mut self, discord: &str) {
        self.members.insert(discord.to_owned());
    }

    /// The user is in the guild and has this Epic account.
    pub fn link(&mut self, discord: &str, epic: &str) {
        self.join(discord);
        self.links.insert(discord.to_owned(), epic.to_owned());
    }

    /// The user stays in the guild and has no Epic account any more.
    pub fn unlink(&mut self, discord: &str) {
        self.links.remove(discord);
    }

    /// The user is in the guild no more, and the link with it.
    pub fn leave(&mut self, discord: &str) {
        self.members.remove(discord);
        self.links.remove(discord);
    }

    /// Spells the Epic id's field so from now on.
    pub fn spell(&mut self, spelling: EpicSpelling) {
        self.spelling = spelling;
    }

    fn look_up(&self, ids: &[String]) -> Value {
        let (mut users, mut not_linked, mut not_found) = (Vec::new(), Vec::new(), Vec::new());
        let field = match self.spelling {
            EpicSpelling::UpperCase => "epicID",
            EpicSpelling::CamelCase => "epicId",
        };
        for id in ids {
            match self.links.get(id) {
                Some(epic) => users.push(json!({
                    "discord": { "id": id, "name": format!("name of {id}"), "avatar": null },
                    "epic": { field: epic, "epicName": format!("name of {epic}") },
                    "dateVerified": "2026-01-02T03:04:05Z",
                    "chosenPlatform": "PC",
                })),
                None if self.members.contains(id) => not_linked.push(id),
                None => not_found.push(id),
            }
        }
        json!({ "users": users, "notLinked": not_linked, "notFound": not_found })
    }
}

impl Service for Yunite {
    fn operation(&self, _: &Request) -> &'static str {
        "links"
    }

    fn answer(&mut self, request: &Request) -> Response {
        let refuse = |status: u16, message: &str| Response::json(status, &json!({ "message": message }));
        match request.header("y-api-token") {
            None => return refuse(401, "no API token"),
            Some(token) if token != self.token => return refuse(403, "this API token is not of this guild"),
            Some(_) => {}
        }
        let wanted = format!("/v3/guild/{}/registration/links", self.guild);
        if request.path != wanted || request.method != "POST" {
            return refuse(404, "not found");
        }
        let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
        let ids: Option<Vec<String>> = match (body["type"].as_str(), body["userIds"].as_array()) {
            (Some("DISCORD"), Some(ids)) => ids.iter().map(|id| id.as_str().map(str::to_owned)).collect(),
            _ => None,
        };
        let Some(ids) = ids else { return refuse(400, "type must be DISCORD, userIds a list of texts") };
        self.batch_sizes.push(ids.len());
        Response::json(200, &self.look_up(&ids))
    }
}

impl StandIn<Yunite> {
    /// The user is in the guild and has this Epic account.
    pub fn link(&self, discord: &str, epic: &str) {
        self.with(|yunite| yunite.link(discord, epic));
    }

    /// How many ids each call asked for, in order.
    #[must_use]
    pub fn batch_sizes(&self) -> Vec<usize> {
        self.with(|yunite| yunite.batch_sizes.clone())
    }
}
