//! Signing: the key that signs, and those that tell whether something was signed.

use std::{collections::BTreeMap, fmt, sync::Arc};

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use database::StoreError;
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    Signed, Statement,
    keys::{AuditKeyError, hex},
};

/// The key that signs seals, checkpoints and retirements (Ed25519, RFC 8032). Cheap to clone.
///
/// ```
/// let key = audit::SigningKey::read(&"c2VlZCBvZiBhIGtleSB0aGF0IGlzIG9ubHkgYSB0ZXM=".into())?;
/// assert!(audit::PublicKeys::read(&key.public_half())?.know(key.id()));
/// # Ok::<(), audit::AuditKeyError>(())
/// ```
#[derive(Clone)]
pub struct SigningKey {
    pair: Arc<Ed25519KeyPair>,
    id: Arc<str>,
}

impl SigningKey {
    /// Reads a key: the 32 bytes of its seed in base64.
    ///
    /// # Errors
    /// [`AuditKeyError::Malformed`].
    pub fn read(secret: &SecretString) -> Result<Self, AuditKeyError> {
        let seed = STANDARD.decode(secret.expose_secret().trim());
        let seed = seed.map_err(|_secret| AuditKeyError::Malformed)?;
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed);
        let pair = pair.map_err(|_secret| AuditKeyError::Malformed)?;
        let id = id_of(pair.public_key().as_ref()).into();
        Ok(Self {
            pair: Arc::new(pair),
            id,
        })
    }

    /// By what a statement names it: the first 8 bytes of the SHA-256 of its public half.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its public half in base64: what verifies, and may be known to everybody.
    pub fn public_half(&self) -> String {
        STANDARD.encode(self.pair.public_key().as_ref())
    }

    /// Signs the canonical form of a statement, which names this key.
    pub(crate) fn sign(&self, statement: Statement) -> Result<Signed, StoreError> {
        let signature = self.pair.sign(&statement.canonical()?);
        Ok(Signed {
            statement,
            signature: STANDARD.encode(signature.as_ref()),
        })
    }

    /// What verifies what this key signed.
    pub(crate) fn verifying(&self) -> PublicKeys {
        let public = self.pair.public_key().as_ref().to_vec();
        PublicKeys(BTreeMap::from([(self.id.to_string(), public)]))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.id)
    }
}

/// The public halves of every key that an installation has signed with.
#[derive(Clone, Debug)]
pub struct PublicKeys(BTreeMap<String, Vec<u8>>);

impl PublicKeys {
    /// Reads public halves in base64, a line each; a line that begins with `#` is none.
    ///
    /// # Errors
    /// [`AuditKeyError::Malformed`] when one is none, or there is none at all.
    pub fn read(text: &str) -> Result<Self, AuditKeyError> {
        let lines = text.lines().map(str::trim);
        let mut keys = BTreeMap::new();
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let key = STANDARD.decode(line);
            let key = key.map_err(|_text| AuditKeyError::Malformed)?;
            if key.len() != 32 {
                return Err(AuditKeyError::Malformed);
            }
            keys.insert(id_of(&key), key);
        }
        if keys.is_empty() {
            return Err(AuditKeyError::Malformed);
        }
        Ok(Self(keys))
    }

    /// These and others.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// Whether a key with this id is among them.
    pub fn know(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }

    /// Whether the key that a statement names has signed it.
    pub fn vouch_for(&self, signed: &Signed) -> bool {
        let Some(key) = self.0.get(signed.statement.key_id()) else {
            return false;
        };
        let (Ok(text), Ok(signature)) = (
            signed.statement.canonical(),
            STANDARD.decode(&signed.signature),
        ) else {
            return false;
        };
        let key = UnparsedPublicKey::new(&ED25519, key);
        key.verify(&text, &signature).is_ok()
    }
}

fn id_of(public: &[u8]) -> String {
    let digest = digest(&SHA256, public);
    hex(digest.as_ref().get(..8).unwrap_or_default())
}
