//! Takes secrets out of texts that are shown to people. Nothing should have put them there; this is for the day it does.

use std::cmp::Reverse;

use bursar_desk::Secrets;
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};

use super::configuration::Configuration;
use super::registry::{self, Kind};

/// What stands in place of a secret.
const HIDDEN: &str = "***";
/// Shorter texts are no secrets, and hiding them would hide words.
const BYTES_MIN: usize = 6;

/// The secrets of a configuration, as they stand and as they were at the start.
#[derive(Clone)]
pub struct Mask {
    live: Secrets,
    /// Names and kinds.
    variables: Vec<(&'static str, Kind)>,
    at_start: Vec<SecretString>,
}

impl Mask {
    /// Of this configuration; secrets that are replaced later are hidden as well.
    #[must_use]
    pub fn of(configuration: &Configuration) -> Mask {
        let texts = configuration.values.secret_texts();
        let secret = registry::all().filter(|variable| variable.is_secret());
        Mask {
            live: configuration.secrets.clone(),
            variables: secret.map(|variable| (variable.name, variable.kind)).collect(),
            at_start: texts.flat_map(|(variable, _, text)| spelled(variable.kind, text)).collect(),
        }
    }

    /// `text` without them.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        let mut spellings = Vec::new();
        self.at_start.iter().for_each(|secret| add(&mut spellings, secret));
        for (name, kind) in &self.variables {
            let Some(secret) = self.live.get(name).get() else { continue };
            let texts = std::iter::once(&secret.current).chain(&secret.previous);
            let live = texts.flat_map(|text| spelled(*kind, text.expose_secret()));
            live.for_each(|secret| add(&mut spellings, &secret));
        }
        // The longest first: where one secret begins like another, hiding the shorter one would show the rest of the longer.
        spellings.sort_unstable_by_key(|spelling| Reverse(spelling.expose_secret().len()));
        let mut shown = text.to_owned();
        for spelling in &spellings {
            if shown.contains(spelling.expose_secret()) {
                shown = shown.replace(spelling.expose_secret(), HIDDEN);
            }
        }
        shown
    }
}

/// A secret, and the passwords in it where it is a database's URL.
fn spelled(kind: Kind, text: &str) -> impl Iterator<Item = SecretString> {
    let passwords = if kind == Kind::Database { passwords(text) } else { Vec::new() };
    std::iter::once(SecretString::from(text)).chain(passwords)
}

/// Adds a secret as it is and in the spelling that JSON gives it.
fn add(spellings: &mut Vec<SecretString>, secret: &SecretString) {
    let text = secret.expose_secret();
    if text.len() < BYTES_MIN {
        return;
    }
    let in_json = SecretString::from(serde_json::to_string(text).unwrap_or_default());
    spellings.push(in_json.expose_secret().trim_matches('"').into());
    spellings.push(secret.clone());
}

/// The passwords in a database's URL, as they stand there and as they are sent: whoever reports a failure to sign in may
/// show one without the rest.
fn passwords(url: &str) -> Vec<SecretString> {
    let rest = url.split_once(':').map_or("", |(_, rest)| rest).trim_start_matches('/');
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = place.split_once('/').map_or(place, |(authority, _)| authority);
    let stated = authority.rsplit_once('@').and_then(|(user, _)| user.split_once(':'));
    let asked = query.split('&').filter_map(|pair| pair.strip_prefix("password="));
    let passwords = stated.map(|(_, password)| password).into_iter().chain(asked);
    let spellings = |password: &str| {
        let sent = percent_decode_str(password).decode_utf8_lossy().into_owned();
        [SecretString::from(password), SecretString::from(sent)]
    };
    passwords.flat_map(spellings).collect()
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

    #[test]
    fn a_secret_that_begins_like_a_shorter_one_is_hidden_whole() {
        let environment = [("SESSION_SECRET", "abcdef"), ("YUNITE_API_KEY", "abcdefghij")];
        let mask = Mask::of(&accepted(&environment));
        assert_eq!(mask.hide("abcdefghij, abcdef"), "***, ***");
        let environment = [("SESSION_SECRET", "abcdefghij"), ("YUNITE_API_KEY", "abcdef")];
        assert_eq!(Mask::of(&accepted(&environment)).hide("abcdefghij, abcdef"), "***, ***");
    }

    #[test]
    fn a_databases_password_is_hidden_without_its_url_too() {
        let hidden = |url: &str, line: &str| Mask::of(&accepted(&[("DATABASE_URL", url)])).hide(line);
        let url = "postgres://user:pass%40word@127.0.0.1/x";
        assert_eq!(hidden(url, "user user, pass%40word or pass@word"), "user user, *** or ***");
        assert_eq!(hidden("postgres:user:long-word@127.0.0.1/x", "long-word"), "***");
        assert_eq!(hidden("postgres://user@127.0.0.1/x?password=long-word", "long-word"), "***");
        assert_eq!(hidden("postgres://user@127.0.0.1/x", "user@127.0.0.1"), "user@127.0.0.1");
    }

    #[test]
    fn a_databases_password_that_was_replaced_while_running_is_hidden_with_the_former_one() {
        let configuration = accepted(&[("DATABASE_URL", "postgres://user:first-word@127.0.0.1/x")]);
        let mask = Mask::of(&configuration);
        let url = "postgres://user:second%20word@127.0.0.1/x";
        let new = CallerSecret { current: url.into(), previous: None };
        configuration.secrets.replace("DATABASE_URL", new);
        let line = format!("{url}: second%20word, second word or first-word");
        assert_eq!(mask.hide(&line), "***: ***, *** or ***");
    }
}
