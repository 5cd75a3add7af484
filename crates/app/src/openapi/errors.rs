//! The users' page about every error.

use std::fmt::Write as _;

use web::ErrorType;

const INTRODUCTION: &str = "\
<!-- Written from crates/web/src/catalogue.rs: ./just openapi -->
# Errors

Every error is a problem document (RFC 9457), `application/problem+json`, whatever was asked for:

```json
{ \"type\": \"https://docs.hrms.invalid/problems/validation_failed\",
  \"title\": \"Some fields are not valid\", \"status\": 422, \"error\": \"validation_failed\",
  \"detail\": \"One field is not valid: see `errors`.\", \"instance\": \"/api/v1/employees\",
  \"request_id\": \"0192f0c1-7f0a-7000-8000-000000000001\",
  \"errors\": [ { \"pointer\": \"/first_name\", \"code\": \"required\", \"message\": \"…\" } ] }
```

`error` is the stable code: go by it, never by the texts, which may change. `errors` names every invalid
field, by a JSON pointer into the body or by the name of a parameter. `request_id` is in our logs: quote
it when you ask. Codes are added, never renamed; take one that you do not know by its status.

What is no HTTP request at all (no `Host` or two, two lengths, a head that is too large) is answered by the
parser, with 400 or 431 and no body, before anything of the platform has seen it; the connection is closed.

| status | code | when | what to do |
| --- | --- | --- | --- |
";

/// `docs/errors.md`.
pub(super) fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    let mut all: Vec<_> = ErrorType::all().collect();
    all.sort_by_key(|error| error.status);
    for error in all {
        let ErrorType {
            status,
            when,
            remedy,
            ..
        } = error;
        // Writing to a string can't fail.
        let _ = writeln!(
            page,
            "| {status} | `{}` | {when} | {remedy} |",
            error.kind.as_str()
        );
    }
    page
}
