//! Rules on size: a file and a function stay readable in one go.

use super::finding::Finding;
use super::rust_source::{ItemEnd, RustSource, is_name_byte};

/// A file has at most 500 lines.
pub const FILE_RULE: &str = "file-length";
/// A function has at most 70 lines.
pub const FUNCTION_RULE: &str = "function-length";

const FILE_LINES: usize = 500;
const FUNCTION_LINES: usize = 70;

/// A Rust file is not longer than 500 lines.
pub fn check_file(path: &str, text: &str) -> Vec<Finding> {
    let lines = text.lines().count();
    if lines <= FILE_LINES {
        return Vec::new();
    }
    vec![Finding {
        path: path.to_owned(),
        line: FILE_LINES + 1,
        rule: FILE_RULE,
        why: format!("the file has {lines} lines; nobody keeps more than {FILE_LINES} in mind"),
        remedy: "Split it by subject",
    }]
}

/// No function, from its `fn` line to its closing brace, is longer than 70 lines.
pub fn check_functions(path: &str, rust: &RustSource) -> Vec<Finding> {
    let too_long = rust.find_word("fn").filter_map(|offset| {
        let name = name_after(rust, offset)?;
        let Some(ItemEnd::Brace(end)) = rust.item_end(offset) else { return None };
        let first = rust.line_of(offset);
        let lines = rust.line_of(end - 1) + 1 - first;
        (lines > FUNCTION_LINES).then(|| Finding {
            path: path.to_owned(),
            line: first,
            rule: FUNCTION_RULE,
            why: format!("`{name}` has {lines} lines; {FUNCTION_LINES} is the most that can be taken in"),
            remedy: "Give its steps functions of their own",
        })
    });
    too_long.collect()
}

/// The function's name; `None` where `fn` is a type such as `fn(u8)`.
fn name_after(rust: &RustSource, offset: usize) -> Option<&str> {
    let rest = rust.code.get(offset + 2..)?.trim_start();
    let length = rest.bytes().take_while(is_name_byte).count();
    rest.get(..length).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(body_lines: usize) -> RustSource {
        RustSource::read(&format!(
            "fn long<F: Fn(u8)>(f: fn(u8))\n{{\n{}}}\n",
            "    \"}\"; // }\n".repeat(body_lines)
        ))
    }

    #[test]
    fn five_hundred_lines_are_the_most() {
        assert!(check_file("a.rs", &"x\n".repeat(500)).is_empty());
        assert_eq!(check_file("a.rs", &"x\n".repeat(501)).len(), 1);
    }

    #[test]
    fn seventy_lines_of_a_function_are_the_most() {
        assert!(check_functions("a.rs", &function(67)).is_empty());
        let findings = check_functions("a.rs", &function(68));
        assert_eq!(findings.len(), 1);
        assert!(findings[0].why.starts_with("`long` has 71 lines"), "{}", findings[0].why);
    }

    #[test]
    fn a_declaration_without_a_body_has_no_length() {
        let rust = RustSource::read(&format!("trait T {{ fn f(&self); {} }}", "\n".repeat(100)));
        assert!(check_functions("a.rs", &rust).is_empty());
    }
}
