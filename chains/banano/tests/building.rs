//! Building, signing, freeing and receiving: what comes out, and what is refused.
#![allow(
    clippy::unwrap_used,
    reason = "the small functions tests share may fail loudly like the tests themselves"
)]

mod network;

use std::sync::Arc;
use std::time::Duration;

use bursar_banano::rpc::{NodeClient, PeerWork};
use bursar_banano::work::{InThread, Root, Threshold, Thresholds, Work, WorkError, WorkSource};
use bursar_banano::{Asking, Banano, BlockHash, LocalSigner, NodeSet, PublicKey, Seed, Settings};
use bursar_chain::{
    Address, AddressError, Attempt, BuildError, Chain, ChainError, Payment, SignError, Signer, Standing,
};
use bursar_devnet_banano::Misbehaviour;
use bursar_money::{Amount, Asset};
use network::{FUNDS, Network, SEED, address, block, fund, key, pay};

#[test]
fn a_payment_is_a_send_of_exactly_its_amount_on_the_open_slot() {
    let network = Network::of_one();
    let (state, attempt) = (network.state(), network.payment(FUNDS));
    let block = block(&attempt).block;
    assert_eq!((block.account, block.link), (key(0), key(1).0));
    assert_eq!((block.balance, block.representative), (Amount::ZERO, key(0)));
    assert_eq!(attempt.slot, state.slot);
    assert_eq!(attempt.slot.as_str(), format!("{}:{}", network.wallet, block.previous));
    assert_eq!(
        (attempt.fee_max, network.chain.asset(), network.chain.name()),
        (Amount::ZERO, Asset::Banano, "banano")
    );
    assert_eq!(network.payment(FUNDS), attempt);
}

#[test]
fn a_state_names_the_newest_transaction_of_the_account() {
    let network = Network::of_one();
    let payment = network.payment(1);
    assert_ne!(network.state().newest, Some(payment.id.clone()));
    network.broadcast(&payment);
    assert_eq!(network.state().newest, Some(payment.id));
    let stranger = Address::from_canonical(key(7).address());
    assert_eq!(network.chain.receiver_state(&stranger).unwrap().newest, None);
}

#[test]
fn what_cannot_be_paid_is_refused_before_anything_is_signed() {
    let network = Network::of_one();
    let state = network.state();
    let build = |payment: &Payment| network.chain.build(payment, &state);
    assert_eq!(build(&pay(&network.wallet, 0)), Err(BuildError::ZeroAmount));
    let insufficient = BuildError::Insufficient { needed: Amount::new(1_001), spendable: Amount::new(1_000) };
    assert_eq!(build(&pay(&network.wallet, 1_001)), Err(insufficient));
    assert_eq!(build(&pay(&address(key(2)), 1)), Err(BuildError::OtherAccount));
    let mut damaged = state.clone();
    damaged.details.truncate(10);
    assert!(matches!(
        network.chain.build(&pay(&network.wallet, 1), &damaged),
        Err(BuildError::Unreadable(_))
    ));
}

#[test]
fn only_addresses_that_somebody_can_hold_the_key_of_are_paid_to() {
    let chain = Network::of_one().chain;
    let good = key(1).address();
    assert_eq!(chain.parse_address(&good).unwrap().as_str(), good);
    let burn = "ban_1111111111111111111111111111111111111111111111111111hifc8npp";
    assert_eq!(chain.parse_address(burn), Err(AddressError::Unspendable));
    let mut off_the_curve = [0; 32];
    off_the_curve[0] = 2;
    assert_eq!(chain.parse_address(&PublicKey(off_the_curve).address()), Err(AddressError::Unspendable));
    let typo = good.replacen(&good[10..11], if &good[10..11] == "3" { "1" } else { "3" }, 1);
    assert!(chain.parse_address(&typo).is_err());
    assert_eq!(chain.parse_address("nano_1").unwrap_err().code(), "invalid_address");
    assert_eq!(AddressError::Unspendable.code(), "burn_address");
}

/// A signer that returns whatever it was given.
struct Puppet(Address, Result<Vec<u8>, SignError>);

impl Signer for Puppet {
    fn address(&self) -> &Address {
        &self.0
    }

    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, SignError> {
        self.1.clone()
    }
}

#[test]
fn a_faulty_signer_yields_no_attempt() {
    let network = Network::of_one();
    let unsigned = network.chain.build(&pay(&network.wallet, 1), &network.state()).unwrap();
    let sign = |signer: &dyn Signer| network.chain.sign(&unsigned, signer).map(|attempt: Attempt| attempt.id);
    let puppet = |answer| Puppet(network.wallet.clone(), answer);
    assert_eq!(sign(&puppet(Ok(vec![0; 64]))), Err(SignError::BadSignature));
    assert_eq!(sign(&puppet(Ok(vec![0; 63]))), Err(SignError::BadSignature));
    let refused = SignError::Refused("a stop is on".to_owned());
    assert_eq!(sign(&puppet(Err(refused.clone()))), Err(refused));
    let other = LocalSigner::new(Seed::from_bytes(SEED).secret_key(1));
    assert_eq!(sign(&other), Err(SignError::OtherAccount));
    let mut moved = unsigned.clone();
    moved.slot = bursar_chain::Slot::from_canonical("elsewhere".to_owned());
    assert!(matches!(network.chain.sign(&moved, &network.signer), Err(SignError::Unreadable(_))));
}

#[test]
fn a_slot_is_freed_by_a_block_that_moves_nothing_and_only_while_it_is_open() {
    let network = Network::of_one();
    let state = network.state();
    let payment = network.payment_on(&state, 100);
    let rival = network.rival(&payment, &state);
    let harmless = block(&rival).block;
    assert_eq!((harmless.balance, harmless.link), (Amount::new(FUNDS), [0; 32]));
    assert_eq!(network.chain.free_slot(&rival, &state), Err(BuildError::NothingToFree));
    assert_eq!(network.broadcast(&rival), Standing::Pending);
    assert_eq!(network.chain.free_slot(&payment, &network.state()), Err(BuildError::SlotClosed));
}

#[test]
fn money_sent_to_the_wallet_is_received_and_opens_it_the_first_time() {
    let network = Network::without_funds(2, 2);
    assert_eq!(network.chain.sender_state(&network.wallet), Err(ChainError::Unopened));
    for raw in [300, 700] {
        for node in &network.nodes {
            node.command(fund(&network.wallet, raw)).unwrap();
        }
        network.receive_all();
    }
    assert_eq!(network.state().spendable, Amount::new(1_000));
    assert_eq!(network.chain.receivable(&network.wallet, Amount::new(1), 10), Ok(Vec::new()));
    let head = network.node().with(|node| node.ledger().head(&key(0)).unwrap());
    assert_eq!((head.balance, head.representative), (Amount::new(1_000), key(0)));
}

#[test]
fn what_one_node_alone_lists_is_not_received() {
    let network = Network::of(2, 2);
    network.nodes[0].command(fund(&network.wallet, 5)).unwrap();
    assert_eq!(network.chain.receivable(&network.wallet, Amount::new(1), 10), Ok(Vec::new()));
    network.nodes[1].command(fund(&network.wallet, 5)).unwrap();
    let listed = network.chain.receivable(&network.wallet, Amount::new(1), 10).unwrap();
    assert_eq!(listed.iter().map(|item| item.amount).collect::<Vec<_>>(), [Amount::new(5)]);
}

#[test]
fn a_representative_that_the_operator_names_stands_in_every_block() {
    let network = Network::of_one();
    let set = NodeSet::new(vec![NodeClient::new(network.node().clone())], 1, Asking::InTurn).unwrap();
    let thresholds = Thresholds::both(Threshold(0xf000_0000_0000_0000));
    let settings = Settings { thresholds, representative: Some(key(8)), ..Settings::default() };
    let chain = Banano::new(set, Arc::new(InThread), settings);
    let state = chain.sender_state(&network.wallet).unwrap();
    let unsigned = chain.build(&pay(&network.wallet, 1), &state).unwrap();
    let attempt = chain.sign(&unsigned, &network.signer).unwrap();
    assert_eq!(block(&attempt).block.representative, key(8));
    assert_eq!(chain.classify(&attempt, &chain.broadcast(&attempt)), Standing::Pending);
    assert_eq!(block(&network.payment(1)).block.representative, key(8));
}

/// Work that is never there, and remembers what it was told ahead.
#[derive(Default)]
struct NoWork(parking_lot::Mutex<Vec<Root>>);

impl WorkSource for NoWork {
    fn prefetch(&self, _: &PublicKey, root: &Root, _: Threshold) {
        self.0.lock().push(*root);
    }

    fn work(&self, _: &PublicKey, _: &Root, _: Threshold, _: Duration) -> Result<Work, WorkError> {
        Err(WorkError::NotReady)
    }
}

#[test]
fn without_work_there_is_no_state_and_the_first_broadcast_asks_for_the_next_ahead() {
    let network = Network::of_one();
    let payment = network.payment(1);
    let set = NodeSet::new(vec![NodeClient::new(network.node().clone())], 1, Asking::InTurn).unwrap();
    let work = Arc::new(NoWork::default());
    let chain = Banano::new(set, work.clone(), Settings::default());
    let not_ready = Err(ChainError::NotReady("proof of work".to_owned()));
    assert_eq!(chain.sender_state(&network.wallet), not_ready);
    for _ in 0..2 {
        chain.broadcast(&payment);
    }
    let next: BlockHash = payment.id.as_str().parse().unwrap();
    assert_eq!(*work.0.lock(), [Root(next.0)]);
}

#[test]
fn work_comes_from_peers_is_verified_and_falls_back_to_the_next_source() {
    let network = Network::of_one();
    let easy = Threshold(0xf000_0000_0000_0000);
    let (root, account) = (Root([3; 32]), key(0));
    let peer = || PeerWork::new(vec![NodeClient::new(network.node().clone())]);
    let work = peer().work(&account, &root, easy, Duration::from_secs(1)).unwrap();
    assert!(easy.admits(&root, work));
    network.fault("work_generate", Misbehaviour::Garbage);
    let failed = peer().work(&account, &root, easy, Duration::from_secs(1));
    assert!(matches!(failed, Err(WorkError::Peers(problem)) if problem.contains("node0")));
    network.fault("work_generate", Misbehaviour::Garbage);
    let two = || PeerWork::new((0..2).map(|_| NodeClient::new(network.node().clone())).collect());
    assert!(two().work(&account, &root, easy, Duration::ZERO).is_err(), "a second was asked after the wait");
    network.fault("work_generate", Misbehaviour::Garbage);
    assert!(two().work(&account, &root, easy, Duration::from_secs(1)).is_ok());
    network.fault("work_generate", Misbehaviour::Garbage);
    let sources: Vec<Box<dyn WorkSource>> = vec![Box::new(peer()), Box::new(InThread)];
    assert!(easy.admits(&root, sources.work(&account, &root, easy, Duration::from_secs(1)).unwrap()));
}
