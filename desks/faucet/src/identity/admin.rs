//! Administrators who sign in by e-mail and password: Argon2id, and a lock after too many wrong ones.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use bursar_access::Entropy;
use bursar_store::{Row, Sequence, StoreError, Timestamp, Tx};
use secrecy::{ExposeSecret, SecretString};

use super::rejection::{IdentityFault, IdentityRejection, Outcome};
use crate::CLOCK;
use crate::faucet::Faucet;

/// Ids of administrators.
const ADMIN_USERS: Sequence = Sequence("faucet.admin_user");
/// Wrong passwords in a row that lock an account.
pub const FAILURES_MAX: i64 = 5;
/// How long it stays locked.
pub const LOCKED_MS: i64 = 15 * 60_000;
/// A longer password is not looked at.
const PASSWORD_BYTES_MAX: usize = 1_024;
/// What an unknown e-mail's password is compared with, so that it takes as long as a known one's: no password fits it.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQtc29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

struct AdminUser {
    id: i64,
    password_hash: Option<String>,
    is_active: bool,
    failures: i64,
    locked_until: Option<Timestamp>,
}

/// Makes an administrator, or gives one a new password; active and unlocked. For the command line. Slow on purpose.
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
               password_hash = excluded.password_hash, is_active = TRUE, failures = 0, locked_until = NULL, \
               updated_at = excluded.updated_at";
    let email = canonical(email);
    tx.execute(sql, &[id.into(), email.as_str().into(), hash.as_str().into(), now.into()])?;
    Ok(())
}

/// Checks an e-mail and its password; the e-mail in canonical form. Wrong passwords are counted before they are compared,
/// so that many at once do not get around the lock. Blocks, and is slow on purpose.
pub fn sign_in(faucet: &Faucet, email: &str, password: &SecretString) -> Outcome<String> {
    let email = canonical(email);
    let store = &faucet.platform.store;
    let counted = store.transact("faucet.admin_login", |tx| count_try(tx, &email))?;
    let admin = match counted {
        Ok(admin) => admin,
        Err(rejection) => return Ok(Err(rejection)),
    };
    let hash = admin.as_ref().and_then(|admin| admin.password_hash.as_deref()).unwrap_or(NOBODY);
    let is_right = matches(hash, password);
    let Some(admin) = admin.filter(|admin| is_right && admin.password_hash.is_some()) else {
        return Ok(Err(IdentityRejection::NotAdmin));
    };
    store.transact("faucet.admin_login", |tx| {
        let sql = "UPDATE faucet_admin_user SET failures = 0, locked_until = NULL WHERE id = $1";
        tx.execute(sql, &[admin.id.into()])
    })?;
    Ok(Ok(email))
}

/// Whether an administrator's session still counts.
pub fn is_active(tx: &mut Tx<'_>, email: &str) -> Result<bool, StoreError> {
    Ok(find(tx, email)?.is_some_and(|admin| admin.is_active))
}

fn canonical(email: &str) -> String {
    email.trim().to_lowercase()
}

fn matches(hash: &str, password: &SecretString) -> bool {
    let password = password.expose_secret().as_bytes();
    let Ok(hash) = PasswordHash::new(hash) else { return false };
    password.len() <= PASSWORD_BYTES_MAX && Argon2::default().verify_password(password, &hash).is_ok()
}

/// Counts a try as wrong until it is known to be right.
fn count_try(
    tx: &mut Tx<'_>,
    email: &str,
) -> Result<Result<Option<AdminUser>, IdentityRejection>, StoreError> {
    let now = tx.open_clock(CLOCK)?;
    let Some(admin) = find(tx, email)?.filter(|admin| admin.is_active) else { return Ok(Ok(None)) };
    if let Some(until) = admin.locked_until.filter(|until| *until > now) {
        let left_ms = until.ms().saturating_sub(now.ms());
        let retry_after_s = u64::try_from(left_ms.div_euclid(1_000) + 1).unwrap_or(1);
        return Ok(Err(IdentityRejection::Locked { retry_after_s }));
    }
    let failures = admin.failures.saturating_add(1);
    let (failures, locked_until) =
        if failures >= FAILURES_MAX { (0, Some(now.after_ms(LOCKED_MS))) } else { (failures, None) };
    let sql = "UPDATE faucet_admin_user SET failures = $2, locked_until = $3, updated_at = $4 WHERE id = $1";
    tx.execute(sql, &[admin.id.into(), failures.into(), locked_until.into(), now.into()])?;
    tx.close_clock(CLOCK, now)?;
    Ok(Ok(Some(admin)))
}

fn find(tx: &mut Tx<'_>, email: &str) -> Result<Option<AdminUser>, StoreError> {
    let sql =
        "SELECT id, password_hash, is_active, failures, locked_until FROM faucet_admin_user WHERE email = $1";
    tx.query_first(sql, &[email.into()], |row: &Row<'_>| {
        Ok(AdminUser {
            id: row.get(0)?,
            password_hash: row.get(1)?,
            is_active: row.get(2)?,
            failures: row.get(3)?,
            locked_until: row.get(4)?,
        })
    })
}
