//! A fault at the n-th step that payouts take, whichever that is: every statement, commit, network call and named place.

use std::sync::{Arc, Mutex};

use bursar_store::fault::{Faults, Injected, Step};
use bursar_test_stores::ScriptedFaults;

#[derive(Default)]
struct Count {
    /// Steps until the strike; `None` = there is none.
    left: Option<u32>,
    struck: Option<String>,
}

/// Strikes once, at a step that is counted down to.
#[derive(Clone, Default)]
pub struct Strikes(Arc<Mutex<Count>>);

impl Strikes {
    /// Strikes before the step after `steps` more.
    pub fn after(&self, steps: u32) {
        *self.0.lock().unwrap() = Count { left: Some(steps), struck: None };
    }

    /// Where it struck; nothing strikes any more.
    pub fn struck(&self) -> Option<String> {
        self.0.lock().unwrap().struck.take()
    }
}

impl Faults for Strikes {
    fn before(&self, unit: &'static str, step: Step) -> Option<Injected> {
        let mut count = self.0.lock().unwrap();
        // Before the steps of other units nothing strikes, and a commit that has succeeded has succeeded.
        if !unit.starts_with("payouts.") || (step == Step::Committed && !is_named(unit)) {
            return None;
        }
        let left = count.left?;
        count.left = left.checked_sub(1);
        if left > 0 {
            return None;
        }
        count.struck = Some(format!("{unit} {step:?}"));
        Some(Injected::ConnectionLost)
    }
}

/// Places outside of transactions, which are passed twice: before and after.
fn is_named(unit: &str) -> bool {
    ["payouts.state", "payouts.broadcast", "payouts.look_up", "payouts.journal"].contains(&unit)
}

/// Faults that a test plans, and a strike.
pub struct Both(pub Arc<ScriptedFaults>, pub Strikes);

impl Faults for Both {
    fn before(&self, unit: &'static str, step: Step) -> Option<Injected> {
        self.0.before(unit, step).or_else(|| self.1.before(unit, step))
    }
}
