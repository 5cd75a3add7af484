//! Sealing the events of one tenant, or of the platform.

use database::{Scope, Tx, Write};
use kernel::TenantId;
use uuid::Uuid;

use super::{SealError, Sealer};
use crate::{
    Hash, Seal, Signed, Statement,
    chain::{first_seal, link, origin},
    postgres::chain::{self, NewLink, Waiting},
    statement::{VERSION, micros},
};

/// How many events one seal covers at most.
pub(super) const BATCH: i32 = 1_000;

impl Sealer {
    /// Seals the oldest events of a tenant; nil is the platform. How many there were: none when
    /// another one is at it.
    pub(super) async fn seal(&self, tenant: Uuid) -> Result<u64, SealError> {
        if tenant.is_nil() {
            let tx = self.database.begin_platform(&self.platform).await?;
            return self.seal_in(tx, tenant).await;
        }
        // One that is gone has nothing to be sealed in.
        let Some(context) = self.tenants.find(TenantId::new(tenant)).await? else {
            return Ok(0);
        };
        let tx = self.database.begin_tenant(&context).await?;
        self.seal_in(tx, tenant).await
    }

    async fn seal_in<S: Scope>(&self, tx: Tx<S, Write>, tenant: Uuid) -> Result<u64, SealError> {
        if !chain::is_our_turn(&tx, format!("hrms audit seals {tenant}")).await? {
            tx.rollback().await?;
            return Ok(0);
        }
        let waiting = chain::unsealed(&tx, tenant, BATCH).await?;
        if waiting.is_empty() {
            tx.rollback().await?;
            return Ok(0);
        }
        // Whoever deletes an event and inserts it again cannot have it sealed twice.
        let (known, new): (Vec<Waiting>, Vec<Waiting>) =
            waiting.into_iter().partition(|it| it.is_linked);
        let mut numbers: Vec<i64> = known.iter().map(|it| it.number).collect();
        numbers.extend(new.iter().map(|it| it.number));
        let mut line = None;
        if !new.is_empty() {
            let signed = self.extend(&tx, tenant, &new).await?;
            line = Some(signed.line()?);
        }
        let events = new.len() as u64;
        chain::sealed(&tx, numbers, line).await?;
        tx.commit().await?;
        Ok(events)
    }

    /// Adds the links of events to the chain, and a seal over them.
    async fn extend<S: Scope>(
        &self,
        tx: &Tx<S, Write>,
        tenant: Uuid,
        new: &[Waiting],
    ) -> Result<Signed, SealError> {
        let End {
            mut position,
            link: mut end,
            seal,
            seal_hash,
        } = self.end(tx, tenant).await?;
        let first_position = position + 1;
        let mut links = Vec::with_capacity(new.len());
        for it in new {
            let hash = it.hash;
            let previous = end;
            end = link(previous, hash);
            position += 1;
            links.push(NewLink {
                event: it.event,
                position,
                hash,
                previous,
                link: end,
            });
        }
        chain::add_links(tx, &links).await?;
        let seal = Seal {
            v: VERSION,
            tenant,
            number: seal + 1,
            first_position,
            last_position: position,
            link: end,
            previous: seal_hash,
            sealed_at: micros(self.ambient.now()),
            key_id: self.key.id().to_owned(),
        };
        let signed = self.key.sign(Statement::Seal(seal.clone()))?;
        chain::add_seal(tx, &self.ambient, &seal, &signed.signature).await?;
        Ok(signed)
    }

    /// Where the chain ends. It must be where its last seal says, and this be ours: who lets a sealer
    /// sign what was put there by somebody else has it vouch for that.
    async fn end<S: Scope>(&self, tx: &Tx<S, Write>, tenant: Uuid) -> Result<End, SealError> {
        let end = chain::last_link(tx).await?;
        let seal = chain::last_seal(tx, tenant).await?;
        match (end, seal) {
            (None, None) => Ok(End {
                position: 0,
                link: origin(tenant),
                seal: 0,
                seal_hash: first_seal(tenant),
            }),
            (Some((position, link)), Some(signed)) => {
                let seal_hash = signed.statement.hash()?;
                let is_ours = self.trusted.vouch_for(&signed);
                match signed.statement {
                    Statement::Seal(seal)
                        if is_ours && (seal.last_position, seal.link) == (position, link) =>
                    {
                        Ok(End {
                            position,
                            link,
                            seal: seal.number,
                            seal_hash,
                        })
                    }
                    _ => Err(SealError::Altered { tenant }),
                }
            }
            _ => Err(SealError::Altered { tenant }),
        }
    }
}

struct End {
    position: i64,
    link: Hash,
    seal: i64,
    seal_hash: Hash,
}
