//! Takes secrets out of texts that are shown to people. Nothing should have put them there; this is for the day it does.

use bursar_desk::Secrets;
use secrecy::{ExposeSecret, SecretString};

use super::configuration::Configuration;
use super::registry::{self, Variable};

/// What stands in place of a secret.
const HIDDEN: &str = "***";
/// Shorter texts are no secrets, and hiding them would hide words.
const BYTES_MIN: usize = 6;

/// The secrets of a configuration, as they stand and as they were at the start.
#[derive(Clone)]
pub struct Mask {
    live: Secrets,
    names: Vec<&'static str>,
    at_start: Vec<SecretString>,
}

impl Mask {
    /// Of this configuration; secrets that are replaced later are hidden as well.
    #[must_use]
    pub fn of(configuration: &Configuration) -> Mask {
        let texts = configuration.values.secret_texts();
        let kept = registry::all()
            .filter(|variable| variable.is_secret() && variable.kind != registry::Kind::Database);
        Mask {
            live: configuration.secrets.clone(),
            names: kept.map(|variable: &Variable| variable.name).collect(),
            at_start: texts.map(|(_, _, text)| SecretString::from(text)).collect(),
        }
    }

    /// `text` without them.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        let mut shown = text.to_owned();
        for secret in &self.at_start {
            replace(&mut shown, secret);
        }
        for name in &self.names {
            let Some(secret) = self.live.get(name).get() else { continue };
            replace(&mut shown, &secret.current);
            if let Some(previous) = &secret.previous {
                replace(&mut shown, previous);
            }
        }
        shown
    }
}

/// Also in the spelling that JSON gives it.
fn replace(shown: &mut String, secret: &SecretString) {
    let secret = secret.expose_secret();
    if secret.len() < BYTES_MIN {
        return;
    }
    let in_json = serde_json::to_string(secret).unwrap_or_default();
    for spelling in [in_json.trim_matches('"'), secret] {
        if !spelling.is_empty() && shown.contains(spelling) {
            *shown = shown.replace(spelling, HIDDEN);
        }
    }
}

#[cfg(test)]
mod tests {
    use bursar_web::CallerSecret;

    use super::super::testing::accepted;
    use super::*;

    #[test]
    fn secrets_are_hidden_also_quoted_replaced_and_in_a_database_url() {
        let environment = [
            ("SESSION_SECRET", "a\"quoted\"secret"),
            ("SESSION_SECRET_PREVIOUS", "predecessor"),
            ("DATABASE_URL", "postgres://user:word@127.0.0.1/x"),
            ("YUNITE_API_KEY", "abc"),
        ];
        let configuration = accepted(&environment);
        let mask = Mask::of(&configuration);
        let line = r#"{"a":"a\"quoted\"secret","b":"predecessor abc postgres://user:word@127.0.0.1/x"}"#;
        assert_eq!(mask.hide(line), r#"{"a":"***","b":"*** abc ***"}"#);
        let new = CallerSecret { current: "the new one".into(), previous: None };
        configuration.secrets.replace("SESSION_SECRET", new);
        assert_eq!(mask.hide("the new one and predecessor"), "*** and ***");
    }
}
