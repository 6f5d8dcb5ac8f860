//! Delivering audit events to the configured webhook (docs/spec/platform.md X3).

use std::sync::Arc;

use bursar_audit::{due_deliveries, mark_delivered, mark_failed};
use bursar_desk::Platform;
use bursar_desk::job::{Cadence, Job, JobFault, JobTurn, Progress};
use bursar_store::{Store, StoreError, Timestamp, Tx};

use super::webhook::Webhook;
use crate::config::Configuration;

/// How often the outbox is looked at. Real time.
const CADENCE_MS: i64 = 1_000;
/// Deliveries claimed at a time.
const CLAIM: i64 = 20;
/// Without a receiver, events leave the outbox after a day: somebody may still configure one.
const KEPT_UNSENT_MS: i64 = 86_400_000;

pub(super) fn job(platform: &Platform, configuration: &Configuration) -> Job {
    let store = Arc::clone(&platform.store);
    let name = "platform.audit_outbox";
    let webhook = Webhook::new(configuration, ["AUDIT_WEBHOOK_URL", "AUDIT_WEBHOOK_SECRET"]);
    if !webhook.is_set() {
        return Job::new(name, Cadence::every_ms(3_600_000), move |_| {
            store.transact("audit.outbox_purge", |tx| {
                let before = tx.reading()?.after_ms(-KEPT_UNSENT_MS);
                tx.execute("DELETE FROM audit_outbox WHERE next_at < $1", &[before.into()])
            })?;
            Ok(Progress::Done)
        });
    }
    let receiver = Receiver { store, webhook };
    Job::new(name, Cadence::every_ms(CADENCE_MS), move |turn| receiver.deliver(turn))
        .when(next_due)
        .in_real_time()
}

fn next_due(tx: &mut Tx<'_>) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT next_at FROM audit_outbox ORDER BY next_at LIMIT 1";
    tx.query_first(sql, &[], |row| row.get(0))
}

struct Receiver {
    store: Arc<Store>,
    webhook: Webhook,
}

impl Receiver {
    fn deliver(&self, turn: &JobTurn) -> Result<Progress, JobFault> {
        let due = self.store.transact("audit.outbox_claim", |tx| {
            let now = tx.reading()?;
            due_deliveries(tx, now, CLAIM)
        })?;
        let mut failed = 0_usize;
        for delivery in &due {
            let answer = self.webhook.send(&delivery.body, |secrets, now| delivery.headers(secrets, now));
            if let Err(error) = &answer {
                failed += 1;
                tracing::warn!(event = delivery.event, %error, "an audit event was not delivered; it is tried again");
            }
            self.store.transact("audit.outbox_mark", |tx| match &answer {
                Ok(()) => mark_delivered(tx, delivery),
                Err(_) => {
                    let now = tx.reading()?;
                    mark_failed(tx, delivery, now)
                }
            })?;
            if turn.is_stopping() {
                break;
            }
        }
        let is_full = i64::try_from(due.len()).is_ok_and(|count| count == CLAIM);
        Ok(if is_full && failed == 0 { Progress::More } else { Progress::Done })
    }
}
