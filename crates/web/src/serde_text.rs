//! What serde's errors say, which it tells as text alone.
//!
//! A name between back-ticks may be the client's own and hold back-ticks itself, so texts are taken
//! apart at what serde wrote around it.

/// The name in "unknown field `colour`, expected …", as the client wrote it.
pub(crate) fn unknown_field(message: &str) -> Option<&str> {
    let rest = message.strip_prefix("unknown field `")?;
    rest.strip_suffix("`, there are no fields").or_else(|| {
        // The names after it are Rust's and hold no such words.
        let (name, _expected) = rest.rsplit_once("`, expected ")?;
        Some(name)
    })
}

/// The name in "missing field `first_name`".
pub(crate) fn missing_field(message: &str) -> Option<&str> {
    between(message, "missing field `", "`")
}

/// The name in "duplicate field `limit`".
pub(crate) fn duplicate_field(message: &str) -> Option<&str> {
    between(message, "duplicate field `", "`")
}

/// One of the words in "unknown variant `daily`, expected `monthly` or `weekly`".
pub(crate) fn expected_variant(message: &str) -> Option<&str> {
    message
        .starts_with("unknown variant `")
        .then(|| message.strip_suffix('`')?.rsplit('`').next())
        .flatten()
}

fn between<'text>(text: &'text str, before: &str, after: &str) -> Option<&'text str> {
    text.strip_prefix(before)?.strip_suffix(after)
}

#[cfg(test)]
mod tests {
    use serde::de::{Error as _, value::Error};

    use super::*;

    #[test]
    fn names_are_read_whatever_they_hold() {
        for name in ["colour", "", "`", "a`b`c", "`, expected `x", "ä\n"] {
            for expected in [&[][..], &["a"], &["a", "b"], &["a", "b", "c"]] {
                let message = Error::unknown_field(name, expected).to_string();
                assert_eq!(unknown_field(&message), Some(name), "{message}");
                assert_eq!(
                    (missing_field(&message), duplicate_field(&message)),
                    (None, None)
                );
            }
        }
        let message = Error::missing_field("first_name").to_string();
        assert_eq!(missing_field(&message), Some("first_name"));
        let message = Error::duplicate_field("limit").to_string();
        assert_eq!(duplicate_field(&message), Some("limit"));
    }

    #[test]
    fn a_word_that_is_expected_is_read() {
        for expected in [&["a"][..], &["b", "a"], &["c", "b", "a"]] {
            let message = Error::unknown_variant("x`y", expected).to_string();
            assert_eq!(expected_variant(&message), Some("a"), "{message}");
        }
        assert_eq!(
            expected_variant("unknown variant `x`, there are no variants"),
            None
        );
        assert_eq!(expected_variant("invalid type: string `a`"), None);
    }
}
