//! Players: they sign in, link wallets, play, change accounts, leave and come back.

use std::sync::Arc;

use bursar_chain::Address;
use bursar_faucet::identity::verify::{Found, Known, Source, conclude};
use bursar_faucet::identity::wallet::link;
use bursar_faucet::rules::baseline::Baseline;

use super::FaucetRoom;
use super::wiring::Process;
use crate::chain::address_of;
use crate::event::Class;
use crate::node;
use crate::random::Random;
use crate::scenario::Item;
use crate::world::World;

/// Players of a world at most.
const PLAYERS_MAX: usize = 6;
/// Mean time between bursts of play, ms.
const BURST_GAP_MS: i64 = 15_000;

/// Where the operator's own money comes from.
pub fn own_address() -> Address {
    address_of(900_000)
}

/// A player as they see themselves.
#[derive(Clone, Debug)]
pub struct Player {
    discord: String,
    account: String,
    accounts: u64,
    wallet: Address,
    is_member: bool,
    has_account: bool,
}

/// Everybody who plays.
#[derive(Debug)]
pub struct Players {
    random: Random,
    all: Vec<Player>,
    changes_wallets: bool,
}

impl Players {
    /// Nobody yet.
    pub fn new(seed: u64, changes_wallets: bool) -> Players {
        Players { random: Random::of(seed, "players"), all: Vec::new(), changes_wallets }
    }

    fn join(&mut self) -> usize {
        let number = self.all.len();
        let id = u64::try_from(number).expect("few players");
        self.all.push(Player {
            discord: format!("{}", 10_000 + id),
            account: format!("epic-{id}-0"),
            accounts: 0,
            wallet: address_of(id),
            is_member: true,
            has_account: true,
        });
        number
    }

    /// Something about a player changes.
    fn change(&mut self, number: usize, random: &mut Random) -> &'static str {
        let others = u64::try_from(self.all.len()).expect("few players");
        let player = &mut self.all[number];
        // Whoever is away is so for one visit or two.
        if !player.is_member && random.chance(1, 2) {
            player.is_member = true;
            return "back in the guild";
        }
        if !player.has_account && random.chance(1, 2) {
            player.has_account = true;
            return "the account is back";
        }
        match random.below(16) {
            0 => {
                player.accounts += 1;
                player.account = format!("epic-{number}-{}", player.accounts);
                "a new account"
            }
            1..4 if self.changes_wallets => {
                player.wallet = address_of(random.below(others * 3));
                "a new wallet"
            }
            4 | 5 if player.is_member => {
                player.is_member = false;
                "leaves the guild"
            }
            6 | 7 if player.has_account => {
                player.has_account = false;
                "the account is gone"
            }
            _ => "signs in again",
        }
    }
}

impl FaucetRoom {
    /// Some players play, and some visit the faucet.
    pub fn burst(self: &Arc<FaucetRoom>, world: &Arc<World>) {
        if let Some(mut random) = world.next_item(Item::Burst) {
            let count = self.players.with(|players| players.all.len());
            if count < self.first_players() || (count < PLAYERS_MAX && random.chance(1, 22)) {
                let number = self.players.with(Players::join);
                self.visit(world, number, 0);
            } else if random.chance(1, 2) {
                let number = random.index(count);
                let what = self.players.with(|players| players.change(number, &mut random));
                world.reach("player", what);
                self.visit(world, number, 0);
            }
            let accounts: Vec<String> = self
                .players
                .with(|players| players.all.iter().map(|player| player.account.clone()).collect());
            for account in accounts {
                if random.chance(2, 3) {
                    continue;
                }
                let kills = if random.chance(1, 25) { random.below(300) } else { random.below(14) };
                self.game.with(|game| game.play(&account, kills, world.now_ms()));
            }
        }
        let pause_ms = self.players.with(|p| p.random.between(BURST_GAP_MS / 10, BURST_GAP_MS * 19 / 10));
        let room = Arc::clone(self);
        world.plan_in(pause_ms, Class::Load, move |world| room.burst(world));
    }

    /// A player signs in and links a wallet; tries again when that fails.
    pub fn visit(self: &Arc<FaucetRoom>, world: &Arc<World>, number: usize, tries: u32) {
        let (player, node) =
            self.players.with(|players| (players.all[number].clone(), players.random.index(world.serving)));
        let found = Found {
            discord_user_id: player.discord.clone(),
            username: None,
            is_member: Some(player.is_member),
            epic_account_id: player.has_account.then(|| player.account.clone()),
            region: None,
            source: Source::AuthCallback,
            is_invented: false,
        };
        let account = found.epic_account_id.as_deref();
        let moment =
            self.witness.with(|witness| witness.visit(&player.discord, account, player.wallet.as_str()));
        // Whatever the mode, its first reading is left to the accrual.
        let known = Known { user: None, baseline: Baseline::NONE, dry_run: true };
        let done = world.command(Some(node), |process: &node::Process| {
            let faucet =
                &process.room::<Process>().desk(&process.store).map_err(|error| error.to_string())?.faucet;
            let user = conclude(faucet, &known, &found).map_err(|fault| fault.to_string())?;
            let linked =
                link(faucet, &player.discord, player.wallet.as_str()).map_err(|fault| fault.to_string())?;
            Ok::<_, String>((user.is_ok(), linked.is_ok()))
        });
        let is_linked = matches!(done, Some(Ok((_, true))));
        world.figures.with(|figures| figures.batch(1));
        self.witness.with(|witness| witness.visited(&player.discord, moment, is_linked));
        let is_done = matches!(done, Some(Ok(_)));
        world.reach("player", if is_done { "visits" } else { "a visit that fails" });
        world.note(&format!("player {number} visits: {}", if is_done { "done" } else { "failed" }));
        if !is_done && tries < 4 {
            let room = Arc::clone(self);
            world.plan_in(4_000 << tries, Class::Load, move |world| room.visit(world, number, tries + 1));
        }
    }

    /// How many join before anybody plays: all but two where nobody changes wallets, so that a restore forgets few of them.
    fn first_players(&self) -> usize {
        if self.terms.changes_wallets { 2 } else { PLAYERS_MAX - 2 }
    }

    /// How many there are.
    pub fn player_count(&self) -> usize {
        self.players.with(|players| players.all.len())
    }
}
