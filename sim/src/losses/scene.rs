//! A calm world in which a test decides what goes wrong, and when.

use std::sync::Arc;

use bursar_rounds::join::{JoinRejection, Joined};
use bursar_rounds::market::Market;
use bursar_rounds::stake::Side;
use bursar_rounds::timing::Round;
use bursar_rounds::wallet::Address;
use bursar_store::Timestamp;

use crate::machine::Armed;
use crate::plan::{Plan, Rooms};
use crate::rounds::{Act, Attempt, Content, JoinReply, Rounds, RoundsPlan, Stoppable, Wish};
use crate::scenario::Scenario;
use crate::workload::Workload;
use crate::world::World;

/// See the module.
pub struct Scene {
    pub world: Arc<World>,
    pub rounds: Arc<Rounds>,
}

impl Scene {
    /// So many serving nodes, at the beginning of a round.
    pub fn new(nodes: usize) -> Scene {
        let scenario = Scenario::new(7);
        let rounds = Rounds::new(&scenario, RoundsPlan::of(&scenario), nodes);
        let room: Arc<dyn Workload> = Arc::clone(&rounds) as _;
        let world = World::new(scenario, Plan::calm(nodes, Rooms::ROUNDS), vec![room]);
        world.open();
        Scene { world, rounds }
    }

    /// A wish of `player` for the round that is open now.
    pub fn wish(&self, id: &str, player: u8) -> Wish {
        let round = Round::current(Market::Sol, Timestamp::from_ms(self.world.now_ms()));
        let wallet = Address::from_bytes([player; 32]);
        let side = if player.is_multiple_of(2) { Side::Up } else { Side::Down };
        let content = Content { round, side, bucks: 10, wallet };
        Wish::new(id.to_owned(), content, None, format!("10.0.0.{player}"))
    }

    /// A node carries out joins in one batch; `None` when it does not live to answer.
    pub fn join(&self, node: usize, wishes: &[Wish]) -> Option<Vec<JoinReply>> {
        let attempts: Vec<Attempt> = wishes.iter().map(|wish| wish.attempt(number_of(&wish.id))).collect();
        let since = self.rounds.witness.with(|witness| witness.begin(&attempts));
        let replies = self.rounds.carry_out(&self.world, node, &attempts).flatten()?;
        let checked = self.rounds.witness.with(|witness| {
            witness.end(&attempts);
            witness.check_answers(node, since, &attempts, &replies)
        });
        self.world.hold(checked);
        Some(replies)
    }

    /// The next step of its kind on a node meets this.
    pub fn arm(&self, node: usize, armed: Armed) {
        self.world.nodes[node].armed.with(|slot| *slot = Some(armed));
    }

    /// An operator does something, and it works.
    pub fn act(&self, act: Act) {
        assert!(self.rounds.act(&self.world, act), "{act:?}");
    }

    /// An operator stops joins.
    pub fn stop_joins(&self) {
        self.act(Act::Stop(Stoppable::Joins, None));
    }

    /// Lets time pass with everything running.
    pub fn pass(&self, span_ms: i64) {
        self.world.play_for(span_ms);
    }

    /// So much time goes by in which nothing runs.
    pub fn sleep(&self, span_ms: i64) {
        self.world.go_to(self.world.now_ms() + span_ms);
    }

    /// Everything comes to rest with every rule kept.
    pub fn ends_well(&self) {
        self.world.come_to_rest();
        assert_eq!(self.world.violation(), None);
    }
}

/// The same wish has the same number, and no other.
fn number_of(id: &str) -> usize {
    id.bytes().fold(0, |number, byte| number * 31 + usize::from(byte))
}

/// What a join was answered with, in short.
pub fn answers(replies: Option<Vec<JoinReply>>) -> Vec<&'static str> {
    let word = |reply: &JoinReply| match reply {
        Ok(Ok(Joined { created: true })) => "created",
        Ok(Ok(Joined { created: false })) => "known",
        Ok(Err(rejection)) => JoinRejection::code(rejection),
        Err(_) => "failed",
    };
    replies.map_or(vec!["no answer"], |replies| replies.iter().map(word).collect())
}
