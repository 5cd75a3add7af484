//! What is recorded of users and their sessions.

use kernel::{
    SessionId, UserId,
    audit::{AuditCategory, AuditEntry, AuditOutcome, FieldChange},
    field::{
        AccessGroup::{Contact, Identity},
        Class::{Internal, Personal, Secret},
        FieldDeclaration,
    },
};
use serde_json::{Value, json};

use crate::{NewUser, Purged, Session};

/// The fields of a user.
pub const USER_FIELDS: &[FieldDeclaration] = &[EMAIL, DISPLAY_NAME, EMPLOYEE, ROLES, PASSWORD];

const EMAIL: FieldDeclaration = FieldDeclaration::new("email", Personal, Contact);
const DISPLAY_NAME: FieldDeclaration = FieldDeclaration::new("display_name", Personal, Identity);
const EMPLOYEE: FieldDeclaration = FieldDeclaration::new("employee_id", Internal, Identity);
const ROLES: FieldDeclaration = FieldDeclaration::new("roles", Internal, Identity);
const PASSWORD: FieldDeclaration = FieldDeclaration::new("password", Secret, Identity);

/// An address that somebody typed who was not let in: perhaps nobody's here, so there is no key to keep
/// it under, and perhaps a password in the wrong field. It is told by a keyed hash alone.
const TYPED_EMAIL: FieldDeclaration = FieldDeclaration::new("email", Secret, Contact).number();

fn of_session(action: &'static str, session: SessionId) -> AuditEntry {
    AuditEntry::new(action, AuditCategory::Auth).on("session", session)
}

pub(crate) fn signed_in(session: &Session) -> AuditEntry {
    of_session("auth.signed_in.v1", session.id).on("user", session.user_id)
}

/// Nobody is told which it was: an unknown address, a wrong password or a deactivated user.
pub(crate) fn sign_in_failed(email: &str) -> AuditEntry {
    let typed: String = email.trim().to_lowercase().chars().take(254).collect();
    AuditEntry::new("auth.sign_in_failed.v1", AuditCategory::Denied)
        .ended(AuditOutcome::Failure)
        .changing(vec![FieldChange {
            field: TYPED_EMAIL,
            before: None,
            after: Some(typed.into()),
        }])
}

pub(crate) fn refreshed(session: &Session) -> AuditEntry {
    of_session("auth.refreshed.v1", session.id).on("user", session.user_id)
}

/// A refresh token came a second time, and its session was ended.
pub(crate) fn token_reused(session: &Session) -> AuditEntry {
    // It ends the session, so it is never counted among the refusals of a flood.
    of_session("auth.refresh_token_reused.v1", session.id)
        .on("user", session.user_id)
        .ended(AuditOutcome::Denied)
}

pub(crate) fn signed_out(session: SessionId) -> AuditEntry {
    of_session("auth.signed_out.v1", session)
}

pub(crate) fn user_created(id: UserId, user: &NewUser) -> AuditEntry {
    let roles: Vec<&str> = user.roles.iter().map(|role| role.as_str()).collect();
    let set = |field, after: Value| FieldChange {
        field,
        before: None,
        after: Some(after),
    };
    let mut changes = vec![
        set(EMAIL, user.email.as_str().into()),
        set(DISPLAY_NAME, user.display_name.as_str().into()),
        set(ROLES, roles.into()),
        set(PASSWORD, Value::Null),
    ];
    changes.extend(user.employee_id.map(|it| set(EMPLOYEE, json!(it))));
    AuditEntry::new("user.created.v1", AuditCategory::Admin)
        .about("user", id)
        .changing(changes)
}

/// With it, all his sessions ended.
pub(crate) fn password_set(id: UserId) -> AuditEntry {
    password("user.password_set.v1", AuditCategory::Admin, id)
}

/// The same password, hashed as hashes are made today.
pub(crate) fn password_rehashed(id: UserId) -> AuditEntry {
    password("user.password_rehashed.v1", AuditCategory::System, id)
}

fn password(action: &'static str, category: AuditCategory, id: UserId) -> AuditEntry {
    AuditEntry::new(action, category)
        .about("user", id)
        .changing(vec![FieldChange {
            field: PASSWORD,
            before: None,
            after: None,
        }])
}

/// Sessions that were over for a day are deleted.
pub(crate) fn sessions_purged(purged: Purged) -> AuditEntry {
    AuditEntry::new("auth.sessions_purged.v1", AuditCategory::System)
        .detail("sessions", purged.sessions)
        .detail("refresh_tokens", purged.refresh_tokens)
}
