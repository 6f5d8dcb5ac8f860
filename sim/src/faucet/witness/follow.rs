//! What may become of the desk's rows from one look to the next: what comes, what changes, what goes.

use super::adoption::may_settle;
use super::rows::{Accrual, Desk, Payout, State, Tally};
use super::{Stop, Witness};
use crate::faucet::terms::{DAY_MS, RETENTION_DAYS};
use crate::invariant::{Breach, require};

/// How far a node's clock may be ahead of the desk's and of the true time, ms.
const CLOCK_ERROR_MS: i64 = 3_600_000;

impl Witness {
    /// What may become of the desk from one look to the next.
    pub(super) fn follow(&mut self, desk: &Desk) -> Result<(), Breach> {
        let before = std::mem::take(&mut self.seen.desk);
        require!(TimeMonotone, desk.clock_ms >= before.clock_ms, "the desk's clock went back");
        self.follow_players(&before, desk)?;
        for (id, was) in &before.accruals {
            match desk.accruals.get(id) {
                Some(is) => follow_row(desk, was, is)?,
                None => {
                    let may_go = was.state == State::Settled && self.is_old(desk, was.settled_ms);
                    require!(Accrued, may_go, "{was:?} is gone");
                }
            }
        }
        for row in desk.accruals.values().filter(|row| !before.accruals.contains_key(&row.id)) {
            self.admit_row(row)?;
        }
        self.follow_payouts(&before, desk)?;
        if before.lacks_payments && !desk.lacks_payments {
            self.check_complete()?;
        }
        let is_split =
            desk.accruals.values().any(|row| row.part > 0 && !before.accruals.contains_key(&row.id));
        let is_written_off = desk.tallies.iter().any(|tally| tally.written_off.0 > 0);
        for (is_reached, what) in [
            (is_split, "a row split by a cap"),
            (is_written_off, "rows written off"),
            (desk.lacks_payments, "payments missing after a restore"),
        ] {
            if is_reached {
                self.reach("faucet", what);
            }
        }
        Ok(())
    }

    /// Players stay who they are, earn by accounts of their own, and from counts that statistics told.
    fn follow_players(&mut self, before: &Desk, desk: &Desk) -> Result<(), Breach> {
        let gone = before.users.keys().find(|user| !desk.users.contains_key(user));
        require!(Durable, gone.is_none(), "player {gone:?} is gone");
        for (id, user) in &desk.users {
            if let Some(player) = &user.player {
                let known = self.seen.players.entry(*id).or_insert_with(|| player.clone());
                require!(Durable, known == player, "player {id} was {known} and is {player}");
            }
            let Some(account) = &user.account else { continue };
            let player = self.seen.players.get(id);
            let is_own = player.is_some_and(|player| self.outside.had(player, account));
            require!(KillsOnce, is_own, "player {id} earns by {account}, which is nobody's or another's");
            let others = desk.users.values().filter(|other| other.account == user.account).count();
            require!(KillsOnce, others == 1, "{others} players earn by {account}");
        }
        for was in &before.tallies {
            let is_there = desk.tallies.iter().any(|is| (is.user, is.dry_run) == (was.user, was.dry_run));
            require!(Durable, is_there, "{was:?} is gone");
        }
        desk.tallies
            .iter()
            .filter(|tally| !tally.dry_run)
            .try_for_each(|tally| self.follow_cursor(before, desk, tally))
    }

    /// A baseline is what statistics told of late, or as much as was counted of the account before; a cursor what they told.
    fn follow_cursor(&mut self, before: &Desk, desk: &Desk, tally: &Tally) -> Result<(), Breach> {
        let Some((baseline, cursor)) = tally.kills else { return Ok(()) };
        let account = desk.users.get(&tally.user).and_then(|user| user.account.as_deref());
        let Some(account) = account else {
            require!(KillsOnce, false, "{tally:?} counts the kills of no account");
            return Ok(());
        };
        let was = before.tallies.iter().find(|was| was.user == tally.user && !was.dry_run);
        let is_new = was.and_then(|was| Some((was.number, was.kills?.0))) != Some((tally.number, baseline));
        if is_new {
            let is_told = self.outside.begin((tally.user, tally.number), account, baseline)
                || (self.restores > 0 && self.outside.was_told(account, baseline));
            require!(KillsOnce, is_told, "{tally:?} begins where statistics of {account} were not of late");
            // A restore forgets what was counted since.
            let is_low = self.outside.is_low((tally.user, tally.number), account);
            require!(
                KillsOnce,
                self.restores > 0 || !is_low,
                "{tally:?} begins below what was counted before"
            );
        }
        require!(
            KillsOnce,
            self.outside.was_told(account, cursor),
            "{tally:?} counts by what statistics never told of {account}"
        );
        self.outside.count(account, cursor);
        Ok(())
    }

    fn admit_row(&mut self, row: &Accrual) -> Result<(), Breach> {
        // The rest of a row that a cap split is no new kill.
        let is_counted = row.part == 0;
        require!(
            StopBinds,
            !(is_counted && self.binds(Stop::Accrual)),
            "{row:?} was counted under {}",
            self.stops()
        );
        let is_real = is_counted && !row.dry_run && self.binds(Stop::Reality);
        require!(StopBinds, !is_real, "{row:?} is real under {}", self.stops());
        if let Some(account) = &row.account {
            let player = self.seen.players.get(&row.user);
            let is_own = player.is_some_and(|player| self.outside.had(player, account));
            require!(KillsOnce, is_own, "{row:?} is of an account that its player never had");
            self.seen.accounts.insert(row.id, account.clone());
        }
        if row.dry_run && row.state == State::Settled {
            self.reach("faucet", "dry-run rows settled");
        }
        Ok(())
    }

    fn follow_payouts(&mut self, before: &Desk, desk: &Desk) -> Result<(), Breach> {
        for was in before.payouts.values().filter(|was| !desk.payouts.contains_key(&was.id)) {
            let may_go = was.is_over() && self.is_old(desk, was.attempted_ms);
            require!(Durable, may_go, "{was:?} is gone");
        }
        for payout in desk.payouts.values() {
            self.seen.payees.extend(payout.intent.map(|intent| (intent, payout.user)));
            self.check_transaction(payout)?;
            let Some(was) = before.payouts.get(&payout.id) else {
                match payout.is_adopted {
                    true => self.admit_adopted((before, desk), payout)?,
                    false => self.admit_payout(desk, payout)?,
                }
                continue;
            };
            let keeps = was.status != "confirmed" || was.transaction == payout.transaction;
            require!(Durable, keeps, "{was:?} became {payout:?}");
            require!(Durable, was.is_same_order(payout), "{was:?} became {payout:?}");
            if was.status != payout.status {
                require!(Once, !was.is_over(), "{was:?} became {payout:?}");
                if payout.status == "failed" {
                    self.reach("faucet", "a payout failed");
                }
            }
        }
        Ok(())
    }

    fn admit_payout(&mut self, desk: &Desk, payout: &Payout) -> Result<(), Breach> {
        require!(StopBinds, !self.binds(Stop::Payouts), "{payout:?} was made under {}", self.stops());
        let player = self.seen.players.get(&payout.user);
        let is_own = player.is_some_and(|player| self.seen.wallets.may_be(player, &payout.address));
        require!(PaidOnce, is_own, "{payout:?} goes where {player:?} had no wallet when it was made");
        if payout.dry_run {
            self.reach("faucet", "dry-run rows settled");
            return Ok(());
        }
        require!(StopBinds, !self.binds(Stop::Reality), "{payout:?} was made under {}", self.stops());
        self.check_caps(desk, payout)
    }

    /// Whether what ended then may have been pruned, by whatever clock.
    fn is_old(&self, desk: &Desk, ended_ms: Option<i64>) -> bool {
        let now_ms = desk.clock_ms.max(self.outside.now_ms) + CLOCK_ERROR_MS;
        ended_ms.is_some_and(|ended_ms| ended_ms < now_ms - i64::from(RETENTION_DAYS) * DAY_MS)
    }
}

fn follow_row(desk: &Desk, was: &Accrual, is: &Accrual) -> Result<(), Breach> {
    require!(DryRunApart, was.dry_run == is.dry_run, "{was:?} became {is:?}");
    let payout = is.payout.and_then(|payout| desk.payouts.get(&payout));
    let is_taken = matches!(is.state, State::Settled | State::Reserved);
    let is_adopted = payout.is_some_and(|payout| payout.is_adopted) && is_taken && may_settle(desk, was);
    // The last kill of an adopted payment is worth what was paid for it.
    let is_priced = was.rate == is.rate || (is_adopted && is.kills == 1);
    let is_kept = (was.user, was.baseline, was.from) == (is.user, is.baseline, is.from) && is_priced;
    require!(Durable, is_kept, "{was:?} became {is:?}");
    // An erased player's rows name no account.
    require!(Durable, is.account.is_none() || is.account == was.account, "{was:?} became {is:?}");
    let is_final = matches!(was.state, State::Settled | State::WrittenOff);
    let stays = (was.state, was.payout, was.kills) == (is.state, is.payout, is.kills);
    require!(PaidOnce, !is_final || stays, "{was:?} became {is:?}");
    let changes_hands = was.state == State::Reserved && is.payout.is_some() && is.payout != was.payout;
    require!(PaidOnce, !changes_hands || is_adopted, "{was:?} became {is:?}");
    let skips = was.state == State::Open && is.state == State::Settled;
    require!(PaidOnce, !skips || is.dry_run || is_adopted, "{was:?} became {is:?} without a payout");
    Ok(())
}
