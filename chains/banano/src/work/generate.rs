//! The search for work.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use super::{Root, Threshold, Work};

/// Nonces tried between two looks at the stop signs.
const STRIDE: u64 = 1_024;

/// Work for `root`, found by at most `threads` threads; `None` once `cancel` is set. Without a cancel it ends when it
/// has found something: at Banano's threshold after 2^23 trials on average.
#[must_use]
pub fn generate(
    root: &Root,
    threshold: Threshold,
    threads: NonZeroUsize,
    cancel: &AtomicBool,
) -> Option<Work> {
    let next = AtomicU64::new(first_nonce(root));
    let found = AtomicBool::new(false);
    let search = || search(root, threshold, &next, &found, cancel);
    if threads.get() == 1 {
        return search();
    }
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads.get())
            .filter_map(|_| {
                thread::Builder::new().name("banano-work".to_owned()).spawn_scoped(scope, search).ok()
            })
            .collect();
        let mine = search();
        others.into_iter().fold(mine, |best, other| best.or(other.join().ok().flatten()))
    })
}

/// Where the search begins: anywhere will do, and it may as well be the same place each time.
fn first_nonce(root: &Root) -> u64 {
    root.0.first_chunk().map_or(0, |start| u64::from_le_bytes(*start))
}

/// Takes one stride of nonces after another from `next` until somebody found work or all shall stop.
fn search(
    root: &Root,
    threshold: Threshold,
    next: &AtomicU64,
    found: &AtomicBool,
    cancel: &AtomicBool,
) -> Option<Work> {
    while !found.load(Ordering::Relaxed) && !cancel.load(Ordering::Relaxed) {
        let start = next.fetch_add(STRIDE, Ordering::Relaxed);
        let work = (0..STRIDE)
            .map(|offset| Work(start.wrapping_add(offset)))
            .find(|&work| threshold.admits(root, work));
        if work.is_some() {
            found.store(true, Ordering::Relaxed);
            return work;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const EASY: Threshold = Threshold(0xfff0_0000_0000_0000);
    const IMPOSSIBLE: Threshold = Threshold(u64::MAX);

    #[test]
    fn what_is_found_is_enough_whatever_the_number_of_threads() {
        for threads in [1, 2, 5] {
            let root = Root([threads; 32]);
            let threads = NonZeroUsize::new(usize::from(threads)).unwrap();
            let work = generate(&root, EASY, threads, &AtomicBool::new(false)).unwrap();
            assert!(EASY.admits(&root, work));
        }
    }

    #[test]
    fn a_cancelled_search_ends_without_work() {
        let cancel = AtomicBool::new(true);
        assert_eq!(generate(&Root([1; 32]), IMPOSSIBLE, NonZeroUsize::new(2).unwrap(), &cancel), None);
        let cancel = AtomicBool::new(false);
        thread::scope(|scope| {
            let search = scope.spawn(|| generate(&Root([1; 32]), IMPOSSIBLE, NonZeroUsize::MIN, &cancel));
            cancel.store(true, Ordering::Relaxed);
            assert_eq!(search.join().unwrap(), None);
        });
    }
}
