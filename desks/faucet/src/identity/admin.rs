//! Administrators who sign in by e-mail and password: Argon2id, and a lock after too many wrong ones ([`tries`]).

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use bursar_access::Entropy;
use bursar_store::{Row, Sequence, StoreError, Timestamp, Tx};
use secrecy::{ExposeSecret, SecretString};

use super::rejection::{IdentityFault, IdentityRejection, Outcome};
use super::tries::{self, Slot};
use crate::faucet::Faucet;

/// Ids of administrators.
const ADMIN_USERS: Sequence = Sequence("faucet.admin_user");
/// A longer password is not looked at.
const PASSWORD_BYTES_MAX: usize = 1_024;
/// Shorter ones are guessed.
const PASSWORD_MIN: usize = 12;
/// Longest e-mail, in characters.
const EMAIL_MAX: usize = 255;
/// What an unknown e-mail's password is compared with, so that it takes as long as a known one's: no password fits it.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQtc29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

struct AdminUser {
    password_hash: Option<String>,
    is_active: bool,
    changed_at: Timestamp,
}

/// Somebody who has shown the right password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// In canonical form.
    pub email: String,
    /// A session of theirs is dated from here at the earliest: those of a second that the password was set in are refused.
    pub not_before: Timestamp,
}

/// Makes an administrator, or gives one a new password; active and unlocked. Every earlier session is over. For the command
/// line. Slow on purpose. `now` is of the desk's clock, which sessions are dated by.
pub fn set_password(
    tx: &mut Tx<'_>,
    entropy: &dyn Entropy,
    email: &str,
    password: &SecretString,
    now: Timestamp,
) -> Result<(), IdentityFault> {
    let mut salt = [0; 16];
    entropy.fill(&mut salt);
    let hash: PasswordHash = Argon2::default()
        .hash_password_with_salt(password.expose_secret().as_bytes(), &salt)
        .map_err(|error| IdentityFault::Internal(format!("the password cannot be hashed: {error}")))?;
    let hash = hash.to_string();
    let id = tx.allocate(ADMIN_USERS, 1)?;
    let sql = "INSERT INTO faucet_admin_user (id, email, password_hash, is_active, failures, created_at, updated_at) \
               VALUES ($1, $2, $3, TRUE, 0, $4, $4) ON CONFLICT (email) DO UPDATE SET \
               password_hash = excluded.password_hash, is_active = TRUE, updated_at = excluded.updated_at";
    let email = canonical(email);
    let at = change_at(tx, &email, now)?;
    tx.execute(sql, &[id.into(), email.as_str().into(), hash.as_str().into(), at.into()])?;
    tries::clear(tx, Slot::of(&email))?;
    Ok(())
}

/// An administrator, for listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedAdmin {
    /// In canonical form.
    pub email: String,
    /// Whether they may sign in.
    pub is_active: bool,
    /// Whether wrong passwords have locked the account now.
    pub is_locked: bool,
    /// When the password was last set, or the account last changed.
    pub updated_at: Timestamp,
}

/// The address as it is kept, if it can be an administrator's: one `@` between two parts, at most 255 characters.
#[must_use]
pub fn read_email(text: &str) -> Option<String> {
    let email = canonical(text);
    let is_whole = email.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty()
            && host.contains('.')
            && !host.contains('@')
            && !host.starts_with('.')
            && !host.ends_with('.')
    });
    let is_plain = !email.chars().any(|letter| letter.is_whitespace() || letter.is_control());
    (is_whole && is_plain && email.chars().count() <= EMAIL_MAX).then_some(email)
}

/// Whether a password may be set: 12 characters at the least, 1024 bytes at most.
#[must_use]
pub fn is_usable_password(password: &SecretString) -> bool {
    let password = password.expose_secret();
    password.len() <= PASSWORD_BYTES_MAX && password.chars().count() >= PASSWORD_MIN
}

/// Every administrator who signs in by e-mail, by e-mail.
pub fn list(tx: &mut Tx<'_>, now: Timestamp) -> Result<Vec<ListedAdmin>, StoreError> {
    let sql = "SELECT email, is_active, updated_at FROM faucet_admin_user \
               WHERE is_active OR password_hash IS NOT NULL ORDER BY email";
    let mut listed: Vec<ListedAdmin> = tx.query(sql, &[], |row| {
        let (email, is_active, updated_at) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(ListedAdmin { email, is_active, is_locked: false, updated_at })
    })?;
    for admin in &mut listed {
        admin.is_locked = tries::is_locked(tx, Slot::of(&admin.email), now)?;
    }
    Ok(listed)
}

/// Shuts an administrator out, and ends their sessions with it for good; `false` = nobody has this e-mail. Idempotent. `now`
/// is of the desk's clock.
pub fn disable(tx: &mut Tx<'_>, email: &str, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE faucet_admin_user SET is_active = FALSE, updated_at = $2 \
               WHERE email = $1 AND (is_active OR password_hash IS NOT NULL)";
    let email = canonical(email);
    let at = change_at(tx, &email, now)?;
    Ok(tx.execute(sql, &[email.as_str().into(), at.into()])? == 1)
}

/// When a change made at `now` counts as made: at least a second after the one before. Sessions are dated in whole seconds,
/// so each change needs a second of its own to tell what was signed before it from what was signed after.
fn change_at(tx: &mut Tx<'_>, email: &str, now: Timestamp) -> Result<Timestamp, StoreError> {
    Ok(find(tx, email)?.map_or(now, |admin| now.max(admin.changed_at.after_ms(1_000))))
}

/// The id that stands for an administrator where personal data must not.
#[must_use]
pub fn principal(email: &str) -> String {
    let hash = blake3::derive_key("bursar faucet admin principal v1", email.to_lowercase().as_bytes());
    format!("admin-{}", hex::encode(hash.get(..8).unwrap_or_default()))
}

/// Checks an e-mail and its password. Wrong passwords are counted before they are compared,
/// so that many at once do not get around the lock. An e-mail that is nobody's is counted and locked just so: no answer
/// tells whose there are. Blocks, and is slow on purpose.
pub fn sign_in(faucet: &Faucet, email: &str, password: &SecretString) -> Outcome<SignedIn> {
    let email = canonical(email);
    let store = &faucet.platform.store;
    let counted = store.transact("faucet.admin_login", |tx| count_try(tx, &email))?;
    let admin = match counted {
        Ok(admin) => admin,
        Err(rejection) => return Ok(Err(rejection)),
    };
    let admin = admin.filter(|admin| admin.is_active);
    let hash = admin.as_ref().and_then(|admin| admin.password_hash.as_deref()).unwrap_or(NOBODY);
    let is_right = matches(hash, password);
    let Some(admin) = admin.filter(|admin| is_right && admin.password_hash.is_some()) else {
        return Ok(Err(IdentityRejection::NotAdmin));
    };
    store.transact("faucet.admin_login", |tx| tries::take_back(tx, Slot::of(&email)))?;
    Ok(Ok(SignedIn { email, not_before: admin.changed_at.after_ms(1_000) }))
}

/// Whether an administrator's session of the Unix second `issued_s` still counts: it was signed after they were last let in,
/// given a password or shut out.
pub fn is_in_force(tx: &mut Tx<'_>, email: &str, issued_s: i64) -> Result<bool, StoreError> {
    let issued = Timestamp::from_ms(issued_s.saturating_mul(1_000));
    Ok(find(tx, email)?.is_some_and(|admin| admin.is_active && issued > admin.changed_at))
}

fn canonical(email: &str) -> String {
    email.trim().to_lowercase()
}

fn matches(hash: &str, password: &SecretString) -> bool {
    let password = password.expose_secret().as_bytes();
    let Ok(hash) = PasswordHash::new(hash) else { return false };
    password.len() <= PASSWORD_BYTES_MAX && Argon2::default().verify_password(password, &hash).is_ok()
}

/// Counts a try, and looks the administrator up.
fn count_try(
    tx: &mut Tx<'_>,
    email: &str,
) -> Result<Result<Option<AdminUser>, IdentityRejection>, StoreError> {
    if read_email(email).is_none() {
        // No administrator ever has such a one.
        return Ok(Ok(None));
    }
    if let Err((until, now)) = tries::count(tx, Slot::of(email))? {
        let left_ms = until.ms().saturating_sub(now.ms());
        let retry_after_s = u64::try_from(left_ms.div_euclid(1_000) + 1).unwrap_or(1);
        return Ok(Err(IdentityRejection::Locked { retry_after_s }));
    }
    find(tx, email).map(Ok)
}

fn find(tx: &mut Tx<'_>, email: &str) -> Result<Option<AdminUser>, StoreError> {
    let sql = "SELECT password_hash, is_active, updated_at FROM faucet_admin_user WHERE email = $1";
    tx.query_first(sql, &[email.into()], |row: &Row<'_>| {
        Ok(AdminUser { password_hash: row.get(0)?, is_active: row.get(1)?, changed_at: row.get(2)? })
    })
}
