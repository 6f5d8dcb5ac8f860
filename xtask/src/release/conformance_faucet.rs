//! A release of this commit: made, checked, and tampered with.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::sources::{Origin, clean_commit, must_still_be};
use super::{FILES, Options, PROGRAM, Verb, keys, run};
use crate::Verdict;
use crate::workspace::root;

/// Options that do nothing.
fn options() -> Options {
    Options { verb: None, new_key: None, key: None, binary: None, to: None }
}

/// A fresh key in `folder`; its file and that of its public half.
fn key(folder: &Path, name: &str) -> [PathBuf; 2] {
    let file = folder.join(name);
    let made = run(folder, &Options { new_key: Some(file.clone()), ..options() });
    assert_eq!(made.unwrap(), Verdict::Good);
    [file, folder.join(format!("{name}.pub"))]
}

/// The commit that is checked out here, without what somebody is at work on.
fn sources(folder: &Path) -> PathBuf {
    let clone = folder.join("sources");
    let mut git = Command::new("git");
    git.args(["clone", "--quiet"]).arg(root().unwrap()).arg(&clone);
    assert!(git.status().unwrap().success());
    clone
}

/// Options of a release with a program of a few bytes, signed with `key`.
fn wish(folder: &Path, key: &Path) -> Options {
    let program = folder.join("built");
    fs::write(&program, "a program").unwrap();
    let to = Some(folder.join("release/"));
    Options { key: Some(key.to_owned()), binary: Some(program), to, ..options() }
}

/// That release.
fn release(folder: &Path, key: &Path) -> PathBuf {
    let (sources, wish) = (sources(folder), wish(folder, key));
    assert_eq!(run(&sources, &wish).unwrap(), Verdict::Good);
    assert!(run(&sources, &wish).is_err(), "a release is never made over");
    folder.join("release")
}

fn verify(release: &Path, public_key: &Path) -> Verdict {
    let verb = Verb::Verify { folder: release.to_owned(), public_key: public_key.to_owned() };
    run(release, &Options { verb: Some(verb), ..options() }).unwrap()
}

#[test]
fn f25_a_release_comes_signed_with_its_bill_of_materials_and_every_altered_file_is_noticed() {
    let folder = TempDir::new().unwrap();
    let [private, public] = key(folder.path(), "release.key");
    assert_eq!(fs::metadata(&private).unwrap().permissions().mode() & 0o777, 0o600);
    let release = release(folder.path(), &private);
    assert_eq!(verify(&release, &public), Verdict::Good);
    assert_eq!(fs::read_to_string(release.join(PROGRAM)).unwrap(), "a program");
    for file in FILES.into_iter().chain(["SHA256SUMS", "SHA256SUMS.sig"]) {
        let whole = fs::read(release.join(file)).unwrap();
        let mut altered = whole.clone();
        altered[0] ^= 1;
        fs::write(release.join(file), altered).unwrap();
        assert_eq!(verify(&release, &public), Verdict::Bad, "{file}");
        fs::write(release.join(file), whole).unwrap();
        assert_eq!(verify(&release, &public), Verdict::Good, "{file}");
    }
    fs::write(release.join("more"), "").unwrap();
    assert_eq!(verify(&release, &public), Verdict::Bad, "a file that nobody signed");
    fs::remove_file(release.join("more")).unwrap();
    fs::remove_file(release.join(PROGRAM)).unwrap();
    assert_eq!(verify(&release, &public), Verdict::Bad, "a file that is gone");
}

#[test]
fn f25_a_release_is_of_one_commit_with_nothing_beside_it() {
    let folder = TempDir::new().unwrap();
    let [private, _] = key(folder.path(), "release.key");
    let (sources, wish) = (sources(folder.path()), wish(folder.path(), &private));
    let commit = clean_commit(&sources).unwrap();
    assert!(must_still_be(&sources, &commit).is_ok());
    assert!(must_still_be(&sources, &"0".repeat(40)).is_err(), "another commit lies there");
    let refused = || run(&sources, &wish).unwrap_err().to_string();
    let manifest = sources.join("Cargo.toml");
    let whole = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, format!("{whole}\n")).unwrap();
    assert!(refused().contains(" M Cargo.toml"), "a changed file");
    fs::write(&manifest, whole).unwrap();
    fs::write(sources.join("build.rs"), "").unwrap();
    assert!(refused().contains("?? build.rs"), "a file that nobody committed");
    fs::remove_file(sources.join("build.rs")).unwrap();
    let names = || -> Vec<String> {
        let entries = fs::read_dir(folder.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert!(!names().contains(&"release".to_owned()), "{:?}", names());
    // One that ends halfway leaves nothing that looks like a release.
    fs::remove_file(folder.path().join("built")).unwrap();
    assert!(run(&sources, &wish).is_err());
    assert!(names().iter().all(|name| name.starts_with("release.key") || name == "sources"), "{:?}", names());
}

#[test]
fn f25_a_release_that_somebody_else_signed_is_refused() {
    let folder = TempDir::new().unwrap();
    let ours = key(folder.path(), "ours");
    let theirs = key(folder.path(), "theirs");
    let release = release(folder.path(), &theirs[0]);
    assert_eq!(verify(&release, &theirs[1]), Verdict::Good);
    assert_eq!(verify(&release, &ours[1]), Verdict::Bad);
}

#[test]
fn f25_the_bill_names_every_crate_of_the_program_with_version_licence_and_checksum() {
    let folder = TempDir::new().unwrap();
    let [private, _] = key(folder.path(), "release.key");
    let release = release(folder.path(), &private);
    let bill: Value = serde_json::from_slice(&fs::read(release.join("bursar.cdx.json")).unwrap()).unwrap();
    assert_eq!(
        (&bill["bomFormat"], &bill["metadata"]["component"]["name"]),
        (&"CycloneDX".into(), &PROGRAM.into())
    );
    let said = &bill["metadata"]["component"]["properties"][1];
    assert_eq!((&said["name"], &said["value"]), (&"bursar:program".into(), &Origin::Given.words().into()));
    // SHA-256 of "a program".
    let digest = &bill["metadata"]["component"]["hashes"][0]["content"];
    assert_eq!(digest, "d69ea8cda2433733c1ce02de65da8f48e6a3dbba6bb18876a2062908e54ef7cb");
    let components = bill["components"].as_array().unwrap();
    let named = |name: &str| components.iter().filter(|one| one["name"] == name).collect::<Vec<_>>();
    let dalek = named("ed25519-dalek");
    assert_eq!((dalek.len(), &dalek[0]["licenses"][0]["expression"]), (1, &"BSD-3-Clause".into()));
    assert_eq!(dalek[0]["hashes"][0]["content"].as_str().unwrap().len(), 64);
    for ours in ["bursar-faucet", "bursar-ledger"] {
        assert_eq!(named(ours)[0]["licenses"][0]["expression"], "Apache-2.0");
    }
    assert!(named("proptest").is_empty() && named("xtask").is_empty(), "what only tests and chores use");
    let needs = bill["dependencies"].as_array().unwrap();
    assert_eq!(needs.len(), components.len() + 1);
}

/// RFC 8410, sections 10.1 and 10.3: both halves of one key.
#[test]
fn keys_that_other_tools_made_are_understood() {
    let private = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
                   -----END PRIVATE KEY-----\n";
    let public = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
                  -----END PUBLIC KEY-----\n";
    let pair = (keys::signing_key(private, "a").unwrap(), keys::verifying_key(public, "b").unwrap());
    assert_eq!(pair.0.verifying_key(), pair.1);
    assert!(keys::verifying_key(private, "a").is_err() && keys::signing_key("", "a").is_err());
}
