//! What a settlement reads: who waits, and all that deciding about some of them takes.

use std::collections::{BTreeMap, HashMap};

use bursar_store::{StoreError, Timestamp, Tx};

use crate::policy::CapTerms;
use crate::record::{Accrual, Payout, Tally, User, WalletLink};
use crate::rules::ban::BanE8;
use crate::rules::caps::CapStatus;
use crate::rules::eligibility::Eligibility;
use crate::rules::holdings::Share;
use crate::rules::payout_order::Waiting;
use crate::rules::settlement::{OpenAccrual, select};

/// Players whose payouts are looked at together.
const LOOK: usize = 500;

/// One player with all that decides about a payout.
#[derive(Debug)]
pub struct Candidate {
    /// Who.
    pub user: User,
    /// Cursor and totals, locked.
    pub tally: Tally,
    /// Where payouts go.
    pub address: Option<String>,
    /// Open accruals.
    pub open: Vec<Accrual>,
    /// Payouts that may count against the caps.
    pub recent: Vec<Payout>,
    /// Highest part of each minute that has open accruals.
    highest: BTreeMap<i64, u32>,
}

/// Everybody of this mode who is eligible, has a primary wallet and enough open for a payout.
pub fn waiting(tx: &mut Tx<'_>, dry_run: bool, minimum: BanE8) -> Result<Vec<Waiting>, StoreError> {
    let sql = "SELECT t.user_id, t.open_since FROM faucet_tally t \
               JOIN faucet_user u ON u.id = t.user_id \
               JOIN faucet_wallet_link w ON w.user_id = t.user_id AND w.is_primary \
               WHERE t.dry_run = $1 AND t.open_e8 > 0 AND u.eligibility = $2 AND t.open_e8 >= $3";
    let params = [dry_run.into(), Eligibility::Eligible.word().into(), minimum.e8().into()];
    tx.query(sql, &params, |row| {
        let since: Option<Timestamp> = row.get(1)?;
        Ok(Waiting { user_id: row.get(0)?, since: since.unwrap_or(Timestamp::from_ms(0)) })
    })
}

/// Those whom the caps leave something, in the same order.
pub(super) fn below_caps(
    tx: &mut Tx<'_>,
    waiting: Vec<Waiting>,
    dry_run: bool,
    terms: CapTerms,
) -> Result<Vec<Waiting>, StoreError> {
    let mut left = Vec::with_capacity(waiting.len());
    for some in waiting.chunks(LOOK) {
        let users: Vec<i64> = some.iter().map(|player| player.user_id).collect();
        let recent =
            by_user(Payout::of_users_since(tx, &users, dry_run, terms.since())?, |paid| paid.user_id);
        let is_below = |player: &&Waiting| {
            let used = terms.used(recent.get(&player.user_id).map_or(&[], Vec::as_slice));
            !CapStatus::new(terms.caps, used, Share::NONE).at_cap
        };
        left.extend(some.iter().filter(is_below).copied());
    }
    Ok(left)
}

/// Those whom a settlement would pay something now, in the same order: what the caps leave them is worth the smallest
/// payout. Looks at all their open accruals.
pub fn payable(
    tx: &mut Tx<'_>,
    waiting: Vec<Waiting>,
    dry_run: bool,
    terms: CapTerms,
    minimum: BanE8,
) -> Result<Vec<Waiting>, StoreError> {
    let below = below_caps(tx, waiting, dry_run, terms)?;
    let users: Vec<i64> = below.iter().map(|player| player.user_id).collect();
    let recent = by_user(Payout::of_users_since(tx, &users, dry_run, terms.since())?, |paid| paid.user_id);
    let open = by_user(Accrual::open(tx, &users, dry_run)?, |accrual| accrual.user_id);
    let is_payable = |player: &Waiting| {
        let used = terms.used(recent.get(&player.user_id).map_or(&[], Vec::as_slice));
        let all_open = Share { kills: u64::MAX, amount: BanE8::ZERO };
        let allowed = CapStatus::new(terms.caps, used, all_open).allowed_kills(terms.mode);
        let rows = open.get(&player.user_id).map_or(&[][..], Vec::as_slice);
        let rows: Vec<OpenAccrual> = rows.iter().map(|row| row.as_open(row.seq)).collect();
        // What cannot be counted is refused, and told of as such.
        select(&rows, allowed).is_ok_and(|found| !found.taken.is_empty() && found.total.amount >= minimum)
    };
    Ok(below.into_iter().filter(is_payable).collect())
}

/// Loads these players, locking their tallies in the order of ids. The result keeps the order of `users`.
pub fn candidates(
    tx: &mut Tx<'_>,
    users: &[i64],
    dry_run: bool,
    since: Timestamp,
) -> Result<Vec<Candidate>, StoreError> {
    let tallies = Tally::load(tx, users, dry_run)?;
    let people = by_user(User::peek(tx, users)?, |user| user.id);
    let links = by_user(WalletLink::of_users(tx, users)?, |link| link.user_id);
    let open = Accrual::open(tx, users, dry_run)?;
    let mut minutes: Vec<(i64, i64)> =
        open.iter().map(|accrual| (accrual.user_id, accrual.epoch_minute)).collect();
    minutes.dedup();
    let mut highest: HashMap<i64, BTreeMap<i64, u32>> = HashMap::new();
    for (user, minute, seq) in Accrual::parts(tx, &minutes, dry_run)? {
        let part = highest.entry(user).or_default().entry(minute).or_default();
        *part = seq.max(*part);
    }
    let mut open = by_user(open, |accrual| accrual.user_id);
    let mut recent = by_user(Payout::of_users_since(tx, users, dry_run, since)?, |payout| payout.user_id);
    let mut tallies: HashMap<i64, Tally> = tallies.into_iter().map(|tally| (tally.user_id, tally)).collect();
    let mut people = people;
    let candidates = users.iter().filter_map(|id| {
        let user = people.get_mut(id).and_then(Vec::pop)?;
        let address = links.get(id).and_then(|links| links.iter().find(|link| link.is_primary));
        Some(Candidate {
            user,
            tally: tallies.remove(id)?,
            address: address.map(|link| link.address.clone()),
            open: open.remove(id).unwrap_or_default(),
            recent: recent.remove(id).unwrap_or_default(),
            highest: highest.remove(id).unwrap_or_default(),
        })
    });
    Ok(candidates.collect())
}

impl Candidate {
    /// The open accruals as the rules see them.
    pub fn open_accruals(&self) -> Vec<OpenAccrual> {
        let highest = |row: &Accrual| self.highest.get(&row.epoch_minute).copied().unwrap_or(row.seq);
        self.open.iter().map(|row| row.as_open(highest(row))).collect()
    }
}

impl Accrual {
    fn as_open(&self, highest_seq: u32) -> OpenAccrual {
        OpenAccrual {
            id: self.id,
            epoch_minute: self.epoch_minute,
            highest_seq,
            kills: self.kills,
            rate: self.rate,
            cursor_from: self.cursor_from,
        }
    }
}

fn by_user<T>(rows: Vec<T>, user: impl Fn(&T) -> i64) -> HashMap<i64, Vec<T>> {
    let mut grouped: HashMap<i64, Vec<T>> = HashMap::new();
    for row in rows {
        grouped.entry(user(&row)).or_default().push(row);
    }
    grouped
}
