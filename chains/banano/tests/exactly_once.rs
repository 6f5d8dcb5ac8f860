//! One payment becomes final once, whatever a node does.
#![allow(
    clippy::unwrap_used,
    reason = "the small functions tests share may fail loudly like the tests themselves"
)]

mod network;

use bursar_chain::{Chain, ChainError, Standing};
use bursar_devnet_banano::{Command, Misbehaviour};
use bursar_money::Amount;
use network::{Network, block, fund, hash};

fn is_unknown(standing: &Standing) -> bool {
    matches!(standing, Standing::Unknown { .. })
}

#[test]
fn a_payment_is_pending_when_broadcast_and_final_when_the_node_says_so() {
    let network = Network::of_one();
    network.hold_confirmations();
    let attempt = network.payment(100);
    assert_eq!(network.look_up(&attempt), Standing::NotFound);
    assert_eq!(network.broadcast(&attempt), Standing::Pending);
    assert_eq!(network.look_up(&attempt), Standing::Pending);
    network.node().command(Command::Confirm(hash(&attempt))).unwrap();
    assert_eq!(network.look_up(&attempt), Standing::Confirmed);
    assert_eq!(network.paid(), 100);
    assert_eq!(network.state().spendable.units(), 900);
}

#[test]
fn an_answer_lost_after_acceptance_is_unknown_and_sending_again_pays_nothing_more() {
    for misbehaviour in [
        Misbehaviour::DropAnswer,
        Misbehaviour::Silence,
        Misbehaviour::Delay(10_001),
        Misbehaviour::Oversized,
    ] {
        let network = Network::of_one();
        let attempt = network.payment(100);
        network.fault("process", misbehaviour.clone());
        assert!(is_unknown(&network.broadcast(&attempt)), "{misbehaviour:?}");
        for _ in 0..3 {
            assert_eq!(network.broadcast(&attempt), Standing::Pending);
        }
        assert_eq!(network.look_up(&attempt), Standing::Confirmed);
        assert_eq!(network.paid(), 100);
    }
}

#[test]
fn a_garbled_answer_after_acceptance_is_cleared_up_by_asking_for_the_block() {
    for misbehaviour in [Misbehaviour::Garbage, Misbehaviour::StatusAfterDoing(500)] {
        let network = Network::of_one();
        let attempt = network.payment(100);
        network.fault("process", misbehaviour);
        assert_eq!(network.broadcast(&attempt), Standing::Pending);
        assert_eq!(network.paid(), 100);
    }
}

#[test]
fn an_error_before_acceptance_is_unknown_too_and_the_same_bytes_go_out_later() {
    for misbehaviour in [
        Misbehaviour::DropRequest,
        Misbehaviour::Status(500),
        Misbehaviour::Refuse("Fork".to_owned()),
        Misbehaviour::Refuse("Gap previous block".to_owned()),
        Misbehaviour::Refuse("Error processing block".to_owned()),
    ] {
        let network = Network::of_one();
        let attempt = network.payment(100);
        network.fault("process", misbehaviour.clone());
        assert!(is_unknown(&network.broadcast(&attempt)), "{misbehaviour:?}");
        assert_eq!((network.look_up(&attempt), network.paid()), (Standing::NotFound, 0));
        assert!(!network.is_dead(&attempt));
        assert_eq!(network.broadcast(&attempt), Standing::Pending);
        assert_eq!(network.paid(), 100);
    }
}

#[test]
fn a_block_that_a_node_has_already_is_a_success_of_the_same_hash() {
    let network = Network::of_one();
    let attempt = network.payment(100);
    assert_eq!(network.broadcast(&attempt), Standing::Pending);
    // With its subtype named, a node refuses the block for the balance that it has itself brought about.
    assert_eq!(network.broadcast(&attempt), Standing::Pending);
    network.fault("process", Misbehaviour::Refuse("Old block".to_owned()));
    assert_eq!(network.broadcast(&attempt), Standing::Pending);
    assert_eq!(network.paid(), 100);
}

#[test]
fn a_definite_refusal_is_rejected_and_still_not_dead() {
    let network = Network::of_one();
    let attempt = network.payment(100);
    network.fault("process", Misbehaviour::Refuse("Block work is less than threshold".to_owned()));
    assert!(matches!(network.broadcast(&attempt), Standing::Rejected { .. }));
    assert!(!network.is_dead(&attempt));
    assert!(network.chain.prove_dead(&attempt, &network.chain.broadcast(&attempt)).is_err());
}

#[test]
fn a_block_that_the_node_forgot_is_not_found_not_dead_and_comes_back() {
    let network = Network::of_one();
    network.hold_confirmations();
    let attempt = network.payment(100);
    assert_eq!(network.broadcast(&attempt), Standing::Pending);
    network.node().command(Command::ForgetUnconfirmed).unwrap();
    assert_eq!((network.look_up(&attempt), network.paid()), (Standing::NotFound, 0));
    assert!(!network.is_dead(&attempt));
    assert_eq!(network.broadcast(&attempt), Standing::Pending);
    assert_eq!(network.paid(), 100);
}

#[test]
fn a_node_that_restarts_is_silent_and_silence_is_unknown() {
    let network = Network::of_one();
    let attempt = network.payment(100);
    network.node().command(Command::Restart { offline_ms: 1_000 }).unwrap();
    assert!(is_unknown(&network.broadcast(&attempt)));
    assert!(is_unknown(&network.look_up(&attempt)));
    assert!(!network.is_dead(&attempt));
    assert!(matches!(network.chain.sender_state(&network.wallet), Err(ChainError::TooFewNodes { .. })));
    network.node().set_now(1_000);
    assert_eq!(network.broadcast(&attempt), Standing::Pending);
}

#[test]
fn a_block_that_arrives_between_two_questions_is_seen() {
    let network = Network::of_one();
    network.hold_confirmations();
    let attempt = network.payment(100);
    network.broadcast(&attempt);
    for standing in [Standing::Pending, Standing::Confirmed] {
        network.fault("block_info", Misbehaviour::Refuse("Block not found".to_owned()));
        assert_eq!(network.look_up(&attempt), standing);
        network.node().command(Command::ConfirmAll).unwrap();
    }
}

#[test]
fn nothing_is_built_on_a_block_that_is_not_final() {
    let network = Network::of_one();
    network.hold_confirmations();
    let attempt = network.payment(100);
    network.broadcast(&attempt);
    assert_eq!(network.chain.sender_state(&network.wallet), Err(ChainError::Unsettled));
    network.node().command(Command::ConfirmAll).unwrap();
    assert_eq!(network.state().spendable.units(), 900);
}

#[test]
fn a_freed_slot_kills_the_payment_or_the_payment_kills_what_would_free_it() {
    for payment_wins in [true, false] {
        let network = Network::of_one();
        network.hold_confirmations();
        let state = network.state();
        let payment = network.payment_on(&state, 100);
        let rival = network.rival(&payment, &state);
        assert_eq!(payment.slot, rival.slot);
        assert_eq!(network.broadcast(&payment), Standing::Pending);
        assert!(is_unknown(&network.broadcast(&rival)));
        assert!(!network.is_dead(&payment) && !network.is_dead(&rival));

        let (winner, loser) = if payment_wins { (&payment, &rival) } else { (&rival, &payment) };
        network.node().command(Command::Confirm(hash(winner))).unwrap();
        assert_eq!(network.look_up(winner), Standing::Confirmed);
        assert!(matches!(network.look_up(loser), Standing::Rejected { .. }));
        let proof = network.chain.prove_dead(loser, &network.chain.look_up(loser)).unwrap();
        assert_eq!(
            (proof.attempt, proof.taken_by, proof.nodes),
            (loser.id.clone(), Some(winner.id.clone()), 1)
        );
        assert!(!network.is_dead(winner));
        assert!(is_unknown(&network.broadcast(loser)));
        assert_eq!(network.paid(), if payment_wins { 100 } else { 0 });
        assert_eq!(network.state().spendable.units(), if payment_wins { 900 } else { 1_000 });
    }
}

#[test]
fn of_two_payments_in_one_slot_one_is_final_and_the_other_dead() {
    let network = Network::of_one();
    let state = network.state();
    let (one, two) = (network.payment_on(&state, 100), network.payment_on(&state, 200));
    assert_eq!(network.broadcast(&two), Standing::Pending);
    assert!(is_unknown(&network.broadcast(&one)));
    assert_eq!(network.look_up(&two), Standing::Confirmed);
    assert!(network.is_dead(&one) && !network.is_dead(&two));
    assert_eq!(network.paid(), 200);
}

#[test]
fn a_dead_payment_stays_provably_dead_after_later_blocks() {
    let network = Network::of_one();
    let state = network.state();
    let dead = network.payment_on(&state, 100);
    network.broadcast(&network.payment_on(&state, 1));
    for _ in 0..5 {
        network.broadcast(&network.payment(1));
    }
    let proof = network.chain.prove_dead(&dead, &network.chain.look_up(&dead)).unwrap();
    assert_eq!(proof.taken_by, Some(network.payment_on(&state, 1).id));
}

#[test]
fn an_account_is_opened_once_and_whatever_else_would_open_it_is_dead() {
    let network = Network::without_funds(1, 1);
    network.node().command(fund(&network.wallet, 5)).unwrap();
    network.node().command(fund(&network.wallet, 7)).unwrap();
    let state = network.chain.receiver_state(&network.wallet).unwrap();
    let opening = |receivable| {
        let unsigned = network.chain.build_receive(receivable, &state).unwrap();
        network.chain.sign(&unsigned, &network.signer).unwrap()
    };
    let receivables = network.chain.receivable(&network.wallet, Amount::new(1), 2).unwrap();
    let (one, two) = (opening(&receivables[0]), opening(&receivables[1]));
    assert_eq!((one.slot == two.slot, network.look_up(&one)), (true, Standing::NotFound));
    assert_eq!(network.broadcast(&one), Standing::Pending);
    assert!(is_unknown(&network.broadcast(&two)));
    assert!(network.is_dead(&two) && !network.is_dead(&one));
}

#[test]
fn the_stored_bytes_are_what_reaches_the_chain() {
    let network = Network::of_one();
    let attempt = network.payment(100);
    network.broadcast(&attempt);
    let there = network.node().with(|node| node.ledger().block(&hash(&attempt)).unwrap().block.clone());
    assert_eq!(there, block(&attempt));
}

#[test]
fn a_damaged_record_is_never_sent_and_never_judged() {
    let network = Network::of_one();
    let good = network.payment(100);
    let evidence = network.chain.look_up(&good);
    let mut bent = good.clone();
    let text = String::from_utf8(bent.bytes.clone()).unwrap();
    bent.bytes = text.replace("\"balance\":\"900\"", "\"balance\":\"800\"").into_bytes();
    let mut unsigned = good.clone();
    let (signature, none) = (block(&good).signature.to_string(), "0".repeat(128));
    unsigned.bytes = text.replace(&signature, &none).into_bytes();
    let mut renamed = good.clone();
    renamed.id = network.payment(5).id;
    let mut moved = good.clone();
    moved.slot = bursar_chain::Slot::from_canonical("elsewhere".to_owned());
    let mut empty = good.clone();
    empty.bytes.clear();
    for attempt in [bent, unsigned, renamed, moved, empty] {
        assert_ne!(attempt, good);
        assert!(is_unknown(&network.broadcast(&attempt)));
        assert!(is_unknown(&network.look_up(&attempt)));
        assert!(is_unknown(&network.chain.classify(&attempt, &evidence)));
        assert!(!network.is_dead(&attempt));
        assert_eq!(network.paid(), 0);
    }
}
