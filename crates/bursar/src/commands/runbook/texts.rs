//! The texts of the procedures that this program was built with.

/// Launching the rounds desk, watching it, stopping it and bringing it back.
pub(super) const ROUNDS: &str = include_str!("../../../../../runbooks/rounds.md");

/// Deploying the faucet and running it from day to day.
pub(super) const FAUCET: &str = include_str!("../../../../../runbooks/faucet.md");

/// The faucet's keys, incidents and restores.
pub(super) const FAUCET_SAFETY: &str = include_str!("../../../../../runbooks/faucet-safety.md");

macro_rules! alerts {
    ($($name:literal),+ $(,)?) => {
        /// What to do when an alert comes: one text for each runbook that alerts name.
        pub(super) const ALERTS: &[(&str, &str)] = &[
            $(($name, include_str!(concat!("../../../../../runbooks/alerts/", $name, ".md")))),+
        ];
    };
}

alerts![
    "backup-late",
    "faucet-dry-run",
    "faucet-flags",
    "faucet-lag",
    "faucet-payouts-failing",
    "faucet-reconcile",
    "faucet-slow",
    "faucet-wallet",
    "incident-overdue",
    "internal-errors",
    "keeper-missed",
    "latency-high",
    "payout-held",
    "payout-stuck",
    "payout-wallet-halted",
    "price-feed-failing",
    "server-gone",
    "settlement-late",
    "treasury-mismatch",
];

/// Every text with its desk, the desks' own first; what an alert asks for is written down under the platform's first desk
/// unless its name says another.
pub(super) fn all_texts() -> impl Iterator<Item = (&'static str, &'static str)> {
    let of_alert =
        |name: &str| if name.starts_with("faucet-") { bursar_faucet::DESK } else { bursar_rounds::DESK };
    let alerts = ALERTS.iter().map(move |(name, text)| (of_alert(name), *text));
    let faucet = [FAUCET, FAUCET_SAFETY].map(|text| (bursar_faucet::DESK, text));
    [(bursar_rounds::DESK, ROUNDS)].into_iter().chain(faucet).chain(alerts)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::super::markdown::procedures;
    use super::*;

    #[test]
    fn every_page_of_the_folder_is_built_in_and_no_other() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../runbooks/alerts");
        let pages =
            std::fs::read_dir(folder).unwrap().map(|page| page.unwrap().file_name().into_string().unwrap());
        let built_in = ALERTS.iter().map(|(name, _)| format!("{name}.md"));
        assert_eq!(pages.collect::<BTreeSet<_>>(), built_in.collect());
    }

    #[test]
    fn a_page_is_one_procedure_of_its_name_that_says_what_it_means_what_to_look_at_and_when_to_call_somebody()
    {
        for (name, text) in ALERTS {
            assert!(text.starts_with(&format!("# Alert: {name}\n")), "{name}");
            let read = procedures("rounds", text).unwrap();
            let [page] = &read[..] else { panic!("{name} has {} procedures", read.len()) };
            assert_eq!(page.name, *name);
            assert!(page.text.len() > 100, "{name} does not say what it means");
            let (first, last) = (page.steps.first().unwrap(), page.steps.last().unwrap());
            assert!(
                !first.commands.is_empty() && !first.changes_state,
                "{name} has nothing to look at first"
            );
            assert_eq!(last.title, "When to call somebody", "{name}");
        }
    }
}
