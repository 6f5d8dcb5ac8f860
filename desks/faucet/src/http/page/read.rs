//! Reading the page: each part as the desk's own routes read it.

use std::collections::HashMap;

use bursar_store::{StoreError, Timestamp, Tx};

use super::super::public::board::standings;
use super::view::{Due, Funds, Gifts, Named, PageView, PlayerView, Session};
use crate::faucet::Faucet;
use crate::identity::verify::peek;
use crate::policy::{damaged, unusable_caps};
use crate::record::listing::{
    AccrualRow, PayoutList, PayoutRow, PayoutSort, accruals_of, board, newest_accruals, newest_payouts,
};
use crate::record::{Donation, Heartbeat, Tally, Totals, User, WalletLink};
use crate::rules::baseline::Baseline;
use crate::rules::caps::{CapStatus, Caps, Used};
use crate::rules::donation::progress_e2;
use crate::rules::hodl::tier;
use crate::rules::holdings::{Holdings, Share};
use crate::rules::milestone::next;
use crate::settings::Values;

/// Players on the leaderboard.
const PLAYERS: i64 = 20;
/// Accruals and payouts of everybody.
const NEWS: i64 = 8;
/// Payouts of the player.
const OWN_PAYOUTS: i64 = 10;
/// Accruals of the player.
const OWN_ACCRUALS: i64 = 10;
/// Donors.
const DONORS: usize = 10;

/// The page for whoever came with a session, which is `uid`'s if it counts.
pub(super) fn page(
    tx: &mut Tx<'_>,
    faucet: &Faucet,
    (has_session, uid): (bool, Option<&str>),
    now: Timestamp,
) -> Result<PageView, StoreError> {
    let mode = faucet.mode(tx, now)?;
    let dry_run = mode.dry_run;
    let user = match uid {
        Some(uid) => peek(tx, uid)?,
        None => None,
    };
    let session = match user {
        Some(user) => Session::Player(Box::new(player(tx, faucet, user, dry_run, now)?)),
        None if has_session => Session::Ended,
        None => Session::None,
    };
    let terms = faucet.policy.cap_terms(&Values::read(tx)?, now).map_err(|error| unusable_caps(&error))?;
    let (accruals, payouts) = news(tx, dry_run)?;
    Ok(PageView {
        now,
        mode,
        promo: faucet.policy.promo(now),
        due: due(tx, faucet)?,
        session,
        caps: terms.caps,
        cap_mode: terms.mode,
        board: board(tx, dry_run, PLAYERS, 0)?,
        players: Totals::peek(tx, dry_run)?.users,
        accruals,
        payouts,
        gifts: gifts(tx, faucet, terms.caps, now)?,
        funds: funds(tx, faucet)?,
    })
}

fn player(
    tx: &mut Tx<'_>,
    faucet: &Faucet,
    user: User,
    dry_run: bool,
    now: Timestamp,
) -> Result<PlayerView, StoreError> {
    let links = WalletLink::of_users(tx, &[user.id])?;
    let wallet = links.into_iter().find(|link| link.is_primary).map(|link| link.address);
    let tally = Tally::peek(tx, &[user.id], dry_run)?.pop();
    let (caps, standings) = standings(tx, faucet, &[user.id], dry_run, now)?;
    let nothing = CapStatus::new(caps, Used::default(), Share::NONE);
    let payouts = PayoutList {
        user: user.id,
        dry_run,
        status: None,
        sort: PayoutSort::CreatedAt,
        descending: true,
        limit: OWN_PAYOUTS,
        offset: 0,
    };
    Ok(PlayerView {
        wallet,
        is_counting: tally.as_ref().is_some_and(|tally| matches!(tally.baseline, Baseline::Set { .. })),
        holdings: tally.map_or_else(Holdings::default, |tally| tally.holdings),
        cap: standings.get(&user.id).copied().unwrap_or(nothing),
        payouts: payouts.rows(tx)?,
        accruals: accruals_of(tx, (user.id, dry_run), None, (OWN_ACCRUALS, 0))?,
        user,
    })
}

type News<T> = Vec<Named<T>>;

/// The newest accruals and payouts with the names of their players.
fn news(tx: &mut Tx<'_>, dry_run: bool) -> Result<(News<AccrualRow>, News<PayoutRow>), StoreError> {
    let accruals = newest_accruals(tx, dry_run, NEWS)?;
    let payouts = newest_payouts(tx, dry_run, NEWS)?;
    let mut ids: Vec<i64> = accruals.iter().map(|row| row.user_id).collect();
    ids.extend(payouts.iter().map(|row| row.user_id));
    ids.sort_unstable();
    ids.dedup();
    let people: HashMap<i64, User> = User::peek(tx, &ids)?.into_iter().map(|user| (user.id, user)).collect();
    let name = |id: i64| people.get(&id).and_then(|user| user.discord_username.clone());
    let badge = |id: i64| people.get(&id).map_or("", |user| tier(user.token_balance).badge);
    let accruals =
        accruals.into_iter().map(|row| Named { name: name(row.user_id), badge: badge(row.user_id), row });
    let accruals = accruals.collect();
    let payouts =
        payouts.into_iter().map(|row| Named { name: name(row.user_id), badge: badge(row.user_id), row });
    Ok((accruals, payouts.collect()))
}

fn due(tx: &mut Tx<'_>, faucet: &Faucet) -> Result<Option<Due>, StoreError> {
    let accrued = Heartbeat::find(tx, "accrual")?.map(|beat| beat.ran_at);
    let settled = Heartbeat::find(tx, "settlement")?.map(|beat| beat.ran_at);
    if accrued.is_none() && settled.is_none() {
        return Ok(None);
    }
    let intervals = Values::read(tx)?.intervals();
    Ok(Some(Due {
        accrual: intervals.next_accrual(faucet.started, accrued),
        settlement: intervals.next_settlement(faucet.started, settled),
    }))
}

fn gifts(tx: &mut Tx<'_>, faucet: &Faucet, caps: Caps, now: Timestamp) -> Result<Gifts, StoreError> {
    let live = Values::read(tx)?;
    let totals = faucet.policy.rate_totals(tx, &live, now)?;
    let mut donors = Donation::donors(tx)?;
    donors.truncate(DONORS);
    Ok(Gifts {
        total: totals.donated,
        progress_e2: progress_e2(totals.donated),
        next: next(totals.donated).map_err(damaged)?,
        donors,
        economics: totals.economics(caps).map_err(damaged)?,
    })
}

fn funds(tx: &mut Tx<'_>, faucet: &Faucet) -> Result<Option<Funds>, StoreError> {
    let wallet = faucet.payouts.wallet(tx, &faucet.operator)?;
    Ok(wallet
        .map(|wallet| Funds { address: wallet.address.as_str().to_owned(), seen: faucet.balance.known() }))
}
