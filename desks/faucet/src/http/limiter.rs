//! The limits of the faucet's routes, exact over all processes: a lane of its own over stored buckets.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use bursar_control::{ConfigTable, RateKey, settings};
use bursar_desk::{LaneRefusal, call};
use bursar_store::Column::{Int, Time};
use bursar_store::lane::{Lane, LaneFault, LaneOptions, Work};
use bursar_store::{Bulk, Lock, Lookup, Param, Store, StoreError, Timestamp, Tx};
use bursar_web::ApiError;
use bursar_web::metrics::{CounterFamily, MetricError, Registry, Unit};
use bursar_web::platform_codes::OVERLOADED;

use super::bucket::Bucket;
use crate::DESK;
use crate::settings::{GLOBAL_PER_MINUTE, PER_IP_PER_MINUTE};

/// Batches take turns on this clock.
const CLOCK: &str = "faucet.limits";
const GLOBAL: &str = "global";
const PER_IP: &str = "per_ip";
/// A bucket that nobody used for so long is full again.
const KEPT_MS: i64 = 600_000;

static LOAD: LazyLock<Lookup> = LazyLock::new(|| {
    Lookup::new("key_hash, level, filled_at", "faucet_rate_bucket", &[("key_hash", Int)], Lock::None)
});
static SAVE: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [("key_hash", Int), ("level", Int), ("filled_at", Time)];
    Bulk::upsert("faucet_rate_bucket", &columns, "key_hash")
});

/// Counts calls.
pub(super) struct Limiter {
    lane: Arc<Lane<Buckets>>,
    refused: CounterFamily<1>,
}

/// Why a limiter cannot start.
#[derive(Debug, thiserror::Error)]
pub enum LimiterFault {
    /// No thread for its lane.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its counter cannot be registered.
    #[error(transparent)]
    Metric(#[from] MetricError),
}

impl Limiter {
    pub(super) fn start(store: Arc<Store>, metrics: &Registry) -> Result<Limiter, LimiterFault> {
        let refused =
            metrics.counter("http_rate_limited_total", "Calls refused by a limit.", ["scope"], Unit::ONE)?;
        for scope in [GLOBAL, PER_IP] {
            refused.with([scope]);
        }
        Ok(Limiter { lane: Arc::new(Lane::start(store, Buckets, LaneOptions::default())?), refused })
    }

    /// Counts one call; the time it was counted at. A store that fails closes the routes (L3).
    pub(super) async fn pass(&self, client: IpAddr) -> Result<Timestamp, ApiError> {
        let asked = call(&self.lane, client).await;
        match asked.map_err(closed)? {
            Ok(now) => Ok(now),
            Err(Limited { scope, retry_after_s }) => {
                self.refused.with([scope]).increment();
                Err(ApiError::rate_limited(retry_after_s).with_detail("scope", scope))
            }
        }
    }
}

fn closed(refusal: LaneRefusal) -> ApiError {
    let busy = ApiError::of(&OVERLOADED).with_retry_after(1);
    match refusal {
        LaneRefusal::Full(_) | LaneRefusal::Fault(LaneFault::Closed) => busy,
        LaneRefusal::Fault(fault) => busy.with_fault(&fault),
    }
}

#[derive(Debug)]
struct Limited {
    scope: &'static str,
    retry_after_s: u64,
}

struct Buckets;

/// A limit and whom it counts.
#[derive(Clone, Copy)]
struct Counted {
    scope: &'static str,
    key: i64,
    per_minute: i64,
}

impl Work for Buckets {
    type Command = IpAddr;
    type Reply = Result<Timestamp, Limited>;

    fn unit(&self) -> &'static str {
        CLOCK
    }

    fn run(&mut self, tx: &mut Tx<'_>, clients: &[IpAddr]) -> Result<Vec<Self::Reply>, StoreError> {
        let now = tx.open_clock(CLOCK)?;
        let limits = settings::values(tx, ConfigTable::FAUCET, &[GLOBAL_PER_MINUTE, PER_IP_PER_MINUTE])?;
        let per_minute = |key: &str| limits.get(key).copied().unwrap_or(0);
        let (global, per_ip) = (per_minute(GLOBAL_PER_MINUTE.key), per_minute(PER_IP_PER_MINUTE.key));
        let counted = |client: &IpAddr| {
            let key = |bucket: &str| RateKey::of(DESK, bucket).0;
            let own = Counted { scope: PER_IP, key: key(&format!("bucket:ip:{client}")), per_minute: per_ip };
            let all = Counted { scope: GLOBAL, key: key("bucket:global"), per_minute: global };
            // A limit of 0 is switched off.
            [all, own].into_iter().filter(|limit| limit.per_minute > 0).collect::<Vec<_>>()
        };
        let calls: Vec<Vec<Counted>> = clients.iter().map(counted).collect();
        let mut buckets = load(tx, calls.iter().flatten())?;
        let replies = calls.iter().map(|limits| decide(&mut buckets, limits, now)).collect();
        save(tx, &buckets)?;
        let sql = "DELETE FROM faucet_rate_bucket WHERE filled_at < $1";
        tx.execute(sql, &[now.after_ms(-KEPT_MS).into()])?;
        tx.close_clock(CLOCK, now)?;
        Ok(replies)
    }
}

/// Only a call that passes takes from the buckets: whoever is refused by one takes nothing from the others.
fn decide(
    buckets: &mut BTreeMap<i64, Bucket>,
    limits: &[Counted],
    now: Timestamp,
) -> Result<Timestamp, Limited> {
    for limit in limits {
        let bucket = buckets.get(&limit.key).copied();
        let bucket = bucket.unwrap_or_else(|| Bucket::full(limit.per_minute, now));
        let bucket = bucket.refilled(limit.per_minute, now);
        buckets.insert(limit.key, bucket);
        if let Some(retry_after_s) = bucket.wait_s(limit.per_minute) {
            return Err(Limited { scope: limit.scope, retry_after_s });
        }
    }
    for limit in limits {
        buckets.entry(limit.key).and_modify(|bucket| *bucket = bucket.charged());
    }
    Ok(now)
}

fn load<'c>(
    tx: &mut Tx<'_>,
    limits: impl Iterator<Item = &'c Counted>,
) -> Result<BTreeMap<i64, Bucket>, StoreError> {
    let mut keys: Vec<i64> = limits.map(|limit| limit.key).collect();
    keys.sort_unstable();
    keys.dedup();
    let keys: Vec<Param<'_>> = keys.into_iter().map(Param::Int).collect();
    let rows = tx.lookup(&LOAD, &keys, |row| {
        Ok((row.get::<i64>(0)?, Bucket { level: row.get(1)?, filled_at: row.get(2)? }))
    })?;
    Ok(rows.into_iter().collect())
}

fn save(tx: &mut Tx<'_>, buckets: &BTreeMap<i64, Bucket>) -> Result<(), StoreError> {
    let mut rows = Vec::with_capacity(buckets.len() * 3);
    for (key, bucket) in buckets {
        rows.extend([Param::Int(*key), Param::Int(bucket.level), Param::Time(bucket.filled_at)]);
    }
    tx.execute_many(&SAVE, &rows).map(|_| ())
}
