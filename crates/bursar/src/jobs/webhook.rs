//! Handing one signed text to a receiver outside, by an address and a secret that may be replaced at any time.

use std::time::Duration;

use bursar_store::Timestamp;
use bursar_web::LiveSecret;
use secrecy::ExposeSecret;
use ureq::Agent;

use crate::config::Configuration;

/// How long the receiver may take (docs/spec/platform.md X3).
const TIMEOUT: Duration = Duration::from_millis(2_500);

/// A receiver.
pub(super) struct Webhook {
    agent: Agent,
    url: LiveSecret,
    secret: LiveSecret,
    /// The variable of its address.
    variable: &'static str,
}

impl Webhook {
    /// The receiver whose address and secret these two variables hold.
    pub fn new(configuration: &Configuration, [url, secret]: [&'static str; 2]) -> Webhook {
        let secrets = &configuration.secrets;
        Webhook { agent: agent(), url: secrets.get(url), secret: secrets.get(secret), variable: url }
    }

    /// Whether there is one.
    pub fn is_set(&self) -> bool {
        self.url.is_set()
    }

    /// Sends `body` with the headers that `headers` makes of the secrets in force, newest first, and the time of now. The
    /// address may hold a token, so errors do not name it.
    pub fn send(
        &self,
        body: &str,
        headers: impl FnOnce(&[&[u8]], Timestamp) -> Vec<(&'static str, String)>,
    ) -> Result<(), String> {
        let secret = self.secret.get();
        let secrets: Vec<&[u8]> = secret
            .iter()
            .flat_map(|secret| std::iter::once(&secret.current).chain(&secret.previous))
            .map(|secret| secret.expose_secret().as_bytes())
            .collect();
        // The receiver checks the signature's age against its own clock.
        let headers = headers(&secrets, bursar_store::clock::machine_time());
        let Some(url) = self.url.get() else { return Err(format!("{} is not set", self.variable)) };
        let mut request =
            self.agent.post(url.current.expose_secret()).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        match request.send(body) {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(format!("the receiver answered {}", answer.status().as_u16())),
            Err(ureq::Error::Timeout(_)) => Err("the receiver did not answer within 2.5 s".to_owned()),
            Err(ureq::Error::BadUri(_)) => Err(format!("{} is no usable URL", self.variable)),
            Err(error) => Err(error.to_string()),
        }
    }
}

fn agent() -> Agent {
    let config = Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .user_agent("bursar")
        .build();
    config.into()
}
