//! What one run is: a seed, and what is left out of what follows from it.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::broken::Bug;
use crate::figures::Figures;
use crate::invariant::Violation;

/// What a run can do without, one by one: each has a number and choices of its own, so that leaving one out leaves the
/// others as they were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Item {
    /// Something goes wrong.
    Trouble,
    /// An operator does something.
    Act,
    /// Users ask for things at about the same time.
    Burst,
}

impl Item {
    /// Every kind with its letter in reports.
    pub const ALL: [(Item, char); 3] = [(Item::Trouble, 't'), (Item::Act, 'a'), (Item::Burst, 'b')];

    fn letter(self) -> char {
        Item::ALL.iter().find(|(item, _)| *item == self).map_or('?', |(_, letter)| *letter)
    }
}

/// An option of the seed that is put to its plainest value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Simpler {
    /// One serving node.
    OneNode,
    /// The network loses and doubles nothing.
    CalmNetwork,
    /// What nodes ask outside answers well.
    CalmUpstream,
    /// Operators leave settings alone.
    FixedSettings,
    /// No step runs in the middle of another.
    NoOvertaking,
}

impl Simpler {
    /// Every simplification with its name on the command line.
    pub const ALL: [(Simpler, &'static str); 5] = [
        (Simpler::OneNode, "one-node"),
        (Simpler::CalmNetwork, "calm-network"),
        (Simpler::CalmUpstream, "calm-upstream"),
        (Simpler::FixedSettings, "fixed-settings"),
        (Simpler::NoOvertaking, "no-overtaking"),
    ];
}

/// What is left out of a run. Its text, such as `t3,t8-11,b0,one-node`, says the same on the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Omitted {
    /// Single happenings by kind and number.
    pub items: BTreeSet<(Item, u32)>,
    /// Options.
    pub options: BTreeSet<Simpler>,
}

impl fmt::Display for Omitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        let mut items = self.items.iter().copied().peekable();
        while let Some((item, first)) = items.next() {
            let mut last = first;
            while items.next_if_eq(&(item, last + 1)).is_some() {
                last += 1;
            }
            let letter = item.letter();
            words.push(if last == first {
                format!("{letter}{first}")
            } else {
                format!("{letter}{first}-{last}")
            });
        }
        let names = Simpler::ALL.iter().filter(|(option, _)| self.options.contains(option));
        words.extend(names.map(|(_, name)| (*name).to_owned()));
        f.write_str(&words.join(","))
    }
}

impl FromStr for Omitted {
    type Err = String;

    fn from_str(text: &str) -> Result<Omitted, String> {
        let mut omitted = Omitted::default();
        for word in text.split(',').filter(|word| !word.is_empty()) {
            if let Some((option, _)) = Simpler::ALL.iter().find(|(_, name)| *name == word) {
                omitted.options.insert(*option);
                continue;
            }
            let unknown = || format!("{word} is neither an option nor items such as t3 or b4-9");
            let item = Item::ALL.iter().find(|(_, letter)| word.starts_with(*letter)).ok_or_else(unknown)?.0;
            let (first, last) = word[1..].split_once('-').unwrap_or((&word[1..], &word[1..]));
            let number = |text: &str| text.parse::<u32>().map_err(|_| unknown());
            omitted.items.extend((number(first)?..=number(last)?).map(|number| (item, number)));
        }
        Ok(omitted)
    }
}

/// A room that a world can be made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// Rounds are played.
    Rounds,
    /// Payouts are made that somebody asked for.
    Payouts,
    /// Kills earn.
    Faucet,
}

impl Room {
    /// Every room with its name on the command line.
    pub const ALL: [(&'static str, Room); 3] =
        [("rounds", Room::Rounds), ("payouts", Room::Payouts), ("faucet", Room::Faucet)];

    /// The room of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Room> {
        Room::ALL.iter().find(|(known, _)| *known == name).map(|(_, room)| *room)
    }
}

/// What to run.
#[derive(Clone, Debug, Default)]
pub struct Scenario {
    /// Everything follows from it.
    pub seed: u64,
    /// A planted bug that the run should find.
    pub bug: Option<Bug>,
    /// The one room that is played; without it the seed says which are.
    pub room: Option<Room>,
    /// What is left out.
    pub omitted: Omitted,
    /// Whether the trace is printed while it grows.
    pub prints_trace: bool,
}

impl Scenario {
    /// All that follows from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Scenario {
        Scenario { seed, ..Scenario::default() }
    }

    /// The same with this room alone.
    #[must_use]
    pub fn playing(self, room: Room) -> Scenario {
        Scenario { room: Some(room), ..self }
    }

    /// The same on a platform with a bug.
    #[must_use]
    pub fn with_bug(self, bug: Bug) -> Scenario {
        Scenario { bug: Some(bug), ..self }
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// The first broken rule, if any.
    pub violation: Option<Violation>,
    /// Hash over every line of the trace.
    pub trace_hash: String,
    /// Lines of the trace.
    pub trace_lines: u64,
    /// How many items of each kind came up, omitted ones included.
    pub items: [u32; 3],
    /// What the run went through.
    pub figures: Figures,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_reads_back_from_its_text() {
        let text = "t3,t8-11,a0,b2-3,one-node,no-overtaking";
        let omitted: Omitted = text.parse().unwrap();
        assert_eq!(omitted.items.len(), 8);
        assert_eq!(omitted.to_string(), text);
        assert_eq!("".parse(), Ok(Omitted::default()));
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        for text in ["x3", "t", "t3-", "one-nodes"] {
            let refusal = text.parse::<Omitted>().unwrap_err();
            assert!(refusal.starts_with(text), "{refusal}");
        }
    }
}
