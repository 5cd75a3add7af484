//! `PATCH /api/v1/employees/{id}`

use actix_web::{HttpResponse, patch, web::Data};
use kernel::{EmailAddress, EmployeeId, FieldErrors};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{Allowed, Change, Draft, Id, IfMatch, PatchOf, Problem, ProblemBody};

use super::{representation::EmployeeBody, wire};
use crate::{
    EmployeeService,
    model::{Employee, PersonName},
    permission::Update,
    service::Particulars,
};

/// What can be edited of a person.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewParticulars)]
pub(super) struct ParticularsBody {
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
}

impl ParticularsBody {
    fn of(person: &Employee) -> Self {
        let email = person.work_email.as_ref();
        let phone = person.phone.as_ref();
        Self {
            employee_number: person.number.as_str().to_owned(),
            first_name: person.name.first.as_str().to_owned(),
            last_name: person.name.last.as_str().to_owned(),
            work_email: email.map(|email| email.as_str().to_owned()),
            phone: phone.map(|phone| phone.as_str().to_owned()),
        }
    }

    fn parse(self) -> Result<Particulars, Problem> {
        let mut wrong = FieldErrors::new();
        let number = wire::text(&self.employee_number, "/employee_number", &mut wrong);
        let first = wire::text(&self.first_name, "/first_name", &mut wrong);
        let last = wire::text(&self.last_name, "/last_name", &mut wrong);
        let email = self.work_email.map(|text| text.parse::<EmailAddress>());
        let work_email = email.and_then(|email| wrong.take("/work_email", email));
        let phone = wire::optional_text(self.phone.as_deref(), "/phone", &mut wrong);
        match number.zip(first.zip(last)) {
            Some((number, (first, last))) if wrong.is_empty() => Ok(Particulars {
                number,
                name: PersonName { first, last },
                work_email,
                phone,
            }),
            _ => Err(Problem::invalid(wrong.into_vec())),
        }
    }
}

/// Change an employee
///
/// What is said of the person: a merge patch (RFC 7396), in which what is absent stays and `null`
/// clears. Where he works and as what is changed by `transfer`, `promote`, `change-compensation`,
/// `terminate` and `rehire`.
#[utoipa::path(
    patch,
    path = "/api/v1/employees/{id}",
    tag = "employees",
    operation_id = "update_employee",
    extensions(("x-permission" = json!("employees:update"))),
    params(("id" = uuid::Uuid, Path, description = "The employee.")),
    request_body(content = PatchOf<ParticularsBody>, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, description = "The employee as he is now.", body = EmployeeBody,
         headers(("ETag" = String, description = "The new version, when nothing of him is hidden."))),
        (status = 404, description = "No such employee (`not_found`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "Another employee has the number or the address \
         (`conflict`).", body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, description = "He was changed since (`version_mismatch`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong (`validation_failed`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 428, description = "`If-Match` is missing (`precondition_required`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[patch("/api/v1/employees/{id}")]
pub(super) async fn update_employee(
    Allowed(permit): Allowed<Update>,
    change: Change,
    Id(id): Id<EmployeeId>,
    if_match: IfMatch,
    draft: Draft<ParticularsBody>,
    employees: Data<EmployeeService>,
) -> Result<HttpResponse, Problem> {
    change
        .run(async |tx| {
            let person = employees.lock_employee(&permit, tx, id).await?;
            if_match.check(person.stamp.version)?;
            let wanted = draft.merged(&ParticularsBody::of(&person), ParticularsBody::parse)?;
            let changed = employees.update(tx, &change.actor, person, wanted).await?;
            Ok(EmployeeBody::from(changed))
        })
        .await
}
