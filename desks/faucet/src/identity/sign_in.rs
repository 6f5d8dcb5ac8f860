//! Signing in through Discord, and being verified again (docs/spec/faucet.md 2.3 and 3.1).

use super::rejection::{IdentityFault, IdentityRejection, Outcome};
use super::verify::{Found, Known, Source, conclude, known, membership};
use crate::faucet::Faucet;
use crate::record::User;
use crate::upstream::{Link, Reading, Visitor};

/// Redeems a code and verifies whoever it names. Players who are known lose what they have lost, also when the sign-in is
/// refused for it. Blocks.
pub fn sign_in(faucet: &Faucet, code: &str, region: Option<String>) -> Outcome<User> {
    let dry_run = faucet.platform.store.read("faucet.sign_in", |tx| {
        let now = tx.reading()?;
        Ok(faucet.mode(tx, now)?.dry_run)
    })?;
    let upstreams = faucet.upstreams(dry_run);
    let visitor = match upstreams.identity.identify(code) {
        Reading::Found(visitor) => visitor,
        Reading::NotFound => return Ok(Err(IdentityRejection::BadCode)),
        Reading::NoData(why) => return Err(why.into()),
        Reading::Unavailable(why) => return Err(why.into()),
    };
    let known = known(faucet, &visitor.discord_user_id)?;
    let epic = match visitor.guild_member {
        true => membership(look_up(faucet, known.dry_run, &visitor.discord_user_id))?.1,
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
    };
    Ok(conclude(faucet, &known, &found)?.and_then(admitted))
}

/// Looks a known player up again. Blocks.
pub fn reverify(faucet: &Faucet, discord_user_id: &str, source: Source) -> Outcome<User> {
    let known = known(faucet, discord_user_id)?;
    if known.user.is_none() {
        return Ok(Err(IdentityRejection::UnknownUser));
    }
    let reading = look_up(faucet, known.dry_run, discord_user_id);
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
    let found = Found { discord_user_id, username: None, is_member, epic_account_id, region: None, source };
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

fn look_up(faucet: &Faucet, dry_run: bool, discord_user_id: &str) -> Reading<Link> {
    let mut readings = faucet.upstreams(dry_run).links.look_up(&[discord_user_id]);
    readings.pop().unwrap_or(Reading::NotFound)
}
