//! Rules on manifests: lints and dependency versions are decided once, in the workspace.

use super::finding::Finding;

/// Each member inherits the workspace's lints, and the workspace asks for documentation.
pub const LINTS_RULE: &str = "workspace-lints";
/// Each dependency of a member takes its version from the workspace.
pub const DEPENDENCY_RULE: &str = "workspace-dependency";

/// What cargo-fuzz builds is instrumented and so a workspace of its own; all its code is in a member, `fuzz/targets`.
const FUZZ_MANIFEST: &str = "fuzz/Cargo.toml";

/// One `key = value` line of a manifest with the section it stands in.
pub struct Entry<'a> {
    /// Line number, from 1.
    pub line: usize,
    /// Such as `dependencies`.
    pub section: &'a str,
    /// What stands before the `=`.
    pub key: &'a str,
    /// What stands after it.
    pub value: &'a str,
}

/// Checks the workspace's manifest, or that of a member.
pub fn check(path: &str, text: &str) -> Vec<Finding> {
    let entries = entries(text);
    if path == "Cargo.toml" {
        return check_workspace(path, &entries);
    }
    if path == FUZZ_MANIFEST {
        return Vec::new();
    }
    let mut findings = check_member_lints(path, &entries);
    findings.extend(check_dependencies(path, &entries));
    findings
}

/// Every entry of a manifest.
pub fn entries(text: &str) -> Vec<Entry<'_>> {
    let mut section = "";
    let mut entries = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']);
        } else if let Some((key, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) {
            entries.push(Entry { line: index + 1, section, key: key.trim(), value: value.trim() });
        }
    }
    entries
}

fn check_workspace(path: &str, entries: &[Entry<'_>]) -> Vec<Finding> {
    let asks = entries.iter().any(|entry| {
        entry.section == "workspace.lints.rust"
            && entry.key == "missing_docs"
            && ["\"warn\"", "\"deny\"", "\"forbid\""].contains(&entry.value)
    });
    if asks {
        return Vec::new();
    }
    vec![Finding {
        path: path.to_owned(),
        line: 1,
        rule: LINTS_RULE,
        why: "no lint asks for documentation of public items".to_owned(),
        remedy: "Set `missing_docs = \"warn\"` under `[workspace.lints.rust]`",
    }]
}

fn check_member_lints(path: &str, entries: &[Entry<'_>]) -> Vec<Finding> {
    let inherits = entries
        .iter()
        .any(|entry| entry.section == "lints" && entry.key == "workspace" && entry.value == "true");
    if inherits {
        return Vec::new();
    }
    vec![Finding {
        path: path.to_owned(),
        line: 1,
        rule: LINTS_RULE,
        why: "the crate does not inherit the workspace's lints, so nothing denies what they deny".to_owned(),
        remedy: "Add `[lints]` with `workspace = true`",
    }]
}

fn check_dependencies(path: &str, entries: &[Entry<'_>]) -> Vec<Finding> {
    let own = entries.iter().filter(|entry| match place_of(entry.section) {
        Place::List => !inherits(entry.key, entry.value),
        Place::Table => matches!(entry.key, "version" | "path" | "git"),
        Place::Elsewhere => false,
    });
    let finding = |entry: &Entry<'_>| Finding {
        path: path.to_owned(),
        line: entry.line,
        rule: DEPENDENCY_RULE,
        why: format!("`{}` is decided here, so two crates could use two versions", entry.key),
        remedy: "Declare it under `[workspace.dependencies]` and write `.workspace = true` here",
    };
    own.map(finding).collect()
}

enum Place {
    /// `[dependencies]` and its kin.
    List,
    /// `[dependencies.name]`.
    Table,
    Elsewhere,
}

fn place_of(section: &str) -> Place {
    let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
    // Of `target.'cfg(unix)'.dependencies.name`, only what follows the target matters.
    let section = match section.strip_prefix("target.") {
        Some(target) => kinds
            .iter()
            .find_map(|kind| target.find(&format!(".{kind}")))
            .map_or("", |dot| target.get(dot + 1..).unwrap_or_default()),
        None => section,
    };
    if kinds.contains(&section) {
        Place::List
    } else if kinds.iter().any(|kind| section.strip_prefix(kind).is_some_and(|rest| rest.starts_with('.'))) {
        Place::Table
    } else {
        Place::Elsewhere
    }
}

fn inherits(key: &str, value: &str) -> bool {
    let compact: String = value.chars().filter(|mark| !mark.is_whitespace()).collect();
    (key.ends_with(".workspace") && compact.starts_with("true")) || compact.contains("workspace=true")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMBER: &str = "[dependencies]\nserde.workspace = true\nclap = { workspace = true, features = [\"x\"] }\n\
        [dependencies.tokio]\nworkspace = true\n[lints]\nworkspace = true\n";

    fn found(path: &str, text: &str) -> Vec<(usize, &'static str)> {
        check(path, text).iter().map(|finding| (finding.line, finding.rule)).collect()
    }

    #[test]
    fn a_member_that_leaves_all_to_the_workspace_is_fine() {
        assert_eq!(found("a/Cargo.toml", MEMBER), []);
    }

    #[test]
    fn a_member_without_the_lints_is_found() {
        let text = MEMBER.replace("[lints]\nworkspace = true", "");
        assert_eq!(found("a/Cargo.toml", &text), [(1, LINTS_RULE)]);
    }

    #[test]
    fn the_workspace_of_cargo_fuzz_alone_decides_for_itself() {
        let own = "[workspace]\n[dependencies]\nlibfuzzer-sys = \"0.4\"\n";
        assert_eq!(found("fuzz/Cargo.toml", own), []);
        assert_eq!(found("fuzz/targets/Cargo.toml", own), [(1, LINTS_RULE), (3, DEPENDENCY_RULE)]);
    }

    #[test]
    fn a_dependency_with_its_own_version_is_found_wherever_it_stands() {
        for own in [
            "[dev-dependencies]\nrand = \"0.9\"",
            "[build-dependencies]\ncc = { version = \"1\" }",
            "[target.'cfg(unix)'.dependencies]\nlibc = \"0.2\"",
            "[dependencies.rand]\nversion = \"0.9\"",
            "[dependencies]\nmoney = { path = \"../money\" }",
        ] {
            assert_eq!(found("a/Cargo.toml", &format!("{MEMBER}{own}\n")), [(9, DEPENDENCY_RULE)], "{own}");
        }
    }

    #[test]
    fn a_workspace_that_does_not_ask_for_documentation_is_found() {
        assert_eq!(found("Cargo.toml", "[workspace.lints.rust]\nmissing_docs = \"warn\"\n"), []);
        assert_eq!(
            found("Cargo.toml", "[workspace.lints.rust]\nmissing_docs = \"allow\"\n"),
            [(1, LINTS_RULE)]
        );
    }
}
