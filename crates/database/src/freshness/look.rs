//! One look: what changed since the last one?

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sea_orm::FromQueryResult;

use super::{Change, Subscriber};
use crate::{Database, PlatformContext, StoreError};

/// Looks for changes and tells the subscribers.
pub(super) struct Looker {
    database: Database,
    platform: PlatformContext,
    subscribers: Vec<Arc<dyn Subscriber>>,
    /// A gap longer than this is bridged by reading everything anew.
    longest_gap: Duration,
    last: Option<Look>,
}

/// What a look saw.
struct Look {
    began: Instant,
    /// The start of the server: after another one, numbers of transactions mean something else.
    server: String,
    /// Every transaction below this one had ended. The others may have written changes that were
    /// not to be seen yet.
    horizon: i64,
    /// The changes of transactions that are not below the horizon, and were told.
    told: Vec<i64>,
}

/// Read in one statement, so that horizon and changes are of the same moment.
const CHANGES: &str = "SELECT pg_postmaster_start_time()::text AS server, \
     pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS horizon, \
     changes.number, changes.transaction, changes.subject, changes.name \
     FROM (SELECT) one LEFT JOIN changes ON changes.transaction >= $1 ORDER BY changes.number";

#[derive(FromQueryResult)]
struct Row {
    server: String,
    horizon: i64,
    number: Option<i64>,
    transaction: Option<i64>,
    subject: Option<String>,
    name: Option<String>,
}

impl Looker {
    pub(super) fn new(
        database: Database,
        platform: PlatformContext,
        subscribers: Vec<Arc<dyn Subscriber>>,
        longest_gap: Duration,
    ) -> Self {
        Self {
            database,
            platform,
            subscribers,
            longest_gap,
            last: None,
        }
    }

    /// How long a look may take: reading everything, as long as what is remembered may be old.
    pub(super) fn patience(&self) -> Duration {
        match &self.last {
            Some(last) if last.began.elapsed() <= self.longest_gap => self.longest_gap / 3,
            _ => self.longest_gap,
        }
    }

    /// Looks, and returns when the look began.
    pub(super) async fn look(&mut self) -> Result<Instant, StoreError> {
        let began = Instant::now();
        let known = self
            .last
            .as_ref()
            .filter(|last| began.duration_since(last.began) <= self.longest_gap);
        let tx = self.database.begin_platform_read(&self.platform).await?;
        let since = known.map_or(i64::MAX, |last| last.horizon);
        let rows: Vec<Row> = tx.rows(CHANGES, [since.into()]).await?;
        let first = rows
            .first()
            .ok_or_else(|| StoreError::corrupt("a look saw nothing"))?;
        let (server, horizon) = (first.server.clone(), first.horizon);
        let known = known.filter(|last| last.server == server && last.horizon <= horizon);
        if let Some(last) = known {
            let news = news(&rows, &last.told);
            if !news.is_empty() {
                for subscriber in &self.subscribers {
                    subscriber.changed(&tx, &news).await?;
                }
            }
        } else {
            // Read after the horizon was: what is written meanwhile is told by the next look.
            for subscriber in &self.subscribers {
                subscriber.reload(&tx).await?;
            }
        }
        tx.commit().await?;
        let told = rows
            .iter()
            .filter(|row| row.transaction.is_some_and(|number| number >= horizon))
            .filter_map(|row| row.number)
            .collect();
        self.last = Some(Look {
            began,
            server,
            horizon,
            told,
        });
        Ok(began)
    }
}

/// The changes that were not told before, each once.
fn news(rows: &[Row], told: &[i64]) -> Vec<Change> {
    let mut news = Vec::new();
    for row in rows {
        let (Some(number), Some(subject), Some(name)) = (row.number, &row.subject, &row.name)
        else {
            continue;
        };
        let change = Change {
            subject: subject.clone(),
            name: name.clone(),
        };
        if told.binary_search(&number).is_err() {
            news.push(change);
        }
    }
    news.sort_unstable_by(|a, b| (&a.subject, &a.name).cmp(&(&b.subject, &b.name)));
    news.dedup();
    news
}
