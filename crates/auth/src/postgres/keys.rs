//! `platform.signing_keys` and `platform.secrets`.

use async_trait::async_trait;
use database::{PlatformReadTx, PlatformTx, StoreError};
use sea_orm::{ColumnTrait as _, QueryFilter as _, QueryOrder as _, Set};
use secrecy::{ExposeSecret as _, SecretString};

use super::entity::{secret, signing_key};
use crate::{KeyRepository, StoredKey};

/// The platform's keys and secrets in the schema `platform`.
#[derive(Clone, Copy, Debug, Default)]
pub struct PostgresKeys;

/// The name of the algorithm, as it is stored (RFC 8032).
const ALGORITHM: &str = "Ed25519";

#[async_trait]
impl KeyRepository for PostgresKeys {
    async fn signing_keys(&self, tx: &PlatformReadTx) -> Result<Vec<StoredKey>, StoreError> {
        let rows = tx
            .find::<signing_key::Entity>()
            .filter(signing_key::Column::Algorithm.eq(ALGORITHM))
            .order_by_asc(signing_key::Column::CreatedAt)
            .all()
            .await?;
        rows.into_iter().map(StoredKey::try_from).collect()
    }

    async fn insert_signing_key(
        &self,
        tx: &PlatformTx,
        key: &StoredKey,
    ) -> Result<bool, StoreError> {
        tx.insert_or_ignore(signing_key::ActiveModel {
            kid: Set(key.kid.clone()),
            algorithm: Set(ALGORITHM.to_owned()),
            private_key: Set(key.private_key.expose_secret().to_owned()),
            public_key: Set(key.public_key.clone()),
            state: Set(key.state.as_str().to_owned()),
            created_at: Set(key.created_at),
        })
        .await
    }

    async fn secret(
        &self,
        tx: &PlatformReadTx,
        name: &str,
    ) -> Result<Option<SecretString>, StoreError> {
        let row = tx
            .find::<secret::Entity>()
            .filter(secret::Column::Name.eq(name))
            .one()
            .await?;
        Ok(row.map(|row| row.value.into()))
    }

    async fn insert_secret(
        &self,
        tx: &PlatformTx,
        name: &str,
        value: &SecretString,
    ) -> Result<bool, StoreError> {
        tx.insert_or_ignore(secret::ActiveModel {
            name: Set(name.to_owned()),
            value: Set(value.expose_secret().to_owned()),
        })
        .await
    }
}

impl TryFrom<signing_key::Model> for StoredKey {
    type Error = StoreError;

    fn try_from(row: signing_key::Model) -> Result<Self, StoreError> {
        Ok(Self {
            kid: row.kid,
            private_key: row.private_key.into(),
            public_key: row.public_key,
            state: row.state.parse().map_err(StoreError::corrupt)?,
            created_at: row.created_at,
        })
    }
}
