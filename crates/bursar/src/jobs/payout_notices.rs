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
                tracing::warn!(
                    notice = %notice.id, %error,
                    "a change of a payout was not delivered; it is tried until it is 30 days old, and given up then"
                );
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::{self, Write};
    use std::sync::Mutex;

    use bursar_audit::SaltKey;
    use bursar_store::lease::Lease;
    use bursar_store::{EngineKind, Param, StoreError};
    use bursar_test_stores::TestStore;
    use uuid::Uuid;

    use super::*;
    use crate::config::{Source, load};

    /// What this thread logs.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_is_given_up_is_not_said_to_be_tried_again() {
        let test =
            TestStore::with(EngineKind::Sqlite, &crate::schema::migrations(EngineKind::Sqlite), |_| {});
        let (store, now) = (test.store(), test.now());
        let made_ms = u128::try_from(now.after_ms(-31 * 86_400_000).ms()).unwrap();
        let lease = store.transact("test.notice", |tx| {
            let sql = "INSERT INTO payout_webhook (id, public_id, intent, body, attempts, next_at) \
                       VALUES (1, $1, 1, '{}', 900, $2)";
            tx.execute(sql, &[Param::Uuid(Uuid::from_u128(made_ms << 80)), now.into()])?;
            Lease::take(tx, "test.notices", "test", now, 1_000)?.ok_or(StoreError::Decode("no lease".into()))
        });
        // Nothing listens: no receiver is configured.
        let configuration = load(&Source::new(BTreeMap::new())).unwrap();
        let webhook =
            Webhook::new(&configuration, ["BURSAR_PAYOUTS_WEBHOOK_URL", "BURSAR_PAYOUTS_WEBHOOK_SECRET"]);
        let recorder = Recorder::new("test.notices", SaltKey::new([5; 32]));
        let receiver = Receiver { store: Arc::clone(&store), webhook, recorder };

        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, || {
            receiver.deliver(&JobTurn::alone(lease.unwrap(), now)).unwrap();
        });

        let left = store.read("test.left", next_notice).unwrap();
        assert_eq!(left, None, "it was given up");
        let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert!(log.contains("was not delivered") && log.contains("given up"), "{log}");
    }
}
