//! A company to hire into: on 23 November 2026, in Berlin.

use std::sync::Arc;

use access::RoleAuthorizer;
use database::{TenantContext, TenantTx};
use employees::{
    EmployeeService, EmployeesError, lists,
    model::{EmployeeProfile, EmploymentType, PersonName},
    permission::{Create, CreateOrganisation, Read, ReadOrganisation},
    postgres::Postgres,
    repository::References,
    service::{Hire, NewDepartment},
};
use kernel::{
    Actor, Ambient, DepartmentId, EmployeeId, FixedClock, Limit, ListQuery, PageRequest,
    PermissionMarker, Permit, RoleName, SeededEntropy,
};
use testkit::{DedicatedAndPooled, TestDatabase};
use time::{
    Date,
    macros::{date, datetime},
};
use uuid::Uuid;

pub(crate) const TODAY: Date = date!(2026 - 11 - 23);

pub(crate) struct Company {
    _database: TestDatabase,
    pub(crate) on: DedicatedAndPooled,
    pub(crate) employees: EmployeeService,
    pub(crate) clock: FixedClock,
}

impl Company {
    pub(crate) async fn found() -> Self {
        let database = TestDatabase::create().await;
        let on = database.tenants().await;
        let clock = FixedClock::at(datetime!(2026-11-23 09:00 UTC));
        let ambient = Ambient::new(Arc::new(clock.clone()), Arc::new(SeededEntropy::new(7)));
        let employees = EmployeeService::new(
            on.database.clone(),
            ambient,
            Arc::new(RoleAuthorizer),
            Postgres,
        );
        Self {
            _database: database,
            on,
            employees,
            clock,
        }
    }

    /// The pooled tenant, whose neighbour is a wall away.
    pub(crate) fn initech(&self) -> &TenantContext {
        &self.on.initech
    }

    pub(crate) async fn hire(&self, hire: Hire) -> Result<EmployeeProfile, EmployeesError> {
        self.hire_into(self.initech(), hire).await
    }

    pub(crate) async fn hire_into(
        &self,
        tenant: &TenantContext,
        hire: Hire,
    ) -> Result<EmployeeProfile, EmployeesError> {
        let actor = self.administrator();
        let tx = self.on.database.begin_tenant(tenant).await?;
        let hired = self
            .employees
            .hire(&permit::<Create>(&actor), &tx, &actor, hire)
            .await?;
        tx.commit().await?;
        Ok(hired)
    }

    /// Hires somebody who reports to somebody.
    pub(crate) async fn person(&self, name: &str, manager: Option<EmployeeId>) -> EmployeeId {
        let mut hire = somebody(name);
        hire.references.manager = manager;
        self.hire(hire).await.unwrap().id
    }

    pub(crate) async fn department(&self, name: &str) -> DepartmentId {
        let new = NewDepartment {
            code: None,
            name: name.parse().unwrap(),
            parent_id: None,
            manager_id: None,
        };
        let permit = permit::<CreateOrganisation>(&self.administrator());
        let created =
            self.change(async |tx| self.employees.create_department(&permit, tx, new).await);
        created.await.unwrap().id
    }

    /// Does something in one transaction.
    pub(crate) async fn change<T>(
        &self,
        work: impl AsyncFnOnce(&TenantTx) -> Result<T, EmployeesError>,
    ) -> Result<T, EmployeesError> {
        let tx = self.on.database.begin_tenant(self.initech()).await?;
        let done = work(&tx).await?;
        tx.commit().await?;
        Ok(done)
    }

    /// Lets somebody's service end: there is no use case for it yet.
    pub(crate) async fn end(&self, id: EmployeeId, until: Date) {
        let tx = self.on.database.begin_tenant(self.initech()).await.unwrap();
        let values = || [id.uuid().into(), until.into()];
        tx.run(
            "UPDATE employees SET employed_until = $2 WHERE id = $1",
            values(),
        )
        .await
        .unwrap();
        tx.run(
            "UPDATE employments SET valid_to = $2 WHERE employee_id = $1",
            values(),
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
    }

    pub(crate) async fn show(&self, id: EmployeeId) -> Result<EmployeeProfile, EmployeesError> {
        let actor = self.administrator();
        self.employees
            .show(&permit::<Read>(&actor), self.initech(), &actor, id, &[])
            .await
            .map(|shown| shown.profile)
    }

    /// The family names of everybody whom the query lets through, page by page.
    pub(crate) async fn names(&self, query: &ListQuery, limit: u16) -> Vec<String> {
        let actor = self.administrator();
        let mut names = Vec::new();
        let mut after = None;
        loop {
            let request = PageRequest {
                limit: Limit::new(limit).unwrap(),
                after,
                count: true,
            };
            let page = self
                .employees
                .list(
                    &permit::<Read>(&actor),
                    self.initech(),
                    &actor,
                    query,
                    &request,
                )
                .await
                .unwrap();
            names.extend(
                page.items
                    .iter()
                    .map(|item| item.profile.name.last.as_str().to_owned()),
            );
            after = page.next;
            if after.is_none() {
                assert_eq!(page.total, Some(names.len() as u64));
                return names;
            }
        }
    }

    pub(crate) fn administrator(&self) -> Actor {
        self.actor("administrator", None)
    }

    pub(crate) fn actor(&self, role: &str, employee_id: Option<EmployeeId>) -> Actor {
        Actor {
            tenant_id: self.initech().id(),
            is_platform: false,
            user_id: Uuid::from_u128(1).into(),
            session_id: Uuid::from_u128(2).into(),
            employee_id,
            roles: [RoleName::new(role)].into(),
        }
    }
}

pub(crate) fn permit<P: PermissionMarker>(actor: &Actor) -> Permit<P> {
    Permit::obtain(&RoleAuthorizer, actor).unwrap()
}

pub(crate) fn read_organisation(company: &Company) -> Permit<ReadOrganisation> {
    permit(&company.administrator())
}

pub(crate) fn somebody(last_name: &str) -> Hire {
    Hire {
        number: None,
        name: PersonName {
            first: "Ann".parse().unwrap(),
            last: last_name.parse().unwrap(),
        },
        work_email: None,
        phone: None,
        hire_date: date!(2020 - 01 - 01),
        employment_type: EmploymentType::FullTime,
        references: References {
            department: None,
            job_title: None,
            location: None,
            manager: None,
        },
        pay: None,
    }
}

/// Everybody, by family name.
pub(crate) fn everybody() -> ListQuery {
    asked(&[])
}

/// What a client asks of the list.
pub(crate) fn asked(parameters: &[(&str, &str)]) -> ListQuery {
    let parameters = parameters.iter().copied();
    lists::EMPLOYEES.read(parameters, |_| true).unwrap()
}

pub(crate) fn first_page<K>() -> PageRequest<K> {
    PageRequest {
        limit: Limit::default(),
        after: None,
        count: false,
    }
}
