//! The fields of people and of the organisation, each declared once: how much harm its disclosure does,
//! and which permissions open it.

use kernel::field::{
    AccessGroup::{self, Compensation, Contact, Identity},
    Class::{self, Internal, Personal, Sensitive},
    FieldDeclaration,
};

const fn field(name: &'static str, class: Class, group: AccessGroup) -> FieldDeclaration {
    FieldDeclaration::new(name, class, group)
}

pub(super) const EMPLOYEE_NUMBER: FieldDeclaration = field("employee_number", Internal, Identity);
pub(super) const FIRST_NAME: FieldDeclaration = field("first_name", Personal, Identity);
pub(super) const LAST_NAME: FieldDeclaration = field("last_name", Personal, Identity);
pub(super) const WORK_EMAIL: FieldDeclaration = field("work_email", Personal, Contact);
pub(super) const PHONE: FieldDeclaration = field("phone", Personal, Contact);
pub(super) const HIRE_DATE: FieldDeclaration = field("hire_date", Personal, Identity);
pub(super) const ORIGINAL_HIRE_DATE: FieldDeclaration =
    field("original_hire_date", Personal, Identity);
pub(super) const EMPLOYMENT_TYPE: FieldDeclaration = field("employment_type", Personal, Identity);
pub(super) const COMPENSATION: FieldDeclaration = field("compensation", Sensitive, Compensation);

/// Every field of an employee's representation, declared once.
pub const EMPLOYEE_FIELDS: &[FieldDeclaration] = &[
    field("id", Internal, Identity),
    EMPLOYEE_NUMBER,
    FIRST_NAME,
    LAST_NAME,
    WORK_EMAIL,
    PHONE,
    HIRE_DATE,
    ORIGINAL_HIRE_DATE,
    field("status", Personal, Identity),
    EMPLOYMENT_TYPE,
    field("department", Internal, Identity),
    field("job_title", Internal, Identity),
    field("location", Internal, Identity),
    field("manager", Personal, Identity),
    COMPENSATION,
    field("created_at", Internal, Identity),
    field("updated_at", Internal, Identity),
    field("version", Internal, Identity),
];

/// The first day on which somebody no longer works here.
pub(super) const EMPLOYED_UNTIL: FieldDeclaration = field("employed_until", Personal, Identity);
/// What somebody refers to, by its identifier.
pub(super) const DEPARTMENT_ID: FieldDeclaration = field("department_id", Internal, Identity);
pub(super) const JOB_TITLE_ID: FieldDeclaration = field("job_title_id", Internal, Identity);
pub(super) const LOCATION_ID: FieldDeclaration = field("location_id", Internal, Identity);
pub(super) const MANAGER_ID: FieldDeclaration = field("manager_id", Personal, Identity);
/// The first day on which a change holds.
pub(super) const EFFECTIVE_DATE: FieldDeclaration = field("effective_date", Personal, Identity);
/// Why a service ends.
pub(super) const REASON: FieldDeclaration = field("reason", Personal, Identity);
/// To whom those report who reported to somebody who leaves.
pub(super) const SUCCESSOR_ID: FieldDeclaration = field("successor_id", Personal, Identity);
/// Employments before the present one, which were written down later.
pub(super) const PAST_EMPLOYMENTS: FieldDeclaration = field("past_employments", Personal, Identity);
/// What was agreed for days on which somebody no longer works here.
pub(super) const LATER_EMPLOYMENTS: FieldDeclaration =
    field("later_employments", Personal, Identity);
pub(super) const LATER_COMPENSATIONS: FieldDeclaration =
    field("later_compensations", Sensitive, Compensation);

/// Of departments, job titles and locations.
pub(super) const CODE: FieldDeclaration = field("code", Internal, Identity);
pub(super) const NAME: FieldDeclaration = field("name", Internal, Identity);
pub(super) const PARENT_ID: FieldDeclaration = field("parent_id", Internal, Identity);
/// Who leads a department: said of it and not of him.
pub(super) const LED_BY: FieldDeclaration = field("manager_id", Internal, Identity);
/// What a job is usually paid; nobody's pay.
pub(super) const PAY_RANGE: FieldDeclaration = field("pay_range", Internal, Compensation);
pub(super) const STREET_ADDRESS: FieldDeclaration = field("street_address", Internal, Identity);
pub(super) const POSTAL_CODE: FieldDeclaration = field("postal_code", Internal, Identity);
pub(super) const CITY: FieldDeclaration = field("city", Internal, Identity);
pub(super) const REGION: FieldDeclaration = field("region", Internal, Identity);
pub(super) const COUNTRY: FieldDeclaration = field("country", Internal, Identity);
pub(super) const TIME_ZONE: FieldDeclaration = field("time_zone", Internal, Identity);
