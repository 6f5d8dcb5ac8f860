//! A load from its first window to its last reading.

use std::collections::VecDeque;
use std::time::Duration;

use secrecy::SecretString;

use super::clock::{ClockFault, ServerClock};
use super::entries::{Entry, draw};
use super::joining::{Fate, Joined, join};
use super::profile::Profile;
use super::progress::Waiting;
use super::server::Server;
use super::tally::Tally;
use super::verify::verify;
use super::window::Window;

/// What a load works with.
pub struct Run {
    /// The load.
    pub profile: Profile,
    /// From which the entries are drawn.
    pub seed: u64,
    /// The server under load.
    pub server: Server,
    /// Its clock.
    pub clock: ServerClock,
    /// Opens the operators' summary, where the fees stand.
    pub ops_key: Option<SecretString>,
}

/// Entries that were accepted in one window and wait for its end.
struct Joining<'a> {
    window: Window,
    accepted: Vec<&'a Entry>,
}

/// What a load has still to do.
struct Remaining<'a> {
    stages: VecDeque<VecDeque<&'a Entry>>,
    /// Joined, not read yet; oldest first.
    unread: VecDeque<Joining<'a>>,
    last_joined: Option<Window>,
}

/// What to do next.
enum Step {
    Read,
    Join(Window),
    WaitUntil(i64),
    Stop,
}

impl Run {
    /// Sends everything, waits for each window's end, reads and checks.
    pub fn drive(&self) -> Result<Tally, ClockFault> {
        let total = self.profile.stages.iter().sum();
        let entries = draw(self.seed, total);
        let mut tally = Tally::new(&self.profile.stages);
        let mut remaining = Remaining::of(&self.profile.stages, &entries);
        loop {
            match self.next(&remaining) {
                Step::Read => {
                    if let Some(joining) = remaining.unread.pop_front() {
                        verify(self, joining.window, &joining.accepted, &mut tally)?;
                    }
                }
                Step::Join(window) => self.join(window, &mut remaining, &mut tally),
                Step::WaitUntil(until_ms) => {
                    let waiting = Waiting::of(format!("waiting for {}", until_ms / 1_000));
                    self.clock.wait_until(until_ms, |left_ms| waiting.left(left_ms))?;
                }
                Step::Stop => return Ok(tally),
            }
        }
    }

    /// Readings come first and at their instant, also when that costs the next window some of its time.
    fn next(&self, remaining: &Remaining<'_>) -> Step {
        let now_ms = self.clock.now_ms();
        let read_at = remaining.unread.front().map(|joining| joining.window.end_ms() + self.profile.grace_ms);
        if read_at.is_some_and(|at| now_ms >= at) {
            return Step::Read;
        }
        if remaining.is_all_sent() {
            return read_at.map_or(Step::Stop, Step::WaitUntil);
        }
        let current = Window::current(now_ms);
        let is_new = remaining.last_joined.is_none_or(|last| current > last);
        let begin_until = current.lock_ms() - self.profile.begin_buffer_ms;
        if is_new && now_ms < begin_until {
            let read_first = read_at.filter(|at| *at < current.lock_ms());
            return read_first.map_or(Step::Join(current), Step::WaitUntil);
        }
        let next_start = current.next().start_ms();
        Step::WaitUntil(read_at.map_or(next_start, |at| at.min(next_start)))
    }

    fn join<'a>(&self, window: Window, remaining: &mut Remaining<'a>, tally: &mut Tally) {
        let Some(stage) = remaining.stages.iter().position(|stage| !stage.is_empty()) else { return };
        let Some(entries) = remaining.stages.get_mut(stage) else { return };
        let sent: Vec<&Entry> = entries.drain(..self.profile.window_max.min(entries.len())).collect();
        let Joined { fates, network_errors, postponed, elapsed } = join(self, window, &sent);
        tally.postponed += postponed;
        tally.network_errors += network_errors;
        let (mut accepted, mut took): (Vec<&Entry>, Vec<Duration>) = (Vec::new(), Vec::new());
        let mut unsent = Vec::new();
        for (entry, fate) in sent.into_iter().zip(fates) {
            match fate {
                Fate::Accepted(time) => {
                    accepted.push(entry);
                    took.push(time);
                }
                Fate::Failed(why) => tally.failed(stage, entry, &why),
                Fate::Unsent(why) if self.profile.is_one_window => tally.unsent(stage, entry, why.as_deref()),
                Fate::Unsent(_) => unsent.push(entry),
            }
        }
        // What the window was too short for goes into the next one.
        for entry in unsent.into_iter().rev() {
            entries.push_front(entry);
        }
        if self.profile.is_one_window {
            entries.drain(..).for_each(|entry| tally.unsent(stage, entry, None));
        }
        tally.joined(stage, took, elapsed);
        remaining.last_joined = Some(window);
        remaining.unread.push_back(Joining { window, accepted });
    }
}

impl<'a> Remaining<'a> {
    fn of(stages: &[usize], entries: &'a [Entry]) -> Remaining<'a> {
        let mut entries = entries.iter();
        let stages = stages.iter().map(|count| entries.by_ref().take(*count).collect()).collect();
        Remaining { stages, unread: VecDeque::new(), last_joined: None }
    }

    fn is_all_sent(&self) -> bool {
        self.stages.iter().all(VecDeque::is_empty)
    }
}
