//! The frame of every page: head, header with navigation, main part.

use maud::{DOCTYPE, Markup, html};

use crate::assets::{FAUCET_STYLE, ICON, SCRIPT, STYLE};

/// Seconds between two looks of a page that follows what happens.
pub(crate) const REFRESH_S: u32 = 5;

/// One page.
pub(crate) struct Document<'a> {
    /// For the browser's tab.
    pub title: &'a str,
    /// What the rules' clock shows, Unix ms, for countdowns.
    pub now_ms: Option<i64>,
    /// How it follows what happens; `None` = it does not.
    pub refresh: Option<Refresh>,
    /// What stands above.
    pub header: Header<'a>,
    /// The main part.
    pub body: Markup,
}

/// How a page follows what happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refresh {
    /// The script replaces the live parts; without scripts nothing happens, because a reload would empty a form.
    Script,
    /// The script replaces the live parts; without scripts the whole page is loaded again.
    ScriptOrReload,
}

/// What stands above a page.
pub(crate) enum Header<'a> {
    /// The name only.
    Plain,
    /// Of the public pages.
    Public,
    /// Of the faucet's pages, which have the community's name.
    Faucet {
        /// The faucet's name.
        name: &'a str,
    },
    /// Of the console: who is signed in, the form's proof, and where one is.
    Console {
        /// The operator, as `name (role)`.
        who: String,
        /// For the form that signs out.
        proof: &'a str,
        /// The path of this page.
        here: &'static str,
    },
}

/// The console's pages: path and name.
const SECTIONS: [(&str, &str); 8] = [
    ("/console", "Overview"),
    ("/console/switches", "Stop"),
    ("/console/incidents", "Incidents"),
    ("/console/settlements", "Settlements"),
    ("/console/payouts", "Payouts"),
    ("/console/approvals", "Approvals"),
    ("/console/jobs", "Jobs"),
    ("/console/ledger", "Ledger"),
];

/// The whole page.
pub(crate) fn render(document: Document<'_>) -> Markup {
    let Document { title, now_ms, refresh, header, body } = document;
    html! {
        (DOCTYPE)
        html lang="en" data-now=[now_ms] data-refresh=[refresh.map(|_| REFRESH_S)] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " \u{b7} " (brand(&header)) }
                link rel="stylesheet" href=(STYLE.url());
                @if matches!(header, Header::Faucet { .. }) { link rel="stylesheet" href=(FAUCET_STYLE.url()); }
                link rel="icon" type="image/svg+xml" href=(ICON.url());
                script src=(SCRIPT.url()) defer {}
                @if refresh == Some(Refresh::ScriptOrReload) {
                    noscript { meta http-equiv="refresh" content=(REFRESH_S * 2); }
                }
            }
            body {
                a.skip href="#main" { "Skip to the main part" }
                (above(&header))
                p #offline.banner.warn role="status" hidden { "The server does not answer. This page tries again." }
                main #main { (body) }
            }
        }
    }
}

/// Whose page it is.
fn brand<'a>(header: &Header<'a>) -> &'a str {
    match header {
        Header::Faucet { name } => name,
        Header::Plain | Header::Public | Header::Console { .. } => "Bursar",
    }
}

fn above(header: &Header<'_>) -> Markup {
    html! {
        header.top {
            a.brand href="/" { (brand(header)) }
            @match header {
                Header::Plain => {}
                Header::Public | Header::Faucet { .. } => {
                    nav aria-label="Pages" {
                        a href="/docs" { "API" }
                        a href="/console" { "Operators" }
                    }
                }
                Header::Console { who, proof, here } => {
                    nav aria-label="Console" {
                        @for (path, name) in SECTIONS {
                            a href=(path) aria-current=[(path == *here).then_some("page")] { (name) }
                        }
                    }
                    form.out method="post" action="/console/sign-out" {
                        input type="hidden" name="proof" value=(proof);
                        span.quiet { (who) } " "
                        button.plain type="submit" { "Sign out" }
                    }
                }
            }
        }
    }
}
