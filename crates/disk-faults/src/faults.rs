//! Faults planned by step number, and what becomes of each step.

/// One I/O step: a call that changes what the disk holds or promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Bytes written to a file.
    Write,
    /// A file synced.
    Sync,
    /// A file cut or stretched.
    Truncate,
    /// A name removed.
    Delete,
}

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// One write fails and changes nothing.
    FailWrite,
    /// One write fails after its first `bytes` bytes arrived.
    TornWrite {
        /// How many bytes arrive; all of them if the write is shorter.
        bytes: usize,
    },
    /// One write is acknowledged and readable, but no sync ever makes it durable.
    LostWrite,
    /// One sync fails; part of what it should have kept is lost for good, even if a later sync succeeds.
    FailSync,
    /// One sync is acknowledged and does nothing; the next honest sync of the file repairs it.
    LostSync,
    /// Every sync from this step on is acknowledged and does nothing.
    LyingSyncs,
    /// One truncation fails and changes nothing.
    FailTruncate,
    /// One deletion fails and changes nothing.
    FailDelete,
    /// Every write from this step on finds no space.
    DiskFull,
    /// The process dies before this step: it and every later call fail and change nothing until a crash.
    Halt,
}

impl Fault {
    /// Whether the fault can strike this kind of step.
    fn meets(self, step: Step) -> bool {
        match self {
            Fault::FailWrite | Fault::TornWrite { .. } | Fault::LostWrite => step == Step::Write,
            Fault::FailSync | Fault::LostSync => step == Step::Sync,
            Fault::FailTruncate => step == Step::Truncate,
            Fault::FailDelete => step == Step::Delete,
            Fault::LyingSyncs | Fault::DiskFull | Fault::Halt => true,
        }
    }
}

/// Faults by step number. A fault strikes once, at the first step with its number or a later one that it can
/// strike (a failed sync waits for a sync).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FaultPlan {
    entries: Vec<(u64, Fault)>,
}

impl FaultPlan {
    /// A plan without faults.
    pub fn new() -> FaultPlan {
        FaultPlan::default()
    }

    /// Adds a fault at step number `step`: the step that happens when `Disk::steps` is `step`.
    #[must_use]
    pub fn at(mut self, step: u64, fault: Fault) -> FaultPlan {
        self.entries.push((step, fault));
        self
    }
}

/// A fault that struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fired {
    /// The number of the step it struck.
    pub step: u64,
    /// The kind of that step.
    pub kind: Step,
    /// The fault.
    pub fault: Fault,
}

/// What becomes of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Proceed,
    Refuse,
    Tear(usize),
    Lose,
    Full,
    Dead,
}

/// The faults to come and the conditions that stand.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    steps: u64,
    plan: Vec<(u64, Fault)>,
    fired: Vec<Fired>,
    full: bool,
    lying: bool,
    halted: bool,
}

impl Schedule {
    pub(crate) fn steps(&self) -> u64 {
        self.steps
    }

    pub(crate) fn halted(&self) -> bool {
        self.halted
    }

    pub(crate) fn fired(&self) -> &[Fired] {
        &self.fired
    }

    pub(crate) fn add(&mut self, plan: FaultPlan) {
        self.plan.extend(plan.entries);
        self.plan.sort_by_key(|(step, _)| *step);
    }

    /// Forgets the plan and ends every standing condition except a halt, which only a crash ends.
    pub(crate) fn clear(&mut self) {
        self.plan.clear();
        self.full = false;
        self.lying = false;
    }

    /// The process starts again: a halt is over, the rest of the plan stands.
    pub(crate) fn restart(&mut self) {
        self.halted = false;
    }

    /// Judges the next step and counts it, unless the process is dead.
    pub(crate) fn next(&mut self, kind: Step) -> Verdict {
        if self.halted {
            return Verdict::Dead;
        }
        let step = self.steps;
        while let Some(fault) = self.take(step, kind) {
            self.fired.push(Fired { step, kind, fault });
            match fault {
                Fault::DiskFull => self.full = true,
                Fault::LyingSyncs => self.lying = true,
                Fault::Halt => {
                    self.halted = true;
                    return Verdict::Dead;
                }
                Fault::TornWrite { bytes } => return self.counted(Verdict::Tear(bytes)),
                Fault::LostWrite | Fault::LostSync => return self.counted(Verdict::Lose),
                Fault::FailWrite | Fault::FailSync | Fault::FailTruncate | Fault::FailDelete => {
                    return self.counted(Verdict::Refuse);
                }
            }
        }
        match kind {
            Step::Write if self.full => self.counted(Verdict::Full),
            Step::Sync if self.lying => self.counted(Verdict::Lose),
            Step::Write | Step::Sync | Step::Truncate | Step::Delete => self.counted(Verdict::Proceed),
        }
    }

    fn counted(&mut self, verdict: Verdict) -> Verdict {
        self.steps += 1;
        verdict
    }

    fn take(&mut self, step: u64, kind: Step) -> Option<Fault> {
        let due = self.plan.iter().position(|(at, fault)| *at <= step && fault.meets(kind))?;
        Some(self.plan.remove(due).1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_waits_for_the_kind_of_step_it_can_strike_and_strikes_once() {
        let mut schedule = Schedule::default();
        schedule.add(FaultPlan::new().at(1, Fault::FailSync));
        let verdicts = [Step::Sync, Step::Write, Step::Sync, Step::Sync].map(|kind| schedule.next(kind));
        assert_eq!(verdicts, [Verdict::Proceed, Verdict::Proceed, Verdict::Refuse, Verdict::Proceed]);
        assert_eq!(schedule.fired(), [Fired { step: 2, kind: Step::Sync, fault: Fault::FailSync }]);
    }

    #[test]
    fn a_halted_disk_counts_no_steps_until_it_restarts() {
        let mut schedule = Schedule::default();
        schedule.add(FaultPlan::new().at(1, Fault::Halt));
        assert_eq!(schedule.next(Step::Write), Verdict::Proceed);
        assert_eq!(schedule.next(Step::Write), Verdict::Dead);
        assert_eq!(schedule.next(Step::Sync), Verdict::Dead);
        assert_eq!(schedule.steps(), 1);
        schedule.restart();
        assert_eq!(schedule.next(Step::Write), Verdict::Proceed);
    }

    #[test]
    fn a_full_disk_refuses_writes_only_until_cleared() {
        let mut schedule = Schedule::default();
        schedule.add(FaultPlan::new().at(0, Fault::DiskFull));
        assert_eq!(schedule.next(Step::Sync), Verdict::Proceed);
        assert_eq!(schedule.next(Step::Write), Verdict::Full);
        assert_eq!(schedule.next(Step::Write), Verdict::Full);
        schedule.clear();
        assert_eq!(schedule.next(Step::Write), Verdict::Proceed);
    }
}
