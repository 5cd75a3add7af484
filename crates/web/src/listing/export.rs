//! A whole list as CSV, a page after the other.

use std::sync::Arc;

use actix_web::web::{Bytes, Data};
use database::TenantContext;
use kernel::{
    ErrorKind, FairLimits, FairPermit, FairSemaphore, ListQuery, Page, PageRequest, Shown, TenantId,
};
use serde::Serialize;

use super::{unwritten, values};
use crate::{Pipeline, Problem, csv};

/// How many pages of exports are read at a time, and of one tenant. A place is held while a page is
/// read and no longer: a reader who stops reading keeps none.
#[derive(Debug)]
pub struct Exports(Arc<FairSemaphore<TenantId>>);

/// So many exports of one tenant wait for their turn to read.
const WAITING: usize = 256;

impl Exports {
    /// So many in all, and of one tenant.
    pub fn new(at_once: usize, per_tenant: usize) -> Self {
        Self(FairSemaphore::new(FairLimits {
            permits: at_once,
            per_key: per_tenant,
            waiting_per_key: WAITING,
        }))
    }

    /// Waits for the tenant's turn.
    pub(crate) async fn turn(&self, tenant: TenantId) -> Result<FairPermit<TenantId>, Problem> {
        self.0.acquire(tenant).await.map_err(|refusal| {
            Problem::new(
                ErrorKind::RateLimited,
                "As many exports of this company run as may. Try again when one of them is done.",
            )
            .caused_by(refusal)
            .retry_after(5)
        })
    }
}

pub(super) struct Export<T, K, F> {
    pub(super) read: F,
    pub(super) query: ListQuery,
    pub(super) request: PageRequest<K>,
    pub(super) page: Option<Page<T, K>>,
    pub(super) shown: Vec<Shown>,
    pub(super) begun: bool,
    pub(super) tenant: TenantContext,
    pub(super) exports: Data<Exports>,
    pub(super) pipeline: Data<Pipeline>,
}

impl<T, K, F> Export<T, K, F>
where
    T: Serialize,
    F: AsyncFn(&ListQuery, &PageRequest<K>) -> Result<Page<T, K>, Problem>,
{
    pub(super) async fn next(mut self) -> Result<Option<(Bytes, Self)>, Problem> {
        let page = match (self.page.take(), &self.request.after) {
            (Some(first), _) => first,
            (None, None) => return Ok(None),
            (None, Some(_)) => {
                let _turn = self.exports.turn(self.tenant.id()).await?;
                // The first page was read minutes ago, perhaps.
                self.pipeline.still_serves(&self.tenant).await?;
                (self.read)(&self.query, &self.request).await?
            }
        };
        let mut records = Vec::with_capacity(page.items.len() + 1);
        if !self.begun {
            records.push(csv::columns(&self.shown));
            self.begun = true;
        }
        for item in values(page.items)? {
            records.push(csv::cells(&self.shown, &item));
        }
        self.request.after = page.next;
        let bytes = csv::write(records).map_err(unwritten)?;
        Ok(Some((bytes.into(), self)))
    }
}
