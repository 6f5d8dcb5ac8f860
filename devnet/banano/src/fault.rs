//! Single requests that go wrong, and what comes back of a request.

use serde::{Deserialize, Serialize};

/// What goes wrong with the next requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// Only with requests of this action; all when absent.
    #[serde(default)]
    pub action: Option<String>,
    /// What happens to them.
    pub misbehaviour: Misbehaviour,
    /// How many requests, from 1.
    pub times: u32,
}

/// How a request goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Misbehaviour {
    /// It is done, and answered this many milliseconds late.
    Delay(u64),
    /// It is done, and then the connection breaks without an answer.
    DropAnswer,
    /// It is not done, and the connection breaks.
    DropRequest,
    /// It is done and never answered.
    Silence,
    /// It is not done; the answer is this status without a body of the node's.
    Status(u16),
    /// It is done, and yet answered with this status.
    StatusAfterDoing(u16),
    /// It is not done; the answer is this error text, such as `Fork`.
    Refuse(String),
    /// It is done; the answer is no JSON.
    Garbage,
    /// It is done; the answer is padded by 1 MiB.
    Oversized,
}

/// What comes back of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// How long it takes, in milliseconds.
    pub delay_ms: u64,
    /// What it is.
    pub outcome: Outcome,
}

/// How a request ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With an answer.
    Answer {
        /// HTTP status.
        status: u16,
        /// The body.
        body: String,
    },
    /// With a broken connection.
    Cut,
    /// Never.
    Silence,
}

/// The faults that wait for their requests, in the order in which they were set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// What goes wrong with this request, counted as done.
    pub(crate) fn take(&mut self, action: &str) -> Option<Misbehaviour> {
        let concerns = |fault: &Fault| fault.action.as_deref().is_none_or(|wanted| wanted == action);
        let index = self.0.iter().position(|fault| fault.times > 0 && concerns(fault))?;
        let fault = self.0.get_mut(index)?;
        fault.times -= 1;
        let misbehaviour = fault.misbehaviour.clone();
        self.0.retain(|fault| fault.times > 0);
        Some(misbehaviour)
    }
}
