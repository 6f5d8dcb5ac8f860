//! What is adopted after a restore, held against what was signed and what the chain has of it.

use std::collections::BTreeSet;

use bursar_faucet::adoption::{Payment, Report, Verdict};
use rusqlite::params;

use super::rows::{Accrual, Desk, Payout, State};
use super::{Range, Witness};
use crate::faucet::terms::RAW_OF_E8;
use crate::invariant::{Breach, require};

/// A payment that was adopted: for whom, and the kills that it counts for since.
#[derive(Clone, Debug)]
pub(super) struct Adopted {
    pub user: i64,
    pub kills: Vec<Range>,
}

const LINKED: &str = "SELECT DISTINCT user_id FROM faucet_wallet_link WHERE address = ?1 AND verified <> 0 AND id <= \
    (SELECT MIN(hole.reach_link) FROM faucet_hole hole JOIN faucet_finding finding ON finding.kind = hole.kind \
     WHERE finding.count > 0) \
    ORDER BY user_id";

impl Witness {
    /// What an adoption that was to record something says of each payment that was missing; all else has changed by then.
    pub fn hear(&mut self, report: Report) {
        self.left = report.payments.into_iter().filter(|(_, verdict)| !verdict.is_settled()).collect();
    }

    /// An adopted payout is one transaction that no other payout is, final on the chain or of an order that the journal
    /// brought back, for whoever had its address; its kills were open, or reserved by a payout that was taken back for it.
    pub(super) fn admit_adopted(
        &mut self,
        (before, desk): (&Desk, &Desk),
        payout: &Payout,
    ) -> Result<(), Breach> {
        let was_missing = self.restores > 0 && before.lacks_payments;
        require!(ChainIsBook, was_missing, "{payout:?} was adopted, and nothing was missing");
        let is_under_way = payout.is_under_way() && payout.intent.is_some();
        let transaction = payout.transaction.clone().or_else(|| self.last_signed(payout.intent?));
        let transaction = transaction.unwrap_or_default();
        let is_known = is_under_way || self.landed.contains_key(&transaction);
        let promise = self.promises.get(&transaction).filter(|_| is_known);
        let Some(promise) = promise.cloned() else {
            require!(ChainIsBook, false, "{payout:?} was adopted, and the chain has no such payment");
            return Ok(());
        };
        let is_as_paid = payout.address == promise.to
            && (is_under_way || payout.status == "confirmed")
            && u128::try_from(payout.amount).is_ok_and(|amount| amount * RAW_OF_E8 == promise.amount);
        require!(ChainIsBook, is_as_paid, "{payout:?} was adopted of {promise:?}");
        require!(DryRunApart, !payout.dry_run, "{payout:?} was adopted in dry-run");
        let player = self.seen.players.get(&payout.user).cloned();
        let was_theirs = player.as_ref().is_some_and(|player| self.seen.wallets.had(player, &payout.address));
        require!(PaidOnce, was_theirs, "{payout:?} was adopted, and {player:?} never had that wallet");
        let named = promise.key.split('/').nth(1).and_then(|user| user.parse().ok());
        let is_named = payout.intent.is_none() || named == Some(payout.user);
        require!(PaidOnce, is_named, "{payout:?} was adopted of {promise:?}, which names another");
        for row in desk.accruals.values().filter(|row| row.payout == Some(payout.id)) {
            let was_open = before.accruals.get(&row.id).map_or(row.part > 0, |was| may_settle(desk, was));
            require!(PaidOnce, was_open, "{row:?} was settled by {payout:?}, and was not open");
        }
        self.reach(
            "adoption",
            match payout.intent {
                Some(_) if is_under_way => "of the journal, under way",
                Some(_) => "of the journal",
                None => "of the chain",
            },
        );
        if player != promise.player {
            self.reach("witness", "a payment adopted for another player who had its address too");
        }
        let adopted = Adopted { user: payout.user, kills: self.kills_of(desk, payout.id) };
        self.seen.adopted.insert(transaction, adopted);
        Ok(())
    }

    /// What was last signed for an intent, as far as it was seen.
    fn last_signed(&self, intent: i64) -> Option<String> {
        let mut own = self.seen.attempts.values().filter(|attempt| attempt.intent == Some(intent));
        own.rfind(|attempt| attempt.kind == 0).map(|attempt| attempt.transaction.clone())
    }

    /// A transaction pays one payout, and a confirmed payout keeps its own.
    pub(super) fn check_transaction(&mut self, payout: &Payout) -> Result<(), Breach> {
        let Some(transaction) = payout.transaction.as_ref().filter(|_| payout.status == "confirmed") else {
            return Ok(());
        };
        match self.seen.recorded.get(transaction) {
            None => {
                self.seen.recorded.insert(transaction.clone(), payout.id);
            }
            Some(known) => {
                require!(PaidOnce, *known == payout.id, "{payout:?} is paid by what paid payout {known}");
            }
        }
        Ok(())
    }

    /// Once nothing is missing any more by the desk's word, each payment that the chain has is on record.
    pub(super) fn check_complete(&mut self) -> Result<(), Breach> {
        let attempts = self.seen.attempts.values();
        let paying = attempts.filter(|one| one.intent.is_some_and(|id| self.seen.payees.contains_key(&id)));
        let known: BTreeSet<&String> = paying.map(|attempt| &attempt.transaction).collect();
        let missing = self.landed.iter().find(|(transaction, raw)| {
            **raw > 0 && !known.contains(transaction) && !self.seen.adopted.contains_key(*transaction)
        });
        require!(
            RestoreNeverRepays,
            missing.is_none(),
            "nothing is missing by the desk's word, and {missing:?} is nowhere"
        );
        self.reach("adoption", "complete");
        Ok(())
    }

    /// Whether payments are missing that no adoption can settle, by the rows as they are now: people must say whom they paid, or
    /// kills for them never come.
    pub(super) fn is_left_to_people(&self) -> bool {
        let needs_people = |verdict: &Verdict| match verdict {
            Verdict::NoPlayer
            | Verdict::SeveralPlayers(_)
            | Verdict::NotWhole
            | Verdict::WaitsForKills { .. } => true,
            Verdict::Adopted { .. } | Verdict::Known => false,
        };
        let could_not = |(payment, verdict): &(Payment, Verdict)| {
            self.could_not(payment, verdict).expect("the witness can read")
        };
        self.lacks_payments()
            && self.left.iter().any(|(_, verdict)| needs_people(verdict))
            && self.left.iter().all(could_not)
    }

    /// What adoption left is such that it could not be settled.
    pub(super) fn check_left(&mut self) -> Result<(), Breach> {
        require!(PaidOnce, self.is_left_to_people(), "what adoption left could be adopted: {:?}", self.left);
        let words: Vec<_> = self.left.iter().map(|(_, verdict)| word(verdict)).collect();
        words.into_iter().for_each(|what| self.reach("adoption", what));
        Ok(())
    }

    fn could_not(&self, payment: &Payment, verdict: &Verdict) -> rusqlite::Result<bool> {
        let raw = payment.raw.units();
        let connection = self.connected();
        let mut linked = connection.prepare_cached(LINKED)?;
        let linked =
            linked.query_map(params![payment.to], |row| row.get(0))?.collect::<Result<Vec<i64>, _>>()?;
        Ok(match verdict {
            Verdict::Adopted { .. } | Verdict::Known => false,
            Verdict::NotWhole => raw == 0 || !raw.is_multiple_of(RAW_OF_E8),
            Verdict::NoPlayer => payment.named.map_or(linked.is_empty(), |named| !linked.contains(&named)),
            Verdict::SeveralPlayers(players) => payment.named.is_none() && linked == *players,
            Verdict::WaitsForKills { player, .. } => {
                let real = |user: i64, dry_run: bool| user == *player && !dry_run;
                let tallies = self.seen.desk.tallies.iter();
                let open: i64 =
                    tallies.filter(|of| real(of.user, of.dry_run)).map(|tally| tally.open.1).sum();
                u128::try_from(open).unwrap_or(0) * RAW_OF_E8 < raw
            }
        })
    }
}

/// Whether a row may be settled by a payment that is adopted: it was open, or its payout was taken back.
pub(super) fn may_settle(desk: &Desk, was: &Accrual) -> bool {
    let is_taken_back = |payout: i64| desk.payouts.get(&payout).is_some_and(|one| one.status == "failed");
    match was.state {
        State::Open => true,
        State::Reserved => was.payout.is_some_and(is_taken_back),
        State::Settled | State::WrittenOff => false,
    }
}

const fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Adopted { .. } | Verdict::Known => "settled",
        Verdict::WaitsForKills { .. } => "left: kills that never come",
        Verdict::NoPlayer => "left: nobody had its address",
        Verdict::SeveralPlayers(_) => "left: several had its address",
        Verdict::NotWhole => "left: no payout",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faucet::terms::Terms;
    use crate::faucet::witness::Promise;
    use crate::invariant::Invariant;
    use crate::scenario::Scenario;

    /// A witness of one player, whom the chain has paid 5 e8 for one kill by an order that is lost.
    fn witness() -> Witness {
        let mut witness = Witness::new(&Terms::of(&Scenario::new(1)));
        witness.restores = 1;
        witness.landed.insert("t".to_owned(), 5 * RAW_OF_E8);
        let kills = vec![Range { account: "epic".to_owned(), counted: (1, 1), from: 0, to: 1 }];
        let (key, player, to) = ("faucet/1/x/9".to_owned(), Some("p".to_owned()), "a".to_owned());
        let promise = Promise { key, player, to, amount: 5 * RAW_OF_E8, kills };
        witness.promises.insert("t".to_owned(), promise);
        witness.seen.players = [(1, "p".to_owned()), (2, "q".to_owned())].into();
        witness.seen.wallets.ask("p", 1, "a");
        witness
    }

    fn payout() -> Payout {
        Payout {
            id: 3,
            user: 1,
            dry_run: false,
            address: "a".to_owned(),
            kills: 1,
            amount: 5,
            status: "confirmed".to_owned(),
            intent: None,
            created_ms: 1,
            attempted_ms: Some(1),
            transaction: Some("t".to_owned()),
            is_adopted: true,
        }
    }

    fn row(state: State, payout: Option<i64>) -> Accrual {
        Accrual {
            id: 4,
            user: 1,
            dry_run: false,
            kills: 1,
            amount: 5,
            rate: 5,
            part: 0,
            account: Some("epic".to_owned()),
            baseline: 1,
            from: 0,
            to: 1,
            state,
            payout,
            minute: 1,
            settled_ms: None,
        }
    }

    fn broken(witness: &mut Witness, lacks_payments: bool, was: Accrual, is: Payout) -> Option<Invariant> {
        let before = Desk { accruals: [(4, was)].into(), lacks_payments, ..Desk::default() };
        let settled = row(State::Settled, Some(is.id));
        let desk = Desk { accruals: [(4, settled)].into(), ..Desk::default() };
        let checked =
            witness.check_transaction(&is).and_then(|()| witness.admit_adopted((&before, &desk), &is));
        checked.err().map(|breach| breach.invariant)
    }

    fn adopted_as(change: impl FnOnce(&mut Payout)) -> Option<Invariant> {
        let mut payout = payout();
        change(&mut payout);
        broken(&mut witness(), true, row(State::Open, None), payout)
    }

    #[test]
    fn what_is_adopted_is_what_the_chain_has_of_whoever_had_its_address() {
        assert_eq!(adopted_as(|_| {}), None);
        assert_eq!(adopted_as(|payout| payout.amount = 6), Some(Invariant::ChainIsBook));
        assert_eq!(adopted_as(|payout| payout.address = "b".to_owned()), Some(Invariant::ChainIsBook));
        assert_eq!(
            adopted_as(|payout| payout.transaction = Some("u".to_owned())),
            Some(Invariant::ChainIsBook)
        );
        assert_eq!(adopted_as(|payout| payout.user = 2), Some(Invariant::PaidOnce), "it was never theirs");
        assert_eq!(adopted_as(|payout| payout.intent = Some(8)), None);
    }

    #[test]
    fn what_is_under_way_is_adopted_of_an_order_of_the_journal_alone() {
        let under_way = |intent: Option<i64>| {
            let mut witness = witness();
            witness.landed.clear();
            let signed = Payout { status: "signed".to_owned(), intent, ..payout() };
            broken(&mut witness, true, row(State::Open, None), signed)
        };
        assert_eq!((under_way(Some(8)), under_way(None)), (None, Some(Invariant::ChainIsBook)));
    }

    #[test]
    fn an_order_that_names_a_player_is_adopted_for_nobody_else() {
        let mut witness = witness();
        witness.seen.wallets.ask("q", 2, "a");
        let other = Payout { user: 2, intent: Some(8), ..payout() };
        assert_eq!(broken(&mut witness, true, row(State::Open, None), other), Some(Invariant::PaidOnce));
    }

    #[test]
    fn a_transaction_is_adopted_once_and_only_while_something_is_missing_and_for_what_was_open() {
        let open = || row(State::Open, None);
        assert_eq!(broken(&mut witness(), false, open(), payout()), Some(Invariant::ChainIsBook));
        let reserved = row(State::Reserved, Some(2));
        assert_eq!(broken(&mut witness(), true, reserved, payout()), Some(Invariant::PaidOnce));
        let mut witness = witness();
        assert_eq!(broken(&mut witness, true, open(), payout()), None);
        let again = Payout { id: 5, ..payout() };
        assert_eq!(broken(&mut witness, true, open(), again), Some(Invariant::PaidOnce));
    }

    #[test]
    fn nothing_is_complete_while_a_payment_of_the_chain_is_nowhere() {
        let mut witness = witness();
        let is_complete =
            |witness: &mut Witness| witness.check_complete().err().map(|breach| breach.invariant);
        assert_eq!(is_complete(&mut witness), Some(Invariant::RestoreNeverRepays));
        assert_eq!(broken(&mut witness, true, row(State::Open, None), payout()), None);
        assert_eq!(is_complete(&mut witness), None);
    }

    #[test]
    fn kills_that_an_adopted_payment_settled_are_paid_and_those_it_was_signed_for_are_not() {
        let mut witness = witness();
        let range = |from: i64, to: i64| Range { account: "epic".to_owned(), counted: (1, 1), from, to };
        let again = |witness: &mut Witness, by: &str, range: Range| {
            witness.note_paid(range, by).err().map(|breach| breach.invariant)
        };
        assert_eq!(again(&mut witness, "t", range(6, 7)), None);
        let adopted = || Adopted { user: 1, kills: vec![range(0, 1)] };
        witness.seen.adopted.insert("t".to_owned(), adopted());
        witness
            .seen
            .adopted
            .insert("never final".to_owned(), Adopted { kills: vec![range(2, 3)], ..adopted() });
        assert_eq!(again(&mut witness, "w", range(2, 3)), None);
        assert_eq!(again(&mut witness, "u", range(6, 7)), None);
        assert_eq!(again(&mut witness, "v", range(0, 1)), Some(Invariant::RestoreNeverRepays));
    }
}
