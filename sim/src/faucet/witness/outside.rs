//! What happened outside the desk, as the simulator made it happen: who asked for which wallet, and what statistics told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How many of the newest counts of an account somebody may still have in hand who asked for them.
const IN_HAND_MAX: usize = 12;

/// A wallet that a player asked for.
#[derive(Clone, Debug)]
struct Wish {
    asked: u64,
    /// When it was answered, or came to nothing; `None` = it may still be carried out.
    ended: Option<u64>,
    is_granted: bool,
    address: String,
}

/// Wallets of players, by the ids that Discord has of these, as far as their answers tell.
#[derive(Clone, Debug, Default)]
pub struct Wallets {
    wishes: BTreeMap<String, Vec<Wish>>,
    ever: BTreeSet<(String, String)>,
}

impl Wallets {
    /// A player asks for a wallet, at moment `asked`.
    pub fn ask(&mut self, player: &str, asked: u64, address: &str) {
        let wish = Wish { asked, ended: None, is_granted: false, address: address.to_owned() };
        self.wishes.entry(player.to_owned()).or_default().push(wish);
        self.ever.insert((player.to_owned(), address.to_owned()));
    }

    /// What was asked for at moment `asked` is answered, or not, at moment `ended`. Once it is granted nothing stands that
    /// had ended before it was asked for.
    pub fn answer(&mut self, player: &str, asked: u64, ended: u64, is_granted: bool) {
        let Some(wishes) = self.wishes.get_mut(player) else { return };
        let Some(wish) = wishes.iter_mut().find(|wish| wish.asked == asked) else { return };
        (wish.ended, wish.is_granted) = (Some(ended), is_granted);
        if is_granted {
            wishes.retain(|wish| wish.ended.is_none_or(|ended| ended > asked));
        }
    }

    /// Everything ends at moment `ended`: what is not answered came to nothing, or was done and nobody was told.
    pub fn end_all(&mut self, ended: u64) {
        for wish in self.wishes.values_mut().flatten() {
            wish.ended.get_or_insert(ended);
        }
    }

    /// Somebody tries to erase the player, with all wallets.
    pub fn doubt(&mut self, player: &str) {
        self.wishes.get_mut(player).into_iter().flatten().for_each(|wish| wish.is_granted = false);
    }

    /// Whether an address may be the one that the player is paid at.
    pub fn may_be(&self, player: &str, address: &str) -> bool {
        self.wishes.get(player).into_iter().flatten().any(|wish| wish.address == address)
    }

    /// Whether the player ever asked for that wallet.
    pub fn had(&self, player: &str, address: &str) -> bool {
        self.ever.contains(&(player.to_owned(), address.to_owned()))
    }

    /// Whether the player has a wallet for sure.
    pub fn is_linked(&self, player: &str) -> bool {
        self.wishes.get(player).into_iter().flatten().any(|wish| wish.is_granted)
    }
}

/// A baseline: whose, and which of theirs.
pub type Counted = (i64, i64);

/// Everything else: no restore takes it back.
#[derive(Debug, Default)]
pub struct Outside {
    /// The time, Unix ms.
    pub now_ms: i64,
    told: BTreeMap<String, BTreeSet<i64>>,
    newest: BTreeMap<String, VecDeque<i64>>,
    accounts: BTreeMap<String, BTreeSet<String>>,
    /// Up to where kills were ever counted, by account.
    counted: BTreeMap<String, i64>,
    low: BTreeSet<(Counted, String)>,
    moments: u64,
}

impl Outside {
    /// The next moment: they are in the order in which things happened.
    pub fn moment(&mut self) -> u64 {
        self.moments += 1;
        self.moments
    }

    /// A player has an Epic account.
    pub fn has(&mut self, player: &str, account: &str) {
        self.accounts.entry(player.to_owned()).or_default().insert(account.to_owned());
    }

    /// Statistics tell so many lifetime kills of an account.
    pub fn tell(&mut self, account: &str, kills: i64) {
        self.told.entry(account.to_owned()).or_default().insert(kills);
        let newest = self.newest.entry(account.to_owned()).or_default();
        newest.push_back(kills);
        if newest.len() > IN_HAND_MAX {
            newest.pop_front();
        }
    }

    /// Kills of the account are counted up to there.
    pub fn count(&mut self, account: &str, to: i64) {
        let counted = self.counted.entry(account.to_owned()).or_default();
        *counted = to.max(*counted);
    }

    /// A baseline begins at so many kills; whether statistics have told that of late, or so many were counted before.
    pub fn begin(&mut self, counted: Counted, account: &str, kills: i64) -> bool {
        let before = self.counted.get(account);
        if before.is_some_and(|to| kills < *to) {
            self.low.insert((counted, account.to_owned()));
        }
        before == Some(&kills) || self.newest.get(account).is_some_and(|newest| newest.contains(&kills))
    }

    /// Whether a baseline began below what was counted of its account before: then it counts some kills again.
    pub fn is_low(&self, counted: Counted, account: &str) -> bool {
        self.low.contains(&(counted, account.to_owned()))
    }

    /// Whether the player ever had the account.
    pub fn had(&self, player: &str, account: &str) -> bool {
        self.accounts.get(player).is_some_and(|accounts| accounts.contains(account))
    }

    /// Whether statistics ever told so many kills of the account.
    pub fn was_told(&self, account: &str, kills: i64) -> bool {
        self.told.get(account).is_some_and(|told| told.contains(&kills))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wallet_that_was_granted_takes_the_place_of_those_before_and_of_none_that_may_still_come() {
        let mut wallets = Wallets::default();
        wallets.ask("p", 1, "lost");
        wallets.answer("p", 1, 2, false);
        assert!(wallets.may_be("p", "lost") && !wallets.is_linked("p"));
        wallets.ask("p", 3, "slow");
        wallets.ask("p", 4, "new");
        wallets.answer("p", 4, 5, true);
        assert!(wallets.is_linked("p"));
        assert!(wallets.had("p", "lost") && !wallets.had("q", "lost"));
        assert_eq!(["lost", "slow", "new"].map(|address| wallets.may_be("p", address)), [false, true, true]);
        assert!(!wallets.may_be("q", "new"));
        wallets.end_all(6);
        wallets.ask("p", 7, "last");
        wallets.answer("p", 7, 8, true);
        assert_eq!(["slow", "new", "last"].map(|address| wallets.may_be("p", address)), [false, false, true]);
    }

    #[test]
    fn a_baseline_begins_where_statistics_were_of_late_and_is_low_below_what_was_counted() {
        let mut outside = Outside::default();
        outside.tell("a", 5);
        for kills in 100..112 {
            outside.tell("a", kills);
        }
        outside.count("a", 106);
        assert_eq!(
            [5, 100, 106, 112].map(|kills| outside.begin((1, kills), "a", kills)),
            [false, true, true, false]
        );
        assert_eq!(
            [5, 100, 106, 112].map(|kills| outside.is_low((1, kills), "a")),
            [true, true, false, false]
        );
        assert_eq!([5, 106, 112].map(|kills| outside.was_told("a", kills)), [true, true, false]);
    }

    #[test]
    fn whoever_may_be_erased_has_no_wallet_for_sure() {
        let mut wallets = Wallets::default();
        wallets.ask("p", 1, "a");
        wallets.answer("p", 1, 2, true);
        wallets.doubt("p");
        assert!(wallets.may_be("p", "a") && !wallets.is_linked("p"));
    }
}
