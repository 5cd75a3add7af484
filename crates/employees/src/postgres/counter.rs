//! Series of numbers.

use async_trait::async_trait;
use database::{StoreError, TenantTx};
use sea_orm::{FromQueryResult, Value};

use super::Postgres;
use crate::repository::{CounterRepository, Series};

/// The number with which every series begins.
const FIRST: i64 = 1_001;

#[derive(FromQueryResult)]
struct Number {
    number: i64,
}

/// Draws `$2` numbers and keeps the first that nothing has. The numbers are texts before they are
/// compared, for row security keeps the index from a comparison that converts; and each is looked
/// up by itself, for the planner, which expects a thousand, would read all that are taken.
///
/// A series that is begun has a random id: two who begin it at once must meet at its name alone,
/// for only there `ON CONFLICT` lets the second go on.
macro_rules! draw {
    ($table:literal, $column:literal) => {
        concat!(
            "WITH drawn AS (\
             INSERT INTO counters (id, name, value) VALUES (gen_random_uuid(), $1, $3 + $2 - 1) \
             ON CONFLICT ON CONSTRAINT counters_name_key \
             DO UPDATE SET value = counters.value + $2 RETURNING value), \
             numbers AS MATERIALIZED (\
             SELECT n AS number, n::text AS written \
             FROM drawn, generate_series(value - $2 + 1, value) AS n) \
             SELECT number FROM numbers WHERE (SELECT true FROM ",
            $table,
            " taken WHERE taken.",
            $column,
            " = numbers.written LIMIT 1) IS NULL ORDER BY number LIMIT 1"
        )
    };
}

impl Series {
    fn draw(self) -> &'static str {
        match self {
            Self::Employees => draw!("employees", "employee_number"),
            Self::Departments => draw!("departments", "code"),
            Self::JobTitles => draw!("job_titles", "code"),
            Self::Locations => draw!("locations", "code"),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Employees => "employees",
            Self::Departments => "departments",
            Self::JobTitles => "job_titles",
            Self::Locations => "locations",
        }
    }

    fn values(self, count: i64) -> [Value; 3] {
        [self.name().into(), count.into(), FIRST.into()]
    }
}

#[async_trait]
impl CounterRepository for Postgres {
    async fn draw(&self, tx: &TenantTx, series: Series) -> Result<i64, StoreError> {
        // Numbers that were given by hand may lie ahead, thousands in a row: look at twice as many
        // each time.
        for doubled in 0..24 {
            let drawn: Option<Number> = tx
                .row(series.draw(), series.values(1_i64 << doubled))
                .await?;
            if let Some(Number { number }) = drawn {
                return Ok(number);
            }
        }
        Err(StoreError::corrupt(
            "no free number among the next sixteen million",
        ))
    }

    async fn draw_many(
        &self,
        tx: &TenantTx,
        series: Series,
        count: u32,
    ) -> Result<i64, StoreError> {
        let drawn: Option<Number> = tx
            .row(
                "INSERT INTO counters (id, name, value) \
                 VALUES (gen_random_uuid(), $1, $3 + $2 - 1) \
                 ON CONFLICT ON CONSTRAINT counters_name_key \
                 DO UPDATE SET value = counters.value + $2 RETURNING value - $2 + 1 AS number",
                series.values(count.into()),
            )
            .await?;
        drawn
            .map(|drawn| drawn.number)
            .ok_or_else(|| StoreError::corrupt("a counter returned no row"))
    }

    async fn last(&self, tx: &TenantTx, series: Series) -> Result<i64, StoreError> {
        let last: Option<Number> = tx
            .row(
                "SELECT value AS number FROM counters WHERE name = $1",
                [series.name().into()],
            )
            .await?;
        Ok(last.map_or(FIRST - 1, |last| last.number))
    }

    async fn raise(&self, tx: &TenantTx, series: Series, number: i64) -> Result<(), StoreError> {
        tx.run(
            "INSERT INTO counters (id, name, value) \
             VALUES (gen_random_uuid(), $1, GREATEST($2, $3 - 1)) \
             ON CONFLICT ON CONSTRAINT counters_name_key \
             DO UPDATE SET value = GREATEST(counters.value, $2)",
            series.values(number),
        )
        .await?;
        Ok(())
    }
}
