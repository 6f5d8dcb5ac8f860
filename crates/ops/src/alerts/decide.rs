//! Whether an alert is raised, repeated or ends: pure rules.

use bursar_desk::alert::Figure;
use bursar_store::Timestamp;

/// What is remembered of a rule between two looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Whether what was raised stands.
    pub stands: bool,
    /// When it was last raised; `None` = never.
    pub raised_at: Option<Timestamp>,
    /// How much of a total has been told.
    pub told: i64,
}

/// A rule's numbers at one look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What the figure means.
    pub figure: Figure,
    /// The figure.
    pub value: i64,
    /// From which on an alert is raised.
    pub threshold: i64,
    /// How long an alert is not repeated.
    pub cooldown_ms: i64,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Quiet,
    /// Tell it: this much, and remember this.
    Raise {
        /// The figure, or how much a total has grown since the last alert.
        amount: i64,
        /// What is to be remembered.
        memory: Memory,
    },
    /// What was raised has ended; remember this.
    Resolve(Memory),
}

/// Judges one reading. Nothing is raised again within the cooldown, also when it ended in between.
#[must_use]
pub fn decide(memory: Memory, reading: Reading, now: Timestamp) -> Verdict {
    let Reading { figure, value, threshold, cooldown_ms } = reading;
    let amount = match figure {
        Figure::State => value,
        Figure::Total => value.saturating_sub(memory.told),
    };
    let is_reached = amount > 0 && amount >= threshold;
    let is_loud = memory.raised_at.is_none_or(|at| now >= at.after_ms(cooldown_ms));
    match (figure, is_reached, is_loud) {
        (Figure::State, true, true) => {
            Verdict::Raise { amount, memory: Memory { stands: true, raised_at: Some(now), ..memory } }
        }
        (Figure::Total, true, true) => {
            let memory = Memory { stands: false, raised_at: Some(now), told: value };
            Verdict::Raise { amount, memory }
        }
        (Figure::State, false, _) if memory.stands => Verdict::Resolve(Memory { stands: false, ..memory }),
        (Figure::State | Figure::Total, ..) => Verdict::Quiet,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: i64 = 60_000;

    fn look(memory: Memory, figure: Figure, value: i64, threshold: i64, now_ms: i64) -> Verdict {
        let reading = Reading { figure, value, threshold, cooldown_ms: MINUTE };
        decide(memory, reading, Timestamp::from_ms(now_ms))
    }

    fn raised(stands: bool, at_ms: i64, told: i64) -> Memory {
        Memory { stands, raised_at: Some(Timestamp::from_ms(at_ms)), told }
    }

    #[test]
    fn a_state_is_raised_at_its_threshold_repeated_after_each_cooldown_and_resolved_below_it() {
        let state = |memory, value, now| look(memory, Figure::State, value, 25, now);
        assert_eq!(state(Memory::default(), 24, 0), Verdict::Quiet);
        let first = raised(true, 0, 0);
        assert_eq!(state(Memory::default(), 25, 0), Verdict::Raise { amount: 25, memory: first });
        assert_eq!(state(first, 25, MINUTE - 1), Verdict::Quiet);
        let second = raised(true, MINUTE, 0);
        assert_eq!(state(first, 30, MINUTE), Verdict::Raise { amount: 30, memory: second });
        let ended = raised(false, MINUTE, 0);
        assert_eq!(state(second, 24, MINUTE + 1), Verdict::Resolve(ended));
        assert_eq!(state(ended, 24, MINUTE + 2), Verdict::Quiet);
    }

    #[test]
    fn what_comes_back_within_the_cooldown_waits_for_its_end() {
        let ended = raised(false, 0, 0);
        assert_eq!(look(ended, Figure::State, 1, 1, MINUTE - 1), Verdict::Quiet);
        let again = Verdict::Raise { amount: 1, memory: raised(true, MINUTE, 0) };
        assert_eq!(look(ended, Figure::State, 1, 1, MINUTE), again);
    }

    #[test]
    fn a_total_tells_each_growth_once_and_gathers_it_during_the_cooldown() {
        let total = |memory, value, now| look(memory, Figure::Total, value, 1, now);
        let first = raised(false, 0, 3);
        assert_eq!(total(Memory::default(), 3, 0), Verdict::Raise { amount: 3, memory: first });
        assert_eq!(total(first, 3, MINUTE), Verdict::Quiet);
        assert_eq!(total(first, 8, MINUTE - 1), Verdict::Quiet);
        let second = Verdict::Raise { amount: 5, memory: raised(false, MINUTE, 8) };
        assert_eq!(total(first, 8, MINUTE), second);
    }

    #[test]
    fn a_figure_of_nothing_is_never_an_alert_even_at_a_threshold_of_0() {
        assert_eq!(look(Memory::default(), Figure::State, 0, 0, 0), Verdict::Quiet);
        assert_eq!(look(Memory::default(), Figure::Total, 0, 0, 0), Verdict::Quiet);
    }

    proptest! {
        #[test]
        fn two_alerts_are_never_closer_than_the_cooldown_and_a_total_is_told_exactly_once(
            steps in prop::collection::vec((0_i64..90_000, 0_i64..4), 1..60),
        ) {
            for figure in [Figure::State, Figure::Total] {
                let (mut memory, mut now, mut total, mut told) = (Memory::default(), 0, 0, 0);
                let mut last: Option<i64> = None;
                for (pause, growth) in &steps {
                    now += pause;
                    total += growth;
                    let value = if figure == Figure::Total { total } else { *growth };
                    match look(memory, figure, value, 1, now) {
                        Verdict::Quiet => {}
                        Verdict::Resolve(next) => memory = next,
                        Verdict::Raise { amount, memory: next } => {
                            prop_assert!(last.is_none_or(|last| now - last >= MINUTE));
                            (last, memory, told) = (Some(now), next, told + amount);
                        }
                    }
                }
                if figure == Figure::Total {
                    prop_assert_eq!(told, memory.told);
                    prop_assert!(told <= total);
                }
            }
        }
    }
}
