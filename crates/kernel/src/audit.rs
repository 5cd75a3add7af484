//! What is recorded of what was done: by whom, on whose behalf and where from, its transaction knows.

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

use crate::field::FieldDeclaration;

/// What kind of thing was done. Decides how long its record is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AuditCategory {
    /// Who may do what, and what the company has agreed: users, roles, settings, tenants.
    Admin,
    /// Data was created, changed or deleted.
    DataWrite,
    /// Sensitive data was read, or left the platform.
    DataRead,
    /// Signing in, out, and staying signed in.
    Auth,
    /// What the platform did by itself.
    System,
    /// Somebody was refused.
    Denied,
}

impl AuditCategory {
    /// Every category.
    pub const ALL: &[Self] = &[
        Self::Admin,
        Self::DataWrite,
        Self::DataRead,
        Self::Auth,
        Self::System,
        Self::Denied,
    ];

    /// The word for it, in storage and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::DataWrite => "data_write",
            Self::DataRead => "data_read",
            Self::Auth => "auth",
            Self::System => "system",
            Self::Denied => "denied",
        }
    }

    /// The category with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.as_str() == word)
    }
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuditOutcome {
    /// It was done.
    Success,
    /// It was tried, and failed: a wrong password.
    Failure,
    /// It was not allowed.
    Denied,
}

impl AuditOutcome {
    /// The word for it, in storage and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Denied => "denied",
        }
    }
}

/// What something was done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AuditTarget {
    /// What it is: `employee`.
    pub kind: &'static str,
    /// Which one.
    pub id: Uuid,
}

/// A field that has another value than before.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldChange {
    /// Which, and how much harm its disclosure does: decides how its values are kept.
    pub field: FieldDeclaration,
    /// What it was; `None` where there was nothing yet.
    pub before: Option<Value>,
    /// What it is; `None` where there is nothing any more.
    pub after: Option<Value>,
}

/// Something whose changes are recorded field by field.
pub trait Audited {
    /// Each field and its value, as the API writes it, in one order always.
    fn audited(&self) -> Vec<(FieldDeclaration, Value)>;
}

/// Something that was done, to be recorded.
///
/// ```
/// use kernel::audit::{AuditCategory, AuditEntry};
///
/// let department = uuid::Uuid::from_u128(7);
/// let entry = AuditEntry::new("department.created.v1", AuditCategory::DataWrite)
///     .on("department", department);
/// assert_eq!(entry.targets.len(), 1);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// What was done, by its name for ever and with the version of what is said of it:
    /// `employee.updated.v1`.
    pub action: &'static str,
    /// What kind of thing it was.
    pub category: AuditCategory,
    /// How it ended.
    pub outcome: AuditOutcome,
    /// To what it was done, the most important first.
    pub targets: Vec<AuditTarget>,
    /// The person whom the personal values among the changes are about. They are encrypted with a key
    /// of his, and without anybody they are not kept.
    pub subject: Option<Uuid>,
    /// What changed.
    pub changes: Vec<FieldChange>,
    /// What else there is to say: nothing about a person.
    pub details: BTreeMap<&'static str, Value>,
}

impl AuditEntry {
    /// Something that was done to nothing yet.
    pub fn new(action: &'static str, category: AuditCategory) -> Self {
        Self {
            action,
            category,
            outcome: AuditOutcome::Success,
            targets: Vec::new(),
            subject: None,
            changes: Vec::new(),
            details: BTreeMap::new(),
        }
    }

    /// It was done to this as well.
    #[must_use]
    pub fn on(mut self, kind: &'static str, id: impl Into<Uuid>) -> Self {
        let id = id.into();
        self.targets.push(AuditTarget { kind, id });
        self
    }

    /// It was done to a person, whom what changed is about.
    #[must_use]
    pub fn about(mut self, kind: &'static str, person: impl Into<Uuid>) -> Self {
        let person = person.into();
        self.subject = Some(person);
        self.on(kind, person)
    }

    /// It changed these fields as well.
    #[must_use]
    pub fn changing(mut self, changes: Vec<FieldChange>) -> Self {
        self.changes.extend(changes);
        self
    }

    /// There is this to say of it.
    #[must_use]
    pub fn detail(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.details.insert(name, value.into());
        self
    }

    /// It ended so.
    #[must_use]
    pub fn ended(self, outcome: AuditOutcome) -> Self {
        Self { outcome, ..self }
    }
}

/// What differs between two states of a thing; of one that comes or goes, everything it has.
///
/// Both states list the same fields in the same order.
pub fn changes<T: Audited>(before: Option<&T>, after: Option<&T>) -> Vec<FieldChange> {
    let fields = |state: Option<&T>| state.map(T::audited);
    let (before, after) = match (fields(before), fields(after)) {
        (Some(before), Some(after)) => {
            let both = before.into_iter().zip(after);
            let changed = both.filter(|((_, before), (_, after))| before != after);
            return changed
                .map(|((field, before), (_, after))| FieldChange {
                    field,
                    before: Some(before),
                    after: Some(after),
                })
                .collect();
        }
        (before, after) => (before.unwrap_or_default(), after.unwrap_or_default()),
    };
    let one = |(field, value): (FieldDeclaration, Value), is_new: bool| FieldChange {
        field,
        before: (!is_new).then(|| value.clone()),
        after: is_new.then_some(value),
    };
    let gone = before.into_iter().map(|it| one(it, false));
    let new = after.into_iter().map(|it| one(it, true));
    // What it never had is no change.
    gone.chain(new)
        .filter(|it| it.before.as_ref().or(it.after.as_ref()) != Some(&Value::Null))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::field::{AccessGroup, Class};

    struct Desk(&'static str, Option<u8>);

    const NAME: FieldDeclaration =
        FieldDeclaration::new("name", Class::Internal, AccessGroup::Identity);
    const FLOOR: FieldDeclaration =
        FieldDeclaration::new("floor", Class::Internal, AccessGroup::Identity);

    impl Audited for Desk {
        fn audited(&self) -> Vec<(FieldDeclaration, Value)> {
            vec![(NAME, json!(self.0)), (FLOOR, json!(self.1))]
        }
    }

    fn change(field: FieldDeclaration, before: Option<Value>, after: Option<Value>) -> FieldChange {
        FieldChange {
            field,
            before,
            after,
        }
    }

    #[test]
    fn only_what_differs_is_a_change() {
        let (before, after) = (Desk("A", Some(1)), Desk("A", None));
        assert_eq!(
            changes(Some(&before), Some(&after)),
            [change(FLOOR, Some(json!(1)), Some(json!(null)))]
        );
        assert_eq!(changes(Some(&before), Some(&before)), []);
    }

    #[test]
    fn what_comes_or_goes_changes_in_everything_it_has() {
        let desk = Desk("A", None);
        assert_eq!(
            changes(None, Some(&desk)),
            [change(NAME, None, Some(json!("A")))]
        );
        assert_eq!(
            changes(Some(&desk), None),
            [change(NAME, Some(json!("A")), None)]
        );
    }

    #[test]
    fn categories_are_read_as_they_are_written() {
        for category in AuditCategory::ALL {
            assert_eq!(AuditCategory::parse(category.as_str()), Some(*category));
        }
        assert_eq!(AuditCategory::parse("Admin"), None);
    }
}
