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
        match preferred(headers, &["application/json", "text/csv"]) {
            Some(&"text/csv") => Ok(Self::Csv),
            Some(_json) => Ok(Self::Json),
            None => Err(Problem::new(
                ErrorKind::NotAcceptable,
                "This list is written as application/json, a page at a time, or whole as text/csv.",
            )),
        }
    }
}

/// The one of these media types that the client likes best, the earlier of two that he likes alike;
/// `None` when he takes none of them. Who does not say takes any.
pub(crate) fn preferred<'types, T: AsRef<str>>(
    headers: &HeaderMap,
    types: &'types [T],
) -> Option<&'types T> {
    let lines: Vec<_> = headers.get_all(header::ACCEPT).collect();
    let ranges: Vec<_> = lines
        .iter()
        .flat_map(|line| line.to_str().unwrap_or("?").split(','))
        .filter(|range| !range.trim().is_empty())
        .map(Range::read)
        .collect();
    if ranges.is_empty() {
        return types.first();
    }
    let mut best = None;
    for candidate in types {
        // The most specific range that fits decides.
        let fitting = ranges
            .iter()
            .flatten()
            .filter_map(|range| Some((range.fits(candidate.as_ref())?, range.quality)));
        let quality = fitting.max_by_key(|(specific, _)| *specific).map(|it| it.1);
        if let Some(quality @ 1..) = quality
            && best.is_none_or(|(_, known)| quality > known)
        {
            best = Some((candidate, quality));
        }
    }
    best.map(|(candidate, _)| candidate)
}

/// `application/*;q=0.5`
struct Range<'header> {
    group: &'header str,
    name: &'header str,
    /// In thousandths.
    quality: u16,
}

impl<'header> Range<'header> {
    /// What cannot be read fits nothing.
    fn read(text: &'header str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (group, name) = parts.next()?.split_once('/')?;
        let weight = parts.find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
        });
        Some(Self {
            group,
            name,
            quality: weight.map_or(Some(1_000), thousandths)?,
        })
    }

    /// How specifically it names the type, if it does.
    fn fits(&self, media_type: &str) -> Option<u8> {
        let (group, name) = media_type.split_once('/')?;
        match (self.group, self.name) {
            ("*", "*") => Some(0),
            (same, "*") if same.eq_ignore_ascii_case(group) => Some(1),
            (same, also) if same.eq_ignore_ascii_case(group) && also.eq_ignore_ascii_case(name) => {
                Some(2)
            }
            _ => None,
        }
    }
}

/// A weight from 0 to 1 with three decimals at most (RFC 9110, 12.4.2).
fn thousandths(weight: &str) -> Option<u16> {
    let (whole, decimals) = weight.split_once('.').unwrap_or((weight, ""));
    let is_short = decimals.len() <= 3 && decimals.bytes().all(|byte| byte.is_ascii_digit());
    let decimals: u16 = format!("{decimals:0<3}")
        .parse()
        .ok()
        .filter(|_| is_short)?;
    match whole {
        "0" => Some(decimals),
        "1" if decimals == 0 => Some(1_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{http::header::HeaderValue, test::TestRequest};

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

    fn chosen(lines: &[&'static str]) -> Option<&'static str> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::ACCEPT, HeaderValue::from_static(line));
        }
        preferred(&headers, &["application/json", "text/csv"]).copied()
    }

    #[test]
    fn who_says_nothing_takes_the_first() {
        for lines in [&[][..], &[""], &[" , "], &["*/*"], &["*/*;q=0.1"]] {
            assert_eq!(chosen(lines), Some("application/json"), "{lines:?}");
        }
    }

    #[test]
    fn what_is_liked_best_is_taken() {
        for (lines, expected) in [
            (&["text/csv"][..], "text/csv"),
            (&["text/*"], "text/csv"),
            (&["TEXT/CSV"], "text/csv"),
            (&["application/*"], "application/json"),
            (&["application/json; charset=utf-8"], "application/json"),
            (&["text/csv, application/json"], "application/json"),
            (&["text/csv, application/json;q=0.9"], "text/csv"),
            (&["text/csv, */*;q=0.1"], "text/csv"),
            (&["text/html", "text/csv;q=0.2"], "text/csv"),
            (&["application/json;q=0, */*"], "text/csv"),
            (&["*/*;q=0, text/csv;q=0.001"], "text/csv"),
            (
                &["text/html, application/xhtml+xml, */*;q=0.8"],
                "application/json",
            ),
        ] {
            assert_eq!(chosen(lines), Some(expected), "{lines:?}");
        }
    }

    #[test]
    fn who_takes_nothing_of_it_gets_nothing() {
        for lines in [
            &["text/html"][..],
            &["application/xml, image/*"],
            &["*/*;q=0"],
            &["application/json;q=0.0, text/csv;q=0"],
            &["application/problem+json"],
            &["nonsense"],
            &["*"],
            &["*/json"],
            &["application/json;q=2"],
            &["application/json;q=0.0001"],
            &["application/json;q=-1"],
            &["application/json;q="],
        ] {
            assert_eq!(chosen(lines), None, "{lines:?}");
        }
    }
}
