//! Cursors: where the next page begins, signed, so that a client cannot ask for what was not
//! offered.

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use database::TenantContext;
use kernel::{ErrorKind, Limit, PageRequest};
use secrecy::{ExposeSecret as _, SecretSlice};
use serde::{Serialize, de::DeserializeOwned};

use crate::Problem;

const TAG: usize = 16;

/// What a cursor is good for: one tenant, one route, one filter and order. Used anywhere else it
/// does not verify.
#[derive(Clone, Debug)]
pub struct CursorScope(String);

impl CursorScope {
    /// `list` is everything that makes it another list: the filters and the order, in a canonical
    /// form.
    pub fn new(tenant: &TenantContext, route: &str, list: &str) -> Self {
        Self(format!("{}\n{route}\n{list}", tenant.id()))
    }
}

/// Seals and opens cursors with a key that all processes share.
#[derive(Clone)]
pub struct Cursors {
    key: hmac::Key,
}

impl Cursors {
    /// The key has 32 bytes or more.
    pub fn new(key: &SecretSlice<u8>) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret()),
        }
    }

    /// Writes a cursor.
    pub fn seal<K: Serialize>(&self, scope: &CursorScope, key: &K) -> String {
        // Sort keys are strings, dates and ids: writing them cannot fail.
        let mut bytes = serde_json::to_vec(key).unwrap_or_default();
        let tag = self.tag(scope, &bytes);
        bytes.extend(tag.as_ref().iter().take(TAG));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a cursor.
    ///
    /// # Errors
    /// `invalid_cursor` when it was tampered with, or sealed for another list.
    pub fn open<K: DeserializeOwned>(
        &self,
        scope: &CursorScope,
        cursor: &str,
    ) -> Result<K, Problem> {
        let invalid = || {
            Problem::new(
                ErrorKind::InvalidCursor,
                "This cursor does not belong to this list. Take `next_cursor` as it was returned, \
                 with the same filters and order, or start without a cursor.",
            )
        };
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_text| invalid())?;
        let split = bytes.len().checked_sub(TAG).ok_or_else(invalid)?;
        let (key, tag) = bytes.split_at(split);
        let expected = self.tag(scope, key);
        let expected = expected.as_ref().get(..TAG).ok_or_else(invalid)?;
        aws_lc_rs::constant_time::verify_slices_are_equal(expected, tag)
            .map_err(|_forged| invalid())?;
        serde_json::from_slice(key).map_err(|_other_list| invalid())
    }

    fn tag(&self, scope: &CursorScope, key: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&(scope.0.len() as u64).to_be_bytes());
        context.update(scope.0.as_bytes());
        context.update(key);
        context.sign()
    }
}

impl std::fmt::Debug for Cursors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cursors")
    }
}

/// Reads the paging parameters that every list takes.
///
/// # Errors
/// `invalid_parameter` naming `limit` or `count`, `invalid_cursor`.
pub fn page_request<K: DeserializeOwned>(
    cursors: &Cursors,
    scope: &CursorScope,
    limit: Option<&str>,
    cursor: Option<&str>,
    count: Option<&str>,
) -> Result<PageRequest<K>, Problem> {
    let limit = match limit {
        None => Limit::default(),
        Some(text) => text.parse().ok().and_then(Limit::new).ok_or_else(|| {
            Problem::parameter(
                "limit",
                format!("must be a whole number from 1 to {}", Limit::MAX),
            )
        })?,
    };
    let count = match count {
        None => false,
        Some("exact") => true,
        Some(_) => return Err(Problem::parameter("count", "`exact` is the only value")),
    };
    let after = cursor
        .map(|cursor| cursors.open(scope, cursor))
        .transpose()?;
    Ok(PageRequest {
        limit,
        after,
        count,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cursors() -> Cursors {
        Cursors::new(&SecretSlice::from(vec![7; 32]))
    }

    fn scope(list: &str) -> CursorScope {
        CursorScope(format!("tenant\nGET /employees\n{list}"))
    }

    proptest! {
        #[test]
        fn a_cursor_opens_where_it_was_sealed_and_nowhere_else(
            key in any::<(String, u64)>(), list in "[a-z=&]{0,12}", other in "[a-z=&]{0,12}",
        ) {
            let sealed = cursors().seal(&scope(&list), &key);
            prop_assert_eq!(&cursors().open::<(String, u64)>(&scope(&list), &sealed).unwrap(), &key);
            if list != other {
                prop_assert!(cursors().open::<(String, u64)>(&scope(&other), &sealed).is_err());
            }
        }

        #[test]
        fn a_cursor_with_one_changed_bit_does_not_open(key in any::<(String, u64)>(), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
            let sealed = URL_SAFE_NO_PAD.decode(cursors().seal(&scope("x"), &key)).unwrap();
            let mut forged = sealed;
            let at = at.index(forged.len());
            forged[at] ^= 1_u8 << bit;
            let forged = URL_SAFE_NO_PAD.encode(forged);
            prop_assert!(cursors().open::<(String, u64)>(&scope("x"), &forged).is_err());
        }

        #[test]
        fn any_text_is_a_cursor_or_an_error_never_a_panic(text in any::<String>()) {
            prop_assert!(cursors().open::<(String, u64)>(&scope("x"), &text).is_err());
        }
    }

    #[test]
    fn a_limit_outside_1_to_200_is_refused_by_name() {
        for limit in ["0", "201", "-1", "ten", ""] {
            let problem =
                page_request::<u8>(&cursors(), &scope(""), Some(limit), None, None).unwrap_err();
            assert!(problem.to_string().contains("`limit`"), "{limit}");
        }
    }
}
