//! The rule on amounts in SQL: they are stored and read there, never summed, compared or ordered.
//!
//! One engine keeps amounts as bytes, on which SQL's own arithmetic and comparison would be wrong without saying so.

use std::collections::BTreeSet;

use super::finding::Finding;
use super::sql_tokens::{Kind, Token, tokens};

/// No SQL text calculates with an amount column.
pub const RULE: &str = "amount-in-sql";

const REMEDY: &str = "Keep the total with the writes, or load the amounts and calculate in Rust";
/// The type as PostgreSQL has it, and as a migration for both engines writes it.
const AMOUNT_TYPES: [&[&str]; 2] = [&["NUMERIC", "(", "39", ",", "0", ")"], &["@", "amount"]];
const FUNCTIONS: [&str; 8] = ["SUM", "MIN", "MAX", "AVG", "TOTAL", "ABS", "GREATEST", "LEAST"];
const OPERATORS: [&str; 8] = ["<", ">", "<=", ">=", "+", "-", "*", "/"];
const ENDS_OF_ORDER: [&str; 5] = ["LIMIT", "OFFSET", "FOR", "RETURNING", "UNION"];
const STATEMENT_STARTS: [&str; 7] = ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "CREATE", "ALTER"];
const FRAGMENTS: [&str; 8] = ["WHERE ", "ORDER BY", "HAVING ", "SUM(", "MIN(", "MAX(", "AND ", "SET "];

/// Whether a string literal is SQL: it begins as a statement does, or has a parameter or an upper-case piece of one.
pub fn is_sql(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
    let has_parameter = || {
        text.match_indices('$').any(|(at, _)| text[at + 1..].starts_with(|mark: char| mark.is_ascii_digit()))
    };
    STATEMENT_STARTS.contains(&first.as_str())
        || FRAGMENTS.iter().any(|fragment| text.contains(fragment))
        || has_parameter()
}

/// The columns that some SQL declares with a type of amounts, in lower case.
pub fn declared_columns(sql: &str) -> Vec<String> {
    let tokens = tokens(sql);
    let columns = tokens.iter().enumerate().filter_map(|(index, token)| {
        let after = tokens.get(index + 1..).unwrap_or_default();
        let is_amount = AMOUNT_TYPES.iter().any(|kind| begins_with(after, kind));
        word(token).filter(|name| is_amount && !name.eq_ignore_ascii_case("as"))
    });
    columns.map(str::to_ascii_lowercase).collect()
}

/// Finds calculation with amount columns in some SQL whose first line is `first_line` of the file.
pub fn check(path: &str, first_line: usize, sql: &str, amounts: &BTreeSet<String>) -> Vec<Finding> {
    let tokens = tokens(sql);
    let mut findings = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let before = tokens.get(..index).unwrap_or_default();
        let after = tokens.get(index + 1..).unwrap_or_default();
        if let Some((column, doing)) = breach(token, before, after, amounts) {
            findings.push(Finding {
                path: path.to_owned(),
                line: first_line + token.line,
                rule: RULE,
                why: format!("SQL {doing} the amount `{column}`, which is bytes on one of the engines"),
                remedy: REMEDY,
            });
        }
    }
    findings
}

/// The amount column that this token calculates with, and what it does with it.
fn breach<'a>(
    token: &Token,
    before: &'a [Token],
    after: &'a [Token],
    amounts: &BTreeSet<String>,
) -> Option<(&'a str, &'static str)> {
    let is_amount = |name: &&str| amounts.contains(&name.to_ascii_lowercase());
    match &token.kind {
        Kind::Word(name)
            if is_one_of(name, &FUNCTIONS) && after.first().is_some_and(|next| reads(next, "(")) =>
        {
            group(after.get(1..)?, &[]).filter_map(word).find(is_amount).map(|column| (column, "aggregates"))
        }
        Kind::Word(name)
            if is_one_of(name, &["ORDER"]) && after.first().is_some_and(|next| reads(next, "BY")) =>
        {
            group(after.get(1..)?, &ENDS_OF_ORDER)
                .filter_map(word)
                .find(is_amount)
                .map(|column| (column, "orders by"))
        }
        Kind::Word(name) if is_one_of(name, &["BETWEEN"]) => {
            neighbours(before, after).find(is_amount).map(|column| (column, "compares"))
        }
        Kind::Operator(operator) if OPERATORS.contains(&operator.as_str()) => {
            neighbours(before, after).find(is_amount).map(|column| (column, "compares or calculates with"))
        }
        _ => None,
    }
}

/// The tokens up to the parenthesis that closes the surrounding one, a semicolon, or an ending word.
fn group<'a>(tokens: &'a [Token], endings: &'static [&'static str]) -> impl Iterator<Item = &'a Token> {
    let mut depth = 0_usize;
    tokens.iter().take_while(move |token| match &token.kind {
        Kind::Mark('(') => {
            depth += 1;
            true
        }
        Kind::Mark(')') if depth == 0 => false,
        Kind::Mark(')') => {
            depth -= 1;
            true
        }
        Kind::Mark(';') => false,
        Kind::Word(name) => depth > 0 || !is_one_of(name, endings),
        _ => true,
    })
}

/// The names directly left and right of an operator; of `t.amount` the last part.
fn neighbours<'a>(before: &'a [Token], after: &'a [Token]) -> impl Iterator<Item = &'a str> {
    let right = match after {
        [_, dot, column, ..] if reads(dot, ".") => Some(column),
        [column, ..] => Some(column),
        [] => None,
    };
    before.last().into_iter().chain(right).filter_map(word)
}

fn word(token: &Token) -> Option<&str> {
    match &token.kind {
        Kind::Word(name) => Some(name),
        _ => None,
    }
}

fn reads(token: &Token, expected: &str) -> bool {
    match &token.kind {
        Kind::Word(name) => name.eq_ignore_ascii_case(expected),
        Kind::Operator(text) => text == expected,
        Kind::Mark(mark) => expected.chars().eq([*mark]),
    }
}

fn begins_with(tokens: &[Token], expected: &[&str]) -> bool {
    tokens.len() >= expected.len() && tokens.iter().zip(expected).all(|(token, text)| reads(token, text))
}

fn is_one_of(name: &str, words: &[&str]) -> bool {
    words.iter().any(|known| name.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amounts() -> BTreeSet<String> {
        declared_columns(
            "CREATE TABLE a (\n  id BIGINT, debits NUMERIC(39,0) NOT NULL,\n  \"held\" numeric( 39, 0 ))",
        )
        .into_iter()
        .collect()
    }

    fn lines(sql: &str) -> Vec<usize> {
        check("a.rs", 10, sql, &amounts()).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn columns_of_the_amount_type_are_collected() {
        assert_eq!(amounts(), BTreeSet::from(["debits".to_owned(), "held".to_owned()]));
        assert!(
            declared_columns("SELECT CAST($1 AS NUMERIC(39,0)), x::NUMERIC(39,0), n NUMERIC(78,0)")
                .is_empty()
        );
    }

    #[test]
    fn every_way_to_calculate_with_an_amount_is_found() {
        for sql in [
            "SELECT SUM(debits) FROM a",
            "SELECT max(coalesce(a.held, $1)) FROM a",
            "SELECT id FROM a ORDER BY id, debits DESC LIMIT 1",
            "SELECT id FROM a WHERE debits >= $1",
            "SELECT id FROM a WHERE $1 < a.debits",
            "SELECT id FROM a WHERE a.held > 0",
            "SELECT id FROM a WHERE held BETWEEN $1 AND $2",
            "UPDATE a SET debits = debits + $1",
            "CREATE TABLE b (debits NUMERIC(39,0) CHECK (debits >= 0))",
        ] {
            assert_eq!(lines(sql), [10], "{sql}");
        }
    }

    #[test]
    fn storing_reading_and_equality_are_fine() {
        for sql in [
            "INSERT INTO a (id, debits) VALUES ($1, $2)",
            "SELECT debits, held FROM a WHERE id > $1 AND debits <> $2 ORDER BY id",
            "SELECT (SELECT id FROM b ORDER BY id LIMIT 1), debits FROM a",
            "SELECT MAX(id), debits FROM a -- debits < 3",
            "UPDATE a SET debits = $1 WHERE id = $2 AND held = $3",
        ] {
            assert_eq!(lines(sql), [0; 0], "{sql}");
        }
    }

    #[test]
    fn the_line_is_counted_from_where_the_text_begins() {
        assert_eq!(lines("SELECT id\nFROM a\nWHERE held > $1"), [12]);
    }

    #[test]
    fn sql_is_told_from_prose() {
        assert!(is_sql("\n  SELECT 1"));
        assert!(is_sql("insert into a values ($1)"));
        assert!(is_sql(" WHERE id = 1"));
        assert!(is_sql("held > $1"));
        assert!(!is_sql("held > 0 is needed; choose a smaller stake"));
    }
}
