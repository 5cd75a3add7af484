//! What an import consists of: five kinds of files and their columns.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What the rows of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Departments, a tree.
    Departments,
    /// Job titles with their pay ranges.
    JobTitles,
    /// Places of work.
    Locations,
    /// People, their present employment and pay.
    Employees,
    /// Earlier employments of those people.
    EmploymentHistory,
}

/// A text that names no kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be one of `departments`, `job_titles`, `locations`, `employees`, `employment_history`"
)]
pub struct UnknownKind;

/// A column of a file in the platform's own format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in the header.
    pub name: &'static str,
    /// Whether the file must have it, with something in every row.
    pub required: bool,
}

const fn required(name: &'static str) -> Column {
    Column {
        name,
        required: true,
    }
}

const fn optional(name: &'static str) -> Column {
    Column {
        name,
        required: false,
    }
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Departments,
        Self::JobTitles,
        Self::Locations,
        Self::Employees,
        Self::EmploymentHistory,
    ];

    /// The name in a query and in a mapping: `job_titles`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Departments => "departments",
            Self::JobTitles => "job_titles",
            Self::Locations => "locations",
            Self::Employees => "employees",
            Self::EmploymentHistory => "employment_history",
        }
    }

    /// The columns of its files, in the order in which they are documented.
    pub fn columns(self) -> &'static [Column] {
        match self {
            Self::Departments => {
                const {
                    &[
                        required("code"),
                        required("name"),
                        optional("parent_code"),
                        optional("manager_number"),
                    ]
                }
            }
            Self::JobTitles => {
                const {
                    &[
                        required("code"),
                        required("name"),
                        optional("pay_range_min"),
                        optional("pay_range_max"),
                        optional("currency"),
                    ]
                }
            }
            Self::Locations => {
                const {
                    &[
                        required("code"),
                        required("name"),
                        optional("street_address"),
                        optional("postal_code"),
                        optional("city"),
                        optional("region"),
                        required("country"),
                        optional("time_zone"),
                    ]
                }
            }
            Self::Employees => {
                const {
                    &[
                        optional("employee_number"),
                        required("first_name"),
                        required("last_name"),
                        optional("work_email"),
                        optional("phone"),
                        required("hire_date"),
                        optional("position_since"),
                        optional("last_day"),
                        optional("department_code"),
                        optional("job_title_code"),
                        optional("location_code"),
                        optional("manager_number"),
                        optional("employment_type"),
                        optional("pay_amount"),
                        optional("pay_currency"),
                        optional("pay_period"),
                        optional("commission_percent"),
                    ]
                }
            }
            Self::EmploymentHistory => {
                const {
                    &[
                        required("employee_number"),
                        required("first_day"),
                        required("last_day"),
                        optional("department_code"),
                        optional("job_title_code"),
                        optional("location_code"),
                        optional("manager_number"),
                        optional("employment_type"),
                    ]
                }
            }
        }
    }

    /// The column of this name.
    pub fn column(self, name: &str) -> Option<Column> {
        self.columns()
            .iter()
            .copied()
            .find(|column| column.name == name)
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(UnknownKind)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_read_by_its_name_and_an_unknown_one_refused_with_all_names() {
        let message = UnknownKind.to_string();
        for kind in Kind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert!(message.contains(kind.as_str()));
        }
        assert_eq!("people".parse::<Kind>(), Err(UnknownKind));
    }

    #[test]
    fn every_column_is_documented() {
        let guide = include_str!("../../../../docs/importing.md");
        for column in Kind::ALL.iter().flat_map(|kind| kind.columns()) {
            assert!(
                guide.contains(&format!("| `{}`", column.name)),
                "{}",
                column.name
            );
        }
    }
}
