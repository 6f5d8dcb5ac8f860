//! What the program says about itself is what the repository holds.

use std::path::Path;

use crate::bare::program;

fn said(arguments: &[&str]) -> String {
    let output = program(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn committed(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

#[test]
fn the_openapi_file_is_what_the_server_describes() {
    let described = said(&["openapi"]);
    let is_same = described.trim_end() == committed("docs/openapi.json").trim_end();
    assert!(is_same, "docs/openapi.json differs from what the server describes: run `cargo xtask openapi`");
}

#[test]
fn each_error_code_has_its_page_and_no_page_is_left_of_one_that_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    said(&["errors", "--folder", folder.path().to_str().unwrap()]);
    let names = |folder: &Path| {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let pages = names(folder.path());
    assert_eq!(names(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors")), pages);
    for page in pages {
        let fresh = std::fs::read_to_string(folder.path().join(&page)).unwrap();
        assert!(
            committed(&format!("docs/errors/{page}")) == fresh,
            "docs/errors/{page}: run `bursar errors`"
        );
    }
}
