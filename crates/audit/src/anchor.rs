//! Anchors: how far every chain had come, kept outside the database, so that a cut or a rewrite shows.

use std::cmp::Ordering;

use bursar_store::{StoreError, Timestamp, Tx};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::signature;

const FORMAT: &str = "bursar-audit-anchor-1";

/// The last link of one chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainHead {
    /// The chain.
    pub chain: String,
    /// Number of its last link.
    pub number: i64,
    /// Last event under that link.
    pub last_event: i64,
    /// Hash of that link, 32 bytes.
    pub hash: Vec<u8>,
}

/// The heads of all chains at one moment, with their digest and, when signed, a code over it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// When it was taken.
    pub at: Timestamp,
    /// One a chain, in the order of their names.
    pub heads: Vec<ChainHead>,
    signature: Option<Vec<u8>>,
}

/// Why an anchor cannot be relied on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnchorError {
    /// The text is no anchor.
    #[error("this is not an audit anchor ({0}); give the file that `bursar audit anchor` wrote")]
    Malformed(String),
    /// Its content is not what its digest says.
    #[error("the anchor's content does not fit its digest: the file was damaged or edited; use another copy")]
    Damaged,
    /// A signature was asked for and there is none.
    #[error("the anchor is not signed; use a signed one, or verify without a key")]
    Unsigned,
    /// It was signed with another key, or edited by somebody without the key.
    #[error("the anchor's signature is not that of this key: another key signed it, or it was forged")]
    WrongSignature,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnchorFile {
    format: String,
    at_ms: i64,
    chains: Vec<ChainLine>,
    digest: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChainLine {
    chain: String,
    number: i64,
    last_event: i64,
    hash: String,
}

/// The heads of all chains, read with one query that takes a step in the index for each chain.
pub fn take_anchor(tx: &mut Tx<'_>) -> Result<Anchor, StoreError> {
    let sql = "WITH RECURSIVE chains (chain) AS (\
                   SELECT MIN(chain) FROM audit_links \
                   UNION ALL \
                   SELECT (SELECT MIN(l.chain) FROM audit_links l WHERE l.chain > chains.chain) \
                   FROM chains WHERE chains.chain IS NOT NULL) \
               SELECT l.chain, l.number, l.last_event, l.hash FROM chains \
               JOIN audit_links l ON l.chain = chains.chain \
                   AND l.number = (SELECT MAX(m.number) FROM audit_links m WHERE m.chain = chains.chain) \
               ORDER BY l.chain";
    let heads = tx.query(sql, &[], |row| {
        Ok(ChainHead { chain: row.get(0)?, number: row.get(1)?, last_event: row.get(2)?, hash: row.get(3)? })
    })?;
    Ok(Anchor::new(tx.reading()?, heads))
}

impl Anchor {
    /// The anchor of `heads`, which are in the order of their chains' names.
    #[must_use]
    pub fn new(at: Timestamp, heads: Vec<ChainHead>) -> Anchor {
        Anchor { at, heads, signature: None }
    }

    /// SHA-256 of the time and all heads, in their order.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(FORMAT);
        hasher.update(self.at.ms().to_be_bytes());
        for head in &self.heads {
            for bytes in [head.chain.as_bytes(), &head.hash] {
                hasher.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
                hasher.update(bytes);
            }
            hasher.update(head.number.to_be_bytes());
            hasher.update(head.last_event.to_be_bytes());
        }
        hasher.finalize().into()
    }

    /// The same anchor with HMAC-SHA256 of its format and digest under `key`.
    #[must_use]
    pub fn signed(self, key: &[u8]) -> Anchor {
        let code = signature::code(key, &[FORMAT.as_bytes(), &self.digest()]);
        Anchor { signature: Some(code.to_vec()), ..self }
    }

    /// Whether it was signed with `key` and not edited since.
    pub fn check(&self, key: &[u8]) -> Result<(), AnchorError> {
        let code = self.signature.as_ref().ok_or(AnchorError::Unsigned)?;
        match signature::is_code(code, key, &[FORMAT.as_bytes(), &self.digest()]) {
            true => Ok(()),
            false => Err(AnchorError::WrongSignature),
        }
    }

    /// The text of an anchor's file.
    pub fn to_json(&self) -> Result<String, AnchorError> {
        let line = |head: &ChainHead| ChainLine {
            chain: head.chain.clone(),
            number: head.number,
            last_event: head.last_event,
            hash: hex::encode(&head.hash),
        };
        let file = AnchorFile {
            format: FORMAT.to_owned(),
            at_ms: self.at.ms(),
            chains: self.heads.iter().map(line).collect(),
            digest: hex::encode(self.digest()),
            signature: self.signature.as_ref().map(hex::encode),
        };
        serde_json::to_string_pretty(&file).map_err(|error| malformed(&error))
    }

    /// Reads the text of an anchor's file; the digest must fit, the signature is left to [`Anchor::check`].
    pub fn from_json(text: &str) -> Result<Anchor, AnchorError> {
        let file: AnchorFile = serde_json::from_str(text).map_err(|error| malformed(&error))?;
        if file.format != FORMAT {
            return Err(AnchorError::Malformed(format!("its format is {:?}, not {FORMAT:?}", file.format)));
        }
        let bytes = |text: &str| hex::decode(text).map_err(|error| malformed(&error));
        let head = |line: ChainLine| {
            let hash = bytes(&line.hash)?;
            Ok(ChainHead { chain: line.chain, number: line.number, last_event: line.last_event, hash })
        };
        let heads = file.chains.into_iter().map(head).collect::<Result<Vec<_>, AnchorError>>()?;
        if !heads.is_sorted_by(|a, b| a.chain.cmp(&b.chain) == Ordering::Less) {
            return Err(AnchorError::Malformed("its chains are not in order".to_owned()));
        }
        let signature = file.signature.as_deref().map(bytes).transpose()?;
        let anchor = Anchor { at: Timestamp::from_ms(file.at_ms), heads, signature };
        match bytes(&file.digest)? == anchor.digest() {
            true => Ok(anchor),
            false => Err(AnchorError::Damaged),
        }
    }
}

fn malformed(error: &dyn std::fmt::Display) -> AnchorError {
    AnchorError::Malformed(error.to_string())
}
