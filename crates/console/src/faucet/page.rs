//! The whole page: what must be known first, the faucet's name and figures, then its parts.

use bursar_faucet::http::PageView;
use bursar_faucet::mode::Mode;
use bursar_faucet::rules::caps::CapMode;
use bursar_store::Timestamp;
use maud::{Markup, html};

use super::{Done, Notice, Scene, brand, gifts, news, own};
use crate::document::{Document, Header, Refresh, render};
use crate::terminal::countdown;
use crate::wording::{ban, count};

pub(super) fn page(scene: &Scene<'_>) -> Markup {
    let shown = scene.shown;
    let body = html! {
        (notice(scene.view.notice.as_ref()))
        (banners(shown))
        (hero(scene))
        (tiles(shown))
        div.columns {
            div { (own::part(scene)) (news::leaderboard(shown)) }
            div { (gifts::part(shown)) (news::feed(shown)) (rules(shown)) }
        }
        p.quiet {
            "Times are UTC. "
            noscript { "Without scripts this page does not follow the time: load it again to see what is new." }
        }
    };
    let name = brand::name(scene.faucet.parts.page.product());
    let document = Document {
        title: "Kills earn Banano",
        now_ms: Some(shown.now.ms()),
        refresh: Some(Refresh::Script),
        header: Header::Faucet { name },
        body,
    };
    render(document)
}

fn notice(notice: Option<&Notice>) -> Markup {
    html! {
        @match notice {
            Some(Notice::Done(Done::Linked)) => p.banner.ok role="status" { "The wallet is linked: payouts go to it from now on." },
            Some(Notice::Done(Done::Verified)) => p.banner.ok role="status" { "Your membership and your Epic account were looked up again." },
            Some(Notice::Done(Done::SignedOut)) => p.banner.ok role="status" { "You are signed out in this browser." },
            Some(Notice::Refused(what, why)) => p.banner.stop role="alert" { b { (what) } " " (why) },
            None => {}
        }
    }
}

/// What everybody must know before anything else.
fn banners(shown: &PageView) -> Markup {
    let Mode { dry_run, payouts_halted, accrual_halted, scheduler_halted, .. } = shown.mode;
    html! {
        div #banners data-live {
            @if dry_run {
                p #dry-run.banner.warn role="status" { b { "Dry run." } " Everything here is practice: no BAN is sent, and these figures count for nothing." }
            }
            @if payouts_halted || accrual_halted || scheduler_halted {
                p.banner.warn role="status" {
                    b { "Paused." }
                    @if accrual_halted || scheduler_halted { " Kills are not counted now; they are once it goes on." }
                    @if payouts_halted || scheduler_halted { " Nothing is paid now; what is open stays yours." }
                }
            }
            @if let Some(promo) = shown.promo {
                p.banner.ok role="status" {
                    (promo.emoji) " " b { (promo.name) } ": " (promo.tagline)
                    " " (promo.days_remaining(shown.now)) " days left."
                }
            }
        }
    }
}

fn hero(scene: &Scene<'_>) -> Markup {
    let product = scene.faucet.parts.page.product();
    html! {
        section.card.hero {
            @if let Some(banner) = brand::address(&product.banner_url) { img src=(banner) alt=""; }
            div.head {
                h1 { (brand::name(product)) }
                @if !product.org_name.is_empty() { span.quiet { "by " (product.org_name) } }
            }
            p { "Play Fortnite, and every kill earns Banano. It is paid to your wallet by itself; there is nothing to claim." }
            @let (invite, kit) = (brand::address(&product.discord_invite_url), brand::address(&product.media_kit_url));
            @if invite.is_some() || kit.is_some() {
                p.links {
                    @if let Some(invite) = invite { a.button href=(invite) rel="noopener" { "Join the Discord server" } }
                    @if let Some(kit) = kit { a.button href=(kit) rel="noopener" { "Media kit" } }
                }
            }
        }
    }
}

fn tiles(shown: &PageView) -> Markup {
    let tile = |name: &str, value: Markup| html! { div { dt { (name) } dd { (value) } } };
    let economics = &shown.gifts.economics;
    html! {
        dl.tiles #tiles data-live {
            (tile("A kill earns", html! { b.number { (ban(economics.effective_rate)) } " BAN" }))
            (tile("Kills are counted", due(shown, |due| due.accrual, shown.mode.accrual_halted)))
            (tile("Payouts are made", due(shown, |due| due.settlement, shown.mode.payouts_halted)))
            (tile("Paid so far", html! { span.number { (ban(economics.total_paid_out)) } " BAN" }))
            (tile("Players", html! { span.number { (count(i64::try_from(shown.players).unwrap_or(i64::MAX))) } }))
        }
    }
}

/// When a run comes. One that is due already has no countdown: it may take its time.
fn due(shown: &PageView, of: impl Fn(&bursar_faucet::http::Due) -> Timestamp, is_halted: bool) -> Markup {
    let at = shown.due.as_ref().map(of);
    html! {
        @match at {
            _ if is_halted || shown.mode.scheduler_halted => span.bad { "paused" },
            None => "soon",
            Some(at) if at.ms() <= shown.now.ms() => "now",
            Some(at) => { "in " (countdown(at.ms(), shown.now.ms())) },
        }
    }
}

fn rules(shown: &PageView) -> Markup {
    let unit = match shown.cap_mode {
        CapMode::Kills => "kills",
        CapMode::Payouts => "payouts",
    };
    let economics = &shown.gifts.economics;
    html! {
        details.card {
            summary { "How it works" }
            ol {
                li { "Join the community's Discord server and link your Epic account with Yunite." }
                li { "Sign in here with Discord, and name a Banano wallet." }
                li { "Play. Kills from now on count, read from your public statistics." }
                li { "What you have earned is sent to your wallet at the next payout, without a fee." }
            }
            p {
                "At most " (count(i64::from(shown.caps.daily))) " " (unit) " are paid in a day and "
                (count(i64::from(shown.caps.weekly))) " in a week; the rest waits for the next."
            }
            p.quiet {
                "The rate is " (ban(economics.base_rate)) " BAN, times " (economics.milestone.multiplier)
                " for donations (" (economics.milestone.name) "), times what keeps income and payouts in balance."
            }
        }
    }
}
