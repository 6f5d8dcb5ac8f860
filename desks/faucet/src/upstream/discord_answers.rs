//! What Discord's answers say.

use secrecy::SecretString;
use serde::Deserialize;
use ureq::http::HeaderValue;

use super::http::{Answer, is_name, secret_header};
use super::reading::{Problem, Upstream};

#[derive(Deserialize)]
struct Token {
    access_token: String,
    token_type: String,
}

#[derive(Deserialize)]
struct TokenRefusal {
    error: String,
}

/// `None`: the code is the problem. Any other refusal is about us.
pub(super) fn read_token(answer: &Answer) -> Result<Option<HeaderValue>, Problem> {
    match answer.status {
        200 => {}
        400 => {
            let refusal: Option<TokenRefusal> = answer.json().ok();
            let by_code = refusal.is_some_and(|refusal| refusal.error == "invalid_grant");
            return if by_code { Ok(None) } else { Err(Problem::Status(400)) };
        }
        other => return Err(Problem::of_status(other)),
    }
    let token: Token = answer.json()?;
    if !token.token_type.eq_ignore_ascii_case("bearer") {
        return Err(Problem::Invalid("its token is no bearer token"));
    }
    let bearer = SecretString::from(format!("Bearer {}", token.access_token));
    let header = secret_header(Upstream::Discord, &bearer);
    header.map(Some).map_err(|_| Problem::Invalid("its token does not fit a header"))
}

/// Who a token belongs to.
#[derive(Deserialize)]
pub(super) struct Me {
    /// A snowflake.
    pub id: String,
    /// The account's name.
    pub username: String,
}

/// Who the token belongs to.
pub(super) fn read_me(answer: &Answer) -> Result<Me, Problem> {
    let me: Me = answer.json()?;
    if snowflake(&me.id).is_none() {
        return Err(Problem::Invalid("the user's id is no snowflake"));
    }
    if !is_name(&me.username) {
        return Err(Problem::Invalid("the user's name is empty, too long or holds control characters"));
    }
    Ok(me)
}

#[derive(Deserialize)]
struct Guild {
    id: String,
}

/// The ids of one page.
pub(super) fn read_guilds(answer: &Answer) -> Result<Vec<u64>, Problem> {
    let guilds: Vec<Guild> = answer.json()?;
    let ids: Option<Vec<u64>> = guilds.iter().map(|guild| snowflake(&guild.id)).collect();
    ids.ok_or(Problem::Invalid("a guild's id is no snowflake"))
}

/// Digits without leading zero that fit 64 bits, so that one id has one text.
pub(super) fn snowflake(text: &str) -> Option<u64> {
    let is_canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| is_canonical)
}
