//! `demo`: two companies with people in them, to look at.

use access::Role;
use auth::{AuthError, DisplayName, NewUser};
use database::{StoreError, TenantContext};
use employees::{
    import::{ImportSet, Kind},
    service::ImportOptions,
};
use kernel::{EmployeeId, Placement};
use migration::MigrationError;
use sea_orm::{FromQueryResult, Value};
use secrecy::ExposeSecret as _;
use tenancy::{Registered, TenancyError};

use super::{
    Credentials, DemoReport, DemoTenant, DemoUser, Failure, Operator, PasswordFrom, TenantRequest,
    administrator::kept, operator::Platform,
};

/// A company of `deploy/samples`.
struct Company {
    slug: &'static str,
    name: &'static str,
    placement: Placement,
    time_zone: &'static str,
    administrator: &'static str,
    /// Work addresses of people in the samples.
    hr_manager: &'static str,
    employee: &'static str,
    files: [(Kind, &'static str, &'static str); 5],
}

macro_rules! files {
    ($company:literal) => {
        [
            file!($company, Departments, "departments.csv"),
            file!($company, JobTitles, "job_titles.csv"),
            file!($company, Locations, "locations.csv"),
            file!($company, Employees, "employees.csv"),
            file!($company, EmploymentHistory, "employment_history.csv"),
        ]
    };
}

macro_rules! file {
    ($company:literal, $kind:ident, $file:literal) => {
        (
            Kind::$kind,
            $file,
            include_str!(concat!("../../../../deploy/samples/", $company, "/", $file)),
        )
    };
}

const COMPANIES: [Company; 2] = [
    Company {
        slug: "acme",
        name: "Acme Pumps",
        placement: Placement::Dedicated,
        time_zone: "Europe/Berlin",
        administrator: "admin@acme.example",
        hr_manager: "emre.yildiz@acme.example",
        employee: "johanna.lindqvist@acme.example",
        files: files!("acme"),
    },
    Company {
        slug: "globex",
        name: "Globex Studio",
        placement: Placement::Pooled,
        time_zone: "Australia/Melbourne",
        administrator: "admin@globex.example",
        hr_manager: "margaret@globex.example",
        employee: "isla@globex.example",
        files: files!("globex"),
    },
];

impl Operator {
    /// Creates the sample companies, their people, and for each an administrator, an HR manager
    /// and an employee who can sign in; whatever of it exists stays as it is. Several take turns.
    ///
    /// # Errors
    /// [`Failure::Argument`] without a credentials folder; [`Failure::Tenancy`] when a tenant with
    /// one of the slugs is no sample company.
    pub async fn demo(&self) -> Result<DemoReport, Failure> {
        let credentials = self.credentials.as_ref().ok_or_else(|| Failure::Argument {
            option: "--credentials-dir",
            reason: "the passwords of the users must be kept somewhere".to_owned(),
        })?;
        // The turn ends with the connection.
        let mut turn = self.connection().await?;
        sqlx::query("SELECT pg_advisory_lock(hashtextextended('hrms demo', 0))")
            .execute(&mut turn)
            .await
            .map_err(MigrationError::from)?;
        let platform = self.open().await?;
        let mut tenants = Vec::new();
        for company in &COMPANIES {
            tenants.push(self.found(&platform, credentials, company).await?);
            self.reporter.say(&format!("{} is there", company.name));
        }
        Ok(DemoReport { tenants })
    }

    async fn found(
        &self,
        platform: &Platform,
        credentials: &Credentials,
        company: &Company,
    ) -> Result<DemoTenant, Failure> {
        let tenant = self.ensure_tenant(platform, company).await?;
        let imported = if has_people(platform, &tenant.context).await? {
            None
        } else {
            let files = company.files.iter();
            let files = files.map(|(kind, name, text)| (*kind, *name, text.as_bytes().to_vec()));
            let set = ImportSet::native(files);
            Some(
                self.bring_in(platform, &tenant.context, set, ImportOptions::default())
                    .await?,
            )
        };
        let mut users = Vec::new();
        for (email, role) in [
            (company.administrator, Role::Administrator),
            (company.hr_manager, Role::HrManager),
            (company.employee, Role::Employee),
        ] {
            users.push(ensure_user(platform, credentials, &tenant.context, email, role).await?);
        }
        Ok(DemoTenant {
            slug: company.slug,
            imported,
            users,
        })
    }

    /// The company's tenant. A tenant of this slug that somebody made for himself is not ours to
    /// put people into.
    async fn ensure_tenant(
        &self,
        platform: &Platform,
        company: &Company,
    ) -> Result<Registered, Failure> {
        let request = company.request()?;
        let slug = request.slug.clone();
        match self.create_in(platform, request).await {
            Ok(_report) => Ok(platform.tenant(&slug).await?),
            Err(Failure::Tenancy(TenancyError::SlugTaken(_))) => {
                let found = platform.tenant(&slug).await?;
                let tenant = &found.tenant;
                if tenant.name != company.name || tenant.placement != company.placement {
                    return Err(TenancyError::SlugTaken(slug).into());
                }
                tenant.admits_requests()?;
                Ok(found)
            }
            Err(failure) => Err(failure),
        }
    }
}

impl Company {
    fn request(&self) -> Result<TenantRequest, Failure> {
        Ok(TenantRequest {
            slug: parsed(self.slug)?,
            name: parsed(self.name)?,
            placement: Some(self.placement),
            locale: tenancy::Locale::english(),
            time_zone: parsed(self.time_zone)?,
            administrator: parsed(self.administrator)?,
            password: PasswordFrom::Generated,
        })
    }
}

/// Somebody who can sign in, and whose password lies in the folder.
async fn ensure_user(
    platform: &Platform,
    credentials: &Credentials,
    tenant: &TenantContext,
    email: &str,
    role: Role,
) -> Result<DemoUser, Failure> {
    let name = format!(
        "{}-{}-password",
        tenant.slug(),
        role.as_str().replace('_', "-")
    );
    let user = sample_user(platform, tenant, email, role).await?;
    let is_known = exists(
        platform,
        tenant,
        "SELECT EXISTS (SELECT FROM users WHERE email_key = $1) AS known",
        [user.email.key().into()],
    )
    .await?;
    if is_known && credentials.read(&name)?.is_none() {
        // Somebody deleted the file. It is kept last: until then the next run comes here again.
        let drawn = credentials.draw_password();
        let password = auth::Password::choose(drawn.expose_secret()).map_err(AuthError::from)?;
        platform
            .users
            .set_password(tenant, &user.email, &password)
            .await?;
        credentials.replace(&name, &drawn)?;
    } else {
        let password = kept(credentials, &name)?;
        platform.users.create(tenant, &user, &password).await?;
    }
    Ok(DemoUser {
        email: email.to_owned(),
        role: role.as_str(),
        password_file: credentials.path(&name),
    })
}

#[derive(FromQueryResult)]
struct Person {
    id: uuid::Uuid,
    name: String,
}

/// The user to be: who has a work address of the samples is that employee.
async fn sample_user(
    platform: &Platform,
    tenant: &TenantContext,
    email: &str,
    role: Role,
) -> Result<NewUser, Failure> {
    let email: kernel::EmailAddress = parsed(email)?;
    let tx = platform.database.begin_tenant_read(tenant).await?;
    let person: Option<Person> = tx
        .row(
            "SELECT id, first_name || ' ' || last_name AS name FROM employees \
             WHERE work_email_key = $1",
            [email.key().into()],
        )
        .await?;
    tx.commit().await?;
    let display_name: DisplayName = match &person {
        Some(person) => parsed(&person.name)?,
        None => parsed("Administrator")?,
    };
    Ok(NewUser {
        email,
        display_name,
        roles: vec![role],
        employee_id: person.map(|person| EmployeeId::new(person.id)),
    })
}

async fn has_people(platform: &Platform, tenant: &TenantContext) -> Result<bool, StoreError> {
    let people = "SELECT EXISTS (SELECT FROM employees) AS known";
    exists(platform, tenant, people, []).await
}

#[derive(FromQueryResult)]
struct Answer {
    known: bool,
}

async fn exists<const N: usize>(
    platform: &Platform,
    tenant: &TenantContext,
    question: &'static str,
    values: [Value; N],
) -> Result<bool, StoreError> {
    let tx = platform.database.begin_tenant_read(tenant).await?;
    let answer: Option<Answer> = tx.row(question, values).await?;
    tx.commit().await?;
    Ok(answer.is_some_and(|answer| answer.known))
}

/// A constant of this file that is not what it should be is a defect, and told as one.
fn parsed<T: std::str::FromStr>(text: &str) -> Result<T, Failure>
where
    T::Err: ToString,
{
    text.parse().map_err(|error: T::Err| Failure::Argument {
        option: "demo",
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_companies_can_be_asked_for() {
        for company in &COMPANIES {
            let request = company.request().unwrap();
            assert_eq!(request.slug.as_str(), company.slug);
            let [.., (_, _, people), _] = company.files;
            for email in [company.hr_manager, company.employee] {
                assert!(people.contains(email), "{email}");
            }
        }
    }
}
