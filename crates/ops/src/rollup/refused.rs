//! Whom refusals struck most in a span of time (docs/spec/rounds.md R52).

use std::collections::BTreeMap;

use bursar_store::{Param, StoreError, Tx};

/// A caller that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedCaller {
    /// The desk.
    pub desk: String,
    /// Who, such as a wallet; empty = those that were too many to be kept apart.
    pub subject: String,
    /// How often.
    pub calls: i64,
    /// How often with each code.
    pub codes: BTreeMap<String, i64>,
}

/// The `most` most refused callers in the minutes of `span`, most refused first. However many were refused, no more are
/// held in memory.
pub(super) fn most_refused(
    tx: &mut Tx<'_>,
    span: [Param<'static>; 2],
    most: usize,
) -> Result<Vec<RefusedCaller>, StoreError> {
    let [from, until] = span;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let sql = "SELECT desk, subject, CAST(SUM(calls) AS BIGINT) AS all_calls FROM ops_refusal \
               WHERE minute >= $1 AND minute < $2 GROUP BY desk, subject \
               ORDER BY all_calls DESC, desk, subject LIMIT $3";
    let callers = tx.query(sql, &[from, until, most.into()], |row| {
        Ok((row.get::<String>(0)?, row.get::<String>(1)?, row.get::<i64>(2)?))
    })?;
    let sql = "SELECT code, CAST(SUM(calls) AS BIGINT) FROM ops_refusal \
               WHERE minute >= $1 AND minute < $2 AND desk = $3 AND subject = $4 GROUP BY code";
    let mut refused = Vec::with_capacity(callers.len());
    for (desk, subject, calls) in callers {
        let params = [from, until, Param::Text(&desk), Param::Text(&subject)];
        let codes = tx.query(sql, &params, |row| Ok((row.get::<String>(0)?, row.get::<i64>(1)?)))?;
        refused.push(RefusedCaller { desk, subject, calls, codes: codes.into_iter().collect() });
    }
    Ok(refused)
}
