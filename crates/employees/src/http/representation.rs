//! What is shown of people and organisation.

use std::borrow::Cow;

use kernel::{DepartmentId, EmployeeId, JobTitleId, LocationId};
use serde::Serialize;
use time::{Date, OffsetDateTime};
use utoipa::{
    PartialSchema as _, ToSchema,
    openapi::{Ref, RefOr, Schema, schema::OneOfBuilder},
};
use uuid::Uuid;
use web::{Answer, Created, Json, Problem, Rendered, Whole};

use super::wire::{self, EmploymentStatusWord, EmploymentTypeWord, MoneyBody, PayPeriodWord, Word};
use crate::model::{
    Assignment, CurrentPay, Department, EmployeeProfile, ExpandedProfile, Guarded, JobTitle,
    Location, Named, Remuneration,
};

/// Something that is referred to, with the name by which people know it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Reference {
    /// Its identifier.
    id: Uuid,
    /// Its name.
    #[schema(example = "Sales")]
    name: String,
}

impl<Id: Into<Uuid>> From<Named<Id>> for Reference {
    fn from(named: Named<Id>) -> Self {
        Self {
            id: named.id.into(),
            name: named.name,
        }
    }
}

/// A reference, or all of what is referred to where `expand` asks for it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Expandable<T> {
    /// With the name by which people know it.
    Reference(Reference),
    /// All of it.
    Whole(Box<T>),
}

impl<T> Expandable<T> {
    fn new<Whole: Into<T>>(reference: Option<Reference>, whole: Option<Whole>) -> Option<Self> {
        match whole {
            Some(whole) => Some(Self::Whole(Box::new(whole.into()))),
            None => reference.map(Self::Reference),
        }
    }
}

/// By hand: the whole of a manager is an employee again, and the macro would follow him without end.
impl<T: ToSchema> utoipa::__dev::ComposeSchema for Expandable<T> {
    fn compose(_generics: Vec<RefOr<Schema>>) -> RefOr<Schema> {
        OneOfBuilder::new()
            .item(Ref::from_schema_name(Reference::name()))
            .item(Ref::from_schema_name(T::name()))
            .into()
    }
}

impl<T: ToSchema> ToSchema for Expandable<T> {
    fn name() -> Cow<'static, str> {
        Cow::Owned(format!("{}OrReference", T::name()))
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Reference::name().into_owned(), Reference::schema()));
    }
}

/// An employee as of a day: today, unless another one was asked for.
///
/// Department, job title, location, manager and terms are those of that day; of somebody who has not
/// begun yet, those he begins with; of somebody who has left, his last ones.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Employee)]
pub(super) struct EmployeeBody {
    /// The employee's identifier.
    #[schema(value_type = Uuid)]
    id: EmployeeId,
    /// The number by which the company knows him.
    #[schema(example = "1042")]
    employee_number: String,
    /// The given name or names.
    #[schema(example = "Neena")]
    first_name: String,
    /// The family name.
    #[schema(example = "Yang")]
    last_name: String,
    /// His address at work.
    #[schema(example = "neena.yang@example.com")]
    work_email: Option<String>,
    /// His telephone number at work.
    #[schema(example = "+1 515 555 0101")]
    phone: Option<String>,
    /// The first day of the service of that day, or of the one before it.
    #[serde(serialize_with = "wire::date")]
    #[schema(value_type = String, format = Date)]
    hire_date: Date,
    /// The first day of his first service; the date of hire of whoever never left.
    #[serde(serialize_with = "wire::date")]
    #[schema(value_type = String, format = Date)]
    original_hire_date: Date,
    /// Whether he works here on that day.
    #[schema(inline)]
    status: EmploymentStatusWord,
    /// On which terms.
    #[schema(inline)]
    employment_type: Option<EmploymentTypeWord>,
    /// Where he belongs.
    department: Option<Expandable<DepartmentBody>>,
    /// What he does.
    job_title: Option<Expandable<JobTitleBody>>,
    /// Where he works.
    location: Option<Expandable<LocationBody>>,
    /// Whom he reports to.
    manager: Option<Expandable<EmployeeBody>>,
    /// What he is paid; `null` when nothing is agreed. Absent without the permission
    /// `employees:read_compensation`, and in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Option<CompensationBody>)]
    #[expect(
        clippy::option_option,
        reason = "absent, null and present are three answers"
    )]
    compensation: Option<Option<CompensationBody>>,
    /// When the record was made.
    #[serde(serialize_with = "wire::instant")]
    #[schema(value_type = String, format = DateTime)]
    created_at: OffsetDateTime,
    /// When the record was last changed.
    #[serde(serialize_with = "wire::instant")]
    #[schema(value_type = String, format = DateTime)]
    updated_at: OffsetDateTime,
    /// Counts the changes, from 1.
    version: i64,
}

impl From<EmployeeProfile> for EmployeeBody {
    fn from(profile: EmployeeProfile) -> Self {
        ExpandedProfile::from(profile).into()
    }
}

impl From<ExpandedProfile> for EmployeeBody {
    fn from(expanded: ExpandedProfile) -> Self {
        let profile = expanded.profile;
        let assignment = AssignmentParts::from(profile.assignment);
        Self {
            id: profile.id,
            employee_number: profile.number.into_string(),
            first_name: profile.name.first.into_string(),
            last_name: profile.name.last.into_string(),
            work_email: profile.work_email,
            phone: profile.phone,
            hire_date: profile.hire_date,
            original_hire_date: profile.original_hire_date,
            status: Word(profile.status),
            employment_type: assignment.employment_type,
            department: Expandable::new(assignment.department, expanded.department),
            job_title: Expandable::new(assignment.job_title, expanded.job_title),
            location: Expandable::new(assignment.location, expanded.location),
            manager: Expandable::new(assignment.manager, expanded.manager),
            compensation: match profile.compensation {
                Guarded::Hidden => None,
                Guarded::Shown(pay) => Some(pay.map(CompensationBody::from)),
            },
            created_at: profile.stamp.created_at,
            updated_at: profile.stamp.updated_at,
            version: profile.stamp.version,
        }
    }
}

impl EmployeeBody {
    /// The version, when nothing of him is hidden.
    pub(super) fn whole_version(&self) -> Option<i64> {
        self.compensation.as_ref().map(|_shown| self.version)
    }

    /// The answer to his being hired.
    pub(super) fn created(self) -> Created<Self> {
        Created {
            location: format!("/api/v1/employees/{}", self.id),
            version: self.whole_version(),
            body: self,
        }
    }
}

/// The answer to a change of him.
impl Answer for EmployeeBody {
    fn render(self) -> Result<Rendered, Problem> {
        match self.whole_version() {
            Some(version) => Whole {
                version,
                body: self,
            }
            .render(),
            None => Json(self).render(),
        }
    }
}

/// An assignment taken apart.
#[derive(Default)]
pub(super) struct AssignmentParts {
    pub(super) employment_type: Option<EmploymentTypeWord>,
    pub(super) department: Option<Reference>,
    pub(super) job_title: Option<Reference>,
    pub(super) location: Option<Reference>,
    pub(super) manager: Option<Reference>,
}

impl From<Option<Assignment>> for AssignmentParts {
    fn from(assignment: Option<Assignment>) -> Self {
        assignment.map(Self::from).unwrap_or_default()
    }
}

impl From<Assignment> for AssignmentParts {
    fn from(assignment: Assignment) -> Self {
        Self {
            employment_type: Some(Word(assignment.employment_type)),
            department: assignment.department.map(Reference::from),
            job_title: assignment.job_title.map(Reference::from),
            location: assignment.location.map(Reference::from),
            manager: assignment.manager.map(Reference::from),
        }
    }
}

/// What somebody is paid.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Pay)]
pub(super) struct PayBody {
    /// How much, per pay period.
    #[serde(flatten)]
    amount: MoneyBody,
    /// What the amount is paid for.
    #[schema(inline)]
    pay_period: PayPeriodWord,
    /// The share of sales on top, in percent.
    #[schema(example = "12.50")]
    commission_percent: Option<String>,
}

impl From<Remuneration> for PayBody {
    fn from(Remuneration { pay, commission }: Remuneration) -> Self {
        Self {
            amount: pay.amount().into(),
            pay_period: Word(pay.period()),
            commission_percent: commission.map(|share| share.percent().to_string()),
        }
    }
}

/// What somebody is paid as of a day.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Compensation)]
pub(super) struct CompensationBody {
    /// How much, per pay period.
    #[serde(flatten)]
    amount: MoneyBody,
    /// What the amount is paid for.
    #[schema(inline)]
    pay_period: PayPeriodWord,
    /// The share of sales on top, in percent.
    #[schema(example = "12.50")]
    commission_percent: Option<String>,
    /// The first day in force.
    #[serde(serialize_with = "wire::date")]
    #[schema(value_type = String, format = Date)]
    valid_from: Date,
}

impl From<CurrentPay> for CompensationBody {
    fn from(current: CurrentPay) -> Self {
        let CurrentPay {
            pay,
            commission,
            valid_from,
        } = current;
        let PayBody {
            amount,
            pay_period,
            commission_percent,
        } = Remuneration { pay, commission }.into();
        Self {
            amount,
            pay_period,
            commission_percent,
            valid_from,
        }
    }
}

/// A part of the company.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Department)]
pub(super) struct DepartmentBody {
    /// The department's identifier.
    #[schema(value_type = Uuid)]
    pub(super) id: DepartmentId,
    /// Its short name.
    #[schema(example = "SALES")]
    code: String,
    /// Its name.
    #[schema(example = "Sales")]
    name: String,
    /// The department it is part of; `null` at the top.
    #[schema(value_type = Option<Uuid>)]
    parent_id: Option<DepartmentId>,
    /// Who leads it.
    #[schema(value_type = Option<Uuid>)]
    manager_id: Option<EmployeeId>,
    /// When the record was made.
    #[serde(serialize_with = "wire::instant")]
    #[schema(value_type = String, format = DateTime)]
    created_at: OffsetDateTime,
    /// When the record was last changed.
    #[serde(serialize_with = "wire::instant")]
    #[schema(value_type = String, format = DateTime)]
    updated_at: OffsetDateTime,
    /// Counts the changes, from 1.
    version: i64,
}

impl DepartmentBody {
    /// The answer to a request for it.
    pub(super) fn whole(self) -> Whole<Self> {
        Whole {
            version: self.version,
            body: self,
        }
    }

    /// The answer to its creation.
    pub(super) fn created(self) -> Created<Self> {
        Created {
            location: format!("/api/v1/departments/{}", self.id),
            version: Some(self.version),
            body: self,
        }
    }
}

impl From<Department> for DepartmentBody {
    fn from(department: Department) -> Self {
        Self {
            id: department.id,
            code: department.code.into_string(),
            name: department.name.into_string(),
            parent_id: department.parent_id,
            manager_id: department.manager_id,
            created_at: department.stamp.created_at,
            updated_at: department.stamp.updated_at,
            version: department.stamp.version,
        }
    }
}

/// What somebody can be employed as.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JobTitle)]
pub(super) struct JobTitleBody {
    /// The job title's identifier.
    #[schema(value_type = Uuid)]
    pub(super) id: JobTitleId,
    /// Its short name.
    #[schema(example = "SA_REP")]
    code: String,
    /// Its name.
    #[schema(example = "Sales Representative")]
    name: String,
    /// What it is usually paid.
    pay_range: Option<PayRangeBody>,
    /// When the record was made.
    #[serde(serialize_with = "wire::instant")]
    #[schema(value_type = String, format = DateTime)]
    created_at: OffsetDateTime,
    /// When the record was last changed.
    #[serde(serialize_with = "wire::instant")]
    #[schema(value_type = String, format = DateTime)]
    updated_at: OffsetDateTime,
    /// Counts the changes, from 1.
    version: i64,
}

/// The least and the most that a job is usually paid.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PayRange)]
pub(super) struct PayRangeBody {
    /// The least.
    min: MoneyBody,
    /// The most.
    max: MoneyBody,
}

impl JobTitleBody {
    /// The answer to a request for it.
    pub(super) fn whole(self) -> Whole<Self> {
        Whole {
            version: self.version,
            body: self,
        }
    }

    /// The answer to its creation.
    pub(super) fn created(self) -> Created<Self> {
        Created {
            location: format!("/api/v1/job-titles/{}", self.id),
            version: Some(self.version),
            body: self,
        }
    }
}

impl From<JobTitle> for JobTitleBody {
    fn from(job: JobTitle) -> Self {
        Self {
            id: job.id,
            code: job.code.into_string(),
            name: job.name.into_string(),
            pay_range: job.pay_range.map(|range| PayRangeBody {
                min: range.min().into(),
                max: range.max().into(),
            }),
            created_at: job.stamp.created_at,
            updated_at: job.stamp.updated_at,
            version: job.stamp.version,
        }
    }
}

/// A place where people work.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Location)]
pub(super) struct LocationBody {
    /// The location's identifier.
    #[schema(value_type = Uuid)]
    pub(super) id: LocationId,
    /// Its short name.
    #[schema(example = "OXF")]
    code: String,
    /// Its name.
    #[schema(example = "Oxford")]
    name: String,
    /// Street and number.
    #[schema(example = "Magdalen Centre, The Oxford Science Park")]
    street_address: Option<String>,
    /// Postal code.
    #[schema(example = "OX9 9ZB")]
    postal_code: Option<String>,
    /// City.
    #[schema(example = "Oxford")]
    city: Option<String>,
    /// State, province or region.
    #[schema(example = "Oxfordshire")]
    region: Option<String>,
    /// Country (ISO 3166-1 alpha-2).
    #[schema(example = "GB")]
    country: String,
    /// Its IANA time zone, where it is not the tenant's.
    #[schema(example = "Europe/London")]
    time_zone: Option<String>,
    /// When the record was made.
    #[serde(serialize_with = "wire::instant")]
    #[schema(value_type = String, format = DateTime)]
    created_at: OffsetDateTime,
    /// When the record was last changed.
    #[serde(serialize_with = "wire::instant")]
    #[schema(value_type = String, format = DateTime)]
    updated_at: OffsetDateTime,
    /// Counts the changes, from 1.
    version: i64,
}

impl LocationBody {
    /// The answer to a request for it.
    pub(super) fn whole(self) -> Whole<Self> {
        Whole {
            version: self.version,
            body: self,
        }
    }

    /// The answer to its creation.
    pub(super) fn created(self) -> Created<Self> {
        Created {
            location: format!("/api/v1/locations/{}", self.id),
            version: Some(self.version),
            body: self,
        }
    }
}

impl From<Location> for LocationBody {
    fn from(location: Location) -> Self {
        let address = location.address;
        Self {
            id: location.id,
            code: location.code.into_string(),
            name: location.name.into_string(),
            street_address: address.street.map(crate::model::Name::into_string),
            postal_code: address.postal_code.map(crate::model::Name::into_string),
            city: address.city.map(crate::model::Name::into_string),
            region: address.region.map(crate::model::Name::into_string),
            country: address.country.into_string(),
            time_zone: location.time_zone.map(|zone| zone.name().to_owned()),
            created_at: location.stamp.created_at,
            updated_at: location.stamp.updated_at,
            version: location.stamp.version,
        }
    }
}
