//! Account chains, receivables and finality. Whatever happens, balances and receivables sum to the supply.

use std::collections::BTreeMap;

use bursar_banano::{BlockHash, Head, PublicKey, SignedBlock, Subtype};
use bursar_money::{Amount, AmountError};

use crate::refusal::Refusal;

/// A block in the ledger.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The block.
    pub block: SignedBlock,
    /// What it does.
    pub subtype: Subtype,
    /// What it moves, in raw.
    pub amount: Amount,
    /// Its place in its account's chain, from 1.
    pub height: u64,
    /// The next block of the account, or zero.
    pub successor: BlockHash,
    /// Whether it is final.
    pub confirmed: bool,
    /// Its place in the order of arrival.
    pub sequence: u64,
    /// When it arrived.
    pub arrived_ms: u64,
}

/// An account that has blocks.
#[derive(Clone, Copy, Debug)]
pub struct Account {
    /// Its first block.
    pub open_block: BlockHash,
    /// Its newest block.
    pub frontier: BlockHash,
    /// How many it has.
    pub height: u64,
    /// How many of them are final.
    pub final_height: u64,
}

/// What was sent and waits to be received.
#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    /// How much, in raw.
    pub amount: Amount,
    /// Who sent it.
    pub sender: PublicKey,
}

/// A node's ledger.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    blocks: BTreeMap<BlockHash, Entry>,
    accounts: BTreeMap<PublicKey, Account>,
    /// By destination and send.
    waiting: BTreeMap<(PublicKey, BlockHash), Waiting>,
    /// The receive of each received send.
    received: BTreeMap<BlockHash, BlockHash>,
    /// Blocks that are not final, in order of arrival.
    open: BTreeMap<u64, BlockHash>,
    sequence: u64,
}

/// What a block would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Effect {
    subtype: Subtype,
    amount: Amount,
}

impl Ledger {
    /// A ledger with nothing but the account that owns the supply.
    pub(crate) fn with_genesis(block: SignedBlock) -> Ledger {
        let mut ledger = Ledger::default();
        let (hash, amount) = (block.hash(), block.block.balance);
        ledger.insert(block, Effect { subtype: Subtype::Open, amount }, 0);
        ledger.cement(&hash);
        ledger
    }

    /// The block of this hash.
    #[must_use]
    pub fn block(&self, hash: &BlockHash) -> Option<&Entry> {
        self.blocks.get(hash)
    }

    /// All blocks in order of arrival.
    #[must_use]
    pub fn blocks(&self) -> Vec<&Entry> {
        let mut all: Vec<&Entry> = self.blocks.values().collect();
        all.sort_by_key(|entry| entry.sequence);
        all
    }

    /// An account that has blocks.
    #[must_use]
    pub fn account(&self, account: &PublicKey) -> Option<&Account> {
        self.accounts.get(account)
    }

    /// What the next block of an account builds on.
    #[must_use]
    pub fn head(&self, account: &PublicKey) -> Option<Head> {
        let frontier = self.accounts.get(account)?.frontier;
        let block = &self.blocks.get(&frontier)?.block.block;
        Some(Head {
            account: *account,
            frontier,
            balance: block.balance,
            representative: block.representative,
        })
    }

    /// An account's balance in raw, final or not.
    #[must_use]
    pub fn balance(&self, account: &PublicKey) -> Amount {
        self.head(account).map_or(Amount::ZERO, |head| head.balance)
    }

    /// What waits for an account, by the hash of its send.
    pub fn waiting(&self, account: &PublicKey) -> impl Iterator<Item = (BlockHash, Waiting)> + '_ {
        let range = (*account, BlockHash::ZERO)..=(*account, BlockHash([0xFF; 32]));
        self.waiting.range(range).map(|((_, send), waiting)| (*send, *waiting))
    }

    /// Everything there is, in raw: all balances and all that waits.
    pub fn total(&self) -> Result<Amount, AmountError> {
        let balances = self.accounts.keys().map(|account| self.balance(account));
        Amount::sum(balances.chain(self.waiting.values().map(|waiting| waiting.amount)))
    }

    /// Blocks that are not final, in order of arrival.
    #[must_use]
    pub fn open_blocks(&self) -> Vec<BlockHash> {
        self.open.values().copied().collect()
    }

    /// How many blocks are final.
    #[must_use]
    pub fn final_count(&self) -> usize {
        self.blocks.len() - self.open.len()
    }

    /// How many blocks there are.
    #[must_use]
    pub fn block_count(&self) -> usize {
        self.blocks.len()
    }

    /// The block that holds the slot of this one, which may be itself.
    pub(crate) fn slot_holder(&self, block: &SignedBlock) -> Option<&Entry> {
        let block = &block.block;
        let holder = if block.previous.is_zero() {
            self.accounts.get(&block.account)?.open_block
        } else {
            self.blocks
                .get(&block.previous)
                .filter(|entry| entry.block.block.account == block.account)?
                .successor
        };
        self.blocks.get(&holder)
    }

    /// What the block would do, or why it cannot follow. Signature and work are the caller's to check.
    pub(crate) fn check(&self, block: &SignedBlock) -> Result<Effect, Refusal> {
        if self.blocks.contains_key(&block.hash()) {
            return Err(Refusal::Old);
        }
        let block = &block.block;
        let before = match self.head(&block.account) {
            Some(_) if block.previous.is_zero() => return Err(Refusal::Fork),
            Some(_) if !self.blocks.contains_key(&block.previous) => return Err(Refusal::GapPrevious),
            Some(head) if head.frontier != block.previous => return Err(Refusal::Fork),
            Some(head) => head.balance,
            None if !block.previous.is_zero() => return Err(Refusal::GapPrevious),
            None => Amount::ZERO,
        };
        if let Ok(amount) = before.minus(block.balance)
            && !amount.is_zero()
        {
            return Ok(Effect { subtype: Subtype::Send, amount });
        }
        let amount = block.balance.minus(before).map_err(|_| Refusal::BalanceMismatch)?;
        if block.link == [0; 32] {
            let follows = !block.previous.is_zero();
            let change = Effect { subtype: Subtype::Change, amount };
            return match (follows, amount.is_zero()) {
                (false, _) => Err(Refusal::GapSource),
                (true, false) => Err(Refusal::BalanceMismatch),
                (true, true) => Ok(change),
            };
        }
        let source = BlockHash(block.link);
        if !self.blocks.contains_key(&source) {
            return Err(Refusal::GapSource);
        }
        let waiting = self.waiting.get(&(block.account, source)).ok_or(Refusal::Unreceivable)?;
        if waiting.amount != amount {
            return Err(Refusal::BalanceMismatch);
        }
        let subtype = if block.previous.is_zero() { Subtype::Open } else { Subtype::Receive };
        Ok(Effect { subtype, amount })
    }

    /// Puts a checked block in its place.
    pub(crate) fn insert(&mut self, signed: SignedBlock, effect: Effect, arrived_ms: u64) {
        let (hash, block) = (signed.hash(), signed.block.clone());
        let Effect { subtype, amount } = effect;
        match subtype {
            Subtype::Send => {
                let waiting = Waiting { amount, sender: block.account };
                self.waiting.insert((PublicKey(block.link), hash), waiting);
            }
            Subtype::Open | Subtype::Receive => {
                self.waiting.remove(&(block.account, BlockHash(block.link)));
                self.received.insert(BlockHash(block.link), hash);
            }
            Subtype::Change => {}
        }
        if let Some(previous) = self.blocks.get_mut(&block.previous) {
            previous.successor = hash;
        }
        let fresh = Account { open_block: hash, frontier: hash, height: 0, final_height: 0 };
        let account = self.accounts.entry(block.account).or_insert(fresh);
        account.frontier = hash;
        account.height += 1;
        let height = account.height;
        self.sequence += 1;
        self.open.insert(self.sequence, hash);
        let entry = Entry {
            block: signed,
            subtype,
            amount,
            height,
            successor: BlockHash::ZERO,
            confirmed: false,
            sequence: self.sequence,
            arrived_ms,
        };
        self.blocks.insert(hash, entry);
    }

    /// Makes a block final, and before it whatever it builds on.
    pub(crate) fn cement(&mut self, hash: &BlockHash) {
        let mut stack = vec![*hash];
        while let Some(top) = stack.last().copied() {
            let Some(entry) = self.blocks.get(&top).filter(|entry| !entry.confirmed) else {
                stack.pop();
                continue;
            };
            let block = &entry.block.block;
            let source =
                matches!(entry.subtype, Subtype::Open | Subtype::Receive).then_some(BlockHash(block.link));
            let below: Vec<BlockHash> = [Some(block.previous), source]
                .into_iter()
                .flatten()
                .filter(|hash| self.blocks.get(hash).is_some_and(|entry| !entry.confirmed))
                .collect();
            if below.is_empty() {
                self.mark_final(&top);
                stack.pop();
            }
            stack.extend(below);
        }
    }

    fn mark_final(&mut self, hash: &BlockHash) {
        let Some(entry) = self.blocks.get_mut(hash) else { return };
        entry.confirmed = true;
        self.open.remove(&entry.sequence);
        if let Some(account) = self.accounts.get_mut(&entry.block.block.account) {
            account.final_height = entry.height;
        }
    }

    /// Takes a block that is not final out again, and first whatever builds on it. What is final stays.
    pub(crate) fn roll_back(&mut self, hash: &BlockHash) {
        let mut stack = vec![*hash];
        while let Some(top) = stack.last().copied() {
            let Some(entry) = self.blocks.get(&top).filter(|entry| !entry.confirmed) else {
                stack.pop();
                continue;
            };
            let above =
                if entry.successor.is_zero() { self.received.get(&top) } else { Some(&entry.successor) };
            if let Some(above) = above.copied() {
                stack.push(above);
            } else {
                self.remove_newest(&top);
                stack.pop();
            }
        }
    }

    /// Undoes [`Ledger::insert`] of an account's newest block, whose send nobody has received.
    fn remove_newest(&mut self, hash: &BlockHash) {
        let Some(entry) = self.blocks.remove(hash) else { return };
        let block = entry.block.block;
        self.open.remove(&entry.sequence);
        match entry.subtype {
            Subtype::Send => {
                self.waiting.remove(&(PublicKey(block.link), *hash));
            }
            Subtype::Open | Subtype::Receive => {
                let source = BlockHash(block.link);
                self.received.remove(&source);
                if let Some(send) = self.blocks.get(&source) {
                    let waiting = Waiting { amount: entry.amount, sender: send.block.block.account };
                    self.waiting.insert((block.account, source), waiting);
                }
            }
            Subtype::Change => {}
        }
        if let Some(previous) = self.blocks.get_mut(&block.previous) {
            previous.successor = BlockHash::ZERO;
        }
        if entry.height == 1 {
            self.accounts.remove(&block.account);
        } else if let Some(account) = self.accounts.get_mut(&block.account) {
            account.frontier = block.previous;
            account.height = entry.height - 1;
        }
    }
}
