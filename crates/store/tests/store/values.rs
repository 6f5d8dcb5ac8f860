//! Values go in and come out alike on both engines.

use bursar_money::{Amount, U256};
use bursar_store::{FromColumn, Json, Param, Store, StoreError, Timestamp};
use bursar_test_stores::for_each_engine;
use uuid::Uuid;

use crate::schema::TABLES;

/// Writes `param` to the column `$column` of the table with one column of every type, and reads it as a `$type`.
macro_rules! through {
    ($store:expr, $column:literal, $type:ty, $param:expr) => {
        through::<$type>(
            $store,
            concat!("INSERT INTO everything (id, ", $column, ") VALUES (1, $1)"),
            concat!("SELECT ", $column, " FROM everything"),
            $param,
        )
    };
}

fn through<T: FromColumn>(store: &Store, insert: &'static str, select: &'static str, param: Param<'_>) -> T {
    let written = store.transact("test.write", |tx| {
        tx.execute("DELETE FROM everything", &[])?;
        tx.execute(insert, &[param])
    });
    assert_eq!(written.unwrap(), 1);
    store.read("test.read", |tx| tx.query_first(select, &[], |row| row.get(0))).unwrap().unwrap()
}

/// Runs `test` on both engines, on PostgreSQL with and without kept statements.
fn with_and_without_kept_statements(test: impl Fn(&Store)) {
    for_each_engine(&TABLES, |store| {
        test(&store.store());
        test(&store.another(|options| options.postgres_statement_cache = false));
    });
}

#[test]
fn parameters_bind_by_number_whatever_their_order_and_repetition() {
    with_and_without_kept_statements(|store| {
        let sql = "SELECT CAST($2 AS BIGINT), CAST($1 AS TEXT), CAST($2 AS BIGINT) + $3, '$1' \
                   WHERE $3 = CAST($3 AS BIGINT)";
        for (text, number) in [("one", 2), ("uno", 20)] {
            let rows = store.read("test.order", |tx| {
                tx.query(sql, &[text.into(), number.into(), 3.into()], |row| {
                    Ok((row.get::<i64>(0)?, row.get::<String>(1)?, row.get::<i64>(2)?, row.get::<String>(3)?))
                })
            });
            assert_eq!(rows.unwrap(), [(number, text.to_owned(), number + 3, "$1".to_owned())]);
        }
    });
}

#[test]
fn a_parameter_without_a_value_is_refused() {
    with_and_without_kept_statements(|store| {
        let sql = "UPDATE counter SET value = $1";
        let result = store.transact("test.missing", |tx| tx.execute(sql, &[]));
        assert!(matches!(result, Err(StoreError::Statement(_))), "{result:?}");
    });
}

#[test]
fn integers_and_truth_values_come_back() {
    with_and_without_kept_statements(|store| {
        for value in [i64::MIN, -1, 0, i64::MAX] {
            assert_eq!(through!(store, "i", i64, value.into()), value);
        }
        for value in [true, false] {
            assert_eq!(through!(store, "f", bool, value.into()), value);
        }
    });
}

#[test]
fn text_and_bytes_come_back_unchanged() {
    with_and_without_kept_statements(|store| {
        for text in ["", "a'b\"c$1?2\\", "\u{1}\u{7f}", "äß€𝄞\u{10FFFF}"] {
            assert_eq!(through!(store, "t", String, text.into()), text.to_owned());
        }
        for bytes in [&[][..], &[0], &[0, 255, 0]] {
            assert_eq!(through!(store, "b", Vec<u8>, bytes.into()), bytes.to_vec());
        }
    });
}

#[test]
fn amounts_of_every_size_come_back_exactly() {
    with_and_without_kept_statements(|store| {
        let powers = (0..39).map(|power| 10_u128.pow(power));
        let edges = powers.flat_map(|ten| [ten - 1, ten, ten + 1]).chain([u128::MAX - 1, u128::MAX]);
        for amount in edges.map(Amount::new) {
            assert_eq!(through!(store, "amount", Amount, amount.into()), amount);
        }
        for wide in [U256::ZERO, U256::from(u128::MAX) + U256::from(1), U256::MAX] {
            assert_eq!(through!(store, "wide", U256, wide.into()), wide);
        }
    });
}

#[test]
fn times_come_back_to_the_millisecond_also_before_1970() {
    with_and_without_kept_statements(|store| {
        let [year_1, year_9999] = [-62_135_596_800_000, 253_402_300_799_999];
        for ms in [year_1, -86_400_001, -1, 0, 1, 946_684_799_999, 1_700_000_000_123, year_9999] {
            let at = Timestamp::from_ms(ms);
            assert_eq!(through!(store, "at", Timestamp, at.into()), at);
        }
    });
}

#[test]
fn json_comes_back_with_its_meaning_and_uuids_unchanged() {
    with_and_without_kept_statements(|store| {
        for text in ["null", "[]", r#"{"b": [1, 2.50, -3], "a": {"x": "ä\"\\", "y": null}, "": false}"#] {
            let Json(back) = through!(store, "j", Json, Param::Json(text));
            let [given, back] =
                [text, &back].map(|text| serde_json::from_str::<serde_json::Value>(text).unwrap());
            assert_eq!(given, back);
        }
        for uuid in [Uuid::nil(), Uuid::max(), Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef)] {
            assert_eq!(through!(store, "uuid", Uuid, uuid.into()), uuid);
        }
    });
}

#[test]
fn nothing_is_nothing_in_a_column_of_any_type() {
    with_and_without_kept_statements(|store| {
        assert_eq!(through!(store, "i", Option<i64>, Param::Null), None);
        assert_eq!(through!(store, "t", Option<String>, Param::Null), None);
        assert_eq!(through!(store, "b", Option<Vec<u8>>, Param::Null), None);
        assert_eq!(through!(store, "amount", Option<Amount>, Param::Null), None);
        assert_eq!(through!(store, "wide", Option<U256>, Param::Null), None);
        assert_eq!(through!(store, "at", Option<Timestamp>, Param::Null), None);
        assert_eq!(through!(store, "j", Option<Json>, Param::Null), None);
        assert_eq!(through!(store, "uuid", Option<Uuid>, Param::Null), None);
        assert_eq!(through!(store, "f", Option<bool>, Param::Null), None);
        assert_eq!(through!(store, "i", Option<i64>, Some(7).into()), Some(7));
        let sql = "SELECT i FROM everything";
        through!(store, "i", Option<i64>, Param::Null);
        let absent = store.read("test.absent", |tx| tx.query(sql, &[], |row| row.get::<i64>(0)));
        assert!(matches!(absent, Err(StoreError::Decode(_))), "{absent:?}");
    });
}

#[test]
fn text_with_a_nul_character_is_refused_as_a_statement_of_ours() {
    with_and_without_kept_statements(|store| {
        for param in [Param::Text("a\0b"), Param::Json("\"\0\"")] {
            let sql = "UPDATE everything SET t = $1";
            let result = store.transact("test.nul", |tx| tx.execute(sql, &[param]));
            assert!(matches!(result, Err(StoreError::Statement(_))), "{result:?}");
        }
    });
}

#[test]
fn text_is_ordered_byte_by_byte() {
    for_each_engine(&TABLES, |test| {
        let texts = ["_", "Z", "a", "é", "B", "aa", "A-", "A", "z", "a b", "𝄞"];
        let store = test.store();
        let written = store.transact("test.texts", |tx| {
            for (id, text) in (1_i64..).zip(texts) {
                tx.execute("INSERT INTO note (id, text) VALUES ($1, $2)", &[id.into(), text.into()])?;
            }
            Ok(())
        });
        written.unwrap();
        let select = |sql, from: &str| {
            store.read("test.texts", |tx| tx.query(sql, &[from.into()], |row| row.get::<String>(0))).unwrap()
        };
        let mut bytewise = texts.to_vec();
        bytewise.sort_unstable();
        assert_eq!(select("SELECT text FROM note WHERE text >= $1 ORDER BY text", ""), bytewise);
        assert_eq!(select("SELECT text FROM note WHERE text > $1 ORDER BY text", "z"), ["é", "𝄞"]);
    });
}
