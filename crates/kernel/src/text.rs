//! Keys by which text is compared and sorted.
//!
//! Row security lets PostgreSQL use an index for leakproof operators only, and `lower()` is none:
//! so what people type is stored beside a key that was normalised here, and comparisons are plain
//! text comparisons under the collation "C".

use unicode_normalization::UnicodeNormalization as _;

/// The form in which two spellings of the same text are equal: Unicode NFKC, lower case, single
/// spaces.
pub fn normalised_key(text: &str) -> String {
    let lower = text.nfkc().collect::<String>().to_lowercase();
    let mut key = String::with_capacity(lower.len());
    for word in lower.split_whitespace() {
        if !key.is_empty() {
            key.push(' ');
        }
        key.push_str(word);
    }
    // Lower-casing can leave a sequence that NFKC would compose anew.
    key.nfkc().collect()
}

/// Whether somebody who reads the character sees it where it stands: neither a control character nor
/// one that reorders or hides text (Unicode TR 36, "bidirectional text spoofing") or parts lines.
pub fn is_printable(c: char) -> bool {
    let hides = matches!(
        c,
        '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}'
    );
    !hides && !c.is_control()
}

/// The smallest text greater than every text that starts with `prefix`, in code-point order: a
/// prefix search is the range `prefix <= key < prefix_end`. `None` when there is no such text.
pub fn prefix_end(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        // The surrogates between U+D7FF and U+E000 are not characters.
        let next = match last {
            '\u{D7FF}' => Some('\u{E000}'),
            other => char::from_u32(u32::from(other) + 1),
        };
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_one_name_share_a_key() {
        assert_eq!(
            normalised_key("  Zoë   O’Neil "),
            normalised_key("ZOE\u{308} o’neil")
        );
        assert_ne!(normalised_key("Zoë"), normalised_key("Zoe"));
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(text in any::<String>()) {
            let key = normalised_key(&text);
            prop_assert_eq!(normalised_key(&key), key);
        }

        #[test]
        fn a_prefix_is_a_range(prefix in "\\PC{1,4}", rest in any::<String>(), other in any::<String>()) {
            let end = prefix_end(&prefix);
            let inside = |text: &str| text >= prefix.as_str() && end.as_deref().is_none_or(|end| text < end);
            let extended = format!("{prefix}{rest}");
            prop_assert!(inside(&extended));
            prop_assert_eq!(inside(&other), other.starts_with(&prefix));
        }
    }
}
