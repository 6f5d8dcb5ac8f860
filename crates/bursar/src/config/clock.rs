//! Which clock the server runs on (`BURSAR_CLOCK`, or the flag of the same meaning).

use super::desks::Owner;
use super::mode::Mode;
use super::problem::Problem;
use super::values::Values;

/// The clock asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockChoice {
    /// Real time.
    System,
    /// Frozen at this Unix time in milliseconds until it is moved by request.
    Manual {
        /// Unix milliseconds.
        start_ms: i64,
    },
    /// Real time, running this many times as fast.
    Fast {
        /// 1 to 1000.
        factor: u32,
    },
}

/// Reads `system`, `manual:<unix ms>` or `x<factor>`.
pub(super) fn parse(text: &str) -> Option<ClockChoice> {
    if text == "system" {
        return Some(ClockChoice::System);
    }
    if let Some(start) = text.strip_prefix("manual:") {
        let start_ms = start.parse().ok().filter(|ms| *ms >= 0)?;
        return Some(ClockChoice::Manual { start_ms });
    }
    let factor = text.strip_prefix('x')?.parse().ok().filter(|factor| (1..=1000).contains(factor))?;
    Some(ClockChoice::Fast { factor })
}

/// The clock in force; anything but real time is a problem in production.
pub(super) fn choose(values: &Values, mode: Mode, problems: &mut Vec<Problem>) -> ClockChoice {
    let choice = values.value("BURSAR_CLOCK").and_then(parse).unwrap_or(ClockChoice::System);
    if mode == Mode::Production && choice != ClockChoice::System {
        problems.push(Problem::new(
            Owner::Platform,
            "BURSAR_CLOCK",
            "asks for a clock that does not follow real time, which production refuses",
            "remove it, or set it to system",
        ));
        return ClockChoice::System;
    }
    choice
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_real_frozen_or_fast() {
        assert_eq!(parse("system"), Some(ClockChoice::System));
        assert_eq!(parse("manual:1700000040000"), Some(ClockChoice::Manual { start_ms: 1_700_000_040_000 }));
        assert_eq!(parse("x20"), Some(ClockChoice::Fast { factor: 20 }));
        for bad in ["", "manual", "manual:", "manual:-1", "manual:1.5", "x0", "x1001", "x", "20", "System"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
