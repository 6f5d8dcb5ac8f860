//! Every fuzz target: the binary's name says which.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bursar_fuzz_targets::run(env!("CARGO_BIN_NAME"), bytes));
