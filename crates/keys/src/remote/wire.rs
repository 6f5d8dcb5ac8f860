//! What goes to a remote signer and comes back: canonical JSON, authenticated, small.

use bursar_store::Timestamp;
use hmac::{Hmac, Mac};
use secrecy::SecretString;
use sha2::Sha256;

use super::Credential;
use crate::{KeySecret, Work};

/// The header with the code over time and body.
pub const HMAC_HEADER: &str = "X-Bursar-Signature";
/// Longest signature that is read, in bytes.
const SIGNATURE_LENGTH_MAX: usize = 256;

/// The body of a request. It serialises to one text: fields in this order, no white space.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SigningRequest {
    /// 1.
    pub version: u8,
    /// Name of the key.
    pub key: String,
    /// The chain.
    pub chain: String,
    /// The public key, hexadecimal.
    pub public_key: String,
    /// Id of the intent: a signer that keeps its own limits counts it once.
    pub intent: String,
    /// Symbol of the asset; absent = nothing is paid.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub asset: Option<String>,
    /// Who is paid.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub destination: Option<String>,
    /// How much, in base units, decimal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub amount: Option<String>,
    /// What is to be signed, hexadecimal.
    pub message: String,
}

impl SigningRequest {
    pub(super) fn with_work(mut self, work: &Work) -> SigningRequest {
        if let Work::Payment { asset, destination, amount } = work {
            self.asset = Some(asset.symbol().to_owned());
            self.destination = Some(destination.to_string());
            self.amount = Some(amount.to_string());
        }
        self
    }
}

/// The answer of a signer that signed.
#[derive(serde::Deserialize)]
struct Answer {
    signature: String,
}

/// The header that proves that a body is ours: name and value. `None` = the secret cannot be one.
pub(super) fn header(
    credential: Credential,
    secret: &KeySecret,
    body: &str,
    now: Timestamp,
) -> Option<(&'static str, SecretString)> {
    match credential {
        Credential::Bearer => {
            let token = std::str::from_utf8(secret.expose()).ok()?;
            Some(("Authorization", format!("Bearer {token}").into()))
        }
        Credential::Hmac => {
            let seconds = now.ms().div_euclid(1_000);
            let mut hmac = Hmac::<Sha256>::new_from_slice(secret.expose()).ok()?;
            hmac.update(format!("{seconds}.{body}").as_bytes());
            let code = hex::encode(hmac.finalize().into_bytes());
            Some((HMAC_HEADER, format!("t={seconds},v1={code}").into()))
        }
    }
}

/// The signature in an answer; `None` = there is none that could be meant.
pub(crate) fn signature(body: &[u8]) -> Option<Vec<u8>> {
    let answer: Answer = serde_json::from_slice(body).ok()?;
    let fits = (2..=SIGNATURE_LENGTH_MAX * 2).contains(&answer.signature.len());
    fits.then(|| hex::decode(&answer.signature).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use bursar_chain::Address;
    use bursar_money::{Amount, Asset};
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_request_has_one_text() {
        let plain = SigningRequest {
            version: 1,
            key: "hot-1".into(),
            chain: "ton".into(),
            public_key: "00ff".into(),
            intent: "p-1".into(),
            asset: None,
            destination: None,
            amount: None,
            message: "aa".into(),
        };
        let destination = Address::from_canonical("EQ".into());
        let work = Work::Payment { asset: Asset::Aiba, destination, amount: Amount::new(12) };
        assert_eq!(
            serde_json::to_string(&plain.clone().with_work(&work)).unwrap(),
            r#"{"version":1,"key":"hot-1","chain":"ton","publicKey":"00ff","intent":"p-1","asset":"AIBA","destination":"EQ","amount":"12","message":"aa"}"#
        );
        assert_eq!(
            serde_json::to_string(&plain.with_work(&Work::Upkeep)).unwrap(),
            r#"{"version":1,"key":"hot-1","chain":"ton","publicKey":"00ff","intent":"p-1","message":"aa"}"#
        );
    }

    #[test]
    fn the_header_carries_the_token_or_a_code_over_time_and_body() {
        let secret = KeySecret::from_text(&SecretString::from("Jefe"));
        let of = |credential| {
            let (name, value) =
                header(credential, &secret, "{}", Timestamp::from_ms(1_700_000_000_999)).unwrap();
            (name, value.expose_secret().to_owned())
        };
        assert_eq!(of(Credential::Bearer), ("Authorization", "Bearer Jefe".to_owned()));
        let (name, value) = of(Credential::Hmac);
        // printf '1700000000.{}' | openssl dgst -sha256 -hmac Jefe
        let code = "d3793e2b4103edfbd98cc19591832f5fad701d413db9fcae0ae7dab8184ed207";
        assert_eq!((name, value), ("X-Bursar-Signature", format!("t=1700000000,v1={code}")));
    }

    #[test]
    fn an_answer_without_a_signature_gives_none() {
        assert_eq!(signature(br#"{"signature":"00ff","more":1}"#), Some(vec![0, 255]));
        let long = format!(r#"{{"signature":"{}"}}"#, "00".repeat(257));
        for bad in
            ["", "{}", "null", r#"{"signature":""}"#, r#"{"signature":"0"}"#, r#"{"signature":1}"#, &long]
        {
            assert_eq!(signature(bad.as_bytes()), None, "{bad}");
        }
    }
}
