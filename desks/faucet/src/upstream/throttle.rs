//! Our own limit on questions to the statistics: a token bucket whose rate follows what the answers show. Pure: time is
//! passed in, waits are returned.

/// Milli-calls a minute in one call a minute.
const MILLI: u64 = 1_000;
/// What one question costs. A bucket gains its limit in milli-calls a minute with each millisecond, so that nothing is
/// ever rounded: one call is 1,000 milli-calls x 60,000 ms.
const ONE_CALL: u64 = MILLI * 60_000;

/// Bounds of the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottleSettings {
    /// Calls a minute to start with.
    pub per_minute: u32,
    /// Calls a minute below which unchanged answers do not slow us down.
    pub floor: u32,
    /// Calls a minute above which growth does not speed us up.
    pub ceiling: u32,
    /// Questions under way at the same time.
    pub concurrent: u32,
}

impl Default for ThrottleSettings {
    fn default() -> ThrottleSettings {
        ThrottleSettings { per_minute: 60, floor: 10, ceiling: 600, concurrent: 4 }
    }
}

/// Whether a question may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Admission {
    /// Send it, and call [`Throttle::finish`] when it is over.
    Go,
    /// There is room in so many milliseconds, and not before.
    Wait {
        /// At least 1.
        ms: u64,
    },
    /// There is room once a question under way is over.
    Busy,
}

/// What an answer says about how fast to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The kills grew: the limit rises by 5 % and one call a minute.
    Grown,
    /// They did not: it falls by 5 %.
    Unchanged,
    /// The answer says nothing about it.
    Unknown,
}

/// The bucket. It holds at most a minute's worth of calls and starts full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Throttle {
    settings: ThrottleSettings,
    limit_milli: u64,
    level: u64,
    filled_at_ms: u64,
    held_until_ms: u64,
    under_way: u32,
}

impl Throttle {
    /// A full bucket. A start outside the bounds is moved to the nearer one; a floor of 0 counts as 1.
    #[must_use]
    pub fn new(settings: ThrottleSettings, now_ms: u64) -> Throttle {
        let floor = settings.floor.max(1);
        let settings = ThrottleSettings {
            floor,
            ceiling: settings.ceiling.max(floor),
            concurrent: settings.concurrent.max(1),
            ..settings
        };
        let start = settings.per_minute.clamp(settings.floor, settings.ceiling);
        let limit_milli = u64::from(start) * MILLI;
        Throttle {
            settings,
            limit_milli,
            level: capacity(limit_milli),
            filled_at_ms: now_ms,
            held_until_ms: 0,
            under_way: 0,
        }
    }

    /// Asks for room for one question, and takes it where there is some.
    pub fn admit(&mut self, now_ms: u64) -> Admission {
        if self.under_way >= self.settings.concurrent {
            return Admission::Busy;
        }
        self.fill(now_ms);
        let held_ms = self.held_until_ms.saturating_sub(self.filled_at_ms);
        let missing_ms = ONE_CALL.saturating_sub(self.level).div_ceil(self.limit_milli);
        let ms = held_ms.max(missing_ms);
        if ms > 0 {
            return Admission::Wait { ms };
        }
        self.level -= ONE_CALL;
        self.under_way += 1;
        Admission::Go
    }

    /// A question is over.
    pub fn finish(&mut self, now_ms: u64, effect: Effect) {
        self.under_way = self.under_way.saturating_sub(1);
        // The time until now still counts at the old limit.
        self.fill(now_ms);
        let wanted = match effect {
            Effect::Grown => self.limit_milli * 105 / 100 + MILLI,
            Effect::Unchanged => self.limit_milli * 95 / 100,
            Effect::Unknown => self.limit_milli,
        };
        let floor = u64::from(self.settings.floor) * MILLI;
        let ceiling = u64::from(self.settings.ceiling) * MILLI;
        self.limit_milli = wanted.clamp(floor, ceiling);
        self.level = self.level.min(capacity(self.limit_milli));
    }

    /// Sends nothing before this moment, as the service asked; an earlier one changes nothing.
    pub fn hold_until(&mut self, moment_ms: u64) {
        self.held_until_ms = self.held_until_ms.max(moment_ms);
    }

    /// The limit in thousandths of a call a minute.
    #[must_use]
    pub const fn limit_milli_per_minute(&self) -> u64 {
        self.limit_milli
    }

    /// A clock that goes back gains nothing.
    fn fill(&mut self, now_ms: u64) {
        let elapsed_ms = now_ms.saturating_sub(self.filled_at_ms);
        let gained = elapsed_ms.saturating_mul(self.limit_milli);
        self.level = self.level.saturating_add(gained).min(capacity(self.limit_milli));
        self.filled_at_ms = self.filled_at_ms.max(now_ms);
    }
}

/// A minute's worth, in the bucket's unit.
const fn capacity(limit_milli: u64) -> u64 {
    limit_milli * 60_000
}
