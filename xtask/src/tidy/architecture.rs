//! Rules on ARCHITECTURE.md: what its map and its table of invariants say of the code is so.

use std::collections::BTreeMap;

use super::TextFile;
use super::finding::Finding;
use super::manifest;

/// The map names every crate, and no crate depends on one above it.
pub const MAP_RULE: &str = "code-map";
/// Each invariant stands where it is kept, and where it is checked.
pub const INVARIANT_RULE: &str = "invariant-id";

const PAGE: &str = "ARCHITECTURE.md";
/// Where the program's own crates are.
const ROOMS: [&str; 3] = ["crates/", "chains/", "desks/"];

/// Checks the page against all tracked files. Without the page there is nothing to check.
pub fn check(files: &[TextFile]) -> Vec<Finding> {
    let Some(page) = files.iter().find(|file| file.path == PAGE) else { return Vec::new() };
    let mut findings = check_map(&page.text, files);
    findings.extend(check_invariants(&page.text, files));
    findings
}

/// A crate of the program with the names of those it depends on.
struct Member<'a> {
    manifest: &'a str,
    folder: &'a str,
    name: &'a str,
    needs: Vec<(usize, &'a str)>,
}

fn members(files: &[TextFile]) -> Vec<Member<'_>> {
    let of_rooms = files.iter().filter(|file| ROOMS.iter().any(|room| file.path.starts_with(room)));
    of_rooms.filter_map(|file| member(&file.path, &file.text)).collect()
}

fn member<'a>(manifest: &'a str, text: &'a str) -> Option<Member<'a>> {
    let folder = manifest.strip_suffix("/Cargo.toml")?;
    let entries = manifest::entries(text);
    let name = entries.iter().find(|entry| entry.section == "package" && entry.key == "name")?;
    let needs = entries.iter().filter(|entry| entry.section == "dependencies");
    let needs = needs.map(|entry| (entry.line, entry.key.split('.').next().unwrap_or_default()));
    Some(Member { manifest, folder, name: name.value.trim_matches('"'), needs: needs.collect() })
}

fn check_map(page: &str, files: &[TextFile]) -> Vec<Finding> {
    let map = section(page, "Code map").skip_while(|(_, line)| !line.starts_with("```")).skip(1);
    let map: Vec<&str> = map.map(|(_, line)| line).take_while(|line| !line.starts_with("```")).collect();
    let place_of = |folder: &str| map.iter().position(|line| line.split([' ', ',']).next() == Some(folder));
    // The program's own crates stand first, up to the first empty line.
    let own = map.iter().position(|line| line.is_empty()).unwrap_or(map.len());
    let members = members(files);
    let places: BTreeMap<&str, usize> =
        members.iter().filter_map(|member| Some((member.name, place_of(member.folder)?))).collect();
    let finding = |member: &Member<'_>, line, why, remedy| Finding {
        path: member.manifest.to_owned(),
        line,
        rule: MAP_RULE,
        why,
        remedy,
    };
    let mut findings = Vec::new();
    for member in &members {
        let Some(place) = places.get(member.name) else {
            let why = format!("the map of {PAGE} does not show `{}`", member.folder);
            findings.push(finding(member, 1, why, "Add its line above whatever it depends on"));
            continue;
        };
        for (line, need) in member.needs.iter().filter(|_| *place < own) {
            if places.get(need).is_some_and(|needed| needed < place) {
                let why = format!("`{need}` stands above `{}` in the map of {PAGE}", member.name);
                findings.push(finding(member, *line, why, "Turn the dependency round, or the two lines"));
            }
        }
    }
    findings
}

fn check_invariants(page: &str, files: &[TextFile]) -> Vec<Finding> {
    let rows = section(page, "Invariants").filter_map(|(number, line)| Some((number, id_of(line)?)));
    let is_code = |file: &&TextFile| file.rust.is_some();
    let in_rooms = |file: &&TextFile| ROOMS.iter().any(|room| file.path.starts_with(room));
    let is_kept = |id: &str| {
        files
            .iter()
            .filter(is_code)
            .filter(in_rooms)
            .any(|file| file.text.lines().any(|line| tells_of(line, id)))
    };
    let is_witness = |file: &&TextFile| {
        let names_all = ["sim/src/invariant.rs", "sim/src/broken.rs"].contains(&file.path.as_str());
        file.path.starts_with("sim/src/") && !names_all
    };
    let is_checked = |id: &str| {
        let name = variant(id);
        let demands = [format!("require!({name},"), format!("invariant:Invariant::{name}")];
        files.iter().filter(is_code).filter(is_witness).any(|file| {
            let text: String = file.text.split_whitespace().collect();
            demands.iter().any(|demand| text.contains(demand))
        })
    };
    let mut findings = Vec::new();
    for (line, id) in rows {
        let mut found = |why: String, remedy| {
            findings.push(Finding { path: PAGE.to_owned(), line, rule: INVARIANT_RULE, why, remedy });
        };
        if !is_kept(id) {
            found(format!("no comment says where {id} is kept"), "Name it in the docstring of what keeps it");
        }
        if !is_checked(id) {
            found(format!("the simulator does not check {id}"), "Give it a witness in `sim/`");
        }
    }
    findings
}

/// How the simulator calls a rule: `PAID-ONCE` is `PaidOnce`.
fn variant(id: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(word.len().min(1));
        format!("{first}{}", rest.to_lowercase())
    };
    id.split('-').map(word).collect()
}

/// The lines under a heading, with their numbers from 1.
fn section<'a>(page: &'a str, heading: &str) -> impl Iterator<Item = (usize, &'a str)> {
    let begins = move |line: &str| line.strip_prefix("## ") == Some(heading);
    let begin = page.lines().position(begins).map_or(usize::MAX, |index| index + 1);
    let lines = page.lines().enumerate().skip(begin).map(|(index, line)| (index + 1, line));
    lines.take_while(|(_, line)| !line.starts_with("## "))
}

/// The id of a row of the table: capitals and hyphens.
fn id_of(line: &str) -> Option<&str> {
    let id = line.strip_prefix("| ")?.split(" | ").next()?.trim();
    id.bytes().all(|letter| letter.is_ascii_uppercase() || letter == b'-').then_some(id)
}

/// Whether a line is a comment, or ends in one, that names `id` and not merely a longer one.
fn tells_of(line: &str, id: &str) -> bool {
    let Some((_, comment)) = line.split_once("//") else { return false };
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    comment.match_indices(id).any(|(start, _)| {
        let before = comment.get(..start).and_then(|text| text.chars().next_back());
        let after = comment.get(start + id.len()..).and_then(|text| text.chars().next());
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::super::rust_source::RustSource;
    use super::*;

    const PAGE_TEXT: &str = "# A\n\n## Code map\n\n```\ncrates/ledger  accounts\ncrates/money   amounts\n\n\
        crates/disk    faults\n```\n\n## Invariants\n\n| id | what |\n|---|---|\n| ONCE | one entry |\n\n## More\n";

    fn file(path: &str, text: &str) -> TextFile {
        let rust = path.ends_with(".rs").then(|| RustSource::read(text));
        TextFile { path: path.to_owned(), text: text.to_owned(), rust }
    }

    fn manifest_of(folder: &str, needs: &str) -> TextFile {
        let text = format!("[package]\nname = \"bursar-{folder}\"\n[dependencies]\n{needs}\n");
        file(&format!("crates/{folder}/Cargo.toml"), &text)
    }

    fn tree() -> Vec<TextFile> {
        vec![
            file(PAGE, PAGE_TEXT),
            manifest_of("ledger", "bursar-money.workspace = true"),
            manifest_of("money", ""),
            manifest_of("disk", "bursar-ledger.workspace = true"),
            file("crates/ledger/src/lib.rs", "//! Entries (invariant ONCE).\n"),
            file("sim/src/witness.rs", "//! Looks.\nfn look() { require!(\n    Once, true, \"\"); }\n"),
        ]
    }

    fn found(files: &[TextFile]) -> Vec<(String, usize, &'static str)> {
        check(files).into_iter().map(|finding| (finding.path, finding.line, finding.rule)).collect()
    }

    #[test]
    fn a_page_that_is_right_has_no_findings() {
        assert_eq!(found(&tree()), []);
        assert_eq!(found(&tree()[1..]), [], "without the page");
    }

    #[test]
    fn a_crate_that_depends_on_one_above_it_is_found() {
        let mut files = tree();
        files[2] = manifest_of("money", "bursar-ledger.workspace = true");
        assert_eq!(found(&files), [("crates/money/Cargo.toml".to_owned(), 4, MAP_RULE)]);
    }

    #[test]
    fn a_crate_that_the_map_lacks_is_found() {
        let mut files = tree();
        files.push(manifest_of("web", ""));
        assert_eq!(found(&files), [("crates/web/Cargo.toml".to_owned(), 1, MAP_RULE)]);
    }

    #[test]
    fn an_invariant_that_nobody_keeps_or_checks_is_found() {
        let finding = || (PAGE.to_owned(), 16, INVARIANT_RULE);
        for (place, text) in [
            (4, "//! Entries (invariant PAID-ONCE).\nconst ONCE: u8 = 1;\n"),
            (5, "//! Ids, ONCE among them.\n"),
        ] {
            let mut files = tree();
            files[place] = file(&files[place].path.clone(), text);
            assert_eq!(found(&files), [finding()], "{text}");
        }
    }
}
