//! The node: ledger, elections, faults and the time, moved by requests and commands alone.

use bursar_banano::work::{Threshold, Thresholds};
use bursar_banano::{BlockHash, PublicKey, SecretKey, SignedBlock};
use bursar_money::Amount;

use crate::command::Command;
use crate::election::{Candidates, Election, slot_of};
use crate::fault::{Faults, Misbehaviour, Outcome, Reply};
use crate::genesis;
use crate::kept::BlockFile;
use crate::ledger::Ledger;
use crate::refusal::Refusal;
use crate::rpc;

/// By how much an answer is padded under [`Misbehaviour::Oversized`], in bytes.
const OVERSIZED_BYTES: usize = 1 << 20;

/// What a node is started with.
#[derive(Clone, Copy, Debug)]
pub struct NodeSettings {
    /// Nodes of one seed have the same genesis block, so that they can be of one network.
    pub seed: u64,
    /// What work must reach. Lower than the network's for tests.
    pub thresholds: Thresholds,
    /// How long blocks take to become final, in milliseconds; `None`: until told.
    pub confirmation_lag_ms: Option<u64>,
}

impl NodeSettings {
    /// A network for tests: work takes 16 trials on average, and blocks are final at once.
    #[must_use]
    pub const fn easy(seed: u64) -> NodeSettings {
        let thresholds = Thresholds::both(Threshold(0xf000_0000_0000_0000));
        NodeSettings { seed, thresholds, confirmation_lag_ms: Some(0) }
    }
}

/// A node of a network of its own.
pub struct Node {
    pub(crate) settings: NodeSettings,
    pub(crate) ledger: Ledger,
    genesis: SecretKey,
    candidates: Candidates,
    election: Election,
    faults: Faults,
    pub(crate) balance_lie: i64,
    pub(crate) hides_open_blocks: bool,
    now_ms: u64,
    offline_until_ms: u64,
    file: Option<BlockFile>,
}

impl Node {
    /// A node whose ledger holds the genesis block alone.
    #[must_use]
    pub fn new(settings: NodeSettings) -> Node {
        let genesis = genesis::key(settings.seed);
        Node {
            settings,
            ledger: Ledger::with_genesis(genesis::block(&genesis)),
            genesis,
            candidates: Candidates::default(),
            election: Election::default(),
            faults: Faults::default(),
            balance_lie: 0,
            hides_open_blocks: false,
            now_ms: 0,
            offline_until_ms: 0,
            file: None,
        }
    }

    /// Keeps every block that is taken in from now on.
    pub(crate) fn keep(&mut self, file: BlockFile) {
        self.file = Some(file);
    }

    /// The ledger, as it truly is.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The account that owns what nobody was given.
    #[must_use]
    pub fn genesis_account(&self) -> PublicKey {
        self.genesis.public_key()
    }

    /// Lets time pass; it never goes back. Blocks become final whose time has come.
    pub fn advance(&mut self, now_ms: u64) {
        self.now_ms = self.now_ms.max(now_ms);
        let Some(lag) = self.settings.confirmation_lag_ms else { return };
        for hash in self.ledger.open_blocks() {
            let due = self
                .ledger
                .block(&hash)
                .is_some_and(|entry| entry.arrived_ms.saturating_add(lag) <= self.now_ms);
            if due {
                self.decide(&hash);
            }
        }
    }

    /// Answers one RPC request that arrives at `now_ms`.
    pub fn handle(&mut self, now_ms: u64, request: &str) -> Reply {
        self.advance(now_ms);
        if self.now_ms < self.offline_until_ms {
            return Reply { delay_ms: 0, outcome: Outcome::Cut };
        }
        let parsed = rpc::Request::read(request);
        let action = parsed.as_ref().map(rpc::Request::action).unwrap_or_default();
        let misbehaviour = self.faults.take(action);
        let answer =
            |status: u16, body: String| Reply { delay_ms: 0, outcome: Outcome::Answer { status, body } };
        match &misbehaviour {
            Some(Misbehaviour::DropRequest) => return Reply { delay_ms: 0, outcome: Outcome::Cut },
            Some(Misbehaviour::Status(status)) => return answer(*status, String::new()),
            Some(Misbehaviour::Refuse(error)) => return answer(200, rpc::error(error)),
            _ => {}
        }
        let body = match parsed {
            Ok(request) => rpc::answer(self, &request),
            Err(error) => rpc::error(&error),
        };
        // Blocks with no lag are final before anyone can ask about them.
        self.advance(now_ms);
        match misbehaviour {
            Some(Misbehaviour::Delay(delay_ms)) => Reply { delay_ms, ..answer(200, body) },
            Some(Misbehaviour::DropAnswer) => Reply { delay_ms: 0, outcome: Outcome::Cut },
            Some(Misbehaviour::Silence) => Reply { delay_ms: 0, outcome: Outcome::Silence },
            Some(Misbehaviour::StatusAfterDoing(status)) => answer(status, String::new()),
            Some(Misbehaviour::Garbage) => answer(200, "<html>upstream is having a moment</html>".to_owned()),
            Some(Misbehaviour::Oversized) => answer(200, body + &" ".repeat(OVERSIZED_BYTES)),
            _ => answer(200, body),
        }
    }

    /// Takes a command. The error says in words why it could not be followed.
    pub fn command(&mut self, command: Command) -> Result<(), String> {
        match command {
            Command::Fund { account, raw } => self.fund(&account, &raw)?,
            Command::Fault(fault) => self.faults.add(fault),
            Command::ClearFaults => self.faults.clear(),
            Command::ConfirmationLag(lag) => self.settings.confirmation_lag_ms = lag,
            Command::Confirm(hash) => self.confirm(&hash)?,
            Command::ConfirmAll => self.ledger.open_blocks().iter().for_each(|hash| self.decide(hash)),
            Command::Elect(election) => self.election = election,
            Command::LieAboutBalances(raw) => self.balance_lie = raw,
            Command::HideOpenBlocks(hide) => self.hides_open_blocks = hide,
            Command::ForgetUnconfirmed => self.forget_unconfirmed(),
            Command::Restart { offline_ms } => self.restart(offline_ms),
            Command::Gossip(block) => self.take_in(*block).map_err(|refusal| refusal.to_string())?,
        }
        self.advance(self.now_ms);
        Ok(())
    }

    /// Takes a block in, or remembers it for the vote when its slot is held by one that is not final.
    pub(crate) fn take_in(&mut self, block: SignedBlock) -> Result<(), Refusal> {
        if self.ledger.block(&block.hash()).is_none() && !block.verifies() {
            return Err(Refusal::BadSignature);
        }
        match self.ledger.check(&block) {
            Ok(effect) => {
                if let Some(Err(_)) = self.file.as_mut().map(|file| file.append(&block)) {
                    return Err(Refusal::Processing);
                }
                self.ledger.insert(block, effect, self.now_ms);
            }
            Err(refusal) => {
                let contested = self.ledger.slot_holder(&block).is_some_and(|holder| !holder.confirmed);
                if refusal == Refusal::Fork && contested {
                    self.candidates.add(&block);
                }
                return Err(refusal);
            }
        }
        Ok(())
    }

    /// Holds the vote on a block's slot, if there is something to vote on, and makes the winner final.
    fn decide(&mut self, hash: &BlockHash) {
        let Some(entry) = self.ledger.block(hash) else { return };
        let slot = slot_of(&entry.block);
        match self.candidates.elect(&slot, self.election, self.settings.seed) {
            Some(winner) => self.replace(hash, winner),
            None => self.ledger.cement(hash),
        }
    }

    fn confirm(&mut self, hash: &BlockHash) -> Result<(), String> {
        if let Some(entry) = self.ledger.block(hash) {
            let slot = slot_of(&entry.block);
            self.candidates.forget_slot(&slot);
            self.ledger.cement(hash);
            return Ok(());
        }
        let winner = self.candidates.find(hash).ok_or("no such block, and no such fork")?;
        let holder = self.ledger.slot_holder(&winner).map(|entry| entry.block.hash());
        let holder = holder.ok_or("the slot of the fork is empty")?;
        self.candidates.forget_slot(&slot_of(&winner));
        self.replace(&holder, winner);
        self.ledger.block(hash).map(|_| ()).ok_or_else(|| "the fork cannot follow".to_owned())
    }

    /// Puts `winner` in the place of a block that is not final. If it cannot follow there, the holder stays.
    fn replace(&mut self, holder: &BlockHash, winner: SignedBlock) {
        let before = self.ledger.clone();
        self.ledger.roll_back(holder);
        let hash = winner.hash();
        if let Ok(effect) = self.ledger.check(&winner) {
            self.ledger.insert(winner, effect, self.now_ms);
            self.ledger.cement(&hash);
        } else {
            self.ledger = before;
            self.ledger.cement(holder);
        }
    }

    fn fund(&mut self, account: &str, raw: &str) -> Result<(), String> {
        let destination = PublicKey::from_address(account).map_err(|error| error.to_string())?;
        let amount: Amount = raw.parse().map_err(|_| "raw takes decimal digits")?;
        let head = self.ledger.head(&self.genesis.public_key()).ok_or("there is no genesis block")?;
        let threshold = self.settings.thresholds.send;
        let block = genesis::send(&self.genesis, &head, destination, amount, threshold);
        let block = block.ok_or("the genesis account does not hold that much")?;
        let hash = block.hash();
        self.take_in(block).map_err(|refusal| refusal.to_string())?;
        self.ledger.cement(&hash);
        Ok(())
    }

    fn forget_unconfirmed(&mut self) {
        self.ledger.open_blocks().iter().for_each(|hash| self.ledger.roll_back(hash));
        self.candidates.clear();
    }

    fn restart(&mut self, offline_ms: u64) {
        self.candidates.clear();
        self.faults.clear();
        self.offline_until_ms = self.now_ms.saturating_add(offline_ms);
    }
}
