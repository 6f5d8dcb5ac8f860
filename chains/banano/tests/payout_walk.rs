//! A small payout machine against nodes that misbehave at random: nobody is paid twice, and once it calms down
//! everybody is paid.
#![allow(
    clippy::unwrap_used,
    reason = "the small functions tests share may fail loudly like the tests themselves"
)]

mod network;

use bursar_chain::{Attempt, Chain, Standing};
use bursar_devnet_banano::{Command, Election, Fault, Misbehaviour};
use network::{Network, hash};
use proptest::prelude::*;

/// One intent of the machine: its attempts so far, of which all but the last are proven dead.
#[derive(Default)]
struct Intent {
    attempts: Vec<Attempt>,
    /// A block that is to free the last attempt's slot.
    freeing: Option<Attempt>,
    paid: bool,
}

fn misbehaviour(choice: u8) -> Misbehaviour {
    match choice % 10 {
        0 => Misbehaviour::DropAnswer,
        1 => Misbehaviour::DropRequest,
        2 => Misbehaviour::Silence,
        3 => Misbehaviour::Status(500),
        4 => Misbehaviour::StatusAfterDoing(502),
        5 => Misbehaviour::Refuse("Fork".to_owned()),
        6 => Misbehaviour::Refuse("Old block".to_owned()),
        7 => Misbehaviour::Refuse("Block not found".to_owned()),
        8 => Misbehaviour::Garbage,
        _ => Misbehaviour::Delay(20_000),
    }
}

/// What happens on the node between two steps of the machine.
fn disturb(network: &Network, choice: u8) {
    let command = match choice % 8 {
        0 => Command::ForgetUnconfirmed,
        1 => Command::HideOpenBlocks(true),
        2 => Command::HideOpenBlocks(false),
        3 => Command::Restart { offline_ms: 0 },
        4 => Command::Elect(Election::Seeded),
        5 => Command::ConfirmAll,
        6 => Command::LieAboutBalances(i64::from(choice) - 128),
        _ => Command::Fault(Fault { action: None, misbehaviour: misbehaviour(choice / 8), times: 2 }),
    };
    network.node().command(command).unwrap();
}

/// One step: look at the last attempt, and do what its standing permits.
fn step(network: &Network, intent: &mut Intent, impatient: bool) {
    let chain = &network.chain;
    let Some(last) = intent.attempts.last().cloned() else { return attempt(network, intent) };
    let evidence = chain.look_up(&last);
    if chain.classify(&last, &evidence) == Standing::Confirmed {
        intent.paid = true;
    } else if chain.prove_dead(&last, &evidence).is_ok() {
        intent.freeing = None;
        attempt(network, intent);
    } else if let Some(freeing) = &intent.freeing {
        chain.broadcast(freeing);
    } else if impatient && let Ok(state) = chain.sender_state(&network.wallet) {
        let unsigned = chain.free_slot(&last, &state);
        intent.freeing = unsigned.ok().map(|unsigned| chain.sign(&unsigned, &network.signer).unwrap());
    } else {
        chain.broadcast(&last);
    }
}

fn attempt(network: &Network, intent: &mut Intent) {
    let Ok(state) = network.chain.sender_state(&network.wallet) else { return };
    let attempt = network.payment_on(&state, 100);
    network.chain.broadcast(&attempt);
    intent.attempts.push(attempt);
}

/// How many of the intent's attempts are in the ledger, final or not.
fn payments(network: &Network, intent: &Intent) -> usize {
    let there =
        |attempt: &&Attempt| network.node().with(|node| node.ledger().block(&hash(attempt)).is_some());
    intent.attempts.iter().filter(there).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn an_intent_is_paid_at_most_once_and_once_in_the_end(walk in prop::collection::vec((any::<u8>(), any::<bool>()), 1..40)) {
        let network = Network::of_one();
        network.hold_confirmations();
        let mut intent = Intent::default();
        for (choice, impatient) in walk {
            disturb(&network, choice);
            if !intent.paid {
                step(&network, &mut intent, impatient);
            }
            prop_assert!(payments(&network, &intent) <= 1);
            let total = network.node().with(|node| node.ledger().total());
            prop_assert_eq!(total, Ok(bursar_money::Amount::MAX));
        }
        for calm in [Command::ClearFaults, Command::HideOpenBlocks(false), Command::LieAboutBalances(0),
            Command::ConfirmationLag(Some(0))]
        {
            network.node().command(calm).unwrap();
        }
        for _ in 0..10 {
            if !intent.paid {
                step(&network, &mut intent, false);
            }
        }
        prop_assert!(intent.paid);
        prop_assert_eq!((payments(&network, &intent), network.paid()), (1, 100));
    }
}
