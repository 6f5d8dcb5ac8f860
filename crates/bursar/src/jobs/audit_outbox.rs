//! Delivering audit events to the configured webhook (docs/spec/platform.md X3).

use std::sync::Arc;
use std::time::Duration;

use bursar_audit::{Delivery, due_deliveries, mark_delivered, mark_failed};
use bursar_desk::Platform;
use bursar_desk::job::{Cadence, Job, JobFault, JobTurn, Progress};
use bursar_store::{Store, StoreError, Timestamp, Tx};
use bursar_web::LiveSecret;
use secrecy::ExposeSecret;
use ureq::Agent;

use crate::config::Configuration;

/// How often the outbox is looked at. Real time.
const CADENCE_MS: i64 = 1_000;
/// Deliveries claimed at a time.
const CLAIM: i64 = 20;
/// How long the receiver may take.
const TIMEOUT: Duration = Duration::from_millis(2_500);
/// Without a receiver, events leave the outbox after a day: somebody may still configure one.
const KEPT_UNSENT_MS: i64 = 86_400_000;

pub(super) fn job(platform: &Platform, configuration: &Configuration) -> Job {
    let store = Arc::clone(&platform.store);
    let name = "platform.audit_outbox";
    let url = configuration.secrets.get("AUDIT_WEBHOOK_URL");
    if !url.is_set() {
        return Job::new(name, Cadence::every_ms(3_600_000), move |_| {
            store.transact("audit.outbox_purge", |tx| {
                let before = tx.reading()?.after_ms(-KEPT_UNSENT_MS);
                tx.execute("DELETE FROM audit_outbox WHERE next_at < $1", &[before.into()])
            })?;
            Ok(Progress::Done)
        });
    }
    let secret = configuration.secrets.get("AUDIT_WEBHOOK_SECRET");
    let receiver = Receiver { store, agent: agent(), url, secret };
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
    agent: Agent,
    url: LiveSecret,
    secret: LiveSecret,
}

impl Receiver {
    fn deliver(&self, turn: &JobTurn) -> Result<Progress, JobFault> {
        let due = self.store.transact("audit.outbox_claim", |tx| {
            let now = tx.reading()?;
            due_deliveries(tx, now, CLAIM)
        })?;
        let mut failed = 0_usize;
        for delivery in &due {
            let answer = self.send(delivery);
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

    /// The URL may hold a token, so errors do not name it.
    fn send(&self, delivery: &Delivery) -> Result<(), String> {
        let secret = self.secret.get();
        let secrets: Vec<&[u8]> = secret
            .iter()
            .flat_map(|secret| std::iter::once(&secret.current).chain(&secret.previous))
            .map(|secret| secret.expose_secret().as_bytes())
            .collect();
        // The receiver checks the signature's age against its own clock.
        let headers = delivery.headers(&secrets, bursar_store::clock::machine_time());
        let Some(url) = self.url.get() else { return Err("AUDIT_WEBHOOK_URL is not set".to_owned()) };
        let mut request =
            self.agent.post(url.current.expose_secret()).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        match request.send(&delivery.body) {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(format!("the receiver answered {}", answer.status().as_u16())),
            Err(ureq::Error::Timeout(_)) => Err("the receiver did not answer within 2.5 s".to_owned()),
            Err(ureq::Error::BadUri(_)) => Err("AUDIT_WEBHOOK_URL is no usable URL".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}

fn agent() -> Agent {
    let config = Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .user_agent("bursar")
        .build();
    config.into()
}
