//! The program itself: exits and streams (docs/spec/rounds.md section 6).

use crate::bare::program;

/// Exit, stdout and stderr of the program in an empty folder, with no environment.
fn ran(arguments: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let output = program(arguments).current_dir(&folder).output().unwrap();
    let left = std::fs::read_dir(&folder).unwrap().count();
    assert_eq!(left, 0, "{arguments:?} left files behind");
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_yes_is_exit_0_with_json_on_stdout_and_nothing_on_stderr() {
    let (exit, stdout, stderr) = ran(&["config", "check", "--env", "dev"]);
    assert_eq!((exit, stderr.as_str()), (0, ""));
    assert_eq!(serde_json::from_str::<serde_json::Value>(&stdout).unwrap()["ok"], true);
    assert!(stdout.ends_with("}\n"));
}

#[test]
fn a_no_is_exit_1_with_json_on_stdout_and_words_on_stderr() {
    let (exit, stdout, stderr) = ran(&["check-config"]);
    assert_eq!(exit, 1);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&stdout).unwrap()["ok"], false);
    assert!(stderr.starts_with("Production readiness checks failed:\n- platform: DATABASE_URL"), "{stderr}");
}

#[test]
fn a_usage_error_is_exit_1_and_says_what_would_do() {
    let (exit, stdout, stderr) = ran(&["ops:pause:everything"]);
    assert_eq!((exit, stdout.as_str()), (1, ""));
    assert!(stderr.contains("joins, sim-settlement, settle-api, all"), "{stderr}");
}

#[test]
fn help_is_exit_0_and_names_the_verbs() {
    let (exit, stdout, _) = ran(&["--help"]);
    assert_eq!(exit, 0);
    for verb in ["serve", "migrate", "config", "ops", "settings", "operators", "ledger", "audit", "replay"] {
        assert!(stdout.contains(&format!("\n  {verb} ")), "{verb}");
    }
}

#[test]
fn a_document_is_printed_bare() {
    let (exit, stdout, _) = ran(&["config", "docs"]);
    assert_eq!(exit, 0);
    assert!(stdout.starts_with("# Settings\n"));
}
