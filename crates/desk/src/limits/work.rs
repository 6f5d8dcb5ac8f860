//! The limit lane's batches: settings and counters loaded once, every charge decided in order, counters saved.

use std::collections::BTreeMap;

use bursar_control::settings::{self, Setting};
use bursar_control::{ConfigTable, FixedWindow, RateWindows, Verdict};
use bursar_store::lane::Work;
use bursar_store::{StoreError, Timestamp, Tx};

use super::{Charge, Charged, LiveLimit};

/// Batches of this lane take turns on this clock.
const CLOCK: &str = "limits";

pub(super) struct LimitWork;

/// What a batch knows: the numbers in force and the counters that it touches, by desk.
struct State {
    settings: BTreeMap<(&'static str, &'static str), i64>,
    windows: BTreeMap<&'static str, RateWindows>,
}

impl Work for LimitWork {
    type Command = Charge;
    type Reply = Charged;

    fn unit(&self) -> &'static str {
        "desk.limits"
    }

    fn run(&mut self, tx: &mut Tx<'_>, charges: &[Charge]) -> Result<Vec<Charged>, StoreError> {
        let now = tx.open_clock(CLOCK)?;
        let mut state = load(tx, charges, now)?;
        let replies = charges.iter().map(|charge| decide(&mut state, charge, now)).collect();
        for windows in state.windows.values() {
            windows.save(tx)?;
        }
        tx.close_clock(CLOCK, now)?;
        Ok(replies)
    }
}

fn load(tx: &mut Tx<'_>, charges: &[Charge], now: Timestamp) -> Result<State, StoreError> {
    let mut state = State { settings: BTreeMap::new(), windows: BTreeMap::new() };
    let limits = || charges.iter().flat_map(|charge| &charge.limits);
    let mut tables: BTreeMap<&'static str, (ConfigTable, Vec<Setting>)> = BTreeMap::new();
    for (limit, _) in limits() {
        let (_, wanted) = tables.entry(limit.table.desk).or_insert_with(|| (limit.table, Vec::new()));
        wanted.extend([limit.limit, limit.window_ms]);
    }
    for (desk, (table, wanted)) in &mut tables {
        wanted.sort_unstable_by_key(|setting| setting.key);
        wanted.dedup_by_key(|setting| setting.key);
        let values = settings::values(tx, *table, wanted)?;
        state.settings.extend(values.into_iter().map(|(key, value)| ((*desk, key), value)));
    }
    for desk in tables.keys() {
        let of_desk = limits().filter(|(limit, _)| limit.table.desk == *desk);
        let keys: Vec<(FixedWindow, String)> =
            of_desk.map(|(limit, who)| (state.window(limit), key(limit, who))).collect();
        let mut windows = RateWindows::new(desk);
        windows.load(tx, keys.iter().map(|(window, key)| (*window, key.as_str())), now)?;
        state.windows.insert(desk, windows);
    }
    Ok(state)
}

fn decide(state: &mut State, charge: &Charge, now: Timestamp) -> Charged {
    for (limit, who) in &charge.limits {
        let window = state.window(limit);
        let desk = limit.table.desk;
        let windows = state.windows.entry(desk).or_insert_with(|| RateWindows::new(desk));
        if let Verdict::Limited { retry_after_s } = windows.hit(window, &key(limit, who), now) {
            return Charged::Limited { desk, bucket: limit.bucket(), window, retry_after_s };
        }
    }
    Charged::Passed
}

fn key(limit: &LiveLimit, who: &str) -> String {
    format!("{}{who}", limit.prefix)
}

impl State {
    fn window(&self, limit: &LiveLimit) -> FixedWindow {
        let value = |setting: Setting| {
            let value = self.settings.get(&(limit.table.desk, setting.key));
            value.copied().unwrap_or(setting.default)
        };
        FixedWindow { limit: value(limit.limit), window_ms: value(limit.window_ms) }
    }
}
