//! A wallet on a small network of stand-ins in this process.
#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses its part, and may fail loudly")]

use std::sync::Arc;

use bursar_banano::rpc::{Answer, NodeClient, Transport, TransportError};
use bursar_banano::work::InThread;
use bursar_banano::{
    Asking, Banano, BlockHash, LocalSigner, NodeSet, PublicKey, Seed, Settings, SignedBlock,
};
use bursar_chain::{Address, Attempt, Chain, Payment, SenderState, Standing};
use bursar_devnet_banano::{Command, Fault, LocalNode, Misbehaviour, Node, NodeSettings};
use bursar_money::Amount;

pub const SEED: [u8; 32] = [7; 32];
pub const FUNDS: u128 = 1_000;

/// Nodes of one network, and the chain as a wallet sees it through them.
pub struct Network {
    pub nodes: Vec<LocalNode>,
    pub chain: Banano,
    pub signer: LocalSigner,
    pub wallet: Address,
}

impl Network {
    /// One node, whose word is enough, and a wallet that holds 1,000 raw.
    pub fn of_one() -> Network {
        Network::of(1, 1)
    }

    /// `count` nodes of which `agree` must agree, and a wallet that holds 1,000 raw on all of them.
    pub fn of(count: usize, agree: usize) -> Network {
        let network = Network::without_funds(count, agree);
        for node in &network.nodes {
            node.command(fund(&network.wallet, FUNDS)).unwrap();
        }
        network.receive_all();
        network
    }

    pub fn without_funds(count: usize, agree: usize) -> Network {
        let settings = NodeSettings::easy(1);
        let nodes: Vec<LocalNode> = (0..count)
            .map(|number| LocalNode::new(&format!("node{number}"), Node::new(settings), 10_000))
            .collect();
        let clients = nodes.iter().cloned().map(NodeClient::new).collect();
        let set = NodeSet::new(clients, agree, Asking::InTurn).unwrap();
        let chain_settings = Settings { thresholds: settings.thresholds, ..Settings::default() };
        let signer = LocalSigner::new(Seed::from_bytes(SEED).secret_key(0));
        let wallet = address(key(0));
        Network { nodes, chain: Banano::new(set, Arc::new(InThread), chain_settings), signer, wallet }
    }

    /// The first node.
    pub fn node(&self) -> &LocalNode {
        &self.nodes[0]
    }

    pub fn command_all(&self, command: &Command) {
        self.nodes.iter().for_each(|node| node.command(command.clone()).unwrap());
    }

    pub fn fault(&self, action: &str, misbehaviour: Misbehaviour) {
        let fault = Fault { action: Some(action.to_owned()), misbehaviour, times: 1 };
        self.node().command(Command::Fault(fault)).unwrap();
    }

    /// Blocks become final only when told.
    pub fn hold_confirmations(&self) {
        self.command_all(&Command::ConfirmationLag(None));
    }

    pub fn state(&self) -> SenderState {
        self.chain.sender_state(&self.wallet).unwrap()
    }

    /// A signed payment of `raw` to account 1 that nobody has been sent yet.
    pub fn payment(&self, raw: u128) -> Attempt {
        self.payment_on(&self.state(), raw)
    }

    pub fn payment_on(&self, state: &SenderState, raw: u128) -> Attempt {
        let unsigned = self.chain.build(&pay(&self.wallet, raw), state).unwrap();
        self.chain.sign(&unsigned, &self.signer).unwrap()
    }

    /// A signed block that moves nothing, in the attempt's slot.
    pub fn rival(&self, attempt: &Attempt, state: &SenderState) -> Attempt {
        self.chain.sign(&self.chain.free_slot(attempt, state).unwrap(), &self.signer).unwrap()
    }

    pub fn broadcast(&self, attempt: &Attempt) -> Standing {
        self.chain.classify(attempt, &self.chain.broadcast(attempt))
    }

    pub fn look_up(&self, attempt: &Attempt) -> Standing {
        self.chain.classify(attempt, &self.chain.look_up(attempt))
    }

    pub fn is_dead(&self, attempt: &Attempt) -> bool {
        self.chain.prove_dead(attempt, &self.chain.look_up(attempt)).is_ok()
    }

    /// What was sent to account 1 on the first node and not received, in raw.
    pub fn paid(&self) -> u128 {
        self.node()
            .with(|node| node.ledger().waiting(&key(1)).map(|(_, waiting)| waiting.amount.units()).sum())
    }

    pub fn receive_all(&self) {
        for receivable in self.chain.receivable(&self.wallet, Amount::new(1), 100).unwrap() {
            let state = self.chain.receiver_state(&self.wallet).unwrap();
            let unsigned = self.chain.build_receive(&receivable, &state).unwrap();
            let attempt = self.chain.sign(&unsigned, &self.signer).unwrap();
            assert_eq!(self.broadcast(&attempt), Standing::Pending);
        }
    }
}

/// A node whose answers to one action are changed on their way.
pub struct Altered {
    pub node: LocalNode,
    pub action: &'static str,
    pub change: fn(&mut serde_json::Value),
}

impl Transport for Altered {
    fn name(&self) -> &str {
        "altered"
    }

    fn call(&self, request: &str) -> Result<Answer, TransportError> {
        let mut answer = self.node.call(request)?;
        let request: serde_json::Value = serde_json::from_str(request).unwrap();
        if request["action"] == self.action {
            let mut body = serde_json::from_slice(&answer.body).unwrap();
            (self.change)(&mut body);
            answer.body = serde_json::to_vec(&body).unwrap();
        }
        Ok(answer)
    }
}

/// The chain through one node by way of this transport.
pub fn chain_through(transport: impl Transport + 'static) -> Banano {
    let set = NodeSet::new(vec![NodeClient::new(transport)], 1, Asking::InTurn).unwrap();
    let thresholds = NodeSettings::easy(1).thresholds;
    Banano::new(set, Arc::new(InThread), Settings { thresholds, ..Settings::default() })
}

pub fn key(index: u32) -> PublicKey {
    Seed::from_bytes(SEED).secret_key(index).public_key()
}

pub fn address(key: PublicKey) -> Address {
    Address::from_canonical(key.address())
}

pub fn pay(from: &Address, raw: u128) -> Payment {
    Payment { from: from.clone(), to: address(key(1)), amount: Amount::new(raw) }
}

pub fn fund(account: &Address, raw: u128) -> Command {
    Command::Fund { account: account.to_string(), raw: raw.to_string() }
}

pub fn hash(attempt: &Attempt) -> BlockHash {
    attempt.id.as_str().parse().unwrap()
}

/// The block inside an attempt.
pub fn block(attempt: &Attempt) -> SignedBlock {
    let stored: serde_json::Value = serde_json::from_slice(&attempt.bytes).unwrap();
    serde_json::from_value(stored["block"].clone()).unwrap()
}
