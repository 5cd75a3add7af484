//! The pipeline's port.

use async_trait::async_trait;
use database::TenantContext;
use web::{Problem, TenantResolver};

use crate::Resolution;

#[async_trait]
impl TenantResolver for Resolution {
    async fn resolve(
        &self,
        header: Option<&str>,
        host: Option<&str>,
    ) -> Result<TenantContext, Problem> {
        Ok(Self::resolve(self, header, host).await?)
    }
}
