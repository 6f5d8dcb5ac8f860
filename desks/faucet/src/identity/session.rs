//! Sessions: signed tokens in cookies, under a secret that may be replaced while they are in use.

use bursar_access::Entropy;
use bursar_store::Timestamp;
use bursar_web::LiveSecret;
use secrecy::SecretString;

use crate::rules::session_token::{Claims, TokenFault, TokenRefusal, TokenSecrets};

/// `_PREVIOUS` counts as long as it is set; whoever loads secrets ends its grace.
const WHILE_SET: Timestamp = Timestamp::from_ms(i64::MAX);

/// Signs and reads tokens.
pub struct Sessions {
    secret: LiveSecret,
    /// In force while no secret is configured: sessions then end with the process, and nobody can guess it.
    drawn: SecretString,
}

impl Sessions {
    /// With the secret `SESSION_SECRET` as it stands at each use.
    #[must_use]
    pub fn new(secret: LiveSecret, entropy: &dyn Entropy) -> Sessions {
        let mut bytes = [0; 32];
        entropy.fill(&mut bytes);
        Sessions { secret, drawn: hex::encode(bytes).into() }
    }

    /// The token of these claims.
    pub fn sign(&self, claims: &impl Claims) -> Result<String, TokenFault> {
        self.secrets().sign(claims)
    }

    /// The claims of a token that is valid at `now`.
    pub fn read<C: Claims>(&self, token: &str, now: Timestamp) -> Result<C, TokenRefusal> {
        self.secrets().verify(token, now)
    }

    fn secrets(&self) -> TokenSecrets {
        match self.secret.get() {
            Some(secret) => TokenSecrets {
                current: secret.current,
                previous: secret.previous.map(|previous| (previous, WHILE_SET)),
            },
            None => TokenSecrets { current: self.drawn.clone(), previous: None },
        }
    }
}
