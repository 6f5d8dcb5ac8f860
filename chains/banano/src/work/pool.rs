//! Work computed ahead: one block per account, by a bounded number of threads, for the account that waits first.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::{Root, Threshold, Work, WorkError, WorkSource, generate};
use crate::keys::PublicKey;

/// How much a pool may do.
#[derive(Clone, Copy, Debug)]
pub struct PoolSettings {
    /// Threads that compute at a time.
    pub threads: NonZeroUsize,
    /// Accounts that work is kept for; beyond that the one asked for longest ago is dropped.
    pub accounts_max: NonZeroUsize,
}

/// Keeps work for the next block of each account. Dropping it stops the search.
pub struct WorkPool {
    pool: Arc<Pool>,
    worker: Option<JoinHandle<()>>,
}

struct Pool {
    settings: PoolSettings,
    state: Mutex<State>,
    changed: Condvar,
    /// Ends the search under way; only ever set or cleared under the lock.
    cancel: AtomicBool,
}

#[derive(Default)]
struct State {
    /// Oldest first; at most `accounts_max`.
    wanted: Vec<Wanted>,
    running: Option<(PublicKey, Root)>,
    closing: bool,
}

struct Wanted {
    account: PublicKey,
    root: Root,
    threshold: Threshold,
    work: Option<Work>,
    waiting: usize,
}

impl WorkPool {
    /// Starts a pool with a thread of its own, which starts the others while there is something to compute.
    pub fn start(settings: PoolSettings) -> std::io::Result<WorkPool> {
        let pool = Arc::new(Pool {
            settings,
            state: Mutex::default(),
            changed: Condvar::new(),
            cancel: AtomicBool::new(false),
        });
        let for_worker = Arc::clone(&pool);
        let worker =
            thread::Builder::new().name("banano-work".to_owned()).spawn(move || for_worker.compute())?;
        Ok(WorkPool { pool, worker: Some(worker) })
    }

    /// Whether work for this root lies ready.
    #[must_use]
    pub fn is_ready(&self, account: &PublicKey, root: &Root) -> bool {
        let state = self.pool.state.lock();
        state.wanted.iter().any(|wanted| wanted.is_of(account, root) && wanted.work.is_some())
    }
}

impl WorkSource for WorkPool {
    fn prefetch(&self, account: &PublicKey, root: &Root, threshold: Threshold) {
        self.pool.want(&mut self.pool.state.lock(), account, root, threshold);
    }

    fn work(
        &self,
        account: &PublicKey,
        root: &Root,
        threshold: Threshold,
        wait: Duration,
    ) -> Result<Work, WorkError> {
        let pool = &*self.pool;
        let deadline = Instant::now() + wait;
        let mut state = pool.state.lock();
        pool.want(&mut state, account, root, threshold);
        state.count_waiting(account, root, |waiting| waiting.saturating_add(1));
        loop {
            let Some(wanted) = state.wanted.iter().find(|wanted| wanted.is_of(account, root)) else {
                return Err(WorkError::Superseded);
            };
            let work = wanted.work;
            let late = work.is_none() && pool.changed.wait_until(&mut state, deadline).timed_out();
            if work.is_some() || late {
                state.count_waiting(account, root, |waiting| waiting.saturating_sub(1));
                return work.ok_or(WorkError::NotReady);
            }
        }
    }
}

impl Drop for WorkPool {
    fn drop(&mut self) {
        {
            let mut state = self.pool.state.lock();
            state.closing = true;
            self.pool.cancel.store(true, Ordering::Relaxed);
        }
        self.pool.changed.notify_all();
        if let Some(worker) = self.worker.take() {
            let _ = worker.join();
        }
    }
}

impl Pool {
    fn want(&self, state: &mut State, account: &PublicKey, root: &Root, threshold: Threshold) {
        let same = |wanted: &Wanted| wanted.is_of(account, root) && wanted.threshold >= threshold;
        if state.wanted.iter().any(same) {
            return;
        }
        state.wanted.retain(|wanted| wanted.account != *account);
        if state.wanted.len() >= self.settings.accounts_max.get() {
            state.wanted.remove(0);
        }
        state.wanted.push(Wanted { account: *account, root: *root, threshold, work: None, waiting: 0 });
        let obsolete = state.running.is_some_and(|(account, root)| !state.wants(&account, &root));
        if obsolete {
            self.cancel.store(true, Ordering::Relaxed);
        }
        self.changed.notify_all();
    }

    /// The worker's life: one search after another, the awaited ones first.
    fn compute(&self) {
        let mut state = self.state.lock();
        while !state.closing {
            let Some((account, root, threshold)) = state.next_search() else {
                self.changed.wait(&mut state);
                continue;
            };
            state.running = Some((account, root));
            self.cancel.store(false, Ordering::Relaxed);
            drop(state);
            let work = generate(&root, threshold, self.settings.threads, &self.cancel);
            state = self.state.lock();
            state.running = None;
            let of_it = |wanted: &&mut Wanted| wanted.is_of(&account, &root) && wanted.threshold == threshold;
            if let (Some(work), Some(wanted)) = (work, state.wanted.iter_mut().find(of_it)) {
                wanted.work = Some(work);
            }
            self.changed.notify_all();
        }
    }
}

impl State {
    fn wants(&self, account: &PublicKey, root: &Root) -> bool {
        self.wanted.iter().any(|wanted| wanted.is_of(account, root) && wanted.work.is_none())
    }

    fn next_search(&self) -> Option<(PublicKey, Root, Threshold)> {
        let open = || self.wanted.iter().filter(|wanted| wanted.work.is_none());
        let next = open().find(|wanted| wanted.waiting > 0).or_else(|| open().next())?;
        Some((next.account, next.root, next.threshold))
    }

    fn count_waiting(&mut self, account: &PublicKey, root: &Root, count: impl Fn(usize) -> usize) {
        if let Some(wanted) = self.wanted.iter_mut().find(|wanted| wanted.is_of(account, root)) {
            wanted.waiting = count(wanted.waiting);
        }
    }
}

impl Wanted {
    fn is_of(&self, account: &PublicKey, root: &Root) -> bool {
        self.account == *account && self.root == *root
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EASY: Threshold = Threshold(0xfff0_0000_0000_0000);
    const IMPOSSIBLE: Threshold = Threshold(u64::MAX);
    const LONG: Duration = Duration::from_secs(60);

    fn pool(accounts: usize) -> WorkPool {
        let accounts_max = NonZeroUsize::new(accounts).unwrap();
        WorkPool::start(PoolSettings { threads: NonZeroUsize::new(2).unwrap(), accounts_max }).unwrap()
    }

    fn account(number: u8) -> PublicKey {
        PublicKey([number; 32])
    }

    fn root(number: u8) -> Root {
        Root([number; 32])
    }

    #[test]
    fn work_wanted_ahead_is_there_without_waiting() {
        let pool = pool(4);
        pool.prefetch(&account(1), &root(1), EASY);
        while !pool.is_ready(&account(1), &root(1)) {
            thread::yield_now();
        }
        let work = pool.work(&account(1), &root(1), EASY, Duration::ZERO).unwrap();
        assert!(EASY.admits(&root(1), work));
    }

    #[test]
    fn a_newer_block_of_the_account_ends_the_search_for_the_older() {
        let pool = pool(4);
        pool.prefetch(&account(1), &root(1), IMPOSSIBLE);
        let work = pool.work(&account(1), &root(2), EASY, LONG).unwrap();
        assert!(EASY.admits(&root(2), work));
        assert!(!pool.is_ready(&account(1), &root(1)));
    }

    #[test]
    fn whoever_waits_for_the_older_is_told() {
        let pool = pool(4);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| pool.work(&account(1), &root(1), IMPOSSIBLE, LONG));
            while pool.pool.state.lock().wanted.is_empty() {
                thread::yield_now();
            }
            pool.prefetch(&account(1), &root(2), EASY);
            assert_eq!(waiting.join().unwrap(), Err(WorkError::Superseded));
        });
    }

    #[test]
    fn waiting_ends_at_its_deadline_and_dropping_the_pool_ends_the_search() {
        let pool = pool(4);
        let answer = pool.work(&account(1), &root(1), IMPOSSIBLE, Duration::from_millis(1));
        assert_eq!(answer, Err(WorkError::NotReady));
        drop(pool);
    }

    #[test]
    fn the_account_asked_for_longest_ago_makes_room() {
        let pool = pool(2);
        for number in 1..=3 {
            pool.work(&account(number), &root(number), EASY, LONG).unwrap();
        }
        let ready = [1, 2, 3].map(|number| pool.is_ready(&account(number), &root(number)));
        assert_eq!(ready, [false, true, true]);
    }

    #[test]
    fn a_higher_threshold_is_computed_anew() {
        let pool = pool(2);
        pool.work(&account(1), &root(1), Threshold(0), LONG).unwrap();
        let harder = pool.work(&account(1), &root(1), EASY, LONG).unwrap();
        assert!(EASY.admits(&root(1), harder));
    }
}
