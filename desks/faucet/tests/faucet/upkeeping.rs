//! Checks of kills and wallet, pruning, erasure (F40, F48, F49, docs/spec/faucet.md section 6).

use bursar_audit::Actor;
use bursar_faucet::record::{AbuseFlag, CountedAccount, Finding, User};
use bursar_faucet::rules::abuse::{Flag, FlagState, Severity};
use bursar_faucet::rules::ban::BanE8;
use bursar_faucet::rules::eligibility::Eligibility;
use bursar_faucet::rules::pruning::Retention;
use bursar_faucet::rules::reconciliation::Mismatches;
use bursar_faucet::upkeep::{Eraser, Pruned, Watched, erase, erasure, prunable, prune, reconcile, watch};
use bursar_money::{Amount, Balance};
use bursar_store::Timestamp;

use crate::scene::{BAN, MINUTE_MS, Scene, ban, on_each_engine, on_each_engine_with, recorder};

const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

fn mismatches(scene: &Scene) -> Mismatches {
    reconcile(&scene.faucet).unwrap().mismatches
}

fn halted(scene: &Scene) -> bool {
    scene.read(|tx| {
        let now = tx.reading()?;
        Ok(scene.faucet.mode(tx, now)?.payouts_halted)
    })
}

fn anomalies(scene: &Scene) -> Vec<&'static str> {
    let Watched::Compared(found) = watch(&scene.faucet).unwrap() else { panic!("not compared") };
    found.iter().map(|anomaly| anomaly.kind()).collect()
}

#[test]
fn f48_paying_and_receiving_are_explained_and_one_raw_that_is_not_halts_payouts() {
    on_each_engine(|scene| {
        let id = scene.player(0);
        scene.earn(id, 5);
        scene.funded(100 * BAN);
        assert_eq!(anomalies(scene), Vec::<&str>::new());
        scene.settle();
        scene.send();
        assert_eq!((scene.sends(), anomalies(scene), halted(scene)), (1, vec![], false));
        scene.steal(1);
        assert_eq!((anomalies(scene), halted(scene)), (vec!["unexplained_delta"], true));
        assert_eq!(scene.metric("faucet_wallet_anomaly{kind=\"unexplained_delta\"}").as_deref(), Some("1"));
        assert_eq!(scene.settle().skipped, Some(bursar_faucet::settlement::Skipped::Halted));
        // An operator who resumes payouts knowing of it is not overruled.
        scene.set_switch(bursar_faucet::switches::PAYOUTS_HALTED, false);
        assert_eq!((anomalies(scene), halted(scene)), (vec!["unexplained_delta"], false));
    });
}

#[test]
fn f48_a_low_balance_and_a_short_runway_are_told_and_halt_nothing() {
    on_each_engine_with(
        |config| config.policy.floor = BanE8::of_ban(10),
        |scene| {
            scene.funded(12 * BAN);
            let id = scene.player(0);
            scene.earn(id, 100);
            scene.settle();
            scene.send();
            // 2 BAN are left; 10 were sent in 7 days, which is 4.28 in 3.
            assert_eq!((anomalies(scene), halted(scene)), (vec!["below_floor", "runway_short"], false));
        },
    );
}

#[test]
fn f49_missing_duplicated_and_regressed_rows_are_counted() {
    on_each_engine(|scene| {
        let players: Vec<i64> = (0..4).map(|_| scene.player(10)).collect();
        for _ in 0..3 {
            scene.pass(MINUTE_MS);
            players.iter().for_each(|id| scene.grow(*id, 4));
            scene.accrue();
        }
        assert_eq!(mismatches(scene), Mismatches::default());
        let forge = |sql: &'static str| scene.write(|tx, _| tx.execute(sql, &[]).map(|_| ()));
        forge("DELETE FROM faucet_reward_accrual WHERE user_id = 1 AND cursor_from = 14");
        forge(
            "UPDATE faucet_reward_accrual SET cursor_from = 10, cursor_to = 14 WHERE user_id = 2 AND cursor_from = 14",
        );
        scene.set_kills(players[2], 12);
        scene.pass(MINUTE_MS);
        scene.accrue();
        let found = mismatches(scene);
        assert_eq!((found.missing, found.missing_kills), (2, 8), "one deleted, one moved away");
        assert_eq!((found.duplicate, found.duplicate_kills, found.regress, found.stale), (1, 4, 1, 0));
        scene.pass(40 * MINUTE_MS + 1);
        assert_eq!(mismatches(scene).stale, 4);
        bursar_desk_run(scene, "faucet.reconcile");
        assert_eq!(scene.metric("faucet_reconcile_mismatch{kind=\"duplicate\"}").as_deref(), Some("1"));
        let kinds = scene.read(Finding::all).len();
        assert!(kinds >= 7, "{kinds}");
    });
}

fn bursar_desk_run(scene: &Scene, name: &str) {
    let job = scene.jobs.iter().find(|job| job.name == name).unwrap();
    let turn = bursar_desk::job::JobTurn::alone(scene.lease_of(name), scene.test.now());
    (job.run)(&turn).unwrap();
}

#[test]
fn f40_only_settled_rows_beyond_the_retention_go_and_no_figure_changes() {
    on_each_engine(|scene| {
        scene.funded(1_000 * BAN);
        let (paid, open) = (scene.player(0), scene.player(0));
        scene.earn(open, 3);
        scene.change_user(open, |user| {
            user.eligibility = bursar_faucet::rules::eligibility::Eligibility::Held
        });
        scene.earn(paid, 5);
        scene.settle();
        scene.send();
        scene.pass(2 * DAY_MS);
        scene.earn(paid, 6);
        scene.settle();
        scene.send();
        // The first payout is 91 days old by now, the second 89.
        scene.pass(89 * DAY_MS);
        let before =
            (scene.tally(paid).holdings, scene.read(|tx| bursar_faucet::record::Totals::peek(tx, false)));
        let would = scene.read(|tx| prunable(tx, Retention::DEFAULT));
        assert_eq!(would, Pruned { accruals: 1, payouts: 1, ..Pruned::default() });
        bursar_desk_run(scene, "faucet.prune");
        assert_eq!(scene.accruals(paid), [(6, "settled".to_owned())]);
        assert_eq!(scene.accruals(open), [(3, "open".to_owned())]);
        assert_eq!(scene.payouts_of(paid).len(), 1);
        let after =
            (scene.tally(paid).holdings, scene.read(|tx| bursar_faucet::record::Totals::peek(tx, false)));
        assert_eq!(before, after);
        assert_eq!(Mismatches { stale: 0, ..mismatches(scene) }, Mismatches::default());
        assert_eq!(scene.metric("faucet_pruned_rows_total{table=\"reward_accrual\"}").as_deref(), Some("1"));
        assert_eq!(scene.count("SELECT COUNT(*) FROM audit_events WHERE event = 'faucet.pruned'"), 1);
    });
}

#[test]
fn reviewed_flags_go_by_the_age_of_their_review_and_never_the_reason_of_a_hold() {
    on_each_engine(|scene| {
        let (held, free) = (scene.player(0), scene.player(0));
        scene.change_user(held, |user| user.eligibility = Eligibility::Held);
        let now = scene.test.now();
        let flag = |id: i64, user_id: i64, state: FlagState, reviewed_days_ago: i64| AbuseFlag {
            id,
            user_id,
            flag_type: "kill_rate_spike".to_owned(),
            flag: Flag { severity: Severity::Low, state, last_excess_at: now },
            detail: String::new(),
            reviewed_by: Some("root@example.org".to_owned()),
            reviewed_at: Some(now.after_ms(-reviewed_days_ago * DAY_MS)),
            created_at: now.after_ms(-200 * DAY_MS),
        };
        let flags = [
            flag(1, held, FlagState::Confirmed, 150),
            flag(2, held, FlagState::FalsePositive, 91),
            flag(3, free, FlagState::Confirmed, 91),
            flag(4, free, FlagState::Confirmed, 89),
        ];
        scene.write(|tx, now| flags.iter().try_for_each(|flag| flag.save(tx, now)));
        let would = scene.read(|tx| prunable(tx, Retention::DEFAULT));
        assert_eq!(would.flags, 2);
        bursar_desk_run(scene, "faucet.prune");
        let left = scene.read(|tx| {
            tx.query("SELECT id FROM faucet_abuse_flag ORDER BY id", &[], |row| row.get::<i64>(0))
        });
        assert_eq!(left, [1, 4]);
    });
}

#[test]
fn f40_more_than_a_batch_goes_in_several() {
    on_each_engine_with(
        |config| {
            config.sim_kills = 1;
            config.policy.dry_run = true;
        },
        |scene| {
            let players: Vec<i64> = (0..600).map(|_| scene.player(0)).collect();
            for _ in 0..3 {
                scene.pass(MINUTE_MS);
                scene.accrue();
            }
            assert_eq!(scene.settle().accruals, 1_200);
            scene.pass(91 * DAY_MS);
            let by = Actor::system("test");
            let pruned = prune(&scene.faucet, Retention::DEFAULT, &by, &|| false).unwrap();
            assert_eq!((pruned.accruals, pruned.payouts), (1_200, 600));
            let tally = scene.tally_in(players[0], true).unwrap();
            assert_eq!((tally.folded.settled.kills, tally.folded.ranges.to_string().as_str()), (2, "1-3"));
            scene.check();
        },
    );
}

#[test]
fn an_erased_player_is_nobody_and_is_owed_nothing_while_what_was_sent_stays() {
    on_each_engine(|scene| {
        scene.funded(100 * BAN);
        let (id, other) = (scene.player(0), scene.player(0));
        scene.earn(id, 4);
        scene.settle();
        scene.send();
        scene.earn(id, 150);
        scene.settle();
        scene.earn(other, 1);
        let done = erase_player(scene, id).unwrap();
        // 146 kills were in a payout that had not been signed, 4 were open beyond the cap.
        assert_eq!((done.cancelled, done.under_way, done.written_off.kills), (1, 0, 150));
        scene.check();
        let user: User = scene.read(|tx| User::peek(tx, &[id])).pop().unwrap();
        assert_eq!((user.discord_user_id, user.discord_username, user.epic_account_id), (None, None, None));
        assert!(user.erased_at.is_some() && user.region_code.is_none());
        assert_eq!(scene.count("SELECT COUNT(*) FROM faucet_wallet_link WHERE user_id = 1"), 0);
        assert_eq!(
            scene.count("SELECT COUNT(*) FROM faucet_reward_accrual WHERE epic_account_id = 'epic_1'"),
            0
        );
        let holdings = scene.tally(id).holdings;
        assert_eq!(
            (holdings.settled.amount, holdings.open.kills, holdings.reserved.kills),
            (ban("0.4"), 0, 0)
        );
        scene.settle();
        scene.send();
        assert_eq!((scene.paid(1), scene.paid(2)), (4 * BAN / 10, BAN / 10));
        assert_eq!(erase_player(scene, id), None, "once");
        assert_eq!(scene.count("SELECT COUNT(*) FROM audit_events WHERE event = 'faucet.user_erased'"), 1);
        scene.check();
    });
}

#[test]
fn what_was_counted_of_an_erased_players_account_stays_counted() {
    on_each_engine(|scene| {
        let id = scene.player(0);
        scene.earn(id, 4);
        let cursor = scene.count("SELECT last_settled_kill_count FROM faucet_tally WHERE dry_run = FALSE");
        erase_player(scene, id).unwrap();
        let counted = |dry_run| scene.read(|tx| CountedAccount::counted(tx, "epic_1", dry_run));
        assert_eq!((i64::from(counted(false)), counted(true)), (cursor, 0));
        assert!(cursor >= 4);
        assert_eq!(scene.read(|tx| CountedAccount::counted(tx, "epic_2", false)), 0);
    });
}

#[test]
fn what_was_signed_when_its_player_was_erased_is_sent() {
    on_each_engine(|scene| {
        scene.funded(100 * BAN);
        let id = scene.player(0);
        scene.earn(id, 4);
        scene.settle();
        scene.command(bursar_devnet_banano::Command::ConfirmationLag(None));
        scene.send_for(6);
        let done = erase_player(scene, id).unwrap();
        assert_eq!((done.cancelled, done.under_way), (0, 1));
        scene.command(bursar_devnet_banano::Command::ConfirmAll);
        scene.send();
        assert_eq!(scene.paid(1), 4 * BAN / 10);
        assert_eq!(scene.tally(id).holdings.settled.kills, 4);
        scene.check();
    });
}

#[test]
fn what_could_not_be_taken_back_before_the_wallet_was_matched_is_taken_back_and_written_off_after() {
    on_each_engine(|scene| {
        scene.funded(100 * BAN);
        let (id, other) = (scene.player(0), scene.player(0));
        scene.earn(id, 4);
        scene.earn(other, 1);
        scene.settle();
        // As after a restore: what waits may have been paid before it.
        scene.write(|tx, _| tx.batch_execute("UPDATE payout_wallet SET standing = 2"));
        let done = erase_player(scene, id).unwrap();
        assert_eq!((done.cancelled, done.under_way, done.waiting, done.written_off.kills), (0, 0, 1, 0));
        bursar_desk_run(scene, "faucet.prune");
        assert_eq!(scene.tally(id).holdings.reserved.kills, 4);
        scene.check();

        scene.write(|tx, _| tx.batch_execute("UPDATE payout_wallet SET standing = 0"));
        scene.send();
        let payout = |id: i64| scene.payouts_of(id).remove(0).state.word();
        assert_eq!((payout(id), payout(other)), ("held", "confirmed"));
        bursar_desk_run(scene, "faucet.prune");
        let holdings = scene.tally(id).holdings;
        assert_eq!((holdings.open.kills, holdings.reserved.kills, holdings.written_off.kills), (0, 0, 4));
        assert_eq!(scene.accruals(id), [(4, "written_off".to_owned())]);
        assert_eq!((payout(id), scene.account("faucet/owed")), ("failed", (Balance::ZERO, Amount::ZERO)));
        scene.send();
        assert_eq!((scene.paid(1), scene.paid(2)), (0, BAN / 10));
        scene.check();
    });
}

fn erase_player(scene: &Scene, id: i64) -> Option<bursar_faucet::upkeep::Erased> {
    let recorder = recorder("test.erase");
    let event = erasure(Actor { kind: "operator", id: "1".to_owned() }, "asked for by mail");
    let eraser = Eraser { payouts: &scene.payouts, recorder: &recorder, event: &event };
    scene
        .store()
        .transact("test.erase", |tx| {
            let now: Timestamp = tx.open_clock(bursar_faucet::CLOCK)?;
            let erased = erase(tx, &eraser, id, now)?;
            tx.close_clock(bursar_faucet::CLOCK, now)?;
            Ok(erased)
        })
        .unwrap()
}

#[test]
fn f48_the_wallet_is_not_compared_while_money_comes_in_however_much_waits_to_be_assigned() {
    on_each_engine(|scene| {
        scene.funded(BAN);
        let now = scene.test.now();
        scene.write(|tx, _| {
            for id in 1_000..1_201_i64 {
                let source = format!("older-{id}");
                let sql = "INSERT INTO payout_receipt (id, wallet, source, sender, amount, state, seen_at) \
                           VALUES ($1, $2, $3, '', $4, 1, $5)";
                let amount = bursar_store::Param::Amount(bursar_money::Amount::new(1));
                let wallet = scene.operator.as_str();
                tx.execute(sql, &[id.into(), wallet.into(), source.as_str().into(), amount, now.into()])?;
            }
            Ok(())
        });
        scene.fund(5 * BAN);
        scene.command(bursar_devnet_banano::Command::ConfirmationLag(None));
        scene.pass(2 * MINUTE_MS);
        scene.send_for(3);
        // What is being accepted is younger than all that.
        let moved =
            scene.write(|tx, _| tx.execute("UPDATE payout_receipt SET id = 9000 WHERE state = 0", &[]));
        assert_eq!(moved, 1);
        assert_eq!(watch(&scene.faucet).unwrap(), Watched::Unknown);
        scene.command(bursar_devnet_banano::Command::ConfirmAll);
        scene.send_for(20);
        assert_eq!((anomalies(scene), halted(scene)), (vec![], false));
    });
}

#[test]
fn audit_rows_of_administrators_go_when_they_are_older_than_the_retention() {
    on_each_engine(|scene| {
        let actor = |kind| Actor { kind, id: "admin-1".to_owned() };
        let event = |kind| bursar_audit::Event {
            actor: actor(kind),
            ..erasure(actor(kind), "what an administrator did")
        };
        let recorder = recorder("test.audit");
        scene.write(|tx, now| {
            recorder.record(tx, &[event("faucet_admin"), event("operator")], now.after_ms(-91 * DAY_MS))?;
            recorder.record(tx, &[event("faucet_admin")], now.after_ms(-89 * DAY_MS))
        });
        assert_eq!(scene.read(|tx| prunable(tx, Retention::DEFAULT)).audit, 1);
        bursar_desk_run(scene, "faucet.prune");
        let left = |kind: &'static str| match kind {
            "faucet_admin" => scene.count(
                "SELECT COUNT(*) FROM audit_events WHERE actor_kind = 'faucet_admin' AND payload IS NOT NULL",
            ),
            _ => scene.count(
                "SELECT COUNT(*) FROM audit_events WHERE actor_kind = 'operator' AND payload IS NOT NULL",
            ),
        };
        assert_eq!((left("faucet_admin"), left("operator")), (1, 1), "others are not the faucet's to prune");
        // What the command line did to an administrator holds an e-mail, too.
        scene.write(|tx, now| {
            let to = |days: i64| {
                (
                    now.after_ms(-days * DAY_MS),
                    bursar_audit::Target { kind: "admin_user", id: "admin-1".to_owned() },
                )
            };
            [91, 89].map(to).into_iter().try_for_each(|(at, target)| {
                recorder.record(tx, &[bursar_audit::Event { target, ..event("operator") }], at).map(|_| ())
            })
        });
        assert_eq!(scene.read(|tx| prunable(tx, Retention::DEFAULT)).audit, 1);
        bursar_desk_run(scene, "faucet.prune");
        let about =
            "SELECT COUNT(*) FROM audit_events WHERE target_type = 'admin_user' AND payload IS NOT NULL";
        assert_eq!((scene.count(about), left("operator")), (1, 2));
        // The chain still holds: the rows are there, and an event says which are blank.
        assert_eq!(scene.count("SELECT COUNT(*) FROM audit_events WHERE event = 'audit.redacted'"), 2);
        assert_eq!(scene.metric("faucet_pruned_rows_total{table=\"admin_audit\"}").as_deref(), Some("2"));
    });
}

#[test]
fn f48_what_an_imported_seeds_account_held_is_no_anomaly_before_the_payouts_room_has_looked() {
    on_each_engine(|scene| {
        scene.hold(70 * BAN);
        assert_eq!(watch(&scene.faucet).unwrap(), Watched::Unknown);
        scene.send();
        assert_eq!((anomalies(scene), halted(scene)), (vec![], false));
    });
}
