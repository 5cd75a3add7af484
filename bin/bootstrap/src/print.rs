//! What the terminal shows.

use std::{
    fmt::Write as _,
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
};

use app::{
    operate::{
        self, AuditFailure, DemoReport, Diagnosis, Failure, HoldReport, ImportedReport, JobReport,
        MigrationReport, PurgeReport, Purged, PurgedAnswers, PurgedJobs, QueueReport, Reporter,
        TenantReport, UpReport, Verified,
    },
    settings::Settings,
};
use serde::Serialize;
use serde_json::{Value, json};

/// A result, for people and for programs.
pub(crate) struct Printed {
    text: String,
    json: Value,
    /// Whether it is only a part of what was asked for.
    is_part: bool,
}

impl Printed {
    fn of(report: &impl Serialize, text: String) -> Self {
        // A struct of strings and numbers always is JSON.
        Self {
            text,
            json: serde_json::to_value(report).unwrap_or_default(),
            is_part: false,
        }
    }

    /// What the process exits with: 5 when a part was not done.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(if self.is_part { 5 } else { 0 })
    }

    pub(crate) fn config(settings: &Settings) -> Self {
        Self {
            text: settings.redacted(),
            json: operate::config_json(settings),
            is_part: false,
        }
    }

    pub(crate) fn up(report: &UpReport) -> Self {
        let mut text = "The platform is ready.\n".to_owned();
        if let Some(file) = &report.database_url_file {
            line(
                &mut text,
                "application's login",
                &file.display().to_string(),
            );
        }
        if let Some(file) = &report.administrator_password_file {
            line(
                &mut text,
                "administrator's password",
                &file.display().to_string(),
            );
        }
        Self::of(report, text)
    }

    pub(crate) fn migrated(report: &MigrationReport) -> Self {
        let text = match report.migrated {
            0 => "Everything is up to date.\n".to_owned(),
            1 => "One schema was migrated.\n".to_owned(),
            many => format!("{many} schemas were migrated.\n"),
        };
        Self::of(report, text)
    }

    pub(crate) fn tenant(report: &TenantReport) -> Self {
        let mut text = String::new();
        line(&mut text, "slug", &report.slug);
        line(&mut text, "name", &report.name);
        line(&mut text, "status", report.status);
        if let Some(since) = &report.suspended_at {
            line(&mut text, "suspended", since);
        }
        if let Some(reason) = &report.suspension_reason {
            line(&mut text, "reason", reason);
        }
        line(&mut text, "placement", report.placement);
        line(&mut text, "schema", &report.schema);
        line(&mut text, "locale", &report.locale);
        line(&mut text, "time zone", &report.time_zone);
        line(&mut text, "created", &report.created_at);
        line(&mut text, "id", &report.id);
        if let Some(hosts) = &report.hosts {
            line(&mut text, "hosts", &hosts.join(", "));
        }
        if let Some(file) = &report.administrator_password_file {
            line(
                &mut text,
                "administrator's password",
                &file.display().to_string(),
            );
        }
        Self::of(report, text)
    }

    pub(crate) fn tenants(reports: &[TenantReport]) -> Self {
        let mut text = String::new();
        for tenant in reports {
            let TenantReport {
                slug,
                status,
                placement,
                schema,
                name,
                ..
            } = tenant;
            let _ = writeln!(
                text,
                "{slug:<40}  {status:<9}  {placement:<9}  {schema:<42}  {name}"
            );
        }
        Self::of(&reports, text)
    }

    pub(crate) fn demo(report: &DemoReport) -> Self {
        let mut text = String::new();
        for tenant in &report.tenants {
            let _ = writeln!(text, "{}", tenant.slug);
            for user in &tenant.users {
                let (email, role) = (&user.email, user.role);
                let file = user.password_file.display();
                let _ = writeln!(text, "  {role:<14}  {email:<32}  {file}");
            }
        }
        Self::of(report, text)
    }

    pub(crate) fn imported(report: &ImportedReport) -> Self {
        let mut text = String::new();
        if report.dry_run {
            text.push_str("Nothing was stored; this is what would come in.\n");
        }
        for (name, count) in [
            ("departments", report.departments),
            ("job titles", report.job_titles),
            ("locations", report.locations),
            ("employees", report.employees),
            ("past employments", report.past_employments),
            ("compensations", report.compensations),
        ] {
            line(&mut text, name, &count.to_string());
        }
        if report.failed > 0 {
            line(
                &mut text,
                "rows that did not come in",
                &report.failed.to_string(),
            );
        }
        for error in &report.errors {
            let _ = writeln!(text, "  {error}");
        }
        Self {
            is_part: report.failed > 0,
            ..Self::of(report, text)
        }
    }

    pub(crate) fn purged_answers(report: &PurgeReport<PurgedAnswers>) -> Self {
        let mut text = String::new();
        line(&mut text, "tenants", &report.tenants.to_string());
        line(&mut text, "answers", &report.purged.answers.to_string());
        Self::of(report, text)
    }

    pub(crate) fn purged_sessions(report: &PurgeReport<Purged>) -> Self {
        let mut text = String::new();
        line(&mut text, "tenants", &report.tenants.to_string());
        line(&mut text, "sessions", &report.purged.sessions.to_string());
        let tokens = report.purged.refresh_tokens.to_string();
        line(&mut text, "refresh tokens", &tokens);
        Self::of(report, text)
    }

    pub(crate) fn jobs(reports: &[JobReport]) -> Self {
        let mut text = String::new();
        for job in reports {
            let JobReport {
                id,
                tenant,
                kind,
                state,
                created_at,
                ..
            } = job;
            let _ = writeln!(
                text,
                "{id}  {state:<9}  {tenant:<40}  {kind:<32}  {created_at}"
            );
        }
        Self::of(&reports, text)
    }

    pub(crate) fn job(report: &JobReport) -> Self {
        let mut text = String::new();
        line(&mut text, "id", &report.id);
        line(&mut text, "tenant", &report.tenant);
        line(&mut text, "kind", &report.kind);
        line(&mut text, "queue", report.queue);
        line(&mut text, "state", report.state);
        let tries = format!("{} of {}", report.attempt, report.max_attempts);
        line(&mut text, "tries", &tries);
        if let Some((done, total)) = report.progress {
            line(&mut text, "progress", &format!("{done} of {total}"));
        }
        line(&mut text, "not before", &report.run_at);
        line(&mut text, "created", &report.created_at);
        for (name, value) in [
            ("started", &report.started_at),
            ("ended", &report.ended_at),
            ("request", &report.request_id),
            ("wanted by", &report.enqueued_by),
            ("last error", &report.last_error),
        ] {
            if let Some(value) = value {
                line(&mut text, name, value);
            }
        }
        Self::of(report, text)
    }

    pub(crate) fn queue(report: &QueueReport) -> Self {
        let text = if report.paused {
            format!("The jobs of the queue {} wait.\n", report.queue)
        } else {
            format!("The jobs of the queue {} go on.\n", report.queue)
        };
        Self::of(report, text)
    }

    pub(crate) fn purged_jobs(report: &PurgedJobs) -> Self {
        let mut text = String::new();
        line(&mut text, "jobs", &report.jobs.to_string());
        Self::of(report, text)
    }

    pub(crate) fn verified(report: &Verified) -> Self {
        let mut text = "Everything is as it was signed.\n".to_owned();
        for (name, count) in [
            ("chains", report.chains),
            ("events", report.events),
            ("archived events", report.archived),
            ("archives elsewhere", report.archives_elsewhere),
            ("seals", report.seals),
            ("checkpoints", report.checkpoints),
            ("lines that are not whole", report.broken_lines),
        ] {
            line(&mut text, name, &count.to_string());
        }
        Self::of(report, text)
    }

    pub(crate) fn hold(report: &HoldReport) -> Self {
        let mut text = String::new();
        line(&mut text, "id", &report.id);
        line(
            &mut text,
            "of",
            report.target.as_deref().unwrap_or("everything"),
        );
        line(&mut text, "reason", &report.reason);
        line(&mut text, "placed", &report.placed_at);
        if let Some(released) = &report.released_at {
            line(&mut text, "released", released);
        }
        Self::of(report, text)
    }

    pub(crate) fn holds(reports: &[HoldReport]) -> Self {
        let mut text = String::new();
        for hold in reports {
            let state = if hold.released_at.is_some() {
                "released"
            } else {
                "held"
            };
            let target = hold.target.as_deref().unwrap_or("everything");
            let _ = writeln!(
                text,
                "{}  {state:<8}  {target:<36}  {}",
                hold.id, hold.reason
            );
        }
        Self::of(&reports, text)
    }

    pub(crate) fn diagnosis(diagnosis: &Diagnosis) -> Self {
        let mut text = String::new();
        for check in &diagnosis.checks {
            let detail = check.detail.as_deref().unwrap_or_default();
            line(&mut text, check.name, &format!("ok: {detail}"));
        }
        Self::of(diagnosis, text)
    }
}

fn line(text: &mut String, name: &str, value: &str) {
    // Writing to a string can't fail.
    let _ = writeln!(text, "{name:<26}{value}");
}

/// Prints the result on standard output; an error on standard error, or as JSON on standard output.
pub(crate) fn finish(result: &Result<Printed, Failure>, json: bool) {
    let (text, value) = match result {
        Ok(printed) => (printed.text.clone(), printed.json.clone()),
        Err(failure) => (explain(failure), describe(failure)),
    };
    // Who closed the pipe has seen enough.
    let _ = if json {
        writeln!(io::stdout(), "{value:#}")
    } else if result.is_ok() {
        write!(io::stdout(), "{text}")
    } else {
        if let Err(Failure::Incomplete { shown, .. }) = result {
            let _ = write!(io::stdout(), "{shown}");
        }
        write!(io::stderr(), "{text}")
    };
}

/// Prints why the command line cannot be read, or the help that was asked for; returns the exit
/// code.
pub(crate) fn misread(error: &clap::Error, json: bool) -> ExitCode {
    if json && error.use_stderr() {
        let text = error.render().to_string();
        // What comes after an empty line is for people: the usage, and where to find more.
        let message = text.split("\n\n").next().unwrap_or_default();
        let error = json!({
            "code": "argument",
            "message": message.strip_prefix("error: ").unwrap_or(message),
            "details": [],
            "causes": [],
            "next": "Correct the command line; `--help` explains it.",
        });
        let _ = writeln!(io::stdout(), "{:#}", json!({ "error": error }));
    } else {
        let _ = error.print();
    }
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

fn explain(failure: &Failure) -> String {
    let mut text = format!("error: {failure}\n");
    for detail in failure.details() {
        let _ = writeln!(text, "  {detail}");
    }
    for cause in causes(failure) {
        let _ = writeln!(text, "  because: {cause}");
    }
    let _ = writeln!(text, "{}", failure.next());
    text
}

fn describe(failure: &Failure) -> Value {
    let mut error = json!({
        "code": failure.code(),
        "message": failure.to_string(),
        "details": failure.details(),
        "causes": causes(failure),
        "next": failure.next(),
    });
    let more = match failure {
        Failure::Unhealthy(checks) => Some(("checks", json!(checks))),
        Failure::Audit(AuditFailure::Findings(found)) => Some(("verified", json!(found))),
        Failure::Incomplete { shown, .. } => Some(("settings", operate::shown_as_json(shown))),
        _ => None,
    };
    if let (Some((name, value)), Some(error)) = (more, error.as_object_mut()) {
        error.insert(name.to_owned(), value);
    }
    json!({ "error": error })
}

fn causes(failure: &Failure) -> Vec<String> {
    let mut causes = Vec::new();
    let mut next = std::error::Error::source(failure);
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    causes
}

/// Tells on standard error how a command gets on; a counter that moves only on a terminal.
pub(crate) struct Terminal {
    is_terminal: bool,
}

impl Terminal {
    pub(crate) fn new() -> Self {
        Self {
            is_terminal: io::stderr().is_terminal(),
        }
    }
}

impl Reporter for Terminal {
    fn say(&self, text: &str) {
        let _ = writeln!(io::stderr(), "{text}");
    }

    fn progress(&self, what: &str, done: usize, total: usize) {
        if self.is_terminal {
            let end = if done == total { "\n" } else { "" };
            let bar = bar(done, total);
            let _ = write!(io::stderr(), "\r[{bar}] {what}: {done} of {total}{end}");
        }
    }
}

/// How far something is, in 30 signs.
fn bar(done: usize, total: usize) -> String {
    const WIDTH: usize = 30;
    let full = (done.min(total) * WIDTH)
        .checked_div(total)
        .unwrap_or(WIDTH);
    format!("{}{}", "#".repeat(full), ".".repeat(WIDTH - full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fills_up() {
        assert_eq!(bar(0, 10), ".".repeat(30));
        assert_eq!(bar(5, 10), format!("{}{}", "#".repeat(15), ".".repeat(15)));
        assert_eq!(bar(10, 10), "#".repeat(30));
        assert_eq!(bar(11, 10), "#".repeat(30));
        assert_eq!(bar(0, 0), "#".repeat(30));
    }
}
