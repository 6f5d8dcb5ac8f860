//! Linking the wallet that payouts go to.

use bursar_chain::AddressError;
use bursar_store::{StoreError, Timestamp, Tx};

use super::rejection::{IdentityRejection, Outcome};
use crate::CLOCK;
use crate::faucet::Faucet;
use crate::mode::Mode;
use crate::record::{AbuseFlag, Totals, User, WALLET_LINKS, WalletLink};
use crate::rules::abuse::{FlagType, shared_wallet};
use crate::suspicion::{Consequences, Suspicion, raise};

/// An address in canonical text, checked in full.
pub fn read_address(faucet: &Faucet, text: &str) -> Result<String, IdentityRejection> {
    match faucet.chain.parse_address(text) {
        Ok(address) => Ok(address.as_str().to_owned()),
        Err(AddressError::Unspendable) => Err(IdentityRejection::BurnAddress),
        Err(AddressError::Malformed | AddressError::Checksum) => Err(IdentityRejection::InvalidAddress),
    }
}

/// Makes a checked address the player's primary wallet. Blocks.
pub fn link(faucet: &Faucet, discord_user_id: &str, address: &str) -> Outcome<()> {
    let store = &faucet.platform.store;
    let linked = store.transact("faucet.link_wallet", |tx| apply(tx, faucet, discord_user_id, address))?;
    Ok(linked.map(|is_flagged| faucet.metrics.count_flags(u64::from(is_flagged))))
}

/// Says whether the player was flagged for it.
fn apply(
    tx: &mut Tx<'_>,
    faucet: &Faucet,
    discord_user_id: &str,
    address: &str,
) -> Result<Result<bool, IdentityRejection>, StoreError> {
    let now = tx.open_clock(CLOCK)?;
    let mode = Mode::locked(tx, &faucet.platform.switchboard, &faucet.policy, now)?;
    let Some(user) = User::of_discord(tx, discord_user_id)? else {
        return Ok(Err(IdentityRejection::UnknownUser));
    };
    let links = WalletLink::of_users(tx, &[user.id])?;
    let (mut own, others): (Vec<_>, Vec<_>) = links.into_iter().partition(|link| link.address == address);
    let cleared: Vec<WalletLink> = others
        .into_iter()
        .filter(|link| link.is_primary)
        .map(|link| WalletLink { is_primary: false, ..link })
        .collect();
    WalletLink::save(tx, &cleared, now)?;
    let link = match own.pop() {
        Some(link) => link,
        None => new_link(tx.allocate(WALLET_LINKS, 1)?, user.id, address, now),
    };
    let link = WalletLink {
        is_primary: true,
        is_verified: true,
        verified_at: link.verified_at.or(Some(now)),
        ..link
    };
    WalletLink::save(tx, &[link], now)?;
    let is_flagged = flag_shared(tx, faucet, user.id, address, now)?;
    if is_flagged {
        let mut totals = Totals::locked(tx, mode.dry_run)?;
        totals.flags += 1;
        totals.save(tx, mode.dry_run)?;
    }
    tx.close_clock(CLOCK, now)?;
    Ok(Ok(is_flagged))
}

fn new_link(id: i64, user_id: i64, address: &str, now: Timestamp) -> WalletLink {
    WalletLink {
        id,
        user_id,
        address: address.to_owned(),
        is_primary: true,
        is_verified: true,
        verified_at: Some(now),
        created_at: now,
    }
}

/// Raises a flag when another player has the same wallet.
fn flag_shared(
    tx: &mut Tx<'_>,
    faucet: &Faucet,
    user: i64,
    address: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let is_elsewhere = WalletLink::of_address(tx, address)?.iter().any(|link| link.user_id != user);
    let newest = AbuseFlag::newest(tx, user, FlagType::SharedWallet.word())?;
    let Some(severity) = shared_wallet(is_elsewhere, newest.map(|flag| flag.flag.state)) else {
        return Ok(false);
    };
    let detail = "another player has linked the same wallet".to_owned();
    let suspicion = Suspicion { user, flag_type: FlagType::SharedWallet, severity, detail };
    let Faucet { payouts, recorder, policy, .. } = faucet;
    raise(tx, &Consequences { action: policy.abuse_action, payouts, recorder }, suspicion, now)?;
    Ok(true)
}
