//! Adding a key: generated here, imported, or held by a remote signer.

use bursar_access::{Act, By, Permission, admit};
use bursar_store::{Sequence, Tx};

use crate::key::{Holder, KeyId, SigningKey, check_name};
use crate::seal::seal;
use crate::sql::{self, SecretRow};
use crate::{
    Change, Credential, Done, Endpoint, KeySecret, Keystore, Outcome, PublicKey, Rejection, accepted,
};

/// Numbers of sealed secrets.
const SECRETS: Sequence = Sequence("key_secret");
/// Shortest credential of a remote signer, in bytes.
const CREDENTIAL_LENGTH_MIN: usize = 16;

/// Where a new key's secret comes from.
#[derive(Debug)]
pub enum Origin {
    /// It is drawn here.
    Generate,
    /// It is brought along.
    Import(KeySecret),
    /// A remote signer has it.
    Remote {
        /// Where the signer is.
        endpoint: Endpoint,
        /// How it is called.
        credential: Credential,
        /// What it is called with: at least 16 bytes; for a bearer visible ASCII.
        secret: KeySecret,
        /// The key that its signatures must verify under.
        public_key: PublicKey,
    },
}

/// A key to be added.
#[derive(Debug)]
pub struct NewKey {
    /// Its name; never given twice.
    pub id: KeyId,
    /// The one desk whose wallet it is.
    pub desk: String,
    /// The chain it signs for.
    pub chain: String,
    /// What it is for.
    pub purpose: String,
    /// Name of its signature scheme.
    pub scheme: String,
    /// Where its secret comes from.
    pub origin: Origin,
}

impl Origin {
    const fn name(&self) -> &'static str {
        match self {
            Origin::Generate => "generated",
            Origin::Import(_) => "imported",
            Origin::Remote { .. } => "remote",
        }
    }
}

impl Keystore {
    /// Adds a key, which signs nothing before it has a policy. Takes the right [`Permission::RotateKey`] on its desk,
    /// under the policy `keys.add`; what is approved names the wallet of an imported or remote key.
    pub fn add(&self, tx: &mut Tx<'_>, by: &By<'_>, new: &NewKey) -> Outcome<Done> {
        for (field, text) in [("desk", &new.desk), ("chain", &new.chain), ("purpose", &new.purpose)] {
            accepted!(check_name(field, text));
        }
        let scheme = accepted!(self.scheme(&new.scheme));
        let drawn = match &new.origin {
            Origin::Generate => Some(KeySecret::draw(scheme.secret_length(), &*self.entropy)),
            Origin::Import(_) | Origin::Remote { .. } => None,
        };
        let (secret, public_key) = match (&new.origin, &drawn) {
            (Origin::Remote { credential, secret, public_key, .. }, _) => {
                accepted!(check_credential(*credential, secret));
                (secret, Some(public_key.clone()))
            }
            (Origin::Import(secret), _) | (Origin::Generate, Some(secret)) => {
                (secret, scheme.public_key(secret))
            }
            (Origin::Generate, None) => return Ok(Err(Rejection::BadSecret.into())),
        };
        let public_key = accepted!(public_key.ok_or(Rejection::BadSecret));
        let address = accepted!(scheme.address(&public_key).ok_or(Rejection::BadSecret));
        let admission = accepted!(admit(tx, by, &act(new, &public_key))?);
        if sql::key_locked(tx, &new.id)?.is_some() {
            return Ok(Err(Rejection::KeyExists.into()));
        }
        if let Some(known) = sql::key_of_wallet(tx, &new.chain, &public_key)? {
            return Ok(Err(Rejection::WalletInUse(known).into()));
        }
        let key = SigningKey {
            id: new.id.clone(),
            desk: new.desk.clone(),
            chain: new.chain.clone(),
            purpose: new.purpose.clone(),
            scheme: new.scheme.clone(),
            holder: holder(&new.origin),
            public_key,
            address,
            created_by: admission.actor().audit_id(),
            created_at: by.now,
            retired: None,
            stopped: None,
        };
        let row = tx.allocate(SECRETS, 1)?;
        let sealed = accepted!(seal(&self.ring(), &key.binding(row, false), secret, &*self.entropy));
        sql::insert_key(tx, &key)?;
        sql::insert_secret(tx, &SecretRow { row, key: key.id.clone(), sealed }, by.now)?;
        let change = Change::KeyAdded {
            key: key.id,
            desk: key.desk,
            chain: key.chain,
            purpose: key.purpose,
            scheme: key.scheme,
            origin: new.origin.name(),
            address: key.address.to_string(),
            public_key: key.public_key.to_string(),
        };
        Ok(Ok(Done { change, cleared: admission.spend(tx)? }))
    }
}

fn holder(origin: &Origin) -> Holder {
    match origin {
        Origin::Generate | Origin::Import(_) => Holder::Local,
        Origin::Remote { endpoint, credential, .. } => {
            Holder::Remote { endpoint: endpoint.clone(), credential: *credential }
        }
    }
}

fn check_credential(credential: Credential, secret: &KeySecret) -> Result<(), Rejection> {
    let rule = "it has 16 bytes at least, and as a bearer token visible ASCII only";
    let is_sendable = credential == Credential::Hmac || secret.expose().iter().all(u8::is_ascii_graphic);
    let fits = secret.expose().len() >= CREDENTIAL_LENGTH_MIN && is_sendable;
    fits.then_some(()).ok_or(Rejection::Invalid { field: "signer's credential", rule })
}

/// What is approved. A drawn key is not known before it is there, so it is named by its origin alone.
fn act(new: &NewKey, public_key: &PublicKey) -> Act {
    let NewKey { id, desk, chain, purpose, scheme, origin } = new;
    let wallet = match origin {
        Origin::Generate => String::new(),
        Origin::Import(_) => format!(" public_key={public_key}"),
        Origin::Remote { endpoint, .. } => format!(" public_key={public_key} endpoint={endpoint}"),
    };
    Act {
        action: "keys.add".into(),
        desk: desk.clone(),
        subject: id.to_string(),
        payload: format!("chain={chain} purpose={purpose} scheme={scheme} origin={}{wallet}", origin.name()),
        permission: Permission::RotateKey,
    }
}
