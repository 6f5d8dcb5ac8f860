//! Everything that is asserted of a window once its rounds have ended.

use bursar_rounds::market::Market;
use serde_json::json;

use super::breach::Check;
use super::clock::ClockFault;
use super::entries::Entry;
use super::reading::{EntryResult, Read, Seen, fees, pool, read};
use super::run::Run;
use super::server::Connection;
use super::settlement::Round;
use super::tally::Tally;
use super::window::Window;

/// Reads pools and results of the entries accepted in `window`, twice, and notes what does not hold.
pub fn verify(run: &Run, window: Window, accepted: &[&Entry], tally: &mut Tally) -> Result<(), ClockFault> {
    let late_ms = run.clock.now_ms() - window.end_ms() - run.profile.grace_ms;
    tally.latest_read_ms = tally.latest_read_ms.max(late_ms);
    let wanted = accepted.get(..run.profile.read_max.min(accepted.len())).unwrap_or_default();
    let first = read(run, window, wanted, "reading")?;
    tally.reads.add(first.took.iter().copied(), first.elapsed);
    run.clock.pause(run.profile.recheck_delay_ms)?;
    let wanted_again = wanted.get(..run.profile.reread_max.min(wanted.len())).unwrap_or_default();
    let second = read(run, window, wanted_again, "reading again")?;
    tally.rereads.add(second.took.iter().copied(), second.elapsed);
    tally.postponed += first.postponed + second.postponed;
    note_seen(window, wanted, &first, tally);
    note_changes(window, wanted_again, &first, &second, tally);
    let connection = run.server.connect();
    let fees = fees(run, &connection, window);
    for market in Market::ALL {
        let fee = fees.iter().find(|(of, _)| *of == market).map(|(_, fee)| *fee);
        let of_market = |entry: &&Entry| entry.market == market;
        let sent: Vec<&Entry> = accepted.iter().copied().filter(of_market).collect();
        let seen: Vec<(&Entry, &EntryResult)> = wanted
            .iter()
            .zip(&first.seen)
            .filter_map(|(entry, seen)| match seen {
                Seen::Entry(seen) if of_market(entry) => Some((*entry, &**seen)),
                _ => None,
            })
            .collect();
        verify_round(run, &connection, window, market, &Sides { sent, seen, fee }, tally);
    }
    Ok(())
}

/// What was sent to a round and what is seen of it.
struct Sides<'a> {
    sent: Vec<&'a Entry>,
    seen: Vec<(&'a Entry, &'a EntryResult)>,
    fee: Option<u64>,
}

fn verify_round(
    run: &Run,
    connection: &Connection,
    window: Window,
    market: Market,
    sides: &Sides<'_>,
    tally: &mut Tally,
) {
    let id = window.round_id(market);
    let round = Round { id: &id, sent: &sides.sent, seen: &sides.seen, fee: sides.fee };
    let expected = round.expected_pool();
    match pool(run, connection, &id) {
        Ok(pool) => tally.breaches.require(pool == expected, Check::PoolDiffers, Some(&id), || {
            format!("the pool is {pool:?}, sent was {expected:?}")
        }),
        Err(why) => tally.breaches.note(Check::PoolUnread, Some(&id), || why),
    }
    let money = round.check(&mut tally.breaches);
    if sides.sent.is_empty() {
        return;
    }
    let settlement = sides.seen.iter().find_map(|(_, seen)| seen.settlement.as_ref());
    tally.rounds.push(json!({
        "roundId": id, "entries": expected.entries, "upBucks": expected.up_bucks, "downBucks": expected.down_bucks,
        "mode": settlement.map(|settled| &settled.mode), "winnerSide": settlement.map(|settled| &settled.winner_side),
        "poolCents": money.pool, "paidCents": money.paid, "feeCents": money.fee, "feeCompared": sides.fee.is_some(),
    }));
}

/// Tallies what the wallets see, and notes what is pending, missing or unread.
fn note_seen(window: Window, entries: &[&Entry], read: &Read, tally: &mut Tally) {
    for (entry, seen) in entries.iter().zip(&read.seen) {
        let round = window.round_id(entry.market);
        match seen {
            Seen::Unread(why) => tally
                .breaches
                .note(Check::ResultsUnread, Some(&round), || format!("wallet {}: {why}", entry.wallet)),
            Seen::Missing => {
                tally.saw(entry, "MISSING");
                tally.breaches.note(Check::ResultsMissing, Some(&round), || {
                    format!("wallet {} lacks entry {}", entry.wallet, entry.number)
                });
            }
            Seen::Entry(result) => {
                tally.saw(entry, &result.status);
                let is_pending = result.settlement.is_none() || result.status == "PENDING";
                tally.breaches.require(!is_pending, Check::ResultsPending, Some(&round), || {
                    format!("wallet {} is {}", entry.wallet, result.status)
                });
            }
        }
    }
}

fn note_changes(window: Window, entries: &[&Entry], first: &Read, second: &Read, tally: &mut Tally) {
    for (entry, (before, after)) in entries.iter().zip(first.seen.iter().zip(&second.seen)) {
        let round = window.round_id(entry.market);
        match (before, after) {
            (_, Seen::Unread(why)) => tally.breaches.note(Check::ResultsUnread, Some(&round), || {
                format!("wallet {} the second time: {why}", entry.wallet)
            }),
            // Noted already.
            (Seen::Unread(_), _) => {}
            (before, after) => {
                tally.breaches.require(before == after, Check::ResultsChanged, Some(&round), || {
                    format!("wallet {} showed {before:?}, then {after:?}", entry.wallet)
                });
            }
        }
    }
}
