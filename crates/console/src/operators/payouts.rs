//! Wallets with what they must hold, payouts with their states and why they wait, and the switches that stop them.
//! Reading only: acting on a payout is the command line's.

use std::sync::Arc;

use axum::response::Response;
use bursar_control::{ConfigTable, StopSource, Switch, SwitchState, Switchboard};
use bursar_keys::KeyId;
use bursar_money::Amount;
use bursar_payouts::{IntentState, PayoutFilter, PayoutView, Wallet, WalletStanding};
use bursar_store::{StoreError, Timestamp, Tx};
use bursar_web::{ApiError, Call, Operation, schema};
use maud::{Markup, html};

use super::session::Visitor;
use super::{Operators, answer, shown};
use crate::faucet::FaucetParts;
use crate::wording::{brief_units, count, moment};

pub(super) const PATH: &str = "/console/payouts";
/// Payouts on the page.
const SHOWN: i64 = 60;

/// Adds the page's parameter.
pub(super) fn described(operation: Operation) -> Operation {
    operation.query(
        "state",
        schema::one_of(&IntentState::ALL.map(IntentState::name)),
        "Only payouts in this state.",
    )
}

/// One switch as it binds now, and who changed its row last.
struct Stop {
    switch: Switch,
    state: SwitchState,
    change: Option<Change>,
}

/// Who changed a row last.
#[derive(Clone)]
struct Change {
    key: String,
    actor: String,
    reason: Option<String>,
    at: Option<Timestamp>,
}

struct Glance {
    now: Timestamp,
    wallets: Vec<Wallet>,
    payouts: Vec<PayoutView>,
    stops: Vec<Stop>,
}

pub(super) async fn show(
    operators: Arc<Operators>,
    visitor: Visitor,
    call: Call,
) -> Result<Response, ApiError> {
    let Some(faucet) = operators.faucet.clone() else {
        let body = html! { section.card { h1 { "Payouts" } p { "No desk that pays out is on." } } };
        let now = operators.platform.off_thread.read("console.clock", |tx| tx.reading()).await?;
        return Ok(answer(shown(&visitor, ("Payouts", PATH), now.ms(), false, body)));
    };
    let state = call.query("state").and_then(|word| IntentState::from_name(&word));
    let (switchboard, parts) = (operators.platform.switchboard.clone(), faucet.clone());
    let read = move |tx: &mut Tx<'_>| {
        let now = tx.reading()?;
        let filter = PayoutFilter { state, ..PayoutFilter::default() };
        Ok(Glance {
            now,
            wallets: parts.payouts.wallets(tx)?,
            payouts: parts.payouts.list(tx, &filter, None, SHOWN)?,
            stops: stops(tx, &switchboard, &parts, now)?,
        })
    };
    let glance = operators.platform.off_thread.read("console.payouts", read).await?;
    let body = html! {
        section.card #wallets data-live {
            h1 { "Payouts" }
            @if glance.wallets.is_empty() {
                p { "No wallet pays yet: no operator seed was set." }
            } @else { (wallets(&glance.wallets, faucet.page.operator_holds())) }
        }
        section.card #stops data-live { h2 { "What stops them" } (switches(&glance.stops)) }
        section.card #payouts data-live {
            h2 { "Newest payouts" }
            (filters(state))
            @if glance.payouts.is_empty() { p.quiet { "None." } } @else { (payouts(&glance.payouts)) }
            p.quiet {
                "At the command line: " code { "bursar payouts show ID" } ", "
                code { "hold" } ", " code { "release" } ", " code { "retry" } ", " code { "cancel" } "."
            }
        }
    };
    Ok(answer(shown(&visitor, ("Payouts", PATH), glance.now.ms(), true, body)))
}

/// Which tables hold the switches, and who changed what in them.
const TABLES: [(ConfigTable, &str); 2] = [
    (
        ConfigTable::PLATFORM,
        "SELECT key, actor, reason, updated_at FROM platform_config WHERE actor IS NOT NULL",
    ),
    (ConfigTable::FAUCET, "SELECT key, actor, reason, updated_at FROM faucet_config WHERE actor IS NOT NULL"),
];

fn stops(
    tx: &mut Tx<'_>,
    switchboard: &Switchboard,
    parts: &FaucetParts,
    now: Timestamp,
) -> Result<Vec<Stop>, StoreError> {
    let mut found = Vec::new();
    for (table, sql) in TABLES {
        let of_table = parts.switches.iter().filter(|(of, _)| *of == table);
        let switches: Vec<Switch> = of_table.map(|(_, switch)| *switch).collect();
        let states = switchboard.peek(tx, table, &switches, now)?;
        let changes = tx.query(sql, &[], |row| {
            Ok(Change { key: row.get(0)?, actor: row.get(1)?, reason: row.get(2)?, at: row.get(3)? })
        })?;
        found.extend(switches.into_iter().zip(states).map(|(switch, state)| {
            let change = changes.iter().find(|change| change.key == switch.key).cloned();
            Stop { switch, state, change }
        }));
    }
    Ok(found)
}

fn wallets(wallets: &[Wallet], holds: Option<(KeyId, Amount)>) -> Markup {
    let seen =
        |wallet: &Wallet| holds.as_ref().filter(|(name, _)| *name == wallet.name).map(|(_, seen)| *seen);
    html! {
        div.wide {
            table.dense {
                caption { "A wallet that is stopped or unmatched signs nothing until an operator has matched it with the chain." }
                thead {
                    tr { th scope="col" { "Wallet" } th scope="col" { "Standing" } th.number scope="col" { "Must hold" }
                         th.number scope="col" { "Chain says" } th scope="col" { "Compared" } }
                }
                tbody {
                    @for wallet in wallets {
                        @let decimals = wallet.asset.decimals();
                        tr {
                            th scope="row" { (wallet.name) br; code.hash { (wallet.address.as_str()) } }
                            td {
                                b class=(match wallet.standing { WalletStanding::Running => "good", WalletStanding::Stopped | WalletStanding::Unmatched => "bad" }) {
                                    (wallet.standing.name())
                                }
                                @if !wallet.why.is_empty() { br; (wallet.why) }
                                br; small.quiet { "since " (moment(wallet.since.ms())) }
                            }
                            td.number { (brief_units(wallet.expected, decimals)) " " (wallet.asset.symbol()) }
                            td.number { @match seen(wallet) { Some(seen) => (brief_units(seen, decimals)), None => "\u{2013}" } }
                            td { @match wallet.matched_at { Some(at) => (moment(at.ms())), None => "\u{2013}" } }
                        }
                    }
                }
            }
        }
    }
}

fn switches(stops: &[Stop]) -> Markup {
    html! {
        table.dense {
            caption.hidden { "Switches of payouts and of the faucet" }
            tbody {
                @for stop in stops {
                    tr {
                        th scope="row" { (stop.switch.desk) " " (stop.switch.key.replace('_', " ")) }
                        td {
                            @match stop.state {
                                SwitchState::Running => b.good { "off" },
                                SwitchState::Stopped(StopSource::Row) => b.bad { "on" },
                                SwitchState::Stopped(StopSource::ControlFile) => b.bad { "on, by the control file" },
                                SwitchState::Stopped(StopSource::Environment) => b.bad { "on, by " (stop.switch.variable) },
                                SwitchState::Stopped(StopSource::Unreadable) => b.bad { "on: its row cannot be read" },
                            }
                            @if let Some(change) = &stop.change {
                                " by " (change.actor)
                                @if let Some(at) = change.at { " " small.quiet { (moment(at.ms())) } }
                                @if let Some(reason) = &change.reason { br; q { (reason) } }
                            }
                        }
                    }
                }
            }
        }
        p { a.button href=(super::switches::PATH) { "Stop or resume" } }
    }
}

fn filters(state: Option<IntentState>) -> Markup {
    html! {
        p {
            a href=(PATH) aria-current=[state.is_none().then_some("page")] { "all" }
            @for one in IntentState::ALL {
                " \u{b7} "
                a href={ (PATH) "?state=" (one.name()) } aria-current=[(state == Some(one)).then_some("page")] { (one.name()) }
            }
        }
    }
}

fn payouts(rows: &[PayoutView]) -> Markup {
    html! {
        div.wide {
            table.dense {
                caption.hidden { "Newest first" }
                thead {
                    tr { th scope="col" { "Accepted" } th.number scope="col" { "Amount" } th scope="col" { "State" }
                         th scope="col" { "Of" } th scope="col" { "To" } th.number scope="col" { "Signed" } th scope="col" { "Id" } }
                }
                tbody { @for row in rows { (payout(row)) } }
            }
        }
    }
}

fn payout(row: &PayoutView) -> Markup {
    let class = match row.state {
        IntentState::Final => "good",
        IntentState::Held | IntentState::Failed => "bad",
        IntentState::Accepted | IntentState::Signed | IntentState::Broadcast | IntentState::Cancelled => {
            "quiet"
        }
    };
    html! {
        tr {
            td { (moment(row.created_at.ms())) }
            td.number { (brief_units(row.amount, row.asset.decimals())) " " (row.asset.symbol()) }
            td {
                b class=(class) { (row.state.name()) }
                @if row.is_stuck { " " b.bad { "takes too long" } }
                @if !row.why.is_empty() { br; (row.why) }
                @if let Some(at) = row.next_at { br; small.quiet { "again at " (moment(at.ms())) } }
            }
            td { (row.desk) @if row.reference != 0 { " " (row.reference) } br; small.quiet { (row.reason) } }
            td { code.hash { (row.destination.as_str()) } }
            td.number { (count(row.attempts)) }
            td { code.hash { (row.public_id) } }
        }
    }
}
