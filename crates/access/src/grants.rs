//! The table: which role grants which permission, and how far.

use kernel::Reach::{self, Own, Tenant};

use crate::Role;

/// A line of the table: one permission and who holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The permission's name, `{resource}:{action}`.
    pub permission: &'static str,
    /// How far an administrator reaches.
    pub administrator: Option<Reach>,
    /// How far an HR manager reaches.
    pub hr_manager: Option<Reach>,
    /// How far an employee reaches.
    pub employee: Option<Reach>,
}

impl Grant {
    /// How far a role reaches with this permission, or `None`: not at all.
    pub const fn reach(&self, role: Role) -> Option<Reach> {
        match role {
            Role::Administrator => self.administrator,
            Role::HrManager => self.hr_manager,
            Role::Employee => self.employee,
        }
    }
}

const fn grant(
    permission: &'static str,
    administrator: Option<Reach>,
    hr_manager: Option<Reach>,
    employee: Option<Reach>,
) -> Grant {
    Grant {
        permission,
        administrator,
        hr_manager,
        employee,
    }
}

/// Every permission there is, and who holds it. Shown to people in `docs/access.md`.
///
/// An employee reads his own pay, for what is kept about somebody is his to know (GDPR,
/// Article 15); nobody else's. He reads no list of the organisation either: his own record names
/// his department, job and location, and job titles carry pay ranges.
#[rustfmt::skip]
pub const GRANTS: &[Grant] = &[
    //                                     administrator  hr_manager    employee
    grant("employees:read",                 Some(Tenant), Some(Tenant), Some(Own)),
    grant("employees:read_compensation",    Some(Tenant), Some(Tenant), Some(Own)),
    grant("employees:read_history",         Some(Tenant), Some(Tenant), None),
    grant("employees:create",               Some(Tenant), Some(Tenant), None),
    grant("employees:update",               Some(Tenant), Some(Tenant), None),
    grant("employees:transfer",             Some(Tenant), Some(Tenant), None),
    grant("employees:promote",              Some(Tenant), Some(Tenant), None),
    grant("employees:change_compensation",  Some(Tenant), Some(Tenant), None),
    grant("employees:terminate",            Some(Tenant), Some(Tenant), None),
    grant("employees:rehire",               Some(Tenant), Some(Tenant), None),
    grant("employees:import",               Some(Tenant), Some(Tenant), None),
    grant("organisation:read",              Some(Tenant), Some(Tenant), None),
    grant("organisation:create",            Some(Tenant), Some(Tenant), None),
    grant("organisation:update",            Some(Tenant), Some(Tenant), None),
    grant("audit:read",                     Some(Tenant), None,         None),
    grant("audit:export",                   Some(Tenant), None,         None),
    grant("events:read",                    Some(Tenant), Some(Tenant), None),
    grant("jobs:read",                      Some(Tenant), Some(Own),    None),
    grant("jobs:cancel",                    Some(Tenant), Some(Own),    None),
    grant("platform:read_tenants",          Some(Tenant), None,         None),
    grant("platform:create_tenants",        Some(Tenant), None,         None),
    grant("platform:update_tenants",        Some(Tenant), None,         None),
    grant("platform:suspend_tenants",       Some(Tenant), None,         None),
    grant("platform:read_jobs",             Some(Tenant), None,         None),
    grant("platform:operate_jobs",          Some(Tenant), None,         None),
];

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fmt::Write as _};

    use super::*;

    #[test]
    fn a_permission_has_one_line_and_a_name_of_two_words() {
        let names: BTreeSet<_> = GRANTS.iter().map(|grant| grant.permission).collect();
        assert_eq!(names.len(), GRANTS.len());
        for name in names {
            let (resource, action) = name.split_once(':').unwrap();
            for word in [resource, action] {
                assert!(!word.is_empty(), "{name}");
                assert!(
                    word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
                    "{name}"
                );
            }
        }
    }

    /// What `docs/access.md` must hold between its markers.
    fn documented() -> String {
        let mut table = String::from("| permission |");
        for role in Role::ALL {
            write!(table, " {role} |").unwrap();
        }
        table.push_str("\n| --- |");
        table.push_str(&" --- |".repeat(Role::ALL.len()));
        for grant in GRANTS {
            write!(table, "\n| `{}` |", grant.permission).unwrap();
            for role in Role::ALL {
                let reach = match grant.reach(*role) {
                    Some(Tenant) => "everyone",
                    Some(Own) => "own record",
                    None => "–",
                };
                write!(table, " {reach} |").unwrap();
            }
        }
        table
    }

    #[test]
    fn the_page_for_people_shows_this_very_table() {
        let page = include_str!("../../../docs/access.md");
        let (_, rest) = page.split_once("<!-- grants: begin -->\n").unwrap();
        let (shown, _) = rest.split_once("\n<!-- grants: end -->").unwrap();
        let expected = documented();
        assert_eq!(
            shown, expected,
            "\ndocs/access.md differs from the code. Between its markers must stand:\n\n{expected}\n"
        );
    }
}
