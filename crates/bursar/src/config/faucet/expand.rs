//! `${NAME}` and `${NAME:-text}` in the values of a file.

/// Why a text cannot be expanded; to be read after the key's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ExpandError {
    #[error("has a ${{ without its }}")]
    Unclosed,
    #[error("has a ${{...}} that names no variable")]
    Name,
}

/// `text` with the value that `find` knows for each name in it. A variable that is unset or blank gives way to the text after
/// `:-`, else to nothing. What was put in is not expanded again.
pub(super) fn expand<'a>(text: &str, find: impl Fn(&str) -> Option<&'a str>) -> Result<String, ExpandError> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        expanded.push_str(before);
        let (inside, after) = after.split_once('}').ok_or(ExpandError::Unclosed)?;
        let (name, default) = inside.split_once(":-").unwrap_or((inside, ""));
        if !is_name(name) {
            return Err(ExpandError::Name);
        }
        expanded.push_str(find(name).filter(|found| !found.trim().is_empty()).unwrap_or(default));
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

fn is_name(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    name.bytes().next().is_some_and(is_letter)
        && name.bytes().all(|byte| is_letter(byte) || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str) -> Result<String, ExpandError> {
        expand(text, |name| match name {
            "SET" => Some("value"),
            "BLANK" => Some(" "),
            "TRICK" => Some("${SET}"),
            _ => None,
        })
    }

    #[test]
    fn a_name_becomes_its_value_its_default_or_nothing() {
        for (text, expected) in [
            ("plain $5 {x}", "plain $5 {x}"),
            ("${SET}", "value"),
            ("${UNSET}", ""),
            ("${BLANK}", ""),
            ("${UNSET:-other}", "other"),
            ("${BLANK:-other}", "other"),
            ("${SET:-other}", "value"),
            ("${UNSET:-}", ""),
            ("${UNSET:-a:-b}", "a:-b"),
            ("https://${SET}/x?y=${UNSET:-1}", "https://value/x?y=1"),
            ("${TRICK}", "${SET}"),
        ] {
            assert_eq!(expanded(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_names_no_variable_is_refused() {
        for text in ["${}", "${a b}", "${1A}", "${A-b}", "${:-x}"] {
            assert_eq!(expanded(text), Err(ExpandError::Name), "{text}");
        }
        for text in ["${", "${SET", "${A} ${B:-"] {
            assert_eq!(expanded(text), Err(ExpandError::Unclosed), "{text}");
        }
    }
}
