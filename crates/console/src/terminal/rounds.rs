//! The rounds of one market on the page: the one to join, the next, and those under way.

use bursar_rounds::stake::Side;
use bursar_rounds::timing::{Phase, Round};
use maud::{Markup, html};

use super::Scene;
use super::estimate::multiple;
use crate::board::Board;
use crate::sparkline::picture;
use crate::wording::{clock, count, counted, factor, left, machine, minute, price as glance};

/// Width of a bar in its own units.
const BAR: i64 = 1_000;

/// The market's price, the round to join and the next.
pub(super) fn newest(scene: &Scene<'_>) -> Markup {
    let (market, board) = (scene.view.market, scene.board);
    let (current, next) = (board.current(market), board.next(market));
    html! {
        section.card #round data-live {
            div.title {
                h1 { (market.asset()) }
                (price(scene))
            }
            @if current.phase(board.now) == Phase::Open {
                (open(board, current))
            } @else {
                p { b { "Locked." } " The next round opens in " (countdown(next.start_ms(), board.now.ms())) "." }
            }
            dl.facts {
                @if current.phase(board.now) == Phase::Open { (facts(board, current)) }
                dt { "Next" }
                dd.number title=(next.id()) {
                    "opens " (short_time(next.start_ms())) ", locks " (short_time(next.lock_ms())) ", ends " (short_time(next.end_ms()))
                }
            }
        }
    }
}

/// The rounds that are locked.
pub(super) fn running(scene: &Scene<'_>) -> Markup {
    let board = scene.board;
    let rounds = board.locked(scene.view.market);
    html! {
        section.card #running data-live {
            h2 { "Under way" }
            @if rounds.iter().all(|round| board.crowd(*round).0 == 0) {
                p.quiet { "Nobody is in a round of this market now." }
            } @else {
                (under_way(board, &rounds))
            }
        }
    }
}

fn price(scene: &Scene<'_>) -> Markup {
    let market = scene.view.market;
    let seen = &scene.prices[usize::from(market.code()).min(scene.prices.len() - 1)];
    let points: Vec<_> = seen.series.iter().copied().collect();
    html! {
        @match &seen.newest {
            Some(sample) => p.price {
                b.number title=(sample.price) { "$" (glance(sample.price)) } " "
                small.quiet { "at " (time(sample.publish_time_s.saturating_mul(1_000))) }
                @if seen.is_stale { " " b.bad { "old" } }
            },
            None => p.price.quiet { "no price now" },
        }
        (picture(&points, &format!("{} over the last minutes", market.asset())))
    }
}

/// The round that can be joined.
fn open(board: &Board, round: Round) -> Markup {
    html! {
        p { b.good { "Open." } " Locks in " (countdown(round.lock_ms(), board.now.ms())) "." }
        (pool(board, round))
    }
}

fn facts(board: &Board, round: Round) -> Markup {
    let (entries, players) = board.crowd(round);
    html! {
        dt { "Round" } dd { (round.id()) }
        dt { "Locks" } dd.number { (short_time(round.lock_ms())) ", first price" }
        dt { "Ends" } dd.number { (short_time(round.end_ms())) ", second price" }
        dt { "In it" }
        dd.number { (counted(entries, "entry", "entries")) ", " (counted(players, "player", "players")) }
    }
}

/// The stakes of both sides as a bar with its numbers.
pub(crate) fn pool(board: &Board, round: Round) -> Markup {
    let (up, down) = (board.bucks(round, Side::Up), board.bucks(round, Side::Down));
    html! {
        div.pool {
            span.up { "UP " b.number { (count(up)) } }
            (bar(up, down))
            span.down { "DOWN " b.number { (count(down)) } }
        }
    }
}

/// A bar of two parts; the numbers beside it say the same.
fn bar(up: i64, down: i64) -> Markup {
    let total = up.saturating_add(down);
    let width = if total > 0 { up.saturating_mul(BAR) / total } else { 0 };
    html! {
        svg.bar viewBox={ "0 0 " (BAR) " 10" } preserveAspectRatio="none" aria-hidden="true" {
            @if total > 0 {
                rect.up x="0" y="0" width=(width) height="10" {}
                rect.down x=(width) y="0" width=(BAR - width) height="10" {}
            }
        }
    }
}

fn under_way(board: &Board, rounds: &[Round]) -> Markup {
    html! {
        div.wide {
            table {
                caption.hidden { "Locked rounds, with what each side gets if it wins" }
                thead {
                    tr { th scope="col" { "Ends in" } th.number scope="col" { "UP" } th.number scope="col" { "pays" }
                         th.number scope="col" { "DOWN" } th.number scope="col" { "pays" } }
                }
                tbody {
                    @for round in rounds {
                        tr {
                            td title=(round.id()) {
                                (countdown(round.end_ms(), board.now.ms())) " " small.quiet { (short_time(round.end_ms())) }
                            }
                            @for side in [Side::Up, Side::Down] {
                                td.number { (count(board.bucks(*round, side))) }
                                td.number { (pays(board, *round, side)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn pays(board: &Board, round: Round, side: Side) -> String {
    match multiple(&board.stakes(round), side) {
        Ok(Some(hundredths)) => factor(hundredths),
        Ok(None) => "back".to_owned(),
        Err(_) => "\u{2013}".to_owned(),
    }
}

/// What is left until `until_ms`; the script counts it down.
pub(crate) fn countdown(until_ms: i64, now_ms: i64) -> Markup {
    html! { b.number.countdown data-until=(until_ms) { (left(until_ms.saturating_sub(now_ms))) } }
}

/// Hour and minute, which is all that rounds need.
fn short_time(ms: i64) -> Markup {
    html! { time datetime=(machine(ms)) { (minute(ms)) } }
}

/// A time of day.
pub(crate) fn time(ms: i64) -> Markup {
    html! { time datetime=(machine(ms)) { (clock(ms)) } }
}
