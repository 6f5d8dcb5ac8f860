//! `bursar keys add`: a key that is drawn here, brought along, or held by a remote signer.

use std::path::PathBuf;

use bursar_keys::{Credential, Endpoint, KeyId, NewKey, Origin, PublicKey};
use serde_json::{Value, json};

use super::seal::must_seal;
use super::secret_file::{credential, private_key};
use super::{change, key_error, key_id, show, shown};
use crate::commands::payouts::Who;
use crate::commands::payouts::room::Room;
use crate::commands::{CommandError, Context};
use crate::config::DeskName;

/// What keys of wallets that payouts leave from are for.
const PAYOUTS: &str = "payouts";

/// Options of `bursar keys add`.
#[derive(Clone, Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("origin").required(true).multiple(true)
    .args(["generate", "secret_file", "remote_url"]))]
pub struct AddOptions {
    /// Its name: 2 to 40 characters of a-z, 0-9, `.`, `_` and `-`; never given twice.
    pub key: String,
    /// The one desk whose wallet it is.
    #[arg(long)]
    pub desk: String,
    /// The chain it signs for.
    #[arg(long)]
    pub chain: String,
    /// What it is for.
    #[arg(long, default_value = PAYOUTS)]
    pub purpose: String,
    /// Its signature scheme.
    #[arg(long, default_value = bursar_faucet::operator_key::SCHEME)]
    pub scheme: String,
    /// Draw the secret here.
    #[arg(long, conflicts_with_all = ["secret_file", "remote_url"])]
    pub generate: bool,
    /// Read the secret from this file, or from stdin for `-`: a private key in hexadecimal digits, or with --remote-url
    /// what the signer is called with.
    #[arg(long, value_name = "PATH")]
    pub secret_file: Option<PathBuf>,
    /// The private key is held by a signer at this URL.
    #[arg(long, value_name = "URL", requires_all = ["secret_file", "remote_public_key"])]
    pub remote_url: Option<String>,
    /// The key that the signer's signatures must verify under, in hexadecimal digits.
    #[arg(long, value_name = "DIGITS", requires = "remote_url")]
    pub remote_public_key: Option<String>,
    /// How the signer knows that a request is ours.
    #[arg(long, value_enum, default_value = "hmac")]
    pub remote_credential: CredentialName,
    /// Who and why.
    #[command(flatten)]
    pub who: Who,
}

/// How a remote signer is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum CredentialName {
    /// The secret goes along.
    Bearer,
    /// The request is signed with the secret, which stays here.
    Hmac,
}

pub(super) fn add(
    room: &Room,
    options: &AddOptions,
    context: &Context,
    json: bool,
) -> Result<Value, CommandError> {
    let who = options.who.signed(room, context)?;
    must_seal(room, context)?;
    let key = key_id(&options.key)?;
    options.check(room)?;
    let new = options.new_key(key.clone())?;
    let wallets = change(room, &who, |tx, by| {
        let done = match room.payments.keystore.add(tx, by, &new)? {
            Ok(done) => done,
            Err(error) => return Ok(Err(error)),
        };
        let opened = match new.purpose == PAYOUTS {
            true => room.payouts().open_wallets(tx, &room.recorder, by.now)?,
            false => Vec::new(),
        };
        Ok(Ok((Some(done), opened)))
    })?;
    say_what_is_next(context, &key, &wallets);
    let shown = shown(room, &who, &key)?;
    match json {
        true => Ok(json!({"ok": true, "key": shown, "wallets": wallets})),
        false => Ok(show::answer(&shown, false)),
    }
}

fn say_what_is_next(context: &Context, key: &KeyId, wallets: &[KeyId]) {
    context.say(&format!("It signs nothing before it has a policy: `bursar keys policy {key} ..`."));
    if !wallets.is_empty() {
        context.say("Its wallet is open. Start the server anew, so that it pays from it.");
    }
    context.say(
        "Make a backup now, and keep the seal key apart from it: without both the wallet's money is lost.",
    );
}

impl AddOptions {
    /// What the key store cannot know: which desks and chains there are. A key of a mistyped one would keep its name and
    /// its wallet for good.
    fn check(&self, room: &Room) -> Result<(), CommandError> {
        let desks = DeskName::ALL.map(DeskName::as_str);
        if !desks.contains(&self.desk.as_str()) {
            return Err(CommandError::Usage(format!("--desk takes one of: {}", desks.join(", "))));
        }
        let chain = room.payments.banano.name();
        if self.purpose == PAYOUTS && self.chain != chain {
            return Err(CommandError::Usage(format!(
                "--chain takes {chain}: payouts leave on no other chain here"
            )));
        }
        Ok(())
    }

    fn new_key(&self, id: KeyId) -> Result<NewKey, CommandError> {
        let origin = match (&self.secret_file, &self.remote_url) {
            (None, _) => Origin::Generate,
            (Some(path), None) => Origin::Import(private_key(path)?),
            (Some(path), Some(url)) => Origin::Remote {
                endpoint: Endpoint::parse(url).map_err(|rejection| key_error(rejection.into()))?,
                credential: match self.remote_credential {
                    CredentialName::Bearer => Credential::Bearer,
                    CredentialName::Hmac => Credential::Hmac,
                },
                secret: credential(path)?,
                public_key: public_key(self.remote_public_key.as_deref().unwrap_or_default())?,
            },
        };
        let [desk, chain, purpose, scheme] =
            [&self.desk, &self.chain, &self.purpose, &self.scheme].map(String::clone);
        Ok(NewKey { id, desk, chain, purpose, scheme, origin })
    }
}

fn public_key(digits: &str) -> Result<PublicKey, CommandError> {
    let rule = "--remote-public-key takes hexadecimal digits, two a byte";
    hex::decode(digits.trim()).map(PublicKey).map_err(|_| CommandError::Usage(rule.to_owned()))
}
