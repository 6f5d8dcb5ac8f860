//! What a node can be told to do.

use bursar_banano::{BlockHash, SignedBlock};
use serde::{Deserialize, Serialize};

use crate::election::Election;
use crate::fault::Fault;

/// An order to the stand-in itself, past the RPC. As JSON: `{"fund": {"account": "ban_...", "raw": "1"}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Command {
    /// Sends money of the genesis account, final at once: it waits to be received.
    Fund {
        /// Whom.
        account: String,
        /// How much, in raw.
        raw: String,
    },
    /// Lets the next requests go wrong.
    Fault(Fault),
    /// Ends all faults that still wait.
    ClearFaults,
    /// How long blocks take to become final, in milliseconds; `None`: until told.
    ConfirmationLag(Option<u64>),
    /// Makes a block final now, with all that it builds on. Also one that was refused as a fork: then it takes the place
    /// of the block in its slot, unless that is final.
    Confirm(BlockHash),
    /// Makes every block final now.
    ConfirmAll,
    /// How forks are voted on from now on.
    Elect(Election),
    /// States every balance this many raw too high or, negative, too low; `0` is the truth.
    LieAboutBalances(i64),
    /// Says of every block that is not final, and of its account, what would be said without it.
    HideOpenBlocks(bool),
    /// Takes every block that is not final out of the ledger.
    ForgetUnconfirmed,
    /// Stops for so many milliseconds, and forgets forks and faults. The ledger stays.
    Restart {
        /// How long nothing is answered.
        offline_ms: u64,
    },
    /// Takes a block in as if a peer had sent it: without looking at its work.
    Gossip(Box<SignedBlock>),
}
