//! Payouts from the command line: what is shown, what people may decide, and what nobody's word does.

use bursar_devnet_banano::Command;
use bursar_faucet::record::Payout;
use bursar_faucet::rules::ban::BanE8;
use bursar_faucet::rules::payout_state::PayoutState;
use serde_json::{Value, json};

use crate::payment_scene::{Payments, TREASURY, account, on_each_engine, payee};
use crate::scene::parse;

fn state(payments: &Payments, payout: &str) -> Value {
    payments.yes(&format!("payouts show {payout} --json"))["payout"]["state"].clone()
}

/// Payout 1, whose payment is signed and counted as sent, and has reached no node. Returns the payment's id.
fn lost_on_the_way(payments: &Payments) -> String {
    payments.fund(1_000);
    payments.send(20);
    payments.order("a", 100);
    payments.lose_the_next_payment();
    payments.send(2);
    let shown = payments.yes("payouts show 1 --json");
    assert_eq!(shown["payout"]["state"], "broadcast", "{shown}");
    shown["transactions"][0]["transaction"].as_str().unwrap().to_owned()
}

#[test]
fn payouts_are_listed_newest_first_page_by_page() {
    on_each_engine(|payments| {
        for (name, amount) in [("a", 100), ("b", 20), ("c", 3)] {
            payments.order(name, amount);
        }
        payments.yes("payouts hold 2 --reason odd");
        let to = payee();
        let pad = " ".repeat(to.as_str().len() - "DESTINATION".len());
        assert_eq!(
            payments.yes("payouts list"),
            format!(
                "PAYOUT  STATE     DESK    WALLET  AMOUNT  ASSET  DESTINATION{pad}  WHY\n\
                 3       accepted  faucet  hot     3       BAN    {to}  -\n\
                 2       held      faucet  hot     20      BAN    {to}  odd\n\
                 1       accepted  faucet  hot     100     BAN    {to}  -"
            )
        );
        let ids = |line: &str| {
            let answer = payments.yes(line);
            let ids: Vec<i64> =
                answer["payouts"].as_array().unwrap().iter().map(|one| one["id"].as_i64().unwrap()).collect();
            (ids, answer["next"].clone())
        };
        assert_eq!(ids("payouts list --json --limit 2"), (vec![3, 2], json!(2)));
        assert_eq!(ids("payouts list --json --limit 2 --before 2"), (vec![1], Value::Null));
        assert_eq!(
            ids("payouts list --json --state held --wallet hot --desk faucet"),
            (vec![2], Value::Null)
        );
        assert_eq!(ids("payouts list --json --desk trades"), (vec![], Value::Null));
        assert!(parse("payouts list --state lost").is_err());
    });
}

#[test]
fn one_payout_is_shown_by_its_number_and_by_its_public_id() {
    on_each_engine(|payments| {
        payments.order("a", 100);
        let shown = payments.yes("payouts show 1 --json");
        let payout = &shown["payout"];
        assert_eq!((&payout["amount"], &payout["idempotencyKey"]), (&json!("100"), &json!("a")));
        let public = payout["publicId"].as_str().unwrap();
        assert_eq!(payments.yes(&format!("payouts show {public} --json")), shown);
        let text = payments.yes("payouts show 1");
        let lines: Vec<&str> = text.as_str().unwrap().lines().collect();
        let wanted = [
            format!("payout    1 ({public})"),
            "state     accepted".to_owned(),
            "why       -".to_owned(),
            "owed by   faucet, its row 7".to_owned(),
            "owed for  kills".to_owned(),
            "pays      100 BAN from hot".to_owned(),
            format!("to        {}", payee()),
        ];
        assert_eq!(lines[..7], wanted);
        assert_eq!((lines.len(), lines[10], lines[11]), (12, "left      -", "ended     -"));
        assert_eq!(payments.code("payouts show 2"), "payout_not_found");
        assert!(parse("payouts show x").is_err());
    });
}

#[test]
fn a_payout_is_held_released_and_cancelled_by_name_and_its_money_is_free_again() {
    on_each_engine(|payments| {
        payments.order("a", 100);
        let act = |verb: &str| payments.yes(&format!("payouts {verb} 1 --reason drill --actor Bea --json"));
        for (verb, state, event) in [
            ("hold", "held", "payout.held"),
            ("release", "accepted", "payout.released"),
            ("cancel", "cancelled", "payout.cancelled"),
        ] {
            assert_eq!(payments.account("faucet/treasury"), (TREASURY.to_string(), 100));
            assert_eq!(act(verb)["payout"]["state"], state);
            let (name, actor, payload) = payments.newest_event();
            assert_eq!((name.as_str(), actor.as_str(), &payload["why"]), (event, "cli:bea", &json!("drill")));
        }
        assert_eq!(payments.account("faucet/treasury").1, 0);
        for verb in ["hold", "release", "cancel", "retry"] {
            let (answer, why) = payments.no(&format!("payouts {verb} 1 --reason drill"));
            assert_eq!(answer["code"], "payout_too_late", "{verb}");
            assert!(why.contains("This payout is cancelled"), "{why}");
        }
        assert_eq!(payments.code("payouts hold 2 --reason drill"), "payout_not_found");
        assert_eq!(payments.code("payouts hold 1 --reason drill --approval 9"), "approval_not_found");
        assert!(parse("payouts hold 1").is_err(), "an act without a reason");
    });
}

#[test]
fn who_cancels_a_payout_asks_a_journal_that_is_there_and_begins_none() {
    on_each_engine(|payments| {
        payments.order("a", 100);
        payments.order("b", 20);
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("journal");
        let variables = payments.variables_with(&journal);
        payments.scene.run_with(&variables, "payouts cancel 1 --reason drill").unwrap();
        assert!(!journal.exists());
        std::fs::write(&journal, "a payment, for all that anybody can read\n").unwrap();
        let (answer, _) = payments.scene.no_with(&variables, "payouts cancel 2 --reason drill");
        assert_eq!((&answer["code"], state(payments, "2")), (&json!("wallet_unmatched"), json!("accepted")));
    });
}

#[test]
fn the_desks_own_row_follows_in_the_same_transaction() {
    on_each_engine(|payments| {
        let intent = payments.order_for("faucet", "a", 5, 100);
        let row = Payout {
            id: 5,
            user_id: 1,
            dry_run: false,
            address: payee().to_string(),
            kills: 1,
            amount: BanE8::of_ban(1),
            tx_hash: None,
            state: PayoutState::Created,
            error_detail: None,
            idempotency_key: "k".to_owned(),
            intent: Some(intent.0),
            attempt_count: 1,
            first_attempt_at: None,
            last_attempt_at: None,
            next_attempt_at: None,
            created_at: payments.scene.test.now(),
        };
        payments.write(|tx, now| Payout::insert(tx, std::slice::from_ref(&row), now));
        payments.yes("payouts hold 1 --reason odd");
        let sql = "SELECT status || ' ' || error_detail FROM faucet_payout";
        assert_eq!(payments.scene.column::<String>(sql), ["held odd"]);
        payments.yes("payouts release 1 --reason fine");
        assert_eq!(payments.scene.column::<String>("SELECT status FROM faucet_payout"), ["created"]);
    });
}

#[test]
fn a_payout_of_a_desk_whose_records_are_not_kept_here_is_shown_and_not_touched() {
    on_each_engine(|payments| {
        payments.order("a", 100);
        payments.scene.execute("UPDATE payout_intent SET desk = 'trades'");
        assert_eq!(state(payments, "1"), "accepted");
        let (answer, why) = payments.no("payouts cancel 1 --reason r");
        assert_eq!(answer["code"], "desk_not_followed");
        assert!(why.contains("owed by trades"), "{why}");
        assert_eq!(state(payments, "1"), "accepted");
    });
}

#[test]
fn a_retry_that_changes_no_state_is_in_the_audit_log_all_the_same() {
    on_each_engine(|payments| {
        payments.order("a", 100);
        payments.write(|tx, now| {
            let next_at = now.after_ms(3_600_000);
            tx.execute("UPDATE payout_intent SET next_at = $1", &[next_at.into()])
        });
        let before = payments.yes("payouts show 1 --json")["payout"]["nextAtMs"].as_i64().unwrap();
        let after =
            payments.yes("payouts retry 1 --reason hurry --json")["payout"]["nextAtMs"].as_i64().unwrap();
        assert!(after < before - 3_000_000, "{after} {before}");
        let (name, actor, payload) = payments.newest_event();
        assert_eq!((name.as_str(), actor.as_str()), ("payout.act_asked", "cli:ann"));
        assert_eq!((&payload["act"], &payload["reason"]), (&json!("retry"), &json!("hurry")));
    });
}

#[test]
fn nobodys_word_kills_a_payment_whose_slot_is_free() {
    on_each_engine(|payments| {
        let payment = lost_on_the_way(payments);
        let dead = |id: &str| {
            format!(
                "payouts resolve 1 --dead {id} --evidence explorer --then retry --paid-twice-if-wrong --reason r"
            )
        };
        let (answer, why) = payments.no(&dead(&payment));
        assert_eq!(answer["code"], "slot_free");
        assert!(why.contains("Free the slot"), "{why}");
        assert_eq!(payments.code(&dead("0000")), "attempt_not_found");
        // A chain that gives no answer says nothing at all.
        let silent = [("BURSAR_DESKS", "faucet"), ("BANANO_NODE_RPC", "http://127.0.0.1:9")];
        assert_eq!(payments.scene.no_with(&silent, &dead(&payment)).0["code"], "chain_silent");
        for line in [
            "payouts resolve 1 --reason r",
            "payouts resolve 1 --reason r --free-slot",
            "payouts resolve 1 --reason r --paid x",
            "payouts resolve 1 --reason r --paid x --evidence e --fee 0.1",
            "payouts resolve 1 --reason r --dead x --evidence e --then fail --fee 1 --paid-twice-if-wrong",
            "payouts resolve 1 --reason r --dead x --evidence e --then fail",
            "payouts resolve 1 --reason r --dead x --then fail --paid-twice-if-wrong",
            "payouts resolve 1 --reason r --dead x --paid x --evidence e --then fail --paid-twice-if-wrong",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
        assert_eq!(state(payments, "1"), "broadcast");
        assert_eq!(payments.account("faucet/treasury").1, 100);
    });
}

#[test]
fn nobodys_word_kills_a_payment_that_the_nodes_show_by_now() {
    on_each_engine(|payments| {
        let payment = lost_on_the_way(payments);
        // The bytes arrive after all, which the server has not seen yet.
        let sql = "SELECT bytes FROM payout_attempt WHERE kind = 0";
        let stored = payments.scene.column::<Vec<u8>>(sql).remove(0);
        let stored: Value = serde_json::from_slice(&stored).unwrap();
        let block = serde_json::from_value(stored["block"].clone()).unwrap();
        payments.node.command(Command::Gossip(Box::new(block))).unwrap();
        payments.node.command(Command::ConfirmAll).unwrap();
        let dead = format!(
            "payouts resolve 1 --dead {payment} --evidence e --then retry --paid-twice-if-wrong --reason r"
        );
        let (answer, why) = payments.no(&dead);
        assert_eq!(answer["code"], "transaction_lives");
        assert!(why.contains("is confirmed"), "{why}");
        assert_eq!(state(payments, "1"), "broadcast");
        payments.send(20);
        assert_eq!(state(payments, "1"), "final");
    });
}

#[test]
fn what_frees_a_slot_is_nobodys_payment() {
    on_each_engine(|payments| {
        lost_on_the_way(payments);
        payments.node.command(Command::ConfirmationLag(None)).unwrap();
        payments.yes("payouts resolve 1 --free-slot --then retry --reason lost");
        payments.send(1);
        let shown = payments.yes("payouts show 1 --json");
        assert_eq!(shown["transactions"][1]["kind"], "freeing", "{shown}");
        let freeing = shown["transactions"][1]["transaction"].as_str().unwrap();
        let paid = format!("payouts resolve 1 --paid {freeing} --evidence e --reason r");
        assert_eq!(payments.code(&paid), "attempt_not_found");
        assert_eq!(state(payments, "1"), "broadcast");
    });
}

#[test]
fn a_freed_slot_proves_the_payment_dead_and_pays_once() {
    on_each_engine(|payments| {
        lost_on_the_way(payments);
        payments.yes("payouts resolve 1 --free-slot --then retry --reason lost");
        let (name, actor, payload) = payments.newest_event();
        assert_eq!((name.as_str(), actor.as_str()), ("payout.act_asked", "cli:ann"));
        assert_eq!((&payload["act"], &payload["reason"]), (&json!("resolve"), &json!("lost")));
        let decided = payments.scene.events().into_iter().any(|event| event.event == "payout.resolved");
        assert!(decided);
        payments.send(60);
        let shown = payments.yes("payouts show 1 --json");
        let ends: Vec<String> = shown["transactions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| format!("{} {} {}", one["kind"], one["state"], one["deathProof"]).replace('"', ""))
            .collect();
        assert_eq!(ends, ["payment dead true", "freeing final false", "payment final false"]);
        assert_eq!(shown["payout"]["state"], "final");
    });
}

#[test]
fn a_payment_is_paid_by_an_operators_word_with_evidence() {
    on_each_engine(|payments| {
        let payment = lost_on_the_way(payments);
        let paid =
            |id: &str| format!("payouts resolve 1 --paid {id} --evidence seen-by-three --reason r --json");
        assert_eq!(payments.code(&paid("0000")), "attempt_not_found");
        let (answer, why) = payments.no(&format!("{} --fee 1", paid(&payment)));
        assert_eq!(answer["code"], "invalid_body");
        assert!(why.contains("fee") && why.contains("what the chain took"), "{why}");
        let shown = payments.yes(&paid(&payment));
        assert_eq!(shown["payout"]["state"], "final");
        assert_eq!(shown["transactions"][0]["standing"], "paid by an operator's word");
        assert_eq!(payments.account("faucet/treasury"), ((TREASURY - 100).to_string(), 0));
        assert_eq!(payments.code(&paid(&payment)), "payout_too_late");
    });
}

#[test]
fn a_wallet_is_compared_with_its_chain_and_a_difference_is_exit_1() {
    on_each_engine(|payments| {
        payments.fund(1_000);
        payments.send(20);
        let table = format!(
            "WALLET  VERDICT  MUST HOLD  HOLDS  ASSET  ADDRESS\n\
             hot     equal    1000       1000   BAN    {}",
            account()
        );
        assert_eq!(payments.yes("payouts reconcile"), table);
        assert_eq!(payments.yes("payouts reconcile hot --json")["wallets"][0]["verdict"], "equal");
        payments.node.command(Command::LieAboutBalances(-5)).unwrap();
        let (answer, why) = payments.no("payouts reconcile --json");
        let wallet = &answer["wallets"][0];
        assert_eq!([&wallet["verdict"], &wallet["expected"], &wallet["holds"]], ["differs", "1000", "995"]);
        assert!(why.starts_with("hot holds 995 and must hold 1000. Look at its history"), "{why}");
        payments.node.command(Command::LieAboutBalances(0)).unwrap();
        payments.book_by_hand("payouts/hot", 5);
        let (answer, why) = payments.no("payouts reconcile --json");
        assert_eq!(answer["wallets"][0]["verdict"], "book_differs");
        assert!(why.starts_with("The book says -1005 of hot"), "{why}");
        // No node is configured.
        let (answer, why) = payments.scene.no("payouts reconcile --json");
        assert_eq!(
            (&answer["code"], &answer["wallets"][0]["verdict"]),
            (&json!("not_reconciled"), &json!("unknown"))
        );
        assert!(why.starts_with("hot was not compared. The chain gave no answer"), "{why}");
        assert_eq!(payments.code("payouts reconcile cold"), "wallet_not_found");
    });
}

#[test]
fn a_stopped_wallet_runs_again_by_what_its_chain_says_and_by_nothing_else() {
    on_each_engine(|payments| {
        payments.fund(1_000);
        payments.send(20);
        let wallet = payments.yes("payouts stop hot --reason odd --json")["wallet"].clone();
        assert_eq!((&wallet["standing"], &wallet["why"]), (&json!("stopped"), &json!("odd")));
        assert_eq!(payments.code("payouts stop hot --reason odd"), "wallet_changed");
        let (answer, why) = payments.no("payouts match hot --holds 999 --reason fine");
        assert_eq!(answer["code"], "chain_says_otherwise");
        assert!(why.contains("hot holds 1000, and not 999"), "{why}");
        let wallet = payments.yes("payouts match hot --holds 1000 --reason fine --json")["wallet"].clone();
        assert_eq!((&wallet["standing"], &wallet["expected"]), (&json!("running"), &json!("1000")));
        let (name, actor, payload) = payments.newest_event();
        assert_eq!((name.as_str(), actor.as_str()), ("payout.wallet_matched", "cli:ann"));
        assert_eq!((&payload["why"], &payload["holds"]), (&json!("fine"), &json!("1000")));
        assert_eq!(
            payload["newest"].as_str().map(str::len),
            Some(64),
            "what its account ended in: {payload}"
        );
        assert_eq!(payments.code("payouts match hot --holds 1000 --reason again"), "wallet_changed");
        assert_eq!(payments.code("payouts match cold --holds 1 --reason r"), "wallet_not_found");
    });
}

#[test]
fn after_a_restore_a_wallet_whose_journal_is_elsewhere_runs_by_an_explicit_word_alone() {
    on_each_engine(|payments| {
        payments.fund(1_000);
        payments.send(20);
        let journal =
            "INSERT INTO payout_journal (wallet, journal, position, is_known) VALUES ('hot', 'j', 9, TRUE)";
        payments.scene.execute(journal);
        payments.scene.execute("UPDATE payout_wallet SET standing = 2, restored_mark = 9");
        let (answer, why) = payments.no("payouts match hot --holds 1000 --reason fine");
        assert_eq!(answer["code"], "journal_not_compared");
        assert!(why.contains("a journal that is not here"), "{why}");
        let line = "payouts match hot --holds 1000 --journals-are-lost --reason compared --json";
        assert_eq!(payments.yes(line)["wallet"]["standing"], "running");
        let (name, _, payload) = payments.newest_event();
        assert_eq!((name.as_str(), &payload["withoutJournals"]), ("payout.wallet_matched", &json!(["j"])));
    });
}

#[test]
fn money_that_came_in_is_listed_with_its_wallet_and_assigned_to_an_account() {
    on_each_engine(|payments| {
        payments.fund(1_000);
        payments.send(20);
        let wallets = payments.yes("payouts wallets --json");
        let receipt = &wallets["wallets"][0]["receipts"][0];
        assert_eq!((&receipt["receipt"], &receipt["state"]), (&json!(1), &json!("suspense")));
        let text = payments.yes("payouts wallets");
        let lines: Vec<&str> = text.as_str().unwrap().lines().collect();
        assert_eq!(lines[1], format!("hot     faucet  running   1000       BAN    {}  -", account()));
        assert!(lines[3].starts_with("1        hot     suspense  1000    ban_"), "{text}");
        let assign = |path: &str| format!("payouts assign 1 --account {path} --reason gift");
        assert_eq!(payments.code(&assign("nobody")), "account_not_found");
        assert_eq!(payments.yes(&assign("faucet/treasury")), "receipt 1 is assigned to faucet/treasury");
        assert_eq!(payments.account("faucet/treasury").0, (TREASURY + 1_000).to_string());
        assert_eq!(payments.code(&assign("faucet/treasury")), "receipt_not_found");
        let (name, actor, payload) = payments.newest_event();
        assert_eq!(
            (name.as_str(), actor.as_str(), &payload["reason"]),
            ("payout.assigned", "cli:ann", &json!("gift"))
        );
    });
}
