//! The runbook as a program reads it: `## name: about`, `### step (5 min, changes state)`, fenced `sh` blocks, and fenced
//! `json` blocks that say what the step's last command answers, as far as it matters.

use serde::Serialize;
use serde_json::Value;

/// One procedure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Procedure {
    /// Whose procedure it is.
    pub desk: &'static str,
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
    /// What the last command answers when all is well; members and elements that are not named may be anything.
    pub expected: Option<Value>,
}

/// Why a text is no runbook: the line and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the runbook: {what}")]
pub(super) struct Malformed {
    pub line: usize,
    pub what: &'static str,
}

/// Reads the procedures of `text`.
pub(super) fn procedures(desk: &'static str, text: &str) -> Result<Vec<Procedure>, Malformed> {
    let mut procedures: Vec<Procedure> = Vec::new();
    let mut is_in_block = false;
    let mut expected: Option<String> = None;
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
        } else if let Some(mut answer) = expected.take() {
            if line == "```" {
                let step = current.and_then(|procedure| procedure.steps.last_mut());
                let step = step.ok_or_else(|| malformed("an answer belongs to a step"))?;
                let read = serde_json::from_str(&answer);
                step.expected = Some(read.map_err(|_| malformed("an answer is JSON"))?);
            } else {
                answer.push_str(line);
                expected = Some(answer);
            }
        } else if line == "```sh" {
            is_in_block = true;
        } else if line == "```json" {
            expected = Some(String::new());
        } else if let Some(heading) = line.strip_prefix("## ") {
            let (name, about) =
                heading.split_once(": ").ok_or_else(|| malformed("a procedure is `## name: about`"))?;
            let (name, about) = (name.to_owned(), about.to_owned());
            procedures.push(Procedure { desk, name, about, text: String::new(), steps: Vec::new() });
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

/// Whether an answer says what is expected of it: objects have the named members, lists an element for each expected one.
pub(super) fn fits(answer: &Value, expected: &Value) -> bool {
    match (answer, expected) {
        (Value::Object(answer), Value::Object(expected)) => {
            expected.iter().all(|(name, wanted)| answer.get(name).is_some_and(|found| fits(found, wanted)))
        }
        (Value::Array(answer), Value::Array(expected)) => {
            expected.iter().all(|wanted| answer.iter().any(|found| fits(found, wanted)))
        }
        _ => answer == expected,
    }
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
        let read = procedures("rounds", text).unwrap();
        let [procedure] = &read[..] else { panic!("{read:?}") };
        assert_eq!((&*procedure.name, &*procedure.about, &*procedure.text), ("stop", "all of it", "why"));
        let now = Step {
            title: "Now".to_owned(),
            budget_minutes: 2,
            changes_state: true,
            may_say_no: false,
            text: "say so twice".to_owned(),
            commands: vec!["bursar ops pause all".to_owned(), "bursar ops status".to_owned()],
            expected: None,
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
            assert_eq!(procedures("rounds", text).map_err(|malformed| malformed.line), Err(line), "{text}");
        }
    }

    #[test]
    fn an_answer_is_what_a_step_expects_as_far_as_it_is_named() {
        let text = "## a: b\n### Now (1 min)\n```sh\nbursar x\n```\n```json\n{\"ok\": true,\n \"all\": [{\"a\": 1}]}\n```\n";
        let read = procedures("rounds", text).unwrap();
        let expected = read[0].steps[0].expected.clone().unwrap();
        let fits = |answer: &str| fits(&serde_json::from_str(answer).unwrap(), &expected);
        assert!(fits(r#"{"ok": true, "all": [{"a": 2}, {"a": 1, "b": 2}], "more": 3}"#));
        assert!(!fits(r#"{"ok": true, "all": [{"a": 2}]}"#));
        assert!(!fits(r#"{"ok": false, "all": [{"a": 1}]}"#) && !fits(r#"{"all": [{"a": 1}]}"#));
        assert_eq!(procedures("rounds", "## a: b\n### Now (1 min)\n```json\nno\n```").unwrap_err().line, 5);
    }

    #[test]
    fn quotes_keep_words_together() {
        let read = words("bursar ops incident tell \"It is down.\" --for 1h").unwrap();
        assert_eq!(read, ["bursar", "ops", "incident", "tell", "It is down.", "--for", "1h"]);
        assert_eq!(words("a \"b"), None);
    }
}
