//! A wallet's entries on the page, counted against the limits of the results route.

use bursar_control::ConfigTable;
use bursar_desk::limits::{Charge, LimitRefusal, LiveLimit};
use bursar_money::Amount;
use bursar_rounds::results::{WalletResults, WalletRound, for_wallet};
use bursar_rounds::settings::{Limit, RESULTS_BY_ADDRESS, RESULTS_BY_WALLET};
use bursar_rounds::wallet::Address;
use bursar_web::ApiError;
use maud::{Markup, html};

use super::{PATH, Scene, Terminal};
use crate::wording::{cents, clock, machine, signed_cents};

/// Entries on the page.
const SHOWN: i64 = 20;

/// What the part about results shows.
pub(super) enum Results {
    /// No wallet was named.
    NotAsked,
    /// What was named is no address.
    NoWallet,
    /// Too many questions; seconds until the next is answered.
    Limited(i64),
    /// The entries.
    Of(WalletResults),
}

impl Terminal {
    pub(super) async fn results(&self, wallet: &str, client: String) -> Result<Results, ApiError> {
        if wallet.is_empty() {
            return Ok(Results::NotAsked);
        }
        let Some(address) = Address::parse(wallet) else { return Ok(Results::NoWallet) };
        let by_wallet = (live(RESULTS_BY_WALLET), address.to_text());
        let charge = Charge { limits: vec![(live(RESULTS_BY_ADDRESS), client), by_wallet] };
        match self.platform.limits.pass(PATH, charge).await {
            Ok(()) => {}
            Err(LimitRefusal::Limited { retry_after_s }) => return Ok(Results::Limited(retry_after_s)),
            Err(refusal @ LimitRefusal::Lane(_)) => return Err(refusal.into()),
        }
        let read = move |tx: &mut bursar_store::Tx<'_>| for_wallet(tx, address, SHOWN, 0);
        Ok(Results::Of(self.platform.off_thread.read("console.results", read).await?))
    }
}

fn live(limit: Limit) -> LiveLimit {
    let Limit { prefix, limit, window_ms } = limit;
    LiveLimit { table: ConfigTable::ROUNDS, prefix, limit, window_ms }
}

/// The part of the page.
pub(super) fn part(scene: &Scene<'_>) -> Markup {
    html! {
        section.card {
            h2 { "Your results" }
            form.line method="get" action=(PATH) {
                input type="hidden" name="market" value=(scene.view.market.key());
                label for="whose" { "Wallet" }
                input #whose name="wallet" value=(scene.view.wallet) maxlength="44" required autocomplete="off"
                    spellcheck="false" placeholder="base58 address";
                button type="submit" { "Show" }
            }
            div #results data-live {
                @match &scene.results {
                    Results::NotAsked => p.quiet { "Name a wallet to see its entries. Anybody can look at any wallet." }
                    Results::NoWallet => p.bad { "This is no wallet: use a base58 address of 32 bytes." }
                    Results::Limited(seconds) => p.bad { "Too many looks at once. Try again in " (seconds) " s." }
                    Results::Of(results) => (entries(results)),
                }
            }
        }
    }
}

fn entries(results: &WalletResults) -> Markup {
    let totals = &results.totals;
    html! {
        @if results.rounds.is_empty() {
            p.quiet { "This wallet has no entries." }
        } @else {
            p {
                "Staked " b.number { (cents(Amount::new(totals.staked_lamports))) }
                ", paid " b.number { (cents(Amount::new(totals.paid_lamports))) }
                ", result of settled rounds " b.number { (signed_cents(totals.pnl_lamports)) } " PB."
            }
            div.wide {
                table {
                    caption.hidden { "The newest entries of this wallet" }
                    thead {
                        tr { th scope="col" { "Round" } th scope="col" { "Bet" } th scope="col" { "State" }
                             th.number scope="col" { "Paid" } th.number scope="col" { "Result" } }
                    }
                    tbody { @for round in &results.rounds { (entry(round)) } }
                }
            }
        }
    }
}

fn entry(round: &WalletRound) -> Markup {
    let market = round.round_id.split('-').next().unwrap_or_default();
    let class = match round.status {
        "WIN" => "good",
        "LOSS" => "bad",
        _ => "quiet",
    };
    html! {
        tr {
            td title=(round.round_id) {
                (market) " "
                time datetime=(machine(round.round_start_ms)) { (clock(round.round_start_ms)) }
            }
            td { (round.direction) " " (round.stake_usd) }
            td class=(class) {
                (round.status)
                @if let Some(reason) = round.settlement.as_ref().and_then(|settlement| settlement.reason) {
                    " " small { (reason.replace('_', " ")) }
                }
            }
            td.number { @if round.pnl_lamports.is_some() { (cents(Amount::new(round.payout_lamports))) } @else { "\u{2013}" } }
            td.number { @match round.pnl_lamports { Some(pnl) => (signed_cents(pnl)), None => "\u{2013}" } }
        }
    }
}
