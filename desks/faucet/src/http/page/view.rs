//! What stands on the players' page.

use bursar_store::Timestamp;

use crate::balance::Seen;
use crate::mode::Mode;
use crate::record::User;
use crate::record::listing::{AccrualRow, BoardRow, PayoutRow};
use crate::rules::ban::BanE8;
use crate::rules::caps::{CapMode, CapStatus, Caps};
use crate::rules::donation::{Donor, Economics};
use crate::rules::holdings::Holdings;
use crate::rules::milestone::Milestone;
use crate::rules::promo::Promo;

/// Everything on the page, as of one moment.
#[derive(Clone, Debug)]
pub struct PageView {
    /// That moment, by the rules' clock.
    pub now: Timestamp,
    /// What is halted, and whether money is real.
    pub mode: Mode,
    /// The promotion that runs.
    pub promo: Option<&'static Promo>,
    /// When the next runs are due; `None` before the first has run.
    pub due: Option<Due>,
    /// Who looks.
    pub session: Session,
    /// The caps in force.
    pub caps: Caps,
    /// What they count.
    pub cap_mode: CapMode,
    /// Players by kills, most first.
    pub board: Vec<BoardRow>,
    /// How many players there are.
    pub players: u64,
    /// The newest accruals of everybody.
    pub accruals: Vec<Named<AccrualRow>>,
    /// The newest payouts of everybody.
    pub payouts: Vec<Named<PayoutRow>>,
    /// What was donated, and what it does.
    pub gifts: Gifts,
    /// The wallet that pays; `None` = the operator has none yet.
    pub funds: Option<Funds>,
}

/// When runs are due, by the rules' clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Kills are counted.
    pub accrual: Timestamp,
    /// What is open is paid.
    pub settlement: Timestamp,
}

/// Who looks at the page.
#[derive(Clone, Debug)]
pub enum Session {
    /// Nobody has signed in.
    None,
    /// There was a session, and it does not count any more.
    Ended,
    /// A player.
    Player(Box<PlayerView>),
}

/// How a player stands.
#[derive(Clone, Debug)]
pub struct PlayerView {
    /// Who it is.
    pub user: User,
    /// The wallet that payouts go to.
    pub wallet: Option<String>,
    /// Whether kills are counted: a first reading has succeeded.
    pub is_counting: bool,
    /// What was earned, by how far it is.
    pub holdings: Holdings,
    /// Against the caps.
    pub cap: CapStatus,
    /// The newest payouts.
    pub payouts: Vec<PayoutRow>,
    /// The newest accruals.
    pub accruals: Vec<AccrualRow>,
}

/// A row with the name of its player; none once erased.
#[derive(Clone, Debug)]
pub struct Named<T> {
    /// The name.
    pub name: Option<String>,
    /// The mark of a token holder; empty for others.
    pub badge: &'static str,
    /// The row.
    pub row: T,
}

/// Donations and what they do to the rate.
#[derive(Clone, Debug)]
pub struct Gifts {
    /// All of them.
    pub total: BanE8,
    /// How far the goal is reached, in hundredths of a percent.
    pub progress_e2: u16,
    /// The next milestone and what is missing to it; `None` on the highest.
    pub next: Option<(Milestone, BanE8)>,
    /// Who gave most.
    pub donors: Vec<Donor>,
    /// What a kill earns and why.
    pub economics: Economics,
}

/// The wallet that pays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Funds {
    /// Where donations go.
    pub address: String,
    /// What the chain said last; `None` = nothing yet.
    pub seen: Option<Seen>,
}
