//! What one reading of one player's kills earns (docs/spec/faucet.md 3.2).

use bursar_store::Timestamp;

use super::ban::{BanE8, BanError};
use super::baseline::{Baseline, KillCursor, KillReading};
use super::eligibility::{Missing, Requirements};

/// What a decision needs to know of a player, as loaded in the transaction that will save it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Player<'a> {
    /// The Epic account on record.
    pub epic_account_id: Option<&'a str>,
    /// A verified wallet is linked.
    pub has_verified_wallet: bool,
    /// Member of the guild.
    pub is_guild_member: bool,
    /// The standing.
    pub eligibility: super::eligibility::Eligibility,
    /// The baseline and cursor of the mode that runs: dry-run counts its invented kills beside the real ones.
    pub baseline: Baseline,
    /// The minute of the player's newest accrual; see [`epoch_minute`].
    pub last_minute: Option<i64>,
}

/// A reading and whom it is of: the account may have changed between asking and deciding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlayerReading<'a> {
    /// The account that was asked about.
    pub epic_account_id: &'a str,
    /// What the answer was.
    pub reading: KillReading,
}

/// A row to insert, with the move of the cursor that goes with it in one transaction.
///
/// The move is compare-and-set: it applies where the cursor is still `cursor_from` under baseline `baseline_number`; where
/// it is not, nothing of this is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewAccrual {
    /// Kills, above 0: `cursor_to - cursor_from`.
    pub kills: u32,
    /// BAN per kill.
    pub rate: BanE8,
    /// `kills * rate`.
    pub amount: BanE8,
    /// When, in whole minutes since the Unix epoch.
    pub epoch_minute: i64,
    /// Which of the player's baselines it counts from.
    pub baseline_number: u32,
    /// The cursor before.
    pub cursor_from: u32,
    /// The cursor after.
    pub cursor_to: u32,
}

/// What a reading leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Write nothing.
    Nothing(Reason),
    /// Write the baseline: the first successful reading. Nothing is earned yet.
    SetBaseline(Baseline),
    /// Insert the row and move the cursor.
    Accrue(NewAccrual),
    /// Write no row and leave the cursor; record a `kill_regress` finding.
    Regress {
        /// Where the cursor stays.
        cursor: u32,
        /// The lower count that was read.
        lifetime: u32,
    },
}

/// Why nothing is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The player does not earn.
    NotEligible(Missing),
    /// The reading is of an account that is no longer the player's.
    OtherAccount,
    /// The reading failed.
    NoData,
    /// No kills since the last reading.
    NoGrowth,
    /// The player has an accrual in this minute already; the growth is picked up in a later one.
    SameMinute,
}

/// Decides one reading of one player, at `rate` BAN per kill: a row from the cursor to the count, each kill in one row
/// (invariant KILLS-ONCE). Fails only when the amount would be too large.
pub fn decide(
    player: &Player<'_>,
    read: PlayerReading<'_>,
    rate: BanE8,
    now: Timestamp,
) -> Result<Decision, BanError> {
    if player.epic_account_id.is_some_and(|known| known != read.epic_account_id) {
        return Ok(Decision::Nothing(Reason::OtherAccount));
    }
    if let Some(missing) = player.requirements().missing() {
        return Ok(Decision::Nothing(Reason::NotEligible(missing)));
    }
    let KillReading::Lifetime(lifetime) = read.reading else {
        return Ok(Decision::Nothing(Reason::NoData));
    };
    let (number, KillCursor { cursor, .. }) = match player.baseline {
        Baseline::Pending { .. } => return Ok(Decision::SetBaseline(player.baseline.read(read.reading))),
        Baseline::Set { number, kills } => (number, kills),
    };
    let kills = match lifetime.checked_sub(cursor) {
        None => return Ok(Decision::Regress { cursor, lifetime }),
        Some(0) => return Ok(Decision::Nothing(Reason::NoGrowth)),
        Some(kills) => kills,
    };
    let epoch_minute = epoch_minute(now);
    if player.last_minute.is_some_and(|last| epoch_minute <= last) {
        return Ok(Decision::Nothing(Reason::SameMinute));
    }
    Ok(Decision::Accrue(NewAccrual {
        kills,
        rate,
        amount: rate.times(u64::from(kills))?,
        epoch_minute,
        baseline_number: number,
        cursor_from: cursor,
        cursor_to: lifetime,
    }))
}

/// The whole minutes since the Unix epoch, rounded down.
#[must_use]
pub const fn epoch_minute(at: Timestamp) -> i64 {
    at.ms().div_euclid(60_000)
}

impl Player<'_> {
    /// What the player has of what earning takes.
    #[must_use]
    pub fn requirements(&self) -> Requirements {
        Requirements {
            has_epic_account: self.epic_account_id.is_some(),
            has_verified_wallet: self.has_verified_wallet,
            is_guild_member: self.is_guild_member,
            eligibility: self.eligibility,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::eligibility::Eligibility;

    const MINUTE_MS: i64 = 60_000;
    const START: Timestamp = Timestamp::from_ms(29_000_000 * MINUTE_MS);

    fn rate() -> BanE8 {
        "0.05".parse().unwrap()
    }

    fn player(cursor: u32) -> Player<'static> {
        Player {
            epic_account_id: Some("epic"),
            has_verified_wallet: true,
            is_guild_member: true,
            eligibility: Eligibility::Eligible,
            baseline: Baseline::Set { number: 1, kills: KillCursor { baseline: 1_208, cursor } },
            last_minute: None,
        }
    }

    fn read(player: &Player<'_>, reading: KillReading, now: Timestamp) -> Decision {
        decide(player, PlayerReading { epic_account_id: "epic", reading }, rate(), now).unwrap()
    }

    /// Applies what is decided, as storage does.
    fn apply(player: &mut Player<'_>, lifetime: u32, now: Timestamp) -> u32 {
        match read(player, KillReading::Lifetime(lifetime), now) {
            Decision::Accrue(row) => {
                let Baseline::Set { number, mut kills } = player.baseline else {
                    panic!("no cursor to move")
                };
                assert_eq!((kills.cursor, number), (row.cursor_from, row.baseline_number));
                kills.cursor = row.cursor_to;
                player.baseline = Baseline::Set { number, kills };
                player.last_minute = Some(row.epoch_minute);
                row.kills
            }
            Decision::SetBaseline(baseline) => {
                player.baseline = baseline;
                0
            }
            Decision::Nothing(_) | Decision::Regress { .. } => 0,
        }
    }

    fn cursor(player: &Player<'_>) -> u32 {
        let Baseline::Set { kills, .. } = player.baseline else { panic!("no cursor yet") };
        kills.cursor
    }

    #[test]
    fn example_e12_only_growth_above_the_cursor_earns() {
        let mut player = Player { baseline: Baseline::Pending { number: 1 }, ..player(0) };
        let mut now = START;
        for (lifetime, kills, after) in
            [(1_208, 0, 1_208), (1_208, 0, 1_208), (1_215, 7, 1_215), (1_210, 0, 1_215), (1_220, 5, 1_220)]
        {
            assert_eq!((apply(&mut player, lifetime, now), cursor(&player)), (kills, after), "{lifetime}");
            now = now.after_ms(MINUTE_MS);
        }
        let regress = read(&player, KillReading::Lifetime(1_219), now);
        assert_eq!(regress, Decision::Regress { cursor: 1_220, lifetime: 1_219 });
    }

    #[test]
    fn example_e12_a_second_run_in_one_minute_leaves_its_growth_to_the_next() {
        let mut player = player(1_208);
        assert_eq!(apply(&mut player, 1_211, START), 3);
        assert_eq!(apply(&mut player, 1_213, START.after_ms(MINUTE_MS - 1)), 0);
        assert_eq!(cursor(&player), 1_211, "unmoved");
        assert_eq!(apply(&mut player, 1_213, START.after_ms(MINUTE_MS)), 2);
    }

    #[test]
    fn a_row_holds_kills_rate_amount_minute_and_both_cursors() {
        let now = START.after_ms(59_999);
        let row = NewAccrual {
            kills: 7,
            rate: rate(),
            amount: "0.35".parse().unwrap(),
            epoch_minute: 29_000_000,
            baseline_number: 1,
            cursor_from: 1_208,
            cursor_to: 1_215,
        };
        assert_eq!(read(&player(1_208), KillReading::Lifetime(1_215), now), Decision::Accrue(row));
    }

    #[test]
    fn a_failed_reading_writes_nothing_and_a_first_one_sets_the_baseline() {
        let pending = Player { baseline: Baseline::Pending { number: 4 }, ..player(0) };
        for player in [player(1_208), pending] {
            let decision = read(&player, KillReading::Unavailable, START);
            assert_eq!(decision, Decision::Nothing(Reason::NoData));
        }
        let kills = KillCursor { baseline: 50, cursor: 50 };
        let set = Decision::SetBaseline(Baseline::Set { number: 4, kills });
        assert_eq!(read(&pending, KillReading::Lifetime(50), START), set);
    }

    #[test]
    fn who_does_not_meet_the_requirements_earns_nothing() {
        let whole = player(1_208);
        let missing = [
            (Player { epic_account_id: None, ..whole }, Missing::EpicAccount),
            (Player { has_verified_wallet: false, ..whole }, Missing::Wallet),
            (Player { is_guild_member: false, ..whole }, Missing::GuildMembership),
            (Player { eligibility: Eligibility::Revoked, ..whole }, Missing::Revoked),
        ];
        for (player, missing) in missing {
            let decision = read(&player, KillReading::Lifetime(2_000), START);
            assert_eq!(decision, Decision::Nothing(Reason::NotEligible(missing)));
        }
        let held = Player { eligibility: Eligibility::Held, ..whole };
        assert!(matches!(read(&held, KillReading::Lifetime(1_209), START), Decision::Accrue(_)));
    }

    #[test]
    fn a_reading_of_an_account_that_was_replaced_meanwhile_counts_for_nothing() {
        let moved = Player { epic_account_id: Some("another"), ..player(1_208) };
        let decision = read(&moved, KillReading::Lifetime(9_999), START);
        assert_eq!(decision, Decision::Nothing(Reason::OtherAccount));
    }

    #[test]
    fn an_amount_too_large_is_refused() {
        let read = PlayerReading { epic_account_id: "epic", reading: KillReading::Lifetime(u32::MAX) };
        assert_eq!(decide(&player(1_208), read, BanE8::MAX, START), Err(BanError::Overflow));
    }

    #[test]
    fn minutes_are_rounded_down() {
        for (ms, minute) in [(0, 0), (59_999, 0), (60_000, 1), (-1, -1)] {
            assert_eq!(epoch_minute(Timestamp::from_ms(ms)), minute);
        }
    }
}
