//! Blocks as the RPC writes them: JSON with every value as text.

use bursar_money::Amount;
use serde::{Deserialize, Serialize};

use crate::block::{BlockHash, SignedBlock, StateBlock};
use crate::keys::{PublicKey, Signature};
use crate::work::Work;

/// The fields that a hash covers. `link_as_account` and whatever else a node adds is ignored.
#[derive(Serialize, Deserialize)]
struct BlockText {
    r#type: String,
    account: String,
    previous: BlockHash,
    representative: String,
    balance: String,
    link: String,
}

#[derive(Serialize, Deserialize)]
struct SignedText {
    #[serde(flatten)]
    block: BlockText,
    signature: Signature,
    work: Work,
}

/// Why a JSON object is no state block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a state block: {0} is wrong")]
pub struct BlockTextError(&'static str);

impl From<&StateBlock> for BlockText {
    fn from(block: &StateBlock) -> BlockText {
        BlockText {
            r#type: "state".to_owned(),
            account: block.account.address(),
            previous: block.previous,
            representative: block.representative.address(),
            balance: block.balance.to_string(),
            link: hex::encode_upper(block.link),
        }
    }
}

impl TryFrom<BlockText> for StateBlock {
    type Error = BlockTextError;

    fn try_from(text: BlockText) -> Result<StateBlock, BlockTextError> {
        if text.r#type != "state" {
            return Err(BlockTextError("type"));
        }
        Ok(StateBlock {
            account: PublicKey::from_address(&text.account).map_err(|_| BlockTextError("account"))?,
            previous: text.previous,
            representative: PublicKey::from_address(&text.representative)
                .map_err(|_| BlockTextError("representative"))?,
            balance: raw(&text.balance).ok_or(BlockTextError("balance"))?,
            link: crate::hexadecimal::parse(&text.link).ok_or(BlockTextError("link"))?,
        })
    }
}

/// Raw as nodes write it: decimal digits, without leading zeros.
pub(crate) fn raw(text: &str) -> Option<Amount> {
    let canonical = text == "0" || !text.starts_with('0');
    text.parse().ok().filter(|_| canonical)
}

impl Serialize for StateBlock {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        BlockText::from(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for StateBlock {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<StateBlock, D::Error> {
        BlockText::deserialize(deserializer)?.try_into().map_err(serde::de::Error::custom)
    }
}

impl Serialize for SignedBlock {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (block, signature, work) = (BlockText::from(&self.block), self.signature, self.work);
        SignedText { block, signature, work }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SignedBlock {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<SignedBlock, D::Error> {
        let text = SignedText::deserialize(deserializer)?;
        let block = text.block.try_into().map_err(serde::de::Error::custom)?;
        Ok(SignedBlock { block, signature: text.signature, work: text.work })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::SecretKey;
    use serde_json::{Value, json};

    fn signed() -> SignedBlock {
        let key = SecretKey::from_bytes(&[7; 32]);
        let block = StateBlock::open(key.public_key(), BlockHash([1; 32]), Amount::MAX, key.public_key());
        block.signed(&key, Work(0xab))
    }

    #[test]
    fn a_block_comes_back_from_its_json() {
        let json = serde_json::to_value(signed()).unwrap();
        assert_eq!(json["type"], "state");
        assert_eq!(json["balance"], "340282366920938463463374607431768211455");
        assert_eq!(json["work"], "00000000000000ab");
        assert_eq!(serde_json::from_value::<SignedBlock>(json).unwrap(), signed());
    }

    #[test]
    fn a_block_with_a_wrong_or_missing_field_is_refused() {
        let good = serde_json::to_value(signed()).unwrap();
        let wrong = [
            ("type", json!("send")),
            ("account", json!("ban_1")),
            ("previous", json!("00")),
            ("representative", json!(null)),
            ("balance", json!(1)),
            ("balance", json!("01")),
            ("balance", json!("-1")),
            ("balance", json!("340282366920938463463374607431768211456")),
            ("link", json!("zz")),
            ("signature", json!("")),
            ("work", json!("ab")),
        ];
        for (field, value) in wrong {
            let mut bad = good.clone();
            bad[field] = value;
            assert!(serde_json::from_value::<SignedBlock>(bad).is_err(), "{field}");
        }
        for field in ["type", "account", "previous", "representative", "balance", "link", "signature", "work"]
        {
            let mut bad = good.clone();
            bad.as_object_mut().unwrap().remove(field);
            assert!(serde_json::from_value::<SignedBlock>(bad).is_err(), "{field}");
        }
        let mut more = good;
        more["link_as_account"] = Value::from("ban_x");
        assert!(serde_json::from_value::<SignedBlock>(more).is_ok());
    }
}
