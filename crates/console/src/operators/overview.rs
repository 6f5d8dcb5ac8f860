//! The first page of the console: how the desk is doing, its rounds, switches and newest settlements.

use std::sync::Arc;

use axum::response::Response;
use bursar_desk::job::job_rows;
use bursar_rounds::market::Market;
use bursar_rounds::settle::Settlement;
use bursar_rounds::timing::{Phase, Round};
use bursar_store::Tx;
use bursar_web::{ApiError, Call};
use maud::{Markup, html};

use super::session::Visitor;
use super::switches::{SwitchView, state, views};
use super::{HOME, Operators, answer, jobs, settlements, shown};
use crate::board::Board;
use crate::price_watch::Seen;
use crate::sparkline::picture;
use crate::terminal::{banner, countdown, pool, time};
use crate::wording::{count, counted, left, moment, price};

/// Settlements on this page.
const SETTLEMENTS: i64 = 8;

struct Glance {
    board: Board,
    switches: Vec<SwitchView>,
    settlements: Vec<Settlement>,
    jobs: usize,
    failing: Vec<String>,
}

pub(super) async fn show(operators: Arc<Operators>, visitor: Visitor, _: Call) -> Result<Response, ApiError> {
    let Some(prices) = operators.prices.clone() else {
        let body = html! { section.card { h1 { "Overview" } p { "The rounds desk is off." } } };
        let now = operators.platform.off_thread.read("console.clock", |tx| tx.reading()).await?;
        return Ok(answer(shown(&visitor, ("Overview", HOME), now.ms(), false, body)));
    };
    prices.look().await;
    let switchboard = operators.platform.switchboard.clone();
    let read = move |tx: &mut Tx<'_>| {
        let board = Board::read(tx, &switchboard)?;
        let switches = views(tx, &switchboard, board.now)?;
        let settlements = Settlement::newest(tx, SETTLEMENTS)?;
        let jobs = job_rows(tx)?;
        let failing =
            jobs.iter().filter(|job| job.last_error.is_some()).map(|job| job.name.clone()).collect();
        Ok(Glance { board, switches, settlements, jobs: jobs.len(), failing })
    };
    let glance = operators.platform.off_thread.read("console.overview", read).await?;
    let seen = Market::ALL.map(|market| prices.seen(market));
    let body = html! {
        h1.hidden { "Overview" }
        (banner(&glance.board))
        (tiles(&operators, &glance))
        (rounds(&glance.board, &seen))
        div.columns {
            section.card #settled data-live {
                h2 { "Newest settlements" }
                (settlements::brief(&glance.settlements))
            }
            section.card #switches data-live {
                h2 { "Switches" }
                (switches(&glance.switches))
            }
        }
    };
    Ok(answer(shown(&visitor, ("Overview", HOME), glance.board.now.ms(), true, body)))
}

fn tiles(operators: &Operators, glance: &Glance) -> Markup {
    let status = &glance.board.status;
    let class = match status.status {
        "ok" => "good",
        _ => "bad",
    };
    let tile = |name: &str, value: Markup| html! { div { dt { (name) } dd { (value) } } };
    html! {
        dl.tiles #tiles data-live {
            (tile("Desk", html! { b class=(class) { (status.status) } }))
            (tile("Waiting to be settled", html! { b.number { (count(status.pending_due_rounds)) } }))
            (tile("Oldest of them", html! {
                @if status.pending_due_rounds > 0 { b.number.bad { (left(status.max_settlement_lag_ms)) } } @else { "\u{2013}" }
            }))
            (tile("Jobs", html! {
                @if glance.failing.is_empty() { b.good { (glance.jobs) " well" } }
                @else { a href=(jobs::PATH) { b.bad { (glance.failing.join(", ")) " failing" } } }
            }))
            (tile("Clock, UTC", html! { span.number { (moment(glance.board.now.ms())) } }))
            (tile("Build", html! {
                code title=(operators.config.build) { (operators.config.build.chars().take(10).collect::<String>()) }
                " " small { (operators.config.mode) }
            }))
        }
    }
}

fn rounds(board: &Board, seen: &[Seen; Market::ALL.len()]) -> Markup {
    html! {
        section.card #rounds data-live {
            h2 { "Rounds" }
            div.wide {
                table.stacked {
                    caption.hidden { "Per market: price, the newest round, and those that are locked" }
                    thead {
                        tr { th scope="col" { "Market" } th.number scope="col" { "Price" } th scope="col" { "Seen" }
                             th scope="col" { "Newest round" } th scope="col" { "Pool, PB" }
                             th.number scope="col" { "Entries" } th scope="col" { "Locked, end in" } }
                    }
                    tbody { @for (market, seen) in Market::ALL.into_iter().zip(seen) { (market_row(board, market, seen)) } }
                }
            }
        }
    }
}

fn market_row(board: &Board, market: Market, seen: &Seen) -> Markup {
    let round = board.current(market);
    let points: Vec<_> = seen.series.iter().copied().collect();
    html! {
        tr {
            th scope="row" { (market.key()) }
            td.number {
                @match &seen.newest {
                    Some(sample) => {
                        span title=(sample.price) { (price(sample.price)) }
                        @if seen.is_stale { " " b.bad { "old" } }
                        br;
                        small.quiet { (time(sample.publish_time_s.saturating_mul(1_000))) }
                    },
                    None => span.bad { "none" },
                }
            }
            td { (picture(&points, &format!("{market}, {} prices", points.len()))) }
            td title=(round.id()) {
                @if round.phase(board.now) == Phase::Open {
                    b.good { "open" } " " (countdown(round.lock_ms(), board.now.ms()))
                } @else { b { "locked" } }
            }
            td { (pool(board, round)) }
            td.number { (count(board.crowd(round).0)) }
            td { @for round in board.locked(market) { (locked(board, round)) } }
        }
    }
}

fn locked(board: &Board, round: Round) -> Markup {
    let (entries, _) = board.crowd(round);
    html! {
        div title=(round.id()) {
            (countdown(round.end_ms(), board.now.ms()))
            small.quiet { " " (counted(entries, "entry", "entries")) }
        }
    }
}

fn switches(views: &[SwitchView]) -> Markup {
    html! {
        table {
            caption.hidden { "The kill switches" }
            tbody { @for view in views { tr { th scope="row" { (view.word) } td { (state(view)) } } } }
        }
        p { a.button href=(super::switches::PATH) { "Stop or resume" } }
    }
}
