//! Every target on its corpus, and on mutations of it and bytes at random: as many each time, never for a time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::path::{Path, PathBuf};

use bursar_fuzz_targets::{TARGETS, Target};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};

/// Inputs of each kind that a target is tried on in one run.
const INPUTS: u32 = 512;
/// Longest input at random, in bytes.
const LENGTH_MAX: usize = 600;

/// One change to an input; places are taken modulo its length.
#[derive(Clone, Debug)]
enum Change {
    Set { at: Index, byte: u8 },
    Flip { at: Index, bit: u8 },
    Insert { at: Index, bytes: Vec<u8> },
    Remove { at: Index, count: usize },
    Repeat { at: Index, count: usize },
    Cut { at: Index },
}

/// Bytes that parsers care about.
const TOKENS: [&[u8]; 22] = [
    b"0",
    b"-1",
    b"9",
    b"18446744073709551616",
    b"340282366920938463463374607431768211456",
    b"1e9",
    b"1e400",
    b"0.",
    b"null",
    b"\"",
    b"\\u0000",
    b"\\ud800",
    b"{\"a\":1,\"a\":2}",
    b"[[[[",
    b"%00",
    b"%ff",
    b"\r\n",
    b"\0",
    b"\xff",
    b"\xc3\xa9",
    b", ",
    b"::1",
];

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let at = any::<Index>;
    let token = prop::sample::select(TOKENS.to_vec()).prop_map(<[u8]>::to_vec);
    let change = prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, byte)| Change::Set { at, byte }),
        (at(), 0_u8..8).prop_map(|(at, bit)| Change::Flip { at, bit }),
        (at(), token).prop_map(|(at, bytes)| Change::Insert { at, bytes }),
        (at(), 1_usize..20).prop_map(|(at, count)| Change::Remove { at, count }),
        (at(), 1_usize..40).prop_map(|(at, count)| Change::Repeat { at, count }),
        at().prop_map(|at| Change::Cut { at }),
    ];
    prop::collection::vec(change, 1..5)
}

fn changed(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        let length = bytes.len();
        match change {
            Change::Set { at, byte } if length > 0 => bytes[at.index(length)] = *byte,
            Change::Flip { at, bit } if length > 0 => bytes[at.index(length)] ^= 1 << bit,
            Change::Insert { at, bytes: new } => {
                let place = at.index(length + 1);
                bytes.splice(place..place, new.iter().copied());
            }
            Change::Remove { at, count } => {
                let place = at.index(length + 1);
                bytes.drain(place..length.min(place + count));
            }
            Change::Repeat { at, count } => {
                let place = at.index(length + 1);
                let piece = bytes[place..length.min(place + count)].to_vec();
                bytes.splice(place..place, piece);
            }
            Change::Cut { at } => bytes.truncate(at.index(length + 1)),
            Change::Set { .. } | Change::Flip { .. } => {}
        }
    }
    bytes
}

fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus").join(target.name);
    let listed = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = listed.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

fn try_on(target: &Target) {
    let seeds = corpus(target);
    assert!(!seeds.is_empty(), "{} has no corpus", target.name);
    seeds.iter().for_each(|seed| (target.run)(seed));
    let config = Config { cases: INPUTS, failure_persistence: None, ..Config::default() };
    let bytes = prop::collection::vec(any::<u8>(), 0..LENGTH_MAX);
    let at_random = TestRunner::new(config.clone()).run(&bytes, |bytes| {
        (target.run)(&bytes);
        Ok(())
    });
    at_random.unwrap();
    let mutated =
        (prop::sample::select(seeds), changes()).prop_map(|(seed, changes)| changed(seed, &changes));
    let mutations = TestRunner::new(config).run(&mutated, |bytes| {
        (target.run)(&bytes);
        Ok(())
    });
    mutations.unwrap_or_else(|failure| panic!("{}: {failure}", target.name));
}

macro_rules! tests {
    ($($name:ident),+) => {
        $(
            #[test]
            fn $name() {
                try_on(TARGETS.iter().find(|target| target.name == stringify!($name)).expect("a target"));
            }
        )+

        #[test]
        fn every_target_has_a_test_and_a_binary_for_cargo_fuzz() {
            let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(names, [$(stringify!($name)),+]);
            let manifest = include_str!("../../Cargo.toml");
            let binaries: Vec<&str> = manifest.split("[[bin]]\nname = \"").skip(1).collect();
            let binaries: Vec<&str> = binaries.iter().filter_map(|bin| bin.split('"').next()).collect();
            assert_eq!(binaries, names);
        }
    };
}

tests!(
    amounts,
    audit_anchor,
    backup_manifest,
    backup_part,
    backup_rows,
    banano_answer,
    banano_block,
    client_address,
    config_file,
    config_value,
    control_file,
    cookies,
    credentials,
    faucet_links,
    faucet_retry_after,
    faucet_statistics,
    faucet_tokens,
    faucet_visitor,
    http_request,
    join_body,
    journal_line,
    key_sources,
    names,
    oracle_reply,
    remote_signer,
    sealed_key,
    strict_json
);

#[test]
fn a_target_that_breaks_its_rule_fails_on_a_mutation_of_its_corpus() {
    let broken = Target { name: "amounts", run: |bytes| assert!(!bytes.contains(&0xff), "{bytes:?}") };
    assert!(std::panic::catch_unwind(|| try_on(&broken)).is_err());
}
