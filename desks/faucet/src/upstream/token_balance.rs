//! Token balances by a Solana node's `getTokenAccountsByOwner`. An error leaves what is known as it is (W21).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::http::{Answer, Client, JSON, Question};
use super::observer::Observer;
use super::questions::TokenBalances;
use super::reading::{Problem, Reading, Upstream, UpstreamConfigError};

/// Where and how to ask.
#[derive(Clone)]
pub struct SolanaTokensConfig {
    /// The node, which may have a token in path or query.
    pub rpc_url: SecretString,
    /// The token's mint, in base58.
    pub mint: String,
    /// Time for each question.
    pub timeout: Duration,
}

impl SolanaTokensConfig {
    /// With 10 s for each question.
    #[must_use]
    pub fn new(rpc_url: SecretString, mint: impl Into<String>) -> SolanaTokensConfig {
        SolanaTokensConfig { rpc_url, mint: mint.into(), timeout: Duration::from_secs(10) }
    }
}

/// A Solana node, asked for one token.
pub struct SolanaTokens {
    http: Client,
    mint: String,
}

impl SolanaTokens {
    /// A client; nothing is sent yet.
    pub fn new(
        config: SolanaTokensConfig,
        observer: Arc<dyn Observer>,
    ) -> Result<SolanaTokens, UpstreamConfigError> {
        let is_base58 = config.mint.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !(32..=44).contains(&config.mint.len()) || !is_base58 {
            return Err(UpstreamConfigError::Identifier(Upstream::Solana, "mint"));
        }
        let http = Client::at(Upstream::Solana, config.rpc_url.expose_secret(), config.timeout, observer)?;
        Ok(SolanaTokens { http, mint: config.mint })
    }
}

impl TokenBalances for SolanaTokens {
    fn whole_tokens(&self, wallet: &str) -> Reading<u64> {
        let params = json!([wallet, { "mint": self.mint }, { "encoding": "jsonParsed" }]);
        let body =
            json!({ "jsonrpc": "2.0", "id": 1, "method": "getTokenAccountsByOwner", "params": params });
        let question = Question { path: "", header: None, body: Some((JSON, body.to_string())) };
        match self.http.ask(question, |answer| sum(answer, wallet, &self.mint)) {
            Ok(tokens) => Reading::Found(tokens),
            Err(unavailable) => Reading::Unavailable(unavailable),
        }
    }
}

impl fmt::Debug for SolanaTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("SolanaTokens");
        shown.field("host", &self.http.host()).field("mint", &self.mint).finish_non_exhaustive()
    }
}

impl fmt::Debug for SolanaTokensConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SolanaTokensConfig").field("mint", &self.mint).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Body {
    result: Option<Found>,
    error: Option<RpcError>,
}

#[derive(Deserialize)]
struct RpcError {
    code: i64,
}

#[derive(Deserialize)]
struct Found {
    value: Vec<Keyed>,
}

#[derive(Deserialize)]
struct Keyed {
    account: Account,
}

#[derive(Deserialize)]
struct Account {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    parsed: Parsed,
}

#[derive(Deserialize)]
struct Parsed {
    info: Info,
}

#[derive(Deserialize)]
struct Info {
    mint: Option<String>,
    owner: Option<String>,
    #[serde(rename = "tokenAmount")]
    token_amount: TokenAmount,
}

#[derive(Deserialize)]
struct TokenAmount {
    amount: String,
    decimals: u8,
}

pub(super) fn sum(answer: &Answer, wallet: &str, mint: &str) -> Result<u64, Problem> {
    if answer.status != 200 {
        return Err(Problem::of_status(answer.status));
    }
    let body: Body = answer.json()?;
    let found = match (body.result, body.error) {
        (_, Some(error)) => return Err(Problem::Rpc(error.code)),
        (None, None) => return Err(Problem::Invalid("it holds neither result nor error")),
        (Some(found), None) => found,
    };
    let mut total = 0_u64;
    for Keyed { account } in found.value {
        let info = account.data.parsed.info;
        let is_other = |told: Option<String>, asked: &str| told.is_some_and(|told| told != asked);
        if is_other(info.mint, mint) || is_other(info.owner, wallet) {
            return Err(Problem::Invalid("it is about another token or wallet"));
        }
        let whole = whole_tokens(&info.token_amount).ok_or(Problem::Invalid("an amount is no number"))?;
        total = total.checked_add(whole).ok_or(Problem::Invalid("the amounts exceed 64 bits"))?;
    }
    Ok(total)
}

/// Base units to whole tokens, rounded down.
fn whole_tokens(amount: &TokenAmount) -> Option<u64> {
    let is_digits = amount.amount.bytes().all(|byte| byte.is_ascii_digit());
    let units: u64 = amount.amount.parse().ok().filter(|_| is_digits)?;
    // From 20 decimals on, one token is more than 64 bits of base units can hold.
    Some(10_u64.checked_pow(u32::from(amount.decimals)).map_or(0, |one| units / one))
}
