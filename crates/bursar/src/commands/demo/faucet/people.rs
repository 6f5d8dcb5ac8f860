//! Who plays, and how many kills they make: functions of the seed, so that a second run has the same people.

use bursar_banano::Seed;

const WALLETS: &str = "bursar demo 2026 faucet wallets";
const CAREERS: &str = "bursar demo 2026 faucet career";
const KILLS: &str = "bursar demo 2026 faucet kills";
/// How long one stretch of play lasts, by the rules' clock.
pub(super) const STRETCH_MS: i64 = 300_000;
/// The Discord account of whoever runs the faucet.
pub(super) const OPERATOR: u64 = 80_351_110_224_000_001;
const FIRST: u64 = 80_351_110_225_000_000;
const NAMES: [&str; 12] = [
    "MangoMole",
    "peelout",
    "Nanner9000",
    "quiet_otter",
    "BoxFightBea",
    "Plantain",
    "zonewars_zoe",
    "SirSlips",
    "LootLemur",
    "bush_camper",
    "TripleTilt",
    "monKey",
];

/// Somebody who plays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Person {
    /// The Discord account.
    pub id: u64,
    /// Its name.
    pub name: &'static str,
    /// The Epic account.
    pub epic: String,
    /// The wallet.
    pub wallet: String,
}

/// Everybody, the same at each start.
pub(super) fn everybody(seed: u64) -> Vec<Person> {
    let wallets = Seed::from_bytes(blake3::derive_key(WALLETS, &seed.to_be_bytes()));
    let person = |(number, name): (u32, &'static str)| Person {
        id: FIRST + u64::from(number),
        name,
        epic: format!("epic_demo_{number}"),
        wallet: wallets.secret_key(number).public_key().address(),
    };
    (0..).zip(NAMES).map(person).collect()
}

/// Kills of a whole life before the demo: none of them is paid.
pub(super) fn career(seed: u64, person: &Person) -> u64 {
    500 + u64::from(draw(CAREERS, &[seed, person.id]) % 5_000)
}

/// Kills in the stretch that begins at `start_ms`: most people play some of the time.
pub(super) fn kills(seed: u64, person: &Person, start_ms: i64) -> u64 {
    let drawn = draw(KILLS, &[seed, person.id, start_ms.unsigned_abs()]);
    match drawn % 5 {
        0..=2 => 0,
        _ => 1 + u64::from(drawn / 5 % 4),
    }
}

fn draw(purpose: &str, key: &[u64]) -> u32 {
    let bytes: Vec<u8> = key.iter().flat_map(|part| part.to_be_bytes()).collect();
    let hash = blake3::derive_key(purpose, &bytes);
    hash.iter().take(4).fold(0, |number, byte| number << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn everybody_has_an_account_and_a_wallet_of_their_own_at_each_start() {
        let people = everybody(1);
        assert_eq!(people, everybody(1));
        let wallets: BTreeSet<String> =
            people.iter().chain(&everybody(2)).map(|one| one.wallet.clone()).collect();
        assert_eq!(wallets.len(), 24);
        assert!(people.iter().all(|one| one.id != OPERATOR));
    }

    #[test]
    fn somebody_plays_two_stretches_of_five_and_makes_up_to_four_kills() {
        let people = everybody(1);
        let all: Vec<u64> = (0..1_000).map(|slot| kills(1, &people[0], slot * STRETCH_MS)).collect();
        let played = all.iter().filter(|kills| **kills > 0).count();
        assert!((350..450).contains(&played) && all.iter().max() == Some(&4), "{played}");
        assert!((500..5_500).contains(&career(1, &people[0])));
    }
}
