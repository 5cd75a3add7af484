//! Cursors: where the next page begins, sealed, so that a client can neither read whom a page ended
//! with nor ask for what was not offered.

use aws_lc_rs::{
    aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use database::TenantContext;
use kernel::{ErrorKind, Limit, PageRequest};
use secrecy::{ExposeSecret as _, SecretSlice};
use serde::{Serialize, de::DeserializeOwned};

use crate::Problem;

/// What a cursor is good for: one tenant, one route, one filter and order. Used anywhere else it
/// does not open.
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
///
/// The cipher is AES-256-GCM-SIV (RFC 8452), which may see a nonce again: it then shows that two
/// cursors are the same one, and a list that is read twice has the same cursors.
pub struct Cursors {
    key: LessSafeKey,
    digests: hmac::Key,
}

/// The shared secret is shorter than 32 bytes.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the secret of the cursors cannot be used")]
pub struct CursorKeyError;

impl Cursors {
    /// Takes the secret that all processes share, of 32 bytes or more.
    ///
    /// # Errors
    /// [`CursorKeyError`].
    pub fn new(secret: &SecretSlice<u8>) -> Result<Self, CursorKeyError> {
        let secret = secret.expose_secret();
        if secret.len() < 32 {
            return Err(CursorKeyError);
        }
        // A key for this purpose alone, whatever else the secret may come to be used for.
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let key = hmac::sign(&secret, b"hrms cursors: AES-256-GCM-SIV");
        let digests = hmac::sign(&secret, b"hrms requests: HMAC-SHA-256");
        let key =
            UnboundKey::new(&AES_256_GCM_SIV, key.as_ref()).map_err(|_length| CursorKeyError)?;
        Ok(Self {
            key: LessSafeKey::new(key),
            digests: hmac::Key::new(hmac::HMAC_SHA256, digests.as_ref()),
        })
    }

    /// A digest by which a request is known again. Whoever reads it learns nothing of the request,
    /// by trying neither: a body may hold a password.
    pub(crate) fn digest(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.digests);
        for part in parts {
            context.update(part);
        }
        context.sign().as_ref().try_into().unwrap_or_default()
    }

    /// Writes a cursor.
    pub fn seal<K: Serialize>(&self, scope: &CursorScope, key: &K) -> String {
        // Sort keys are strings, dates and ids: writing them cannot fail, nor can sealing a few.
        let mut bytes = serde_json::to_vec(key).unwrap_or_default();
        let sealed = self
            .key
            .seal_in_place_append_tag(nonce(), Aad::from(&scope.0), &mut bytes);
        if sealed.is_err() {
            bytes.clear();
        }
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
        let mut bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_text| invalid())?;
        let key = self
            .key
            .open_in_place(nonce(), Aad::from(&scope.0), &mut bytes)
            .map_err(|_forged| invalid())?;
        serde_json::from_slice(key).map_err(|_other_list| invalid())
    }
}

fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
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
pub(crate) fn page_request<K: DeserializeOwned>(
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
        Cursors::new(&SecretSlice::from(vec![7; 32])).unwrap()
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
    fn a_cursor_shows_nobody_whom_a_page_ended_with() {
        let sealed = cursors().seal(&scope(""), &("Yang".to_owned(), 7));
        let bytes = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
        assert!(!bytes.windows(4).any(|part| part == b"Yang"));
        assert_eq!(sealed, cursors().seal(&scope(""), &("Yang".to_owned(), 7)));
    }

    #[test]
    fn a_short_secret_is_refused() {
        assert!(Cursors::new(&SecretSlice::from(vec![7; 31])).is_err());
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
