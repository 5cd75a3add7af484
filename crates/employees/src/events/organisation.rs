//! What happens to departments, job titles and locations. A new one is told whole; of one that changed,
//! it as it is now, and which fields are others than before.

use kernel::{DepartmentId, EmployeeId, Money, TimeZone};
use messaging::DomainEvent;
use serde::Serialize;
use uuid::Uuid;

use crate::model::{Department, JobTitle, Location, PayRange};

macro_rules! organisation {
    ($($thing:ident as $told:ident about $subject:literal:
        $created:ident = $created_kind:literal, $updated:ident = $updated_kind:literal;)+) => {$(
        #[doc = concat!("A new one: `", $created_kind, "`.")]
        #[derive(Clone, Debug, Serialize)]
        #[serde(transparent)]
        pub struct $created($told);

        impl $created {
            /// What was created.
            pub fn of(thing: &$thing) -> Self {
                Self($told::from(thing))
            }
        }

        impl DomainEvent for $created {
            const KIND: &'static str = $created_kind;
            const SUBJECT: &'static str = $subject;

            fn subject(&self) -> Uuid {
                self.0.subject
            }
        }

        #[doc = concat!("One that changed: `", $updated_kind, "`.")]
        #[derive(Clone, Debug, Serialize)]
        pub struct $updated {
            changed: Vec<&'static str>,
            #[serde(flatten)]
            now: $told,
        }

        impl $updated {
            /// What changed from one to the other.
            pub fn between(before: &$thing, after: &$thing) -> Self {
                Self {
                    changed: $told::changed(before, after),
                    now: $told::from(after),
                }
            }
        }

        impl DomainEvent for $updated {
            const KIND: &'static str = $updated_kind;
            const SUBJECT: &'static str = $subject;

            fn subject(&self) -> Uuid {
                self.now.subject
            }
        }
    )+};
}

organisation! {
    Department as ToldDepartment about "department":
        DepartmentCreated = "department.created.v1", DepartmentUpdated = "department.updated.v1";
    JobTitle as ToldJobTitle about "job_title":
        JobTitleCreated = "job_title.created.v1", JobTitleUpdated = "job_title.updated.v1";
    Location as ToldLocation about "location":
        LocationCreated = "location.created.v1", LocationUpdated = "location.updated.v1";
}

fn named<const N: usize>(fields: [(&'static str, bool); N]) -> Vec<&'static str> {
    let changed = fields.into_iter().filter(|(_, changed)| *changed);
    changed.map(|(field, _)| field).collect()
}

#[derive(Clone, Debug, Serialize)]
struct ToldDepartment {
    #[serde(skip)]
    subject: Uuid,
    code: String,
    name: String,
    parent_id: Option<DepartmentId>,
    manager_id: Option<EmployeeId>,
}

impl From<&Department> for ToldDepartment {
    fn from(department: &Department) -> Self {
        Self {
            subject: department.id.uuid(),
            code: department.code.as_str().to_owned(),
            name: department.name.as_str().to_owned(),
            parent_id: department.parent_id,
            manager_id: department.manager_id,
        }
    }
}

impl ToldDepartment {
    fn changed(before: &Department, after: &Department) -> Vec<&'static str> {
        named([
            ("code", before.code != after.code),
            ("name", before.name != after.name),
            ("parent_id", before.parent_id != after.parent_id),
            ("manager_id", before.manager_id != after.manager_id),
        ])
    }
}

#[derive(Clone, Debug, Serialize)]
struct ToldJobTitle {
    #[serde(skip)]
    subject: Uuid,
    code: String,
    name: String,
    pay_range: Option<ToldRange>,
}

#[derive(Clone, Debug, Serialize)]
struct ToldRange {
    min: ToldMoney,
    max: ToldMoney,
}

#[derive(Clone, Debug, Serialize)]
struct ToldMoney {
    amount: String,
    currency: &'static str,
}

impl From<Money> for ToldMoney {
    fn from(money: Money) -> Self {
        Self {
            amount: money.amount().to_string(),
            currency: money.currency().code(),
        }
    }
}

impl From<&JobTitle> for ToldJobTitle {
    fn from(job_title: &JobTitle) -> Self {
        let range = |range: PayRange| ToldRange {
            min: range.min().into(),
            max: range.max().into(),
        };
        Self {
            subject: job_title.id.uuid(),
            code: job_title.code.as_str().to_owned(),
            name: job_title.name.as_str().to_owned(),
            pay_range: job_title.pay_range.map(range),
        }
    }
}

impl ToldJobTitle {
    fn changed(before: &JobTitle, after: &JobTitle) -> Vec<&'static str> {
        named([
            ("code", before.code != after.code),
            ("name", before.name != after.name),
            ("pay_range", before.pay_range != after.pay_range),
        ])
    }
}

#[derive(Clone, Debug, Serialize)]
struct ToldLocation {
    #[serde(skip)]
    subject: Uuid,
    code: String,
    name: String,
    country: String,
    time_zone: Option<String>,
}

impl From<&Location> for ToldLocation {
    fn from(location: &Location) -> Self {
        let zone = location.time_zone.as_ref().map(TimeZone::name);
        Self {
            subject: location.id.uuid(),
            code: location.code.as_str().to_owned(),
            name: location.name.as_str().to_owned(),
            country: location.address.country.as_str().to_owned(),
            time_zone: zone.map(ToOwned::to_owned),
        }
    }
}

impl ToldLocation {
    fn changed(before: &Location, after: &Location) -> Vec<&'static str> {
        named([
            ("code", before.code != after.code),
            ("name", before.name != after.name),
            ("address", before.address != after.address),
            ("time_zone", before.time_zone != after.time_zone),
        ])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::OffsetDateTime;

    use super::*;
    use crate::model::Stamp;

    #[test]
    fn a_change_is_told_with_what_it_changed_and_with_what_is_so_now() {
        let before = Department {
            id: Uuid::from_u128(1).into(),
            code: "IT".parse().unwrap(),
            name: "IT".parse().unwrap(),
            parent_id: None,
            manager_id: None,
            stamp: Stamp::new(OffsetDateTime::UNIX_EPOCH),
        };
        let after = Department {
            name: "Computers".parse().unwrap(),
            ..before.clone()
        };
        let told = serde_json::to_value(DepartmentUpdated::between(&before, &after)).unwrap();
        assert_eq!(
            told,
            json!({"changed": ["name"], "code": "IT", "name": "Computers", "parent_id": null,
                "manager_id": null})
        );
    }
}
