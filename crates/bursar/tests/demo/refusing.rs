//! Where a demo does not start: it says why and what to do, and ends with exit 1.

use std::net::TcpListener;

use crate::stage::{End, Stage};

#[track_caller]
fn refused(end: &End, words: &[&str]) {
    assert_eq!(end.code, Some(1), "{}", end.stderr);
    assert_eq!(end.stdout, "");
    for word in words {
        assert!(end.stderr.contains(word), "{word:?} in {}", end.stderr);
    }
}

#[test]
fn a_taken_port_is_named_and_leaves_no_operator_behind() {
    let stage = Stage::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    refused(&stage.refuse(&["--listen", &address]), &["cannot listen on", &address, "--listen"]);
    assert_eq!(stage.tool().json(&["operators", "list"])["operators"], serde_json::json!([]));
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let stage = Stage::new();
    let file = stage.folder().join("file");
    std::fs::write(&file, "").unwrap();
    let below = file.join("data").display().to_string();
    refused(&stage.refuse(&["--data", &below]), &[&below, "cannot be written", "--data"]);
}

#[test]
fn a_second_demo_in_one_folder_is_refused_and_the_first_plays_on() {
    let stage = Stage::new();
    let first = stage.start();
    let second = stage.refuse(&["--listen", "127.0.0.1:0"]);
    refused(&second, &["another demo already runs in", "Ctrl-C", "--data"]);
    assert_eq!(first.get("/api/status")["joinsPaused"], false);
    assert!(std::net::TcpStream::connect(first.address()).is_ok());
    assert_eq!(first.interrupt().code, Some(0));
}

#[test]
fn production_refuses_it_and_nothing_is_written() {
    for marker in ["BURSAR_ENV", "NODE_ENV"] {
        let stage = Stage::new().env(marker, "production");
        refused(&stage.refuse(&[]), &["production refuses", "BURSAR_ENV"]);
        assert!(!stage.data().exists());
    }
}

#[test]
fn numbers_out_of_range_are_refused_with_the_range() {
    for (option, range) in [("--speed", "1..=240"), ("--players", "1..=5000")] {
        let end = Stage::new().refuse(&[option, "0"]);
        assert_ne!(end.code, Some(0));
        assert!(end.stderr.contains(range), "{}", end.stderr);
    }
}
