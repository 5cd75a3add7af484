//! What a field holds and who may see it. Each field of each resource is declared once; masks,
//! audit, export and erasure read the declaration.

/// How much harm the disclosure of a field does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// May be shown to anyone: the name of a department.
    Public,
    /// For members of the tenant.
    Internal,
    /// About a person (GDPR, Article 4).
    Personal,
    /// About a person and able to harm him: pay, health, bank account.
    Sensitive,
    /// Never leaves the platform: a password hash.
    Secret,
}

/// Which group of permissions opens a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccessGroup {
    /// Who somebody is.
    Identity,
    /// How to reach somebody at work.
    Contact,
    /// Private life.
    Personal,
    /// Pay.
    Compensation,
    /// Bank accounts.
    Bank,
    /// Health.
    Medical,
    /// What others wrote about somebody.
    Notes,
}

impl AccessGroup {
    /// Every group.
    pub const ALL: &[Self] = &[
        Self::Identity,
        Self::Contact,
        Self::Personal,
        Self::Compensation,
        Self::Bank,
        Self::Medical,
        Self::Notes,
    ];

    /// The word for it, in storage and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Contact => "contact",
            Self::Personal => "personal",
            Self::Compensation => "compensation",
            Self::Bank => "bank",
            Self::Medical => "medical",
            Self::Notes => "notes",
        }
    }

    /// The group with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.as_str() == word)
    }
}

/// The declaration of one field of one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldDeclaration {
    /// The name on the wire.
    pub name: &'static str,
    /// How much harm its disclosure does.
    pub class: Class,
    /// Which group of permissions opens it.
    pub group: AccessGroup,
    /// Whether it holds the number of a bank account, or one that a government gave: recognised by its
    /// last characters, and in records never repeated.
    pub is_number: bool,
}

impl FieldDeclaration {
    /// Declares a field.
    pub const fn new(name: &'static str, class: Class, group: AccessGroup) -> Self {
        Self {
            name,
            class,
            group,
            is_number: false,
        }
    }

    /// The same, of a field that holds the number of a bank account or one that a government gave. Of one
    /// that is a secret as well, not even the last characters are told.
    #[must_use]
    pub const fn number(self) -> Self {
        Self {
            is_number: true,
            ..self
        }
    }
}
