//! The newest settlements with the evidence that decided them.

use std::sync::Arc;

use axum::response::Response;
use bursar_rounds::oracle::PriceEvidence;
use bursar_rounds::settle::{Plan, Settlement, Verdict};
use bursar_store::Tx;
use bursar_web::{ApiError, Call};
use maud::{Markup, html};

use super::session::Visitor;
use super::{Operators, answer, shown};
use crate::terminal::time;
use crate::wording::{cents, moment, price as glance};

const PATH: &str = "/console/settlements";
/// Settlements on the page.
const SHOWN: i64 = 60;

pub(super) async fn show(operators: Arc<Operators>, visitor: Visitor, _: Call) -> Result<Response, ApiError> {
    if operators.prices.is_none() {
        let body = html! { section.card { h1 { "Settlements" } p { "The rounds desk is off." } } };
        return Ok(answer(shown(&visitor, ("Settlements", PATH), 0, false, body)));
    }
    let read = |tx: &mut Tx<'_>| Ok((tx.reading()?, Settlement::newest(tx, SHOWN)?));
    let (now, settlements) = operators.platform.off_thread.read("console.settlements", read).await?;
    let body = html! {
        section.card #settlements data-live {
            h1 { "Settlements" }
            p.quiet {
                "A price is mantissa \u{d7} 10" sup { "exponent" } " dollars, published at the time nearest to the one asked for."
            }
            @if settlements.is_empty() { p { "Nothing was settled yet." } } @else { (evidence(&settlements)) }
        }
    };
    Ok(answer(shown(&visitor, ("Settlements", PATH), now.ms(), true, body)))
}

/// A short list.
pub(super) fn brief(settlements: &[Settlement]) -> Markup {
    html! {
        @if settlements.is_empty() { p.quiet { "Nothing was settled yet." } } @else {
            div.wide {
                table {
                    caption.hidden { "Newest first" }
                    thead { tr { th scope="col" { "Round" } th scope="col" { "Outcome" } th.number scope="col" { "From, to" }
                                 th.number scope="col" { "Fee, PB" } } }
                    tbody {
                        @for settlement in settlements {
                            @let plan = &settlement.plan;
                            tr {
                                td title=(plan.round.id()) {
                                    (plan.round.market()) br; small.quiet { (time(plan.settled_at.ms())) }
                                }
                                td { (outcome(settlement)) }
                                td.number { @match &plan.evidence {
                                    Some((start, end)) => { (glance(start.price())) br; (glance(end.price())) },
                                    None => "\u{2013}",
                                } }
                                td.number { (cents(plan.fee())) }
                            }
                        }
                    }
                }
            }
            p { a href=(PATH) { "With all evidence" } }
        }
    }
}

fn outcome(settlement: &Settlement) -> Markup {
    html! {
        @match settlement.plan.verdict {
            Verdict::Win { winner, .. } => b { (winner.word()) },
            Verdict::Refund(reason) => { "refund " small { (reason.word().replace('_', " ")) } },
        }
        @if settlement.cursor.is_some() { " " b.bad { "paying" } }
    }
}

fn evidence(settlements: &[Settlement]) -> Markup {
    html! {
        div.wide {
            table.dense {
                caption.hidden { "Newest first, with both prices" }
                thead {
                    tr { th scope="col" { "Round" } th scope="col" { "Outcome" } th.number scope="col" { "Pool" }
                         th.number scope="col" { "Fee" } th scope="col" { "Price" } th.number scope="col" { "Asked for" }
                         th.number scope="col" { "Published" } th.number scope="col" { "Mantissa" }
                         th.number scope="col" { "Exponent" } th.number scope="col" { "Confidence" } }
                }
                @for settlement in settlements { tbody { (both_prices(settlement)) } }
            }
        }
    }
}

fn both_prices(settlement: &Settlement) -> Markup {
    let plan = &settlement.plan;
    let evidence = plan.evidence.as_ref();
    html! {
        tr {
            th rowspan="2" scope="rowgroup" { (plan.round.id()) br; small.quiet { (moment(plan.settled_at.ms())) } }
            td rowspan="2" { (outcome(settlement)) }
            td.number rowspan="2" { (cents(plan.total)) }
            td.number rowspan="2" { (cents(plan.fee())) }
            (price("lock", plan, evidence.map(|(start, _)| start)))
        }
        tr { (price("end", plan, evidence.map(|(_, end)| end))) }
    }
}

fn price(name: &str, plan: &Plan, evidence: Option<&PriceEvidence>) -> Markup {
    html! {
        td { (name) }
        @match evidence {
            Some(evidence) => {
                td.number { (time(evidence.requested_second.saturating_mul(1_000))) }
                td.number { (time(evidence.publish_time.saturating_mul(1_000))) }
                td.number { (evidence.mantissa) }
                td.number { (evidence.exponent) }
                td.number { (evidence.confidence) }
            },
            None => td.quiet colspan="5" {
                @if plan.winner().is_none() { "none was needed, or none could be had" } @else { "missing" }
            },
        }
    }
}
