//! Making the keys once. `hrms-bootstrap up` calls this; the processes that serve only read.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use database::{Database, PlatformContext};
use kernel::{
    Ambient,
    audit::{AuditCategory, AuditEntry},
};
use secrecy::{ExposeSecret as _, SecretSlice, SecretString, zeroize::Zeroizing};

use crate::{
    AuthError, KeyRepository as _,
    keys::{KeyState, StoredKey},
    postgres::PostgresKeys,
};

/// The name of the secret that seals the cursors of lists.
pub const CURSOR_KEY: &str = "cursor_key";

/// Makes the platform's first signing key unless it has one; whether it made it. Of several that
/// try at once, one does. The login must be the operator's.
///
/// # Errors
/// [`AuthError::Store`].
pub async fn ensure_signing_key(
    database: &Database,
    platform: &PlatformContext,
    ambient: &Ambient,
) -> Result<bool, AuthError> {
    let tx = database.begin_platform_read(platform).await?;
    let known = PostgresKeys.signing_keys(&tx).await?;
    tx.commit().await?;
    if known.iter().any(|key| key.state == KeyState::Active) {
        return Ok(false);
    }
    let key = StoredKey::generate(ambient)?;
    let tx = database.begin_platform(platform).await?;
    // The unique key on the active state decides between two that both found none.
    let made = PostgresKeys.insert_signing_key(&tx, &key).await?;
    if made {
        let entry = AuditEntry::new("auth.signing_key_created.v1", AuditCategory::System);
        tx.record(entry.detail("key_id", key.kid.as_str()));
    }
    tx.commit().await?;
    Ok(made)
}

/// Draws a secret of 256 bits that all processes share, unless it exists; whether it drew it. Of
/// several that try at once, one does. The login must be the operator's.
///
/// # Errors
/// [`AuthError::Store`].
pub async fn ensure_secret(
    database: &Database,
    platform: &PlatformContext,
    ambient: &Ambient,
    name: &'static str,
) -> Result<bool, AuthError> {
    let value = STANDARD.encode(Zeroizing::new(ambient.bytes::<32>()));
    let tx = database.begin_platform(platform).await?;
    let drawn = PostgresKeys
        .insert_secret(&tx, name, &SecretString::from(value))
        .await?;
    if drawn {
        let entry = AuditEntry::new("platform.secret_created.v1", AuditCategory::System);
        tx.record(entry.detail("name", name));
    }
    tx.commit().await?;
    Ok(drawn)
}

/// Reads a secret that all processes share.
///
/// # Errors
/// [`AuthError::NoSecret`], [`AuthError::UnusableKey`], [`AuthError::Store`].
pub async fn load_secret(
    database: &Database,
    platform: &PlatformContext,
    name: &'static str,
) -> Result<SecretSlice<u8>, AuthError> {
    let tx = database.begin_platform_read(platform).await?;
    let value = PostgresKeys.secret(&tx, name).await?;
    tx.commit().await?;
    let value = value.ok_or(AuthError::NoSecret(name))?;
    STANDARD
        .decode(value.expose_secret())
        .map(SecretSlice::from)
        .map_err(|_no_base64| AuthError::UnusableKey(name.to_owned()))
}
