//! Making a tenant that was asked for.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use database::{Tenant, TenantTx};
use kernel::TenantId;
use messaging::{JobError, Queue, Run, TenantJob, Work};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Administrators, Provisioning, TenancyError};

/// Makes a tenant whose slug is claimed. It is work of the public tenant, whose users asked for it,
/// and is done by a worker that may make schemas.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct ProvisionTenant {
    /// The tenant.
    pub tenant_id: TenantId,
}

impl Work for ProvisionTenant {
    type Scope = Tenant;
    const KIND: &'static str = "tenants.provision";
    const QUEUE: Queue = Queue::Provisioning;
}

/// Makes tenants that were asked for.
pub struct ProvisionsTenants {
    provisioning: Arc<Provisioning>,
    administrators: Arc<dyn Administrators>,
}

impl ProvisionsTenants {
    /// With an operator's rights.
    pub fn new(provisioning: Arc<Provisioning>, administrators: Arc<dyn Administrators>) -> Self {
        Self {
            provisioning,
            administrators,
        }
    }
}

impl fmt::Debug for ProvisionsTenants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProvisionsTenants")
    }
}

/// Only the public tenant has others made.
#[derive(Debug, thiserror::Error)]
#[error("tenants are made for the public tenant alone")]
struct NotThePublicTenant;

#[async_trait]
impl TenantJob for ProvisionsTenants {
    type Work = ProvisionTenant;

    async fn run(&self, tx: &TenantTx, work: ProvisionTenant, _: &Run) -> Result<Value, JobError> {
        if !tx.tenant().is_public() {
            return Err(JobError::permanent(NotThePublicTenant));
        }
        // In transactions of its own: a schema is made by others than who uses it. Each step can be
        // repeated, and a tenant that is in service is left alone.
        let made = self
            .provisioning
            .complete(work.tenant_id, &*self.administrators);
        let made = made.await.map_err(|error| match error {
            TenancyError::Missing => JobError::permanent(error),
            error => JobError::retry(error),
        })?;
        let id = made.tenant.id;
        Ok(json!({
            "tenant_id": id,
            "location": format!("/api/v1/platform/tenants/{id}"),
        }))
    }
}
