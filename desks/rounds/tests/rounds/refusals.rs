//! Why joins are refused, in which order, and what a refusal leaves behind (docs/spec/rounds.md 4, 4.1).

use bursar_control::RateKey;
use bursar_rounds::join::{BodyFault, ClaimedWallet, JoinCommand, JoinRejection, JoinRequest, Joined};
use bursar_rounds::market::Market;
use bursar_rounds::settings::{JOINS_BY_ADDRESS, JOINS_BY_WALLET, PAUSE_JOINS, STAKE_MAX};

use crate::fixture::{Bet, Desk, START, address, for_each_desk, round, up};

type Bend = fn(&mut JoinRequest);

/// What each check looks at, in the order of the checks: how to break it, the code, how to mend it.
const CHECKS: [(Bend, &str, Bend); 9] = [
    (|join| join.id = "x".repeat(129), "invalid_payload", |join| join.id = "x".repeat(128)),
    (|join| join.direction = "Up".into(), "invalid_direction", |join| join.direction = "UP".into()),
    (|join| join.market = "DOGE".into(), "invalid_market", |join| join.market = "SOL".into()),
    (
        |join| join.feed_id = "00".repeat(32),
        "market_feed_mismatch",
        |join| join.feed_id = Market::Sol.feed_id().into(),
    ),
    (|join| join.stake_bucks = None, "invalid_stake_tier", |join| join.stake_bucks = Some(5)),
    (|join| join.round_id.push('m'), "invalid_round_id", |join| join.round_id = "SOL-1700000041-5m".into()),
    (
        |join| join.round_start_ms = START + 1_000,
        "invalid_round_start",
        |join| (join.round_start_ms, join.round_id) = (START, "SOL-1700000040-5m".into()),
    ),
    (
        |join| join.round_end_ms = START + 300_000,
        "invalid_round_end",
        |join| join.round_end_ms = START + 360_000,
    ),
    (|join| join.wallet = ClaimedWallet::new("0OIl"), "invalid_wallet", |join| join.wallet = wallet()),
];

fn wallet() -> ClaimedWallet {
    ClaimedWallet::new(address(1).to_text())
}

fn code_of(desk: &Desk, command: &JoinCommand) -> (u16, &'static str) {
    let rejection = desk.batch(std::slice::from_ref(command)).remove(0).unwrap_err();
    (rejection.status(), rejection.code())
}

#[test]
fn the_first_check_that_fails_names_the_refusal() {
    for_each_desk(|desk| {
        desk.at(START - 1);
        let bet = up(1, 5);
        let malformed = bet.with_body(Err(BodyFault::Malformed));
        desk.stop(PAUSE_JOINS);
        desk.set(JOINS_BY_ADDRESS.limit, 0);
        assert_eq!(code_of(desk, &malformed), (503, "joins_paused"));
        desk.resume(PAUSE_JOINS);
        assert_eq!(code_of(desk, &malformed), (429, "rate_limited"));
        desk.set(JOINS_BY_ADDRESS.limit, 1_000);
        assert_eq!(code_of(desk, &malformed), (400, "malformed_json"));
        assert_eq!(code_of(desk, &bet.with_body(Err(BodyFault::Shape("id")))), (400, "invalid_payload"));

        let mut join = bet.request();
        CHECKS.iter().for_each(|(break_it, ..)| break_it(&mut join));
        desk.set(JOINS_BY_WALLET.limit, 0);
        for (_, code, mend) in &CHECKS {
            if *code == "invalid_wallet" {
                assert_eq!(code_of(desk, &bet.with_body(Ok(join.clone()))), (400, "outside_open_window"));
                desk.at(START);
            }
            assert_eq!(code_of(desk, &bet.with_body(Ok(join.clone()))), (400, *code));
            mend(&mut join);
        }
        assert_eq!(code_of(desk, &bet.with_body(Ok(join.clone()))), (429, "rate_limited"));
        desk.set(JOINS_BY_WALLET.limit, 2);
        assert_eq!(desk.batch(&[bet.with_body(Ok(join))]), [Ok(Joined { created: true })]);
    });
}

#[test]
fn a_refusal_changes_no_row_of_the_desk_or_the_ledger_but_is_counted_and_audited() {
    for_each_desk(|desk| {
        desk.accept(&[up(1, 5).id("known")]);
        let before = desk.dump();
        let bet = up(1, 5);
        let mut commands: Vec<_> = CHECKS.iter().map(|(break_it, ..)| bet.bent(break_it)).collect();
        commands.push(bet.with_body(Err(BodyFault::Malformed)));
        commands.push(bet.with_body(Err(BodyFault::Shape("wallet"))));
        commands.push(Bet { bucks: 10, ..bet.clone() }.id("known").command());
        commands.push(bet.clone().round(round(Market::Sol, 1)).command());
        let replies = desk.batch(&commands);
        assert!(replies.iter().all(Result::is_err), "{replies:?}");
        desk.stop(PAUSE_JOINS);
        let dump_while_paused = desk.dump();
        assert_eq!(desk.join(&bet), Err(JoinRejection::Paused));
        assert_eq!(desk.dump(), dump_while_paused);
        desk.resume(PAUSE_JOINS);

        let without_switches =
            |rows: Vec<String>| rows.into_iter().filter(|row| !row.starts_with("rounds_config"));
        assert!(without_switches(desk.dump()).eq(without_switches(before)));
        assert_eq!(calls(desk, "sim-entries:ip:192.0.2.1"), 1 + 13);
        assert_eq!(calls(desk, &format!("sim-entries:wallet:{}", address(1).to_text())), 1);
        assert_eq!((desk.count_events("join."), desk.count_events("join.accepted")), (1 + 13 + 1, 1));
        desk.assert_books();
    });
}

/// Calls counted under a key in all windows.
fn calls(desk: &Desk, key: &str) -> i64 {
    let sql = "SELECT count FROM web_rate_windows WHERE key_hash = $1";
    let key = RateKey::of("rounds", key);
    desk.read(|tx| tx.query(sql, &[key.0.into()], |row| row.get::<i64>(0))).iter().sum()
}

#[test]
fn r14_without_any_setting_the_21st_join_of_a_wallet_and_the_151st_of_an_address_are_too_many() {
    for_each_desk(|desk| {
        desk.default_limits();
        let limited = |replies: &[Result<Joined, JoinRejection>]| {
            replies.iter().position(|reply| matches!(reply, Err(JoinRejection::RateLimited { .. })))
        };
        let of_one_wallet: Vec<_> = (0..21).map(|_| up(1, 5).from("192.0.2.9").command()).collect();
        assert_eq!(limited(&desk.batch(&of_one_wallet)), Some(20));
        let of_one_address: Vec<_> = (100..251).map(|wallet| up(wallet, 5).command()).collect();
        assert_eq!(limited(&desk.batch(&of_one_address)), Some(150));
        assert_eq!(desk.stats(round(Market::Sol, 0)).entries, 20 + 150);
    });
}

#[test]
fn r9_after_the_limit_calls_are_refused_until_the_time_that_the_refusal_names() {
    for_each_desk(|desk| {
        desk.set(JOINS_BY_ADDRESS.limit, 3);
        desk.set(JOINS_BY_ADDRESS.window_ms, 2_000);
        desk.at(START + 500);
        desk.accept(&[up(1, 5), up(2, 5), up(3, 5)]);
        let limited = JoinRejection::RateLimited { bucket: "sim-entries:ip", retry_after_s: 2 };
        assert_eq!((desk.join(&up(4, 5)), limited.status()), (Err(limited), 429));
        assert!(desk.join(&up(4, 5).from("192.0.2.2")).is_ok(), "another address has its own count");
        assert!(desk.at(START + 2_500).join(&up(5, 5)).is_ok());
    });
}

#[test]
fn r10_a_wallet_has_its_own_limit_whatever_address_it_comes_from() {
    for_each_desk(|desk| {
        desk.set(JOINS_BY_WALLET.limit, 2);
        desk.accept(&[up(1, 5), up(1, 5).from("192.0.2.2")]);
        assert!(matches!(desk.join(&up(1, 5).from("192.0.2.3")), Err(JoinRejection::RateLimited { .. })));
        assert!(desk.join(&up(2, 5)).is_ok());
    });
}

#[test]
fn a_limit_that_is_changed_holds_for_the_next_call_within_the_running_window() {
    for_each_desk(|desk| {
        desk.accept(&[up(1, 5), up(1, 5), up(1, 5)]);
        desk.set(JOINS_BY_WALLET.limit, 3);
        assert!(matches!(desk.join(&up(1, 5)), Err(JoinRejection::RateLimited { .. })));
        desk.set(JOINS_BY_WALLET.limit, 5);
        assert!(desk.join(&up(1, 5)).is_ok(), "refused calls count: this is the fifth");
        assert!(desk.join(&up(1, 5)).is_err());
    });
}

#[test]
fn after_ten_refusals_of_one_kind_by_one_client_in_a_minute_further_ones_are_only_counted() {
    for_each_desk(|desk| {
        let bad_side = |client: &str| up(1, 5).from(client).bent(|join| join.direction = "up".into());
        let bad_stake = || up(1, 5).bent(|join| join.stake_bucks = Some(1));
        desk.batch(&(0..7).map(|_| bad_side("192.0.2.1")).collect::<Vec<_>>());
        desk.batch(&(0..7).map(|_| bad_side("192.0.2.1")).collect::<Vec<_>>());
        assert_eq!(desk.count_events("join.invalid_direction"), 10);
        assert_eq!(calls(desk, "refusals:join.invalid_direction:192.0.2.1"), 14);

        desk.batch(&[bad_side("192.0.2.2"), bad_stake()]);
        assert_eq!(desk.count_events("join.invalid_direction"), 11, "another client");
        assert_eq!(desk.count_events("join.invalid_stake_tier"), 1, "another kind");
        desk.at(START + 60_000).batch(&[bad_side("192.0.2.1")]);
        assert_eq!(desk.count_events("join.invalid_direction"), 12, "another minute");
        desk.assert_books();
    });
}

#[test]
fn r27_stakes_above_the_highest_enabled_tier_are_refused_until_it_is_raised() {
    for_each_desk(|desk| {
        desk.set(STAKE_MAX, 25);
        let refused = desk.join(&up(1, 50)).unwrap_err();
        assert_eq!(refused, JoinRejection::InvalidStake { max_bucks: 25 });
        assert_eq!((refused.status(), refused.code()), (400, "invalid_stake_tier"));
        assert!(desk.join(&up(1, 25)).is_ok());
        desk.set(STAKE_MAX, 100);
        assert!(desk.join(&up(1, 50)).is_ok());
    });
}

#[test]
fn an_accepted_entry_is_recognised_also_after_its_tier_was_switched_off() {
    for_each_desk(|desk| {
        let bet = up(1, 50);
        desk.accept(std::slice::from_ref(&bet));
        desk.set(STAKE_MAX, 25);
        assert_eq!(desk.join(&bet), Ok(Joined { created: false }));
        assert_eq!(desk.join(&Bet { bucks: 100, ..bet }), Err(JoinRejection::IdConflict));
    });
}

#[test]
fn times_at_the_edges_of_64_bits_are_refused_like_any_other_wrong_time() {
    for_each_desk(|desk| {
        for start_ms in
            [i64::MAX, i64::MAX / 120_000 * 120_000, -120_000, i64::MIN, i64::MIN / 120_000 * 120_000]
        {
            for end_ms in [i64::MAX, i64::MIN, 0] {
                let command = up(1, 5).bent(|join| {
                    (join.round_start_ms, join.round_end_ms) = (start_ms, end_ms);
                    join.round_id = format!("SOL-{}-5m", start_ms.div_euclid(1_000));
                });
                assert_eq!(code_of(desk, &command), (400, "invalid_round_start"), "{start_ms} {end_ms}");
            }
        }
        assert!(desk.join(&up(1, 5)).is_ok(), "the lane goes on");
    });
}

#[test]
fn odd_characters_in_any_text_are_refused_by_the_rules_and_never_by_the_store() {
    for_each_desk(|desk| {
        let fields: [fn(&mut JoinRequest) -> &mut String; 5] = [
            |join| &mut join.id,
            |join| &mut join.round_id,
            |join| &mut join.market,
            |join| &mut join.feed_id,
            |join| &mut join.direction,
        ];
        for odd in ["\0", "SOL\0", "\u{FEFF}UP", "'; DROP TABLE rounds_entry; --\0", "\u{10FFFF}\0"] {
            let bent = |field: &fn(&mut JoinRequest) -> &mut String| {
                up(1, 5).bent(|join| *field(join) = odd.to_owned())
            };
            let mut commands: Vec<_> = fields.iter().map(bent).collect();
            commands.push(up(1, 5).bent(|join| join.wallet = ClaimedWallet::new(odd)));
            commands.push(up(1, 5).command());
            let replies = desk.batch(&commands);
            let accepted = replies.iter().filter(|reply| reply.is_ok()).count();
            let expected = if odd.contains('\0') { 1 } else { 2 };
            assert_eq!(accepted, expected, "an id may hold anything but NUL: {replies:?}");
        }
        desk.assert_books();
    });
}
