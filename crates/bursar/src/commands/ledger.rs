//! `bursar ledger`: reading the book. Amounts are texts of whole base units, such as cents or lamports.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bursar_ledger::{
    AccountView, Posting, TransferId, TrialBalance, account_by_path, accounts_by_prefix, balance_at, history,
    trial_balance,
};
use bursar_money::Asset;
use bursar_store::{Column, Lock, Lookup, Param, Store, StoreError, Timestamp, Tx};
use serde_json::{Value, json};

use super::context::Patience;
use super::{CommandError, Context, DatabaseOption};

/// Rows that one answer lists at most.
const LISTED_MAX: i64 = 10_000;

/// `bursar ledger`.
#[derive(Clone, Debug, clap::Args)]
pub struct Ledger {
    /// What to do.
    #[command(subcommand)]
    pub verb: LedgerVerb,
    /// Which database.
    #[command(flatten)]
    pub database: DatabaseOption,
}

/// A verb of `bursar ledger`.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum LedgerVerb {
    /// List accounts with their totals, by path.
    Accounts {
        /// Only those whose path starts so, such as rounds/pool/.
        #[arg(default_value = "")]
        prefix: String,
        /// Only those behind this path.
        #[arg(long, value_name = "PATH")]
        after: Option<String>,
        /// How many at most.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=LISTED_MAX))]
        limit: i64,
    },
    /// List the postings of an account, newest first.
    History {
        /// Which account.
        #[command(flatten)]
        account: AccountOptions,
        /// Begin with this transfer and go back from it; `next` of one answer begins the next.
        #[arg(long, value_name = "TRANSFER")]
        from: Option<i64>,
        /// How many at most.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=LISTED_MAX))]
        limit: i64,
    },
    /// Say what an account holds, or held at a past time.
    Balance {
        /// Which account.
        #[command(flatten)]
        account: AccountOptions,
        /// The time, in Unix milliseconds; everything up to and at it counts.
        #[arg(long, value_name = "MS")]
        at: Option<i64>,
    },
    /// Add up all accounts; exit 1 unless each asset's sum is zero.
    Trial,
}

/// One account.
#[derive(Clone, Debug, clap::Args)]
pub struct AccountOptions {
    /// Its path.
    pub path: String,
    /// Its asset, such as PB; needed only where several have this path.
    #[arg(long, value_name = "SYMBOL")]
    pub asset: Option<String>,
}

/// Does what `verb` says.
///
/// # Errors
/// Whatever makes the exit 1.
pub fn run(verb: &LedgerVerb, context: &Context) -> Result<Value, CommandError> {
    let patience = match verb {
        LedgerVerb::Trial => Patience::Long,
        LedgerVerb::Accounts { .. } | LedgerVerb::History { .. } | LedgerVerb::Balance { .. } => {
            Patience::Ordinary
        }
    };
    let store = context.open_ready(&context.configuration()?, patience)?;
    match verb {
        LedgerVerb::Accounts { prefix, after, limit } => accounts(&store, prefix, after.as_deref(), *limit),
        LedgerVerb::History { account, from, limit } => postings(&store, account, *from, *limit),
        LedgerVerb::Balance { account, at } => balance(&store, account, *at),
        LedgerVerb::Trial => trial(&store),
    }
}

fn accounts(store: &Store, prefix: &str, after: Option<&str>, limit: i64) -> Result<Value, CommandError> {
    // Behind the last asset that a path can have.
    let after = after.and_then(|path| Some((path, Asset::all().last()?)));
    let found = store.read("command.accounts", |tx| accounts_by_prefix(tx, prefix, after, limit))?;
    Ok(json!({"ok": true, "accounts": found.iter().map(shown).collect::<Vec<_>>()}))
}

fn shown(account: &AccountView) -> Value {
    json!({
        "id": account.id.0, "path": account.path, "asset": account.asset.symbol(),
        "balance": account.balance().to_string(), "debits": account.debits.to_string(),
        "credits": account.credits.to_string(), "held": account.held.to_string(), "postings": account.postings,
        "lastTransfer": account.last_transfer.map(|transfer| transfer.0),
    })
}

fn postings(
    store: &Store,
    options: &AccountOptions,
    from: Option<i64>,
    limit: i64,
) -> Result<Value, CommandError> {
    let asset = options.asset()?;
    let found = store.read("command.history", |tx| {
        let accounts = named(tx, &options.path, asset)?;
        let [account] = &accounts[..] else { return Ok(Err(options.not_one(&accounts))) };
        let postings = history(tx, account.id, from.map(TransferId), limit)?;
        let paths = paths(tx, &postings)?;
        Ok(Ok((account.clone(), postings, paths)))
    })?;
    let (account, postings, paths) = found?;
    let line = |posting: &Posting| {
        json!({
            "transfer": posting.transfer.0, "side": if posting.is_debit { "debit" } else { "credit" },
            "amount": posting.amount.to_string(), "counterpart": paths.get(&posting.counterpart.0),
            "kind": posting.kind.0, "cause": posting.cause, "atMs": posting.at.ms(),
        })
    };
    let next = postings.last().and_then(|posting| posting.previous).map(|transfer| transfer.0);
    let lines: Vec<Value> = postings.iter().map(line).collect();
    Ok(json!({"ok": true, "account": shown(&account), "postings": lines, "next": next}))
}

fn balance(store: &Store, options: &AccountOptions, at: Option<i64>) -> Result<Value, CommandError> {
    let asset = options.asset()?;
    let found = store.read("command.balance", |tx| {
        let accounts = named(tx, &options.path, asset)?;
        let [account] = &accounts[..] else { return Ok(Err(options.not_one(&accounts))) };
        let balance = match at {
            Some(at) => balance_at(tx, account.id, Timestamp::from_ms(at))?,
            None => account.balance(),
        };
        Ok(Ok((account.asset, balance)))
    })?;
    let (asset, balance) = found?;
    Ok(
        json!({"ok": true, "path": options.path, "asset": asset.symbol(), "balance": balance.to_string(), "atMs": at}),
    )
}

fn trial(store: &Store) -> Result<Value, CommandError> {
    let totals = store.read("command.trial", trial_balance)?;
    let line = |total: &TrialBalance| {
        json!({
            "asset": total.asset.symbol(), "accounts": total.accounts, "debits": total.debits.to_string(),
            "credits": total.credits.to_string(), "sum": total.sum.to_string(),
        })
    };
    let lines: Vec<Value> = totals.iter().map(line).collect();
    let unbalanced: Vec<&str> =
        totals.iter().filter(|total| !total.sum.is_zero()).map(|total| total.asset.symbol()).collect();
    let answer = json!({"ok": unbalanced.is_empty(), "assets": lines});
    if unbalanced.is_empty() {
        return Ok(answer);
    }
    let why = format!(
        "The book does not balance in {}: a total was changed by other means than a transfer. Stop the desks \
         (`bursar ops pause all`) and compare with the newest backup.",
        unbalanced.join(", ")
    );
    Err(CommandError::No { answer, why })
}

impl AccountOptions {
    fn asset(&self) -> Result<Option<Asset>, CommandError> {
        let asset = self.asset.as_deref().map(Asset::from_symbol).transpose();
        asset.map_err(|error| CommandError::Usage(error.to_string()))
    }

    fn not_one(&self, found: &[AccountView]) -> CommandError {
        let path = &self.path;
        if found.is_empty() {
            return CommandError::Usage(format!(
                "there is no account {path}; `bursar ledger accounts PREFIX` lists what there is"
            ));
        }
        let assets: Vec<&str> = found.iter().map(|account| account.asset.symbol()).collect();
        CommandError::Usage(format!("{path} holds {}; say which with --asset", assets.join(", ")))
    }
}

/// The accounts of this path, one an asset.
fn named(tx: &mut Tx<'_>, path: &str, asset: Option<Asset>) -> Result<Vec<AccountView>, StoreError> {
    let assets: Vec<Asset> = asset.map_or_else(|| Asset::all().collect(), |asset| vec![asset]);
    let found = assets.into_iter().map(|asset| account_by_path(tx, path, asset));
    Ok(found.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

static PATHS: LazyLock<Lookup> =
    LazyLock::new(|| Lookup::new("id, path", "ledger_account", &[("id", Column::Int)], Lock::None));

/// The paths of the accounts on the other side.
fn paths(tx: &mut Tx<'_>, postings: &[Posting]) -> Result<BTreeMap<i64, String>, StoreError> {
    let ids: Vec<Param<'_>> = postings.iter().map(|posting| Param::Int(posting.counterpart.0)).collect();
    Ok(tx.lookup(&PATHS, &ids, |row| Ok((row.get(0)?, row.get(1)?)))?.into_iter().collect())
}
