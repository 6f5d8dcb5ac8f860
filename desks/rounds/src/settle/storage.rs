//! Settlement rows: the plan, and how far its payouts are.

use std::sync::LazyLock;

use bursar_money::Amount;
use bursar_store::Column::{Amount as AmountColumn, Int, Text, Time};
use bursar_store::{Bulk, Lock, Lookup, Param, Row, StoreError, Timestamp, Tx};

use super::decide::{RefundReason, Verdict};
use super::plan::Plan;
use crate::oracle::PriceEvidence;
use crate::stake::Side;
use crate::timing::Round;

/// A stored settlement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// What was decided.
    pub plan: Plan,
    /// The side being paid out and its next entry; `None` when everything is paid.
    pub cursor: Option<(Side, i64)>,
}

impl Settlement {
    /// Whether an entry's payout is in the ledger already.
    #[must_use]
    pub fn is_posted(&self, side: Side, sequence: i64) -> bool {
        match self.cursor {
            None => true,
            Some((paying, next)) if paying == side => sequence > next,
            // Refunds pay the up side first.
            Some((paying, _)) => paying == Side::Down,
        }
    }
}

const COLUMNS: &str = "round_key, mode, winner, reason, total_cents, winning_cents, fee_cents, remainder_cents, \
    remainder_entry, start_requested_s, start_published_s, start_mantissa, start_exponent, start_confidence, \
    end_requested_s, end_published_s, end_mantissa, end_exponent, end_confidence, settled_at, cursor, next_side";

static BY_ROUND: LazyLock<Lookup> =
    LazyLock::new(|| Lookup::new(COLUMNS, "rounds_settlement", &[("round_key", Int)], Lock::None));
static INSERT: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [
        ("round_key", Int),
        ("mode", Int),
        ("winner", Int),
        ("reason", Text),
        ("total_cents", AmountColumn),
        ("winning_cents", AmountColumn),
        ("fee_cents", AmountColumn),
        ("remainder_cents", AmountColumn),
        ("remainder_entry", Int),
        ("start_requested_s", Int),
        ("start_published_s", Int),
        ("start_mantissa", Int),
        ("start_exponent", Int),
        ("start_confidence", Int),
        ("end_requested_s", Int),
        ("end_published_s", Int),
        ("end_mantissa", Int),
        ("end_exponent", Int),
        ("end_confidence", Int),
        ("settled_at", Time),
        ("cursor", Int),
        ("next_side", Int),
        ("settled_order", Int),
    ];
    Bulk::insert("rounds_settlement", &columns)
});

impl Settlement {
    /// The settlements of rounds, where there is one.
    pub fn load(tx: &mut Tx<'_>, rounds: &[Round]) -> Result<Vec<Settlement>, StoreError> {
        let keys: Vec<Param<'_>> = rounds.iter().map(|round| Param::Int(round.key())).collect();
        tx.lookup(&BY_ROUND, &keys, read_settlement)
    }

    /// The newest settlements, newest first.
    pub fn newest(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<Settlement>, StoreError> {
        let sql = "SELECT round_key, mode, winner, reason, total_cents, winning_cents, fee_cents, remainder_cents, \
            remainder_entry, start_requested_s, start_published_s, start_mantissa, start_exponent, start_confidence, \
            end_requested_s, end_published_s, end_mantissa, end_exponent, end_confidence, settled_at, cursor, next_side \
            FROM rounds_settlement ORDER BY settled_order DESC LIMIT $1";
        tx.query(sql, &[limit.into()], read_settlement)
    }

    /// Writes the settlement, once; a second one for the round is an error. `order` ascends with each.
    pub fn insert(&self, tx: &mut Tx<'_>, order: i64) -> Result<(), StoreError> {
        let plan = &self.plan;
        let zero = Amount::ZERO;
        let (mode, winner, reason, winning, fee, remainder) = match plan.verdict {
            Verdict::Win { winner, winning, fee, remainder } => {
                (0, Some(winner.code()), None, winning, fee, remainder)
            }
            Verdict::Refund(reason) => (1, None, Some(reason.word()), zero, zero, zero),
        };
        let mut row = vec![Param::Int(plan.round.key()), Param::Int(mode), winner.into(), reason.into()];
        row.extend([plan.total, winning, fee, remainder].map(Param::Amount));
        row.push(plan.remainder_entry.into());
        let sides = [plan.evidence.as_ref().map(|pair| &pair.0), plan.evidence.as_ref().map(|pair| &pair.1)];
        for evidence in sides {
            row.extend(evidence_params(evidence));
        }
        row.push(Param::Time(plan.settled_at));
        row.push(self.cursor.map(|(_, next)| next).into());
        row.push(self.cursor.map(|(side, _)| side.code()).into());
        row.push(Param::Int(order));
        tx.execute_many(&INSERT, &row).map(|_| ())
    }

    /// Moves the cursor; without one the settlement is complete at `now`.
    pub fn advance(
        &mut self,
        tx: &mut Tx<'_>,
        cursor: Option<(Side, i64)>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.cursor = cursor;
        let completed = if cursor.is_none() { Param::Time(now) } else { Param::Null };
        let sql = "UPDATE rounds_settlement SET cursor = $2, next_side = $3, completed_at = $4 WHERE round_key = $1";
        let params = [
            Param::Int(self.plan.round.key()),
            cursor.map(|(_, next)| next).into(),
            cursor.map(|(side, _)| side.code()).into(),
            completed,
        ];
        tx.execute(sql, &params).map(|_| ())
    }
}

fn evidence_params(evidence: Option<&PriceEvidence>) -> [Param<'static>; 5] {
    let Some(evidence) = evidence else { return [Param::Null; 5] };
    // Only without a bound on it can a confidence exceed 63 bits; it must not keep the round from being settled.
    let confidence = i64::try_from(evidence.confidence).unwrap_or(i64::MAX);
    let exponent = i64::from(evidence.exponent);
    [evidence.requested_second, evidence.publish_time, evidence.mantissa, exponent, confidence]
        .map(Param::Int)
}

fn read_settlement(row: &Row<'_>) -> Result<Settlement, StoreError> {
    let decode = |what: &str| StoreError::Decode(format!("settlement {what}"));
    let round = Round::from_key(row.get(0)?).ok_or_else(|| decode("round"))?;
    let winner = row.get::<Option<i64>>(2)?.map(Side::from_code).transpose()?;
    let reason = row.get::<Option<String>>(3)?;
    let verdict = match (row.get::<i64>(1)?, winner, reason.as_deref().and_then(RefundReason::from_word)) {
        (0, Some(winner), _) => {
            Verdict::Win { winner, winning: row.get(5)?, fee: row.get(6)?, remainder: row.get(7)? }
        }
        (1, None, Some(reason)) => Verdict::Refund(reason),
        _ => return Err(decode("mode")),
    };
    let evidence = match (read_evidence(row, 9)?, read_evidence(row, 14)?) {
        (Some(start), Some(end)) => Some((start, end)),
        _ => None,
    };
    let side = row.get::<Option<i64>>(21)?.map(Side::from_code).transpose()?;
    let (total, remainder_entry, settled_at) = (row.get(4)?, row.get(8)?, row.get(19)?);
    let plan = Plan { round, verdict, total, remainder_entry, evidence, settled_at };
    Ok(Settlement { plan, cursor: side.zip(row.get::<Option<i64>>(20)?) })
}

fn read_evidence(row: &Row<'_>, at: usize) -> Result<Option<PriceEvidence>, StoreError> {
    let Some(requested_second) = row.get::<Option<i64>>(at)? else { return Ok(None) };
    let narrow = |_| StoreError::Decode("price evidence".into());
    Ok(Some(PriceEvidence {
        requested_second,
        publish_time: row.get(at + 1)?,
        mantissa: row.get(at + 2)?,
        exponent: i32::try_from(row.get::<i64>(at + 3)?).map_err(narrow)?,
        confidence: u64::try_from(row.get::<i64>(at + 4)?).map_err(narrow)?,
    }))
}
