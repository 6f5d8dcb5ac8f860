//! Players of a scene: made as if they had signed in and linked everything.

use bursar_devnet_faucet::StatsAccount;
use bursar_faucet::record::{Accrual, Payout, Tally, USERS, User, WALLET_LINKS, WalletLink};
use bursar_faucet::rules::baseline::{Baseline, KillCursor};
use bursar_faucet::rules::eligibility::Eligibility;
use bursar_store::{StoreError, Timestamp, Tx};

use crate::scene::{Scene, address};

impl Scene {
    /// A player with everything that earning takes, whose lifetime kills are `kills` and count from there. Returns the id,
    /// which is also the index of the wallet.
    pub fn player(&self, kills: u32) -> i64 {
        let id = self.linked_player();
        self.set_kills(id, u64::from(kills));
        let baseline = Baseline::Set { number: 1, kills: KillCursor { baseline: kills, cursor: kills } };
        self.write(|tx, _| Tally::save(tx, [&Tally { baseline, ..Tally::new(id, false) }]));
        id
    }

    /// A player whose baseline is still to be read.
    pub fn linked_player(&self) -> i64 {
        self.write(|tx, now| {
            let id = tx.allocate(USERS, 1)?;
            let user = User {
                id,
                discord_user_id: Some(format!("discord_{id}")),
                discord_username: Some(format!("user_{id}")),
                is_guild_member: true,
                epic_account_id: Some(epic(id)),
                eligibility: Eligibility::Eligible,
                region_code: Some("EU".to_owned()),
                solana_address: None,
                token_balance: 0,
                token_verified_at: None,
                verified_at: Some(now),
                last_read_at: None,
                last_settlement_at: None,
                erased_at: None,
                created_at: now,
            };
            User::save(tx, &[user], now)?;
            linked(tx, id, address(u32::try_from(id).unwrap()), true, now)?;
            Ok(id)
        })
    }

    /// The player links one more address.
    pub fn link(&self, id: i64, address: &str, is_primary: bool) {
        self.write(|tx, now| linked(tx, id, address.to_owned(), is_primary, now));
    }

    pub fn set_kills(&self, id: i64, kills: u64) {
        self.stats.with(|stats| stats.set(&epic(id), StatsAccount::Kills(kills)));
    }

    /// The player kills so many more.
    pub fn grow(&self, id: i64, kills: u64) {
        self.stats.with(|stats| stats.grow_kills(&epic(id), kills));
    }

    /// The player kills so many more, and a run counts them in a minute of its own.
    pub fn earn(&self, id: i64, kills: u64) {
        self.pass(crate::scene::MINUTE_MS);
        self.grow(id, kills);
        self.accrue();
    }

    pub fn change_user(&self, id: i64, change: impl Fn(&mut User)) {
        self.write(|tx, now| {
            let mut users = User::load(tx, &[id])?;
            users.iter_mut().for_each(&change);
            User::save(tx, &users, now)
        });
    }

    pub fn tally_in(&self, id: i64, dry_run: bool) -> Option<Tally> {
        self.read(|tx| Tally::peek(tx, &[id], dry_run)).pop()
    }

    pub fn tally(&self, id: i64) -> Tally {
        self.tally_in(id, false).unwrap()
    }

    pub fn cursor(&self, id: i64) -> u32 {
        let Baseline::Set { kills, .. } = self.tally(id).baseline else { panic!("no cursor yet") };
        kills.cursor
    }

    /// The kills of every accrual of a player, with the state, in the order of minutes.
    pub fn accruals(&self, id: i64) -> Vec<(i64, String)> {
        let sql =
            "SELECT kills, state FROM faucet_reward_accrual WHERE user_id = $1 ORDER BY epoch_minute, seq";
        self.read(|tx| tx.query(sql, &[id.into()], |row| Ok((row.get(0)?, row.get(1)?))))
    }

    pub fn open_accruals(&self, id: i64) -> Vec<Accrual> {
        self.read(|tx| Accrual::open(tx, &[id], false))
    }

    /// A player's payouts in the order they were made.
    pub fn payouts_of(&self, id: i64) -> Vec<Payout> {
        self.payouts_in(id, false)
    }

    pub fn payouts_in(&self, id: i64, dry_run: bool) -> Vec<Payout> {
        let since = bursar_store::Timestamp::from_ms(0);
        let mut payouts = self.read(|tx| Payout::of_users_since(tx, &[id], dry_run, since));
        payouts.sort_by_key(|payout| payout.id);
        payouts
    }
}

pub fn epic(id: i64) -> String {
    format!("epic_{id}")
}

fn linked(
    tx: &mut Tx<'_>,
    user_id: i64,
    address: String,
    is_primary: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    let id = tx.allocate(WALLET_LINKS, 1)?;
    let (is_verified, verified_at) = (true, Some(now));
    let link = WalletLink { id, user_id, address, is_primary, is_verified, verified_at, created_at: now };
    WalletLink::save(tx, &[link], now)
}
