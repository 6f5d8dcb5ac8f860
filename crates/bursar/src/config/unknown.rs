//! Names that look like ours and are not: an unread setting is a mistake, so it stops the start (V1).

use super::problem::{Problem, Warning};
use super::registry;
use super::source::{Layer, Merged};

/// Unknown names with one of our prefixes are problems; other unknown names in the config file are worth a
/// warning.
pub(super) fn find(merged: &Merged, problems: &mut Vec<Problem>, warnings: &mut Vec<Warning>) {
    for (name, (_, layer)) in &merged.texts {
        if registry::lookup(name).is_some() {
            continue;
        }
        let hint = suggestion(name).map(|known| format!("did you mean {known}?"));
        if let Some(owner) = registry::prefix_owner(name) {
            let fix = hint.unwrap_or_else(|| "remove it; `bursar config docs` lists the names".to_owned());
            problems.push(Problem::new(owner, name, "is not a name that Bursar knows", fix));
        } else if *layer == Layer::File {
            let text =
                format!("stands in the config file and is read by nothing; {}", hint.unwrap_or_default());
            let text = text.trim_end_matches([' ', ';']);
            warnings.push(Warning::new(super::desks::Owner::Platform, name, text));
        }
    }
}

/// The known name nearest to `name`, if one is near enough to be what was meant.
fn suggestion(name: &str) -> Option<String> {
    let allowed = (name.len() / 5).clamp(1, 4);
    let nearest = candidates()
        .filter(|known| known.len().abs_diff(name.len()) <= allowed)
        .map(|known| (distance(name, &known), known))
        .filter(|(steps, _)| *steps <= allowed)
        .min();
    let without_prefix = || {
        let (prefix, _) = registry::PREFIXES.iter().find(|(prefix, _)| name.starts_with(prefix))?;
        let rest = name.strip_prefix(prefix)?;
        registry::lookup(rest).map(|_| rest.to_owned())
    };
    nearest.map(|(_, known)| known).or_else(without_prefix)
}

fn candidates() -> impl Iterator<Item = String> {
    registry::all().flat_map(|variable| {
        let endings: &[&str] = match (variable.is_secret(), variable.has_previous()) {
            (false, _) => &[""],
            (true, false) => &["", "_FILE"],
            (true, true) => &["", "_FILE", "_PREVIOUS", "_PREVIOUS_FILE"],
        };
        endings.iter().map(|ending| format!("{}{ending}", variable.name))
    })
}

/// Steps from one text to the other: insert, delete, replace, or swap two neighbours.
fn distance(left: &str, right: &str) -> usize {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let mut steps = (last[j] + usize::from(a != b)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                steps = steps.min(before_last[j - 1] + 1);
            }
            row.push(steps);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_suggests_the_nearest_one() {
        for (wrong, right) in [
            ("PANCHO_PAUSE_JOIN", "PANCHO_PAUSE_JOINS"),
            ("PANCHO_RL_ORCALE_IP_LIMIT", "PANCHO_RL_ORACLE_IP_LIMIT"),
            ("BURSAR_DESK", "BURSAR_DESKS"),
            ("P2S_DRYRUN", "P2S_DRY_RUN"),
            ("FAUCET_SEAL_KEY_PREVIOS", "FAUCET_SEAL_KEY_PREVIOUS"),
            ("TRADES_WEBHOOK_SECRET_FIEL", "TRADES_WEBHOOK_SECRET_FILE"),
            ("PANCHO_OPS_API_KEY", "OPS_API_KEY"),
        ] {
            assert_eq!(suggestion(wrong).as_deref(), Some(right), "{wrong}");
        }
        assert_eq!(suggestion("BURSAR_SOMETHING_ELSE_ENTIRELY"), None);
    }

    #[test]
    fn steps_count_insertions_deletions_replacements_and_swaps() {
        for (left, right, steps) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("abc", "acb", 1),
            ("abc", "ab", 1),
            ("abc", "xbcd", 2),
            ("", "ab", 2),
        ] {
            assert_eq!(distance(left, right), steps, "{left} {right}");
        }
    }
}
