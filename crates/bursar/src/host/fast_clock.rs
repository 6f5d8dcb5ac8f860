//! A fast clock across restarts: where it begins, and the mark in the database from which the next start goes on.

use bursar_store::clock::machine_time;
use bursar_store::{Clock, EngineKind, Store, StoreError, Timestamp};

/// How far ahead of the clock its mark lies, in real milliseconds: more than the distance of two writings of it, so
/// that a killed server has shown no time that is not below the mark.
const RESERVE_MS: i64 = 10_000;

/// A clock that runs `factor` times as fast from now on. It goes on where the database stands, or with real time
/// when that is later.
pub(super) fn going_on(latest: Option<Timestamp>, factor: u32) -> Clock {
    let origin = machine_time();
    Clock::Fast { origin, shown: latest.map_or(origin, |latest| latest.max(origin)), factor }
}

/// Writes the mark ahead of a fast clock; to be repeated well within the reserve. Under any other clock, nothing.
///
/// Several servers on one PostgreSQL share their marks, and one that ran ahead would make the others stand still, so
/// there the marks of the desks' own batches have to do.
pub(crate) fn reserve(store: &Store) -> Result<(), StoreError> {
    mark(store, RESERVE_MS)
}

/// Takes the reserve back once nothing writes any more: the next start goes on right here.
pub(crate) fn rest(store: &Store) -> Result<(), StoreError> {
    mark(store, 0)
}

fn mark(store: &Store, ahead_ms: i64) -> Result<(), StoreError> {
    let Clock::Fast { factor, .. } = store.clock() else { return Ok(()) };
    if store.kind() != EngineKind::Sqlite {
        return Ok(());
    }
    let ahead_ms = ahead_ms.saturating_mul(i64::from(*factor));
    store.transact("host.fast_clock", |tx| {
        let at = tx.reading()?.after_ms(ahead_ms);
        tx.mark_fast_clock(at)
    })
}

#[cfg(test)]
mod tests {
    use bursar_store::{DatabaseUrl, OpenMode, StoreOptions};

    use super::*;

    const AHEAD_MS: i64 = 86_400_000;

    fn store(folder: &tempfile::TempDir, clock: Clock) -> Store {
        let url = DatabaseUrl::Sqlite(folder.path().join("bursar.db"));
        Store::open(&url, StoreOptions { clock, ..StoreOptions::new(OpenMode::Server) }).unwrap()
    }

    fn latest(store: &Store) -> Timestamp {
        store.read("test.latest", |tx| tx.latest_mark()).unwrap().unwrap()
    }

    #[test]
    fn it_begins_with_the_later_of_real_time_and_the_database() {
        let shown = |latest: Option<i64>| match going_on(latest.map(Timestamp::from_ms), 60) {
            Clock::Fast { origin, shown, factor: 60 } => shown.ms() - origin.ms(),
            other => panic!("{other:?}"),
        };
        assert_eq!(shown(None), 0);
        assert_eq!(shown(Some(1_700_000_000_000)), 0);
        let ahead = machine_time().after_ms(AHEAD_MS);
        let begun = shown(Some(ahead.ms()));
        assert!((AHEAD_MS - 60_000..=AHEAD_MS).contains(&begun), "{begun}");
    }

    #[test]
    fn while_it_runs_its_mark_lies_ahead_and_at_rest_right_where_it_stands() {
        let folder = tempfile::tempdir().unwrap();
        let ahead = machine_time().after_ms(AHEAD_MS);
        let store = store(&folder, going_on(Some(ahead), 60));
        store.migrate(&[]).unwrap();
        reserve(&store).unwrap();
        assert!(latest(&store) >= ahead.after_ms(60 * RESERVE_MS));
        rest(&store).unwrap();
        let reading = store.read("test.reading", |tx| tx.reading()).unwrap();
        assert!(latest(&store) >= ahead && latest(&store) <= reading);
    }

    #[test]
    fn no_other_clock_leaves_a_mark() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder, Clock::System);
        store.migrate(&[]).unwrap();
        reserve(&store).unwrap();
        rest(&store).unwrap();
        assert_eq!(store.read("test.latest", |tx| tx.latest_mark()).unwrap(), None);
    }
}
