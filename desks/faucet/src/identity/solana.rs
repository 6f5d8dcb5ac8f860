//! Proving that a Solana wallet is the player's: a signed text that names wallet, time and nonce (docs/spec/faucet.md
//! 4.2).

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bursar_store::{StoreError, Timestamp, Tx};
use ed25519_dalek::{Signature, VerifyingKey};

use super::nonce::{Purpose, draw, give, take};
use super::rejection::{IdentityFault, IdentityRejection, Outcome};
use super::verify::peek;
use crate::CLOCK;
use crate::faucet::Faucet;
use crate::record::User;
use crate::upstream::Reading;

/// How far a message's time may be away.
const AWAY_S_MAX: i64 = 300;
/// A nonce lasts as long as a message that carries it.
const NONCE_MS: i64 = 2 * AWAY_S_MAX * 1_000;
const ADDRESS_BYTES: usize = 32;

/// A proof as it was sent.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The wallet in base58.
    pub address: String,
    /// What was signed.
    pub message: String,
    /// The signature in base64.
    pub signature: String,
}

/// A proof whose signature was checked; whose it is, its nonce tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// The wallet.
    pub address: String,
    /// The nonce that the message carries, if any.
    pub nonce: Option<String>,
}

/// The text that a player has to sign.
#[must_use]
pub fn message(address: &str, nonce: &str, now: Timestamp) -> String {
    let at = now.ms().div_euclid(1_000);
    format!("This wallet is mine.\nWallet: {address}\nTimestamp: {at}\nNonce: {nonce}")
}

/// Checks a proof against itself and the clock. Pure.
pub fn check(proof: &Proof, now: Timestamp) -> Result<Proven, IdentityRejection> {
    let key = key(&proof.address)?;
    let lines: Vec<&str> = proof.message.lines().collect();
    let [_, wallet, time, more @ ..] = lines.as_slice() else {
        return Err(IdentityRejection::InvalidMessage);
    };
    let wallet = wallet.strip_prefix("Wallet: ").ok_or(IdentityRejection::InvalidMessage)?;
    let at = time.strip_prefix("Timestamp: ").and_then(|at| at.parse::<i64>().ok());
    let at = at.ok_or(IdentityRejection::InvalidMessage)?;
    if wallet != proof.address {
        return Err(IdentityRejection::WalletMismatch);
    }
    if now.ms().div_euclid(1_000).abs_diff(at) > AWAY_S_MAX.unsigned_abs() {
        return Err(IdentityRejection::MessageExpired);
    }
    let signature = BASE64.decode(&proof.signature).ok();
    let signature = signature.and_then(|bytes| Signature::from_slice(&bytes).ok());
    let signature = signature.ok_or(IdentityRejection::InvalidSignature)?;
    key.verify_strict(proof.message.as_bytes(), &signature)
        .map_err(|_| IdentityRejection::InvalidSignature)?;
    let nonce = more.iter().find_map(|line| line.strip_prefix("Nonce: ")).map(str::to_owned);
    Ok(Proven { address: proof.address.clone(), nonce })
}

/// The key of an address, which has one text only.
fn key(address: &str) -> Result<VerifyingKey, IdentityRejection> {
    let invalid = IdentityRejection::InvalidSolanaAddress;
    let mut bytes = [0; ADDRESS_BYTES];
    let length = bs58::decode(address).onto(&mut bytes).map_err(|_| invalid)?;
    if length != ADDRESS_BYTES || bs58::encode(&bytes).into_string() != address {
        return Err(invalid);
    }
    VerifyingKey::from_bytes(&bytes).map_err(|_| invalid)
}

/// Gives a player the text to sign for a wallet. Blocks.
pub fn challenge(faucet: &Faucet, discord_user_id: &str, address: &str) -> Outcome<String> {
    if let Err(rejection) = key(address) {
        return Ok(Err(rejection));
    }
    let nonce = draw(&*faucet.platform.entropy);
    Ok(faucet.platform.store.transact("faucet.solana_nonce", |tx| {
        let now = tx.reading()?;
        let Some(user) = peek(tx, discord_user_id)? else { return Ok(Err(IdentityRejection::UnknownUser)) };
        give(tx, Purpose::SolanaProof, &nonce, user.id, now.after_ms(NONCE_MS))?;
        Ok(Ok(message(address, &nonce, now)))
    })?)
}

/// Makes a proven wallet the player's and asks what it holds. Blocks.
pub fn attach(faucet: &Faucet, discord_user_id: &str, proven: &Proven) -> Outcome<User> {
    let balance = match faucet.people().tokens.whole_tokens(&proven.address) {
        Reading::Found(balance) => balance,
        Reading::NotFound => 0,
        Reading::NoData(why) => return Err(IdentityFault::NoData(why)),
        Reading::Unavailable(why) => return Err(IdentityFault::Unavailable(why)),
    };
    Ok(faucet.platform.store.transact("faucet.solana", |tx| apply(tx, discord_user_id, proven, balance))?)
}

fn apply(
    tx: &mut Tx<'_>,
    discord_user_id: &str,
    proven: &Proven,
    balance: u64,
) -> Result<Result<User, IdentityRejection>, StoreError> {
    let now = tx.open_clock(CLOCK)?;
    let Some(mut user) = User::of_discord(tx, discord_user_id)? else {
        return Ok(Err(IdentityRejection::UnknownUser));
    };
    let nonce = proven.nonce.as_deref().unwrap_or_default();
    if !take(tx, Purpose::SolanaProof, nonce, user.id, now)? {
        return Ok(Err(IdentityRejection::InvalidNonce));
    }
    if User::of_solana(tx, &proven.address)?.is_some_and(|other| other.id != user.id) {
        return Ok(Err(IdentityRejection::SolanaInUse));
    }
    user.solana_address = Some(proven.address.clone());
    user.token_balance = balance;
    user.token_verified_at = Some(now);
    User::save(tx, std::slice::from_ref(&user), now)?;
    tx.close_clock(CLOCK, now)?;
    Ok(Ok(user))
}
