//! Rows of any table, from the types of its columns.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, PgConnection};

use crate::catalogue::{Column, Table};

/// Rows of each table that a tenant has, if the table's rules allow as many.
const ROWS: usize = 2;
/// How often the values of one row may be changed until it meets its table's rules.
const TRIES: usize = 400;

/// What the rows of one tenant are called, by table.
pub(crate) type Ids = BTreeMap<String, Vec<String>>;

/// Makes rows, each with values that no other has.
#[derive(Debug, Default)]
pub(crate) struct Filling {
    made: u32,
    /// Which of the values of each column met the rules of a table.
    learned: BTreeMap<String, Vec<usize>>,
}

/// A row to be: for each column the values that may be tried, and the one whose turn it is.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    columns: Vec<Column>,
    candidates: Vec<Vec<String>>,
    chosen: Vec<usize>,
}

impl Filling {
    /// Gives a tenant some rows in every table, those first to which others must refer.
    ///
    /// # Panics
    /// When a table cannot be filled: it is named, with what it refused.
    pub(crate) async fn fill(
        &mut self,
        superuser: &mut PgConnection,
        tables: &[Table],
        tenant: &str,
    ) -> Ids {
        let mut ids = Ids::new();
        let mut left: Vec<&Table> = tables.iter().collect();
        while !left.is_empty() {
            let (ready, waiting): (Vec<&Table>, Vec<&Table>) =
                left.iter().copied().partition(|table| {
                    let mut needed = table.columns.iter().filter(|column| !column.is_nullable);
                    needed.all(|column| {
                        let of = column.refers_to.as_ref();
                        of.is_none_or(|of| *of == table.name || ids.contains_key(of))
                    })
                });
            let names: Vec<_> = left.iter().map(|table| table.qualified()).collect();
            assert!(
                !ready.is_empty(),
                "which of these is filled first? {names:?}"
            );
            for table in ready {
                for number in 0..ROWS {
                    match self.insert(superuser, table, tenant, &ids).await {
                        Ok(id) => ids.entry(table.name.clone()).or_default().push(id),
                        // Some tables have one row a tenant.
                        Err(refused) => assert!(number > 0, "{}: {refused}", table.qualified()),
                    }
                }
            }
            left = waiting;
        }
        ids
    }

    /// Inserts one row, behind every wall; its id.
    async fn insert(
        &mut self,
        superuser: &mut PgConnection,
        table: &Table,
        tenant: &str,
        ids: &Ids,
    ) -> Result<String, String> {
        let mut draft = self.draft(table, tenant, ids);
        let mut refused = String::new();
        for _ in 0..TRIES {
            let Err(error) = run(superuser, &draft.insert(table)).await else {
                self.learned
                    .insert(table.name.clone(), draft.chosen.clone());
                return Ok(draft.id());
            };
            refused = error.to_string();
            let error = error.as_database_error().map(|error| {
                let error = error.downcast_ref::<sqlx::postgres::PgDatabaseError>();
                (
                    error.code().to_owned(),
                    error.constraint().map(ToOwned::to_owned),
                )
            });
            match error {
                // A check, a unique key or an exclusion: other values may meet it.
                Some((code, Some(rule)))
                    if ["23514", "23505", "23P01"].contains(&code.as_str()) =>
                {
                    let columns = table
                        .rules
                        .get(&rule)
                        .map(Vec::as_slice)
                        .unwrap_or_default();
                    if !draft.turn(columns) {
                        break;
                    }
                }
                _ => break,
            }
        }
        Err(refused)
    }

    /// A row of values that no other row has. They meet the table's rules if the table was filled
    /// before.
    pub(crate) fn draft(&mut self, table: &Table, tenant: &str, ids: &Ids) -> Draft {
        self.made += 1;
        let columns = table.columns.clone();
        let mut dates = 0;
        let candidates: Vec<_> = columns
            .iter()
            .map(|column| {
                if ["date", "timestamp with time zone"].contains(&column.kind.as_str()) {
                    dates += 1;
                }
                let mut values = match (column.name.as_str(), &column.refers_to) {
                    ("tenant_id", _) => vec![format!("'{tenant}'")],
                    (_, Some(of)) => {
                        let known = ids.get(of).into_iter().flatten();
                        known.map(|id| format!("'{id}'")).collect()
                    }
                    _ => self.values(column, dates).unwrap_or_else(|| {
                        let place = format!("{}.{}", table.qualified(), column.name);
                        panic!("{place}: what is a value of the type {}?", column.kind)
                    }),
                };
                if column.is_nullable {
                    values.push("NULL".to_owned());
                }
                values
            })
            .collect();
        let learned = self.learned.get(&table.name).cloned();
        Draft {
            chosen: learned.unwrap_or_else(|| vec![0; columns.len()]),
            columns,
            candidates,
        }
    }

    /// What may stand in a column, the most telling first. A later date of a row lies a day after
    /// the one before, or a week before that if it must; those of another row lie elsewhere.
    fn values(&self, column: &Column, dates: u32) -> Option<Vec<String>> {
        let n = self.made;
        let day = format!("date '2000-01-01' + {}", n * 14 + dates);
        let texts = |texts: &[&str]| texts.iter().map(|text| format!("'{text}'")).collect();
        Some(match column.kind.as_str() {
            "uuid" => vec![format!("'{}'", id(n))],
            "text" => {
                let mut values: Vec<String> = column
                    .words
                    .iter()
                    .map(|word| format!("'{word}'"))
                    .collect();
                values.push(format!("'x{n}'"));
                values.extend::<Vec<String>>(texts(&[
                    "EUR",
                    "DE",
                    "UTC",
                    "a@b.example",
                    "{}",
                    "desk.moved.v1",
                ]));
                values.push(format!("encode(sha256('{n}'), 'hex')"));
                values
            }
            "date" => vec![day.clone(), format!("{day} - 7")],
            "timestamp with time zone" => vec![format!("({day})::timestamptz")],
            "bigint" | "integer" | "smallint" | "numeric" => {
                let mut values = vec![(n % 30_000).to_string(), "1".to_owned(), "0".to_owned()];
                values.extend(column.numbers.iter().cloned());
                values
            }
            "boolean" => vec!["true".to_owned(), "false".to_owned()],
            "bytea" => vec![
                format!("sha256('{n}')"),
                format!("substr(sha256('{n}'), 1, 16)"),
                format!("sha512('{n}')"),
            ],
            "json" | "jsonb" => vec![
                format!("'{{\"x\": {n}}}'"),
                "'[]'".to_owned(),
                "'{}'".to_owned(),
            ],
            "text[]" => vec![format!("'{{x{n}}}'"), "'{}'".to_owned()],
            "uuid[]" => vec![format!("'{{{}}}'", id(n)), "'{}'".to_owned()],
            "inet" => vec!["'192.0.2.1'".to_owned()],
            "interval" => vec!["'1 day'".to_owned()],
            "daterange" => vec![format!("daterange({day}, {day} + 7)")],
            _ => return None,
        })
    }
}

impl Draft {
    /// The statement that inserts it.
    pub(crate) fn insert(&self, table: &Table) -> String {
        let names: Vec<_> = self
            .columns
            .iter()
            .map(|column| column.name.as_str())
            .collect();
        let values: Vec<_> = self
            .candidates
            .iter()
            .zip(&self.chosen)
            .map(|(values, chosen)| values.get(*chosen).map_or("NULL", String::as_str))
            .collect();
        format!(
            "INSERT INTO {} ({}) VALUES ({})",
            table.qualified(),
            names.join(", "),
            values.join(", ")
        )
    }

    fn id(&self) -> String {
        let at = self
            .columns
            .iter()
            .position(|column| column.name == "id")
            .unwrap();
        let value = &self.candidates[at][self.chosen[at]];
        value.trim_matches('\'').to_owned()
    }

    /// Puts a value in a column, for good.
    pub(crate) fn set(&mut self, column: &str, value: &str) {
        let at = self
            .columns
            .iter()
            .position(|it| it.name == column)
            .unwrap();
        self.candidates[at] = vec![format!("'{value}'")];
        self.chosen[at] = 0;
    }

    /// Takes the next combination of values of these columns; `false` when all were tried.
    fn turn(&mut self, columns: &[String]) -> bool {
        for (at, column) in self.columns.iter().enumerate() {
            if columns.contains(&column.name) {
                self.chosen[at] += 1;
                if self.chosen[at] < self.candidates[at].len() {
                    return true;
                }
                self.chosen[at] = 0;
            }
        }
        false
    }
}

fn id(number: u32) -> String {
    format!("0193aaaa-0000-7000-8000-{number:012x}")
}

async fn run(superuser: &mut PgConnection, sql: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(superuser)
        .await
        .map(|_done| ())
}
