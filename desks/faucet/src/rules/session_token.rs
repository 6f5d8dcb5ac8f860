//! Signed tokens: sessions of players and administrators, and the state of a login under way (docs/spec/faucet.md 3.9).
//!
//! A token is `b64url(json).b64url(HMAC-SHA256(secret, json))` without padding. The three kinds have no field in common
//! but `iat` and `exp`, so none is ever taken for another.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64_URL;
use bursar_store::Timestamp;
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// The cookie of a player's session.
pub const USER_COOKIE: &str = "p2s_session";
/// The cookie of an administrator's session.
pub const ADMIN_COOKIE: &str = "p2s_admin";
/// Seconds that a player's session lasts.
pub const USER_TTL_S: i64 = 86_400;
/// Seconds that an administrator's session lasts.
pub const ADMIN_TTL_S: i64 = 3_600;
/// Seconds that a login may take.
pub const STATE_TTL_S: i64 = 600;
/// Bytes of a token that are looked at; more is refused. An e-mail has at most 255.
const TOKEN_BYTES_MAX: usize = 1_024;

/// A player's session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserClaims {
    /// The player's Discord id.
    pub uid: String,
    /// Issued at, Unix seconds.
    pub iat: i64,
    /// Valid up to and including this Unix second.
    pub exp: i64,
}

/// An administrator's session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdminClaims {
    role: AdminRole,
    /// Who.
    pub email: String,
    /// Issued at, Unix seconds.
    pub iat: i64,
    /// Valid up to and including this Unix second.
    pub exp: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum AdminRole {
    Admin,
}

/// The state that goes to Discord and comes back. Its nonce is used up once, in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateClaims {
    /// Random text.
    pub nonce: String,
    /// Issued at, Unix seconds.
    pub iat: i64,
    /// Valid up to and including this Unix second.
    pub exp: i64,
}

/// What the three kinds have in common.
pub trait Claims: Serialize + DeserializeOwned {
    /// Seconds that a token of this kind lasts; one that says more is not ours.
    const TTL_S: i64;

    /// When it was issued, in Unix seconds.
    fn issued_s(&self) -> i64;

    /// The last Unix second of their validity.
    fn expires_s(&self) -> i64;
}

impl Claims for UserClaims {
    const TTL_S: i64 = USER_TTL_S;

    fn issued_s(&self) -> i64 {
        self.iat
    }

    fn expires_s(&self) -> i64 {
        self.exp
    }
}

impl Claims for AdminClaims {
    const TTL_S: i64 = ADMIN_TTL_S;

    fn issued_s(&self) -> i64 {
        self.iat
    }

    fn expires_s(&self) -> i64 {
        self.exp
    }
}

impl Claims for StateClaims {
    const TTL_S: i64 = STATE_TTL_S;

    fn issued_s(&self) -> i64 {
        self.iat
    }

    fn expires_s(&self) -> i64 {
        self.exp
    }
}

impl UserClaims {
    /// A player's session that begins now.
    #[must_use]
    pub fn new(discord_user_id: &str, now: Timestamp) -> UserClaims {
        let iat = unix_s(now);
        UserClaims { uid: discord_user_id.to_owned(), iat, exp: iat.saturating_add(USER_TTL_S) }
    }
}

impl AdminClaims {
    /// An administrator's session that begins now.
    #[must_use]
    pub fn new(email: &str, now: Timestamp) -> AdminClaims {
        let iat = unix_s(now);
        AdminClaims {
            role: AdminRole::Admin,
            email: email.to_owned(),
            iat,
            exp: iat.saturating_add(ADMIN_TTL_S),
        }
    }

    /// The same session, dated `at` if it would be dated earlier. It ends when it would have ended.
    #[must_use]
    pub fn dated_from(self, at: Timestamp) -> AdminClaims {
        AdminClaims { iat: self.iat.max(unix_s(at)), ..self }
    }
}

impl StateClaims {
    /// The state of a login that begins now; `nonce` is at least 128 bits of chance as text.
    #[must_use]
    pub fn new(nonce: &str, now: Timestamp) -> StateClaims {
        let iat = unix_s(now);
        StateClaims { nonce: nonce.to_owned(), iat, exp: iat.saturating_add(STATE_TTL_S) }
    }
}

/// The secrets that tokens are signed with. New ones with the current, old ones are believed for a while.
#[derive(Debug)]
pub struct TokenSecrets {
    /// `SESSION_SECRET`.
    pub current: SecretString,
    /// `SESSION_SECRET_PREVIOUS`, and until when its tokens are believed, that instant included.
    pub previous: Option<(SecretString, Timestamp)>,
}

/// Why a token is refused. Callers see one answer, 401, for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    /// Not two parts of unpadded base64url, or too long.
    #[error("the token is not well formed")]
    Malformed,
    /// Signed with no secret that is believed.
    #[error("the token's signature is not ours")]
    Forged,
    /// Ours, but of another kind.
    #[error("the token is of another kind")]
    OtherKind,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// It says that it lasts longer than its kind does: whoever made it was not this server.
    #[error("the token lasts longer than its kind may")]
    LastsTooLong,
}

/// Claims that could not be signed: a fault of ours.
#[derive(Debug, thiserror::Error)]
#[error("a session token could not be written: {0}")]
pub struct TokenFault(String);

impl TokenSecrets {
    /// The token of some claims, signed with the current secret.
    pub fn sign(&self, claims: &impl Claims) -> Result<String, TokenFault> {
        let json = serde_json::to_vec(claims).map_err(|error| TokenFault(error.to_string()))?;
        let code =
            started(&self.current, &json).ok_or_else(|| TokenFault("HMAC refused the key".to_owned()))?;
        let token =
            format!("{}.{}", BASE64_URL.encode(&json), BASE64_URL.encode(code.finalize().into_bytes()));
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenFault(format!(
                "it would have {} bytes, and only {TOKEN_BYTES_MAX} are read",
                token.len()
            )));
        }
        Ok(token)
    }

    /// The claims of a token that is ours, of the kind asked for, and valid at `now`: while `exp` is not before it.
    ///
    /// The signature is compared in constant time, and before anything of the claims is looked at.
    pub fn verify<C: Claims>(&self, token: &str, now: Timestamp) -> Result<C, TokenRefusal> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenRefusal::Malformed);
        }
        let (json, code) = token.split_once('.').ok_or(TokenRefusal::Malformed)?;
        let json = BASE64_URL.decode(json).map_err(|_| TokenRefusal::Malformed)?;
        let code = BASE64_URL.decode(code).map_err(|_| TokenRefusal::Malformed)?;
        let previous = self.previous.as_ref().filter(|(_, until)| now <= *until).map(|(secret, _)| secret);
        let is_of = |secret| started(secret, &json).is_some_and(|hmac| hmac.verify_slice(&code).is_ok());
        if !(is_of(&self.current) || previous.is_some_and(is_of)) {
            return Err(TokenRefusal::Forged);
        }
        let claims: C = serde_json::from_slice(&json).map_err(|_| TokenRefusal::OtherKind)?;
        if claims.expires_s() < unix_s(now) {
            return Err(TokenRefusal::Expired);
        }
        if claims.expires_s().saturating_sub(claims.issued_s()) > C::TTL_S {
            return Err(TokenRefusal::LastsTooLong);
        }
        Ok(claims)
    }
}

/// `None` never happens: HMAC takes keys of every length (RFC 2104, section 2).
fn started(secret: &SecretString, json: &[u8]) -> Option<Hmac<Sha256>> {
    let mut hmac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).ok()?;
    hmac.update(json);
    Some(hmac)
}

/// Unix seconds, rounded down.
const fn unix_s(at: Timestamp) -> i64 {
    at.ms().div_euclid(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_ms(1_800_000_000_900);
    const TTL_MS: i64 = USER_TTL_S * 1_000;

    fn secrets(current: &str) -> TokenSecrets {
        TokenSecrets { current: SecretString::from(current.to_owned()), previous: None }
    }

    fn user_token(secrets: &TokenSecrets) -> String {
        secrets.sign(&UserClaims::new("123456789012345678", NOW)).unwrap()
    }

    fn verify(secrets: &TokenSecrets, token: &str) -> Result<UserClaims, TokenRefusal> {
        secrets.verify(token, NOW)
    }

    #[test]
    fn a_token_is_compact_json_and_its_code() {
        let token =
            secrets("secret").sign(&UserClaims::new("42", Timestamp::from_ms(1_700_000_000_000))).unwrap();
        // printf '{"uid":"42","iat":1700000000,"exp":1700086400}' | openssl dgst -sha256 -hmac secret
        let json = r#"{"uid":"42","iat":1700000000,"exp":1700086400}"#;
        let code = hex::decode("3496c7c6c8fe1c8b4b1a1bc04a5dae6828f96c05d3c1b829db777250e8724818").unwrap();
        assert_eq!(token, format!("{}.{}", BASE64_URL.encode(json), BASE64_URL.encode(code)));
        let parts = |token: &str| {
            String::from_utf8(BASE64_URL.decode(token.split('.').next().unwrap()).unwrap()).unwrap()
        };
        let admin = secrets("secret").sign(&AdminClaims::new("a@example.org", NOW)).unwrap();
        assert_eq!(
            parts(&admin),
            r#"{"role":"admin","email":"a@example.org","iat":1800000000,"exp":1800003600}"#
        );
        let state = secrets("secret").sign(&StateClaims::new("n", NOW)).unwrap();
        assert_eq!(parts(&state), r#"{"nonce":"n","iat":1800000000,"exp":1800000600}"#);
    }

    #[test]
    fn a_token_is_valid_through_the_second_of_its_expiry() {
        let secrets = secrets("secret");
        let token = user_token(&secrets);
        let at = |ms: i64| secrets.verify::<UserClaims>(&token, NOW.after_ms(ms)).map(|claims| claims.uid);
        assert_eq!(at(0), Ok("123456789012345678".to_owned()));
        assert!(at(TTL_MS + 99).is_ok(), "the last millisecond of that second");
        assert_eq!(at(TTL_MS + 100), Err(TokenRefusal::Expired));
    }

    #[test]
    fn no_kind_is_taken_for_another() {
        let secrets = secrets("secret");
        let user = user_token(&secrets);
        let admin = secrets.sign(&AdminClaims::new("a@example.org", NOW)).unwrap();
        let state = secrets.sign(&StateClaims::new("nonce", NOW)).unwrap();
        for token in [&admin, &state] {
            assert_eq!(verify(&secrets, token), Err(TokenRefusal::OtherKind));
        }
        for token in [&user, &state] {
            assert_eq!(secrets.verify::<AdminClaims>(token, NOW), Err(TokenRefusal::OtherKind));
        }
        for token in [&user, &admin] {
            assert_eq!(secrets.verify::<StateClaims>(token, NOW), Err(TokenRefusal::OtherKind));
        }
        let signed = |json: &str| {
            let code = started(&secrets.current, json.as_bytes()).unwrap().finalize().into_bytes();
            format!("{}.{}", BASE64_URL.encode(json), BASE64_URL.encode(code))
        };
        for json in [
            r#"{"role":"user","email":"a","iat":1,"exp":9999999999}"#,
            r#"{"email":"a","iat":1,"exp":9999999999}"#,
            r#"{"role":"admin","email":"a","iat":1,"exp":9999999999,"uid":"1"}"#,
            r#"{"role":"admin","email":"a","iat":1,"exp":9e18}"#,
            "[]",
        ] {
            let refusal = secrets.verify::<AdminClaims>(&signed(json), NOW).unwrap_err();
            assert_eq!(refusal, TokenRefusal::OtherKind, "{json}");
        }
    }

    #[test]
    fn a_token_that_lasts_longer_than_its_kind_is_refused_though_its_signature_is_ours() {
        let secrets = secrets("secret");
        let lasting = |more_s: i64| {
            let claims = UserClaims::new("42", NOW);
            let token = secrets.sign(&UserClaims { exp: claims.exp + more_s, ..claims }).unwrap();
            verify(&secrets, &token).map(|claims| claims.uid)
        };
        assert_eq!(lasting(0), Ok("42".to_owned()));
        assert_eq!(lasting(1), Err(TokenRefusal::LastsTooLong));
        assert_eq!(lasting(i64::MAX / 2), Err(TokenRefusal::LastsTooLong));
        let admin = AdminClaims::new("a@example.org", NOW);
        let token = secrets.sign(&AdminClaims { exp: admin.exp + 1, ..admin }).unwrap();
        assert_eq!(secrets.verify::<AdminClaims>(&token, NOW), Err(TokenRefusal::LastsTooLong));
        let state = StateClaims::new("nonce", NOW);
        let token = secrets.sign(&StateClaims { exp: state.exp + 1, ..state }).unwrap();
        assert_eq!(secrets.verify::<StateClaims>(&token, NOW), Err(TokenRefusal::LastsTooLong));
    }

    #[test]
    fn the_previous_secret_is_believed_until_its_grace_ends() {
        let old = user_token(&secrets("old"));
        assert_eq!(verify(&secrets("new"), &old), Err(TokenRefusal::Forged));
        let until = NOW.after_ms(60_000);
        let rotated =
            TokenSecrets { previous: Some((SecretString::from("old".to_owned()), until)), ..secrets("new") };
        assert!(rotated.verify::<UserClaims>(&old, until).is_ok());
        assert_eq!(rotated.verify::<UserClaims>(&old, until.after_ms(1)), Err(TokenRefusal::Forged));
        let new = user_token(&rotated);
        assert!(verify(&secrets("new"), &new).is_ok(), "new tokens are signed with the current secret");
    }

    #[test]
    fn only_two_parts_of_unpadded_base64url_are_a_token() {
        let secrets = secrets("secret");
        let token = user_token(&secrets);
        let (json, code) = token.split_once('.').unwrap();
        // The code's last digit holds two bits that are not part of it: they must be zero.
        let last = code.as_bytes()[code.len() - 1];
        let sibling = char::from(if last == b'A' { b'B' } else { last + 1 });
        for malformed in [
            String::new(),
            ".".to_owned() + "x",
            json.to_owned(),
            format!("{token}."),
            format!("{json}.{code}="),
            format!(" {token}"),
            format!("{token}\n"),
            format!("{json}.{}+", &code[..code.len() - 1]),
            format!("{json}.{}{sibling}", &code[..code.len() - 1]),
            format!("{}.{code}", "A".repeat(1_024)),
        ] {
            assert_eq!(verify(&secrets, &malformed), Err(TokenRefusal::Malformed), "{malformed:?}");
        }
        assert_eq!(
            verify(&secrets, &format!("{json}.{}", &code[..40])),
            Err(TokenRefusal::Forged),
            "a shorter code"
        );
        assert_eq!(verify(&secrets, &format!("{json}.")), Err(TokenRefusal::Forged), "no code at all");
        assert!(secrets.sign(&AdminClaims::new(&"a".repeat(2_000), NOW)).is_err());
    }

    #[test]
    fn secrets_are_not_shown() {
        assert!(!format!("{:?}", secrets("hunter2-hunter2")).contains("hunter2"));
    }

    proptest! {
        #[test]
        fn a_token_changed_anywhere_is_refused(place: prop::sample::Index, mark in "[A-Za-z0-9_.-]") {
            let secrets = secrets("secret");
            let token = user_token(&secrets);
            let place = place.index(token.len());
            let changed = format!("{}{mark}{}", &token[..place], &token[place + 1..]);
            prop_assume!(changed != token);
            let refusal = verify(&secrets, &changed).unwrap_err();
            prop_assert!(matches!(refusal, TokenRefusal::Malformed | TokenRefusal::Forged));
        }

        #[test]
        fn no_text_makes_the_parser_stumble(text in ".{0,80}", near in "[A-Za-z0-9_-]{0,80}\\.[A-Za-z0-9_-]{0,50}") {
            prop_assert!(verify(&secrets("secret"), &text).is_err());
            prop_assert!(verify(&secrets("secret"), &near).is_err());
        }

        #[test]
        fn another_secret_signs_nothing_that_we_believe(secret in "[a-z]{1,40}") {
            prop_assume!(secret != "secret");
            prop_assert_eq!(verify(&secrets("secret"), &user_token(&secrets(&secret))), Err(TokenRefusal::Forged));
        }
    }
}
