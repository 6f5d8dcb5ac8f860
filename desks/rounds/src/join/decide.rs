//! The rules of joining, pure, in the order of docs/spec/rounds.md 4.1.

use bursar_control::Verdict;
use bursar_ledger::{AccountSlot, Overdraft, TransferKind};
use bursar_money::Asset;
use bursar_store::fail_stop;

use super::command::{BodyFault, JoinCommand, JoinRequest};
use super::rejection::JoinRejection;
use super::state::{BatchPool, BatchWallet, JoinState, KnownEntry, LastEntry, NewEntry};
use crate::canary::Mark;
use crate::market::Market;
use crate::pool::{Pool, PoolState};
use crate::settings::{JOINS_BY_ADDRESS, JOINS_BY_WALLET, Limit, STAKE_MAX};
use crate::stake::{Side, Stake, StakeCounts};
use crate::timing::{Phase, Round};
use crate::wallet::Address;

/// A stake moves from the wallet to the round's pool.
pub const JOIN: TransferKind = TransferKind(100);
const ID_CHARACTERS_MAX: usize = 128;

/// An entry is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joined {
    /// Whether this call made it (else it was there before).
    pub created: bool,
}

/// What a valid request asks for.
struct Wish {
    round: Round,
    side: Side,
    stake: Stake,
}

/// Applies one join to the batch's state: only while its round is open and not sealed (invariant IN-WINDOW).
pub fn decide(state: &mut JoinState, command: &JoinCommand) -> Result<Joined, JoinRejection> {
    if state.joins.is_stopped() {
        return Err(JoinRejection::Paused);
    }
    charge_address(state, &command.client)?;
    if command.mark == Mark::Refused {
        return Err(JoinRejection::Unauthorized);
    }
    let request = command.body.as_ref().map_err(|fault| match fault {
        BodyFault::Malformed => JoinRejection::MalformedJson,
        BodyFault::Shape(field) => JoinRejection::InvalidPayload(field),
    })?;
    let wish = check(state, request)?;
    if let Some(known) = state.known.get(&request.id) {
        return recognise(known, &wish, request);
    }
    let is_sealed = state.pools.get(&wish.round.key()).is_some_and(|pool| pool.state != PoolState::Unsealed);
    if wish.round.phase(state.now) != Phase::Open || is_sealed {
        return Err(JoinRejection::OutsideOpenWindow);
    }
    let wallet = request.wallet.address().ok_or(JoinRejection::InvalidWallet)?;
    charge_wallet(state, request.wallet.text())?;
    accept(state, request, &wish, wallet, command.mark == Mark::Canary);
    Ok(Joined { created: true })
}

fn charge_address(state: &mut JoinState, client: &str) -> Result<(), JoinRejection> {
    let window = state.settings.window(JOINS_BY_ADDRESS);
    let key = format!("{}{client}", JOINS_BY_ADDRESS.prefix);
    pass(JOINS_BY_ADDRESS, state.windows.hit(window, &key, state.now))
}

fn charge_wallet(state: &mut JoinState, wallet: &str) -> Result<(), JoinRejection> {
    let window = state.settings.window(JOINS_BY_WALLET);
    let key = format!("{}{wallet}", JOINS_BY_WALLET.prefix);
    pass(JOINS_BY_WALLET, state.windows.hit(window, &key, state.now))
}

fn pass(limit: Limit, verdict: Verdict) -> Result<(), JoinRejection> {
    match verdict {
        Verdict::Passed { .. } => Ok(()),
        Verdict::Limited { retry_after_s } => {
            Err(JoinRejection::RateLimited { bucket: limit.prefix.trim_end_matches(':'), retry_after_s })
        }
    }
}

/// Everything that can be said of the request without knowing the time or what is stored.
fn check(state: &JoinState, request: &JoinRequest) -> Result<Wish, JoinRejection> {
    if request.id.chars().count() > ID_CHARACTERS_MAX || request.id.contains('\0') {
        return Err(JoinRejection::InvalidId);
    }
    let side = Side::from_word(&request.direction).ok_or(JoinRejection::InvalidDirection)?;
    let market = Market::from_key(&request.market).ok_or(JoinRejection::InvalidMarket)?;
    if request.feed_id != market.feed_id() {
        return Err(JoinRejection::FeedMismatch);
    }
    let max_bucks = state.settings.get(STAKE_MAX);
    // What was accepted once is recognised also after its tier was switched off.
    let is_enabled = |stake: &Stake| stake.bucks() <= max_bucks || state.known.contains_key(&request.id);
    let stake = request.stake_bucks.and_then(Stake::from_bucks).filter(is_enabled);
    let stake = stake.ok_or(JoinRejection::InvalidStake { max_bucks })?;
    let start_s = request.round_start_ms.div_euclid(1_000);
    if request.round_id != format!("{}-{start_s}-5m", market.key()) {
        return Err(JoinRejection::InvalidRoundId);
    }
    let round = Round::starting(market, request.round_start_ms).ok_or(JoinRejection::InvalidRoundStart)?;
    if request.round_end_ms != round.end_ms() {
        return Err(JoinRejection::InvalidRoundEnd);
    }
    Ok(Wish { round, side, stake })
}

/// A known id is the same entry again, or a conflict (invariant ONCE); also after the window has closed.
fn recognise(known: &KnownEntry, wish: &Wish, request: &JoinRequest) -> Result<Joined, JoinRejection> {
    let is_same = known.round == wish.round
        && known.side == wish.side
        && known.stake == wish.stake
        && request.wallet.address() == Some(known.wallet);
    if is_same { Ok(Joined { created: false }) } else { Err(JoinRejection::IdConflict) }
}

fn accept(state: &mut JoinState, request: &JoinRequest, wish: &Wish, wallet: Address, is_canary: bool) {
    let pool_account = open_pool(state, wish);
    let batch_wallet = open_wallet(state, wallet);
    let moved = state.book.transfer(batch_wallet.account, pool_account, wish.stake.cents(), JOIN, 0);
    // Wallets of play money may go negative and stakes are small, so only a broken book refuses here.
    let transfer =
        moved.unwrap_or_else(|refusal| fail_stop(&format!("a join was refused by the ledger: {refusal}")));
    let is_new_player = note_player(state, wallet, wish.round, transfer);
    if let Some(pool) = state.pools.get_mut(&wish.round.key()) {
        pool.stakes.add(wish.side, wish.stake);
        pool.entries += 1;
        pool.players += i64::from(is_new_player);
        match wish.side {
            Side::Up => pool.last_new[0] = Some(transfer),
            Side::Down => pool.last_new[1] = Some(transfer),
        }
    }
    let known = KnownEntry { round: wish.round, wallet, side: wish.side, stake: wish.stake };
    state.known.insert(request.id.clone(), known);
    state.accepted.push(NewEntry {
        transfer,
        id: request.id.clone(),
        round: wish.round,
        wallet,
        side: wish.side,
        stake: wish.stake,
        previous: batch_wallet.last,
        number: batch_wallet.entries + 1,
        is_canary,
        is_first_of_wallet: is_new_player,
    });
}

/// The ledger account of the wished side, opened with the pool when this is the round's first entry.
fn open_pool(state: &mut JoinState, wish: &Wish) -> AccountSlot {
    let book = &mut state.book;
    let pool = state.pools.entry(wish.round.key()).or_insert_with(|| {
        let mut open = |side| {
            let path = Pool::account_path(wish.round, side);
            book.open(&path, Asset::PanchoBucks, Overdraft::Forbidden)
        };
        BatchPool {
            state: PoolState::Unsealed,
            stakes: StakeCounts::default(),
            players: 0,
            entries: 0,
            accounts: [open(Side::Up), open(Side::Down)],
            last_stored: [None, None],
            last_new: [None, None],
        }
    });
    match wish.side {
        Side::Up => pool.accounts[0],
        Side::Down => pool.accounts[1],
    }
}

/// The wallet as it was before this entry, opened when it is its first.
fn open_wallet(state: &mut JoinState, wallet: Address) -> BatchWallet {
    let book = &mut state.book;
    let opened = state.wallets.entry(wallet).or_insert_with(|| BatchWallet {
        account: book.open("", Asset::PanchoBucks, Overdraft::Allowed),
        is_new: true,
        entries: 0,
        last: LastEntry::None,
        slot_start_ms: 0,
        slot_markets: 0,
    });
    opened.clone()
}

/// Notes the entry with its wallet and says whether the wallet is new in this round.
fn note_player(
    state: &mut JoinState,
    wallet: Address,
    round: Round,
    transfer: bursar_ledger::TransferSlot,
) -> bool {
    let Some(wallet) = state.wallets.get_mut(&wallet) else { return false };
    let bit = 1_i64 << round.market().code();
    if wallet.slot_start_ms != round.start_ms() {
        wallet.slot_start_ms = round.start_ms();
        wallet.slot_markets = 0;
    }
    let is_new = wallet.slot_markets & bit == 0;
    wallet.slot_markets |= bit;
    wallet.entries += 1;
    wallet.last = LastEntry::New(transfer);
    is_new
}
