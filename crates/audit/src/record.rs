//! A record as it is stored, hashed and shown to whoever proves it.

use database::StoreError;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::Hash;

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedActor {
    /// `user`, `api_key`, `operator` (on the command line), `system` or `anonymous`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The user.
    pub id: Option<Uuid>,
    /// The session he acted through.
    pub session_id: Option<Uuid>,
    /// The API key he acted through.
    pub api_key_id: Option<Uuid>,
    /// Who acted in his name.
    pub impersonator_id: Option<Uuid>,
    /// The login on the machine, of an operator.
    pub operator: Option<String>,
}

/// A record of the audit, every field of it: what is not known is `null`.
///
/// Its canonical form (RFC 8785) is what is hashed, so its numbers are integers and its times are
/// microseconds since 1970 in UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The version of this form.
    pub v: u8,
    /// The event.
    pub id: Uuid,
    /// The tenant; nil is the platform.
    pub tenant_id: Uuid,
    /// When, by the clock of the database, in microseconds since 1970 in UTC.
    pub at: i64,
    /// Who.
    pub actor: RecordedActor,
    /// What was done: `employee.updated.v1`.
    pub action: String,
    /// `admin`, `data_write`, `data_read`, `auth`, `system` or `denied`.
    pub category: String,
    /// `success`, `failure` or `denied`.
    pub outcome: String,
    /// To what: a list of objects with `type` and `id`.
    pub targets: Value,
    /// What changed: an object, a field each.
    pub changes: Value,
    /// What else there is to say of it: an object.
    pub details: Value,
    /// The person whom the personal values are about.
    pub subject_id: Option<Uuid>,
    /// His values, encrypted with his key, in base64.
    pub personal: Option<String>,
    /// The job that did it.
    pub job_id: Option<Uuid>,
    /// The request in which it was wanted.
    pub request_id: Option<String>,
    /// The trace that it belongs to.
    pub trace_id: Option<String>,
    /// Where the request came from.
    pub address: Option<String>,
    /// What the client said it was.
    pub user_agent: Option<String>,
}

impl Record {
    /// The version of the form that is written now.
    pub const VERSION: u8 = 1;

    /// Its canonical form: JSON after RFC 8785.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it holds what JSON cannot.
    pub fn canonical(&self) -> Result<Vec<u8>, StoreError> {
        serde_json_canonicalizer::to_vec(self).map_err(StoreError::corrupt)
    }

    /// SHA-256 of its canonical form.
    ///
    /// # Errors
    /// As [`Self::canonical`].
    pub fn hash(&self) -> Result<Hash, StoreError> {
        Ok(Hash::of(&[&self.canonical()?]))
    }
}

/// Writes JSON in its canonical form (RFC 8785).
pub(crate) fn canonical_text(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json_canonicalizer::to_string(value).map_err(StoreError::corrupt)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record() -> Record {
        Record {
            v: 1,
            id: Uuid::from_u128(1),
            tenant_id: Uuid::from_u128(2),
            at: 1_764_000_000_123_456,
            actor: RecordedActor {
                kind: "user".to_owned(),
                id: Some(Uuid::from_u128(3)),
                session_id: None,
                api_key_id: None,
                impersonator_id: None,
                operator: None,
            },
            action: "employee.updated.v1".to_owned(),
            category: "data_write".to_owned(),
            outcome: "success".to_owned(),
            targets: json!([{"type": "employee", "id": Uuid::from_u128(4)}]),
            changes: json!({"phone": {"after": "é", "before": null}}),
            details: json!({}),
            subject_id: None,
            personal: None,
            job_id: None,
            request_id: Some("r-1".to_owned()),
            trace_id: None,
            address: Some("192.0.2.1".to_owned()),
            user_agent: None,
        }
    }

    /// Who changes this changes what every proof that was ever given rests on.
    #[test]
    fn a_record_is_hashed_as_ever() {
        let canonical = String::from_utf8(record().canonical().unwrap()).unwrap();
        assert_eq!(
            canonical,
            "{\"action\":\"employee.updated.v1\",\"actor\":{\"api_key_id\":null,\
             \"id\":\"00000000-0000-0000-0000-000000000003\",\"impersonator_id\":null,\
             \"operator\":null,\"session_id\":null,\"type\":\"user\"},\"address\":\"192.0.2.1\",\
             \"at\":1764000000123456,\"category\":\"data_write\",\"changes\":{\"phone\":\
             {\"after\":\"é\",\"before\":null}},\"details\":{},\
             \"id\":\"00000000-0000-0000-0000-000000000001\",\"job_id\":null,\
             \"outcome\":\"success\",\"personal\":null,\"request_id\":\"r-1\",\"subject_id\":null,\
             \"targets\":[{\"id\":\"00000000-0000-0000-0000-000000000004\",\"type\":\"employee\"}],\
             \"tenant_id\":\"00000000-0000-0000-0000-000000000002\",\"trace_id\":null,\
             \"user_agent\":null,\"v\":1}"
        );
        let again: Record = serde_json::from_str(&canonical).unwrap();
        assert_eq!(again, record());
        assert_eq!(again.hash().unwrap(), record().hash().unwrap());
    }
}
