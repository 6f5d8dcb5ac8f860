//! The truth: what is final, what is on its way, and what each node makes of it.

use std::collections::{BTreeMap, BTreeSet};

use bursar_chain::{Address, TransactionId};

use super::evidence::Says;
use super::node::{Node, TROUBLES, Trouble};
use super::transaction::{Kind, Transaction};
use super::{Family, NODES};
use crate::random::Random;

/// Time between two heights, ms.
const HEIGHT_MS: i64 = 500;

/// A transaction that became final.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landed {
    /// Its id.
    pub id: String,
    /// What it is.
    pub transaction: Transaction,
    /// When, Unix ms.
    pub at_ms: i64,
}

impl Landed {
    /// Whom it pays how much, if anybody.
    pub fn payment(&self) -> Option<(String, u128)> {
        match &self.transaction.kind {
            Kind::Pay { to, amount } => Some((to.clone(), *amount)),
            Kind::Free | Kind::Accept { .. } => None,
        }
    }

    /// Its account's transaction before it, which its slot names where they have an order.
    pub fn previous(&self) -> Option<&str> {
        let (_, previous) = self.transaction.slot.rsplit_once('/')?;
        (!previous.is_empty()).then_some(previous)
    }

    /// Pays less, and somebody else.
    fn forge(&mut self) {
        if let Kind::Pay { to, amount } = &mut self.transaction.kind {
            (*to, *amount) = (self.transaction.from.clone(), *amount / 2);
        }
    }
}

/// What is true of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It may yet become final.
    Open,
    /// It is.
    Final,
    /// It never will be.
    Dead,
}

/// Something sent to an account of ours.
#[derive(Clone, Debug)]
pub struct Arrival {
    pub to: String,
    pub from: String,
    pub amount: u128,
    pub at_ms: i64,
}

/// Money that somebody sent to an account of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gift {
    /// The sender's transaction.
    pub id: String,
    /// To which account.
    pub to: String,
    /// How much.
    pub amount: u128,
    /// When, Unix ms.
    pub at_ms: i64,
}

/// What the chain knows of an account of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    /// What it holds.
    pub holds: u128,
    /// What was ever sent to it, oldest first, accepted or not.
    pub gifts: Vec<Gift>,
    /// What of that waits to be accepted, by the sender's transaction.
    pub waiting: BTreeSet<String>,
    /// So many of the newest gifts are in what it holds, and its owner need not have looked since they came.
    pub unseen: usize,
    /// Whether what comes in has to be accepted: each by itself, by its sender's transaction.
    pub is_accepted_singly: bool,
}

/// What an account is at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountState {
    /// Its newest final transaction; empty = none.
    pub head: String,
    pub balance: u128,
    pub is_open: bool,
}

impl AccountState {
    /// Its newest final transaction as a person sees it on the chain.
    #[must_use]
    pub fn newest(&self) -> Option<TransactionId> {
        (!self.head.is_empty()).then(|| TransactionId::from_canonical(self.head.clone()))
    }
}

/// See the module.
#[derive(Debug)]
pub struct Network {
    pub family: Family,
    pub nodes: Vec<Node>,
    random: Random,
    start_ms: i64,
    now_ms: i64,
    /// Each account's states with their times.
    accounts: BTreeMap<String, Vec<(i64, AccountState)>>,
    finals: BTreeMap<String, Landed>,
    slots: BTreeMap<String, String>,
    pending: BTreeMap<String, (i64, Transaction)>,
    arrivals: BTreeMap<String, Arrival>,
    gifts: Vec<Gift>,
    news: Vec<Landed>,
    /// How long a transaction takes to become final at most, ms.
    pace_ms: i64,
}

impl Network {
    /// A chain on which nobody has anything.
    pub fn new(family: Family, seed: u64, start_ms: i64) -> Network {
        let mut random = Random::of(seed, family.chain());
        let pace_ms = *random.pick(&[1_500, 4_000, 12_000]);
        Network {
            family,
            nodes: vec![Node::default(); NODES],
            random,
            start_ms,
            now_ms: start_ms,
            accounts: BTreeMap::new(),
            finals: BTreeMap::new(),
            slots: BTreeMap::new(),
            pending: BTreeMap::new(),
            arrivals: BTreeMap::new(),
            gifts: Vec::new(),
            news: Vec::new(),
            pace_ms,
        }
    }

    /// Somebody sends money to an account.
    pub fn deposit(&mut self, to: &str, amount: u128, number: u64) {
        self.deposit_from(&super::scheme::address_of(1_000_000 + number), to, amount, number);
    }

    /// Somebody known sends money to an account.
    pub fn deposit_from(&mut self, from: &Address, to: &str, amount: u128, number: u64) {
        let from = from.to_string();
        let id = blake3::hash(format!("deposit {number} to {to}").as_bytes()).to_hex().to_string();
        let at_ms = self.now_ms;
        self.gifts.push(Gift { id: id.clone(), to: to.to_owned(), amount, at_ms });
        match self.family {
            Family::Ordered => {
                self.arrivals.insert(id, Arrival { to: to.to_owned(), from, amount, at_ms });
            }
            Family::Expiring => {
                let mut state = self.account(to, 0);
                (state.balance, state.is_open) = (state.balance + amount, true);
                self.set_account(to, state);
            }
        }
    }

    /// Lets time pass: what is due becomes final, if it still can.
    pub fn advance(&mut self, now_ms: i64) {
        self.now_ms = self.now_ms.max(now_ms);
        loop {
            let due = self.pending.iter().filter(|(_, (at_ms, _))| *at_ms <= self.now_ms);
            let Some((id, at_ms)) =
                due.map(|(id, (at_ms, _))| (id.clone(), *at_ms)).min_by_key(|(id, at)| (*at, id.clone()))
            else {
                return;
            };
            if let Some((_, transaction)) = self.pending.remove(&id) {
                for node in &mut self.nodes {
                    node.drop_one(&id);
                }
                self.land(id, transaction, at_ms);
            }
        }
    }

    fn land(&mut self, id: String, transaction: Transaction, at_ms: i64) {
        let height = self.height_at(at_ms);
        let mut account = self.account(&transaction.from, 0);
        let is_late = transaction.valid_until.is_some_and(|until| height > until);
        let is_open = match self.family {
            Family::Ordered => transaction.slot == slot_of(&transaction.from, &account.head),
            Family::Expiring => !self.slots.contains_key(&transaction.slot),
        };
        let fee = self.family.fee();
        let balance = match &transaction.kind {
            Kind::Pay { amount, .. } => account.balance.checked_sub(amount + fee),
            Kind::Free => account.balance.checked_sub(fee),
            Kind::Accept { source, amount } => self
                .arrivals
                .get(source)
                .filter(|a| a.amount == *amount && a.to == transaction.from)
                .map(|_| account.balance + amount),
        };
        let Some(balance) = balance.filter(|_| is_open && !is_late) else { return };
        if let Kind::Accept { source, .. } = &transaction.kind {
            self.arrivals.remove(source);
        }
        (account.head, account.balance, account.is_open) = (id.clone(), balance, true);
        self.set_account(&transaction.from.clone(), account);
        self.slots.insert(transaction.slot.clone(), id.clone());
        let landed = Landed { id: id.clone(), transaction, at_ms };
        self.news.push(landed.clone());
        self.finals.insert(id, landed);
    }

    /// What became final since the last question.
    pub fn take_news(&mut self) -> Vec<Landed> {
        std::mem::take(&mut self.news)
    }

    /// A node is handed bytes; whether it answers that it took them.
    pub fn hand(&mut self, node: usize, bytes: &[u8]) -> bool {
        let Some(transaction) = Transaction::read_signed(bytes) else { return false };
        let id = transaction.id();
        let trouble = self.nodes[node].trouble(self.now_ms);
        let takes = !matches!(trouble, Some(Trouble::Silent | Trouble::Limited | Trouble::Garbage));
        let is_late = transaction.valid_until.is_some_and(|until| self.height_at(self.now_ms) > until);
        if !takes || is_late || self.finals.contains_key(&id) {
            return takes;
        }
        let valid_until = transaction.valid_until;
        self.nodes[node].hear(&id, valid_until);
        if trouble != Some(Trouble::Drops) {
            if !self.pending.contains_key(&id) {
                let due_ms = self.now_ms + self.random.between(300, self.pace_ms);
                self.pending.insert(id.clone(), (due_ms, transaction));
            }
            let hears = |node: &Node| node.trouble(self.now_ms) != Some(Trouble::Silent);
            let heard: Vec<usize> = (0..NODES).filter(|other| hears(&self.nodes[*other])).collect();
            for other in heard {
                self.nodes[other].hear(&id, valid_until);
            }
        }
        trouble != Some(Trouble::Mute)
    }

    /// What a node says of a transaction and its slot; `None` = nothing that can be read.
    pub fn ask(&self, node: usize, id: &str, slot: &str) -> Option<Says> {
        let node = &self.nodes[node];
        let lag_ms = match node.trouble(self.now_ms) {
            Some(Trouble::Silent | Trouble::Limited | Trouble::Garbage | Trouble::Mute) => return None,
            Some(Trouble::Lags(lag_ms)) => lag_ms,
            _ => 0,
        };
        let seen = |landed: &&Landed| landed.at_ms <= self.now_ms - lag_ms;
        let is_final = self.finals.get(id).filter(seen).is_some();
        let taken_by =
            self.slots.get(slot).filter(|id| self.finals.get(*id).is_some_and(|landed| seen(&landed)));
        let height = self.height_at(self.now_ms - lag_ms);
        let says = Says {
            knows: is_final || node.has(id, height),
            is_final,
            taken_by: taken_by.cloned(),
            height,
            covers: true,
        };
        Some(match node.trouble(self.now_ms) {
            Some(Trouble::Forgets) => {
                Says { knows: false, is_final: false, taken_by: None, covers: false, ..says }
            }
            Some(Trouble::Denies) => Says { knows: false, is_final: false, taken_by: None, ..says },
            Some(Trouble::Forks) => {
                let other = blake3::hash(slot.as_bytes()).to_hex().to_string();
                Says { knows: false, is_final: false, taken_by: Some(other), ..says }
            }
            _ => says,
        })
    }

    /// An account as a node shows it, and whether something of it is on its way.
    pub fn show(&self, node: usize, account: &str) -> Option<(AccountState, bool)> {
        let place = &self.nodes[node];
        let trouble = place.trouble(self.now_ms);
        let lag_ms = match trouble {
            Some(Trouble::Silent | Trouble::Limited | Trouble::Garbage | Trouble::Mute) => return None,
            Some(Trouble::Lags(lag_ms)) => lag_ms,
            _ => 0,
        };
        let mut state = self.account(account, lag_ms);
        if trouble == Some(Trouble::Forks) {
            state.balance += 1_000;
        }
        let is_moving = place.heard().filter_map(|id| self.pending.get(id)).any(|(_, t)| t.from == account);
        Some((state, is_moving && trouble != Some(Trouble::Denies)))
    }

    /// What a node tells of an account's final transactions, newest first from `from` on, at most so many; `None` = nothing
    /// that can be read, or it does not have that one.
    pub fn past(&self, node: usize, account: &str, from: &str, most: usize) -> Option<Vec<Landed>> {
        let trouble = self.nodes[node].trouble(self.now_ms);
        let lag_ms = match trouble {
            // What is pruned is not told either.
            Some(
                Trouble::Silent | Trouble::Limited | Trouble::Garbage | Trouble::Mute | Trouble::Forgets,
            ) => return None,
            Some(Trouble::Lags(lag_ms)) => lag_ms,
            _ => 0,
        };
        let (mut told, mut next) = (Vec::new(), Some(from));
        while let Some(id) = next.filter(|_| told.len() < most) {
            let landed = self.finals.get(id).filter(|landed| landed.transaction.from == account)?;
            if landed.at_ms > self.now_ms - lag_ms {
                return None;
            }
            told.push(landed.clone());
            next = landed.previous();
        }
        match trouble {
            Some(Trouble::Denies) => told.truncate(1),
            Some(Trouble::Forks) => told.iter_mut().for_each(Landed::forge),
            _ => {}
        }
        Some(told)
    }

    /// What waits to be accepted by an account, with the senders' ids.
    pub fn arrivals(&self, to: &str) -> Vec<(String, Arrival)> {
        let of_it = self
            .arrivals
            .iter()
            .filter(|(_, arrival)| arrival.to == to && arrival.at_ms + 500 <= self.now_ms);
        of_it.map(|(id, arrival)| (id.clone(), arrival.clone())).collect()
    }

    /// The height that a node has finalized.
    pub fn height(&self, node: usize) -> Option<u64> {
        self.ask(node, "", "").map(|says| says.height)
    }

    /// An account as it truly was `lag_ms` ago.
    pub fn account(&self, account: &str, lag_ms: i64) -> AccountState {
        let states = self.accounts.get(account).map_or(&[][..], Vec::as_slice);
        let seen = states.iter().rev().find(|(at_ms, _)| *at_ms <= self.now_ms - lag_ms);
        seen.map(|(_, state)| state.clone()).unwrap_or_default()
    }

    /// What is true of an account of ours, whatever nodes say.
    pub fn truth(&self, account: &str) -> Truth {
        let gifts: Vec<Gift> = self.gifts.iter().filter(|gift| gift.to == account).cloned().collect();
        let is_accepted_singly = self.family == Family::Ordered;
        let unseen = match self.family {
            Family::Ordered => 0,
            Family::Expiring => {
                let looked_ms = self.looked_ms(account);
                gifts.iter().rev().take_while(|gift| gift.at_ms >= looked_ms).count()
            }
        };
        let waiting = self.arrivals.iter().filter(|(_, arrival)| arrival.to == account);
        let waiting = waiting.map(|(id, _)| id.clone()).collect();
        Truth { holds: self.account(account, 0).balance, gifts, waiting, unseen, is_accepted_singly }
    }

    /// What is true of a transaction at a time, Unix ms, whatever nodes say.
    pub fn fate(&mut self, bytes: &[u8], now_ms: i64) -> Fate {
        self.advance(now_ms);
        let Some(transaction) = Transaction::read_signed(bytes) else { return Fate::Dead };
        let is_late = transaction.valid_until.is_some_and(|until| self.height_at(self.now_ms) > until);
        match self.slots.get(&transaction.slot) {
            _ if self.finals.contains_key(&transaction.id()) => Fate::Final,
            None if !is_late => Fate::Open,
            Some(_) | None => Fate::Dead,
        }
    }

    /// When the account was looked at for the last transaction of it that is final: its slot names the height.
    fn looked_ms(&self, account: &str) -> i64 {
        let own = self.finals.values().filter(|landed| landed.transaction.from == account);
        let heights =
            own.filter_map(|landed| landed.transaction.slot.rsplit_once('@')?.1.parse::<i64>().ok());
        heights.max().map_or(self.start_ms, |height| self.start_ms + height * HEIGHT_MS)
    }

    /// Whether nothing is on its way.
    pub fn is_quiet(&self) -> bool {
        self.pending.is_empty()
    }

    /// Something goes wrong with a node, or with what is on its way.
    pub fn fail(&mut self, now_ms: i64, random: &mut Random) -> (&'static str, i64) {
        let span_ms = *random.pick(&[5_000, 60_000, 300_000, 1_200_000]);
        let span_ms = random.between(2_000, span_ms);
        if random.chance(1, 6) {
            self.forget_open();
            return ("chain: everything forgets what is not final", 0);
        }
        if random.chance(1, 5) {
            let span_ms = span_ms.min(60_000);
            self.lose_answers(now_ms + span_ms);
            return ("chain: every answer is lost", span_ms);
        }
        let (trouble, name) = *random.pick(&TROUBLES);
        let node = random.index(NODES);
        let is_alone = (0..NODES)
            .all(|other| other == node || !self.nodes[other].trouble(now_ms).is_some_and(Trouble::lies));
        let (trouble, name) = if trouble.lies() && !is_alone { TROUBLES[0] } else { (trouble, name) };
        self.nodes[node].fail(trouble, now_ms + span_ms);
        (name, span_ms)
    }

    /// Everybody forgets what is not final.
    pub fn forget_open(&mut self) {
        self.pending.clear();
        self.nodes.iter_mut().for_each(Node::drop_all);
    }

    /// Until then every node takes what it is sent, and all answers are lost.
    pub fn lose_answers(&mut self, until_ms: i64) {
        self.nodes.iter_mut().for_each(|node| node.fail(Trouble::Mute, until_ms));
    }

    /// What was paid to others, in the order in which it became final.
    #[cfg(test)]
    pub fn payments(&self) -> Vec<u128> {
        let mut finals: Vec<&Landed> = self.finals.values().collect();
        finals.sort_unstable_by_key(|landed| (landed.at_ms, &landed.id));
        finals.into_iter().filter_map(Landed::payment).map(|(_, amount)| amount).collect()
    }

    /// Every node is well.
    pub fn be_well(&mut self) {
        self.nodes.iter_mut().for_each(Node::be_well);
    }

    fn height_at(&self, at_ms: i64) -> u64 {
        u64::try_from((at_ms - self.start_ms).max(0) / HEIGHT_MS).unwrap_or(0)
    }

    fn set_account(&mut self, account: &str, state: AccountState) {
        let at_ms = self.now_ms;
        self.accounts.entry(account.to_owned()).or_default().push((at_ms, state));
    }
}

/// The slot after a transaction of an account.
pub fn slot_of(account: &str, head: &str) -> String {
    format!("{account}/{head}")
}
