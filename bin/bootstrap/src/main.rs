//! The operator's command line. It parses arguments, calls [`app::operate`] and prints.

mod arguments;
mod print;

use std::{process::ExitCode, sync::Arc};

use app::{
    operate::{
        self, Failure, HoldOn, ImportOptions, ImportRequest, JobQuestion, Operator, PasswordFrom,
        Phase, PublicTenant, TenantRequest, UpOptions, VerifyRequest,
    },
    settings::LoadFrom,
};
use clap::Parser as _;

use crate::{
    arguments::{Arguments, Audit, Command, Domain, Hold, Jobs, Purge, Tenant},
    print::{Printed, Terminal},
};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        // Whoever reads JSON reads it also when the rest is wrong.
        Err(error) => return print::misread(&error, std::env::args_os().any(|it| it == "--json")),
    };
    let json = arguments.json;
    // What happens inside is told when it is a warning; what a command does, its reporter tells.
    let _log = operate::log_warnings();
    let result = run(arguments).await;
    let code = match &result {
        Ok(printed) => printed.exit_code(),
        Err(failure) => ExitCode::from(failure.exit_code()),
    };
    print::finish(&result, json);
    code
}

async fn run(arguments: Arguments) -> Result<Printed, Failure> {
    let from = LoadFrom::process(arguments.config);
    let folder = arguments.credentials_dir;
    let operator = |from, folder| {
        let reporter = Arc::new(Terminal::new());
        Operator::new(from, folder, operate::ambient(), reporter)
    };
    Ok(match arguments.command {
        Command::Up(up) => {
            let options = UpOptions {
                wait: up.wait,
                new_application_password: up.new_application_password,
                public_tenant: public_tenant(up.public_tenant),
            };
            Printed::up(&operator(from, folder)?.up(options).await?)
        }
        Command::Migrate => Printed::migrated(&operator(from, folder)?.migrate().await?),
        Command::EnsurePublicTenant(wanted) => {
            let wanted = public_tenant(wanted);
            Printed::tenant(
                &operator(from, folder)?
                    .ensure_public_tenant(&wanted)
                    .await?,
            )
        }
        Command::Tenant(command) => tenant(&operator(from, folder)?, command).await?,
        Command::Import(import) => {
            let request = import_request(import);
            Printed::imported(&operator(from, folder)?.import(&request).await?)
        }
        Command::Demo => Printed::demo(&operator(from, folder)?.demo().await?),
        Command::Purge(Purge::Sessions { tenant }) => {
            let operator = operator(from, folder)?;
            Printed::purged_sessions(&operator.purge_sessions(tenant.as_ref()).await?)
        }
        Command::Purge(Purge::Answers { tenant }) => {
            let operator = operator(from, folder)?;
            Printed::purged_answers(&operator.purge_answers(tenant.as_ref()).await?)
        }
        Command::Jobs(command) => jobs(&operator(from, folder)?, command).await?,
        Command::Audit(command) => audit(&operator(from, folder)?, command).await?,
        Command::Config => Printed::config(&Operator::config(&from, folder)?),
        Command::Diagnose(it) => {
            let phase = match it.phase {
                arguments::Phase::Startup => Phase::Startup,
                arguments::Phase::Running => Phase::Running,
            };
            let diagnosis = operator(from, folder)?.diagnose(phase).await?;
            Printed::diagnosis(&diagnosis.healthy()?)
        }
        Command::ValidateMigrations => {
            let diagnosis = operator(from, folder)?.validate_migrations().await?;
            Printed::diagnosis(&diagnosis.healthy()?)
        }
    })
}

async fn tenant(operator: &Operator, command: Tenant) -> Result<Printed, Failure> {
    let report = match command {
        Tenant::List => return Ok(Printed::tenants(&operator.list_tenants().await?)),
        Tenant::Create(new) => operator.create_tenant(tenant_request(new)).await,
        Tenant::Show { slug } => operator.show_tenant(&slug).await,
        Tenant::Suspend { slug, reason } => operator.suspend_tenant(&slug, reason.as_ref()).await,
        Tenant::Resume { slug } => operator.resume_tenant(&slug).await,
        Tenant::Domain(Domain::Add { slug, domain }) => operator.add_domain(&slug, domain).await,
        Tenant::Domain(Domain::Remove { slug, domain }) => {
            operator.remove_domain(&slug, domain).await
        }
    };
    Ok(Printed::tenant(&report?))
}

async fn jobs(operator: &Operator, command: Jobs) -> Result<Printed, Failure> {
    Ok(match command {
        Jobs::List(list) => Printed::jobs(&operator.list_jobs(&job_question(list)).await?),
        Jobs::Show { job } => Printed::job(&operator.show_job(job).await?),
        Jobs::Retry { job } => Printed::job(&operator.retry_job(job).await?),
        Jobs::Cancel { job } => Printed::job(&operator.cancel_job(job).await?),
        Jobs::Pause { queue } => Printed::queue(&operator.pause_queue(queue, true).await?),
        Jobs::Resume { queue } => Printed::queue(&operator.pause_queue(queue, false).await?),
        Jobs::Purge { older_than } => Printed::purged_jobs(&operator.purge_jobs(older_than).await?),
    })
}

async fn audit(operator: &Operator, command: Audit) -> Result<Printed, Failure> {
    let on = |whose: arguments::Whose| match whose.tenant {
        Some(slug) => HoldOn::Tenant(slug),
        None => HoldOn::Platform,
    };
    Ok(match command {
        Audit::Verify(it) => {
            let request = VerifyRequest {
                tenant: it.tenant,
                from: it.from,
                to: it.to,
                seals: it.seals,
                archives: it.archives,
                public_key: it.public_key,
            };
            Printed::verified(&Box::pin(operator.verify_audit(request)).await?)
        }
        Audit::Hold(Hold::Add {
            whose,
            target,
            reason,
        }) => Printed::hold(&operator.place_hold(&on(whose), target, &reason).await?),
        Audit::Hold(Hold::List { whose }) => {
            Printed::holds(&operator.list_holds(&on(whose)).await?)
        }
        Audit::Hold(Hold::Release { whose, hold }) => {
            Printed::hold(&operator.release_hold(&on(whose), hold).await?)
        }
    })
}

fn job_question(arguments: arguments::JobList) -> JobQuestion {
    JobQuestion {
        tenant: arguments.tenant,
        of_platform: arguments.platform,
        state: arguments.state,
        kind: arguments.kind,
        before: arguments.before,
        limit: arguments.limit,
    }
}

fn public_tenant(arguments: arguments::PublicTenant) -> PublicTenant {
    PublicTenant {
        name: arguments.public_name,
        host: arguments.public_host,
        administrator: arguments.administrator,
    }
}

fn tenant_request(arguments: arguments::TenantCreate) -> TenantRequest {
    TenantRequest {
        slug: arguments.slug,
        name: arguments.name,
        placement: arguments.placement,
        locale: arguments.locale,
        time_zone: arguments.time_zone,
        administrator: arguments.admin_email,
        password: arguments
            .password_file
            .map_or(PasswordFrom::Generated, PasswordFrom::File),
    }
}

fn import_request(arguments: arguments::Import) -> ImportRequest {
    ImportRequest {
        tenant: arguments.tenant,
        mapping: arguments.mapping,
        options: arguments.options.into_iter().collect(),
        kind: arguments.kind,
        columns: arguments.columns,
        how: ImportOptions {
            mode: arguments.mode,
            dry_run: arguments.dry_run,
        },
        source: arguments.source,
    }
}
