use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::ExposeSecret;

use super::*;

const URL: (&str, &str) = (
    "HRMS_DATABASE__URL",
    "postgres://app:s3cret@db.example.com/hrms",
);

/// Loads with these variables and a database.
fn load(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    Settings::load(&LoadFrom::environment([&[URL], variables].concat()))
}

fn error(variables: &[(&str, &str)]) -> String {
    load(variables).unwrap_err().to_string()
}

/// Loads with this settings file, these variables and a database.
fn load_file(text: &str, variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let folder = tempfile::tempdir().unwrap();
    let file = written(folder.path(), "hrms.toml", text);
    let variables = [&[URL], variables].concat();
    Settings::load(&LoadFrom {
        config_file: Some(file),
        ..LoadFrom::environment(variables)
    })
}

/// What is wrong with this settings file, without its folder.
fn file_error(text: &str) -> String {
    let error = load_file(text, &[]).unwrap_err().to_string();
    let folder = error.find('/').unwrap()..error.find("hrms.toml").unwrap();
    let folder = error.get(folder).unwrap().to_owned();
    error.replace(&folder, "")
}

fn written(folder: &Path, name: &str, text: &str) -> PathBuf {
    let file = folder.join(name);
    fs::write(&file, text).unwrap();
    file
}

#[test]
fn a_database_is_all_that_must_be_given() {
    let settings = load(&[]).unwrap();
    assert_eq!(settings.http.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.database.url.expose_secret(), URL.1);
    assert!(settings.database.admin_url.is_none());
    assert_eq!(settings.auth.refresh_ttl, Duration::from_hours(7 * 24));
    assert_eq!(settings.http.neutral_hosts.len(), 2);
}

#[test]
fn a_missing_database_is_named_with_every_way_to_give_it() {
    let none = LoadFrom::environment::<&str, &str>([]);
    insta::assert_snapshot!(Settings::load(&none).unwrap_err(), @r"
    the settings are wrong:
      - [database] url is missing; give it as HRMS_DATABASE__URL, as a file that HRMS_DATABASE__URL_FILE names, or as the systemd credential database-url
    ");
}

#[test]
fn the_environment_wins_over_a_credential_and_that_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = written(
        folder.path(),
        "hrms.toml",
        "[database]\nurl = 'postgres://file/x'\nadmin_url = 'postgres://file/x'\npool_size = 4\n",
    );
    written(
        folder.path(),
        "database-admin-url",
        "postgres://credential/x\n",
    );
    written(folder.path(), "database-url", "postgres://credential/x\n");
    let environment = LoadFrom::environment([
        ("CREDENTIALS_DIRECTORY", folder.path().as_os_str()),
        ("HRMS_DATABASE__URL", "postgres://environment/x".as_ref()),
    ]);
    let from = LoadFrom {
        config_file: Some(file),
        ..environment
    };
    let database = Settings::load(&from).unwrap().database;
    assert_eq!(database.url.expose_secret(), "postgres://environment/x");
    assert_eq!(
        database.admin_url.unwrap().expose_secret(),
        "postgres://credential/x"
    );
    assert_eq!(database.pool_size, 4);
}

#[test]
fn the_file_is_the_one_asked_for_then_that_of_the_environment_then_the_usual_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = |size: &str| {
        written(
            folder.path(),
            size,
            &format!("[database]\npool_size = {size}"),
        )
    };
    let (asked_for, named, usual) = (file("1"), file("2"), file("3"));
    let mut from = LoadFrom::environment([
        ("HRMS_DATABASE__URL", URL.1.as_ref()),
        ("HRMS_CONFIG_FILE", named.as_os_str()),
    ]);
    from.default_file = Some(usual);
    from.config_file = Some(asked_for);
    let pool_size = |from: &LoadFrom| Settings::load(from).unwrap().database.pool_size;
    assert_eq!(pool_size(&from), 1);
    from.config_file = None;
    assert_eq!(pool_size(&from), 2);
    from.variables.pop();
    assert_eq!(pool_size(&from), 3);
    from.default_file = Some(folder.path().join("missing"));
    assert_eq!(pool_size(&from), 10);
    from.config_file = Some(folder.path().join("missing"));
    assert!(
        Settings::load(&from)
            .unwrap_err()
            .to_string()
            .contains("missing can't be read")
    );
}

#[test]
fn a_secret_may_lie_in_a_file_that_a_variable_names() {
    let folder = tempfile::tempdir().unwrap();
    let file = written(folder.path(), "url", "postgres://file/x\n");
    let from = LoadFrom::environment([("HRMS_DATABASE__URL_FILE", file)]);
    let settings = Settings::load(&from).unwrap();
    assert_eq!(settings.database.url.expose_secret(), "postgres://file/x");
}

#[test]
fn a_secret_given_twice_in_the_environment_is_an_error() {
    insta::assert_snapshot!(error(&[("HRMS_DATABASE__URL_FILE", "/nowhere")]), @r"
    the settings are wrong:
      - HRMS_DATABASE__URL and HRMS_DATABASE__URL_FILE are both set; one of them must go
    ");
}

#[test]
fn only_a_secret_is_read_from_a_file_of_its_own() {
    insta::assert_snapshot!(error(&[("HRMS_HTTP__LISTEN_FILE", "/nowhere")]), @r"
    the settings are wrong:
      - environment: there is no variable `HRMS_HTTP__LISTEN_FILE`; the nearest is `HRMS_HTTP__LISTEN`
    ");
}

#[test]
fn a_secret_file_that_is_not_there_is_an_error() {
    insta::assert_snapshot!(error(&[("HRMS_DATABASE__ADMIN_URL_FILE", "/nowhere")]), @r"
    the settings are wrong:
      - /nowhere (HRMS_DATABASE__ADMIN_URL_FILE) can't be read: No such file or directory (os error 2)
    ");
}

#[test]
fn an_unknown_variable_is_named_with_the_nearest_known_one() {
    insta::assert_snapshot!(error(&[("HRMS_DATABSE__POOLSIZE", "9"), ("HRMS_LISTEN", "x")]), @r"
    the settings are wrong:
      - environment: there is no variable `HRMS_DATABSE__POOLSIZE`; the nearest is `HRMS_DATABASE__POOL_SIZE`
      - environment: there is no variable `HRMS_LISTEN`; the nearest is `HRMS_HTTP__LISTEN`
    ");
}

#[test]
fn variables_of_others_and_of_the_test_suite_are_left_alone() {
    load(&[
        ("HRMS_TEST_DATABASE_URL", "x"),
        ("PATH", "/bin"),
        ("HRMSX", "1"),
    ])
    .unwrap();
}

#[test]
fn what_is_unknown_in_the_file_is_named_with_its_line_and_what_is_nearest() {
    let file = "[http]\nlisten = '[::]:80'\nworkes = 2\n\n[auth.argon]\nmemory_kib = 20000\n\n\
                [htp]\n\n[log]\naccess_log = { on = true }\n";
    insta::assert_snapshot!(file_error(file), @r"
    the settings are wrong:
      - hrms.toml, line 5: there is no section `auth.argon`; the nearest is `auth.argon2`
      - hrms.toml, line 8: there is no section `htp`; the nearest is `http`
      - hrms.toml, line 3: there is no setting `http.workes`; the nearest is `http.workers`
      - [log] access_log: `{ … }` from hrms.toml, line 11 is not allowed; allowed is `true` or `false`
    ");
}

#[test]
fn a_value_where_a_section_belongs_is_an_error() {
    insta::assert_snapshot!(file_error("http = 'x'\n"), @r"
    the settings are wrong:
      - hrms.toml, line 1: there is no setting `http`; the nearest is `http.listen`
    ");
}

#[test]
fn an_unknown_credential_that_begins_like_a_section_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), "database-ulr", "x");
    written(folder.path(), "grafana-token", "x");
    let error = error(&[("CREDENTIALS_DIRECTORY", folder.path().to_str().unwrap())]);
    assert!(error.contains("there is no credential `database-ulr`; the nearest is `database-url`"));
    assert!(!error.contains("grafana"));
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    insta::assert_snapshot!(error(&[
        ("HRMS_HTTP__LISTEN", "localhost"),
        ("HRMS_HTTP__WORKERS", "0"),
        ("HRMS_HTTP__BASE_DOMAINS", "example.com:80"),
        ("HRMS_HTTP__NEUTRAL_HOSTS", "localhost, 10.0.0.0/8"),
        ("HRMS_HTTP__REQUEST_TIMEOUT", "11m"),
        ("HRMS_HTTP__KEEP_ALIVE", "75"),
        ("HRMS_DATABASE__POOL_SIZE", "65"),
        ("HRMS_DATABASE__ADMIN_URL", "  "),
        ("HRMS_TENANCY__DEFAULT_PLACEMENT", "own"),
        ("HRMS_AUTH__ARGON2__MEMORY_KIB", "19455"),
        ("HRMS_LOG__LEVEL", "inof"),
        ("HRMS_LOG__ACCESS_LOG", "yes"),
    ]), @r"
    the settings are wrong:
      - [http] listen: `localhost` from HRMS_HTTP__LISTEN is not allowed; allowed is an address and port such as `127.0.0.1:8080` or `[::]:8080`
      - [http] workers: `0` from HRMS_HTTP__WORKERS is not allowed; allowed is `cores` (one for each) or a whole number, from 1 to 256
      - [http] base_domains: `example.com:80` from HRMS_HTTP__BASE_DOMAINS is not allowed; allowed is a list (in the environment with commas) of: a host name or address without port, such as `hr.example.com`
      - [http] neutral_hosts: `localhost, 10.0.0.0/8` from HRMS_HTTP__NEUTRAL_HOSTS is not allowed; allowed is a list (in the environment with commas) of: a host name or address without port, such as `hr.example.com`
      - [http] keep_alive: `75` from HRMS_HTTP__KEEP_ALIVE is not allowed; allowed is a time such as `500ms`, `5s`, `10m`, `12h` or `7d`, from 1s to 1h
      - [http] request_timeout: `11m` from HRMS_HTTP__REQUEST_TIMEOUT is not allowed; allowed is a time such as `500ms`, `5s`, `10m`, `12h` or `7d`, from 100ms to 10m
      - [database] admin_url: the secret from HRMS_DATABASE__ADMIN_URL is not allowed; allowed is a text that is not empty
      - [database] pool_size: `65` from HRMS_DATABASE__POOL_SIZE is not allowed; allowed is a whole number, from 1 to 64
      - [tenancy] default_placement: `own` from HRMS_TENANCY__DEFAULT_PLACEMENT is not allowed; allowed is `dedicated` (a schema of its own) or `pooled` (a shared one)
      - [auth.argon2] memory_kib: `19455` from HRMS_AUTH__ARGON2__MEMORY_KIB is not allowed; allowed is a whole number, from 19456 to 1048576
      - [log] level: `inof` from HRMS_LOG__LEVEL is not allowed; allowed is a level, then `module=level` for some modules, as in `info,employees=debug`
      - [log] access_log: `yes` from HRMS_LOG__ACCESS_LOG is not allowed; allowed is `true` or `false`
    ");
}

#[test]
fn a_value_of_the_file_is_checked_like_one_of_the_environment() {
    let file = "[database]\npool_size = 1.5\nlock_timeout = ['1s']\n\n[http]\n\
                neutral_hosts = [[1]]\n\n[auth]\nissuer = ''\n";
    insta::assert_snapshot!(file_error(file), @r"
    the settings are wrong:
      - [http] neutral_hosts: `{ … }` from hrms.toml, line 6 is not allowed; allowed is a list (in the environment with commas) of: a host name or address without port, such as `hr.example.com`
      - [database] pool_size: `1.5` from hrms.toml, line 2 is not allowed; allowed is a whole number, from 1 to 64
      - [database] lock_timeout: `1s` from hrms.toml, line 3 is not allowed; allowed is a time such as `500ms`, `5s`, `10m`, `12h` or `7d`, from 10ms to 10m
      - [auth] issuer: `` from hrms.toml, line 9 is not allowed; allowed is a text that is not empty
    ");
}

#[test]
fn a_list_may_be_emptied() {
    let settings = load_file(
        "[http]\nbase_domains = []\n",
        &[("HRMS_HTTP__NEUTRAL_HOSTS", "")],
    )
    .unwrap();
    assert!(settings.http.base_domains.is_empty());
    assert!(settings.http.neutral_hosts.is_empty());
}

#[test]
fn settings_that_contradict_each_other_are_wrong() {
    insta::assert_snapshot!(error(&[
        ("HRMS_HTTP__BASE_DOMAINS", "127.0.0.1"),
        ("HRMS_IMPORTS__BODY_LIMIT", "1024"),
        ("HRMS_DATABASE__LOCK_TIMEOUT", "11s"),
        ("HRMS_MAIL__URL", "smtps://mail.example.com"),
        ("HRMS_MAIL__TIMEOUT", "30s"),
        ("HRMS_AUTH__ACCESS_TOKEN_TTL", "20m"),
        ("HRMS_AUTH__REFRESH_TTL", "20m"),
        ("HRMS_AUTH__SESSION_TTL", "10m"),
    ]), @r"
    the settings are wrong:
      - [http] base_domains from HRMS_HTTP__BASE_DOMAINS: allowed are names; an address has no subdomains
      - [http] body_limit from default: it must not be larger than body_limit of [imports]
      - [database] lock_timeout from HRMS_DATABASE__LOCK_TIMEOUT: it must not be longer than statement_timeout, which ends the waiting statement
      - [mail] sender from default: it must be set when url of [mail] is
      - [mail] timeout from HRMS_MAIL__TIMEOUT: it must be shorter than idle_in_transaction_timeout of [database]: the transaction of the job waits
      - [auth] access_token_ttl from HRMS_AUTH__ACCESS_TOKEN_TTL: it must be shorter than refresh_ttl
      - [auth] refresh_ttl from HRMS_AUTH__REFRESH_TTL: it must not be longer than session_ttl
    ");
}

#[test]
fn no_error_shows_a_secret() {
    let wrong_scheme = error(&[("HRMS_DATABASE__ADMIN_URL", "mysql://root:s3cret@db/hrms")]);
    assert!(wrong_scheme.contains("admin_url from HRMS_DATABASE__ADMIN_URL: allowed is a URL"));
    let plain = error(&[
        ("HRMS_MAIL__URL", "smtp://hrms:s3cret@mail.example.com"),
        ("HRMS_MAIL__SENDER", "no-reply@hr.example.com"),
    ]);
    assert!(plain.contains("[mail] url from HRMS_MAIL__URL: allowed is a URL"));
    let broken_file = file_error("[database]\nadmin_url = 'postgres://root:s3cret@db/hrms\n");
    insta::assert_snapshot!(broken_file, @r"
    the settings are wrong:
      - hrms.toml, line 2 can't be read: invalid literal string, expected `'`
    ");
    let list = file_error("[database]\nadmin_url = ['s3cret']\n");
    for message in [wrong_scheme, plain, broken_file, list] {
        assert!(!message.contains("s3cret"), "{message}");
    }
}

#[test]
fn what_is_printed_shows_every_setting_its_origin_and_no_secret() {
    let settings = load_file(
        "[http]\nworkers = 2\nneutral_hosts = ['API.example.com', '[0::1]']\n",
        &[("HRMS_AUTH__ARGON2__QUEUE_TIMEOUT", "1500ms")],
    )
    .unwrap();
    let printed = settings.redacted();
    assert!(
        printed.contains("url = \"***\"  # HRMS_DATABASE__URL\n"),
        "{printed}"
    );
    assert!(printed.contains("# admin_url is not set\n"), "{printed}");
    assert!(printed.contains("hrms.toml, line 2\n"), "{printed}");
    assert!(
        printed.contains("neutral_hosts = [\"api.example.com\", \"[::1]\"]"),
        "{printed}"
    );
    assert!(printed.contains("queue_timeout = \"1500ms\""), "{printed}");
    assert!(
        printed.contains("refresh_ttl = \"7d\"  # default\n"),
        "{printed}"
    );
    assert!(!printed.contains("s3cret") && !format!("{settings:?}").contains("s3cret"));
}

#[test]
fn what_is_printed_is_a_settings_file_again() {
    let settings = load(&[]).unwrap();
    let printed = settings.redacted();
    let again = load_file(&printed, &[]).unwrap();
    let values = |printed: String| printed.parse::<toml::Table>().unwrap();
    assert_eq!(values(again.redacted()), values(printed));
}

#[test]
fn as_many_threads_as_cores_is_at_least_one() {
    assert!(CoreCount::Cores.get() >= 1);
    assert_eq!(CoreCount::Exactly(3).get(), 3);
}

#[test]
fn a_password_can_not_be_hashed_more_weakly_than_owasp_recommends() {
    for (variable, value) in [
        ("MEMORY_KIB", "19455"),
        ("ITERATIONS", "1"),
        ("PARALLELISM", "0"),
    ] {
        let variable = format!("HRMS_AUTH__ARGON2__{variable}");
        assert!(load(&[(variable.as_str(), value)]).is_err(), "{variable}");
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "whoever runs the tests asks for a new page"
)]
fn the_operators_page_says_what_the_code_does() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operators/configuration.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&page, reference()).unwrap();
    }
    let written = fs::read_to_string(&page).unwrap_or_default();
    assert!(
        written == reference(),
        "docs/operators/configuration.md is out of date: UPDATE_DOCS=1 cargo test -p app settings"
    );
}

#[test]
fn a_proxy_is_an_address_or_a_network_and_never_everybody() {
    let trusted = |text: &str| {
        let settings = load(&[("HRMS_HTTP__TRUSTED_PROXIES", text)]);
        settings.map(|settings| {
            let networks = settings.http.trusted_proxies.iter();
            networks.map(ToString::to_string).collect::<Vec<_>>()
        })
    };
    assert_eq!(
        trusted("10.0.0.0/8, 192.0.2.7,fd00::/8").unwrap(),
        ["10.0.0.0/8", "192.0.2.7/32", "fd00::/8"]
    );
    for wrong in [
        "0.0.0.0/0",
        "::/0",
        "10.1.2.3/8",
        "proxy.example.com",
        "10.0.0.0/33",
    ] {
        assert!(trusted(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_web_origin_is_written_as_browsers_write_it() {
    let allowed = |text: &str| load(&[("HRMS_HTTP__CORS_ORIGINS", text)]).is_ok();
    assert!(allowed("https://hr.example.com,http://localhost:3000"));
    for wrong in [
        "*",
        "null",
        "hr.example.com",
        "https://hr.example.com/",
        "https://HR.example.com",
        "https://hr.example.com:443",
        "file:///tmp",
    ] {
        assert!(!allowed(wrong), "{wrong}");
    }
}

#[test]
fn links_in_mails_lead_to_the_platform_or_to_the_tenants_own_name() {
    let links = |text: &str| {
        let settings = load(&[("HRMS_MAIL__LINKS", text)])?;
        let acme = kernel::Slug::existing("acme").unwrap();
        Ok::<_, SettingsError>(settings.mail.links.unwrap().of(&acme))
    };
    for (text, of_acme) in [
        ("https://hr.example.com", "https://hr.example.com"),
        (
            "https://{tenant}.hr.example.com",
            "https://acme.hr.example.com",
        ),
        ("http://localhost:8080", "http://localhost:8080"),
    ] {
        assert_eq!(links(text).unwrap(), of_acme);
    }
    for wrong in [
        "hr.example.com",
        "https://hr.example.com/",
        "https://{slug}.example.com",
        "javascript:x",
    ] {
        assert!(links(wrong).is_err(), "{wrong}");
    }
}
