//! Senders: every node takes turns for every wallet whose lease it holds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bursar_payouts::{Payouts, Turn};
use bursar_store::{Store, StoreError, Timestamp};
use parking_lot::Mutex;

use super::obligations::AcceptOrders;
use super::{PayoutsRoom, wiring};
use crate::chain::Family;
use crate::event::Class;
use crate::node::Place;
use crate::seat::{SLEEP_MAX_MS, Seat};
use crate::world::World;

/// What of payouts runs in one process.
pub struct Process {
    pub payouts: Payouts,
    pub accept: Mutex<AcceptOrders>,
    seats: BTreeMap<Family, Mutex<Seat>>,
    holder: String,
}

impl Process {
    /// Lane and senders.
    pub fn new(room: &Arc<PayoutsRoom>, world: &Arc<World>, place: Place<'_>) -> Process {
        let payouts = wiring::payouts_in(room, world, place);
        Process {
            accept: Mutex::new(AcceptOrders { payouts: payouts.clone(), recorder: place.recorder("orders") }),
            seats: Family::ALL.map(|family| (family, Mutex::default())).into(),
            holder: format!("node-{}-{}", place.node, place.generation),
            payouts,
        }
    }

    fn turn(&self, store: &Store, family: Family) -> Result<Turn, StoreError> {
        let mut seat = self.seats[&family].try_lock().expect("one turn at a time");
        seat.turn(store, &self.payouts, &wiring::wallet(family), &self.holder)
    }
}

impl PayoutsRoom {
    /// A node takes a turn for a wallet, and plans the next, if it is still in that run.
    pub fn pay(self: &Arc<PayoutsRoom>, world: &Arc<World>, node: usize, generation: u64, family: Family) {
        if world.nodes[node].generation() != generation {
            return;
        }
        let Some(turn) = world.step(node, |process| process.room::<Process>().turn(&process.store, family))
        else {
            return;
        };
        let now_ms = world.nodes[node].clock_ms.load(Ordering::SeqCst);
        let sleep = |until: &Timestamp| (until.ms() - now_ms).clamp(50, SLEEP_MAX_MS);
        let sleep_ms = match &turn {
            Ok(Turn::Worked) => 30,
            Ok(Turn::Idle { until }) => until.as_ref().map_or(SLEEP_MAX_MS, sleep),
            Ok(Turn::Waiting { until, why }) => {
                world.note(&format!("node {node} {}: {why}", family.chain()));
                sleep(until)
            }
            Err(error) => {
                world.note(&format!("node {node} cannot pay: {}", world.error_kind(error)));
                8_000
            }
        };
        world.reach(
            "sender",
            match turn {
                Ok(Turn::Worked) => "works",
                Ok(Turn::Idle { .. }) => "is idle",
                Ok(Turn::Waiting { .. }) => "waits",
                Err(_) => "fails",
            },
        );
        let room = Arc::clone(self);
        let jitter_ms = world.random.with(|random| random.between(0, 90));
        world.plan_in(sleep_ms + jitter_ms, Class::Work, move |world| {
            room.pay(world, node, generation, family)
        });
    }
}
