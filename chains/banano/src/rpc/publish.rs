//! What a node says when it is handed a block.

use serde::{Deserialize, Serialize};

use super::error::RpcError;

/// A node's answer to a block that was handed to it. Only the first two say where the block is; none says that it will
/// never be final.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Publication {
    /// It is new and was taken in.
    Accepted,
    /// The node has this very block already.
    AlreadyThere,
    /// The node has another block in its place; which of the two becomes final is open.
    Fork,
    /// The node lacks the block before it, or the send that it receives.
    Gap,
    /// Signature, form or work are wrong: these bytes will not be taken in by this node.
    Refused(String),
    /// An answer that does not tell whether it was taken in.
    Unclear(String),
    /// No answer.
    Silent(String),
}

/// Refusals that depend on the bytes alone. `Invalid block balance for given subtype` is not among them: nodes compare
/// with the account's present balance, so a send that was already taken in gets this answer too. Nor is `Unreceivable`,
/// which is said as well when another node has this very block.
const DEFINITE: [&str; 7] = [
    "Bad signature",
    "Block is invalid",
    "Invalid block type",
    "Invalid block subtype",
    "Block work is less than threshold",
    "Block work is insufficient",
    "Balance and amount delta do not match",
];

impl Publication {
    /// The meaning of a failed `process`.
    pub(super) fn of_error(error: RpcError) -> Publication {
        match error {
            RpcError::Refused(text) => Publication::of_text(text),
            RpcError::Transport(error) => Publication::Silent(error.to_string()),
            RpcError::Status(_) | RpcError::Invalid { .. } => Publication::Unclear(error.to_string()),
        }
    }

    fn of_text(text: String) -> Publication {
        match text.as_str() {
            "Old block" => Publication::AlreadyThere,
            "Fork" => Publication::Fork,
            "Gap previous block" | "Gap source block" => Publication::Gap,
            definite if DEFINITE.contains(&definite) => Publication::Refused(text),
            _ => Publication::Unclear(text),
        }
    }

    /// Whether the node has the block.
    #[must_use]
    pub const fn is_there(&self) -> bool {
        matches!(self, Publication::Accepted | Publication::AlreadyThere)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_block_is_a_success_and_only_faulty_bytes_are_refused_for_good() {
        let meaning = |text: &str| Publication::of_error(RpcError::Refused(text.to_owned()));
        assert_eq!(meaning("Old block"), Publication::AlreadyThere);
        assert_eq!(meaning("Fork"), Publication::Fork);
        assert_eq!(meaning("Gap previous block"), Publication::Gap);
        assert_eq!(meaning("Gap source block"), Publication::Gap);
        assert_eq!(meaning("Bad signature"), Publication::Refused("Bad signature".to_owned()));
        for text in
            ["Unreceivable", "Invalid block balance for given subtype", "Error processing block", "Stopped"]
        {
            assert_eq!(meaning(text), Publication::Unclear(text.to_owned()));
        }
        assert!(matches!(Publication::of_error(RpcError::Status(502)), Publication::Unclear(_)));
    }
}
