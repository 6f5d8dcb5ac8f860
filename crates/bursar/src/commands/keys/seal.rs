//! Which seal key may seal from here: one that is configured, and that the servers which sign hold too.

use bursar_access::{Entropy, OsEntropy};
use bursar_control::secret_roster::{Holder, fingerprint_salt, holders};
use serde_json::Value;

use crate::commands::payouts::room::{Room, refused};
use crate::commands::{CommandError, Context};
use crate::host::SEAL_KEY;
use crate::secrets::Salt;

/// Nothing may be sealed with a key that only this process knows, nor with one that a living server lacks: it would not
/// open what is sealed.
pub(super) fn must_seal(room: &Room, context: &Context) -> Result<(), CommandError> {
    let secret = context.configuration()?.values.caller_secret(SEAL_KEY);
    let Some(secret) = secret.filter(|_| room.payments.can_seal) else {
        let why = "No seal key is in force, so a secret could not be opened again: FAUCET_SEAL_KEY is not set, or the \
                   faucet is not among BURSAR_DESKS. Set it here and for the server (`bursar secrets generate` makes \
                   one), and keep a copy apart from the database.";
        return Err(refused("no_seal_key", why));
    };
    let mut fresh = [0; 32];
    OsEntropy.fill(&mut fresh);
    let (salt, servers) = room
        .store
        .transact("command.seal_key", |tx| Ok((Salt(fingerprint_salt(tx, fresh)?), holders(tx)?)))?;
    let own = salt.fingerprint(SEAL_KEY, &secret.current);
    let lacking: Vec<&str> =
        servers.iter().filter(|server| lacks(server, &own)).map(|server| server.place.as_str()).collect();
    if lacking.is_empty() {
        return Ok(());
    }
    let why = format!(
        "{} holds another FAUCET_SEAL_KEY than this shell, and could not open what is sealed here. Set this one for \
         every server, the former one as FAUCET_SEAL_KEY_PREVIOUS, and run `bursar secrets reload` (a server that has \
         it from a variable is started anew), or stop that server; then repeat. `bursar secrets list` compares them by \
         fingerprint; a server that was killed is listed for 15 s.",
        lacking.join(", ")
    );
    Err(refused("seal_key_not_held", why))
}

/// Whether a server that seals opens nothing that is sealed with the key of this fingerprint. One without a seal key
/// opens nothing in any case.
fn lacks(server: &Holder, own: &str) -> bool {
    let held: Value = serde_json::from_str(&server.secrets).unwrap_or_default();
    let mut seals = held.as_array().into_iter().flatten().filter(|secret| secret["name"] == SEAL_KEY);
    seals.any(|seal| seal["fingerprint"] != own && seal["previous"] != own)
}
