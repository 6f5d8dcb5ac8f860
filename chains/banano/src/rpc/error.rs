//! Why a question has no answer that can be used.

use super::transport::TransportError;

/// Why a node's answer tells nothing, or nothing that is believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RpcError {
    /// No answer came back.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The node, or a proxy in front of it, said no.
    #[error("it answered: {0}")]
    Refused(String),
    /// Another status than 200, without an error text of the node's.
    #[error("it answered with status {0}")]
    Status(u16),
    /// The answer is not what the protocol says, or contradicts itself.
    #[error("its answer to {action} cannot be used: {problem}")]
    Invalid {
        /// The question.
        action: &'static str,
        /// What is wrong with the answer.
        problem: String,
    },
}

impl RpcError {
    pub(super) fn invalid(action: &'static str, problem: impl ToString) -> RpcError {
        RpcError::Invalid { action, problem: printable(&problem.to_string()) }
    }
}

/// At most 160 characters of a stranger's text, safe to log.
pub(super) fn printable(text: &str) -> String {
    text.chars().take(160).map(|mark| if mark.is_control() { ' ' } else { mark }).collect()
}
