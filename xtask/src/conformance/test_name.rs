//! Tells from a test's name which row it proves.

use super::spec_rows::Desk;

/// What a test's name claims to prove.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// A row, by its lower-case id: `r26a`.
    Row(Desk, String),
    /// A worked example, by its lower-case id: `c13`. What is named like an example and has no id is one that no page
    /// knows.
    Example(Desk, String),
}

impl Claim {
    /// The desk whose row or example it is.
    pub const fn desk(&self) -> Desk {
        match self {
            Self::Row(desk, _) | Self::Example(desk, _) => *desk,
        }
    }
}

const BINARY_PREFIX: &str = "conformance_";

/// The claim of a test, such as `bursar::conformance_rounds` with `pauses::r31_a_pause_binds_the_next_join`.
///
/// The desk comes from a binary or module called `conformance_<desk>`; the id from the first path segment that
/// begins with one. Anything else makes no claim.
pub fn claim_of(binary: &str, test: &str) -> Option<Claim> {
    let desk = binary.split("::").chain(test.split("::")).find_map(desk_of)?;
    test.split("::").find_map(|segment| claim_of_segment(desk, segment))
}

fn desk_of(segment: &str) -> Option<Desk> {
    Desk::parse(segment.strip_prefix(BINARY_PREFIX)?).ok()
}

fn claim_of_segment(desk: Desk, segment: &str) -> Option<Claim> {
    if let Some(rest) = segment.strip_prefix("example_") {
        let id = leading_id(rest).or_else(|| leading_number(rest))?;
        return Some(Claim::Example(desk, id.to_owned()));
    }
    if segment.starts_with("worked_example_") {
        return Some(Claim::Example(desk, segment.to_owned()));
    }
    leading_id(segment)
        .filter(|id| id.starts_with(['r', 'f', 'c', 't', 'a']))
        .map(|id| Claim::Row(desk, id.to_owned()))
}

/// One letter, digits, perhaps a, b or c, then an underscore (left out).
fn leading_id(text: &str) -> Option<&str> {
    let (id, _) = text.split_once('_')?;
    let rest = id.strip_prefix(|letter: char| letter.is_ascii_lowercase())?;
    let number = rest.strip_suffix(['a', 'b', 'c']).unwrap_or(rest);
    let is_number = !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit());
    is_number.then_some(id)
}

/// Digits alone, then an underscore (left out): an id without its letter.
fn leading_number(text: &str) -> Option<&str> {
    let (number, _) = text.split_once('_')?;
    (!number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str) -> Option<Claim> {
        Some(Claim::Row(Desk::Rounds, id.to_owned()))
    }

    #[test]
    fn the_id_is_the_beginning_of_a_path_segment() {
        let binary = "bursar::conformance_rounds";
        assert_eq!(claim_of(binary, "r31_a_pause_binds_the_next_join"), row("r31"));
        assert_eq!(claim_of(binary, "alerts::r26a_errors_arrive"), row("r26a"));
        assert_eq!(claim_of(binary, "r34_reads_stay_up::on_sqlite"), row("r34"));
    }

    #[test]
    fn the_desk_comes_from_the_binary_or_a_module() {
        let expected = Some(Claim::Row(Desk::Commitments, "c13".to_owned()));
        assert_eq!(claim_of("bursar::conformance_commitments", "c13_privy_signs"), expected);
        assert_eq!(claim_of("bursar::all", "conformance_commitments::c13_privy_signs"), expected);
        assert_eq!(claim_of("bursar-rounds", "r31_a_unit_test"), None);
    }

    #[test]
    fn an_example_is_no_row() {
        let claim = claim_of("bursar::conformance_rounds", "example_c13_the_window");
        assert_eq!(claim, Some(Claim::Example(Desk::Rounds, "c13".to_owned())));
    }

    #[test]
    fn a_misnamed_example_claims_what_no_page_has() {
        for (name, id) in
            [("example_14_an_answer", "14"), ("worked_example_14_an_answer", "worked_example_14_an_answer")]
        {
            let claim = Some(Claim::Example(Desk::Rounds, id.to_owned()));
            assert_eq!(claim_of("bursar::conformance_rounds", name), claim);
        }
    }

    #[test]
    fn other_names_claim_nothing() {
        for name in ["rounds_work", "r_31", "r31", "r3x_y", "x31_y", "reads_r31_late", "example_of_use"] {
            assert_eq!(claim_of("bursar::conformance_rounds", name), None, "{name}");
        }
    }
}
