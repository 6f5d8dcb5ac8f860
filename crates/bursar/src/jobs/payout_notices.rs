//! Telling callers from outside what became of their payouts (docs/spec/platform.md P7).

use std::sync::Arc;

use bursar_audit::{Recorder, sign};
use bursar_desk::Platform;
use bursar_desk::job::{Cadence, Job, JobFault, JobTurn, Progress};
use bursar_payouts::{Notice, drop_notices, due_notices, next_notice, notice_delivered, notice_failed};
use bursar_store::{Store, Timestamp};

use super::webhook::Webhook;
use crate::config::Configuration;

/// How often the outbox is looked at. Real time.
const CADENCE_MS: i64 = 1_000;
/// Deliveries claimed at a time.
const CLAIM: i64 = 20;
/// Without a receiver, notices leave after a day: somebody may still configure one.
const KEPT_UNSENT_MS: i64 = 86_400_000;

/// Whoever holds the job's lease delivers, so that one server does it at a time.
pub(super) fn job(platform: &Platform, configuration: &Configuration) -> Job {
    let store = Arc::clone(&platform.store);
    let name = "platform.payout_notices";
    let variables = ["BURSAR_PAYOUTS_WEBHOOK_URL", "BURSAR_PAYOUTS_WEBHOOK_SECRET"];
    let webhook = Webhook::new(configuration, variables);
    if !webhook.is_set() {
        return Job::new(name, Cadence::every_ms(3_600_000), move |_| {
            store.transact("payouts.notice_purge", |tx| {
                let before = tx.reading()?.after_ms(-KEPT_UNSENT_MS);
                drop_notices(tx, before)
            })?;
            Ok(Progress::Done)
        });
    }
    let receiver = Receiver { store, webhook, recorder: platform.recorder(name) };
    Job::new(name, Cadence::every_ms(CADENCE_MS), move |turn| receiver.deliver(turn))
        .when(next_notice)
        .in_real_time()
}

struct Receiver {
    store: Arc<Store>,
    webhook: Webhook,
    recorder: Recorder,
}

impl Receiver {
    fn deliver(&self, turn: &JobTurn) -> Result<Progress, JobFault> {
        let due = self.store.transact("payouts.notice_claim", |tx| {
            let now = tx.reading()?;
            due_notices(tx, now, CLAIM)
        })?;
        let mut is_any_delivered = false;
        for notice in &due {
            let answer = self.webhook.send(&notice.body, |secrets, now| headers(notice, secrets, now));
            if let Err(error) = &answer {
                tracing::warn!(notice = %notice.id, %error, "a change of a payout was not delivered; it is tried again");
            }
            is_any_delivered |= answer.is_ok();
            self.store.transact("payouts.notice_mark", |tx| match &answer {
                Ok(()) => notice_delivered(tx, notice),
                Err(_) => {
                    let now = tx.reading()?;
                    notice_failed(tx, notice, &self.recorder, now)
                }
            })?;
            if turn.is_stopping() {
                return Ok(Progress::Done);
            }
        }
        // What was delivered lets the next change of the same payout go.
        Ok(if is_any_delivered { Progress::More } else { Progress::Done })
    }
}

/// Those of the audit webhook (X3).
fn headers(notice: &Notice, secrets: &[&[u8]], now: Timestamp) -> Vec<(&'static str, String)> {
    let signature = sign(secrets, now, &notice.body);
    vec![("X-Bursar-Delivery", notice.id.to_string()), ("X-Bursar-Signature", signature)]
}
