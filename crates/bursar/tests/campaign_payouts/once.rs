//! Single crashes, races and restores whose outcome is known beforehand: one send each.

use std::sync::Barrier;

use bursar_devnet_banano::{Command, Fault, Misbehaviour};
use serde_json::Value;

use crate::campaign::{Book, PATIENCE};
use crate::harness::{Place, Server, Setup, Tool};
use crate::proof;
use crate::rows::{PAYMENT, Rows};
use crate::stage::{CYCLE_MS, Stage, move_clock, wait_for};

/// Between handing a block over and knowing what became of it.
const UNTOLD: [(&str, &str); 6] = [
    ("payouts.broadcast", "begin"),
    ("banano.process", "before"),
    ("banano.process", "after"),
    ("payouts.look_up", "committed"),
    ("payouts.conclude", "commit"),
    ("payouts.conclude", "committed"),
];

fn for_each_engine(test: impl Fn(Place)) {
    [Place::sqlite(), Place::postgres()].into_iter().for_each(test);
}

/// Kills the only server at a point of the way to a payout.
fn die_at(stage: &mut Stage, (unit, step): (&str, &str)) {
    stage.failpoints.arm(unit, step);
    let (base, target) = (stage.servers[0].base().to_owned(), stage.now_ms() + 2 * CYCLE_MS);
    let moving = std::thread::spawn(move || move_clock(&base, target));
    assert!(wait_for(PATIENCE, || stage.failpoints.is_held(unit, step)), "nobody comes by {unit}.{step}");
    stage.kill_all();
    assert_eq!(moving.join().unwrap(), None);
    stage.failpoints.clear();
    stage.restore();
}

#[test]
fn f8_a_crash_between_publishing_and_recording_leaves_one_send_and_one_block_each() {
    for_each_engine(|place| {
        let mut stage = Stage::start(place, 1, 1);
        for (paid, point) in UNTOLD.into_iter().enumerate() {
            stage.play(0, 7);
            die_at(&mut stage, point);
            assert_eq!(stage.prove(), paid + 1, "{point:?}");
        }
        let rows = stage.rows();
        let payments = rows.attempts.iter().filter(|row| row.kind == PAYMENT).count();
        assert_eq!(payments, UNTOLD.len(), "the block of the first time was sent again, and no other");
    });
}

/// A payout whose block the node takes and then misbehaves so about.
fn answer_lost(stage: &mut Stage, misbehaviour: Misbehaviour) {
    let fault = Fault { action: Some("process".to_owned()), misbehaviour, times: 1 };
    stage.outside.node.command(Command::Fault(fault)).unwrap();
    stage.play(0, 7);
}

#[test]
fn example_14_an_answer_lost_after_the_node_accepted_is_one_send_and_one_success() {
    for_each_engine(|place| {
        let mut stage = Stage::start(place, 1, 1);
        answer_lost(&mut stage, Misbehaviour::DropAnswer);
        assert_eq!(stage.prove(), 1);
        let metrics = stage.servers[0].get("/metrics").text;
        assert!(metrics.contains("payout_attempts_total{result=\"success\"} 1\n"), "{metrics}");
        assert!(!metrics.contains("payout_attempts_total{result=\"failed\"} 1"), "{metrics}");
    });
}

#[test]
fn example_14_a_block_that_is_old_when_it_is_sent_again_is_one_send() {
    for_each_engine(|place| {
        let mut stage = Stage::start(place, 1, 1);
        // Nothing becomes final by itself, so that the block has to be sent again.
        stage.outside.node.command(Command::ConfirmationLag(None)).unwrap();
        answer_lost(&mut stage, Misbehaviour::StatusAfterDoing(502));
        stage.pass_ms(2 * CYCLE_MS);
        let (blocks, before) = stage.customs.seen(|seen| (seen.blocks.len(), seen.handed_over));
        assert!(before > u64::try_from(blocks).unwrap(), "it was sent once only");
        assert_eq!(stage.prove(), 1);
    });
}

#[test]
fn f8_two_replicas_that_settle_at_once_make_one_send_for_each_set_of_accruals() {
    let mut stage = Stage::start(Place::postgres(), 2, 3);
    for round in 1..=4 {
        (0..3).for_each(|player| stage.play(player, 5));
        let target = stage.now_ms() + CYCLE_MS;
        let together = Barrier::new(stage.servers.len());
        std::thread::scope(|threads| {
            for server in &stage.servers {
                let together = &together;
                threads.spawn(move || {
                    together.wait();
                    assert_eq!(move_clock(server.base(), target), Some(200), "{}", server.log());
                });
            }
        });
        assert_eq!(stage.prove(), 3 * round);
    }
}

/// A server on a restored database, without the journal of the one before.
fn restored(stage: &Stage, to: &Place) -> Setup {
    let tool = stage.tool();
    let restored = tool.json(&["backup", "restore", "--to", &to.url(), "--reason", "the disk is gone"]);
    assert_eq!(restored["ok"], true, "{restored}");
    let journal = to.folder().join("journal");
    stage.free_setup().env("DATABASE_URL", &to.url()).env("BURSAR_PAYOUT_JOURNAL", journal.to_str().unwrap())
}

fn wallet(tool: &Tool) -> Value {
    tool.json(&["payouts", "wallets", "--json"])["wallets"][0].clone()
}

fn cycles(server: &Server, cycles: i64) {
    server.move_clock(server.now_ms() + cycles * CYCLE_MS);
}

/// Pays one player, backs up, pays another, and loses every server with its database and journal; the server that takes
/// over from the backup, and how many blocks the chain had.
fn fallen_back(stage: &mut Stage, to: &Place) -> (Setup, usize) {
    stage.play(0, 3);
    assert_eq!(stage.prove(), 1);
    assert_eq!(stage.tool().json(&["backup", "create"])["ok"], true);
    stage.play(1, 4);
    assert_eq!(stage.prove(), 2);
    stage.kill_all();
    (restored(stage, to), proof::chain(&stage.outside).len())
}

#[test]
fn f8_after_a_restore_without_the_journal_nobody_is_paid_twice_and_new_kills_are_paid() {
    for_each_engine(|place| {
        let to = if place.is_embedded() { Place::sqlite() } else { Place::postgres() };
        let mut stage = Stage::start(place, 1, 2);
        let (setup, blocks) = fallen_back(&mut stage, &to);
        let (server, tool) = (setup.start(), Tool::of(&setup));
        cycles(&server, 3);
        let server = server.restart();
        cycles(&server, 3);
        assert_eq!(proof::chain(&stage.outside).len(), blocks, "something left a wallet that is not matched");
        let seen = wallet(&tool);
        assert_eq!(seen["standing"], "unmatched", "{seen}");

        let holds = stage.outside.operator_balance().to_string();
        let name = seen["wallet"].as_str().unwrap();
        let line = ["payouts", "match", name, "--holds", &holds, "--reason", "compared", "--json"];
        let refused = tool.run(&line);
        assert_eq!(
            (refused.status, &refused.json()["code"]),
            (1, &"journal_not_compared".into()),
            "{refused:?}"
        );
        let matched = tool.json(&[&line[..], &["--journals-are-lost"]].concat());
        assert_eq!(matched["wallet"]["standing"], "running", "{matched}");
        // The kills that were paid since the backup count as unpaid: nothing leaves until somebody has looked at them too.
        cycles(&server, 3);
        assert_eq!(proof::chain(&stage.outside).len(), blocks, "paid again");
        let sql = "SELECT value FROM faucet_config WHERE key = 'payouts_halted'";
        let switch: String = Book::of(&to)
            .store()
            .read("test.switch", |tx| tx.query_first(sql, &[], |row| row.get(0)))
            .unwrap()
            .unwrap();
        assert_eq!(switch, "on");

        what_was_lost_is_adopted(&mut stage, &to, (&server, &tool), blocks);
    });
}

/// Records what the chain shows as paid, and plays on: each kill is paid exactly once.
fn what_was_lost_is_adopted(stage: &mut Stage, to: &Place, (server, tool): (&Server, &Tool), blocks: usize) {
    let resume = ["faucet", "resume", "payouts", "--reason", "paid up"];
    let refused = tool.run(&resume);
    assert_eq!((refused.status, &refused.json()["code"]), (1, &"payments_unadopted".into()), "{refused:?}");
    stage.play(1, 5);
    cycles(server, 2);
    let adopt = ["faucet", "adopt-payments", "--reason", "the disk is gone"];
    let shown = tool.json(&[&adopt[..], &["--dry-run"]].concat());
    assert_eq!((&shown["left"], &shown["payments"][0]["kills"]), (&0.into(), &4.into()), "{shown}");
    let adopted = tool.json(&adopt);
    assert_eq!((&adopted["left"], &adopted["payments"][0]["kills"]), (&0.into(), &4.into()), "{adopted}");
    assert_eq!(adopted["next"], "bursar faucet resume payouts --reason TEXT");
    assert_eq!(tool.json(&adopt)["payments"], serde_json::json!([]), "said twice");

    stage.customs.look_into(Book::of(to), vec![to.folder().join("journal")]);
    tool.json(&resume);
    stage.play(0, 2);
    cycles(server, 5);
    let rows = Book::of(to).store().read("test.rows", Rows::load).unwrap();
    let chain = proof::chain(&stage.outside);
    assert_eq!(chain.len(), blocks + 2, "{}", server.log());
    proof::check_players(&chain, &rows, &stage.players, &stage.grown);
    proof::check_rest(&stage.outside, &rows);
    proof::check_verbs(tool);
    stage.customs.seen(|seen| assert_eq!(seen.smuggled, [] as [String; 0]));
}
