//! The encoding of rows: what is written is read back, and nothing else is taken for rows.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Value {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Value {
    fn cell(&self) -> Cell<'_> {
        match self {
            Value::Null => Cell::Null,
            Value::Int(value) => Cell::Int(*value),
            Value::Text(text) => Cell::Text(text),
            Value::Bytes(bytes) => Cell::Bytes(bytes),
        }
    }
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::Int),
        (-200_i64..200).prop_map(Value::Int),
        any::<String>().prop_map(Value::Text),
        proptest::collection::vec(any::<u8>(), 0..300).prop_map(Value::Bytes),
    ]
}

fn written(rows: &[Vec<Value>]) -> Vec<u8> {
    let (mut scratch, mut out) = (Vec::new(), Vec::new());
    for row in rows {
        write_row(&row.iter().map(Value::cell).collect::<Vec<_>>(), &mut scratch, &mut out).unwrap();
    }
    out
}

/// Reads everything; how many rows came before the end or the error.
fn read(bytes: &[u8], width: usize) -> (u64, Result<(), EncodingError>) {
    let mut reader = RowReader::new(bytes, width);
    let mut rows = 0;
    loop {
        match reader.next_row() {
            Ok(Some(_)) => rows += 1,
            Ok(None) => return (rows, Ok(())),
            Err(error) => return (rows, Err(error)),
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        rows in (1_usize..6).prop_flat_map(|width| {
            proptest::collection::vec(proptest::collection::vec(value(), width), 0..20)
        }),
    ) {
        let bytes = written(&rows);
        let mut reader = RowReader::new(&bytes[..], rows.first().map_or(1, Vec::len));
        for row in &rows {
            let cells: Vec<_> = row.iter().map(Value::cell).collect();
            prop_assert_eq!(reader.next_row().unwrap().unwrap(), cells);
        }
        prop_assert!(reader.next_row().unwrap().is_none());
    }

    #[test]
    fn a_cut_within_a_row_is_an_error(row in proptest::collection::vec(value(), 3), cut in any::<proptest::sample::Index>()) {
        let bytes = written(&[row]);
        let cut = cut.index(bytes.len());
        let (rows, ended) = read(&bytes[..cut], 3);
        prop_assert_eq!(rows, 0);
        prop_assert_eq!(ended.is_ok(), cut == 0);
    }

    #[test]
    fn bytes_that_are_no_rows_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), width in 0_usize..5) {
        let _ = read(&bytes, width);
    }
}

#[test]
fn a_row_of_another_width_is_malformed() {
    let bytes = written(&[vec![Value::Null, Value::Int(1)]]);
    assert!(matches!(read(&bytes, 1), (0, Err(EncodingError::Malformed(1)))));
    assert!(matches!(read(&bytes, 3), (0, Err(EncodingError::Malformed(1)))));
    assert!(matches!(read(&bytes, 2), (1, Ok(()))));
}

#[test]
fn a_length_beyond_the_limit_is_refused_before_memory_is_taken_for_it() {
    assert!(matches!(read(&[0xff, 0xff, 0xff, 0xff, 0x7f], 1), (0, Err(EncodingError::Malformed(1)))));
    assert!(matches!(read(&[0xff; 20], 1), (0, Err(EncodingError::Malformed(1)))));
}

#[test]
fn memory_grows_with_what_is_there_and_not_with_what_a_length_says() {
    // 64 MiB are announced, and 3 bytes follow.
    let bytes = [0x80, 0x80, 0x80, 0x20, 1, 2, 3];
    let mut reader = RowReader::new(&bytes[..], 1);
    assert!(matches!(reader.next_row(), Err(EncodingError::Truncated(1))));
    assert!(reader.row.capacity() < 1 << 16, "{}", reader.row.capacity());
}

#[test]
fn a_row_that_could_not_be_read_back_is_not_written() {
    let longest = vec![0; usize::try_from(ROW_BYTES_MAX).unwrap() - 5];
    let (mut scratch, mut out) = (Vec::new(), Vec::new());
    write_row(&[Cell::Bytes(&longest)], &mut scratch, &mut out).unwrap();
    assert_eq!(read(&out, 1).0, 1);
    let refused = write_row(&[Cell::Bytes(&longest), Cell::Null], &mut scratch, &mut out);
    assert!(refused.unwrap_err().to_string().contains("longer than"));
}

#[test]
fn the_bytes_of_a_row_are_these() {
    let row = [Cell::Null, Cell::Int(-3), Cell::Text("é"), Cell::Bytes(&[0, 255])];
    let (mut scratch, mut out) = (Vec::new(), Vec::new());
    write_row(&row, &mut scratch, &mut out).unwrap();
    assert_eq!(out, [11, 0, 1, 5, 2, 2, 0xc3, 0xa9, 3, 2, 0, 255]);
}
