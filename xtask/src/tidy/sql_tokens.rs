//! Splits SQL text into the few kinds of token that the rule on amounts looks at.

/// A token with the line it stands on, counted from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Lines before it in the text.
    pub line: usize,
    /// The token itself.
    pub kind: Kind,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A name, keyword, number or parameter, as written.
    Word(String),
    /// A run of operator marks, such as `<=` or `->>`.
    Operator(String),
    /// A single other mark, such as `(` or `,`.
    Mark(char),
}

const OPERATOR_MARKS: &str = "<>=!+-*/|:%";

/// The tokens of some SQL; comments and text literals are left out.
pub fn tokens(sql: &str) -> Vec<Token> {
    let marks: Vec<char> = sql.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    let mut line = 0;
    while let Some(&mark) = marks.get(at) {
        let rest = marks.get(at..).unwrap_or_default();
        let (length, kind) = token_at(mark, rest);
        tokens.extend(kind.map(|kind| Token { line, kind }));
        line += rest.iter().take(length).filter(|mark| **mark == '\n').count();
        at += length;
    }
    tokens
}

/// The length of what stands at the beginning of `rest`, and its token if it is one.
fn token_at(mark: char, rest: &[char]) -> (usize, Option<Kind>) {
    let run = |belongs: &dyn Fn(char) -> bool| rest.iter().take_while(|mark| belongs(**mark)).count();
    let text = |length: usize| rest.iter().take(length).collect::<String>();
    if rest.starts_with(&['-', '-']) {
        (run(&|mark| mark != '\n'), None)
    } else if rest.starts_with(&['/', '*']) {
        let end = rest.windows(2).skip(2).position(|pair| pair == ['*', '/']);
        (end.map_or(rest.len(), |end| end + 4), None)
    } else if mark == '\'' {
        let end = rest.iter().skip(1).position(|mark| *mark == '\'');
        (end.map_or(rest.len(), |end| end + 2), None)
    } else if is_word(mark) {
        let length = run(&is_word);
        (length, Some(Kind::Word(text(length))))
    } else if OPERATOR_MARKS.contains(mark) {
        let length = operator_length(rest);
        (length, Some(Kind::Operator(text(length))))
    } else if mark.is_whitespace() || mark == '"' {
        (1, None)
    } else {
        (1, Some(Kind::Mark(mark)))
    }
}

fn is_word(mark: char) -> bool {
    mark.is_alphanumeric() || mark == '_' || mark == '$'
}

/// Operator marks up to where a comment begins.
fn operator_length(rest: &[char]) -> usize {
    let end = rest.iter().take_while(|mark| OPERATOR_MARKS.contains(**mark)).count();
    let comment = rest.windows(2).take(end).position(|pair| pair == ['-', '-'] || pair == ['/', '*']);
    comment.unwrap_or(end).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(sql: &str) -> Vec<String> {
        let show = |token: Token| match token.kind {
            Kind::Word(text) => format!("{}:{text}", token.line),
            Kind::Operator(text) => format!("{}:op{text}", token.line),
            Kind::Mark(mark) => format!("{}:mark{mark}", token.line),
        };
        tokens(sql).into_iter().map(show).collect()
    }

    #[test]
    fn words_operators_and_marks_are_told_apart() {
        assert_eq!(shown("t.a <= $1"), ["0:t", "0:mark.", "0:a", "0:op<=", "0:$1"]);
        assert_eq!(shown("\"held\" ->> 'x'"), ["0:held", "0:op->>"]);
    }

    #[test]
    fn comments_and_text_are_left_out_and_lines_counted() {
        assert_eq!(shown("a -- b < c\n/* d\n> e */ f 'g < h' i"), ["0:a", "2:f", "2:i"]);
        assert_eq!(shown("a <--b\nc"), ["0:a", "0:op<", "1:c"]);
    }
}
