//! Five tenants with rows in every table.

use sqlx::{Connection as _, PgConnection};
use testkit::{FIXTURES, Fixture, TestDatabase};

use super::attempt::Scope;
use crate::{
    catalogue::{Table, tables},
    filling::{Filling, Ids},
    ledger::{Bookkeeper, Ledger},
};

/// A tenant with rows in every table.
pub(crate) struct Home {
    pub(crate) fixture: Fixture,
    pub(crate) tenant: String,
    pub(crate) tables: Vec<Table>,
    pub(crate) ids: Ids,
    books: Bookkeeper,
}

impl Home {
    /// What it has now.
    pub(crate) async fn ledger(&self, superuser: &mut PgConnection) -> Ledger {
        self.books.read(superuser, &self.tenant).await
    }
}

pub(crate) struct World {
    pub(crate) test: TestDatabase,
    pub(crate) superuser: PgConnection,
    pub(crate) homes: Vec<Home>,
    pub(crate) filling: Filling,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::of(&FIXTURES).await
    }

    /// With these tenants alone.
    pub(crate) async fn of(fixtures: &[Fixture]) -> Self {
        let test = TestDatabase::create().await;
        let mut superuser = test.superuser().await;
        let mut filling = Filling::default();
        let mut homes = Vec::new();
        for fixture in fixtures.iter().copied() {
            let tables = tables(&mut superuser, fixture.schema).await;
            let tenant = fixture.id.to_string();
            homes.push(Home {
                fixture,
                ids: filling.fill(&mut superuser, &tables, &tenant).await,
                books: Bookkeeper::of(&mut superuser, &tables).await,
                tenant,
                tables,
            });
        }
        Self {
            test,
            superuser,
            homes,
            filling,
        }
    }

    /// The application's login, without a role and without a tenant.
    pub(crate) async fn login(&self) -> PgConnection {
        PgConnection::connect(&self.test.app_url()).await.unwrap()
    }

    /// In the transaction of a tenant.
    pub(crate) fn scope(&self, home: &Home) -> Scope {
        Scope {
            role: Some(self.test.role(home.fixture.schema)),
            schema: home.fixture.schema.to_owned(),
            tenant: Some(home.tenant.clone()),
        }
    }

    /// Everybody who is not at home in a schema: the roles of the others, nobody's role, the
    /// platform's; with a tenant of their own, with the victim's, and without one.
    pub(crate) fn strangers(&self, victim: &Home) -> Vec<(String, Scope)> {
        let elsewhere = self
            .homes
            .iter()
            .filter(|other| other.fixture.schema != victim.fixture.schema);
        let mut roles: Vec<_> = elsewhere
            .map(|other| {
                (
                    other.fixture.slug,
                    Some(self.test.role(other.fixture.schema)),
                )
            })
            .collect();
        roles.push(("nobody", None));
        roles.push(("the platform", Some(self.test.role("platform"))));
        let mut strangers = Vec::new();
        for (who, role) in roles {
            let own = self.homes.iter().find(|home| home.fixture.slug == who);
            for tenant in [
                own.map(|own| own.tenant.clone()),
                Some(victim.tenant.clone()),
            ] {
                strangers.push((
                    format!("{who} with the tenant {tenant:?}"),
                    Scope {
                        role: role.clone(),
                        schema: victim.fixture.schema.to_owned(),
                        tenant,
                    },
                ));
            }
        }
        strangers
    }
}
