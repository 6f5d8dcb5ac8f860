//! The whole public page.

use bursar_rounds::market::Market;
use bursar_rounds::stake::{Side, Stake, StakeCounts};
use bursar_rounds::timing::Phase;
use maud::{Markup, html};

use super::estimate::{Estimate, estimate, ratio};
use super::{Notice, PATH, Scene, results, rounds, stakes};
use crate::board::Board;
use crate::document::{Document, Header, Refresh, render};
use crate::wording::{cents, factor, moment, price};

pub(super) fn page(scene: &Scene<'_>) -> Markup {
    let board = scene.board;
    let body = html! {
        (notice(scene.view.notice.as_ref()))
        (banner(board))
        (markets(scene))
        div.columns.play {
            (rounds::newest(scene))
            div.side { (stakes::part(scene)) (rules()) }
            (rounds::running(scene))
            (results::part(scene))
        }
        p.quiet {
            "Times are UTC. "
            noscript { "Without scripts this page does not follow the time: load it again to see what is new." }
        }
    };
    let title = format!("{} \u{b7} Rounds", scene.view.market.asset());
    let (now_ms, refresh) = (Some(board.now.ms()), Some(Refresh::Script));
    render(Document { title: &title, now_ms, refresh, header: Header::Public, body })
}

fn notice(notice: Option<&Notice>) -> Markup {
    html! {
        @match notice {
            Some(Notice::Joined(round)) => p.banner.ok role="status" { "You are in " b { (round.id()) } "." },
            Some(Notice::Refused(why)) => p.banner.stop role="alert" { b { "Not joined." } " " (why) },
            None => {}
        }
    }
}

/// What players must know before anything else (docs/spec/rounds.md R35).
pub(crate) fn banner(board: &Board) -> Markup {
    let status = &board.status;
    html! {
        div #banner data-live {
            @if let Some(incident) = &board.incident {
                p.banner.stop role="alert" {
                    b { "Interruption." } " " (incident.message)
                    @if let Some(eta_ms) = incident.eta_ms { " Expected to be over at " (moment(eta_ms)) " UTC." }
                }
            }
            @if status.joins_paused || status.settlement_paused {
                p.banner.warn role="status" {
                    b { "Paused." }
                    @if status.joins_paused { " Nobody can join now." }
                    @if status.settlement_paused { " Rounds that end are settled later, at the prices of their own times." }
                    " Entries that were accepted stay valid."
                }
            } @else if status.pending_due_rounds > 0 {
                p.banner.warn role="status" { (status.pending_due_rounds) " ended rounds wait to be settled." }
            }
        }
    }
}

fn markets(scene: &Scene<'_>) -> Markup {
    let board = scene.board;
    html! {
        nav.markets #markets aria-label="Markets" data-live {
            @for (market, seen) in Market::ALL.into_iter().zip(&scene.prices) {
                a href=(address(market, &scene.view.wallet)) aria-current=[(market == scene.view.market).then_some("page")] {
                    b { (market.key()) }
                    span.number.quiet { @if let Some(sample) = &seen.newest { "$" (price(sample.price)) } @else { "\u{2013}" } }
                    @let round = board.current(market);
                    small.number {
                        @if round.phase(board.now) == Phase::Open {
                            (board.bucks(round, Side::Up)) " \u{25b2} " (board.bucks(round, Side::Down)) " \u{25bc}"
                        } @else { "locked" }
                    }
                }
            }
        }
    }
}

fn address(market: Market, wallet: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("market", market.key());
    if !wallet.is_empty() {
        query.append_pair("wallet", wallet);
    }
    format!("{PATH}?{}", query.finish())
}

/// The rules in short, with the example that W6 is about computed, not claimed.
fn rules() -> Markup {
    html! {
        details.card {
            summary { "How it works" }
            ul {
                li { "Bet whether the price is higher or lower at the end than at the lock, five minutes before." }
                li { "The winning side shares the whole pool in proportion to the stakes, less a fee of 6 % of the whole pool." }
                @if let Some(example) = balanced() { li { (example) } }
                li { b { "A win can be a loss:" } " when few stand on the other side, the fee is more than they brought." }
                li { "If nobody stands on one side, or the price is the same, everybody gets the own stake back, without fee." }
                li { "What the table shows changes with every entry until the lock." }
            }
        }
    }
}

fn balanced() -> Option<Markup> {
    let stake = Stake::from_bucks(10)?;
    let mut others = StakeCounts::default();
    others.add(Side::Down, stake);
    let Ok(Estimate::Pays(payout)) = estimate(&others, Side::Up, stake) else { return None };
    let ratio = ratio(payout, stake).ok()?;
    Some(html! {
        "With as much on either side, a stake of " (cents(stake.cents())) " gets " b { (cents(payout)) } ", "
        b { (factor(ratio)) } " of it."
    })
}
