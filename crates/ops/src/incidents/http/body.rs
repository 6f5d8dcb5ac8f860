//! The bodies that the routes of incidents take.

use bursar_desk::incident::{Act, Class, ExpectedEnd, News, Opening};
use bursar_store::Timestamp;
use bursar_web::ApiError;
use bursar_web::platform_codes::{INVALID_BODY, NOT_FOUND};
use serde::{Deserialize, Deserializer};

/// The acts that take a note only.
const BARE: [&str; 4] = ["acknowledge", "resolve", "reopen", "review"];

/// `POST /admin/incidents`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OpenWish {
    class: String,
    title: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    expected_end: End,
}

impl OpenWish {
    /// What the desk's admin wants to open.
    pub fn opening(self, desk: &str) -> Result<Opening, ApiError> {
        Ok(Opening {
            desk: desk.to_owned(),
            class: class(&self.class)?,
            title: self.title,
            message: self.message,
            expected_end: self.expected_end.0,
            is_acknowledged: false,
        })
    }
}

/// `POST /admin/incidents/{id}/{act}`: `update` takes all of it, the others the note.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ActWish {
    #[serde(default)]
    note: String,
    message: Option<String>,
    #[serde(default)]
    expected_end: End,
    class: Option<String>,
}

/// The act that the path names, with what the body says.
pub(super) fn act(named: &str, wish: ActWish) -> Result<Act, ApiError> {
    let ActWish { note, message, expected_end: End(expected_end), class: wanted } = wish;
    let is_bare = message.is_none() && expected_end == ExpectedEnd::Same && wanted.is_none();
    match named {
        "update" => {
            let class = wanted.map(|name| class(&name)).transpose()?;
            Ok(Act::Update(News { note, message, expected_end, class }))
        }
        name if BARE.contains(&name) && !is_bare => {
            let text =
                "Words for users, an expected end and a class are given by update; this takes a note only.";
            Err(ApiError::because(&INVALID_BODY, text))
        }
        "acknowledge" => Ok(Act::Acknowledge { note }),
        "resolve" => Ok(Act::Resolve { note }),
        "reopen" => Ok(Act::Reopen { note }),
        "review" => Ok(Act::Review { text: note }),
        _ => Err(ApiError::of(&NOT_FOUND)),
    }
}

fn class(name: &str) -> Result<Class, ApiError> {
    let unknown = || ApiError::because(&INVALID_BODY, "class takes P0 to P3 or S1 to S3.");
    Class::from_name(name).ok_or_else(unknown)
}

/// An expected end: absent = nothing is said, null = nobody knows, else RFC 3339.
#[derive(Default)]
struct End(ExpectedEnd);

impl<'de> Deserialize<'de> for End {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<End, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else {
            return Ok(End(ExpectedEnd::Unknown));
        };
        let at = text.parse::<jiff::Timestamp>().map_err(|_| {
            serde::de::Error::custom("expected_end takes a time such as 2026-01-31T12:00:00Z, or null")
        })?;
        Ok(End(ExpectedEnd::At(Timestamp::from_ms(at.as_millisecond()))))
    }
}
