//! What each list may be asked, and what it shows.

use kernel::{Kind, ListField, ListSpec, Shown, SortKey};

const STATUSES: &[&str] = &["creating", "active", "suspended", "migrating", "moving"];
const PLACEMENTS: &[&str] = &["dedicated", "pooled"];
const SUBSCRIPTIONS: &[&str] = &["active", "grace", "expired"];

/// The list of tenants.
pub(crate) const TENANTS: ListSpec = ListSpec {
    fields: &[
        ListField::new("slug", Kind::Name).sortable(),
        ListField::new("name", Kind::Name).sortable(),
        ListField::new("created_at", Kind::Instant).sortable(),
        ListField::new("status", Kind::Word(STATUSES)),
        ListField::new("placement", Kind::Word(PLACEMENTS)),
        ListField::new("subscription_state", Kind::Word(SUBSCRIPTIONS)),
    ],
    sort: &[SortKey::ascending("slug")],
    search: Some("Only tenants whose slug or name contains each of these words."),
    shown: &[
        Shown::plain("id"),
        Shown::plain("slug"),
        Shown::plain("name"),
        Shown::plain("status"),
        Shown::plain("suspended_at"),
        Shown::plain("suspension_reason"),
        Shown::plain("subscription_state"),
        Shown::plain("grace_until"),
        Shown::plain("placement"),
        Shown::plain("schema_name"),
        Shown::plain("locale"),
        Shown::plain("time_zone"),
        Shown::of("branding", &["primary_color", "logo_url"]),
        Shown::plain("created_at"),
        Shown::plain("updated_at"),
        Shown::plain("version"),
    ],
    expand: &[],
    extra: &[],
};

/// The list of a tenant's domains, by name.
pub(crate) const DOMAINS: ListSpec = ListSpec {
    fields: &[],
    sort: &[],
    search: None,
    shown: &[Shown::plain("domain"), Shown::plain("created_at")],
    expand: &[],
    extra: &[],
};

#[cfg(test)]
mod tests {
    use kernel::{Placement, Subscription, TenantStatus};

    use super::*;

    #[test]
    fn the_words_of_a_filter_are_those_of_the_registry() {
        for word in STATUSES {
            assert_eq!(word.parse::<TenantStatus>().unwrap().as_str(), *word);
        }
        for word in PLACEMENTS {
            assert_eq!(word.parse::<Placement>().unwrap().as_str(), *word);
        }
        for word in SUBSCRIPTIONS {
            let until = (*word == "grace").then_some(time::OffsetDateTime::UNIX_EPOCH);
            assert_eq!(Subscription::stored(word, until).unwrap().as_str(), *word);
        }
    }
}
