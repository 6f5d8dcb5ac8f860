//! Reads the rows and worked examples from the tables of `docs/spec`.

use std::fs;
use std::path::Path;

use crate::error::ChoreError;

/// A product that runs on the platform, with a specification page of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Desk {
    /// UP/DOWN price rounds, rows R.
    Rounds,
    /// Banano for kills, rows F.
    Faucet,
    /// Escrow against promises, rows C.
    Commitments,
    /// Signed swaps, rows T.
    Trades,
    /// Battles with withdrawable rewards, rows A.
    Arena,
}

impl Desk {
    /// All desks, in the order of the report.
    pub const ALL: [Self; 5] = [Self::Rounds, Self::Faucet, Self::Commitments, Self::Trades, Self::Arena];

    /// The desk's name, as in its page and its test binary.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rounds => "rounds",
            Self::Faucet => "faucet",
            Self::Commitments => "commitments",
            Self::Trades => "trades",
            Self::Arena => "arena",
        }
    }

    /// The letter that its row ids begin with.
    pub const fn letter(self) -> char {
        match self {
            Self::Rounds => 'R',
            Self::Faucet => 'F',
            Self::Commitments => 'C',
            Self::Trades => 'T',
            Self::Arena => 'A',
        }
    }

    /// How many rows the desk promises; 276 over all desks.
    pub const fn row_count(self) -> usize {
        match self {
            Self::Rounds => 58,
            Self::Faucet => 49,
            Self::Commitments => 53,
            Self::Trades => 69,
            Self::Arena => 47,
        }
    }

    /// The desk of that name; the error is a message for the command line.
    pub fn parse(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|desk| desk.name() == name)
            .ok_or_else(|| "no such desk; use rounds, faucet, commitments, trades or arena".to_owned())
    }
}

/// When a row has to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// In this release: it needs a passing test.
    Now,
    /// In a coming release.
    Later,
}

/// One promised row, or one worked example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecRow {
    /// Its id as written, such as `R26a`.
    pub id: String,
    /// The desk whose page it stands on.
    pub desk: Desk,
    /// When it has to hold.
    pub stage: Stage,
    /// What is promised; of an example, its setup and what is expected.
    pub statement: String,
}

/// All rows and examples, in page order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Specification {
    /// The promised rows.
    pub rows: Vec<SpecRow>,
    /// The worked examples; they are not counted among the rows.
    pub examples: Vec<SpecRow>,
}

impl Specification {
    /// Reads the pages of all desks from a folder. Every page must hold exactly its desk's number of rows.
    pub fn read(folder: &Path) -> Result<Self, ChoreError> {
        let mut whole = Self::default();
        for desk in Desk::ALL {
            let path = folder.join(format!("{}.md", desk.name()));
            let text = fs::read_to_string(&path).map_err(|source| ChoreError::File { path, source })?;
            let page = parse_page(desk, &text)?;
            if page.rows.len() != desk.row_count() {
                let reason = format!("has {} rows, must have {}", page.rows.len(), desk.row_count());
                return Err(fault(desk, text.lines().count(), reason));
            }
            whole.rows.extend(page.rows);
            whole.examples.extend(page.examples);
        }
        Ok(whole)
    }

    /// Drops the rows and examples of all other desks.
    pub fn keep_only(&mut self, desk: Desk) {
        self.rows.retain(|row| row.desk == desk);
        self.examples.retain(|example| example.desk == desk);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Table {
    Rows,
    Examples,
    Other,
}

/// Reads one page. Other tables and prose between the two kinds of table are passed over.
fn parse_page(desk: Desk, text: &str) -> Result<Specification, ChoreError> {
    let mut page = Specification::default();
    let mut table = None;
    for (index, line) in text.lines().enumerate() {
        let Some(cells) = cells_of(line) else {
            table = None;
            continue;
        };
        let Some(current) = table else {
            table = Some(kind_of(&cells));
            continue;
        };
        if cells.iter().all(|cell| cell.chars().all(|mark| matches!(mark, '-' | ':'))) {
            continue;
        }
        let target = match current {
            Table::Rows => &mut page.rows,
            Table::Examples => &mut page.examples,
            Table::Other => continue,
        };
        let row = read_row(desk, current, &cells).map_err(|reason| fault(desk, index + 1, reason))?;
        if target.iter().any(|known| known.id == row.id) {
            return Err(fault(desk, index + 1, format!("{} stands here twice", row.id)));
        }
        target.push(row);
    }
    Ok(page)
}

fn fault(desk: Desk, line: usize, reason: String) -> ChoreError {
    ChoreError::Page { page: format!("{}.md", desk.name()), line, reason }
}

fn cells_of(line: &str) -> Option<Vec<&str>> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(inner.split('|').map(str::trim).collect())
}

fn kind_of(header: &[&str]) -> Table {
    match header {
        ["id", "stage", "statement"] => Table::Rows,
        ["example", "stage", "setup", "expected"] => Table::Examples,
        _ => Table::Other,
    }
}

fn read_row(desk: Desk, table: Table, cells: &[&str]) -> Result<SpecRow, String> {
    let (id, stage, statement) = match (table, cells) {
        (Table::Rows, [id, stage, statement]) => (id, stage, (*statement).to_owned()),
        (Table::Examples, [id, stage, setup, expected]) => (id, stage, format!("{setup} -> {expected}")),
        _ => return Err(format!("a row of {} cells is not of this table", cells.len())),
    };
    if table == Table::Rows && !is_row_id(desk, id) {
        return Err(format!("`{id}` is no row id of this desk ({} and a number)", desk.letter()));
    }
    let stage = match *stage {
        "now" => Stage::Now,
        "later" => Stage::Later,
        other => return Err(format!("stage `{other}` is neither now nor later")),
    };
    if statement.is_empty() {
        return Err(format!("{id} says nothing"));
    }
    Ok(SpecRow { id: (*id).to_owned(), desk, stage, statement })
}

fn is_row_id(desk: Desk, id: &str) -> bool {
    let Some(rest) = id.strip_prefix(desk.letter()) else { return false };
    let number = rest.strip_suffix(['a', 'b', 'c']).unwrap_or(rest);
    !number.is_empty() && number.chars().all(|digit| digit.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace;

    const PAGE: &str = "# rounds\n\n| state | when |\n|---|---|\n| OPEN | early |\n\n\
        | id | stage | statement |\n|---|---|---|\n| R2 | now | A key opens it. |\n| R26a | later | It alerts. |\n\n\
        | example | stage | setup | expected |\n|---|---|---|---|\n| C3 | now | 10 against 25 | fee 210 |\n";

    fn reason(page: &str) -> String {
        parse_page(Desk::Rounds, page).unwrap_err().to_string()
    }

    #[test]
    fn rows_and_examples_are_told_apart_and_other_tables_ignored() {
        let page = parse_page(Desk::Rounds, PAGE).unwrap();
        let ids: Vec<&str> = page.rows.iter().map(|row| row.id.as_str()).collect();
        assert_eq!(ids, ["R2", "R26a"]);
        assert_eq!(page.rows[0].stage, Stage::Now);
        assert_eq!(page.rows[0].statement, "A key opens it.");
        assert_eq!(page.examples[0].statement, "10 against 25 -> fee 210");
    }

    #[test]
    fn a_row_of_another_desk_is_refused() {
        assert!(reason(&PAGE.replace("R2 ", "F2 ")).contains("no row id"));
    }

    #[test]
    fn an_unknown_stage_is_refused_with_its_line() {
        assert!(reason(&PAGE.replace("| now | A", "| soon | A")).starts_with("rounds.md:9: stage `soon`"));
    }

    #[test]
    fn a_repeated_id_is_refused() {
        assert!(reason(&PAGE.replace("R26a", "R2")).contains("R2 stands here twice"));
    }

    #[test]
    fn a_row_with_a_wrong_number_of_cells_is_refused() {
        assert!(reason(&PAGE.replace("A key opens it.", "A key | opens it.")).contains("4 cells"));
    }

    #[test]
    fn the_five_pages_promise_276_rows() {
        let folder = workspace::root().unwrap().join("docs/spec");
        let all = Specification::read(&folder).unwrap();
        assert_eq!(all.rows.len(), 276);
        assert_eq!(Desk::ALL.map(Desk::row_count).iter().sum::<usize>(), 276);
        assert_eq!(all.examples.len(), 15);
    }
}
