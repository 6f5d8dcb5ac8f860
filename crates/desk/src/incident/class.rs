//! How bad an incident is: two families of names, kept as they were given, and what they mean.

use std::fmt;

/// The class of an incident in the words of whoever opened it: P0 to P3 for swaps, S1 to S3 for payouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Platform down, money or data exposed.
    P0,
    /// Much is degraded.
    P1,
    /// A part is degraded.
    P2,
    /// Nobody is harmed.
    P3,
    /// Payouts are wrong.
    S1,
    /// Payouts are late for long.
    S2,
    /// Payouts are slow.
    S3,
}

/// What a class means for escalation, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// P0 and S1: payouts of the desk are halted at once.
    Critical,
    /// P1 and S2.
    Major,
    /// P2 and S3.
    Minor,
    /// P3: nobody waits for word of it.
    Cosmetic,
}

impl Class {
    /// All classes.
    pub const ALL: [Class; 7] = [Class::P0, Class::P1, Class::P2, Class::P3, Class::S1, Class::S2, Class::S3];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Class::P0 => "P0",
            Class::P1 => "P1",
            Class::P2 => "P2",
            Class::P3 => "P3",
            Class::S1 => "S1",
            Class::S2 => "S2",
            Class::S3 => "S3",
        }
    }

    /// The class of this name, in capitals.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Class> {
        Class::ALL.into_iter().find(|class| class.name() == name)
    }

    /// What it means (docs/spec/platform.md H19).
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Class::P0 | Class::S1 => Severity::Critical,
            Class::P1 | Class::S2 => Severity::Major,
            Class::P2 | Class::S3 => Severity::Minor,
            Class::P3 => Severity::Cosmetic,
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Severity {
    /// How it is stored: 0 is the worst.
    pub(super) const fn rank(self) -> i64 {
        match self {
            Severity::Critical => 0,
            Severity::Major => 1,
            Severity::Minor => 2,
            Severity::Cosmetic => 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h19_both_families_are_taken_and_s1_escalates_like_p0_s2_like_p1_s3_like_p2() {
        let ranks = Class::ALL.map(|class| (class.name(), class.severity().rank()));
        assert_eq!(ranks, [("P0", 0), ("P1", 1), ("P2", 2), ("P3", 3), ("S1", 0), ("S2", 1), ("S3", 2)]);
        for class in Class::ALL {
            assert_eq!(Class::from_name(class.name()), Some(class));
        }
        for other in ["", "p0", "P4", "S0", "S4", " P1"] {
            assert_eq!(Class::from_name(other), None, "{other:?}");
        }
    }
}
