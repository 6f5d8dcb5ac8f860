//! Donations: where to send them, what they have unlocked, who gave.

use bursar_faucet::http::{Funds, Gifts, PageView};
use bursar_faucet::rules::ban::BanE8;
use bursar_faucet::rules::milestone::{GOAL, MILESTONES, Milestone};
use maud::{Markup, html};

use crate::wording::{ban, counted};

pub(super) fn part(shown: &PageView) -> Markup {
    let gifts = &shown.gifts;
    html! {
        section.card #donations {
            h2 { "Donations" }
            div #progress data-live { (progress(gifts)) }
            details {
                summary { "All milestones" }
                div #milestones data-live { (steps(gifts.total)) }
            }
            div #donors data-live {
                (funds(shown.funds.as_ref()))
                @if !gifts.donors.is_empty() { (donors(gifts)) }
            }
        }
    }
}

fn progress(gifts: &Gifts) -> Markup {
    let milestone = &gifts.economics.milestone;
    let percent = format!("{}.{:02}", gifts.progress_e2 / 100, gifts.progress_e2 % 100);
    html! {
        p {
            label.hidden for="goal" { "Donated so far" }
            progress #goal max="10000" value=(gifts.progress_e2) { (percent) " %" }
            b.number { (ban(gifts.total)) } " of " (ban(GOAL)) " BAN, " (percent) " %"
        }
        p {
            (milestone.emoji) " " b { (milestone.name) } ": " (milestone.description)
            @if let Some((next, missing)) = &gifts.next {
                br; span.quiet { (ban(*missing)) " BAN more to " (next.name) ": " (next.description) }
            }
        }
    }
}

/// All milestones, reached ones marked by more than a colour.
fn steps(total: BanE8) -> Markup {
    let step = |one: &Milestone| {
        let is_reached = one.threshold <= total;
        html! {
            li.done[is_reached] title=(one.description) {
                @if is_reached { "\u{2713} " span.hidden { "reached: " } }
                (one.emoji) " " (one.name) " \u{d7}" (one.multiplier)
            }
        }
    };
    html! { ul.steps { @for one in &MILESTONES { (step(one)) } } }
}

fn funds(funds: Option<&Funds>) -> Markup {
    html! {
        @match funds {
            None => p.quiet { "There is no wallet to donate to yet." },
            Some(funds) => {
                p {
                    "Send Banano to " code.address { (funds.address) }
                    @if let Some(seen) = &funds.seen { ". It holds " span.number { (ban(seen.balance())) } " BAN" }
                    "."
                }
            },
        }
    }
}

fn donors(gifts: &Gifts) -> Markup {
    html! {
        p.quiet { "Who gave most" }
        table.tight {
            caption.hidden { "Who gave most" }
            tbody {
                @for donor in &gifts.donors {
                    tr {
                        td.number title=(donor.total_donated) { (ban(donor.total_donated)) }
                        td {
                            code.hash { (donor.address) }
                            small.quiet { (counted(i64::try_from(donor.donation_count).unwrap_or(i64::MAX), "donation", "donations")) }
                        }
                    }
                }
            }
        }
    }
}
