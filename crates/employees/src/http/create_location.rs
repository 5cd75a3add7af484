//! `POST /api/v1/locations`

use actix_web::{HttpResponse, post, web::Data};
use kernel::{FieldErrors, TimeZone};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{Allowed, Change, Draft, Problem, ProblemBody};

use super::{representation::LocationBody, wire};
use crate::{
    EmployeeService,
    model::{Location, Name, PostalAddress},
    permission::CreateOrganisation,
    service,
};

/// A location to create.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewLocation {
    /// Its short name; drawn from a series when absent.
    #[schema(example = "OXF")]
    code: Option<String>,
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
    /// Its IANA time zone, where it is not the company's.
    #[schema(example = "Europe/London")]
    time_zone: Option<String>,
}

impl NewLocation {
    /// What can be edited of a location.
    pub(super) fn of(location: &Location) -> Self {
        let address = &location.address;
        let text = |line: &Option<Name>| line.as_ref().map(|line| line.as_str().to_owned());
        Self {
            code: Some(location.code.as_str().to_owned()),
            name: location.name.as_str().to_owned(),
            street_address: text(&address.street),
            postal_code: text(&address.postal_code),
            city: text(&address.city),
            region: text(&address.region),
            country: address.country.as_str().to_owned(),
            time_zone: location
                .time_zone
                .as_ref()
                .map(|zone| zone.name().to_owned()),
        }
    }

    pub(super) fn parse(self) -> Result<service::NewLocation, Problem> {
        let mut wrong = FieldErrors::new();
        let code = wire::optional_text(self.code.as_deref(), "/code", &mut wrong);
        let mut line = |text: Option<String>, pointer| {
            wire::optional_text(text.as_deref(), pointer, &mut wrong)
        };
        let street = line(self.street_address, "/street_address");
        let postal_code = line(self.postal_code, "/postal_code");
        let city = line(self.city, "/city");
        let region = line(self.region, "/region");
        let time_zone = self
            .time_zone
            .and_then(|zone| wrong.take("/time_zone", zone.parse::<TimeZone>()));
        let name = wire::text(&self.name, "/name", &mut wrong);
        let country = wire::text(&self.country, "/country", &mut wrong);
        match (name, country) {
            (Some(name), Some(country)) if wrong.is_empty() => Ok(service::NewLocation {
                code,
                name,
                address: PostalAddress {
                    street,
                    postal_code,
                    city,
                    region,
                    country,
                },
                time_zone,
            }),
            _ => Err(Problem::invalid(wrong.into_vec())),
        }
    }
}

/// Create a location
#[utoipa::path(
    post,
    path = "/api/v1/locations",
    tag = "organisation",
    operation_id = "create_location",
    extensions(("x-permission" = json!("organisation:create"))),
    request_body = NewLocation,
    responses(
        (status = 201, description = "Created.", body = LocationBody,
         headers(("Location" = String, description = "The path of the location."))),
        (status = 409, description = "Another location has the code (`conflict`).",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Fields are missing or wrong (`validation_failed`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/locations")]
pub(super) async fn create_location(
    Allowed(permit): Allowed<CreateOrganisation>,
    change: Change,
    draft: Draft<NewLocation>,
    employees: Data<EmployeeService>,
) -> Result<HttpResponse, Problem> {
    change
        .run(async |tx| {
            let new = draft.read(NewLocation::parse)?;
            let created = employees.create_location(&permit, tx, new).await?;
            Ok(LocationBody::from(created).created())
        })
        .await
}
