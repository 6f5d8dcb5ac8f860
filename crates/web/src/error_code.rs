//! The registry of stable error codes and the page that explains each one.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::http::StatusCode;

use crate::platform_codes::PLATFORM_CODES;

/// One stable code that a caller may see in an error body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorCode {
    /// Snake-case name; never changes once published.
    pub code: &'static str,
    /// Status the code is usually sent with. An envelope may change it (422 in the `Detail` envelope).
    pub status: StatusCode,
    /// What happened, in one sentence. Also the message when nothing more specific is known.
    pub summary: &'static str,
    /// Why it happens.
    pub cause: &'static str,
    /// What the caller or the operator can do next.
    pub remedy: &'static str,
}

/// Why a desk's codes cannot be registered.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ErrorCodeConflict {
    /// The same owner lists the code twice.
    #[error("error code `{code}` is registered twice by `{owner}`; remove one of the two entries")]
    Twice {
        /// The code.
        code: &'static str,
        /// Who registers it: a desk's name or `platform`.
        owner: &'static str,
    },
    /// The platform already explains this code.
    #[error("error code `{code}` of `{owner}` is a platform code; use the platform's entry or another name")]
    TakenByPlatform {
        /// The code.
        code: &'static str,
        /// The desk.
        owner: &'static str,
    },
    /// The name is not lower-case snake case.
    #[error("error code `{code}` of `{owner}` is not snake_case; use a-z, 0-9 and `_`")]
    NotSnakeCase {
        /// The code.
        code: &'static str,
        /// Who registers it.
        owner: &'static str,
    },
}

/// All codes this server can send, by name, then by owner.
#[derive(Debug, Clone)]
pub struct ErrorRegistry {
    codes: BTreeMap<&'static str, BTreeMap<&'static str, ErrorCode>>,
}

impl Default for ErrorRegistry {
    fn default() -> Self {
        Self::new()
    }
}

impl ErrorRegistry {
    /// A registry that holds the platform's own codes.
    pub fn new() -> Self {
        let codes = PLATFORM_CODES.iter().map(|entry| (entry.code, BTreeMap::from([("platform", **entry)])));
        Self { codes: codes.collect() }
    }

    /// Adds a desk's codes. Two desks may use one code, each with its own explanation.
    ///
    /// # Errors
    /// [`ErrorCodeConflict`] when a name is malformed, repeated, or belongs to the platform.
    pub fn register(
        &mut self,
        owner: &'static str,
        entries: &'static [ErrorCode],
    ) -> Result<(), ErrorCodeConflict> {
        for entry in entries {
            let code = entry.code;
            if !is_snake_case(code) {
                return Err(ErrorCodeConflict::NotSnakeCase { code, owner });
            }
            let owners = self.codes.entry(code).or_default();
            if owners.contains_key("platform") {
                return Err(ErrorCodeConflict::TakenByPlatform { code, owner });
            }
            if owners.insert(owner, *entry).is_some() {
                return Err(ErrorCodeConflict::Twice { code, owner });
            }
        }
        Ok(())
    }

    /// The entries of one code with their owners; empty when nobody registered it.
    pub fn entries(&self, code: &str) -> impl Iterator<Item = (&'static str, &ErrorCode)> {
        self.codes.get(code).into_iter().flatten().map(|(owner, entry)| (*owner, entry))
    }

    /// Every registered code, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.codes.keys().copied()
    }

    /// The Markdown page of one code, one part per owner; `None` for an unknown code.
    pub fn page(&self, code: &str) -> Option<String> {
        let mut entries = self.entries(code).peekable();
        let (_, first) = entries.next()?;
        if entries.peek().is_none() {
            return Some(error_page(first));
        }
        let mut page = format!("# `{}`\n", first.code);
        for (owner, entry) in self.entries(code) {
            let _ = write!(page, "\n## {owner}\n\n{}", explanation(entry));
        }
        Some(page)
    }
}

/// The Markdown page that explains one code.
pub fn error_page(entry: &ErrorCode) -> String {
    format!("# `{}`\n\n{}", entry.code, explanation(entry))
}

fn explanation(entry: &ErrorCode) -> String {
    format!(
        "{}\n\n- Status: {}\n- Why: {}\n- What to do: {}\n",
        entry.summary,
        entry.status.as_u16(),
        entry.cause,
        entry.remedy
    )
}

fn is_snake_case(code: &str) -> bool {
    let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    code.bytes().next().is_some_and(|first| first.is_ascii_lowercase()) && code.bytes().all(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn code(code: &'static str) -> ErrorCode {
        ErrorCode {
            code,
            status: StatusCode::CONFLICT,
            summary: "The round is closed.",
            cause: "Its window is over.",
            remedy: "Join the next round.",
        }
    }
    static ROUND_CLOSED: [ErrorCode; 1] = [code("round_closed")];
    static ROUND_CLOSED_TWICE: [ErrorCode; 2] = [code("round_closed"), code("round_closed")];
    static TAKEN: [ErrorCode; 1] = [code("not_found")];
    static BAD_NAME: [ErrorCode; 1] = [code("Round-Closed")];

    #[test]
    fn a_page_says_what_why_and_what_to_do() {
        let page = "# `round_closed`\n\nThe round is closed.\n\n- Status: 409\n- Why: Its window is over.\n\
                    - What to do: Join the next round.\n";
        assert_eq!(error_page(&ROUND_CLOSED[0]), page);
        let mut registry = ErrorRegistry::new();
        registry.register("rounds", &ROUND_CLOSED).unwrap();
        assert_eq!(registry.page("round_closed").unwrap(), page);
        assert_eq!(registry.page("no_such_code"), None);
    }

    #[test]
    fn two_desks_may_share_a_code_and_both_are_explained() {
        let mut registry = ErrorRegistry::new();
        registry.register("rounds", &ROUND_CLOSED).unwrap();
        registry.register("arena", &ROUND_CLOSED).unwrap();
        let page = registry.page("round_closed").unwrap();
        assert!(page.contains("## arena\n") && page.contains("## rounds\n"), "{page}");
    }

    #[test]
    fn repeated_platform_and_misspelt_codes_are_refused() {
        let register = |entries| ErrorRegistry::new().register("rounds", entries);
        let owner = "rounds";
        assert_eq!(
            register(&ROUND_CLOSED_TWICE),
            Err(ErrorCodeConflict::Twice { code: "round_closed", owner })
        );
        assert_eq!(register(&TAKEN), Err(ErrorCodeConflict::TakenByPlatform { code: "not_found", owner }));
        assert_eq!(register(&BAD_NAME), Err(ErrorCodeConflict::NotSnakeCase { code: "Round-Closed", owner }));
    }

    #[test]
    fn every_platform_code_is_snake_case_unique_and_explained() {
        let registry = ErrorRegistry::new();
        assert_eq!(registry.names().count(), PLATFORM_CODES.len());
        for entry in PLATFORM_CODES {
            assert!(is_snake_case(entry.code), "{}", entry.code);
            for text in [entry.summary, entry.cause, entry.remedy] {
                assert!(text.ends_with('.') && text.len() > 15, "{}: {text}", entry.code);
            }
        }
    }
}
