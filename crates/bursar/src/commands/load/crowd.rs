//! Many at once, but no more than so many: threads that take the next piece of work as soon as they are free.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{Builder, scope};

use super::progress::Bar;
use super::server::{Connection, Server};

/// Each thread waits for one answer at a time and needs little.
const STACK_BYTES: usize = 1024 * 1024;

/// Does `work` on every item with at most `workers` connections, and returns the results in the order of the items.
pub fn each<T: Sync, R: Send>(
    server: &Server,
    workers: usize,
    bar: &Bar,
    items: &[T],
    work: impl Fn(&Connection, &T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let one_worker = || {
        let (connection, mut done) = (server.connect(), Vec::new());
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return done };
            done.push((index, work(&connection, item)));
            bar.step();
        }
    };
    let mut done = scope(|threads| {
        // This thread works too; where the system gives no more threads, fewer do the work.
        let others = 1..workers.min(items.len());
        let others = others.map(|_| Builder::new().stack_size(STACK_BYTES).spawn_scoped(threads, one_worker));
        let others: Vec<_> = others.map_while(Result::ok).collect();
        let mut done = one_worker();
        for other in others {
            match other.join() {
                Ok(more) => done.extend(more),
                Err(panic) => resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}
