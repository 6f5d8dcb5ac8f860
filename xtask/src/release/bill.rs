//! The bill of materials of the program: every crate in it, with version, licence and checksum, as `CycloneDX` 1.6.
//!
//! It holds neither a time nor a serial number, so the same program of the same commit gives the same text.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use super::PROGRAM;
use super::sources::Origin;
use crate::error::ChoreError;
use crate::tools::output_of;
use crate::workspace::cargo;

/// A crate of the program.
#[derive(Debug, Default, PartialEq, Eq)]
struct Part {
    name: String,
    version: String,
    licence: String,
    /// What it needs, by reference.
    needs: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

/// The bill of the program of this commit whose SHA-256 is `digest`.
pub fn of_program(root: &Path, commit: &str, origin: Origin, digest: &str) -> Result<String, ChoreError> {
    let version = output_of(std::process::Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
    // What a build of the program alone compiles; the metadata of the workspace also names what only tests use.
    let listing = ["--prefix", "depth", "--format", "{p}\t{l}", "--target", host, "--edges", "normal"];
    let mut tree = cargo(root);
    tree.args(["tree", "--locked", "--offline", "--package", PROGRAM]).args(listing);
    let parts = parts(&output_of(&mut tree)?).ok_or_else(|| unread("cargo tree", &"a line is no package"))?;
    let lock: Lock = toml::from_str(&super::read(&root.join("Cargo.lock"))?)
        .map_err(|error| unread("Cargo.lock", &error))?;
    let bill = bill(&parts, &lock, (commit, origin), digest)
        .ok_or_else(|| unread("cargo tree", &"no package is the program"))?;
    let text = serde_json::to_string_pretty(&bill).map_err(|error| unread("the bill", &error))?;
    Ok(format!("{text}\n"))
}

fn unread(what: &str, why: &dyn std::fmt::Display) -> ChoreError {
    ChoreError::Answer { program: what.to_owned(), reason: why.to_string() }
}

/// The crates that a tree of cargo's names, by reference: its lines begin with their depth. `None` = it is no such tree.
fn parts(tree: &str) -> Option<BTreeMap<String, Part>> {
    let mut parts: BTreeMap<String, Part> = BTreeMap::new();
    let mut above: Vec<String> = Vec::new();
    for line in tree.lines() {
        let digits = line.find(|mark: char| !mark.is_ascii_digit())?;
        let (depth, rest) = line.split_at_checked(digits)?;
        let (package, licence) = rest.split_once('\t')?;
        let (name, version) = package.split_once(" v")?;
        let version = version.split(' ').next()?;
        let reference = reference(name, version);
        above.truncate(depth.parse().ok()?);
        if let Some(needing) = above.last().and_then(|above| parts.get_mut(above)) {
            needing.needs.insert(reference.clone());
        }
        // What was shown before ends in this, without what it needs.
        let licence = licence.trim_end_matches(" (*)");
        let part = parts.entry(reference.clone()).or_default();
        (part.name, part.version, part.licence) = (name.to_owned(), version.to_owned(), licence.to_owned());
        above.push(reference);
    }
    Some(parts)
}

fn bill(
    parts: &BTreeMap<String, Part>,
    lock: &Lock,
    (commit, origin): (&str, Origin),
    digest: &str,
) -> Option<Value> {
    let checksums: BTreeMap<(&str, &str), &str> = lock
        .package
        .iter()
        .filter_map(|locked| {
            Some(((locked.name.as_str(), locked.version.as_str()), locked.checksum.as_deref()?))
        })
        .collect();
    let (of_program, root) = parts.iter().find(|(_, part)| part.name == PROGRAM)?;
    let others = parts.iter().filter(|(reference, _)| *reference != of_program);
    let components = others.map(|(_, part)| {
        component(part, "library", checksums.get(&(part.name.as_str(), part.version.as_str())).copied())
    });
    let edges = parts.iter().map(|(reference, part)| json!({"ref": reference, "dependsOn": part.needs}));
    let mut program = component(root, "application", Some(digest));
    program["properties"] = json!([
        {"name": "bursar:commit", "value": commit}, {"name": "bursar:program", "value": origin.words()},
    ]);
    Some(json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "metadata": {"component": program},
        "components": components.collect::<Vec<_>>(), "dependencies": edges.collect::<Vec<_>>(),
    }))
}

/// The package's own name among all packages of the world.
fn reference(name: &str, version: &str) -> String {
    format!("pkg:cargo/{name}@{version}")
}

fn component(part: &Part, kind: &str, digest: Option<&str>) -> Value {
    let reference = reference(&part.name, &part.version);
    let mut component = json!({
        "type": kind, "bom-ref": reference, "purl": reference, "name": part.name, "version": part.version,
    });
    if !part.licence.is_empty() {
        // Older manifests write a slash for OR.
        component["licenses"] = json!([{"expression": part.licence.replace('/', " OR ")}]);
    }
    if let Some(digest) = digest {
        component["hashes"] = json!([{"alg": "SHA-256", "content": digest}]);
    }
    component
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_read_with_what_each_crate_needs_though_it_is_shown_once() {
        let tree = "0bursar v0.1.0 (/a/bursar)\tApache-2.0\n1one v1.0.0\tMIT\n2two v2.0.0 (proc-macro)\tMIT/Apache-2.0\n\
                    1two v2.0.0 (proc-macro)\tMIT/Apache-2.0 (*)\n";
        let parts = parts(tree).unwrap();
        let needs = |name: &str| parts[name].needs.iter().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(needs("pkg:cargo/bursar@0.1.0"), ["pkg:cargo/one@1.0.0", "pkg:cargo/two@2.0.0"]);
        assert_eq!(needs("pkg:cargo/one@1.0.0"), ["pkg:cargo/two@2.0.0"]);
        assert_eq!(parts["pkg:cargo/two@2.0.0"].licence, "MIT/Apache-2.0");
        assert_eq!(super::parts("no tree"), None);
    }
}
