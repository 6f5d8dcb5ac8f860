//! Prints the registry as a Markdown page (`bursar config docs`).

use std::fmt::Write;

use super::desks::{DeskName, Owner};
use super::registry::{self, Kind, Status, Variable};

const INTRODUCTION: &str = "\
# Settings

Every name that Bursar reads from its environment. A TOML file named by `BURSAR_CONFIG` may hold the same names as \
`NAME = \"value\"` lines; the environment overrides it, and command-line flags override both.

- A secret is also read from the file that `NAME_FILE` names; set one of the two.
- While `NAME_PREVIOUS` (or `NAME_PREVIOUS_FILE`) is set, the secret it replaces is accepted too; a URL has no predecessor. \
A file of a predecessor that is empty or not there means that there is none.
- The column `secret` says when a new value takes effect: `live` = at `bursar secrets reload` or SIGHUP, without a restart; \
`restart` = when the server starts; `command` = with the next command, since only the command line reads it; `yes` = nothing \
reads it yet.
- Flags take true, 1, yes, on, false, 0, no, off in any case.
- A blank value counts as unset, except for on/off switches, gates and `BURSAR_DESKS`.
- Names of a desk that is off are accepted and have no effect.
- An unknown name that begins with one of our prefixes stops the start.
";

/// The whole page: one table for the platform and one for each desk.
#[must_use]
pub fn markdown() -> String {
    let desks = DeskName::ALL.into_iter().map(Owner::Desk);
    let mut page = INTRODUCTION.to_owned();
    for owner in std::iter::once(Owner::Platform).chain(desks) {
        page.push_str(&section(owner));
    }
    page
}

fn section(owner: Owner) -> String {
    let mut text =
        format!("\n## {owner}\n\n| name | kind | default | secret | meaning |\n|---|---|---|---|---|\n");
    for variable in registry::all().filter(|variable| variable.desk == owner) {
        let default = variable.default.map_or_else(|| "unset".to_owned(), |value| format!("`{value}`"));
        let secret = if variable.is_secret() { variable.takes_effect().unwrap_or("yes") } else { "" };
        // Writing to a String cannot fail.
        _ = writeln!(
            text,
            "| `{}` | {} | {default} | {secret} | {} |",
            variable.name,
            variable.kind.label(),
            meaning(variable).replace('|', "\\|"),
        );
    }
    text
}

fn meaning(variable: &Variable) -> String {
    let mut text = variable.doc.to_owned();
    match variable.kind {
        Kind::Choice(words) => text.push_str(&format!(" One of {}.", words.join(", "))),
        Kind::Integer { min, max } | Kind::Millis { min, max } | Kind::Seconds { min, max } => {
            text.push_str(&format!(" From {min} to {max}."));
        }
        _ => {}
    }
    if let Some(canonical) = variable.alias_of {
        text.push_str(&format!(" Alias of `{canonical}`."));
    }
    match variable.status {
        Status::Used => {}
        Status::Later => text.push_str(" Accepted, not used yet."),
        Status::Ignored => text.push_str(" Accepted, has no effect."),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_has_one_row_in_its_owners_table() {
        let page = markdown();
        for variable in registry::all() {
            let rows = page.matches(&format!("\n| `{}` |", variable.name)).count();
            assert_eq!(rows, 1, "{}", variable.name);
        }
        let headings: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(headings, ["platform", "rounds", "faucet", "commitments", "trades", "arena"]);
    }

    #[test]
    fn a_row_says_name_kind_default_secrecy_and_meaning() {
        let page = markdown();
        for row in [
            "| `PANCHO_RL_ORACLE_IP_LIMIT` | integer | `100` |  | Requests that pass in one window of this bucket. From 1 to 10000000. |",
            "| `SETTLE_API_KEY` | secret | unset | live | Key of real settlement. Unset: that route answers 503. |",
            "| `SOLANA_RPC_URL` | URL | unset | restart | Solana node of every desk",
            "| `OPS_ALERT_WEBHOOK_URL` | URL | unset | command | Receives the report",
            "| `CRON_SECRET` | secret | unset | yes | Key of the scheduled calls.",
            "| `PANCHO_TREASURY_WALLET` | Solana address | unset |  | Where fees go when TREASURY_WALLET is unset. Alias of `TREASURY_WALLET`. |",
        ] {
            assert!(page.contains(row), "{row}");
        }
    }
}
