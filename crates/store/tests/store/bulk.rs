//! Writes and reads of many rows in one call.

use std::sync::LazyLock;

use bursar_money::{Amount, U256};
use bursar_store::{Bulk, Column, Json, Lock, Lookup, Param, Store, StoreError, Timestamp};
use bursar_test_stores::for_each_engine;
use uuid::Uuid;

use crate::schema::TABLES;

const PAIR: [(&str, Column); 3] = [("a", Column::Int), ("b", Column::Text), ("v", Column::Int)];
static INSERT: LazyLock<Bulk> = LazyLock::new(|| Bulk::insert("pair", &PAIR));
static INSERT_ABSENT: LazyLock<Bulk> = LazyLock::new(|| Bulk::insert_absent("pair", &PAIR, "a, b"));
static UPSERT: LazyLock<Bulk> = LazyLock::new(|| Bulk::upsert("pair", &PAIR, "a, b"));
static UPDATE: LazyLock<Bulk> = LazyLock::new(|| Bulk::update("pair", 2, &PAIR));
static BY_A: LazyLock<Lookup> =
    LazyLock::new(|| Lookup::new("a, v", "pair", &[("a", Column::Int)], Lock::Update));
static BY_PAIR: LazyLock<Lookup> =
    LazyLock::new(|| Lookup::new("a, v", "pair", &[("a", Column::Int), ("b", Column::Text)], Lock::None));
static EVERYTHING: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [
        ("id", Column::Int),
        ("i", Column::Int),
        ("t", Column::Text),
        ("b", Column::Bytes),
        ("amount", Column::Amount),
        ("wide", Column::U256),
        ("at", Column::Time),
        ("j", Column::Json),
        ("uuid", Column::Uuid),
        ("f", Column::Bool),
    ];
    Bulk::insert("everything", &columns)
});

type Pair = (i64, &'static str, i64);

fn write(store: &Store, bulk: &'static Bulk, rows: &[Pair]) -> Result<u64, StoreError> {
    let params: Vec<Param<'_>> =
        rows.iter().flat_map(|(a, b, v)| [Param::Int(*a), Param::Text(b), Param::Int(*v)]).collect();
    store.transact("test.bulk", |tx| tx.execute_many(bulk, &params))
}

fn pairs(store: &Store) -> Vec<(i64, String, i64)> {
    let sql = "SELECT a, b, v FROM pair ORDER BY a, b";
    store
        .read("test.pairs", |tx| tx.query(sql, &[], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))))
        .unwrap()
}

fn expected(rows: &[Pair]) -> Vec<(i64, String, i64)> {
    rows.iter().map(|(a, b, v)| (*a, (*b).to_owned(), *v)).collect()
}

#[test]
fn an_upsert_overwrites_what_is_there_and_an_absent_insert_leaves_it() {
    for_each_engine(&TABLES, |test| {
        for store in [test.store(), test.another(|options| options.postgres_statement_cache = false)] {
            store.transact("test.empty", |tx| tx.execute("DELETE FROM pair", &[])).unwrap();
            assert_eq!(write(&store, &INSERT, &[(1, "x", 1), (1, "y", 2), (2, "x", 3)]).unwrap(), 3);
            assert_eq!(write(&store, &UPSERT, &[(1, "y", 20), (3, "x", 4)]).unwrap(), 2);
            assert_eq!(write(&store, &INSERT_ABSENT, &[(1, "x", 99), (4, "x", 5)]).unwrap(), 1);
            assert_eq!(write(&store, &UPDATE, &[(2, "x", 30), (9, "x", 99)]).unwrap(), 1);
            let rows = [(1, "x", 1), (1, "y", 20), (2, "x", 30), (3, "x", 4), (4, "x", 5)];
            assert_eq!(pairs(&store), expected(&rows));
        }
    });
}

#[test]
fn no_rows_are_no_statement() {
    for_each_engine(&TABLES, |test| {
        assert_eq!(write(&test.store(), &INSERT, &[]).unwrap(), 0);
        let found = test.store().read("test.none", |tx| tx.lookup(&BY_PAIR, &[], |row| row.get::<i64>(0)));
        assert!(found.unwrap().is_empty());
    });
}

#[test]
fn one_row_that_cannot_be_written_leaves_none_of_them() {
    for_each_engine(&TABLES, |test| {
        let store = test.store();
        write(&store, &INSERT, &[(7, "x", 1)]).unwrap();
        let refused = write(&store, &INSERT, &[(6, "x", 1), (7, "x", 2), (8, "x", 1)]);
        assert!(refused.is_err_and(|error| error.may_be_poison()));
        assert_eq!(pairs(&store), expected(&[(7, "x", 1)]));
    });
}

#[test]
fn a_lookup_gives_each_row_once_in_key_order_and_skips_absent_keys() {
    for_each_engine(&TABLES, |test| {
        let store = test.store();
        write(&store, &INSERT, &[(3, "x", 30), (1, "y", 11), (1, "x", 10), (2, "x", 20)]).unwrap();
        let found = store.transact("test.lookup", |tx| {
            let keys = [3, 9, 2, 3, -1].map(Param::Int);
            tx.lookup(&BY_A, &keys, |row| Ok((row.get::<i64>(0)?, row.get::<i64>(1)?)))
        });
        assert_eq!(found.unwrap(), [(2, 20), (3, 30)]);
        let keys = [(2, "x"), (1, "y"), (3, "y"), (1, "x"), (2, "x")];
        let keys: Vec<Param<'_>> = keys.iter().flat_map(|(a, b)| [Param::Int(*a), Param::Text(b)]).collect();
        let found = store.read("test.lookup", |tx| tx.lookup(&BY_PAIR, &keys, |row| row.get::<i64>(1)));
        assert_eq!(found.unwrap(), [10, 11, 20]);
    });
}

#[test]
fn a_thousand_rows_with_every_column_type_come_back() {
    let texts: Vec<String> = (0..1_000).map(|i| format!("text {i}")).collect();
    let json: Vec<String> = (0..1_000).map(|i| i.to_string()).collect();
    let row = |i: i64| -> [Param<'_>; 10] {
        let index = usize::try_from(i).unwrap();
        let (wide, id) = (U256::MAX >> (index % 256), Uuid::from_u128(u128::MAX >> (index % 128)));
        let all = [
            Param::Int(-i),
            Param::Text(&texts[index]),
            Param::Bytes(texts[index].as_bytes()),
            Param::Amount(Amount::new(u128::MAX >> (index % 128))),
            Param::U256(wide),
            Param::Time(Timestamp::from_ms(i * 1_000_003 - 500_000_000)),
            Param::Json(&json[index]),
            Param::Uuid(id),
            Param::Bool(i % 2 == 0),
        ];
        let mut row = [Param::Null; 10];
        row[0] = Param::Int(i);
        if i % 3 != 0 {
            row[1..].copy_from_slice(&all);
        }
        row
    };
    let rows: Vec<Param<'_>> = (0..1_000).flat_map(row).collect();
    for_each_engine(&TABLES, |test| {
        let store = test.store();
        let written = store.transact("test.everything", |tx| tx.execute_many(&EVERYTHING, &rows));
        assert_eq!(written.unwrap(), 1_000);
        let sql = "SELECT id, i, t, b, amount, wide, at, j, uuid, f FROM everything ORDER BY id";
        let read = store.read("test.everything", |tx| {
            tx.query(sql, &[], |row| {
                let fields = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
                Ok((fields, (row.get(5)?, row.get(6)?, row.get(7)?, row.get(8)?, row.get(9)?)))
            })
        });
        let read: Vec<Row> = read.unwrap();
        assert_eq!(read.len(), 1_000);
        for (given, found) in rows.chunks(10).zip(&read) {
            assert_eq!(format!("{given:?}"), format!("{:?}", as_params(found)));
        }
    });
}

type Fields = (i64, Option<i64>, Option<String>, Option<Vec<u8>>, Option<Amount>);
type MoreFields = (Option<U256>, Option<Timestamp>, Option<Json>, Option<Uuid>, Option<bool>);
type Row = (Fields, MoreFields);

fn as_params(row: &Row) -> [Param<'_>; 10] {
    let ((id, i, t, b, a), (u, at, j, uuid, f)) = row;
    let json = j.as_ref().map_or(Param::Null, |json| Param::Json(&json.0));
    [
        (*id).into(),
        (*i).into(),
        t.as_ref().into(),
        b.as_deref().into(),
        (*a).into(),
        (*u).into(),
        (*at).into(),
        json,
        (*uuid).into(),
        (*f).into(),
    ]
}
