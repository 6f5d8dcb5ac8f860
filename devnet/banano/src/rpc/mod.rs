//! The node's RPC: one JSON object in, one out, every value as text.

mod accounts;
mod blocks;
mod process;
mod work;

use bursar_banano::{BlockHash, PublicKey};
use serde_json::{Map, Value, json};

use crate::node::Node;

/// What an action answers: an object, or the text of an error.
type Answer = Result<Value, String>;

/// A request that names an action.
pub(crate) struct Request {
    action: String,
    fields: Map<String, Value>,
}

impl Request {
    pub(crate) fn read(text: &str) -> Result<Request, String> {
        let Ok(Value::Object(fields)) = serde_json::from_str(text) else {
            return Err("Unable to parse JSON".to_owned());
        };
        let action = fields.get("action").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Request { action, fields })
    }

    pub(crate) fn action(&self) -> &str {
        &self.action
    }

    fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field).and_then(Value::as_str)
    }

    /// Older clients write truth as text, newer ones as JSON.
    fn truth(&self, field: &str) -> bool {
        matches!(self.fields.get(field), Some(Value::Bool(true)))
            || self.text(field).is_some_and(|text| text == "true")
    }

    fn account(&self) -> Result<PublicKey, String> {
        let text = self.text("account").ok_or("Bad account number")?;
        PublicKey::from_address(text).map_err(|_| "Bad account number".to_owned())
    }

    fn hash(&self) -> Result<BlockHash, String> {
        self.text("hash").and_then(|text| text.parse().ok()).ok_or("Invalid block hash".to_owned())
    }

    /// A count from 1; `usual` when absent.
    fn count(&self, usual: usize) -> Result<usize, String> {
        let Some(text) = self.text("count") else { return Ok(usual) };
        text.parse().ok().filter(|&count| count > 0).ok_or("Invalid count limit".to_owned())
    }
}

/// The body of a failure.
pub(crate) fn error(text: &str) -> String {
    json!({ "error": text }).to_string()
}

/// Does what the request asks for, and words the answer.
pub(crate) fn answer(node: &mut Node, request: &Request) -> String {
    let answer = match request.action() {
        "account_balance" => accounts::balance(node, request),
        "account_info" => accounts::info(node, request),
        "account_history" => accounts::history(node, request),
        "receivable" | "pending" => accounts::receivable(node, request),
        "block_info" => blocks::info(node, request),
        "blocks_info" => blocks::infos(node, request),
        "block_count" => Ok(blocks::count(node)),
        "block_confirm" => blocks::confirm(node, request),
        "block_create" => process::create(node, request),
        "process" => process::process(node, request),
        "work_generate" => work::generated(node, request),
        "work_validate" => work::validated(node, request),
        "version" => Ok(json!({ "rpc_version": "1", "node_vendor": "bursar devnet", "network": "devnet" })),
        // Signing and sending in one call needs a wallet in the node, which this one has not.
        "send" | "receive" => Err("RPC control is disabled".to_owned()),
        _ => Err("Unknown command".to_owned()),
    };
    match answer {
        Ok(value) => value.to_string(),
        Err(text) => error(&text),
    }
}
