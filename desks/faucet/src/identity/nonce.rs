//! Values that count once: states of sign-ins and nonces of wallet proofs. Only hashes are stored.

use bursar_access::Entropy;
use bursar_store::{Param, StoreError, Timestamp, Tx};

/// What a value is for; one of another purpose is worth nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The state of a sign-in.
    OauthState,
    /// The nonce of a proof that a Solana wallet is the player's.
    SolanaProof,
    /// A player's wish to be looked up again.
    Reverify,
}

impl Purpose {
    const fn word(self) -> &'static str {
        match self {
            Purpose::OauthState => "oauth_state",
            Purpose::SolanaProof => "solana_proof",
            Purpose::Reverify => "reverify",
        }
    }
}

/// 128 bits of chance in hex.
#[must_use]
pub fn draw(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    hex::encode(bytes)
}

/// Uses up a value that carries its own proof of being ours; `false` = it was used before, here or on another replica.
pub fn use_once(
    tx: &mut Tx<'_>,
    purpose: Purpose,
    value: &str,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO faucet_nonce (hash, purpose, expires_at, used_at) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (hash) DO NOTHING";
    let hash = hash(purpose, value);
    let params = [Param::Bytes(&hash), purpose.word().into(), expires_at.into(), now.into()];
    Ok(tx.execute(sql, &params)? == 1)
}

/// Gives a value to a player.
pub fn give(
    tx: &mut Tx<'_>,
    purpose: Purpose,
    value: &str,
    user: i64,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO faucet_nonce (hash, purpose, user_id, expires_at) VALUES ($1, $2, $3, $4)";
    let hash = hash(purpose, value);
    let params = [Param::Bytes(&hash), purpose.word().into(), user.into(), expires_at.into()];
    tx.execute(sql, &params).map(|_| ())
}

/// Uses up a value that was given to this player; `false` = it was not, has expired, or was used before.
pub fn take(
    tx: &mut Tx<'_>,
    purpose: Purpose,
    value: &str,
    user: i64,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE faucet_nonce SET used_at = $4 \
               WHERE hash = $1 AND purpose = $2 AND user_id = $3 AND used_at IS NULL AND expires_at >= $4";
    let hash = hash(purpose, value);
    let params = [Param::Bytes(&hash), purpose.word().into(), user.into(), now.into()];
    Ok(tx.execute(sql, &params)? == 1)
}

/// Claims something that a player may do once in `every_ms`; `Err` = when it may be done again.
pub fn claim(
    tx: &mut Tx<'_>,
    purpose: Purpose,
    user: i64,
    every_ms: i64,
    now: Timestamp,
) -> Result<Result<(), Timestamp>, StoreError> {
    let sql = "INSERT INTO faucet_nonce (hash, purpose, user_id, expires_at, used_at) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (hash) DO UPDATE SET expires_at = excluded.expires_at, used_at = excluded.used_at \
               WHERE faucet_nonce.expires_at <= excluded.used_at";
    let hash = hash(purpose, &user.to_string());
    let until = now.after_ms(every_ms);
    let params = [Param::Bytes(&hash), purpose.word().into(), user.into(), until.into(), now.into()];
    if tx.execute(sql, &params)? == 1 {
        return Ok(Ok(()));
    }
    let sql = "SELECT expires_at FROM faucet_nonce WHERE hash = $1";
    let until = tx.query_first(sql, &[Param::Bytes(&hash)], |row| row.get(0))?;
    // The row was there a moment ago; should it be gone, the whole time is the longest that can be left.
    Ok(Err(until.unwrap_or(now.after_ms(every_ms))))
}

fn hash(purpose: Purpose, value: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(purpose.word().as_bytes()).update(&[0]).update(value.as_bytes());
    *hasher.finalize().as_bytes()
}
