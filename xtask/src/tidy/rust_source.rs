//! Takes Rust source apart: code with comments and literals blanked, and the string literals by themselves.
//!
//! Not a parser. It knows just enough of the language not to mistake text for code: nested comments, plain, raw and
//! byte strings, and characters as opposed to lifetimes.

/// A Rust file taken apart.
#[derive(Debug, Default)]
pub struct RustSource {
    /// The source with the insides of comments and literals turned into spaces; offsets and lines are unchanged.
    pub code: String,
    /// Every string literal, in order.
    pub literals: Vec<Literal>,
}

/// A string literal.
#[derive(Debug, PartialEq, Eq)]
pub struct Literal {
    /// The line on which its text begins, from 1.
    pub line: usize,
    /// Its text as written, except that escapes have become spaces.
    pub text: String,
}

impl RustSource {
    /// Takes a file's text apart.
    pub fn read(text: &str) -> Self {
        let mut lexer = Lexer { bytes: text.as_bytes(), at: 0, code: Vec::new(), literals: Vec::new() };
        while lexer.at < lexer.bytes.len() {
            lexer.step();
        }
        Self { code: String::from_utf8_lossy(&lexer.code).into_owned(), literals: lexer.literals }
    }

    /// The line of a byte offset of the code, from 1.
    pub fn line_of(&self, offset: usize) -> usize {
        line_at(self.code.as_bytes(), offset)
    }

    /// Offsets of a word in the code; on both sides of it stands no letter, digit or underscore.
    pub fn find_word<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        let bytes = self.code.as_bytes();
        self.code.match_indices(word).map(|(offset, _)| offset).filter(move |&offset| {
            let before = offset.checked_sub(1).and_then(|index| bytes.get(index));
            let after = bytes.get(offset + word.len());
            !before.is_some_and(is_name_byte) && !after.is_some_and(is_name_byte)
        })
    }

    /// The offset just past the block, statement or declaration that begins at `offset`: its closing brace, or the
    /// semicolon of an item without a body, whichever comes first outside parentheses and brackets.
    pub fn item_end(&self, offset: usize) -> Option<ItemEnd> {
        let bytes = self.code.as_bytes();
        let mut depth = 0_usize;
        for (index, byte) in bytes.iter().enumerate().skip(offset) {
            match byte {
                b'(' | b'[' => depth += 1,
                b')' | b']' => depth = depth.saturating_sub(1),
                b';' if depth == 0 => return Some(ItemEnd::Semicolon(index + 1)),
                b'{' if depth == 0 => return self.closing_brace(index).map(ItemEnd::Brace),
                _ => {}
            }
        }
        None
    }

    fn closing_brace(&self, open: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for (index, byte) in self.code.bytes().enumerate().skip(open) {
            match byte {
                b'{' => depth += 1,
                b'}' if depth == 1 => return Some(index + 1),
                b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        None
    }
}

/// How an item ends; the offset just past it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemEnd {
    /// With the brace that closes its body.
    Brace(usize),
    /// With a semicolon, without a body.
    Semicolon(usize),
}

/// Whether a byte can stand in a name.
pub fn is_name_byte(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || *byte == b'_' || !byte.is_ascii()
}

fn line_at(bytes: &[u8], offset: usize) -> usize {
    1 + bytes.iter().take(offset).filter(|byte| **byte == b'\n').count()
}

struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
    code: Vec<u8>,
    literals: Vec<Literal>,
}

impl Lexer<'_> {
    fn step(&mut self) {
        let follows_name =
            self.at.checked_sub(1).and_then(|index| self.bytes.get(index)).is_some_and(is_name_byte);
        if self.starts_with(b"//") {
            self.blank_until(self.line_end());
        } else if self.starts_with(b"/*") {
            self.blank_until(self.comment_end());
        } else if let Some((prefix, hashes)) = self.raw_string().filter(|_| !follows_name) {
            self.string(self.at + prefix, |lexer, from| lexer.raw_end(from, hashes), false);
        } else if self.starts_with(b"\"") {
            self.string(self.at + 1, Self::plain_end, true);
        } else if let Some(end) = self.character_end() {
            self.blank_until(end);
        } else {
            self.keep_until(self.at + 1);
        }
    }

    fn starts_with(&self, what: &[u8]) -> bool {
        self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(what))
    }

    fn byte(&self, index: usize) -> Option<u8> {
        self.bytes.get(index).copied()
    }

    fn keep_until(&mut self, end: usize) {
        let end = end.min(self.bytes.len());
        self.code.extend(self.bytes.get(self.at..end).unwrap_or_default());
        self.at = end;
    }

    fn blank_until(&mut self, end: usize) {
        let end = end.min(self.bytes.len());
        let blanks = self.bytes.get(self.at..end).unwrap_or_default().iter();
        self.code.extend(blanks.map(|byte| if *byte == b'\n' { b'\n' } else { b' ' }));
        self.at = end;
    }

    fn line_end(&self) -> usize {
        (self.at..self.bytes.len()).find(|index| self.byte(*index) == Some(b'\n')).unwrap_or(self.bytes.len())
    }

    fn comment_end(&self) -> usize {
        let mut depth = 0_usize;
        let mut index = self.at;
        while index < self.bytes.len() {
            match (self.byte(index), self.byte(index + 1)) {
                (Some(b'/'), Some(b'*')) => {
                    depth += 1;
                    index += 2;
                }
                (Some(b'*'), Some(b'/')) => {
                    depth -= 1;
                    index += 2;
                    if depth == 0 {
                        return index;
                    }
                }
                _ => index += 1,
            }
        }
        index
    }

    /// Length of the opening of a raw string here (`r##"`), and its number of hashes.
    fn raw_string(&self) -> Option<(usize, usize)> {
        let letters = usize::from(self.starts_with(b"br") || self.starts_with(b"cr")) + 1;
        if self.byte(self.at + letters - 1) != Some(b'r') {
            return None;
        }
        let from = self.at + letters;
        let hashes = (from..).take_while(|index| self.byte(*index) == Some(b'#')).count();
        (self.byte(from + hashes) == Some(b'"')).then_some((letters + hashes + 1, hashes))
    }

    fn raw_end(&self, from: usize, hashes: usize) -> usize {
        (from..self.bytes.len())
            .find(|index| {
                self.byte(*index) == Some(b'"')
                    && (1..=hashes).all(|step| self.byte(index + step) == Some(b'#'))
            })
            .unwrap_or(self.bytes.len())
    }

    fn plain_end(&self, from: usize) -> usize {
        let mut index = from;
        while let Some(byte) = self.byte(index) {
            match byte {
                b'"' => return index,
                b'\\' => index += 2,
                _ => index += 1,
            }
        }
        self.bytes.len()
    }

    /// Records the string whose text begins at `from`, and keeps only its quotes in the code.
    fn string(&mut self, from: usize, end: impl Fn(&Self, usize) -> usize, escapes: bool) {
        let until = end(self, from).max(from);
        let inside = self.bytes.get(from..until).unwrap_or_default();
        let text = String::from_utf8_lossy(inside).into_owned();
        let text = if escapes { without_escapes(&text) } else { text };
        self.literals.push(Literal { line: line_at(self.bytes, from), text });
        self.keep_until(from);
        self.blank_until(until);
        self.keep_until(until + 1);
    }

    /// The offset past a character literal here; `None` at anything else, such as a lifetime.
    fn character_end(&self) -> Option<usize> {
        if self.byte(self.at) != Some(b'\'') {
            return None;
        }
        if self.byte(self.at + 1) == Some(b'\\') {
            let close = (self.at + 3..self.bytes.len()).find(|index| self.byte(*index) == Some(b'\''))?;
            return Some(close + 1);
        }
        let rest = self.bytes.get(self.at + 1..)?;
        let width = 1 + rest.iter().skip(1).take_while(|byte| (0x80..0xC0).contains(*byte)).count();
        (rest.get(width) == Some(&b'\'')).then_some(self.at + width + 2)
    }
}

/// Each escape becomes two spaces, a line continuation a space and a line end.
fn without_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut marks = text.chars();
    while let Some(mark) = marks.next() {
        match mark {
            '\\' => {
                plain.push(' ');
                plain.push(if marks.next() == Some('\n') { '\n' } else { ' ' });
            }
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        let source = RustSource::read(text);
        assert_eq!(source.code.len(), text.len(), "offsets are unchanged");
        source.code
    }

    fn texts(text: &str) -> Vec<(usize, String)> {
        RustSource::read(text).literals.into_iter().map(|literal| (literal.line, literal.text)).collect()
    }

    #[test]
    fn comments_are_blanked_also_when_nested() {
        assert_eq!(code("a // unsafe\nb"), "a          \nb");
        assert_eq!(code("a /* x /* y */ unsafe */ b"), "a                        b");
    }

    #[test]
    fn strings_are_blanked_and_collected_with_their_line() {
        assert_eq!(code("f(\"a{\\\"}\")"), "f(\"     \")");
        assert_eq!(
            texts("\n\"one\"\nx(r#\"two \"x\" \"#, b\"three\", br\"four\")"),
            [
                (2, "one".to_owned()),
                (3, "two \"x\" ".to_owned()),
                (3, "three".to_owned()),
                (3, "four".to_owned()),
            ]
        );
    }

    #[test]
    fn escapes_become_spaces_and_a_continued_line_stays_a_line() {
        assert_eq!(texts("\"a\\nb \\\n c\""), [(1, "a  b  \n c".to_owned())]);
    }

    #[test]
    fn characters_are_told_from_lifetimes() {
        assert_eq!(code("x('{', '\\'', '\\u{7b}', 'ä')").replace(' ', ""), "x(,,,)");
        assert_eq!(code("fn f<'a>(x: &'a str) {}"), "fn f<'a>(x: &'a str) {}");
    }

    #[test]
    fn a_raw_name_is_no_string() {
        assert_eq!(code("let r#type = for_r; "), "let r#type = for_r; ");
    }

    #[test]
    fn words_are_found_whole() {
        let source = RustSource::read("unsafe_code unsafe { } // unsafe");
        assert_eq!(source.find_word("unsafe").collect::<Vec<_>>(), [12]);
    }

    #[test]
    fn an_item_ends_at_its_brace_or_semicolon() {
        let source = RustSource::read("fn f(x: [u8; 2]) { if y { \"}\" } } fn g();");
        assert_eq!(source.item_end(0), Some(ItemEnd::Brace(33)));
        assert_eq!(source.item_end(34), Some(ItemEnd::Semicolon(41)));
    }
}
