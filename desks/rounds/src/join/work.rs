//! The join lane: loads what a batch touches, lets the rules decide, saves what they changed, all in one transaction.

use std::collections::HashMap;

use bursar_audit::{Actor, Event, Level, Recorder, Target};
use bursar_control::{ConfigTable, RateWindows, Switchboard, Verdict, settings};
use bursar_ledger::{AccountId, Book};
use bursar_store::lane::Work;
use bursar_store::{StoreError, Timestamp, Tx};
use serde_json::json;

use super::command::{JoinCommand, JoinRequest};
use super::decide::{Joined, decide};
use super::rejection::JoinRejection;
use super::state::{BatchPool, BatchWallet, JoinState, KnownEntry, LastEntry, NewEntry};
use crate::canary::{self, Mark};
use crate::entry::Entry;
use crate::mark::{self, Place};
use crate::market::Market;
use crate::pool::Pool;
use crate::settings::{JOINS_BY_ADDRESS, JOINS_BY_WALLET, PAUSE_JOINS, Values, all};
use crate::summary::add_to_market_totals;
use crate::timing::Round;
use crate::wallet::{Address, Wallet};
use crate::{CLOCK, DESK};

/// Refusals of one kind by one client that are recorded singly in a minute; the rest are only counted.
const REFUSALS_RECORDED: i64 = 10;
const REFUSAL_WINDOW: bursar_control::FixedWindow =
    bursar_control::FixedWindow { limit: REFUSALS_RECORDED, window_ms: 60_000 };

/// The join lane's work.
pub struct JoinWork {
    switchboard: Switchboard,
    recorder: Recorder,
}

impl JoinWork {
    /// A lane with its sources of stops and its audit chain.
    #[must_use]
    pub fn new(switchboard: Switchboard, recorder: Recorder) -> JoinWork {
        JoinWork { switchboard, recorder }
    }
}

impl Work for JoinWork {
    type Command = JoinCommand;
    type Reply = Result<Joined, JoinRejection>;

    fn unit(&self) -> &'static str {
        "rounds.join"
    }

    fn run(&mut self, tx: &mut Tx<'_>, commands: &[JoinCommand]) -> Result<Vec<Self::Reply>, StoreError> {
        let now = tx.open_clock(CLOCK)?;
        let mut state = self.load(tx, commands, now)?;
        let replies: Vec<Self::Reply> = commands.iter().map(|command| decide(&mut state, command)).collect();
        self.save(tx, &mut state, commands, &replies)?;
        tx.close_clock(CLOCK, now)?;
        Ok(replies)
    }
}

impl JoinWork {
    fn load(
        &self,
        tx: &mut Tx<'_>,
        commands: &[JoinCommand],
        now: Timestamp,
    ) -> Result<JoinState, StoreError> {
        let joins = self.switchboard.read(tx, ConfigTable::ROUNDS, &[PAUSE_JOINS], now)?;
        let settings = Values(settings::values(tx, ConfigTable::ROUNDS, &all())?);
        let requests: Vec<&JoinRequest> =
            commands.iter().filter_map(|command| command.body.as_ref().ok()).collect();
        let windows = load_windows(tx, &settings, commands, &requests, now)?;
        let mut state = JoinState {
            joins: joins
                .first()
                .copied()
                .unwrap_or(bursar_control::SwitchState::Stopped(bursar_control::StopSource::Unreadable)),
            settings,
            windows,
            known: HashMap::new(),
            pools: HashMap::new(),
            wallets: HashMap::new(),
            book: Book::default(),
            accepted: Vec::new(),
            now,
        };
        load_stored(tx, &mut state, &requests)?;
        Ok(state)
    }

    /// Of what was refused `state` holds nothing but counters: it leaves those and events (invariant REFUSED-NO-TRACE).
    fn save(
        &self,
        tx: &mut Tx<'_>,
        state: &mut JoinState,
        commands: &[JoinCommand],
        replies: &[Result<Joined, JoinRejection>],
    ) -> Result<(), StoreError> {
        state.book.number(tx)?;
        name_wallets(state);
        state.book.write(tx, state.now)?;
        save_entries(tx, state)?;
        save_wallets(tx, state)?;
        save_pools(tx, state)?;
        canary::save(tx, &state.accepted, |transfer| state.book.transfer_id(transfer).0)?;
        let opened = state.pools.iter().filter(|(_, pool)| pool.is_opened_here());
        let opened: Vec<Market> =
            opened.filter_map(|(key, _)| Round::from_key(*key).map(Round::market)).collect();
        add_to_market_totals(tx, &state.accepted, &opened)?;
        load_refusal_counts(tx, state, commands, replies)?;
        let events = events(state, commands, replies);
        state.windows.save(tx)?;
        self.recorder.record(tx, &events, state.now)?;
        Ok(())
    }
}

fn load_windows(
    tx: &mut Tx<'_>,
    settings: &Values,
    commands: &[JoinCommand],
    requests: &[&JoinRequest],
    now: Timestamp,
) -> Result<RateWindows, StoreError> {
    let by_address = settings.window(JOINS_BY_ADDRESS);
    let by_wallet = settings.window(JOINS_BY_WALLET);
    let addresses = commands.iter().map(|command| format!("{}{}", JOINS_BY_ADDRESS.prefix, command.client));
    let addresses: Vec<String> = addresses.collect();
    // A wallet that does not parse is refused before it is charged, and may hold what no key should.
    let wallets = requests.iter().filter(|request| request.wallet.address().is_some());
    let wallets: Vec<String> =
        wallets.map(|request| format!("{}{}", JOINS_BY_WALLET.prefix, request.wallet.text())).collect();
    let mut windows = RateWindows::new(DESK);
    let keys = addresses.iter().map(|key| (by_address, key.as_str()));
    windows.load(tx, keys.chain(wallets.iter().map(|key| (by_wallet, key.as_str()))), now)?;
    Ok(windows)
}

/// Entries known by id, wallets, pools, and the ledger accounts behind them.
fn load_stored(tx: &mut Tx<'_>, state: &mut JoinState, requests: &[&JoinRequest]) -> Result<(), StoreError> {
    let ids: Vec<&str> = requests.iter().map(|request| request.id.as_str()).collect();
    let entries = Entry::load(tx, &ids)?;
    let mut addresses: Vec<Address> =
        requests.iter().filter_map(|request| request.wallet.address()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    let wallets = Wallet::load(tx, &addresses)?;
    let mut keys: Vec<i64> =
        requests.iter().filter_map(|request| Round::from_id(&request.round_id)).map(Round::key).collect();
    keys.sort_unstable();
    keys.dedup();
    let pools = Pool::load(tx, &keys)?;
    let accounts = wallets.iter().map(|wallet| wallet.account);
    let accounts: Vec<AccountId> = accounts.chain(pools.iter().flat_map(|pool| pool.accounts)).collect();
    state.book.load(tx, &accounts)?;
    for pool in pools {
        let missing = || StoreError::Decode(format!("the accounts of {} are not there", pool.round.id()));
        let [up, down] = pool.accounts.map(|account| state.book.slot(account));
        let batch_pool = BatchPool {
            state: pool.state,
            accounts: [up.ok_or_else(missing)?, down.ok_or_else(missing)?],
            last_stored: pool.last_entries,
            last_new: [None, None],
            players: pool.players,
            entries: pool.entries,
            stakes: pool.stakes,
        };
        state.pools.insert(pool.round.key(), batch_pool);
    }
    note_entries(tx, state, entries)?;
    for wallet in wallets {
        let account = state.book.slot(wallet.account);
        let batch_wallet = BatchWallet {
            account: account.ok_or_else(|| StoreError::Decode("a wallet's account is not there".into()))?,
            is_new: false,
            entries: wallet.entries,
            last: LastEntry::Stored(wallet.last_entry),
            slot_start_ms: wallet.slot_start_ms,
            slot_markets: wallet.slot_markets,
        };
        state.wallets.insert(wallet.address, batch_wallet);
    }
    Ok(())
}

/// Entries are compared by wallet address, which stands with the wallet.
fn note_entries(tx: &mut Tx<'_>, state: &mut JoinState, entries: Vec<Entry>) -> Result<(), StoreError> {
    let accounts: Vec<AccountId> = entries.iter().map(|entry| entry.wallet).collect();
    let addresses = Wallet::addresses(tx, &accounts)?;
    for entry in entries {
        let wallet = addresses.get(&entry.wallet).copied();
        let wallet =
            wallet.ok_or_else(|| StoreError::Decode(format!("entry {} has no wallet", entry.sequence)))?;
        let known = KnownEntry { round: entry.round, wallet, side: entry.side, stake: entry.stake };
        state.known.insert(entry.id, known);
    }
    Ok(())
}

/// A wallet's account is named after its own number: a path holds no personal data.
fn name_wallets(state: &mut JoinState) {
    for wallet in state.wallets.values().filter(|wallet| wallet.is_new) {
        let id = state.book.account_id(wallet.account);
        state.book.name(wallet.account, format!("rounds/wallet/{:012}", id.0));
    }
}

fn save_entries(tx: &mut Tx<'_>, state: &JoinState) -> Result<(), StoreError> {
    let entries: Vec<Entry> = state
        .accepted
        .iter()
        .filter_map(|new| {
            let wallet = state.wallets.get(&new.wallet)?;
            Some(Entry {
                sequence: state.book.transfer_id(new.transfer).0,
                id: new.id.clone(),
                round: new.round,
                wallet: state.book.account_id(wallet.account),
                side: new.side,
                stake: new.stake,
                joined_at: state.now,
                wallet_previous: stored(state, new.previous),
            })
        })
        .collect();
    bursar_store::invariant!(entries.len() == state.accepted.len(), "an accepted entry without a wallet");
    Entry::insert(tx, &entries)?;
    let numbered = entries.iter().zip(&state.accepted);
    let place = |(entry, new): (&Entry, &NewEntry)| Place {
        wallet: entry.wallet,
        number: new.number,
        sequence: entry.sequence,
    };
    mark::save(tx, numbered.map(place))
}

fn stored(state: &JoinState, last: LastEntry) -> Option<i64> {
    match last {
        LastEntry::None => None,
        LastEntry::Stored(sequence) => Some(sequence),
        LastEntry::New(transfer) => Some(state.book.transfer_id(transfer).0),
    }
}

fn save_wallets(tx: &mut Tx<'_>, state: &JoinState) -> Result<(), StoreError> {
    let mut changed: Vec<(bool, Wallet)> = Vec::new();
    for (address, wallet) in &state.wallets {
        if let LastEntry::New(transfer) = wallet.last {
            let row = Wallet {
                account: state.book.account_id(wallet.account),
                address: *address,
                entries: wallet.entries,
                last_entry: state.book.transfer_id(transfer).0,
                slot_start_ms: wallet.slot_start_ms,
                slot_markets: wallet.slot_markets,
            };
            changed.push((wallet.is_new, row));
        }
    }
    changed.sort_unstable_by_key(|(_, wallet)| wallet.account);
    let pick = |is_new: bool| -> Vec<&Wallet> {
        changed.iter().filter(|(new, _)| *new == is_new).map(|(_, wallet)| wallet).collect()
    };
    Wallet::insert(tx, &pick(true))?;
    Wallet::update(tx, &pick(false))
}

fn save_pools(tx: &mut Tx<'_>, state: &JoinState) -> Result<(), StoreError> {
    let mut changed = Vec::new();
    for (key, pool) in &state.pools {
        let Some(round) = Round::from_key(*key).filter(|_| pool.last_new.iter().any(Option::is_some)) else {
            continue;
        };
        let newest = |side: usize| match pool.last_new[side] {
            Some(transfer) => Some(state.book.transfer_id(transfer).0),
            None => pool.last_stored[side],
        };
        changed.push(Pool {
            round,
            state: pool.state,
            stakes: pool.stakes.clone(),
            players: pool.players,
            entries: pool.entries,
            accounts: pool.accounts.map(|slot| state.book.account_id(slot)),
            last_entries: [newest(0), newest(1)],
        });
    }
    changed.sort_unstable_by_key(|pool| pool.round.key());
    Pool::save(tx, &changed.iter().collect::<Vec<_>>())
}

/// The counters that say which refusals are still recorded singly.
fn load_refusal_counts(
    tx: &mut Tx<'_>,
    state: &mut JoinState,
    commands: &[JoinCommand],
    replies: &[Result<Joined, JoinRejection>],
) -> Result<(), StoreError> {
    let refused = commands
        .iter()
        .zip(replies)
        .filter_map(|(command, reply)| reply.as_ref().err().map(|rejection| refusal_key(rejection, command)));
    let keys: Vec<String> = refused.collect();
    state.windows.load(tx, keys.iter().map(|key| (REFUSAL_WINDOW, key.as_str())), state.now)
}

fn refusal_key(rejection: &JoinRejection, command: &JoinCommand) -> String {
    format!("refusals:{}:{}", rejection.event(), command.client)
}

/// One event a reply; after the tenth refusal of one kind by one client in a minute they are only counted.
fn events(
    state: &mut JoinState,
    commands: &[JoinCommand],
    replies: &[Result<Joined, JoinRejection>],
) -> Vec<Event> {
    let mut accepted = state.accepted.iter();
    let mut events = Vec::with_capacity(commands.len());
    for (command, reply) in commands.iter().zip(replies) {
        let (level, name, target) = match reply {
            Ok(Joined { created: true }) => {
                let sequence = accepted.next().map(|new| state.book.transfer_id(new.transfer).0);
                (
                    Level::Info,
                    "join.accepted",
                    sequence.map_or_else(String::new, |sequence| sequence.to_string()),
                )
            }
            Ok(Joined { created: false }) => (Level::Info, "join.replay_signature", String::new()),
            Err(rejection) => {
                let key = refusal_key(rejection, command);
                match state.windows.hit(REFUSAL_WINDOW, &key, state.now) {
                    Verdict::Limited { .. } => continue,
                    Verdict::Passed { .. } => (Level::Warn, rejection.event(), String::new()),
                }
            }
        };
        events.push(Event {
            level,
            desk: DESK,
            name,
            actor: Actor { kind: "player", id: String::new() },
            target: Target { kind: "entry", id: target },
            request_id: Some(command.request_id.clone()),
            correlation_id: command.correlation_id.clone(),
            payload: payload(command, reply),
        });
    }
    events
}

fn payload(command: &JoinCommand, reply: &Result<Joined, JoinRejection>) -> String {
    let mut payload = match &command.body {
        Ok(request) => json!({
            "id": bounded(&request.id), "roundId": bounded(&request.round_id), "wallet": bounded(request.wallet.text()),
            "direction": bounded(&request.direction), "stakeBucks": request.stake_bucks,
        }),
        Err(_) => json!({}),
    };
    if command.mark == Mark::Canary {
        payload["canary"] = true.into();
    }
    if let Err(rejection) = reply {
        payload["code"] = rejection.code().into();
        payload["client"] = command.client.clone().into();
    }
    payload.to_string()
}

/// The first characters of what a client sent: the log is no place for somebody's megabytes.
fn bounded(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(128).collect()
}
