//! What a release is made of: one commit with nothing beside it, since the bill names that commit and somebody signs it.

use std::path::Path;
use std::process::Command;

use crate::error::ChoreError;
use crate::tools::output_of;

/// Where the program of a release comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This chore built it from the commit.
    Built,
    /// Somebody brought it along; a program does not say which commit it was built from.
    Given,
}

impl Origin {
    /// As the bill of materials says it.
    pub const fn words(self) -> &'static str {
        match self {
            Origin::Built => "built from this commit when the release was made",
            Origin::Given => {
                "given when the release was made; nothing shows that it was built from this commit"
            }
        }
    }
}

/// The commit that is checked out, when the files are exactly its own.
pub fn clean_commit(root: &Path) -> Result<String, ChoreError> {
    let git = |words: &[&str]| output_of(Command::new("git").current_dir(root).args(words));
    let changed = git(&["status", "--porcelain", "--untracked-files=normal"])?;
    if !changed.is_empty() {
        return Err(ChoreError::Unreleasable(format!(
            "these files are not as they were committed, so no commit says what the release would hold. Commit them or put \
             them away, and repeat:\n{}",
            changed.trim_end()
        )));
    }
    Ok(git(&["rev-parse", "HEAD"])?.trim().to_owned())
}

/// Refuses when it is not `commit` any more that lies there, such as after a long build.
pub fn must_still_be(root: &Path, commit: &str) -> Result<(), ChoreError> {
    let now = clean_commit(root)?;
    if now == commit {
        return Ok(());
    }
    Err(ChoreError::Unreleasable(format!(
        "the build began at commit {commit} and {now} is checked out now. Leave the files alone meanwhile, and repeat"
    )))
}
