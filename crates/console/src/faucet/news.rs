//! What everybody may see of the others: leaderboard and feed.

use bursar_faucet::http::{Named, PageView};
use bursar_faucet::record::listing::{AccrualRow, PayoutRow};
use bursar_faucet::rules::hodl::tier;
use maud::{Markup, html};

use super::own::{accrual, short_time};
use super::payout_state::shown as payout_state;
use crate::wording::{ban, count};

/// Shown for a player who was erased or has no name.
const UNKNOWN: &str = "Unknown";

pub(super) fn leaderboard(shown: &PageView) -> Markup {
    html! {
        section.card #leaderboard data-live {
            h2 { "Leaderboard" }
            @if shown.board.is_empty() { p.quiet { "Nobody has earned anything yet." } } @else {
                div.wide {
                    table.board {
                        caption.hidden { "Players by kills" }
                        thead {
                            tr { th scope="col" { "Player" } th.number scope="col" { "Kills" }
                                 th.number scope="col" { "Earned" } th.number scope="col" { "Paid, BAN" } }
                        }
                        tbody {
                            @for row in &shown.board {
                                tr {
                                    th scope="row" { (name(row.username.as_deref(), tier(row.token_balance).badge)) }
                                    td.number { (count(i64::try_from(row.kills).unwrap_or(i64::MAX))) }
                                    td.number title=(row.accrued) { (ban(row.accrued)) }
                                    td.number title=(row.paid) { (ban(row.paid)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn feed(shown: &PageView) -> Markup {
    html! {
        section.card #feed data-live {
            h2 { "Newest payouts" }
            @if shown.payouts.is_empty() { p.quiet { "None yet." } } @else { (payouts(&shown.payouts)) }
            h2 { "Newest kills" }
            @if shown.accruals.is_empty() { p.quiet { "None yet." } } @else { (accruals(shown, &shown.accruals)) }
        }
    }
}

fn payouts(rows: &[Named<PayoutRow>]) -> Markup {
    html! {
        table.tight {
            caption.hidden { "The newest payouts of everybody, with their blocks" }
            thead { tr { th scope="col" { "Made" } th.number scope="col" { "BAN" } th scope="col" { "Player, state, block" } } }
            tbody {
                @for one in rows {
                    tr {
                        td { (short_time(one.row.created_at.ms())) }
                        td.number title=(one.row.amount) { (ban(one.row.amount)) }
                        td {
                            (name(one.name.as_deref(), one.badge)) " " (payout_state(one.row.state))
                            @if let Some(hash) = &one.row.tx_hash { code.hash { (hash) } }
                        }
                    }
                }
            }
        }
    }
}

fn accruals(shown: &PageView, rows: &[Named<AccrualRow>]) -> Markup {
    html! {
        table.tight {
            caption.hidden { "The newest counted kills of everybody" }
            thead { tr { th scope="col" { "Counted" } th.number scope="col" { "BAN" } th scope="col" { "Player, kills" } } }
            tbody {
                @for one in rows {
                    tr {
                        td { (short_time(one.row.created_at.ms())) }
                        td.number title=(one.row.amount) { (ban(one.row.amount)) }
                        td {
                            (name(one.name.as_deref(), one.badge))
                            (count(one.row.kills)) " "
                            small.quiet { (accrual(one.row.state, shown.mode.dry_run)) }
                        }
                    }
                }
            }
        }
    }
}

fn name(name: Option<&str>, badge: &str) -> Markup {
    let name = name.unwrap_or(UNKNOWN);
    html! { span.name title=(name) { (name) @if !badge.is_empty() { " " (badge) } } }
}
