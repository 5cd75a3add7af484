//! A company to hire into: on 23 November 2026, in Berlin.

use std::sync::Arc;

use access::RoleAuthorizer;
use database::{TenantContext, TenantRecord, TenantTx};
use employees::{
    EmployeeService, EmployeesError, lists,
    model::{
        Change, EmployeeProfile, EmploymentRecord, EmploymentType, Guarded, Pay, PayPeriod,
        PersonName, Remuneration, TimelineEvent,
    },
    permission::{Create, CreateOrganisation, Read, ReadOrganisation},
    postgres::Postgres,
    repository::References,
    service::{
        ChangeCompensation, Edit, Hire, NewDepartment, NewJobTitle, Promotion, Reader, Rehire,
        Terminate, Transfer, View,
    },
};
use kernel::{
    Actor, Ambient, DepartmentId, DomainError as _, EmployeeId, ErrorKind, FixedClock, JobTitleId,
    Limit, ListQuery, Money, PageRequest, PermissionMarker, Permit, RoleName, SeededEntropy,
};
use messaging::Origin;
use testkit::{DedicatedAndPooled, TestDatabase, audit_log};
use time::{
    Date, Duration,
    macros::{date, datetime},
};
use uuid::Uuid;

pub(crate) const TODAY: Date = date!(2026 - 11 - 23);

pub(crate) struct Company {
    database: TestDatabase,
    pub(crate) on: DedicatedAndPooled,
    pub(crate) employees: EmployeeService,
    pub(crate) clock: FixedClock,
    origin: Origin,
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
            audit_log(),
        );
        Self {
            database,
            on,
            employees,
            clock,
            origin: Origin {
                user: Some(Uuid::from_u128(1).into()),
                request_id: Some("r-17".to_owned()),
                ..Origin::default()
            },
        }
    }

    pub(crate) async fn superuser(&self) -> sqlx::PgConnection {
        self.database.superuser().await
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

    pub(crate) async fn job_title(&self, name: &str) -> JobTitleId {
        let new = NewJobTitle {
            code: None,
            name: name.parse().unwrap(),
            pay_range: None,
        };
        let permit = permit::<CreateOrganisation>(&self.administrator());
        let created =
            self.change(async |tx| self.employees.create_job_title(&permit, tx, new).await);
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

    /// Lets somebody be gone from a day on.
    pub(crate) async fn end(&self, id: EmployeeId, until: Date) {
        let last_day = until - Duration::DAY;
        self.terminate(id, leaving(last_day)).await.unwrap();
    }

    pub(crate) async fn transfer(
        &self,
        id: EmployeeId,
        transfer: Transfer,
    ) -> Result<EmployeeProfile, EmployeesError> {
        let actor = self.administrator();
        let permit = permit(&actor);
        self.change(async |tx| {
            let done = self.employees.transfer(&permit, tx, &actor, id, transfer);
            done.await
        })
        .await
    }

    pub(crate) async fn promote(
        &self,
        id: EmployeeId,
        promotion: Promotion,
    ) -> Result<EmployeeProfile, EmployeesError> {
        let actor = self.administrator();
        let permit = permit(&actor);
        self.change(async |tx| {
            let done = self.employees.promote(&permit, tx, &actor, id, promotion);
            done.await
        })
        .await
    }

    pub(crate) async fn pay(
        &self,
        id: EmployeeId,
        change: ChangeCompensation,
    ) -> Result<EmployeeProfile, EmployeesError> {
        let actor = self.administrator();
        let permit = permit(&actor);
        let employees = &self.employees;
        self.change(async |tx| {
            let done = employees.change_compensation(&permit, tx, &actor, id, change);
            done.await
        })
        .await
    }

    pub(crate) async fn terminate(
        &self,
        id: EmployeeId,
        terminate: Terminate,
    ) -> Result<EmployeeProfile, EmployeesError> {
        let actor = self.administrator();
        let permit = permit(&actor);
        self.change(async |tx| {
            let done = self.employees.terminate(&permit, tx, &actor, id, terminate);
            done.await
        })
        .await
    }

    pub(crate) async fn rehire(
        &self,
        id: EmployeeId,
        rehire: Rehire,
    ) -> Result<EmployeeProfile, EmployeesError> {
        let actor = self.administrator();
        let permit = permit(&actor);
        self.change(async |tx| {
            let done = self.employees.rehire(&permit, tx, &actor, id, rehire);
            done.await
        })
        .await
    }

    /// The tenant, somewhere else.
    pub(crate) async fn in_zone(&self, zone: &str) -> TenantContext {
        let (_, authority) = self.database.connect(self.database.settings()).await;
        authority.tenant(TenantRecord {
            time_zone: zone.parse().unwrap(),
            ..self.initech().record().clone()
        })
    }

    /// What is shown of somebody where the tenant is.
    pub(crate) async fn show_in(&self, tenant: &TenantContext, id: EmployeeId) -> EmployeeProfile {
        let actor = self.administrator();
        let read = permit::<Read>(&actor);
        let shown = self
            .employees
            .show(&read, self.reader_in(tenant, &actor), id, View::default());
        shown.await.unwrap().profile
    }

    /// Somebody's employments, the newest first.
    pub(crate) async fn employments(&self, id: EmployeeId) -> Vec<EmploymentRecord> {
        let actor = self.administrator();
        let read = permit::<Read>(&actor);
        let request = PageRequest {
            limit: Limit::LARGEST,
            ..first_page()
        };
        let found = self
            .employees
            .employments(&read, self.initech(), &actor, id, &request);
        found.await.unwrap().items
    }

    /// Everybody whom a query lets through.
    pub(crate) async fn list(&self, query: &ListQuery) -> Vec<EmployeeProfile> {
        let actor = self.administrator();
        let read = permit::<Read>(&actor);
        let page = first_page();
        let found = self
            .employees
            .list(&read, self.initech(), &actor, query, &page);
        let items = found.await.unwrap().items;
        items.into_iter().map(|item| item.profile).collect()
    }

    /// What is shown of somebody as of a day.
    pub(crate) async fn on(&self, id: EmployeeId, day: Date) -> EmployeeProfile {
        let actor = self.administrator();
        let read = permit::<Read>(&actor);
        let shown = self.employees.show(
            &read,
            self.reader(&actor),
            id,
            View {
                as_of: Some(day),
                ..View::default()
            },
        );
        shown.await.unwrap().profile
    }

    /// The name of the manager somebody has on a day.
    pub(crate) async fn manager_on(&self, id: EmployeeId, day: Date) -> Option<String> {
        let assignment = self.on(id, day).await.assignment.unwrap();
        assignment.manager.map(|manager| manager.name)
    }

    /// The name of the department somebody belongs to on a day.
    pub(crate) async fn department_on(&self, id: EmployeeId, day: Date) -> Option<String> {
        let assignment = self.on(id, day).await.assignment.unwrap();
        assignment.department.map(|department| department.name)
    }

    /// How much somebody is paid on a day.
    pub(crate) async fn pay_on(&self, id: EmployeeId, day: Date) -> Option<String> {
        match self.on(id, day).await.compensation {
            Guarded::Shown(pay) => pay.map(|pay| pay.pay.amount().to_string()),
            Guarded::Hidden => Some("hidden".to_owned()),
        }
    }

    /// What happened to somebody, told to an actor in pages of a size: day, kind, and what changed
    /// of department, job title and pay.
    pub(crate) async fn told(&self, actor: &Actor, id: EmployeeId, limit: u16) -> Vec<String> {
        let mut told = Vec::new();
        let mut after = None;
        loop {
            let request = PageRequest {
                limit: Limit::new(limit).unwrap(),
                after,
                count: true,
            };
            let read = permit::<Read>(actor);
            let timeline = self
                .employees
                .timeline(&read, self.reader(actor), id, &request, false)
                .await
                .unwrap();
            let today = timeline.today;
            told.extend(timeline.page.items.into_iter().map(|it| tell(it, today)));
            after = timeline.page.next;
            if after.is_none() {
                assert_eq!(timeline.page.total, Some(told.len() as u64));
                return told;
            }
        }
    }

    pub(crate) async fn show(&self, id: EmployeeId) -> Result<EmployeeProfile, EmployeesError> {
        let actor = self.administrator();
        self.employees
            .show(
                &permit::<Read>(&actor),
                self.reader(&actor),
                id,
                View::default(),
            )
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

    /// Somebody who reads, in a request.
    pub(crate) fn reader<'a>(&'a self, actor: &'a Actor) -> Reader<'a> {
        self.reader_in(self.initech(), actor)
    }

    pub(crate) fn reader_in<'a>(
        &'a self,
        tenant: &'a TenantContext,
        actor: &'a Actor,
    ) -> Reader<'a> {
        let origin = &self.origin;
        Reader {
            tenant,
            actor,
            origin,
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

fn arrow<T>(change: Option<Change<T>>, name: impl Fn(T) -> String) -> Option<String> {
    let change = change?;
    let name = |value: Option<T>| value.map_or("-".to_owned(), &name);
    Some(format!("{}>{}", name(change.from), name(change.to)))
}

fn tell(event: TimelineEvent, today: Date) -> String {
    let mut words = vec![event.date.to_string(), event.kind.to_string()];
    if event.date > today {
        words.push("(scheduled)".to_owned());
    }
    words.extend(arrow(event.changes.department, |it| it.name));
    words.extend(arrow(event.changes.job_title, |it| it.name));
    words.extend(arrow(event.changes.manager, |it| it.name));
    words.extend(arrow(event.pay, |it| it.pay.amount().to_string()));
    words.extend(event.reason.map(|reason| reason.to_string()));
    words.join(" ")
}

/// Who leaves after a day.
pub(crate) fn leaving(last_day: Date) -> Terminate {
    Terminate {
        last_day,
        reason: None,
        successor: None,
    }
}

/// Who comes back on a day.
pub(crate) fn back(hire_date: Date) -> Rehire {
    let hire = somebody("Nobody");
    Rehire {
        hire_date,
        employment_type: EmploymentType::FullTime,
        references: hire.references,
        pay: None,
    }
}

pub(crate) fn monthly(amount: &str) -> Remuneration {
    let amount = Money::parse(amount, "EUR").unwrap();
    Remuneration {
        pay: Pay::new(amount, PayPeriod::Monthly).unwrap(),
        commission: None,
    }
}

/// So much a month from a day on.
pub(crate) fn paid(effective_date: Date, amount: &str) -> ChangeCompensation {
    ChangeCompensation {
        effective_date,
        pay: monthly(amount).pay,
        commission: Edit::Keep,
    }
}

/// Under another manager from a day on.
pub(crate) fn under(manager: EmployeeId, effective_date: Date) -> Transfer {
    Transfer {
        manager: Edit::Set(manager),
        ..Transfer::on(effective_date)
    }
}

/// What kind of error it was, with the field that it names first and the code of the mistake.
pub(crate) fn named<T>(done: Result<T, EmployeesError>) -> (ErrorKind, String, &'static str) {
    let error = done.err().unwrap();
    let first = error.fields().into_iter().next().unwrap();
    (error.kind(), first.pointer, first.code)
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
