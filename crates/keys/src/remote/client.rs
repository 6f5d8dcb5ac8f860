//! Calling a remote signer: one request, limited in time and size, no redirect, no proxy.

use std::time::Duration;

use bursar_chain::SignError;
use bursar_store::clock::machine_time;
use secrecy::ExposeSecret;
use ureq::Agent;

use super::wire::{SigningRequest, header, signature};
use super::{Credential, Endpoint};
use crate::key::SigningKey;
use crate::{KeySecret, Work};

/// Longest message that is sent to be signed, in bytes.
const MESSAGE_LENGTH_MAX: usize = 65_536;
/// Longest answer, in bytes.
const ANSWER_LENGTH_MAX: u64 = 16_384;

/// A signer behind HTTP with the credential it is called with.
pub(crate) struct RemoteSigner {
    agent: Agent,
    endpoint: Endpoint,
    credential: Credential,
    secret: KeySecret,
}

impl RemoteSigner {
    /// `timeout` is for a whole call, connection and body included. Nothing is sent yet.
    pub(crate) fn new(
        endpoint: Endpoint,
        credential: Credential,
        secret: KeySecret,
        timeout: Duration,
    ) -> RemoteSigner {
        let agent = Agent::config_builder()
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .user_agent("bursar")
            .accept("application/json")
            .build();
        RemoteSigner { agent: agent.into(), endpoint, credential, secret }
    }

    /// What the signer answers, not believed yet. Errors never repeat what it said: it may have said anything.
    pub(crate) fn sign(
        &self,
        key: &SigningKey,
        intent: &str,
        work: &Work,
        message: &[u8],
    ) -> Result<Vec<u8>, SignError> {
        if message.len() > MESSAGE_LENGTH_MAX {
            return Err(SignError::Unreadable(format!("a message has {MESSAGE_LENGTH_MAX} bytes at most")));
        }
        let request = SigningRequest {
            version: 1,
            key: key.id.to_string(),
            chain: key.chain.clone(),
            public_key: key.public_key.to_string(),
            intent: intent.to_owned(),
            asset: None,
            destination: None,
            amount: None,
            message: hex::encode(message),
        };
        let body = serde_json::to_string(&request.with_work(work))
            .map_err(|error| SignError::Unreadable(error.to_string()))?;
        let unusable = || SignError::Refused("its credential cannot be sent".to_owned());
        let (name, value) =
            header(self.credential, &self.secret, &body, machine_time()).ok_or_else(unusable)?;
        let post = self.agent.post(self.endpoint.as_str()).header("Content-Type", "application/json");
        let answer = post.header(name, value.expose_secret()).send(&body);
        let mut answer = answer.map_err(|error| SignError::Unavailable(problem(&error)))?;
        let status = answer.status().as_u16();
        match status {
            200 => {}
            400..=499 if status != 408 && status != 429 => {
                return Err(SignError::Refused(format!("it answered {status}")));
            }
            _ => return Err(SignError::Unavailable(format!("it answered {status}"))),
        }
        let body = answer.body_mut().with_config().limit(ANSWER_LENGTH_MAX).read_to_vec();
        let body = body.map_err(|error| SignError::Unavailable(problem(&error)))?;
        signature(&body).ok_or(SignError::BadSignature)
    }
}

/// The kind of problem; the library's own text may quote headers.
fn problem(error: &ureq::Error) -> String {
    let text = match error {
        ureq::Error::Timeout(_) => "it took too long",
        ureq::Error::BodyExceedsLimit(_) => "its answer is too long",
        ureq::Error::HostNotFound => "its host is not found",
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => "TLS failed",
        _ => "the connection failed",
    };
    text.to_owned()
}
