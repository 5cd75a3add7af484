//! A whole list as CSV, a page after the other.

use std::sync::Arc;

use actix_web::web::Bytes;
use kernel::{
    ErrorKind, FairLimits, FairPermit, FairSemaphore, ListQuery, Page, PageRequest, Shown, TenantId,
};
use serde::Serialize;

use super::{unwritten, values};
use crate::{Problem, csv};

/// How many exports run at a time: each holds a page in memory, and reads one after the other.
#[derive(Debug)]
pub struct Exports(Arc<FairSemaphore<TenantId>>);

impl Exports {
    /// So many in all, and of one tenant.
    pub fn new(at_once: usize, per_tenant: usize) -> Self {
        Self(FairSemaphore::new(FairLimits {
            permits: at_once,
            per_key: per_tenant,
            waiting_per_key: 0,
        }))
    }

    pub(super) fn begin(&self, tenant: TenantId) -> Result<FairPermit<TenantId>, Problem> {
        self.0.try_acquire(tenant).ok_or_else(|| {
            Problem::new(
                ErrorKind::RateLimited,
                "As many exports run as may. Try again when one of them is done.",
            )
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
    pub(super) _permit: FairPermit<TenantId>,
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
            (None, Some(_)) => (self.read)(&self.query, &self.request).await?,
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
