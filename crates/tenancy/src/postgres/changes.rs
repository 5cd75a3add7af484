//! Changes of tenants: the functions of the schema `platform` that the public tenant may call.

use async_trait::async_trait;
use database::{StoreError, TenantTx};
use kernel::{TenantId, normalised_key};
use sea_orm::{FromQueryResult, Value};
use secrecy::ExposeSecret as _;
use time::OffsetDateTime;

use super::{PostgresTenants, tenant};
use crate::{HostName, Tenant, TenantChanges, TenantClaim, TenantDetails};

/// What a function that returns the tenant is asked for: the columns of [`tenant::Model`].
macro_rules! tenant_of {
    ($call:literal) => {
        concat!(
            "SELECT id, slug, name, name_key, schema_name, placement, status, locale, time_zone, \
             branding, placement_epoch, auth_epoch, suspended_at, suspension_reason, \
             subscription_state, grace_until, created_at, updated_at, version FROM platform.",
            $call
        )
    };
}

#[derive(FromQueryResult)]
struct Done {
    done: bool,
}

async fn one(
    tx: &TenantTx,
    sql: &'static str,
    values: impl IntoIterator<Item = Value> + Send,
) -> Result<Option<Tenant>, StoreError> {
    let row: Option<tenant::Model> = tx.row(sql, values).await?;
    row.map(Tenant::try_from).transpose()
}

async fn done(
    tx: &TenantTx,
    sql: &'static str,
    values: impl IntoIterator<Item = Value> + Send,
) -> Result<bool, StoreError> {
    let row: Option<Done> = tx.row(sql, values).await?;
    Ok(row.is_some_and(|row| row.done))
}

#[async_trait]
impl TenantChanges for PostgresTenants {
    async fn claim(
        &self,
        tx: &TenantTx,
        claim: &TenantClaim<'_>,
    ) -> Result<Option<Tenant>, StoreError> {
        let TenantClaim {
            id,
            new,
            administrator,
            pool_capacity,
            now,
        } = *claim;
        let values = [
            id.uuid().into(),
            new.slug.as_str().into(),
            new.name.as_str().into(),
            normalised_key(new.name.as_str()).into(),
            new.placement.as_str().into(),
            new.locale.as_str().into(),
            new.time_zone.to_string().into(),
            i64::from(pool_capacity).into(),
            administrator.email.as_str().into(),
            administrator.password_hash.expose_secret().into(),
            now.into(),
        ];
        one(
            tx,
            tenant_of!("claim_tenant($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"),
            values,
        )
        .await
    }

    async fn lock(&self, tx: &TenantTx, id: TenantId) -> Result<Option<Tenant>, StoreError> {
        one(tx, tenant_of!("lock_tenant($1)"), [id.uuid().into()]).await
    }

    async fn change(
        &self,
        tx: &TenantTx,
        id: TenantId,
        details: &TenantDetails,
        now: OffsetDateTime,
    ) -> Result<Option<Tenant>, StoreError> {
        let branding = serde_json::to_value(&details.branding).map_err(StoreError::corrupt)?;
        let values = [
            id.uuid().into(),
            details.name.as_str().into(),
            normalised_key(details.name.as_str()).into(),
            details.locale.as_str().into(),
            details.time_zone.to_string().into(),
            branding.into(),
            now.into(),
        ];
        one(
            tx,
            tenant_of!("change_tenant($1, $2, $3, $4, $5, $6, $7)"),
            values,
        )
        .await
    }

    async fn suspend(
        &self,
        tx: &TenantTx,
        id: TenantId,
        reason: Option<&str>,
        now: OffsetDateTime,
    ) -> Result<Option<Tenant>, StoreError> {
        let values = [id.uuid().into(), reason.into(), now.into()];
        one(tx, tenant_of!("suspend_tenant($1, $2, $3)"), values).await
    }

    async fn resume(
        &self,
        tx: &TenantTx,
        id: TenantId,
        now: OffsetDateTime,
    ) -> Result<Option<Tenant>, StoreError> {
        one(
            tx,
            tenant_of!("resume_tenant($1, $2)"),
            [id.uuid().into(), now.into()],
        )
        .await
    }

    async fn add_domain(
        &self,
        tx: &TenantTx,
        id: TenantId,
        host: &HostName,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let values = [id.uuid().into(), host.as_str().into(), now.into()];
        done(tx, "SELECT platform.add_domain($1, $2, $3) AS done", values).await
    }

    async fn remove_domain(
        &self,
        tx: &TenantTx,
        id: TenantId,
        host: &HostName,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let values = [id.uuid().into(), host.as_str().into(), now.into()];
        done(
            tx,
            "SELECT platform.remove_domain($1, $2, $3) AS done",
            values,
        )
        .await
    }
}
