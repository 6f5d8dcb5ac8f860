//! Which markets are asked first: those whose last question brought no answer come after all others.

use parking_lot::Mutex;

use crate::market::Market;
use crate::pool::Pool;

/// Markets whose last question met silence or a limit, the one that met it longest ago first. A run asks only a few of
/// those, so each of them comes first in its turn and none that answers waits for them.
#[derive(Default)]
pub(super) struct Turns(Mutex<Vec<Market>>);

impl Turns {
    /// The market's question brought no answer.
    pub fn put_last(&self, market: Market) {
        let mut unanswered = self.0.lock();
        unanswered.retain(|other| *other != market);
        unanswered.push(market);
    }

    /// The service told something about the market.
    pub fn put_first(&self, market: Market) {
        self.0.lock().retain(|other| *other != market);
    }

    /// The order in which pools are asked for; those of markets that answer stay as they are.
    pub fn sort(&self, pools: &mut [&Pool]) {
        let unanswered = self.0.lock();
        pools.sort_by_key(|pool| unanswered.iter().position(|market| *market == pool.round.market()));
    }
}
