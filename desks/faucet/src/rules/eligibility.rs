//! Who earns and who is paid (docs/spec/faucet.md 3.1).

/// A player's standing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eligibility {
    /// Earns and is paid.
    Eligible,
    /// Left the guild or lost the Epic mapping: neither earns nor is paid until verified again.
    Revoked,
    /// Flagged and waiting for review: earns, is not paid.
    Held,
}

/// What stands between a player and earning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// No Epic account is known.
    EpicAccount,
    /// No verified wallet is linked.
    Wallet,
    /// Not a member of the guild.
    GuildMembership,
    /// Eligibility is revoked.
    Revoked,
}

impl Eligibility {
    /// The word in records.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Eligibility::Eligible => "eligible",
            Eligibility::Revoked => "revoked",
            Eligibility::Held => "held",
        }
    }

    /// The standing of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Eligibility> {
        let all = [Eligibility::Eligible, Eligibility::Revoked, Eligibility::Held];
        all.into_iter().find(|eligibility| eligibility.word() == word)
    }

    /// Whether kills accrue.
    #[must_use]
    pub const fn may_accrue(self) -> bool {
        match self {
            Eligibility::Eligible | Eligibility::Held => true,
            Eligibility::Revoked => false,
        }
    }

    /// Whether a payout may be created.
    #[must_use]
    pub const fn may_be_paid(self) -> bool {
        match self {
            Eligibility::Eligible => true,
            Eligibility::Held | Eligibility::Revoked => false,
        }
    }

    /// The standing after a verification that found, or did not find, guild membership and Epic account. A hold is lifted by
    /// a review alone.
    #[must_use]
    pub const fn after_verification(self, is_verified: bool) -> Eligibility {
        match (self, is_verified) {
            (Eligibility::Held, _) => Eligibility::Held,
            (Eligibility::Eligible | Eligibility::Revoked, true) => Eligibility::Eligible,
            (Eligibility::Eligible | Eligibility::Revoked, false) => Eligibility::Revoked,
        }
    }
}

/// What a player must have for kills to accrue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requirements {
    /// An Epic account is mapped.
    pub has_epic_account: bool,
    /// At least one verified wallet link.
    pub has_verified_wallet: bool,
    /// Member of the guild.
    pub is_guild_member: bool,
    /// The standing.
    pub eligibility: Eligibility,
}

impl Requirements {
    /// The first thing that is missing; `None` when kills accrue.
    #[must_use]
    pub const fn missing(&self) -> Option<Missing> {
        if !self.has_epic_account {
            return Some(Missing::EpicAccount);
        }
        if !self.has_verified_wallet {
            return Some(Missing::Wallet);
        }
        if !self.is_guild_member {
            return Some(Missing::GuildMembership);
        }
        if self.eligibility.may_accrue() { None } else { Some(Missing::Revoked) }
    }
}

#[cfg(test)]
mod tests {
    use super::Eligibility::{Eligible, Held, Revoked};
    use super::*;

    #[test]
    fn the_held_earn_without_being_paid_and_the_revoked_do_neither() {
        for (standing, earns, is_paid) in
            [(Eligible, true, true), (Held, true, false), (Revoked, false, false)]
        {
            assert_eq!((standing.may_accrue(), standing.may_be_paid()), (earns, is_paid), "{standing:?}");
            assert_eq!(Eligibility::from_word(standing.word()), Some(standing));
        }
        assert_eq!(Eligibility::from_word("banned"), None);
    }

    #[test]
    fn verification_revokes_and_restores_but_never_lifts_a_hold() {
        for (before, is_verified, after) in [
            (Eligible, true, Eligible),
            (Eligible, false, Revoked),
            (Revoked, true, Eligible),
            (Revoked, false, Revoked),
            (Held, true, Held),
            (Held, false, Held),
        ] {
            assert_eq!(before.after_verification(is_verified), after, "{before:?} {is_verified}");
        }
    }

    #[test]
    fn every_requirement_is_asked_for() {
        let whole = Requirements {
            has_epic_account: true,
            has_verified_wallet: true,
            is_guild_member: true,
            eligibility: Eligible,
        };
        assert_eq!(whole.missing(), None);
        assert_eq!(Requirements { eligibility: Held, ..whole }.missing(), None);
        assert_eq!(Requirements { has_epic_account: false, ..whole }.missing(), Some(Missing::EpicAccount));
        assert_eq!(Requirements { has_verified_wallet: false, ..whole }.missing(), Some(Missing::Wallet));
        assert_eq!(
            Requirements { is_guild_member: false, ..whole }.missing(),
            Some(Missing::GuildMembership)
        );
        assert_eq!(Requirements { eligibility: Revoked, ..whole }.missing(), Some(Missing::Revoked));
    }
}
