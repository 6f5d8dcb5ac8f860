//! What a campaign counted so far, kept in a file so that it can go on another day.

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use bursar_sim::Outcome;
use serde_json::{Map, Value, json};

/// Why a state file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It cannot be read or written.
    #[error("{path}: {source}; check the folder, or name another file with --state")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is not ours.
    #[error("{0} is no state of a campaign; remove it to begin anew")]
    Content(PathBuf),
}

/// Counts over all seeds of a campaign.
#[derive(Debug, Default)]
pub struct Totals {
    /// The seed to go on with.
    pub next_seed: u64,
    /// Seeds that were run.
    pub seeds: u64,
    /// Plain counts by name.
    pub counts: BTreeMap<String, u64>,
    /// What was reached, by area and what.
    pub reached: BTreeMap<(String, String), u64>,
    /// Seeds that broke a rule, with the rule.
    pub failures: Vec<(u64, String)>,
    /// Seeds of this sitting.
    pub run_here: u64,
    /// Simulated time of this sitting, ms.
    pub simulated_here_ms: u64,
}

impl Totals {
    /// The state in a file, or one that begins with seed `from` when there is none.
    pub fn read(path: &Path, from: u64) -> Result<Totals, StateError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Totals::from_seed(from)),
            Err(source) => return Err(StateError::File { path: path.to_owned(), source }),
        };
        let content = serde_json::from_str(&text).ok();
        content.as_ref().and_then(Totals::from_json).ok_or_else(|| StateError::Content(path.to_owned()))
    }

    /// Nothing counted yet, and seed `from` next.
    pub fn from_seed(from: u64) -> Totals {
        Totals { next_seed: from, ..Totals::default() }
    }

    /// Puts the state into a file, whole or not at all.
    pub fn write(&self, path: &Path) -> Result<(), StateError> {
        let fails = |source| StateError::File { path: path.to_owned(), source };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(fails)?;
        }
        let draft = path.with_extension("new");
        std::fs::write(&draft, format!("{:#}\n", self.to_json())).map_err(fails)?;
        std::fs::rename(&draft, path).map_err(fails)
    }

    /// Adds one seed's counts.
    pub fn add(&mut self, outcome: &Outcome) {
        let figures = &outcome.figures;
        self.seeds += 1;
        self.run_here += 1;
        self.simulated_here_ms += figures.simulated_ms;
        for (name, count) in [
            ("commands", figures.commands),
            ("batches", figures.batches),
            ("commits witnessed", figures.commits),
            ("steps in the middle of others", figures.interleaved),
            ("simulated ms", figures.simulated_ms),
        ] {
            *self.counts.entry(name.to_owned()).or_default() += count;
        }
        for ((area, what), times) in &figures.reached {
            *self.reached.entry(((*area).to_owned(), (*what).to_owned())).or_default() += times;
        }
        if let Some(violation) = &outcome.violation {
            self.failures.push((outcome.seed, violation.to_string()));
        }
    }

    fn to_json(&self) -> Value {
        let mut reached: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
        for ((area, what), times) in &self.reached {
            reached.entry(area).or_default().insert(what, *times);
        }
        json!({
            "next_seed": self.next_seed, "seeds": self.seeds, "counts": self.counts, "reached": reached,
            "failures": self.failures,
        })
    }

    fn from_json(value: &Value) -> Option<Totals> {
        let counted = |map: &Map<String, Value>| -> Option<BTreeMap<String, u64>> {
            map.iter().map(|(name, count)| Some((name.clone(), count.as_u64()?))).collect()
        };
        let mut reached = BTreeMap::new();
        for (area, whats) in value["reached"].as_object()? {
            let whats = counted(whats.as_object()?)?;
            reached.extend(whats.into_iter().map(|(what, times)| ((area.clone(), what), times)));
        }
        let failure = |pair: &Value| Some((pair[0].as_u64()?, pair[1].as_str()?.to_owned()));
        Some(Totals {
            next_seed: value["next_seed"].as_u64()?,
            seeds: value["seeds"].as_u64()?,
            counts: counted(value["counts"].as_object()?)?,
            reached,
            failures: value["failures"].as_array()?.iter().map(failure).collect::<Option<_>>()?,
            ..Totals::default()
        })
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>9}  seeds", self.seeds)?;
        self.counts.iter().try_for_each(|(name, count)| writeln!(f, "{count:>9}  {name}"))?;
        self.reached.iter().try_for_each(|((area, what), times)| writeln!(f, "{times:>9}  {area}: {what}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_reads_back_as_it_was_written() {
        let totals = Totals {
            next_seed: 7,
            seeds: 7,
            counts: BTreeMap::from([("commands".to_owned(), 12)]),
            reached: BTreeMap::from([(("fault".to_owned(), "disk: full".to_owned()), 3)]),
            failures: vec![(5, "ONCE broken".to_owned())],
            ..Totals::default()
        };
        let back = Totals::from_json(&totals.to_json()).unwrap();
        assert_eq!(format!("{back:?}"), format!("{totals:?}"));
        assert!(Totals::from_json(&json!({"next_seed": 1})).is_none());
    }
}
