//! The runbook as a program reads it: `## name: about`, `### step (5 min, changes state)`, and fenced `sh` blocks.

use serde::Serialize;

/// One procedure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Procedure {
    pub name: String,
    pub about: String,
    /// What stands before the first step.
    pub text: String,
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Step {
    pub title: String,
    pub budget_minutes: u64,
    /// Whoever walks it is asked first.
    pub changes_state: bool,
    /// A command of it may end with exit 1 without ending the run.
    pub may_say_no: bool,
    pub text: String,
    pub commands: Vec<String>,
}

/// Why a text is no runbook: the line and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the runbook: {what}")]
pub(super) struct Malformed {
    pub line: usize,
    pub what: &'static str,
}

/// Reads the procedures of `text`.
pub(super) fn procedures(text: &str) -> Result<Vec<Procedure>, Malformed> {
    let mut procedures: Vec<Procedure> = Vec::new();
    let mut is_in_block = false;
    for (index, line) in text.lines().enumerate() {
        let malformed = |what| Malformed { line: index + 1, what };
        let current = procedures.last_mut();
        if is_in_block {
            let step = current.and_then(|procedure| procedure.steps.last_mut());
            match (line, step) {
                ("```", _) => is_in_block = false,
                (_, None) => return Err(malformed("commands belong to a step")),
                (_, Some(step)) if line.starts_with("bursar ") => step.commands.push(line.to_owned()),
                (_, Some(_)) => return Err(malformed("each line of a block is one bursar command")),
            }
        } else if line == "```sh" {
            is_in_block = true;
        } else if let Some(heading) = line.strip_prefix("## ") {
            let (name, about) =
                heading.split_once(": ").ok_or_else(|| malformed("a procedure is `## name: about`"))?;
            let (name, about) = (name.to_owned(), about.to_owned());
            procedures.push(Procedure { name, about, text: String::new(), steps: Vec::new() });
        } else if let Some(heading) = line.strip_prefix("### ") {
            let procedure = current.ok_or_else(|| malformed("a step belongs to a procedure"))?;
            procedure
                .steps
                .push(step(heading).ok_or_else(|| malformed("a step is `### title (N min, ...)`"))?);
        } else if let Some(procedure) = current {
            let text = match procedure.steps.last_mut() {
                Some(step) => &mut step.text,
                None => &mut procedure.text,
            };
            add_line(text, line);
        }
    }
    Ok(procedures)
}

fn step(heading: &str) -> Option<Step> {
    let (title, marks) = heading.strip_suffix(')')?.rsplit_once(" (")?;
    let mut step = Step { title: title.to_owned(), ..Step::default() };
    for mark in marks.split(", ") {
        match (mark, mark.strip_suffix(" min")) {
            (_, Some(minutes)) => step.budget_minutes = minutes.parse().ok()?,
            ("changes state", None) => step.changes_state = true,
            ("may say no", None) => step.may_say_no = true,
            _ => return None,
        }
    }
    (step.budget_minutes > 0).then_some(step)
}

fn add_line(text: &mut String, line: &str) {
    if !text.is_empty() && !line.is_empty() {
        text.push(' ');
    }
    text.push_str(line.trim());
}

/// The words of a command line; double quotes keep words together. `None` = a quote is left open.
pub(super) fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    for (index, part) in line.split('"').enumerate() {
        if index % 2 == 0 {
            words.extend(part.split_whitespace().map(str::to_owned));
        } else {
            words.push(part.to_owned());
        }
    }
    line.matches('"').count().is_multiple_of(2).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn procedures_steps_marks_and_commands_are_read() {
        let text = "# T\n\nintro\n\n## stop: all of it\n\nwhy\n\n### Now (2 min, changes state)\n\nsay so\ntwice\n\n```sh\nbursar ops pause all\nbursar ops status\n```\n\n### Look (1 min, may say no)\n";
        let read = procedures(text).unwrap();
        let [procedure] = &read[..] else { panic!("{read:?}") };
        assert_eq!((&*procedure.name, &*procedure.about, &*procedure.text), ("stop", "all of it", "why"));
        let now = Step {
            title: "Now".to_owned(),
            budget_minutes: 2,
            changes_state: true,
            may_say_no: false,
            text: "say so twice".to_owned(),
            commands: vec!["bursar ops pause all".to_owned(), "bursar ops status".to_owned()],
        };
        assert_eq!(procedure.steps[0], now);
        let look = &procedure.steps[1];
        assert!(look.may_say_no && !look.changes_state && look.commands.is_empty());
    }

    #[test]
    fn what_is_no_runbook_is_refused_with_its_line() {
        for (text, line) in [
            ("## stop", 1),
            ("### Now (1 min)", 1),
            ("## a: b\n### Now", 2),
            ("## a: b\n### Now (changes state)", 2),
            ("## a: b\n### Now (1 min, perhaps)", 2),
            ("## a: b\n```sh\nbursar x\n```", 3),
            ("## a: b\n### Now (1 min)\n```sh\nrm -r x\n```", 4),
        ] {
            assert_eq!(procedures(text).map_err(|malformed| malformed.line), Err(line), "{text}");
        }
    }

    #[test]
    fn quotes_keep_words_together() {
        let read = words("bursar ops incident tell \"It is down.\" --for 1h").unwrap();
        assert_eq!(read, ["bursar", "ops", "incident", "tell", "It is down.", "--for", "1h"]);
        assert_eq!(words("a \"b"), None);
    }
}
