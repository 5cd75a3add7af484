//! What must hold between settings that are fine each by itself.

use super::error::Problem;
use super::mail::{NO_MAIL_URL, is_mail_url};
use super::value::is_database_url;
use super::{DatabaseSettings, Settings};

/// Every rule that these settings break.
pub(super) fn broken(settings: &Settings) -> Vec<Problem> {
    let Settings {
        http,
        imports,
        database,
        tenancy,
        auth,
        worker,
        mail,
        audit,
        ..
    } = settings;
    let DatabaseSettings { url, admin_url, .. } = database;
    let base_domains_are_names = http
        .base_domains
        .iter()
        .all(|host| matches!(host, url::Host::Domain(_)));
    let rules = [
        (
            "http.base_domains",
            base_domains_are_names,
            "allowed are names; an address has no subdomains",
        ),
        (
            "http.body_limit",
            http.body_limit as u64 <= imports.body_limit,
            "it must not be larger than body_limit of [imports]",
        ),
        ("database.url", is_database_url(url), NO_DATABASE_URL),
        (
            "database.admin_url",
            admin_url.as_ref().is_none_or(is_database_url),
            NO_DATABASE_URL,
        ),
        (
            "database.lock_timeout",
            database.lock_timeout <= database.statement_timeout,
            "it must not be longer than statement_timeout, which ends the waiting statement",
        ),
        (
            "tenancy.poll_interval",
            tenancy.poll_interval * 3 <= tenancy.refuse_after,
            "it must not be longer than a third of refuse_after: a look may fail",
        ),
        (
            "worker.first_wait",
            worker.first_wait <= worker.longest_wait,
            "it must not be longer than longest_wait",
        ),
        (
            "mail.url",
            mail.url.as_ref().is_none_or(is_mail_url),
            NO_MAIL_URL,
        ),
        (
            "mail.sender",
            mail.url.is_none() || mail.sender.is_some(),
            "it must be set when url of [mail] is",
        ),
        (
            "mail.timeout",
            mail.timeout < database.idle_in_transaction_timeout,
            "it must be shorter than idle_in_transaction_timeout of [database]: the transaction of \
             the job waits",
        ),
        (
            "audit.seals",
            audit.signing_key.is_none() || audit.seals.is_some(),
            "it must be set when signing_key of [audit] is",
        ),
        (
            "audit.archives",
            audit.keep().is_empty() || audit.archives.is_some(),
            "it must be set when something is not kept for ever",
        ),
        (
            "auth.access_token_ttl",
            auth.access_token_ttl < auth.refresh_ttl,
            "it must be shorter than refresh_ttl",
        ),
        (
            "auth.refresh_ttl",
            auth.refresh_ttl <= auth.session_ttl,
            "it must not be longer than session_ttl",
        ),
    ];
    let broken = rules.into_iter().filter(|(_, holds, _)| !holds);
    broken
        .map(|(path, _, rule)| Problem::rule(path, settings.origin(path), rule))
        .collect()
}

const NO_DATABASE_URL: &str =
    "allowed is a URL of the form postgres://user:password@host:port/database";
