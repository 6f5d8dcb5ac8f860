//! The player's part of the page: signing in, how one stands, the wallet, one's payouts.

use bursar_faucet::http::{PageView, PlayerView, Session};
use bursar_faucet::record::listing::{AccrualRow, PayoutRow};
use bursar_faucet::rules::eligibility::Eligibility;
use bursar_faucet::rules::hodl::tier;
use bursar_faucet::rules::holdings::{AccrualState, Share};
use maud::{Markup, html};

use super::forms::{DEMO_SIGN_IN, REVERIFY, SIGN_OUT, WALLET};
use super::payout_state::shown as payout_state;
use super::{Scene, brand};
use crate::wording::{ban, count, machine, moment};

pub(super) fn part(scene: &Scene<'_>) -> Markup {
    match &scene.shown.session {
        Session::None => sign_in(scene, false),
        Session::Ended => sign_in(scene, true),
        Session::Player(player) => own(scene, player),
    }
}

fn sign_in(scene: &Scene<'_>, has_ended: bool) -> Markup {
    let page = &scene.faucet.parts.page;
    html! {
        section.card #you {
            h2 { "Your payouts" }
            @if has_ended { p.banner.warn role="status" { "Your session has ended. Sign in again." } }
            p { "Sign in to link a wallet and to see what you have earned. We learn your Discord name and whether you are a member; nothing is posted." }
            div.links {
                a.button.go href="/auth/discord/login" { "Sign in with Discord" }
                @if page.is_demonstration() {
                    form method="post" action=(DEMO_SIGN_IN) { button type="submit" { "Look around as the demo player" } }
                }
            }
        }
    }
}

fn own(scene: &Scene<'_>, player: &PlayerView) -> Markup {
    html! {
        section.card #you {
            div.head {
                h2 {
                    (player.user.discord_username.as_deref().unwrap_or("You"))
                    " " (tier(player.user.token_balance).badge)
                }
                form method="post" action=(SIGN_OUT) { button.plain type="submit" { "Sign out" } }
            }
            (standing(scene, player))
            (figures(player))
            (wallet(scene, player))
        }
        section.card {
            h2 { "Your payouts" }
            div #payouts data-live {
                @if player.payouts.is_empty() { p.quiet { "None yet." } } @else { (payouts(&player.payouts)) }
            }
            details {
                summary { "Kills that were counted" }
                div #counted data-live { (counted(scene.shown, &player.accruals)) }
            }
        }
    }
}

/// What keeps the player from earning or from being paid, with the way out.
fn standing(scene: &Scene<'_>, player: &PlayerView) -> Markup {
    let has_epic = player.user.epic_account_id.is_some();
    let invite = brand::address(&scene.faucet.parts.page.product().discord_invite_url);
    html! {
        div #standing data-live {
            @match player.user.eligibility {
                Eligibility::Held => p.banner.warn role="status" {
                    b { "Your payouts wait for a review." } " Kills are still counted. An administrator looks at it; there is nothing to do."
                },
                Eligibility::Revoked => div.banner.stop role="alert" {
                    p {
                        b { "You do not earn now." }
                        @if !player.user.is_guild_member {
                            " You are not in the Discord server"
                            @if let Some(invite) = invite { ": " a href=(invite) rel="noopener" { "join it" } }
                            "."
                        }
                        @if !has_epic { " No Epic account is linked: link one with Yunite." }
                    }
                    (reverify())
                },
                Eligibility::Eligible if !has_epic => div.banner.warn role="status" {
                    p { "No Epic account is linked: link one with Yunite in the Discord server." }
                    (reverify())
                },
                Eligibility::Eligible if player.wallet.is_none() => p.banner.warn role="status" {
                    b { "Link a wallet." } " Without one, no kills are counted."
                },
                Eligibility::Eligible if !player.is_counting => p.banner.warn role="status" {
                    "Your statistics have not been read yet. Kills count from the first reading on; they must be public."
                },
                Eligibility::Eligible => {}
            }
            @if player.cap.at_cap {
                p.banner.warn role="status" { b { "Cap reached." } " What you earn beyond it is kept and paid later." }
            }
        }
    }
}

fn reverify() -> Markup {
    html! { form method="post" action=(REVERIFY) { button type="submit" { "Look again" } } }
}

fn figures(player: &PlayerView) -> Markup {
    let (holdings, cap) = (&player.holdings, &player.cap);
    let accrued = holdings.accrued().unwrap_or_default();
    html! {
        dl.facts #figures data-live {
            dt { "Earned" } dd.number { (share(accrued)) }
            dt { "Open" } dd.number { (share(holdings.open)) }
            dt { "On its way" } dd.number { (share(holdings.reserved)) }
            dt { "Paid" } dd.number { b { (share(holdings.settled)) } }
            dt { "Today" } dd.number { (whole(cap.daily_kills_used)) " of " (whole(cap.daily_kill_cap)) }
            dt { "This week" } dd.number { (whole(cap.weekly_kills_used)) " of " (whole(cap.weekly_kill_cap)) }
        }
    }
}

fn share(share: Share) -> String {
    let kills = if share.kills == 1 { "kill" } else { "kills" };
    format!("{} BAN, {} {kills}", ban(share.amount), whole(share.kills))
}

fn whole(number: u64) -> String {
    count(i64::try_from(number).unwrap_or(i64::MAX))
}

fn wallet(scene: &Scene<'_>, player: &PlayerView) -> Markup {
    let typed = &scene.view.typed;
    html! {
        div #wallet data-live {
            @if let Some(wallet) = &player.wallet {
                p { "Payouts go to " code.address { (wallet) } "." }
            }
        }
        form #link method="post" action=(WALLET) {
            label for="address" { @if player.wallet.is_some() { "Another wallet" } @else { "Your Banano wallet" } }
            input #address name="banano_address" value=(typed) required maxlength="64" pattern="ban_[13][13456789abcdefghijkmnopqrstuwxyz]{59}"
                title="ban_ and 60 characters, as your wallet shows it" autocomplete="off" autocapitalize="none"
                spellcheck="false" placeholder="ban_\u{2026}" aria-describedby="address-note";
            p #address-note.quiet { small { "Copy it from your own wallet. What is sent cannot be taken back." } }
            button.go type="submit" { "Link this wallet" }
        }
    }
}

fn payouts(rows: &[PayoutRow]) -> Markup {
    html! {
        table.tight {
            caption.hidden { "Your newest payouts, with their blocks" }
            thead { tr { th scope="col" { "Made" } th.number scope="col" { "BAN" } th scope="col" { "State and block" } } }
            tbody {
                @for row in rows {
                    tr {
                        td { (short_time(row.created_at.ms())) }
                        td.number title=(row.amount) { (ban(row.amount)) }
                        td {
                            (payout_state(row.state))
                            @if let Some(hash) = &row.tx_hash { code.hash { (hash) } }
                        }
                    }
                }
            }
        }
    }
}

fn counted(shown: &PageView, rows: &[AccrualRow]) -> Markup {
    html! {
        @if rows.is_empty() { p.quiet { "None yet." } } @else {
            table.tight {
                caption.hidden { "Your newest counted kills" }
                thead { tr { th scope="col" { "Counted" } th.number scope="col" { "BAN" } th scope="col" { "Kills" } } }
                tbody {
                    @for row in rows {
                        tr {
                            td { (short_time(row.created_at.ms())) }
                            td.number title=(row.amount) { (ban(row.amount)) }
                            td { (count(row.kills)) " " small.quiet { (accrual(row.state, shown.mode.dry_run)) } }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn accrual(state: AccrualState, dry_run: bool) -> &'static str {
    match state {
        AccrualState::Open => "open",
        AccrualState::Reserved => "on its way",
        AccrualState::Settled if dry_run => "settled in practice",
        AccrualState::Settled => "paid",
        AccrualState::WrittenOff => "given up",
    }
}

/// Day, hour and minute.
pub(super) fn short_time(ms: i64) -> Markup {
    let text = moment(ms);
    // `2023-11-14 22:14:00` without its year and seconds.
    let short = text.get(5..16).unwrap_or(&text);
    html! { time datetime=(machine(ms)) title=(text) { (short) } }
}
