//! Reading and setting switches: environment, row and control file together decide.

use std::collections::BTreeSet;
use std::sync::Arc;

use bursar_store::{EngineKind, Param, Store, StoreError, Timestamp, Tx};
use uuid::Uuid;

use crate::control_file::{ControlFile, RecordedStop};
use crate::switch::{StopSource, Switch, SwitchState};
use crate::table::ConfigTable;

/// How many switches one reading may ask for.
const READ_MAX: usize = 4;

/// What a process knows about stops besides the rows.
#[derive(Clone, Debug)]
pub struct Switchboard {
    stopped_by_environment: Arc<BTreeSet<&'static str>>,
    control_file: Option<ControlFile>,
}

/// One change of a switch, with who and why.
#[derive(Clone, Copy, Debug)]
pub struct SwitchChange<'a> {
    /// The table that holds it.
    pub table: ConfigTable,
    /// Which switch.
    pub switch: Switch,
    /// Stop it (else let it run).
    pub stop: bool,
    /// Who.
    pub actor: &'a str,
    /// Why.
    pub reason: &'a str,
    /// When a stop ends by itself, unless the switch is stopped for longer already.
    pub expires_at: Option<Timestamp>,
}

impl Switchboard {
    /// `stopped` are the environment variables that hold their switch stopped; `control_file` only when embedded.
    #[must_use]
    pub fn new(
        stopped: impl IntoIterator<Item = &'static str>,
        control_file: Option<ControlFile>,
    ) -> Switchboard {
        Switchboard { stopped_by_environment: Arc::new(stopped.into_iter().collect()), control_file }
    }

    /// Makes every commit of `store` look at the control file right before it.
    pub fn guard(&self, store: &Store) {
        if let Some(file) = &self.control_file {
            store.guard_commits(Arc::new(FileGuard(file.clone())));
        }
    }

    /// The control file, on the embedded engine.
    #[must_use]
    pub fn control_file(&self) -> Option<&ControlFile> {
        self.control_file.as_ref()
    }

    /// The states of up to four switches of one table, whose rows nobody can change until this transaction ends
    /// (invariant STOP-BINDS).
    pub fn read(
        &self,
        tx: &mut Tx<'_>,
        table: ConfigTable,
        switches: &[Switch],
        now: Timestamp,
    ) -> Result<Vec<SwitchState>, StoreError> {
        self.states(tx, locking(tx.engine(), table), switches, now)
    }

    /// The same without a lock, for transactions that only read: what it says may be over already.
    pub fn peek(
        &self,
        tx: &mut Tx<'_>,
        table: ConfigTable,
        switches: &[Switch],
        now: Timestamp,
    ) -> Result<Vec<SwitchState>, StoreError> {
        self.states(tx, table.peek, switches, now)
    }

    fn states(
        &self,
        tx: &mut Tx<'_>,
        sql: &'static str,
        switches: &[Switch],
        now: Timestamp,
    ) -> Result<Vec<SwitchState>, StoreError> {
        if switches.len() > READ_MAX {
            return Err(StoreError::Statement(format!("more than {READ_MAX} switches in one reading")));
        }
        let mut keys = [Param::Null; READ_MAX];
        keys.iter_mut().zip(switches).for_each(|(key, switch)| *key = Param::Text(switch.key));
        let rows = tx.query(sql, &keys, |row| {
            Ok((row.get::<String>(0)?, row.get::<String>(1)?, row.get::<Option<Timestamp>>(2)?))
        })?;
        let recorded = self.recorded();
        let state = |switch: &Switch| {
            if self.stopped_by_environment.contains(switch.variable) {
                return SwitchState::Stopped(StopSource::Environment);
            }
            let stopped_by_file = match &recorded {
                Ok(stops) => stops.iter().any(|stop| stop.desk == switch.desk && stop.key == switch.key),
                Err(_) => true,
            };
            if stopped_by_file {
                return SwitchState::Stopped(StopSource::ControlFile);
            }
            let row = rows.iter().find(|(key, ..)| key == switch.key);
            SwitchState::of_row(row.map(|(_, value, expires)| (value.as_str(), *expires)), now)
        };
        Ok(switches.iter().map(state).collect())
    }

    /// Lets nobody else change a row of this table until this transaction ends: for a change that depends on what else is
    /// true. SQLite's one writer needs no lock.
    pub fn take_turn(tx: &mut Tx<'_>, table: ConfigTable) -> Result<(), StoreError> {
        match tx.engine() {
            EngineKind::Sqlite => Ok(()),
            EngineKind::Postgres => tx.execute(table.close_gate, &[]).map(|_| ()),
        }
    }

    /// Sets switches, all in the transaction that is open. The control file is cleared by the caller afterwards. A stop
    /// never shortens one that lasts longer, nor ends one by itself that lasts until it is resumed: only a resume does.
    pub fn set(tx: &mut Tx<'_>, changes: &[SwitchChange<'_>], now: Timestamp) -> Result<(), StoreError> {
        for change in changes {
            let value = if change.stop { "on" } else { "off" };
            let params = [
                Param::Text(change.switch.key),
                Param::Text(value),
                Param::Text("operator"),
                Param::Text(change.actor),
                Param::Text(change.reason),
                change.expires_at.into(),
                Param::Time(now),
                Param::Uuid(tx.batch()),
                Param::Uuid(second_id(tx)),
            ];
            let sql = match change.expires_at {
                Some(_) if change.stop => change.table.stop_until,
                Some(_) | None => change.table.update,
            };
            if tx.execute(sql, &params)? == 0 {
                let text = format!(
                    "switch {} has no row in {}_config; run the migrations",
                    change.switch.key, change.table.desk
                );
                return Err(StoreError::Schema(text));
            }
        }
        Ok(())
    }

    /// The stops in the control file, or why they cannot be read (then everything counts as stopped).
    pub fn recorded(&self) -> Result<Vec<RecordedStop>, StoreError> {
        self.control_file.as_ref().map_or_else(|| Ok(Vec::new()), ControlFile::stops)
    }

    /// Whether the environment holds this switch stopped, so that a resume cannot take effect.
    #[must_use]
    pub fn is_held_by_environment(&self, switch: Switch) -> bool {
        self.stopped_by_environment.contains(switch.variable)
    }
}

/// The locking form of the read. SQLite's one writer needs no row lock.
fn locking(engine: EngineKind, table: ConfigTable) -> &'static str {
    match engine {
        EngineKind::Sqlite => table.peek,
        EngineKind::Postgres => table.lock_shared,
    }
}

/// Tells the second change of one row from the first within a transaction, both of which bear its batch id.
pub(crate) fn second_id(tx: &Tx<'_>) -> Uuid {
    Uuid::from_u128(!tx.batch().as_u128())
}

struct FileGuard(ControlFile);

impl bursar_store::CommitGuard for FileGuard {
    fn check(&self, epoch: u64) -> Result<(), StoreError> {
        if self.0.epoch() == epoch {
            return Ok(());
        }
        Err(StoreError::Guarded("a stop was recorded while the transaction ran".into()))
    }

    fn epoch(&self) -> u64 {
        self.0.epoch()
    }
}
