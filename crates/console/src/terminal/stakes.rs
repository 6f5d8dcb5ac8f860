//! The form that joins a round: for each tier and side what it would pay.

use bursar_money::Amount;
use bursar_rounds::stake::{Side, Stake, StakeCounts, TIERS_BUCKS};
use bursar_rounds::timing::{Phase, Round};
use maud::{Markup, html};

use super::estimate::{Estimate, estimate, ratio};
use super::{Scene, join};
use crate::wording::{cents, factor};

/// Both sides with their arrows and meanings.
const SIDES: [(Side, &str, &str); 2] =
    [(Side::Up, "\u{25b2}", "higher at the end"), (Side::Down, "\u{25bc}", "lower at the end")];

/// The form.
pub(super) fn part(scene: &Scene<'_>) -> Markup {
    let (view, board) = (scene.view, scene.board);
    let round = board.joinable(view.market);
    let stakes = board.stakes(round);
    let tiers = TIERS_BUCKS.iter().filter(|bucks| **bucks <= board.stake_max_bucks);
    html! {
        section.card {
            h2 { "Join" }
            form #join method="post" action=(join::PATH) data-market=(view.market.key()) data-feed=(view.market.feed_id()) {
                input type="hidden" name="market" value=(view.market.key());
                input type="hidden" name="id" value=(scene.entry_id);
                table.bets {
                    caption { "What you get, fee off, if your side wins and nobody else joins" }
                    thead {
                        tr {
                            th scope="col" { "Stake" }
                            @for (side, arrow, meaning) in SIDES {
                                th scope="col" class=(class(side)) { (arrow) " " (side.word()) " " small { (meaning) } }
                            }
                        }
                    }
                    tbody {
                        @for stake in tiers.filter_map(|bucks| Stake::from_bucks(*bucks)) {
                            tr {
                                th.number scope="row" { (stake.bucks()) }
                                @for (side, ..) in SIDES { td { (bet(&stakes, side, stake, &view.bet)) } }
                            }
                        }
                    }
                }
                label for="wallet" { "Your wallet" }
                input #wallet name="wallet" value=(view.wallet) maxlength="44" required autocomplete="off"
                    spellcheck="false" placeholder="base58 address" aria-describedby="claimed";
                p #claimed .quiet { "Play money: an address is claimed, not proven, and nothing is taken from it." }
                (button(scene, round))
                p #said role="status" aria-live="polite" {}
            }
        }
    }
}

/// One choice: a radio button with what it would pay.
fn bet(stakes: &StakeCounts, side: Side, stake: Stake, chosen: &str) -> Markup {
    let value = format!("{}-{}", side.word(), stake.bucks());
    html! {
        label.bet.(class(side)) {
            input type="radio" name="bet" value=(value) required checked[value == chosen];
            span.hidden { (side.word()) " with " (stake.bucks()) " PB pays " }
            span id={ "pays-" (value) } data-live { (pays(stakes, side, stake)) }
        }
    }
}

fn pays(stakes: &StakeCounts, side: Side, stake: Stake) -> Markup {
    let known = estimate(stakes, side, stake);
    html! {
        @match known {
            Ok(Estimate::Back) => { b.number { (cents(stake.cents())) } small { " back" } },
            Ok(Estimate::Pays(payout)) => {
                b.number { (cents(payout)) }
                small { " " (ratio(payout, stake).map(factor).unwrap_or_default()) (loss(payout, stake)) }
            }
            Err(_) => small { "cannot be told" },
        }
    }
}

fn loss(payout: Amount, stake: Stake) -> Markup {
    html! { @if payout < stake.cents() { " " b.bad { "loss" } } }
}

/// The button, with the round that it joins and why it may be off.
fn button(scene: &Scene<'_>, round: Round) -> Markup {
    let board = scene.board;
    let is_open = round.phase(board.now) == Phase::Open;
    let is_paused = board.status.joins_paused;
    html! {
        div #joining data-live {
            input type="hidden" name="start" value=(round.start_ms());
            button.go type="submit" disabled[is_paused || !is_open] { "Join " (round.id()) }
            @if is_paused {
                p.bad { "Joins are paused." }
            } @else if !is_open {
                p.quiet {
                    "This round opens in " (super::rounds::countdown(round.start_ms(), board.now.ms())) ". "
                    noscript { "Load this page again then: without scripts it does not follow the time." }
                }
            }
        }
    }
}

pub(super) fn class(side: Side) -> &'static str {
    match side {
        Side::Up => "up",
        Side::Down => "down",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_winning_bet_that_loses_money_says_so() {
        let mut stakes = StakeCounts::default();
        stakes.add(Side::Up, Stake::from_bucks(250).unwrap());
        stakes.add(Side::Down, Stake::from_bucks(5).unwrap());
        let shown = |side, bucks| pays(&stakes, side, Stake::from_bucks(bucks).unwrap()).into_string();
        assert!(shown(Side::Up, 250).contains("237.35") && shown(Side::Up, 250).contains("loss"));
        assert!(!shown(Side::Down, 5).contains("loss"));
    }
}
