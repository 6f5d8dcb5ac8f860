//! Numbers in commit order: counter rows that stay locked from allocation to commit.

use crate::{Clock, EngineKind, StoreError, Timestamp, Tx};

/// A named counter of ids.
#[derive(Clone, Copy, Debug)]
pub struct Sequence(pub &'static str);

impl Tx<'_> {
    /// Takes `count` consecutive numbers and returns the first, at least 1. Nobody else can take any until this
    /// transaction ends, so numbers become visible in order; take them late.
    pub fn allocate(&mut self, sequence: Sequence, count: i64) -> Result<i64, StoreError> {
        let sql = "INSERT INTO store_sequences (name, next) VALUES ($1, $2 + 1) \
                   ON CONFLICT (name) DO UPDATE SET next = store_sequences.next + $2 RETURNING next";
        let next = self.query_first(sql, &[sequence.0.into(), count.into()], |row| row.get::<i64>(0))?;
        match next {
            Some(next) => Ok(next - count),
            None => Err(StoreError::Decode(format!("sequence {} returned nothing", sequence.0))),
        }
    }

    /// The last number that was taken in a transaction that is visible here; 0 = none.
    pub fn allocated(&mut self, sequence: Sequence) -> Result<i64, StoreError> {
        let sql = "SELECT next FROM store_sequences WHERE name = $1";
        let next = self.query_first(sql, &[sequence.0.into()], |row| row.get::<i64>(0))?;
        Ok(next.map_or(0, |next| next - 1))
    }

    /// The batch's time: one reading, never before any earlier one of the same `scope` (invariant TIME-MONOTONE). Locks the
    /// scope, so that the batches of one scope take turns; `Tx::close_clock` stores the mark at the end.
    pub fn open_clock(&mut self, scope: &'static str) -> Result<Timestamp, StoreError> {
        let marked = match (self.engine(), self.clock.follows_database()) {
            (EngineKind::Postgres, true) => self.lock_and_read(scope)?,
            (engine, _) => {
                let sql = match engine {
                    EngineKind::Sqlite => "SELECT mark FROM store_clocks WHERE scope = $1",
                    EngineKind::Postgres => "SELECT mark FROM store_clocks WHERE scope = $1 FOR UPDATE",
                };
                let mark = self.query_first(sql, &[scope.into()], |row| row.get::<Timestamp>(0))?;
                mark.map(|mark| Ok((mark, self.reading()?))).transpose()?
            }
        };
        if let Some((mark, reading)) = marked {
            return Ok(mark.max(reading));
        }
        let reading = self.reading()?;
        let sql = "INSERT INTO store_clocks (scope, mark) VALUES ($1, $2)";
        self.execute(sql, &[scope.into(), reading.into()])?;
        Ok(reading)
    }

    /// Locks the scope first and reads the database's clock once the lock is granted.
    fn lock_and_read(&mut self, scope: &'static str) -> Result<Option<(Timestamp, Timestamp)>, StoreError> {
        let clock = self.clock.clone();
        let sql = "WITH locked AS MATERIALIZED (SELECT mark FROM store_clocks WHERE scope = $1 FOR UPDATE) \
                   SELECT mark, clock_timestamp() FROM locked";
        self.query_first(sql, &[scope.into()], |row| Ok((row.get(0)?, clock.transform(row.get(1)?))))
    }

    /// Stores `now` as the mark below which the time of `scope` never falls again.
    pub fn close_clock(&mut self, scope: &'static str, now: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE store_clocks SET mark = $2 WHERE scope = $1";
        self.execute(sql, &[scope.into(), now.into()]).map(|_| ())
    }

    /// What the clock says now, without locking anything: for reads.
    pub fn reading(&mut self) -> Result<Timestamp, StoreError> {
        let clock = self.clock.clone();
        if let Clock::Manual(at_least) = clock {
            return Ok(self.manual_clock()?.max(at_least));
        }
        if clock.follows_database() && self.engine() == EngineKind::Postgres {
            let sql = "SELECT clock_timestamp()";
            let real = self.query_first(sql, &[], |row| row.get::<Timestamp>(0))?;
            return real.map(|real| clock.transform(real)).ok_or_else(|| StoreError::Decode("clock".into()));
        }
        Ok(clock.transform(self.machine_time))
    }

    /// Moves the manual clock to `at` unless it stands later already; all processes of the database follow.
    pub fn move_manual_clock(&mut self, at: Timestamp) -> Result<Timestamp, StoreError> {
        let sql = "INSERT INTO store_clocks (scope, mark) VALUES ('manual', $1) ON CONFLICT (scope) DO UPDATE \
                   SET mark = CASE WHEN excluded.mark > store_clocks.mark THEN excluded.mark \
                   ELSE store_clocks.mark END RETURNING mark";
        let now = self.query_first(sql, &[at.into()], |row| row.get(0))?;
        now.ok_or_else(|| StoreError::Decode("the manual clock returned nothing".into()))
    }

    fn manual_clock(&mut self) -> Result<Timestamp, StoreError> {
        let sql = "SELECT mark FROM store_clocks WHERE scope = 'manual'";
        let mark = self.query_first(sql, &[], |row| row.get::<Timestamp>(0))?;
        Ok(mark.unwrap_or(Timestamp::from_ms(0)))
    }

    pub(crate) fn record_batch(&mut self) -> Result<(), StoreError> {
        let (id, at) = (self.batch, self.machine_time);
        let sql = "INSERT INTO store_batches (id, at) VALUES ($1, $2)";
        self.execute(sql, &[id.into(), at.into()]).map(|_| ())
    }

    /// Whether the batch had no row until now. Waits for a transaction that is about to commit one.
    pub(crate) fn record_batch_if_absent(&mut self) -> Result<bool, StoreError> {
        let (id, at) = (self.batch, self.machine_time);
        let sql = "INSERT INTO store_batches (id, at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING";
        Ok(self.execute(sql, &[id.into(), at.into()])? == 1)
    }
}
