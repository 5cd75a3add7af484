//! Taking jobs over, and saying what became of them.

use std::{collections::HashMap, time::Duration};

use database::{Mode, Scope, StoreError, Tx, Write};
use kernel::{JobId, UserId, WorkerId};
use sea_orm::FromQueryResult;
use serde_json::{Value, json};
use telemetry::TraceContext;
use uuid::Uuid;

use super::{Store, ids};
use crate::{Envelope, EnvelopeFault, Origin, model::Fate};

/// A job to take over, as a message names it, and the token that its lease will bear.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) envelope: Envelope,
    pub(crate) token: Uuid,
}

/// What became of a claim.
#[derive(Debug)]
pub(crate) enum Claimed {
    /// It is ours for the length of the lease.
    Ours(Box<Taken>),
    /// Somebody has it, or it has ended, or its time has yet to come: nothing is to be done.
    NotNow,
    /// The message is not to be believed.
    False(EnvelopeFault),
}

/// A job that was taken over.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) job: JobId,
    pub(crate) token: Uuid,
    pub(crate) kind: String,
    pub(crate) payload_version: i16,
    pub(crate) payload: Value,
    pub(crate) attempt: i16,
    pub(crate) max_attempts: i16,
    pub(crate) origin: Origin,
}

const CLAIM: &str = "\
    UPDATE jobs SET state = 'running', attempt = attempt + 1, lease_token = claim.token, \
        lease_until = now() + make_interval(secs => $2), worker_id = $3, \
        started_at = clock_timestamp(), handed_over_until = NULL, progress_done = NULL, \
        progress_total = NULL \
    FROM jsonb_to_recordset($1) AS claim (id uuid, tenant_id uuid, kind text, token uuid) \
    WHERE jobs.id = claim.id \
        AND jobs.id = ANY (ARRAY(SELECT (it ->> 'id')::uuid FROM jsonb_array_elements($1) it)) \
        AND jobs.tenant_id = claim.tenant_id AND jobs.kind = claim.kind \
        AND jobs.state IN ('ready', 'retry') AND jobs.run_at <= now() \
    RETURNING jobs.id, jobs.lease_token, jobs.kind, jobs.payload_version, \
        jobs.payload, jobs.attempt, jobs.max_attempts, jobs.request_id, jobs.traceparent, \
        jobs.tracestate, jobs.enqueued_by";

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    lease_token: Uuid,
    kind: String,
    payload_version: i16,
    payload: Value,
    attempt: i16,
    max_attempts: i16,
    request_id: Option<String>,
    traceparent: Option<String>,
    tracestate: Option<String>,
    enqueued_by: Option<Uuid>,
}

impl From<Row> for Taken {
    fn from(row: Row) -> Self {
        let trace = row.traceparent.as_deref().and_then(TraceContext::parse);
        let trace = match row.tracestate {
            Some(state) => trace.map(|trace| trace.with_state(&state)),
            None => trace,
        };
        Self {
            job: JobId::new(row.id),
            token: row.lease_token,
            kind: row.kind,
            payload_version: row.payload_version,
            payload: row.payload,
            attempt: row.attempt,
            max_attempts: row.max_attempts,
            origin: Origin {
                user: row.enqueued_by.map(UserId::new),
                job: Some(JobId::new(row.id)),
                request_id: row.request_id,
                trace,
                ..Origin::default()
            },
        }
    }
}

const LOOK: &str = "SELECT id, tenant_id, kind FROM jobs \
     WHERE id = ANY (ARRAY(SELECT it::uuid FROM jsonb_array_elements_text($1) it))";

#[derive(FromQueryResult)]
struct Known {
    id: Uuid,
    tenant_id: Uuid,
    kind: String,
}

const FINISH: &str = "SELECT platform.finish_job($1, $2, $3) AS is_done";

#[derive(FromQueryResult)]
struct Finished {
    is_done: bool,
}

const FAIL: &str = "\
    UPDATE jobs SET state = $3, attempt = attempt - $4, \
        run_at = now() + make_interval(secs => $5), last_error = $6, \
        parked_for = CASE $3 WHEN 'parked' THEN 'operator' END, \
        ended_at = CASE $3 WHEN 'dead' THEN now() END, \
        lease_token = NULL, lease_until = NULL, worker_id = NULL \
    WHERE id = $1 AND lease_token = $2";

impl Store {
    /// Takes jobs over, each for itself; the answers are in the order of the claims.
    pub(crate) async fn claim(
        &self,
        claims: &[Claim],
        worker: WorkerId,
        lease: Duration,
    ) -> Result<Vec<Claimed>, StoreError> {
        let wanted: Vec<Value> = claims
            .iter()
            .map(|Claim { envelope, token }| {
                json!({
                    "id": envelope.job_id, "tenant_id": envelope.tenant_id,
                    "kind": envelope.kind, "token": token,
                })
            })
            .collect();
        let tx = self.begin_mark().await?;
        let values = [
            Value::from(wanted).into(),
            lease.as_secs_f64().into(),
            worker.uuid().into(),
        ];
        let rows: Vec<Row> = tx.rows(CLAIM, values).await?;
        let mut taken: HashMap<Uuid, Taken> = rows
            .into_iter()
            .map(|row| (row.lease_token, row.into()))
            .collect();
        let rest: Vec<JobId> = claims
            .iter()
            .filter(|claim| !taken.contains_key(&claim.token))
            .map(|claim| claim.envelope.job_id)
            .collect();
        let known: Vec<Known> = if rest.is_empty() {
            Vec::new()
        } else {
            tx.rows(LOOK, [ids(&rest)]).await?
        };
        tx.commit().await?;
        let claimed = claims.iter().map(|claim| match taken.remove(&claim.token) {
            Some(taken) => Claimed::Ours(Box::new(taken)),
            None => not_ours(&claim.envelope, &known),
        });
        Ok(claimed.collect())
    }

    /// Says what becomes of a job that was not done; `false` when it was lost meanwhile.
    pub(crate) async fn fail(
        &self,
        job: JobId,
        token: Uuid,
        fate: &Fate,
        error: &str,
    ) -> Result<bool, StoreError> {
        let (state, uncounted, after) = match fate {
            Fate::Again { after, counts } => ("retry", i16::from(!counts), *after),
            Fate::Dead => ("dead", 0, Duration::ZERO),
            Fate::Parked => ("parked", 0, Duration::ZERO),
        };
        let values = [
            job.uuid().into(),
            token.into(),
            state.into(),
            uncounted.into(),
            after.as_secs_f64().into(),
            error.into(),
        ];
        Ok(self.run(FAIL, values).await? > 0)
    }
}

fn not_ours(envelope: &Envelope, known: &[Known]) -> Claimed {
    match known.iter().find(|row| row.id == envelope.job_id.uuid()) {
        None => Claimed::False(EnvelopeFault::UnknownJob),
        Some(row) if row.tenant_id == envelope.tenant_id.uuid() && row.kind == envelope.kind => {
            Claimed::NotNow
        }
        Some(_another) => Claimed::False(EnvelopeFault::FalseJob),
    }
}

/// Notes in the transaction of its effects that a job is done; `false` when it was lost meanwhile.
pub(crate) async fn finish<S: Scope>(
    tx: &Tx<S, Write>,
    job: JobId,
    token: Uuid,
    result: Value,
) -> Result<bool, StoreError>
where
    Write: Mode,
{
    let result = (!result.is_null()).then_some(result);
    let values = [job.uuid().into(), token.into(), result.into()];
    let finished: Option<Finished> = tx.row(FINISH, values).await?;
    Ok(finished.is_some_and(|it| it.is_done))
}
