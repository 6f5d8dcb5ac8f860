//! The faucet's accrual and settlement on a store of the benchmark's own, with players who all kill at the same pace.

use std::sync::Arc;

use bursar_access::SeededEntropy;
use bursar_banano::rpc::NodeClient;
use bursar_banano::work::InThread;
use bursar_banano::{Asking, Banano, NodeSet, Seed, Settings};
use bursar_control::Switchboard;
use bursar_devnet_banano::{LocalNode, Node, NodeSettings};
use bursar_faucet::accrual::{AccrualParts, AccrualRun};
use bursar_faucet::policy::Policy;
use bursar_faucet::record::{Tally, USERS, User, WALLET_LINKS, WalletLink};
use bursar_faucet::rules::abuse::AbuseAction;
use bursar_faucet::rules::ban::BanE8;
use bursar_faucet::rules::baseline::{Baseline, KillCursor};
use bursar_faucet::rules::cap_window::CapWindow;
use bursar_faucet::rules::caps::{CapMode, NamedCaps};
use bursar_faucet::rules::eligibility::Eligibility;
use bursar_faucet::settlement::{Settlement, SettlementParts};
use bursar_faucet::upstream::{DryRunKills, Upstreams};
use bursar_store::lease::Lease;
use bursar_store::{Store, Timestamp};

use crate::payment_room;

/// What a cycle needs.
pub struct FaucetDesk {
    /// Reads kills.
    pub accrual: AccrualRun,
    /// Pays for them.
    pub settlement: Settlement,
    /// Taken for good.
    pub lease: Lease,
}

/// The desk on `store`, in dry-run or paying; everybody kills five between two runs.
pub fn open(store: &Arc<Store>, dry_run: bool) -> FaucetDesk {
    let node = LocalNode::new("node", Node::new(NodeSettings::easy(1)), 10_000);
    let nodes = NodeSet::new(vec![NodeClient::new(node)], 1, Asking::InTurn).expect("a node");
    let chain = Arc::new(Banano::new(nodes, Arc::new(InThread), Settings::default()));
    let payouts = payment_room::open(store, chain, payment_room::Extras::default());
    let policy = Arc::new(policy(dry_run));
    let kills = Arc::new(DryRunKills { kills_per_read: 5 });
    let accrual = AccrualRun::new(AccrualParts {
        store: Arc::clone(store),
        switchboard: Switchboard::new([], None),
        live: Upstreams { kills: Arc::clone(&kills) as _, ..Upstreams::dry_run(0) },
        dry_run: Upstreams { kills, ..Upstreams::dry_run(0) },
        policy: Arc::clone(&policy),
        payouts: payouts.clone(),
        operator: payment_room::operator(),
        recorder: Arc::new(payment_room::recorder("accrual")),
    });
    let settlement = Settlement::new(SettlementParts {
        store: Arc::clone(store),
        switchboard: Switchboard::new([], None),
        payouts,
        operator: payment_room::operator(),
        balance: Arc::new(|| Some(BanE8::MAX)),
        entropy: Arc::new(SeededEntropy::new(3)),
        policy,
        recorder: Arc::new(payment_room::recorder("settlement")),
    });
    let lease = store.transact("bench.lease", |tx| {
        let real = tx.real_time()?;
        Lease::take(tx, "faucet.bench", "bench", real, i64::from(u32::MAX))
    });
    let lease = lease.expect("a lease").expect("nobody else has it");
    FaucetDesk { accrual, settlement, lease }
}

/// Adds players who are verified, have a wallet each and nothing yet; their ids follow each other from 1 on.
pub fn add_players(store: &Store, players: u32, dry_run: bool) {
    let seed = Seed::from_bytes([9; 32]);
    let addresses: Vec<String> =
        (0..players).map(|index| seed.secret_key(index).public_key().address()).collect();
    for addresses in addresses.chunks(10_000) {
        let added = store.transact("bench.players", |tx| {
            let now = tx.reading()?;
            let count = i64::try_from(addresses.len()).expect("a chunk");
            let (first, links) = (tx.allocate(USERS, count)?, tx.allocate(WALLET_LINKS, count)?);
            let users: Vec<User> = (first..first + count).map(|id| user(id, now)).collect();
            let links =
                addresses.iter().zip(first..).zip(links..).map(|((address, user_id), id)| WalletLink {
                    id,
                    user_id,
                    address: address.clone(),
                    is_primary: true,
                    is_verified: true,
                    verified_at: Some(now),
                    created_at: now,
                });
            let baseline = Baseline::Set { number: 1, kills: KillCursor { baseline: 0, cursor: 0 } };
            let tallies: Vec<Tally> =
                users.iter().map(|user| Tally { baseline, ..Tally::new(user.id, dry_run) }).collect();
            User::save(tx, &users, now)?;
            WalletLink::save(tx, &links.collect::<Vec<_>>(), now)?;
            Tally::save(tx, &tallies)
        });
        added.expect("players");
    }
}

fn user(id: i64, now: Timestamp) -> User {
    User {
        id,
        discord_user_id: Some(format!("discord_{id}")),
        discord_username: Some(format!("user_{id}")),
        is_guild_member: true,
        epic_account_id: Some(format!("epic_{id}")),
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
    }
}

fn policy(dry_run: bool) -> Policy {
    Policy {
        dry_run,
        base_rate: BanE8::new(5_000_000).expect("0.05 BAN"),
        file_caps: CapMode::Kills.default_caps(),
        environment_caps: NamedCaps::default(),
        cap_mode: CapMode::Kills,
        cap_window: CapWindow::Rolling,
        minimum: BanE8::ZERO,
        seed_fund: BanE8::of_ban(1_336),
        floor: BanE8::of_ban(50),
        batch_size: 0,
        promo_flags: Vec::new(),
        is_boost_on: true,
        kill_rate_per_minute: 10,
        abuse_action: AbuseAction::None,
    }
}
