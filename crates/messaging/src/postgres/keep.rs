//! Leases, and what becomes of them when nobody renews them.

use std::{collections::BTreeMap, time::Duration};

use database::StoreError;
use kernel::{JobId, WorkerId};
use sea_orm::FromQueryResult;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Store;
use crate::{Kinds, Queue};

/// A worker, as it says of itself.
#[derive(Clone, Debug)]
pub(crate) struct Presence {
    pub(crate) worker: WorkerId,
    pub(crate) host: String,
    /// How many jobs of each queue it does at a time.
    pub(crate) slots: BTreeMap<Queue, usize>,
    /// What it does.
    pub(crate) kinds: Kinds,
}

/// A lease that is held.
#[derive(Clone, Debug)]
pub(crate) struct Holding {
    pub(crate) job: JobId,
    pub(crate) token: Uuid,
    pub(crate) progress: Option<(i64, i64)>,
}

/// What was put right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromQueryResult)]
pub(crate) struct Swept {
    /// Jobs of workers that were lost, which are tried again.
    pub(crate) taken_over: i64,
    /// Those that have been lost so often that they are dead.
    pub(crate) dead: i64,
    /// Handed over, and never taken over.
    pub(crate) lost_on_the_way: i64,
    /// Whose tenant is served again.
    pub(crate) resumed: i64,
}

const APPEAR: &str = "\
    INSERT INTO workers (id, host, version, queues, broker, kinds) \
    VALUES ($1, $2, $3, $4, $5, $6) \
    ON CONFLICT (id) DO UPDATE SET seen_at = now(), broker = excluded.broker";

/// A row that somebody else has locked is left for the next time: one must not keep all others from
/// being renewed.
const RENEW: &str = "\
    UPDATE jobs SET lease_until = now() + make_interval(secs => $2), \
        progress_done = coalesce(held.done, progress_done), \
        progress_total = coalesce(held.total, progress_total) \
    FROM jsonb_to_recordset($1) AS held (id uuid, token uuid, done bigint, total bigint) \
    WHERE jobs.id = held.id AND jobs.lease_token = held.token \
        AND jobs.id = ANY (ARRAY(SELECT id FROM jobs \
            WHERE id = ANY (ARRAY(SELECT (it ->> 'id')::uuid FROM jsonb_array_elements($1) it)) \
            FOR UPDATE SKIP LOCKED))";

const HELD: &str = "\
    SELECT jobs.id FROM jobs \
    JOIN jsonb_to_recordset($1) AS held (id uuid, token uuid) \
        ON jobs.id = held.id AND jobs.lease_token = held.token \
    WHERE jobs.id = ANY (ARRAY(SELECT (it ->> 'id')::uuid FROM jsonb_array_elements($1) it))";

/// Who is told that it was lost has its place in the line again at once: it waited already.
const SWEEP: &str = "\
    WITH lost AS ( \
        UPDATE jobs SET state = CASE WHEN attempt >= max_attempts THEN 'dead' ELSE 'retry' END, \
            run_at = now(), \
            ended_at = CASE WHEN attempt >= max_attempts THEN now() END, \
            last_error = format('the worker %s was lost while it did this, in try %s of %s', \
                worker_id, attempt, max_attempts), \
            lease_token = NULL, lease_until = NULL, worker_id = NULL \
        WHERE id = ANY (ARRAY(SELECT id FROM jobs WHERE lease_until < now() \
            ORDER BY lease_until LIMIT 1000 FOR UPDATE SKIP LOCKED)) \
        RETURNING state \
    ), strayed AS ( \
        UPDATE jobs SET handed_over_until = NULL \
        WHERE id = ANY (ARRAY(SELECT id FROM jobs WHERE handed_over_until < now() \
            ORDER BY handed_over_until LIMIT 1000 FOR UPDATE SKIP LOCKED)) \
        RETURNING id \
    ), resumed AS ( \
        UPDATE jobs SET state = 'ready', parked_for = NULL \
        WHERE id IN (SELECT id FROM jobs \
            WHERE state = 'parked' AND parked_for = 'tenant' AND tenant_id IN ( \
                WITH RECURSIVE parked (tenant_id) AS ( \
                    (SELECT tenant_id FROM jobs WHERE state = 'parked' \
                    ORDER BY tenant_id LIMIT 1) \
                    UNION ALL \
                    SELECT (SELECT j.tenant_id FROM jobs j \
                        WHERE j.state = 'parked' AND j.tenant_id > parked.tenant_id \
                        ORDER BY j.tenant_id LIMIT 1) \
                    FROM parked WHERE parked.tenant_id IS NOT NULL \
                ) \
                SELECT t.id FROM parked JOIN tenants t ON t.id = parked.tenant_id \
                WHERE t.status = 'active' \
            ) \
            LIMIT 1000 FOR UPDATE SKIP LOCKED) \
        RETURNING id \
    ), forgotten AS ( \
        DELETE FROM workers WHERE seen_at < now() - interval '1 day' \
    ) \
    SELECT (SELECT count(*) FROM lost WHERE state = 'retry') AS taken_over, \
        (SELECT count(*) FROM lost WHERE state = 'dead') AS dead, \
        (SELECT count(*) FROM strayed) AS lost_on_the_way, \
        (SELECT count(*) FROM resumed) AS resumed";

/// What a worker leaves undone when it is told to stop is nobody's failure: it does not count.
const RELEASE: &str = "\
    UPDATE jobs SET state = CASE WHEN attempt > 1 THEN 'retry' ELSE 'ready' END, \
        attempt = attempt - 1, run_at = now(), \
        lease_token = NULL, lease_until = NULL, worker_id = NULL \
    WHERE worker_id = $1 AND state = 'running'";

#[derive(FromQueryResult)]
struct Id {
    id: Uuid,
}

impl Store {
    /// Says that a worker is there.
    pub(crate) async fn appear(&self, who: &Presence, broker: &str) -> Result<(), StoreError> {
        let slots: BTreeMap<&str, usize> = who
            .slots
            .iter()
            .map(|(queue, slots)| (queue.as_str(), *slots))
            .collect();
        let values = [
            who.worker.uuid().into(),
            who.host.as_str().into(),
            env!("CARGO_PKG_VERSION").into(),
            json!(slots).to_string().into(),
            broker.into(),
            json!(who.kinds.versions()).into(),
        ];
        self.run(APPEAR, values).await?;
        Ok(())
    }

    /// Renews leases; which of them are still held.
    pub(crate) async fn renew(
        &self,
        held: &[Holding],
        lease: Duration,
    ) -> Result<Vec<JobId>, StoreError> {
        let held: Vec<Value> = held
            .iter()
            .map(|it| {
                let (done, total) = it.progress.unzip();
                json!({"id": it.job, "token": it.token, "done": done, "total": total})
            })
            .collect();
        let held = Value::from(held);
        let tx = self.begin().await?;
        let values = [held.clone().into(), lease.as_secs_f64().into()];
        tx.run(RENEW, values).await?;
        let rows: Vec<Id> = tx.rows(HELD, [held.into()]).await?;
        tx.commit().await?;
        Ok(rows.into_iter().map(|row| JobId::new(row.id)).collect())
    }

    /// Puts right what nobody sees to any more.
    pub(crate) async fn sweep(&self) -> Result<Swept, StoreError> {
        let rows: Vec<Swept> = self.rows(SWEEP, []).await?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }

    /// Gives up what a worker still does, and the worker; how many jobs that were.
    pub(crate) async fn release(&self, worker: WorkerId) -> Result<u64, StoreError> {
        let tx = self.begin().await?;
        let released = tx.run(RELEASE, [worker.uuid().into()]).await?;
        tx.run("DELETE FROM workers WHERE id = $1", [worker.uuid().into()])
            .await?;
        tx.commit().await?;
        Ok(released)
    }
}
