//! Bulk transfers through the ledger in process, with full posting chains.

use std::time::Instant;

use bursar_ledger::{AccountId, Book, Overdraft, TransferKind};
use bursar_money::{Amount, Asset};
use bursar_store::{Clock, Store, Timestamp};
use clap::Args;
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::database::Database;
use crate::machine::resident_mib;

/// Sizes.
#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    pub database: Database,
    /// Accounts that the transfers touch at random.
    #[arg(long, default_value_t = 10_000)]
    pub accounts: i64,
    /// Transfers in all.
    #[arg(long, default_value_t = 1_000_000)]
    pub count: usize,
    /// Transfers in one transaction.
    #[arg(long, default_value_t = 8_190)]
    pub batch: usize,
}

/// Runs the benchmark; prints the rate of each million.
pub fn run(options: &Options) {
    let opened = options.database.open(Clock::System);
    open_accounts(&opened.store, options.accounts);
    let mut random = StdRng::seed_from_u64(7);
    let (mut done, mut begun, mut last) = (0, Instant::now(), 0);
    while done < options.count {
        let pairs: Vec<(AccountId, AccountId)> =
            (0..options.batch).map(|_| pair(&mut random, options.accounts)).collect();
        transfer(&opened.store, &pairs);
        done += pairs.len();
        if done / 1_000_000 > last || done >= options.count {
            let rate = (done - last * 1_000_000) as f64 / begun.elapsed().as_secs_f64();
            println!(
                "transfers, {} accounts, batches of {}: up to {done}: {rate:.0}/s, resident {:.0} MiB",
                options.accounts,
                options.batch,
                resident_mib()
            );
            (begun, last) = (Instant::now(), done / 1_000_000);
        }
    }
}

fn open_accounts(store: &Store, count: i64) {
    for chunk in 0..(count + 9_999) / 10_000 {
        store
            .transact("bench.open", |tx| {
                let mut book = Book::default();
                for index in chunk * 10_000..((chunk + 1) * 10_000).min(count) {
                    book.open(&format!("bench/account/{index:09}"), Asset::PanchoBucks, Overdraft::Allowed);
                }
                book.number(tx)?;
                book.write(tx, Timestamp::from_ms(0))
            })
            .expect("accounts open");
    }
}

fn pair(random: &mut StdRng, accounts: i64) -> (AccountId, AccountId) {
    let debit = random.random_range(1..=accounts);
    let credit = random.random_range(1..accounts);
    (AccountId(debit), AccountId(if credit >= debit { credit + 1 } else { credit }))
}

fn transfer(store: &Store, pairs: &[(AccountId, AccountId)]) {
    store
        .transact("bench.transfer", |tx| {
            let mut book = Book::default();
            let ids: Vec<AccountId> = pairs.iter().flat_map(|(debit, credit)| [*debit, *credit]).collect();
            book.load(tx, &ids)?;
            for (debit, credit) in pairs {
                let (debit, credit) =
                    (book.slot(*debit).expect("loaded"), book.slot(*credit).expect("loaded"));
                book.transfer(debit, credit, Amount::new(1), TransferKind(1), 0)
                    .expect("overdraft is allowed");
            }
            book.number(tx)?;
            book.write(tx, Timestamp::from_ms(1))
        })
        .expect("transfers commit");
}
