//! How requests go wrong, and which.

/// How a request goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misbehaviour {
    /// It is done, and answered this many milliseconds late.
    Delay(u64),
    /// It is done, and then the connection breaks without an answer.
    DropAnswer,
    /// It is done, and the connection breaks in the middle of the body.
    CutBody,
    /// It is not done, and the connection breaks.
    DropRequest,
    /// It is done and never answered.
    Silence,
    /// It is not done; the answer is this status. A 3xx leads to the same path.
    Status(u16),
    /// It is not done; the answer is 429.
    TooManyRequests {
        /// Told in the body's `retry_after` and, rounded up to seconds, in `Retry-After`; `None`: not told.
        retry_after_ms: Option<u64>,
    },
    /// It is done; the answer is no JSON.
    Garbage,
    /// It is not done; the answer is this body with status 200.
    Body(String),
    /// It is done; the answer is padded by 4 MiB.
    Oversized,
}

/// A misbehaviour and the requests it waits for.
struct Fault {
    operation: Option<String>,
    misbehaviour: Misbehaviour,
    times: u32,
}

/// The faults that wait for their requests, in the order in which they were set.
#[derive(Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn add(&mut self, operation: Option<&str>, misbehaviour: Misbehaviour, times: u32) {
        self.0.push(Fault { operation: operation.map(str::to_owned), misbehaviour, times });
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// What goes wrong with this request, counted as done.
    pub(crate) fn take(&mut self, operation: &str) -> Option<Misbehaviour> {
        let concerns = |fault: &Fault| fault.operation.as_deref().is_none_or(|wanted| wanted == operation);
        let fault = self.0.iter_mut().find(|fault| fault.times > 0 && concerns(fault))?;
        fault.times -= 1;
        let misbehaviour = fault.misbehaviour.clone();
        self.0.retain(|fault| fault.times > 0);
        Some(misbehaviour)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_waits_for_its_operation_and_lasts_for_the_requests_it_was_given() {
        let mut faults = Faults::default();
        faults.add(Some("token"), Misbehaviour::DropAnswer, 2);
        let met = ["token", "guilds", "token", "token"].map(|operation| faults.take(operation).is_some());
        assert_eq!(met, [true, false, true, false]);
    }
}
