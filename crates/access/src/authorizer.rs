//! The decision.

use kernel::{Actor, Authorizer, Permission, Reach};

use crate::{GRANTS, Grant, Role};

/// Decides by the actor's roles and the table [`GRANTS`].
#[derive(Clone, Copy, Debug, Default)]
pub struct RoleAuthorizer;

impl Authorizer for RoleAuthorizer {
    fn reach(&self, actor: &Actor, permission: Permission) -> Option<Reach> {
        decide(GRANTS, actor, permission.name)
    }
}

fn decide(grants: &[Grant], actor: &Actor, permission: &str) -> Option<Reach> {
    if permission.starts_with("platform:") && !actor.is_platform {
        return None;
    }
    let grant = grants.iter().find(|grant| grant.permission == permission)?;
    actor
        .roles
        .iter()
        // A stored name that no role has any more grants nothing.
        .filter_map(|name| Role::parse(name.as_str()).ok())
        .filter_map(|role| grant.reach(role))
        .max()
}

#[cfg(test)]
mod tests {
    use kernel::{RoleName, SessionId, TenantId, UserId};
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn actor(is_platform: bool, roles: &[&str]) -> Actor {
        Actor {
            tenant_id: TenantId::new(Uuid::from_u128(1)),
            is_platform,
            user_id: UserId::new(Uuid::from_u128(2)),
            session_id: SessionId::new(Uuid::from_u128(3)),
            employee_id: None,
            roles: roles.iter().map(|role| RoleName::new(role)).collect(),
        }
    }

    #[test]
    fn platform_permissions_hold_in_the_public_tenant_alone() {
        let ask = |actor: &Actor| decide(GRANTS, actor, "platform:read_tenants");
        assert_eq!(ask(&actor(true, &["administrator"])), Some(Reach::Tenant));
        assert_eq!(ask(&actor(false, &["administrator"])), None);
        assert_eq!(ask(&actor(true, &["hr_manager", "employee"])), None);
    }

    #[test]
    fn an_unknown_permission_is_refused_to_everybody() {
        let everything = actor(true, &["administrator", "hr_manager", "employee"]);
        for name in [
            "employees:delete",
            "employees:",
            "employees",
            "",
            "platform:x",
        ] {
            assert_eq!(decide(GRANTS, &everything, name), None, "{name}");
        }
    }

    #[test]
    fn without_a_role_or_with_one_that_does_not_exist_nothing_is_allowed() {
        for roles in [&[] as &[&str], &["root"], &["Administrator"], &["*"]] {
            for grant in GRANTS {
                assert_eq!(decide(GRANTS, &actor(true, roles), grant.permission), None);
            }
        }
    }

    #[test]
    fn an_employee_reads_his_own_record_and_changes_nothing() {
        let employee = actor(false, &["employee"]);
        let held: Vec<_> = GRANTS
            .iter()
            .filter_map(|grant| {
                Some((
                    grant.permission,
                    decide(GRANTS, &employee, grant.permission)?,
                ))
            })
            .collect();
        assert_eq!(
            held,
            [
                ("employees:read", Reach::Own),
                ("employees:read_compensation", Reach::Own),
            ]
        );
    }

    fn some_roles() -> impl Strategy<Value = Vec<&'static str>> {
        prop::collection::vec(
            prop::sample::select(vec!["administrator", "hr_manager", "employee", "nobody"]),
            0..4,
        )
    }

    proptest! {
        #[test]
        fn another_role_never_takes_anything_away(
            some in some_roles(),
            more in some_roles(),
            grant in prop::sample::select(GRANTS),
        ) {
            let reach = |roles: &[&str]| decide(GRANTS, &actor(false, roles), grant.permission);
            let both: Vec<_> = some.iter().chain(&more).copied().collect();
            prop_assert_eq!(reach(&both), reach(&some).max(reach(&more)));
        }
    }
}
