//! `GET /api/v1/events`

use actix_web::{get, web::Data};
use kernel::{Limit, UserId};
use messaging::{Event, FeedQuery};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use web::{Allowed, Json, Problem, ProblemBody, Provenance, Query, Signed};

use crate::{Feed, Reader, permission::ReadEvents};

/// What is asked of the feed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EventParameters {
    /// Only events behind this position; 0, and so all of them, when absent.
    #[param(value_type = Option<i64>, minimum = 0, example = 0)]
    after: Option<String>,
    /// How many at most: 1 to 200, 25 when absent.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200, example = 25)]
    limit: Option<String>,
    /// Only events of this kind.
    #[param(example = "employee.hired.v1")]
    kind: Option<String>,
    /// Only events of this person, department, job title or location.
    #[param(value_type = Option<Uuid>)]
    subject_id: Option<String>,
}

impl EventParameters {
    fn parse(self) -> Result<(FeedQuery, Limit), Problem> {
        let after = self.after.as_deref().map(position).transpose()?;
        let limit = self.limit.as_deref().map(limit).transpose()?;
        let subject = self.subject_id.as_deref().map(subject).transpose()?;
        let query = FeedQuery {
            after: after.unwrap_or_default(),
            subject,
            kind: self.kind,
        };
        Ok((query, limit.unwrap_or_default()))
    }
}

fn position(text: &str) -> Result<i64, Problem> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| plain);
    number.ok_or_else(|| {
        Problem::parameter(
            "after",
            "is a position as the feed told it: a whole number from 0",
        )
    })
}

fn limit(text: &str) -> Result<Limit, Problem> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let number: Option<u16> = text.parse().ok().filter(|_| plain);
    number
        .and_then(Limit::new)
        .ok_or_else(|| Problem::parameter("limit", "is a number from 1 to 200"))
}

fn subject(text: &str) -> Result<Uuid, Problem> {
    let hyphenated = text.parse().map(uuid::fmt::Hyphenated::into_uuid);
    hyphenated.map_err(|_wrong| {
        Problem::parameter(
            "subject_id",
            "an identifier is a UUID, as the API returned it",
        )
    })
}

/// What an event happened to.
#[derive(Debug, Serialize, ToSchema)]
struct EventSubject {
    /// What it is: `employee`, `department`, `job_title`, `location`.
    #[serde(rename = "type")]
    #[schema(example = "employee")]
    kind: String,
    /// Which one.
    id: Uuid,
}

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
struct EventBody {
    /// Its place in the feed: 1 for the first event, and so on without a gap.
    #[schema(example = 1)]
    position: i64,
    /// Its identifier.
    id: Uuid,
    /// What happened; `docs/events.md` lists the kinds. Skip those that you do not know.
    #[schema(example = "employee.hired.v1")]
    kind: String,
    /// To what it happened.
    subject: EventSubject,
    /// What there is to say of it, as far as the caller may see it: which fields, the kind says.
    #[schema(value_type = Object, example = json!({"effective_date": "2027-01-01", "manager_id": null}))]
    data: Value,
    /// The user who did it, if it was one.
    actor_id: Option<Uuid>,
    /// The request in which it happened, if it was one.
    #[schema(example = "7f3c")]
    request_id: Option<String>,
    /// When it happened.
    #[serde(with = "time::serde::rfc3339")]
    occurred_at: OffsetDateTime,
}

impl From<Event> for EventBody {
    fn from(event: Event) -> Self {
        Self {
            position: event.position,
            id: event.id.uuid(),
            kind: event.kind,
            subject: EventSubject {
                kind: event.subject_kind,
                id: event.subject_id,
            },
            data: event.data,
            actor_id: event.actor.map(UserId::uuid),
            request_id: event.request_id,
            occurred_at: event.occurred_at,
        }
    }
}

/// Where in the feed a page is.
#[derive(Debug, Serialize, ToSchema)]
struct EventPage {
    /// What to ask with as `after` to go on; what was asked with when there is nothing new.
    #[schema(example = 1)]
    next_after: i64,
    /// How many events a page has at most.
    #[schema(example = 25)]
    limit: u16,
}

/// A page of the feed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventList {
    /// The events, in their order.
    data: Vec<EventBody>,
    /// Where to go on.
    page: EventPage,
}

/// List events
///
/// What happened in the company, in one order without gaps that never changes: whoever remembers
/// `page.next_after` and asks with it as `after` misses nothing. The events of one subject stand in the
/// order in which its changes were kept. What the caller may not see is left out of `data`, and the
/// event stands in its place all the same. That the caller saw what people are paid is recorded in the
/// audit.
#[utoipa::path(
    get,
    path = "/api/v1/events",
    tag = "events",
    operation_id = "list_events",
    extensions(("x-permission" = json!("events:read"))),
    params(EventParameters),
    responses(
        (status = 200, description = "The next events; none when there is nothing new.",
         body = EventList),
        (status = 400, description = "A parameter is unknown or wrong (`invalid_parameter`).",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/events")]
pub(super) async fn list_events(
    Allowed(permit): Allowed<ReadEvents>,
    Signed { tenant, actor }: Signed,
    Provenance(origin): Provenance,
    Query(parameters): Query<EventParameters>,
    feed: Data<Feed>,
) -> Result<Json<EventList>, Problem> {
    let (query, limit) = parameters.parse()?;
    let reader = Reader {
        tenant: &tenant,
        actor: &actor,
        origin: &origin,
    };
    let events = feed.read(&permit, reader, &query, limit.get());
    let events = events.await?;
    let next_after = events.last().map_or(query.after, |last| last.position);
    Ok(Json(EventList {
        data: events.into_iter().map(EventBody::from).collect(),
        page: EventPage {
            next_after,
            limit: limit.get(),
        },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Result<(FeedQuery, Limit), String> {
        let parameters: EventParameters = serde_json::from_str(query).unwrap();
        parameters.parse().map_err(|problem| problem.to_string())
    }

    #[test]
    fn a_position_is_a_whole_number_and_a_limit_is_bounded() {
        let (query, limit) = parse(r#"{"after": "17", "limit": "200"}"#).unwrap();
        assert_eq!((query.after, limit.get()), (17, 200));
        let (query, limit) = parse("{}").unwrap();
        assert_eq!((query, limit.get()), (FeedQuery::default(), 25));
        for wrong in [
            r#"{"after": "-1"}"#,
            r#"{"after": "+1"}"#,
            r#"{"after": ""}"#,
            r#"{"after": "9223372036854775808"}"#,
            r#"{"limit": "0"}"#,
            r#"{"limit": "201"}"#,
            r#"{"subject_id": "{01920000-0000-7000-8000-000000000007}"}"#,
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
