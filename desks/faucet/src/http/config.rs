//! What the routes are told at start.

use std::sync::Arc;

use bursar_access::Actor;
use bursar_store::{StoreError, Timestamp, Tx};
use bursar_web::{CorsPolicy, HeaderPolicy};
use secrecy::SecretString;

use crate::log_ring::LogRing;
use crate::upstream::DiscordApp;

/// How the community's pages present themselves (`product.yaml`).
#[derive(Clone, Debug, Default)]
pub struct Product {
    /// The faucet's name.
    pub app_name: String,
    /// Who runs it.
    pub org_name: String,
    /// A picture.
    pub banner_url: String,
    /// Pictures and texts for the press.
    pub media_kit_url: String,
    /// Such as `en`.
    pub default_locale: String,
    /// Where newcomers join the guild.
    pub discord_invite_url: String,
}

/// What the routes are told at start.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// The pages' texts.
    pub product: Product,
    /// Where visitors sign in.
    pub discord: DiscordApp,
    /// Discord ids of administrators.
    pub admin_discord_ids: Vec<String>,
    /// `DEMO_MODE`. It counts in dry-run only.
    pub is_demo: bool,
    /// The security headers of the answers.
    pub headers: HeaderPolicy,
    /// Foreign origins that may read them.
    pub cors: CorsPolicy,
}

/// Why an operator's seed was not stored; the text is for the administrator and holds nothing of the seed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SeedRefusal(pub String);

/// Stores 64 hex digits as the operator's seed, as this actor, in the transaction that is open; the address of account 0.
pub type SetSeed = Arc<
    dyn Fn(&mut Tx<'_>, &SecretString, &Actor, Timestamp) -> Result<Result<String, SeedRefusal>, StoreError>
        + Send
        + Sync,
>;

/// What an administrator wants of a rebuild.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RebuildWish {
    /// Also when there are rebuilt rows already.
    pub force: bool,
    /// Count only.
    pub dry_run: bool,
}

/// What a rebuild did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// Receives that the chain shows.
    pub found: u64,
    /// Rows that were not there; in a dry run, that would be written.
    pub inserted: u64,
}

/// Why nothing was rebuilt.
#[derive(Debug, thiserror::Error)]
pub enum RebuildRefusal {
    /// No operator wallet.
    #[error("there is no operator wallet; set the operator's seed first")]
    NoAccount,
    /// Rebuilt rows exist.
    #[error("donations were rebuilt before; send \"force\": true to do it again")]
    Exists,
    /// The node gave no usable answer.
    #[error("the node gave no history; try again later")]
    Node,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads the operator's history and books what is missing. Blocks.
pub type RebuildDonations = Arc<dyn Fn(RebuildWish) -> Result<Rebuilt, RebuildRefusal> + Send + Sync>;

/// What administrators see of the log.
#[derive(Clone)]
pub struct Logs {
    /// Its newest lines.
    pub ring: LogRing,
    /// A line without the secrets of the configuration, should one ever stand in it.
    pub mask: Arc<dyn Fn(&str) -> String + Send + Sync>,
}
