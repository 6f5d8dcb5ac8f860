//! The ledger's totals by asset, whose sums must be zero.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::response::Response;
use bursar_ledger::{TrialBalance, trial_balance};
use bursar_store::{Timestamp, Tx};
use bursar_web::{ApiError, Call};
use maud::{Markup, html};
use tokio::sync::Mutex;

use super::session::Visitor;
use super::{Operators, answer, shown};
use crate::wording::{balance, count, moment, units};

const PATH: &str = "/console/ledger";
/// The walk over all accounts is made so often at most, and once at a time. Real time.
const KEPT: Duration = Duration::from_secs(10);

/// The totals of the last walk.
pub(super) type Kept = Mutex<Option<(Instant, Totals)>>;

/// The book as it stood at one time.
#[derive(Clone, Debug)]
pub(super) struct Totals {
    at: Timestamp,
    assets: Vec<TrialBalance>,
}

pub(super) async fn show(operators: Arc<Operators>, visitor: Visitor, _: Call) -> Result<Response, ApiError> {
    let totals = operators.totals().await?;
    let body = html! {
        section.card {
            h1 { "Ledger" }
            p.quiet { "All accounts added up, as of " (moment(totals.at.ms())) " UTC. Load the page again for newer sums." }
            @if totals.assets.is_empty() { p { "The book is empty: its sum is zero." } } @else { (table(&totals.assets)) }
        }
    };
    Ok(answer(shown(&visitor, ("Ledger", PATH), totals.at.ms(), false, body)))
}

impl Operators {
    async fn totals(&self) -> Result<Totals, ApiError> {
        let mut kept = self.ledger.lock().await;
        if let Some((_, totals)) = kept.as_ref().filter(|(since, _)| since.elapsed() < KEPT) {
            return Ok(totals.clone());
        }
        let read = |tx: &mut Tx<'_>| Ok(Totals { at: tx.reading()?, assets: trial_balance(tx)? });
        let totals = self.platform.off_thread.read("console.ledger", read).await?;
        *kept = Some((Instant::now(), totals.clone()));
        Ok(totals)
    }
}

fn table(assets: &[TrialBalance]) -> Markup {
    html! {
        div.wide {
            table {
                caption.hidden { "Totals by asset" }
                thead {
                    tr { th scope="col" { "Asset" } th.number scope="col" { "Accounts" } th.number scope="col" { "Debits" }
                         th.number scope="col" { "Credits" } th.number scope="col" { "Sum" } th scope="col" { "" } }
                }
                tbody {
                    @for total in assets {
                        @let decimals = total.asset.decimals();
                        tr {
                            th scope="row" { (total.asset.symbol()) }
                            td.number { (count(i64::try_from(total.accounts).unwrap_or(i64::MAX))) }
                            td.number { (units(total.debits, decimals)) }
                            td.number { (units(total.credits, decimals)) }
                            td.number { b { (balance(total.sum, decimals)) } }
                            td { @if total.sum.is_zero() { b.good { "zero" } } @else { b.bad { "NOT ZERO: stop the desks" } } }
                        }
                    }
                }
            }
        }
    }
}
