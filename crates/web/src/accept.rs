//! Which representation the client wants (RFC 9110, 12.5.1).

use actix_web::http::header::{self, HeaderMap};
use kernel::ErrorKind;

use crate::Problem;

/// A list as JSON, a page at a time, or whole as CSV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Csv,
}

impl Format {
    /// What the client prefers; JSON when it does not say, or likes both the same.
    ///
    /// # Errors
    /// 406 `not_acceptable` when it wants neither.
    pub(crate) fn wanted(headers: &HeaderMap) -> Result<Self, Problem> {
        let json = quality(headers, "application", "json");
        let csv = quality(headers, "text", "csv");
        match (json, csv) {
            (0, 0) => Err(Problem::new(
                ErrorKind::NotAcceptable,
                "This list is written as application/json, a page at a time, or whole as text/csv.",
            )),
            (json, csv) if csv > json => Ok(Self::Csv),
            _ => Ok(Self::Json),
        }
    }
}

/// How much the client likes a media type, in thousandths; the most specific range decides.
pub(crate) fn quality(headers: &HeaderMap, kind: &str, subtype: &str) -> u16 {
    let mut given = false;
    let mut best: Option<(u8, u16)> = None;
    for value in headers.get_all(header::ACCEPT) {
        for range in value.to_str().unwrap_or_default().split(',') {
            let mut parts = range.split(';').map(str::trim);
            let Some((wanted, wanted_sub)) = parts.next().and_then(|it| it.split_once('/')) else {
                continue;
            };
            given = true;
            let is = |pattern: &str, name: &str| pattern.eq_ignore_ascii_case(name);
            let specific = match (wanted, wanted_sub) {
                ("*", "*") => 1,
                (wanted, "*") if is(wanted, kind) => 2,
                (wanted, sub) if is(wanted, kind) && is(sub, subtype) => 3,
                _ => continue,
            };
            let quality = parts
                .find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")))
                .map_or(1000, thousandths);
            if best.is_none_or(|(known, _)| known < specific) {
                best = Some((specific, quality));
            }
        }
    }
    match best {
        Some((_, quality)) => quality,
        None if given => 0,
        None => 1000,
    }
}

/// `0.5` is 500; what is no quality counts as none.
fn thousandths(text: &str) -> u16 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = format!("{fraction:0<3}");
    match (
        whole,
        fraction.get(..3).and_then(|digits| digits.parse().ok()),
    ) {
        ("1", _) => 1000,
        ("0", Some(thousandths)) => thousandths,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn wanted(accept: &[&str]) -> Result<Format, ErrorKind> {
        let request = accept
            .iter()
            .fold(TestRequest::default(), |request, value| {
                request.append_header(("accept", *value))
            })
            .to_http_request();
        Format::wanted(request.headers()).map_err(|problem| problem.kind())
    }

    #[test]
    fn a_list_is_json_unless_csv_is_liked_better() {
        for json in [
            &[] as &[&str],
            &["*/*"],
            &[""],
            &["application/json"],
            &["application/*;q=0.1"],
            &["text/csv;q=0.5, application/json"],
            &["text/csv, application/json"],
            &["text/html, */*;q=0.8"],
        ] {
            assert_eq!(wanted(json), Ok(Format::Json), "{json:?}");
        }
        for csv in [
            &["text/csv"] as &[&str],
            &["Text/CSV; charset=utf-8"],
            &["text/*"],
            &["application/json;q=0.9, text/csv"],
            &["application/json;q=0.2", "text/csv;q=0.3"],
            &["*/*;q=0.1, text/csv"],
            &["application/json;q=0, */*"],
        ] {
            assert_eq!(wanted(csv), Ok(Format::Csv), "{csv:?}");
        }
        for neither in [
            &["text/html"] as &[&str],
            &["image/*, text/csv;q=0"],
            &["*/*;q=0"],
        ] {
            assert_eq!(
                wanted(neither),
                Err(ErrorKind::NotAcceptable),
                "{neither:?}"
            );
        }
    }
}
