//! What a look at Discord and Yunite means for a player: one transaction, however it came about.

use std::time::Duration;

use bursar_store::{StoreError, Timestamp, Tx};

use super::rejection::{IdentityFault, IdentityRejection};
use crate::CLOCK;
use crate::faucet::Faucet;
use crate::mode::Mode;
use crate::record::{CountedAccount, Tally, Totals, USERS, User, Verification};
use crate::rules::baseline::{Baseline, KillReading};
use crate::rules::cursor_ranges::CursorRanges;
use crate::rules::eligibility::Eligibility;
use crate::settlement::set_aside;
use crate::upstream::{KillQuestion, Link, Reading};

/// How long a first reading of kills may wait for its turn; without it the baseline stays pending.
const PATIENCE: Duration = Duration::from_secs(5);

/// What made us look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A sign-in.
    AuthCallback,
    /// The player asked.
    UserReverify,
    /// An administrator asked.
    AdminReverify,
    /// The refresh job.
    VerificationRefresh,
    /// A sign-in of the demonstration.
    DemoLogin,
}

impl Source {
    /// The word in records.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Source::AuthCallback => "auth_callback",
            Source::UserReverify => "user_reverify",
            Source::AdminReverify => "admin_reverify",
            Source::VerificationRefresh => "verification_refresh",
            Source::DemoLogin => "demo_login",
        }
    }
}

/// What was found out about a Discord account.
#[derive(Clone, Debug)]
pub struct Found {
    /// The account.
    pub discord_user_id: String,
    /// Its name; `None` = as known.
    pub username: Option<String>,
    /// Whether it is in the guild; `None` = as known.
    pub is_member: Option<bool>,
    /// Its Epic account.
    pub epic_account_id: Option<String>,
    /// Where a sign-in came from; `None` = as known.
    pub region: Option<Option<String>>,
    /// What made us look.
    pub source: Source,
    /// Whether stand-ins told it, or the demonstration.
    pub is_invented: bool,
}

/// What is known of a Discord account before anything is asked.
#[derive(Clone, Debug)]
pub struct Known {
    /// The player.
    pub user: Option<User>,
    /// The player's baseline in this mode.
    pub baseline: Baseline,
    /// The mode that kills count in.
    pub dry_run: bool,
}

/// Membership and Epic account by Yunite's word. What it does not tell leaves membership as known.
pub fn membership(reading: Reading<Link>) -> Result<(Option<bool>, Option<String>), IdentityFault> {
    match reading {
        Reading::Found(Link::Linked(epic)) => Ok((Some(true), Some(epic.id))),
        Reading::Found(Link::NotLinked) => Ok((Some(true), None)),
        Reading::Found(Link::NotInGuild) => Ok((Some(false), None)),
        Reading::NotFound => Ok((None, None)),
        Reading::NoData(why) => Err(why.into()),
        Reading::Unavailable(why) => Err(why.into()),
    }
}

/// The player of a Discord account, without a lock.
pub fn peek(tx: &mut Tx<'_>, discord_user_id: &str) -> Result<Option<User>, StoreError> {
    let sql = "SELECT id FROM faucet_user WHERE discord_user_id = $1";
    let id = tx.query_first(sql, &[discord_user_id.into()], |row| row.get::<i64>(0))?;
    Ok(id.map(|id| User::peek(tx, &[id])).transpose()?.and_then(|mut users| users.pop()))
}

/// What is known of a Discord account.
pub fn known(faucet: &Faucet, discord_user_id: &str) -> Result<Known, StoreError> {
    faucet.platform.store.read("faucet.identity", |tx| {
        let now = tx.reading()?;
        let dry_run = faucet.mode(tx, now)?.dry_run;
        let user = peek(tx, discord_user_id)?;
        let tally = user.as_ref().map(|user| Tally::peek(tx, &[user.id], dry_run)).transpose()?;
        let tally = tally.and_then(|mut tallies| tallies.pop());
        Ok(Known { user, baseline: tally.map_or(Baseline::NONE, |tally| tally.baseline), dry_run })
    })
}

/// Writes what was found: player, baseline and verification. Asks for the kills first when a baseline needs them.
///
/// What was invented is refused in a live faucet, even while dry-run is forced; and in one that is configured for dry-run,
/// the players whom Discord knows stay as they are: their accounts and cursors are those of the live faucet.
pub fn conclude(
    faucet: &Faucet,
    known: &Known,
    found: &Found,
) -> Result<Result<User, IdentityRejection>, IdentityFault> {
    if found.is_invented != faucet.policy.dry_run {
        return Err(IdentityFault::Internal("what was found belongs to the other mode".to_owned()));
    }
    if let Some(user) = known.user.as_ref().filter(|_| found.is_invented && is_of_discord(found)) {
        return Ok(Ok(user.clone()));
    }
    let reading = first_reading(faucet, known, found.epic_account_id.as_deref());
    let store = &faucet.platform.store;
    Ok(store.transact("faucet.verify", |tx| apply(tx, faucet, found, (known.dry_run, reading)))?)
}

/// Whether the account is one that Discord gave: those that stand-ins invent are no numbers.
fn is_of_discord(found: &Found) -> bool {
    found.discord_user_id.bytes().all(|byte| byte.is_ascii_digit())
}

/// A reading of an account that has no baseline yet.
fn first_reading(faucet: &Faucet, known: &Known, epic: Option<&str>) -> KillReading {
    let Some(account) = epic else { return KillReading::Unavailable };
    let before = known.user.as_ref().and_then(|user| user.epic_account_id.as_deref());
    if before == Some(account) && matches!(known.baseline, Baseline::Set { .. }) {
        return KillReading::Unavailable;
    }
    let kills = &faucet.counters(known.dry_run).kills;
    let reading = kills.lifetime_kills(KillQuestion { account, cursor: None }, PATIENCE);
    KillReading::of_answer(reading.found())
}

fn apply(
    tx: &mut Tx<'_>,
    faucet: &Faucet,
    found: &Found,
    (read_in_dry_run, reading): (bool, KillReading),
) -> Result<Result<User, IdentityRejection>, StoreError> {
    let now = tx.open_clock(CLOCK)?;
    let mode = Mode::locked(tx, &faucet.platform.switchboard, &faucet.policy, now)?;
    let stored = User::of_discord(tx, &found.discord_user_id)?;
    if let Some(epic) = &found.epic_account_id
        && let Some(other) = User::of_epic(tx, epic)?
        && stored.as_ref().is_none_or(|user| user.id != other.id)
    {
        return Ok(Err(IdentityRejection::EpicInUse));
    }
    let is_new = stored.is_none();
    let known_epic = stored.as_ref().and_then(|user| user.epic_account_id.clone());
    let mut user = match stored {
        Some(user) => user,
        None => newcomer(tx.allocate(USERS, 1)?, found, now),
    };
    let was_paid = user.eligibility.may_be_paid();
    let is_verified = update(&mut user, found, now);
    User::save(tx, std::slice::from_ref(&user), now)?;
    if was_paid && !user.eligibility.may_be_paid() {
        set_aside(tx, &faucet.payouts, user.id, &faucet.recorder, now)?;
    }
    // A reading of the other mode says nothing in this one: the stand-ins count their own kills.
    let reading = if read_in_dry_run == mode.dry_run { reading } else { KillReading::Unavailable };
    for dry_run in [false, true] {
        let reading = if dry_run == mode.dry_run { reading } else { KillReading::Unavailable };
        let epics = (known_epic.as_deref(), found.epic_account_id.as_deref());
        rebase(tx, (user.id, dry_run), epics, reading, now)?;
    }
    record(tx, &user, found.source, is_verified, now)?;
    for dry_run in [false, true] {
        let mut totals = Totals::locked(tx, dry_run)?;
        totals.users += u64::from(is_new);
        totals.verifications_ok += u64::from(is_verified && dry_run == mode.dry_run);
        totals.save(tx, dry_run)?;
    }
    tx.close_clock(CLOCK, now)?;
    Ok(Ok(user))
}

fn newcomer(id: i64, found: &Found, now: Timestamp) -> User {
    User {
        id,
        discord_user_id: Some(found.discord_user_id.clone()),
        discord_username: None,
        is_guild_member: false,
        epic_account_id: None,
        eligibility: Eligibility::Eligible,
        region_code: None,
        solana_address: None,
        token_balance: 0,
        token_verified_at: None,
        verified_at: None,
        last_read_at: None,
        last_settlement_at: None,
        erased_at: None,
        created_at: now,
    }
}

/// Takes over what was found; says whether the player is verified by it.
fn update(user: &mut User, found: &Found, now: Timestamp) -> bool {
    if let Some(name) = &found.username {
        user.discord_username = Some(name.clone());
    }
    if let Some(is_member) = found.is_member {
        user.is_guild_member = is_member;
    }
    if let Some(region) = &found.region {
        user.region_code.clone_from(region);
    }
    user.epic_account_id.clone_from(&found.epic_account_id);
    user.verified_at = Some(now);
    let is_verified = user.is_guild_member && user.epic_account_id.is_some();
    user.eligibility = user.eligibility.after_verification(is_verified);
    is_verified
}

/// Moves a player's baseline in one mode, and makes the tally that a new player needs in both.
fn rebase(
    tx: &mut Tx<'_>,
    (user, dry_run): (i64, bool),
    (known, found): (Option<&str>, Option<&str>),
    reading: KillReading,
    now: Timestamp,
) -> Result<(), StoreError> {
    let stored = Tally::load(tx, &[user], dry_run)?.pop();
    let mut tally = stored.clone().unwrap_or_else(|| Tally::new(user, dry_run));
    let before = tally.baseline;
    tally.baseline = before.verified(known, found, reading);
    if let Some(lost) = known.filter(|known| found != Some(*known)) {
        CountedAccount::note(tx, lost, dry_run, before)?;
    }
    if let Some(account) = found.filter(|_| !is_same(before, tally.baseline)) {
        tally.baseline = tally.baseline.not_below(CountedAccount::counted(tx, account, dry_run)?);
    }
    if tally.baseline != before
        && let Baseline::Set { kills, .. } = tally.baseline
    {
        tally.last_reading = Some((now, kills.cursor));
    }
    if tally.baseline.number() != before.number() {
        tally.folded.ranges = CursorRanges::default();
        tally.last_reading = tally.last_reading.filter(|_| matches!(tally.baseline, Baseline::Set { .. }));
    }
    if stored.as_ref() == Some(&tally) { Ok(()) } else { Tally::save(tx, [&tally]) }
}

/// Whether a baseline that is set goes on.
fn is_same(before: Baseline, now: Baseline) -> bool {
    matches!(before, Baseline::Set { .. }) && before.number() == now.number()
}

fn record(
    tx: &mut Tx<'_>,
    user: &User,
    source: Source,
    is_verified: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    let row = Verification {
        id: 0,
        user_id: user.id,
        discord_user_id: user.discord_user_id.clone(),
        is_guild_member: user.is_guild_member,
        epic_account_id: user.epic_account_id.clone(),
        source: source.word().to_owned(),
        status: if is_verified { "ok" } else { "mismatch" }.to_owned(),
        created_at: now,
    };
    row.insert(tx)
}
