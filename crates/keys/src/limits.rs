//! Changing what a key may sign: its policy and its list of destinations.

use bursar_access::{Act, By, Permission, admit, admit_with};
use bursar_chain::Address;
use bursar_store::{StoreError, Timestamp, Tx};

use crate::change::{destination_listed, policy_in_words};
use crate::key::{KeyId, SigningKey};
use crate::standing::find;
use crate::{Change, Done, Keystore, Outcome, Policy, Rejection, accepted, sql};

/// Longest destination, in bytes.
const DESTINATION_LENGTH_MAX: usize = 256;

impl Keystore {
    /// Sets what a key may sign, in place of what held before; effective for the next authorisation. What was charged
    /// stays charged. Takes [`Permission::ChangeSetting`] on its desk, under the policy `keys.policy.set`, and as many
    /// approvals as the key's large payments do: nobody alone takes away what they would need others for.
    pub fn set_policy(&self, tx: &mut Tx<'_>, by: &By<'_>, id: &KeyId, policy: &Policy) -> Outcome<Done> {
        let policy = accepted!(policy.checked());
        let key = accepted!(find(tx, id)?);
        let to = policy_in_words(&policy);
        let standing = sql::keys(tx, &[id])?.into_iter().next().and_then(|row| row.policy);
        let needed = needed_by(standing.as_ref());
        let act = act("keys.policy.set", &key, to.clone());
        let admission = accepted!(admit_with(tx, by, &act, needed)?);
        let row = accepted!(sql::key_locked(tx, id)?.ok_or(Rejection::KeyUnknown));
        if row.key.retired.is_some() {
            return Ok(Err(Rejection::KeyRetired.into()));
        }
        if needed_by(row.policy.as_ref()) > needed {
            return Err(StoreError::Conflict(format!("the policy of key {id} was tightened meanwhile")));
        }
        let caps = sql::limits::caps(tx, &[id])?.remove(id).unwrap_or_default();
        let before = row.policy.map(|before| Policy { caps, ..before });
        if before.as_ref() == Some(&policy) {
            return Ok(Err(Rejection::NothingToChange.into()));
        }
        sql::limits::put_policy(tx, id, &policy)?;
        let change = Change::PolicySet { key: id.clone(), from: before.as_ref().map(policy_in_words), to };
        Ok(Ok(Done { change, cleared: admission.spend(tx)? }))
    }

    /// Puts a destination on a key's list or takes it off. One that was never seen waits out the hold from now on.
    /// `destination` is text that the chain itself has checked. Takes [`Permission::ChangeSetting`] on the key's desk,
    /// under the policy `keys.destination.list`.
    pub fn list_destination(
        &self,
        tx: &mut Tx<'_>,
        by: &By<'_>,
        id: &KeyId,
        destination: &Address,
        is_listed: bool,
    ) -> Outcome<Done> {
        let length = destination.as_str().len();
        if !(1..=DESTINATION_LENGTH_MAX).contains(&length) || destination.as_str().contains('\0') {
            let rule = "it is 1 to 256 bytes without NUL";
            return Ok(Err(Rejection::Invalid { field: "destination", rule }.into()));
        }
        let key = accepted!(find(tx, id)?);
        let words = format!("destination={destination} listed={is_listed}");
        let admission = accepted!(admit(tx, by, &act("keys.destination.list", &key, words))?);
        let row = accepted!(sql::key_locked(tx, id)?.ok_or(Rejection::KeyUnknown));
        let seen = sql::limits::destinations(tx, &[(id, destination)])?;
        let was_listed = seen.first().is_some_and(|(_, _, sighting)| sighting.is_listed);
        if was_listed == is_listed {
            return Ok(Err(Rejection::NothingToChange.into()));
        }
        let now = by.now.max(row.mark);
        sql::limits::list_destination(tx, id, destination, is_listed, now)?;
        let change = destination_listed(id, destination, is_listed);
        Ok(Ok(Done { change, cleared: admission.spend(tx)? }))
    }

    /// Up to `limit` listed destinations of a key and since when they are known, in the order of addresses, after
    /// `after` (empty = from the start).
    pub fn listed_destinations(
        &self,
        tx: &mut Tx<'_>,
        id: &KeyId,
        after: &str,
        limit: i64,
    ) -> Result<Vec<(Address, Timestamp)>, StoreError> {
        sql::limits::listed_destinations(tx, id, after, limit)
    }
}

/// How many other people a key's large payments take.
fn needed_by(policy: Option<&Policy>) -> u32 {
    policy.and_then(|policy| policy.approval).map_or(0, |rule| rule.needed)
}

fn act(action: &str, key: &SigningKey, payload: String) -> Act {
    Act {
        action: action.to_owned(),
        desk: key.desk.clone(),
        subject: key.id.to_string(),
        payload,
        permission: Permission::ChangeSetting,
    }
}
