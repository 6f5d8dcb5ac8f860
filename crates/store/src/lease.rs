//! Leases: one holder at a time across processes, with a fencing token that every write of the holder checks.

use crate::{EngineKind, Param, StoreError, Timestamp, Tx};

pub use crate::lease_renewal::renewing;

/// A lease that was ours when it was taken; writes prove that it still is with [`Lease::check`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// What is leased, such as a job's name.
    pub name: String,
    /// Rises with every change of holder.
    pub token: i64,
}

impl Lease {
    /// Takes or renews the lease for `duration_ms`, or returns `None` while another holder's has not run out.
    pub fn take(
        tx: &mut Tx<'_>,
        name: &str,
        holder: &str,
        now: Timestamp,
        duration_ms: i64,
    ) -> Result<Option<Lease>, StoreError> {
        let until = now.after_ms(duration_ms);
        let sql = match tx.engine() {
            EngineKind::Sqlite => "SELECT holder, token, until FROM store_leases WHERE name = $1",
            EngineKind::Postgres => {
                "SELECT holder, token, until FROM store_leases WHERE name = $1 FOR UPDATE"
            }
        };
        let held = tx.query_first(sql, &[name.into()], |row| {
            Ok((row.get::<String>(0)?, row.get::<i64>(1)?, row.get::<Timestamp>(2)?))
        })?;
        let token = match held {
            // Of two takers that both find no row, the second one's insert fails and its unit runs again.
            None => {
                let sql = "INSERT INTO store_leases (name, holder, token, until) VALUES ($1, $2, 1, $3)";
                tx.execute(sql, &[name.into(), holder.into(), until.into()])?;
                return Ok(Some(Lease { name: name.to_owned(), token: 1 }));
            }
            Some((other, _, ends)) if other != holder && ends > now => return Ok(None),
            Some((other, token, _)) if other == holder => token,
            Some((_, token, _)) => token + 1,
        };
        let sql = "UPDATE store_leases SET holder = $2, token = $3, until = $4 WHERE name = $1";
        tx.execute(sql, &[name.into(), holder.into(), token.into(), until.into()])?;
        Ok(Some(Lease { name: name.to_owned(), token }))
    }

    /// Refuses when somebody else has taken the lease since; holds it against takers until this transaction ends.
    pub fn check(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let sql = match tx.engine() {
            EngineKind::Sqlite => "SELECT token FROM store_leases WHERE name = $1",
            EngineKind::Postgres => "SELECT token FROM store_leases WHERE name = $1 FOR SHARE",
        };
        match tx.query_first(sql, &[self.name.as_str().into()], |row| row.get::<i64>(0))? {
            Some(token) if token == self.token => Ok(()),
            _ => Err(StoreError::LeaseLost(self.name.clone())),
        }
    }

    /// Lets the lease last for `duration_ms` more of real time, if nobody else has taken it since. Whoever proves it in a
    /// transaction is waited for, so the time is read after that.
    pub fn renew(&self, tx: &mut Tx<'_>, duration_ms: i64) -> Result<(), StoreError> {
        let sql = match tx.engine() {
            EngineKind::Sqlite => "SELECT token FROM store_leases WHERE name = $1",
            EngineKind::Postgres => "SELECT token FROM store_leases WHERE name = $1 FOR UPDATE",
        };
        let token = tx.query_first(sql, &[self.name.as_str().into()], |row| row.get::<i64>(0))?;
        if token != Some(self.token) {
            return Err(StoreError::LeaseLost(self.name.clone()));
        }
        let until = tx.real_time()?.after_ms(duration_ms);
        let sql = "UPDATE store_leases SET until = $2 WHERE name = $1";
        tx.execute(sql, &[self.name.as_str().into(), until.into()]).map(|_| ())
    }

    /// Gives the lease back, so that the next taker need not wait for its end.
    pub fn release(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let sql = "UPDATE store_leases SET until = $3 WHERE name = $1 AND token = $2";
        let params = [self.name.as_str().into(), Param::Int(self.token), Timestamp::from_ms(0).into()];
        tx.execute(sql, &params).map(|_| ())
    }
}
