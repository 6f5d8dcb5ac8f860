//! Reading the book from the command line.

use bursar_ledger::{AccountSlot, Book, Overdraft, TransferKind};
use bursar_money::{Amount, Asset};
use bursar_store::Timestamp;
use serde_json::{Value, json};

use crate::scene::{Scene, on_each_engine};

/// The world pays Ann 40 cents at 1 s and 2 more at 2 s, of which she passes 5 to Bob at 2 s.
fn town(scene: &Scene) {
    let open = |book: &mut Book, path| book.open(path, Asset::PanchoBucks, Overdraft::Allowed);
    let pay = |book: &mut Book, from: AccountSlot, to: AccountSlot, cents| {
        book.transfer(from, to, Amount::new(cents), TransferKind(100), 7).unwrap();
    };
    let write = |at_ms, decide: &dyn Fn(&mut Book, &mut bursar_store::Tx<'_>)| {
        let store = scene.test.store();
        let written = store.transact("test.town", |tx| {
            let mut book = Book::default();
            decide(&mut book, tx);
            book.number(tx)?;
            book.write(tx, Timestamp::from_ms(at_ms))
        });
        written.unwrap();
    };
    write(1_000, &|book, _| {
        let [world, ann] = ["town/world", "town/ann"].map(|path| open(book, path));
        open(book, "town/bob");
        book.open("town/ann", Asset::Sol, Overdraft::Forbidden);
        pay(book, world, ann, 40);
    });
    let id = |path| scene.yes(&format!("ledger accounts {path}"))["accounts"][0]["id"].as_i64().unwrap();
    let ids = ["town/world", "town/ann", "town/bob"].map(|path| bursar_ledger::AccountId(id(path)));
    write(2_000, &|book, tx| {
        book.load(tx, &ids).unwrap();
        let [world, ann, bob] = ids.map(|id| book.slot(id).unwrap());
        pay(book, world, ann, 2);
        pay(book, ann, bob, 5);
    });
}

#[test]
fn accounts_are_listed_by_path_with_balances_in_base_units() {
    on_each_engine(|scene| {
        town(scene);
        let listed = scene.yes("ledger accounts town/")["accounts"].clone();
        let shown =
            |account: &Value| format!("{} {} {}", account["path"], account["asset"], account["balance"]);
        let shown: Vec<String> = listed.as_array().unwrap().iter().map(shown).collect();
        let expected = [
            r#""town/ann" "PB" "37""#,
            r#""town/ann" "SOL" "0""#,
            r#""town/bob" "PB" "5""#,
            r#""town/world" "PB" "-42""#,
        ];
        assert_eq!(shown, expected);
        let rest = scene.yes("ledger accounts town/ --after town/ann --limit 1")["accounts"].clone();
        assert_eq!((&rest[0]["path"], rest.as_array().map(Vec::len)), (&json!("town/bob"), Some(1)));
    });
}

#[test]
fn a_history_goes_back_from_the_newest_and_says_where_it_goes_on() {
    on_each_engine(|scene| {
        town(scene);
        let page = scene.yes("ledger history town/ann --asset PB --limit 2");
        let line = |page: &Value, n: usize| {
            let posting = &page["postings"][n];
            format!(
                "{} {} {} {}",
                posting["side"], posting["amount"], posting["counterpart"], posting["atMs"]
            )
        };
        assert_eq!(line(&page, 0), r#""debit" "5" "town/bob" 2000"#);
        assert_eq!(line(&page, 1), r#""credit" "2" "town/world" 2000"#);
        let next = &page["next"];
        let rest = scene.yes(&format!("ledger history town/ann --asset PB --from {next}"));
        assert_eq!(line(&rest, 0), r#""credit" "40" "town/world" 1000"#);
        assert_eq!((&rest["next"], rest["postings"].as_array().map(Vec::len)), (&Value::Null, Some(1)));
    });
}

#[test]
fn a_balance_is_that_of_now_or_of_a_past_time() {
    on_each_engine(|scene| {
        town(scene);
        let balance = |line: &str| scene.yes(&format!("ledger balance {line}"))["balance"].clone();
        assert_eq!(balance("town/bob"), "5");
        let past = [999, 1_000, 1_999, 2_000].map(|ms| balance(&format!("town/ann --asset PB --at {ms}")));
        assert_eq!(past, ["0", "40", "40", "37"]);
    });
}

#[test]
fn an_account_that_is_not_there_or_not_one_is_a_usage_error() {
    on_each_engine(|scene| {
        town(scene);
        let (answer, why) = scene.no("ledger balance town/ann");
        assert_eq!(answer["code"], "usage");
        assert!(why.contains("PB, SOL") && why.contains("--asset"), "{why}");
        assert!(scene.no("ledger history town/eve").1.starts_with("there is no account town/eve"));
        assert!(scene.no("ledger balance town/ann --asset XYZ").1.starts_with("unknown asset"));
    });
}

#[test]
fn the_trial_balance_is_zero_for_each_asset_or_fails_by_name() {
    on_each_engine(|scene| {
        town(scene);
        let assets = scene.yes("ledger trial")["assets"].clone();
        assert_eq!((&assets[0]["asset"], &assets[0]["debits"]), (&json!("PB"), &json!("47")));
        assert!(assets.as_array().unwrap().iter().all(|asset| asset["sum"] == "0"));
        scene.execute("UPDATE ledger_account SET credits = debits WHERE path = 'town/ann'");
        let (answer, why) = scene.no("ledger trial");
        assert_eq!(answer["assets"][0]["sum"], "-37");
        assert!(why.contains("does not balance in PB"), "{why}");
    });
}
