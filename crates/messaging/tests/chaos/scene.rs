//! A database with twenty tenants, and what must be so in the end.

use kernel::{Ambient, JobId};
use sqlx::AssertSqlSafe;
use testkit::TestDatabase;

pub(crate) struct Scene {
    database: TestDatabase,
    pub(crate) pipe: Option<Pipe>,
}

/// The RabbitMQ that carries the messages.
#[derive(Clone, Debug)]
pub(crate) struct Pipe {
    pub(crate) url: String,
    pub(crate) prefix: String,
    /// The private node it is, if nobody else uses it and it may be stopped.
    pub(crate) node: Option<String>,
}

impl Pipe {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests take their server from the environment"
    )]
    pub(crate) fn of_environment() -> Self {
        let id: JobId = Ambient::system().id();
        Self {
            url: std::env::var("HRMS_TEST_RABBITMQ_URL").unwrap(),
            prefix: format!("chaos-{}", id.uuid().simple()),
            node: std::env::var("HRMS_TEST_CHAOS_NODE").ok(),
        }
    }
}

impl Scene {
    /// Public, two with schemas of their own, and the others in a pool.
    pub(crate) async fn arrange(pipe: Option<Pipe>) -> Self {
        let database = TestDatabase::create().await;
        let scene = Self { database, pipe };
        scene
            .sql(
                "INSERT INTO platform.tenants (id, slug, name, name_key, schema_name, placement, \
                     status, created_at, updated_at) \
                 SELECT gen_random_uuid(), 'chaos-' || n, 'chaos', 'chaos', 'pool_0001', 'pooled', \
                     'active', now(), now() FROM generate_series(1, 15) n",
            )
            .await;
        scene
    }

    pub(crate) fn app_url(&self) -> String {
        self.database.app_url()
    }

    async fn sql(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        let mut superuser = self.database.superuser().await;
        sqlx::raw_sql(sql).execute(&mut superuser).await.unwrap();
    }

    pub(crate) async fn count(&self, what: &str) -> i64 {
        let query = AssertSqlSafe(format!("SELECT count(*) FROM {what}"));
        let mut superuser = self.database.superuser().await;
        sqlx::query_scalar(query)
            .fetch_one(&mut superuser)
            .await
            .unwrap()
    }

    /// How many jobs stand where, and after how many tries.
    pub(crate) async fn states(&self) -> Vec<(String, i64, i16)> {
        let query = "SELECT state, count(*), max(attempt) FROM platform.jobs GROUP BY state";
        let mut superuser = self.database.superuser().await;
        sqlx::query_as(query)
            .fetch_all(&mut superuser)
            .await
            .unwrap()
    }

    /// Ends every connection of the application; how many it were.
    pub(crate) async fn end_connections(&self) -> usize {
        let query = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
             WHERE datname = current_database() AND usename = $1";
        let mut superuser = self.database.superuser().await;
        let ended: i64 = sqlx::query_scalar(query)
            .bind(self.database.role("app"))
            .fetch_one(&mut superuser)
            .await
            .unwrap();
        usize::try_from(ended).unwrap()
    }

    /// A change and its job are there together, and those that were acknowledged are there.
    pub(crate) async fn every_order_is_a_job(&self, acknowledged: &[JobId]) {
        let ids: Vec<_> = acknowledged.iter().map(|job| job.uuid()).collect();
        let lost = "SELECT count(*) FROM unnest($1::uuid[]) AS ours (id) \
             WHERE NOT EXISTS (SELECT FROM platform.jobs WHERE jobs.id = ours.id)";
        let mut superuser = self.database.superuser().await;
        let lost: i64 = sqlx::query_scalar(lost)
            .bind(ids)
            .fetch_one(&mut superuser)
            .await
            .unwrap();
        assert_eq!(lost, 0, "acknowledged and lost");
        let notes = Self::notes();
        let unequal = format!(
            "(SELECT j.id::text, j.tenant_id FROM platform.jobs j FULL JOIN \
                 (SELECT * FROM ({notes}) n WHERE name LIKE 'order:%') n \
                 ON n.name = 'order:' || j.id AND n.tenant_id = j.tenant_id \
             WHERE n.name IS NULL OR j.id IS NULL) unequal"
        );
        assert_eq!(self.count(&unequal).await, 0);
    }

    /// Each job left one mark, and in the tenant that wanted it.
    pub(crate) async fn every_order_was_carried_out_once_where_it_belongs(&self) {
        let notes = Self::notes();
        let wrong = format!(
            "(SELECT j.id FROM platform.jobs j FULL JOIN \
                 (SELECT tenant_id, name, count(*) AS times FROM ({notes}) n \
                  WHERE name LIKE 'done:%' GROUP BY 1, 2) n \
                 ON n.name = 'done:' || j.id AND n.tenant_id = j.tenant_id \
             WHERE n.times IS DISTINCT FROM 1 OR j.id IS NULL) wrong"
        );
        assert_eq!(self.count(&wrong).await, 0);
        let jobs = self.count("platform.jobs").await;
        let done = self
            .count(&format!("({notes}) n WHERE name LIKE 'done:%'"))
            .await;
        assert_eq!(done, jobs);
    }

    /// What stands in every schema.
    fn notes() -> String {
        ["public", "t_acme", "t_globex", "pool_0001"]
            .map(|schema| format!("SELECT tenant_id, name FROM {schema}.departments"))
            .join(" UNION ALL ")
    }
}
