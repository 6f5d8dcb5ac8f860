//! Faults in a fixed order, for tests of what happens when a step of a transaction goes wrong.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bursar_store::fault::{Faults, Injected, Step};

/// Puts each planned fault before the next step of its unit and kind, once, in the order of planning.
#[derive(Debug, Default)]
pub struct ScriptedFaults {
    planned: Mutex<VecDeque<(&'static str, Step, Injected)>>,
}

impl ScriptedFaults {
    /// No fault yet.
    #[must_use]
    pub fn new() -> Arc<ScriptedFaults> {
        Arc::default()
    }

    /// Plans `fault` before the next `step` of `unit` that no earlier plan takes.
    pub fn plan(&self, unit: &'static str, step: Step, fault: Injected) {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner).push_back((unit, step, fault));
    }

    /// How many planned faults have not struck.
    #[must_use]
    pub fn left(&self) -> usize {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Faults for ScriptedFaults {
    fn before(&self, unit: &'static str, step: Step) -> Option<Injected> {
        let mut planned = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        let due = planned.iter().position(|(of, at, _)| *of == unit && *at == step)?;
        planned.remove(due).map(|(_, _, fault)| fault)
    }
}
