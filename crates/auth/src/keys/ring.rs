//! All keys of the platform, in memory.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use database::{Database, PlatformContext};
use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;

use crate::{
    AuthError, KeyRepository,
    keys::{KeyState, PublicKey, SigningKey, StoredKey, VerifyingKey},
};

/// The keys of `platform.signing_keys`, loaded at start. A token that names a key which is not
/// among them makes the ring look again: another process may know a newer one. It looks at most
/// once every five seconds, whatever names strangers invent.
pub struct KeyRing {
    database: Database,
    platform: PlatformContext,
    repository: Arc<dyn KeyRepository>,
    keys: RwLock<Arc<Keys>>,
    looked_at: Mutex<OffsetDateTime>,
}

/// One reading of the table.
#[derive(Debug)]
pub(crate) struct Keys {
    active: SigningKey,
    verifying: HashMap<String, VerifyingKey>,
}

impl KeyRing {
    const PAUSE: Duration = Duration::seconds(5);

    /// Loads the keys.
    ///
    /// # Errors
    /// [`AuthError::NoSigningKey`], [`AuthError::UnusableKey`], [`AuthError::Store`].
    pub async fn load(
        database: Database,
        platform: PlatformContext,
        repository: Arc<dyn KeyRepository>,
        now: OffsetDateTime,
    ) -> Result<Self, AuthError> {
        let keys = read(&database, &platform, repository.as_ref()).await?;
        Ok(Self {
            database,
            platform,
            repository,
            keys: RwLock::new(Arc::new(keys)),
            looked_at: Mutex::new(now),
        })
    }

    /// The key that signs.
    pub fn active(&self) -> SigningKey {
        self.keys().active.clone()
    }

    /// The key with this name, if the platform has one.
    ///
    /// # Errors
    /// [`AuthError::Store`] when it had to look again and could not.
    pub async fn verifying(
        &self,
        kid: &str,
        now: OffsetDateTime,
    ) -> Result<Option<VerifyingKey>, AuthError> {
        if let Some(key) = self.keys().verifying.get(kid) {
            return Ok(Some(key.clone()));
        }
        self.look_again(now).await?;
        Ok(self.keys().verifying.get(kid).cloned())
    }

    /// Every public key and its name, by name.
    pub fn published(&self) -> Vec<(String, PublicKey)> {
        let keys = self.keys();
        let mut all: Vec<_> = keys
            .verifying
            .iter()
            .map(|(kid, key)| (kid.clone(), key.public()))
            .collect();
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        all
    }

    async fn look_again(&self, now: OffsetDateTime) -> Result<(), AuthError> {
        // Whoever comes while somebody looks waits for what he finds.
        let mut looked_at = self.looked_at.lock().await;
        if now - *looked_at < Self::PAUSE {
            return Ok(());
        }
        *looked_at = now;
        let keys = read(&self.database, &self.platform, self.repository.as_ref()).await?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        Ok(())
    }

    fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyRing").field(&self.keys()).finish()
    }
}

async fn read(
    database: &Database,
    platform: &PlatformContext,
    repository: &dyn KeyRepository,
) -> Result<Keys, AuthError> {
    let tx = database.begin_platform_read(platform).await?;
    let stored = repository.signing_keys(&tx).await?;
    tx.commit().await?;
    Keys::new(&stored)
}

impl Keys {
    pub(crate) fn new(stored: &[StoredKey]) -> Result<Self, AuthError> {
        let active = stored
            .iter()
            .find(|key| key.state == KeyState::Active)
            .ok_or(AuthError::NoSigningKey)?;
        let verifying = stored
            .iter()
            .map(|key| Ok((key.kid.clone(), key.verifying()?)))
            .collect::<Result<_, AuthError>>()?;
        Ok(Self {
            active: active.signing()?,
            verifying,
        })
    }
}
