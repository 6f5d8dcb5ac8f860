//! Signing in through Discord, and being verified again (docs/spec/faucet.md 2.3 and 3.1).

use super::nonce::{Purpose, claim};
use super::rejection::{IdentityFault, IdentityRejection, Outcome};
use super::verify::{Found, Known, Source, conclude, known, membership, peek};
use crate::CLOCK;
use crate::faucet::Faucet;
use crate::record::User;
use crate::upstream::{Link, Reading, Visitor};

/// How often a player may ask to be looked up again: each time asks Yunite, and perhaps the statistics.
const REVERIFY_EVERY_MS: i64 = 60_000;

/// Redeems a code and verifies whoever it names. Players who are known lose what they have lost, also when the sign-in is
/// refused for it. Blocks.
pub fn sign_in(faucet: &Faucet, code: &str, region: Option<String>) -> Outcome<User> {
    let visitor = match faucet.people().identity.identify(code) {
        Reading::Found(visitor) => visitor,
        Reading::NotFound => return Ok(Err(IdentityRejection::BadCode)),
        Reading::NoData(why) => return Err(why.into()),
        Reading::Unavailable(why) => return Err(why.into()),
    };
    let known = known(faucet, &visitor.discord_user_id)?;
    let epic = match visitor.guild_member {
        true => membership(look_up(faucet, &visitor.discord_user_id))?.1,
        false if known.user.is_none() => return Ok(Err(IdentityRejection::NotInGuild)),
        // Whoever left the guild has no registration there.
        false => None,
    };
    let Visitor { discord_user_id, username, guild_member } = visitor;
    let found = Found {
        discord_user_id,
        username: Some(username),
        is_member: Some(guild_member),
        epic_account_id: epic,
        region: Some(region),
        source: Source::AuthCallback,
        is_invented: faucet.policy.dry_run,
    };
    Ok(conclude(faucet, &known, &found)?.and_then(admitted))
}

/// Looks a player up again who asks for it, at most once a minute. Blocks.
pub fn reverify_own(faucet: &Faucet, discord_user_id: &str) -> Outcome<User> {
    let claimed = faucet.platform.store.transact("faucet.reverify", |tx| {
        let now = tx.open_clock(CLOCK)?;
        let Some(user) = peek(tx, discord_user_id)? else { return Ok(Err(IdentityRejection::UnknownUser)) };
        let claimed = claim(tx, Purpose::Reverify, user.id, REVERIFY_EVERY_MS, now)?;
        tx.close_clock(CLOCK, now)?;
        Ok(claimed.map_err(|until| {
            let left_ms = until.ms().saturating_sub(now.ms()).max(1);
            let retry_after_s = u64::try_from(left_ms).unwrap_or(1).div_ceil(1_000);
            IdentityRejection::TooSoon { retry_after_s }
        }))
    })?;
    match claimed {
        Ok(()) => reverify(faucet, discord_user_id, Source::UserReverify),
        Err(rejection) => Ok(Err(rejection)),
    }
}

/// Looks a known player up again. Blocks.
pub fn reverify(faucet: &Faucet, discord_user_id: &str, source: Source) -> Outcome<User> {
    let known = known(faucet, discord_user_id)?;
    if known.user.is_none() {
        return Ok(Err(IdentityRejection::UnknownUser));
    }
    let reading = look_up(faucet, discord_user_id);
    again(faucet, &known, discord_user_id, reading, source)
}

/// Writes what Yunite says of a player who is known.
pub(super) fn again(
    faucet: &Faucet,
    known: &Known,
    discord_user_id: &str,
    reading: Reading<Link>,
    source: Source,
) -> Result<Result<User, IdentityRejection>, IdentityFault> {
    let (is_member, epic_account_id) = membership(reading)?;
    let discord_user_id = discord_user_id.to_owned();
    let found = Found {
        discord_user_id,
        username: None,
        is_member,
        epic_account_id,
        region: None,
        source,
        is_invented: faucet.policy.dry_run,
    };
    conclude(faucet, known, &found)
}

fn admitted(user: User) -> Result<User, IdentityRejection> {
    if !user.is_guild_member {
        return Err(IdentityRejection::NotInGuild);
    }
    if user.epic_account_id.is_none() {
        return Err(IdentityRejection::NoEpicAccount);
    }
    Ok(user)
}

fn look_up(faucet: &Faucet, discord_user_id: &str) -> Reading<Link> {
    let mut readings = faucet.people().links.look_up(&[discord_user_id]);
    readings.pop().unwrap_or(Reading::NotFound)
}
