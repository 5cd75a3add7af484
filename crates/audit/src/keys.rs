//! What keeps personal values unread: the installation's key, and those of the persons under it.

use std::sync::Arc;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf, hmac,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use kernel::Ambient;
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

/// Why a key cannot be used, or something that was kept under it cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditKeyError {
    /// The setting is no key.
    #[error(
        "a key of the audit is 32 random bytes in base64, as `openssl rand -base64 32` makes them"
    )]
    Malformed,
    /// It was kept under another key than this one.
    #[error("it was kept under another key of the audit than the one in use")]
    AnotherKey,
    /// It is not what was kept.
    #[error("it is not what was kept: it was changed, or belongs elsewhere")]
    Damaged,
}

/// The key under which an installation keeps the keys of persons, and those that are derived from it.
/// Cheap to clone.
#[derive(Clone)]
pub struct AuditKeys(Arc<Derived>);

struct Derived {
    wrapping: LessSafeKey,
    fingerprint: [u8; 4],
    hashing: hkdf::Prk,
}

/// The form of what is kept here, to be told from later ones.
const FORM: u8 = 1;

impl AuditKeys {
    /// Reads the installation's key: 32 random bytes in base64.
    ///
    /// # Errors
    /// [`AuditKeyError::Malformed`].
    pub fn read(secret: &SecretString) -> Result<Self, AuditKeyError> {
        let bytes = STANDARD.decode(secret.expose_secret().trim());
        let bytes = bytes.map_err(|_secret| AuditKeyError::Malformed)?;
        let bytes: [u8; 32] = bytes
            .try_into()
            .map_err(|_secret| AuditKeyError::Malformed)?;
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"hrms audit").extract(&bytes);
        let fingerprint: [u8; 32] = derive(&root, &[b"fingerprint"])?;
        let [a, b, c, d, ..] = fingerprint;
        Ok(Self(Arc::new(Derived {
            wrapping: aead(derive(&root, &[b"persons"])?)?,
            fingerprint: [a, b, c, d],
            hashing: root,
        })))
    }

    /// Draws a key for a person of a tenant: itself, and as it is kept.
    pub(crate) fn draw(
        &self,
        ambient: &Ambient,
        tenant: Uuid,
        person: Uuid,
    ) -> Result<(PersonKey, Vec<u8>), AuditKeyError> {
        let key: [u8; 32] = ambient.bytes();
        let mut kept = vec![FORM];
        kept.extend(self.0.fingerprint);
        kept.extend(seal(
            &self.0.wrapping,
            ambient.bytes(),
            &[tenant, person],
            &key,
        )?);
        Ok((PersonKey(aead(key)?), kept))
    }

    /// The key of a person, from how it is kept.
    pub(crate) fn unwrap(
        &self,
        tenant: Uuid,
        person: Uuid,
        kept: &[u8],
    ) -> Result<PersonKey, AuditKeyError> {
        let rest = kept.strip_prefix(&[FORM]).ok_or(AuditKeyError::Damaged)?;
        let rest = rest.strip_prefix(&self.0.fingerprint);
        let sealed = rest.ok_or(AuditKeyError::AnotherKey)?;
        let key = open(&self.0.wrapping, &[tenant, person], sealed)?;
        let key: [u8; 32] = key.try_into().map_err(|_length| AuditKeyError::Damaged)?;
        Ok(PersonKey(aead(key)?))
    }

    /// A tenant's own hash of a text: equal for equal texts, and nothing can be told from it without
    /// the key.
    pub(crate) fn hash(&self, tenant: Uuid, text: &str) -> Result<String, AuditKeyError> {
        let key: [u8; 32] = derive(&self.0.hashing, &[b"numbers", tenant.as_bytes()])?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        Ok(hex(hmac::sign(&key, text.as_bytes()).as_ref()))
    }
}

impl std::fmt::Debug for AuditKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AuditKeys({})", hex(&self.0.fingerprint))
    }
}

/// The key of one person.
pub(crate) struct PersonKey(LessSafeKey);

impl PersonKey {
    /// Encrypts what is said of him in one event.
    pub(crate) fn seal(
        &self,
        ambient: &Ambient,
        bound: &[Uuid; 3],
        text: &[u8],
    ) -> Result<Vec<u8>, AuditKeyError> {
        let mut kept = vec![FORM];
        kept.extend(seal(&self.0, ambient.bytes(), bound, text)?);
        Ok(kept)
    }

    /// What was said of him in one event.
    pub(crate) fn open(&self, bound: &[Uuid; 3], kept: &[u8]) -> Result<Vec<u8>, AuditKeyError> {
        let sealed = kept.strip_prefix(&[FORM]).ok_or(AuditKeyError::Damaged)?;
        open(&self.0, bound, sealed)
    }
}

fn derive(root: &hkdf::Prk, info: &[&[u8]]) -> Result<[u8; 32], AuditKeyError> {
    let mut key = [0; 32];
    let expanded = root.expand(info, hkdf::HKDF_SHA256);
    let filled = expanded.and_then(|it| it.fill(&mut key));
    filled.map_err(|_length| AuditKeyError::Malformed)?;
    Ok(key)
}

fn aead(key: [u8; 32]) -> Result<LessSafeKey, AuditKeyError> {
    let key = UnboundKey::new(&AES_256_GCM, &key);
    Ok(LessSafeKey::new(
        key.map_err(|_length| AuditKeyError::Malformed)?,
    ))
}

/// To what an encrypted text belongs: it opens nowhere else.
fn bound_to(ids: &[Uuid]) -> Aad<Vec<u8>> {
    Aad::from(ids.iter().flat_map(|it| *it.as_bytes()).collect())
}

fn seal(
    key: &LessSafeKey,
    nonce: [u8; NONCE_LEN],
    bound: &[Uuid],
    text: &[u8],
) -> Result<Vec<u8>, AuditKeyError> {
    let mut sealed = text.to_vec();
    let unique = Nonce::assume_unique_for_key(nonce);
    key.seal_in_place_append_tag(unique, bound_to(bound), &mut sealed)
        .map_err(|_length| AuditKeyError::Damaged)?;
    let mut all = nonce.to_vec();
    all.append(&mut sealed);
    Ok(all)
}

fn open(key: &LessSafeKey, bound: &[Uuid], sealed: &[u8]) -> Result<Vec<u8>, AuditKeyError> {
    let (nonce, text) = sealed
        .split_first_chunk::<NONCE_LEN>()
        .ok_or(AuditKeyError::Damaged)?;
    let mut text = text.to_vec();
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let opened = key.open_in_place(nonce, bound_to(bound), &mut text);
    Ok(opened.map_err(|_forged| AuditKeyError::Damaged)?.to_vec())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(byte: u8) -> AuditKeys {
        AuditKeys::read(&STANDARD.encode([byte; 32]).into()).unwrap()
    }

    const fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    #[test]
    fn a_key_is_32_bytes_in_base64() {
        for wrong in [
            "",
            "abc",
            "AAAA",
            &STANDARD.encode([1; 31]),
            &STANDARD.encode([1; 33]),
        ] {
            let refused = AuditKeys::read(&wrong.into());
            assert_eq!(refused.err(), Some(AuditKeyError::Malformed), "{wrong}");
        }
        assert!(AuditKeys::read(&format!("{}\n", STANDARD.encode([1; 32])).into()).is_ok());
        assert!(!format!("{:?}", keys(1)).contains(&STANDARD.encode([1; 32])));
    }

    #[test]
    fn the_key_of_a_person_opens_in_his_tenant_and_under_its_own_key_alone() {
        let ambient = Ambient::system();
        let (key, kept) = keys(1).draw(&ambient, id(1), id(2)).unwrap();
        let bound = [id(1), id(3), id(2)];
        let sealed = key.seal(&ambient, &bound, b"Yang").unwrap();
        let again = keys(1).unwrap(id(1), id(2), &kept).unwrap();
        assert_eq!(again.open(&bound, &sealed).unwrap(), b"Yang");
        let error = |refused: Result<PersonKey, _>| refused.err().unwrap();
        assert_eq!(
            error(keys(1).unwrap(id(9), id(2), &kept)),
            AuditKeyError::Damaged
        );
        assert_eq!(
            error(keys(1).unwrap(id(1), id(9), &kept)),
            AuditKeyError::Damaged
        );
        assert_eq!(
            error(keys(2).unwrap(id(1), id(2), &kept)),
            AuditKeyError::AnotherKey
        );
        for elsewhere in [
            [id(9), id(3), id(2)],
            [id(1), id(9), id(2)],
            [id(1), id(3), id(9)],
        ] {
            assert_eq!(again.open(&elsewhere, &sealed), Err(AuditKeyError::Damaged));
        }
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(again.open(&bound, &changed).is_err(), "{place}");
        }
        assert!(again.open(&bound, &[]).is_err());
    }

    #[test]
    fn a_hash_is_the_same_for_the_same_text_of_the_same_tenant_alone() {
        let hash = |byte, tenant, text| keys(byte).hash(id(tenant), text).unwrap();
        assert_eq!(hash(1, 1, "DE89"), hash(1, 1, "DE89"));
        assert_ne!(hash(1, 1, "DE89"), hash(1, 1, "DE90"));
        assert_ne!(hash(1, 1, "DE89"), hash(1, 2, "DE89"));
        assert_ne!(hash(1, 1, "DE89"), hash(2, 1, "DE89"));
    }
}
