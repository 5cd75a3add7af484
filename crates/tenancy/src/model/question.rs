//! What a request says about its tenant, before anything is looked up.

use kernel::Slug;

use crate::model::HostName;

/// Which hosts mean what, as the operator configured them.
#[derive(Clone, Debug, Default)]
pub struct HostRules {
    bases: Vec<HostName>,
    neutral: Vec<HostName>,
}

/// What a request says about its tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Nothing that names a tenant: no host, or a header that is no slug.
    Nobody,
    /// There is a host, and it cannot be read.
    Unreadable,
    /// The header names a tenant; the host may be a tenant's own, which must then be the same one.
    Header(Slug, Option<NamedHost>),
    /// The host alone.
    Host(NamedHost),
    /// The API's own name, without a header: the public tenant.
    Public,
}

/// A host that may be a tenant's: by its label under a base domain, or registered as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedHost {
    name: HostName,
    slug: Option<Slug>,
}

impl NamedHost {
    /// The host.
    pub fn name(&self) -> &HostName {
        &self.name
    }

    /// The slug that stands before a base domain.
    pub fn slug(&self) -> Option<&Slug> {
        self.slug.as_ref()
    }
}

impl HostRules {
    /// `bases` are the domains whose subdomains are tenants, `neutral` the hosts that are the
    /// API's own name and no tenant's.
    pub fn new(
        bases: impl IntoIterator<Item = HostName>,
        neutral: impl IntoIterator<Item = HostName>,
    ) -> Self {
        Self {
            bases: bases.into_iter().collect(),
            neutral: neutral.into_iter().collect(),
        }
    }

    /// Reads the header `X-Tenant-Slug` and the host of a request.
    ///
    /// A header that is there and no slug names nobody, whatever the host says: a client that
    /// meant a tenant must not end up in another. A host that cannot be read spoils the whole: it
    /// could be another tenant's than the header's to somebody who can read it.
    pub fn read(&self, header: Option<&str>, host: Option<&str>) -> Question {
        // An empty one is how a client says that there is none (RFC 9112, 3.2).
        let host = host.filter(|text| !text.is_empty());
        let Ok(host) = host.map(HostName::of_header).transpose() else {
            return Question::Unreadable;
        };
        let is_neutral = host
            .as_ref()
            .is_some_and(|host| self.neutral.contains(host));
        let named = host.filter(|_| !is_neutral).map(|name| self.name(name));
        match (header.map(Slug::existing), named) {
            (Some(Err(_no_slug)), _) => Question::Nobody,
            (Some(Ok(slug)), named) => Question::Header(slug, named),
            (None, Some(named)) => Question::Host(named),
            (None, None) if is_neutral => Question::Public,
            (None, None) => Question::Nobody,
        }
    }

    /// Whether a host can be no tenant's own: the API's own names, everything below a base domain,
    /// where slugs decide, and what by RFC 6761 leads nowhere else.
    pub fn reserves(&self, host: &HostName) -> bool {
        const NOWHERE: [&str; 2] = ["localhost", "invalid"];
        let top = host.as_str().rsplit('.').next();
        self.neutral.contains(host)
            || self.bases.iter().any(|base| host.is_within(base))
            || top.is_some_and(|top| NOWHERE.contains(&top))
    }

    fn name(&self, name: HostName) -> NamedHost {
        let label = self.bases.iter().find_map(|base| name.label_under(base));
        let slug = label.and_then(|label| Slug::existing(label).ok());
        NamedHost { name, slug }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rules() -> HostRules {
        let hosts = |names: [&str; 2]| names.map(|name| name.parse().unwrap());
        HostRules::new(
            hosts(["localhost", "hr.example.com"]),
            hosts(["localhost", "[::1]"]),
        )
    }

    fn named(name: &str, slug: Option<&str>) -> NamedHost {
        NamedHost {
            name: name.parse().unwrap(),
            slug: slug.map(|slug| Slug::existing(slug).unwrap()),
        }
    }

    fn slug(text: &str) -> Slug {
        Slug::existing(text).unwrap()
    }

    #[test]
    fn the_header_is_asked_first_and_then_the_host() {
        let acme = || named("acme.localhost", Some("acme"));
        let deep = || named("a.acme.localhost", None);
        let own = || named("people.acme.example", None);
        let stranger = || named("unknown.example", None);
        let table = [
            // A neutral host: the header decides, else it is the public tenant's.
            (None, Some("localhost"), Question::Public),
            (None, Some("LOCALHOST.:8080"), Question::Public),
            (None, Some("[::1]:8080"), Question::Public),
            (
                Some("acme"),
                Some("localhost:8080"),
                Question::Header(slug("acme"), None),
            ),
            (
                Some("public"),
                Some("localhost"),
                Question::Header(slug("public"), None),
            ),
            // A subdomain of a base domain.
            (None, Some("acme.localhost"), Question::Host(acme())),
            (None, Some("ACME.localhost:80"), Question::Host(acme())),
            (
                None,
                Some("a-1.hr.example.com."),
                Question::Host(named("a-1.hr.example.com", Some("a-1"))),
            ),
            (
                Some("acme"),
                Some("acme.localhost"),
                Question::Header(slug("acme"), Some(acme())),
            ),
            (
                Some("other"),
                Some("acme.localhost"),
                Question::Header(slug("other"), Some(acme())),
            ),
            // One label only, and only a slug.
            (None, Some("a.acme.localhost"), Question::Host(deep())),
            (
                None,
                Some("x.localhost"),
                Question::Host(named("x.localhost", None)),
            ),
            (
                None,
                Some("acmelocalhost"),
                Question::Host(named("acmelocalhost", None)),
            ),
            // Any other host may be registered.
            (None, Some("people.acme.example:443"), Question::Host(own())),
            (
                Some("acme"),
                Some("people.acme.example"),
                Question::Header(slug("acme"), Some(own())),
            ),
            // Nobody.
            (None, None, Question::Nobody),
            (None, Some(""), Question::Nobody),
            (Some("acme"), Some(""), Question::Header(slug("acme"), None)),
            (None, Some("unknown.example"), Question::Host(stranger())),
            // Who could that be?
            (None, Some("a b"), Question::Unreadable),
            (Some("acme"), Some("a b"), Question::Unreadable),
            (Some("no slug"), Some("a b"), Question::Unreadable),
            (None, Some("bücher.localhost"), Question::Unreadable),
            (
                Some("acme"),
                Some("acme.localhost@other.localhost"),
                Question::Unreadable,
            ),
            (
                Some("acme"),
                Some("acme.localhost,other.localhost"),
                Question::Unreadable,
            ),
            (Some(""), Some("localhost"), Question::Nobody),
            (Some("Acme"), Some("localhost"), Question::Nobody),
            (Some("a"), Some("acme.localhost"), Question::Nobody),
            (Some("acme'; --"), Some("acme.localhost"), Question::Nobody),
            (Some("acme,other"), None, Question::Nobody),
            // A header needs no host.
            (Some("acme"), None, Question::Header(slug("acme"), None)),
        ];
        for (header, host, expected) in table {
            assert_eq!(rules().read(header, host), expected, "{header:?} {host:?}");
        }
    }

    #[test]
    fn what_leads_to_the_platform_or_to_slugs_is_nobodys_own() {
        let rules = HostRules::new(
            ["hr.example.com".parse().unwrap()],
            ["api.example.com".parse().unwrap()],
        );
        for (host, reserved) in [
            ("hr.example.com", true),
            ("acme.hr.example.com", true),
            ("a.acme.hr.example.com", true),
            ("api.example.com", true),
            ("x.localhost", true),
            ("x.invalid", true),
            ("example.com", false),
            ("people.acme.example", false),
            ("myhr.example.com", false),
        ] {
            assert_eq!(rules.reserves(&host.parse().unwrap()), reserved, "{host}");
        }
    }

    proptest! {
        #[test]
        fn any_header_and_host_are_a_question_never_a_panic(
            header in proptest::option::of(any::<String>()),
            host in proptest::option::of(any::<String>()),
        ) {
            let question = rules().read(header.as_deref(), host.as_deref());
            if let Some(header) = header && Slug::existing(&header).is_err() {
                prop_assert!(matches!(question, Question::Nobody | Question::Unreadable));
            }
        }

        #[test]
        fn a_tenant_that_the_header_names_is_the_one_that_is_asked_for(
            header in "[a-z][a-z0-9-]{0,38}[a-z0-9]",
            host in prop_oneof!["\\PC{0,40}", "[a-z]{0,8}(\\.[a-z]{1,8}){0,2}"],
        ) {
            let asked_for = match rules().read(Some(&header), Some(&host)) {
                Question::Header(slug, _) => Some(slug.to_string()),
                _ => None,
            };
            let is_readable = host.is_empty() || HostName::of_header(&host).is_ok();
            prop_assert_eq!(asked_for, is_readable.then_some(header));
        }

        #[test]
        fn every_slug_is_a_tenant_under_every_base(
            label in "[a-z][a-z0-9-]{0,38}[a-z0-9]",
            base in prop_oneof![Just("localhost"), Just("hr.example.com")],
        ) {
            let Question::Host(host) = rules().read(None, Some(&format!("{label}.{base}"))) else {
                return Err(TestCaseError::fail("not a tenant's host"));
            };
            prop_assert_eq!(host.slug().map(Slug::as_str), Some(label.as_str()));
        }
    }
}
