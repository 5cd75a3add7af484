//! People, the organisation they work in, and their employment over time.

use sea_orm_migration::prelude::*;

use crate::{TenantTable, create_tables};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = [
            departments(),
            job_titles(),
            locations(),
            employees(),
            employments(),
            compensations(),
            counters(),
        ];
        create_tables(manager, &tables).await
    }
}

fn departments() -> TenantTable {
    TenantTable::new("departments")
        .key_column("code")
        .column("name", "text NOT NULL")
        .key_column("name_key")
        .column("parent_id", "uuid")
        .column("manager_id", "uuid")
        .versioned()
        .unique(&["code"])
        .index(&["name_key", "id"])
        .index(&["parent_id"])
        .index(&["manager_id"])
        .references("parent_id", "departments")
        .references("manager_id", "employees")
}

fn job_titles() -> TenantTable {
    TenantTable::new("job_titles")
        .key_column("code")
        .column("name", "text NOT NULL")
        .key_column("name_key")
        .column("pay_range_min_minor", "bigint")
        .column("pay_range_max_minor", "bigint")
        .column("currency", r#"text COLLATE "C""#)
        .versioned()
        .unique(&["code"])
        .index(&["name_key", "id"])
        .check("currency", "currency ~ '^[A-Z]{3}$'")
        .check("pay_range", "pay_range_min_minor <= pay_range_max_minor")
        .check(
            "pay_range_currency",
            "currency IS NOT NULL OR (pay_range_min_minor IS NULL AND pay_range_max_minor IS NULL)",
        )
}

fn locations() -> TenantTable {
    TenantTable::new("locations")
        .key_column("code")
        .column("name", "text NOT NULL")
        .key_column("name_key")
        .column("street_address", "text")
        .column("postal_code", "text")
        .column("city", "text")
        .column("region", "text")
        .column("country", r#"text COLLATE "C" NOT NULL"#)
        .column("time_zone", "text")
        .versioned()
        .unique(&["code"])
        .index(&["name_key", "id"])
        .check("country", "country ~ '^[A-Z]{2}$'")
}

/// The list is sorted by family name or by the date of hire; `q` is the beginning of a name, a
/// number or an address. Where the last employment ends stands beside the person, so that those
/// who have left, or who have not, are found without looking at everybody's history.
fn employees() -> TenantTable {
    TenantTable::new("employees")
        .key_column("employee_number")
        .column("first_name", "text NOT NULL")
        .column("last_name", "text NOT NULL")
        .key_column("first_name_key")
        .key_column("last_name_key")
        .column("work_email", "text")
        .column("work_email_key", r#"text COLLATE "C""#)
        .column("phone", "text")
        .column("hire_date", "date NOT NULL")
        .column("employed_until", "date")
        .versioned()
        .unique(&["employee_number"])
        .unique(&["work_email_key"])
        .index(&["last_name_key", "id"])
        .index(&["first_name_key", "id"])
        .index(&["hire_date", "id"])
        .index_where(
            "leaving",
            &["last_name_key", "id"],
            "employed_until IS NOT NULL",
        )
        .check("employed_until", "employed_until > hire_date")
        .check(
            "work_email",
            "(work_email IS NULL) = (work_email_key IS NULL)",
        )
}

/// The key on (employee, valid from), read backwards, finds the employment of a day.
fn employments() -> TenantTable {
    TenantTable::new("employments")
        .column("employee_id", "uuid NOT NULL")
        .column("valid_from", "date NOT NULL")
        .column("valid_to", "date")
        .column("department_id", "uuid")
        .column("job_title_id", "uuid")
        .column("location_id", "uuid")
        .column("manager_id", "uuid")
        .word_column(
            "employment_type",
            &["full_time", "part_time", "contract", "intern"],
        )
        .versioned()
        .no_overlap("employee_id")
        .index(&["department_id", "employee_id"])
        .index(&["manager_id", "employee_id"])
        .index(&["job_title_id"])
        .index(&["location_id"])
        .check("manager", "manager_id <> employee_id")
        .references("employee_id", "employees")
        .references("department_id", "departments")
        .references("job_title_id", "job_titles")
        .references("location_id", "locations")
        .references("manager_id", "employees")
}

fn compensations() -> TenantTable {
    TenantTable::new("compensations")
        .column("employee_id", "uuid NOT NULL")
        .column("valid_from", "date NOT NULL")
        .column("valid_to", "date")
        .column("amount_minor", "bigint NOT NULL")
        .column("currency", r#"text COLLATE "C" NOT NULL"#)
        .word_column("pay_period", &["yearly", "monthly", "weekly", "hourly"])
        .column("commission_bp", "integer")
        .versioned()
        .no_overlap("employee_id")
        .check("amount", "amount_minor >= 0")
        .check("currency", "currency ~ '^[A-Z]{3}$'")
        .check("commission", "commission_bp BETWEEN 0 AND 10000")
        .references("employee_id", "employees")
}

/// One row a counter, updated in place: the room in its page keeps the update off the indexes.
fn counters() -> TenantTable {
    TenantTable::new("counters")
        .key_column("name")
        .column("value", "bigint NOT NULL")
        .unique(&["name"])
        .storage("fillfactor = 50")
}
