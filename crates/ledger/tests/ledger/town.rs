//! A few accounts to move money between, and batches that do it.

use bursar_ledger::{
    AccountId, AccountView, Book, LedgerRefusal, MIGRATIONS, Overdraft, Posting, TransferId, TransferKind,
    account_by_path, history,
};
use bursar_money::{Amount, Asset};
use bursar_store::{Store, StoreError, Timestamp, Tx};
use bursar_test_stores::TestStore;

pub const KIND: TransferKind = TransferKind(7);

/// Runs `test` in a fresh town on each engine.
pub fn for_each_engine(test: impl Fn(&Town)) {
    bursar_test_stores::for_each_engine(&MIGRATIONS, |store| test(&Town::open(store)));
}

/// The outside world may owe; Ann and Bob may not. All three hold play money.
pub struct Town<'a> {
    pub test: &'a TestStore,
    pub world: AccountId,
    pub ann: AccountId,
    pub bob: AccountId,
}

impl Town<'_> {
    pub fn open(test: &TestStore) -> Town<'_> {
        let open = |path, overdraft| open_account(&test.store(), path, Asset::PanchoBucks, overdraft);
        Town {
            test,
            world: open("town/world", Overdraft::Allowed),
            ann: open("town/ann", Overdraft::Forbidden),
            bob: open("town/bob", Overdraft::Forbidden),
        }
    }

    pub fn store(&self) -> std::sync::Arc<Store> {
        self.test.store()
    }

    /// Moves `amount` in a batch of its own.
    pub fn pay(
        &self,
        debit: AccountId,
        credit: AccountId,
        amount: u128,
    ) -> Result<TransferId, LedgerRefusal> {
        let (paid, book) = batch(&self.store(), self.test.now(), |book, tx| {
            book.load(tx, &[debit, credit])?;
            let (debit, credit) = (book.slot(debit).unwrap(), book.slot(credit).unwrap());
            Ok(book.transfer(debit, credit, Amount::new(amount), KIND, 0))
        });
        paid.map(|transfer| book.transfer_id(transfer))
    }

    pub fn balance(&self, account: AccountId) -> String {
        self.view(account).balance().to_string()
    }

    pub fn view(&self, account: AccountId) -> AccountView {
        let path = match account {
            id if id == self.world => "town/world",
            id if id == self.ann => "town/ann",
            _ => "town/bob",
        };
        let view = self.store().read("test.view", |tx| account_by_path(tx, path, Asset::PanchoBucks));
        view.unwrap().unwrap()
    }

    pub fn history(&self, account: AccountId, from: Option<TransferId>, limit: i64) -> Vec<Posting> {
        self.store().read("test.history", |tx| history(tx, account, from, limit)).unwrap()
    }
}

/// Decides a batch on an empty book, numbers it and writes it; the book afterwards tells the numbers.
pub fn batch<T>(
    store: &Store,
    now: Timestamp,
    mut decide: impl FnMut(&mut Book, &mut Tx<'_>) -> Result<T, StoreError>,
) -> (T, Book) {
    let done = store.transact("test.batch", |tx| {
        let mut book = Book::default();
        let value = decide(&mut book, tx)?;
        book.number(tx)?;
        book.write(tx, now)?;
        Ok((value, book))
    });
    done.unwrap()
}

pub fn open_account(store: &Store, path: &str, asset: Asset, overdraft: Overdraft) -> AccountId {
    let (slot, book) = batch(store, Timestamp::from_ms(0), |book, _| Ok(book.open(path, asset, overdraft)));
    book.account_id(slot)
}
