//! Where the failpoints of crash tests are (`BURSAR_FAILPOINTS`).

use std::path::PathBuf;

use super::desks::Owner;
use super::mode::Mode;
use super::problem::Problem;
use super::values::Values;

const NAME: &str = "BURSAR_FAILPOINTS";

/// The folder, if one is named; a problem in production.
pub(super) fn choose(values: &Values, mode: Mode, problems: &mut Vec<Problem>) -> Option<PathBuf> {
    let folder = values.value(NAME).map(PathBuf::from)?;
    if mode == Mode::Production {
        problems.push(Problem::new(
            Owner::Platform,
            NAME,
            "lets whoever can write to a folder hold the server up, which production refuses",
            "remove it",
        ));
        return None;
    }
    Some(folder)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{accepted, refused_names};
    use super::*;

    #[test]
    fn failpoints_are_for_tests_and_refused_in_production() {
        assert_eq!(accepted(&[]).failpoints, None);
        assert_eq!(accepted(&[("BURSAR_FAILPOINTS", "/tmp/f")]).failpoints, Some(PathBuf::from("/tmp/f")));
        let production =
            [("BURSAR_ENV", "production"), ("BURSAR_DESKS", "rounds"), ("BURSAR_FAILPOINTS", "/tmp/f")];
        assert!(refused_names(&production).contains(&NAME.to_owned()));
    }
}
