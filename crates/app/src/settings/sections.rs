//! Every setting there is: its type, its default, its range and what it means.
//!
//! The texts are the operators' documentation; `UPDATE_DOCS=1` writes them there (`reference.rs`).

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use employees::import::ImportLimits;
use ipnet::IpNet;
use kernel::EmailAddress;
use secrecy::SecretString;
use url::Host;

use super::mail::MailLinks;
use super::section::section;
use super::value::{CoreCount, DefaultPlacement, WebOrigin};
use telemetry::{CollectorUrl, LogFilter, LogFormat};

section! {
    /// How HTTP is served.
    pub struct HttpSettings {
        /// Address and port that the API listens on.
        listen: SocketAddr = "127.0.0.1:8080";
        /// Threads that serve requests.
        workers: CoreCount = "cores", from "1" to "256";
        /// Domains whose subdomains are tenants: `acme.hr.example.com` is the tenant `acme` of
        /// `hr.example.com`.
        base_domains: Vec<Host> = "localhost";
        /// Hosts that are the API's own name and no tenant's: the header `X-Tenant-Slug` decides,
        /// else it is the public tenant.
        neutral_hosts: Vec<Host> = "localhost,127.0.0.1";
        /// Proxies in front of the API, whose `X-Forwarded-For`, `X-Forwarded-Host` and
        /// `X-Forwarded-Proto` count: they must set or remove all three. From anybody else these
        /// headers mean nothing.
        trusted_proxies: Vec<IpNet> = "";
        /// Origins whose web pages may call the API and read its answers.
        cors_origins: Vec<WebOrigin> = "";
        /// Largest request body, in bytes.
        body_limit: usize = "1048576", from "1024" to "67108864";
        /// Pages of lists that are read at a time to be written as CSV. Between two pages an export
        /// holds 200 lines in memory, and neither a place nor a connection.
        exports: usize = "16", from "1" to "10000";
        /// Of these for one tenant; its other exports wait.
        exports_per_tenant: usize = "3", from "1" to "1000";
        /// How long a client may take to send the head of a request.
        client_timeout: Duration = "5s", from "100ms" to "5m";
        /// How long the body of a request may take to arrive, besides the time that its bytes take
        /// at 16 KiB a second.
        body_timeout: Duration = "10s", from "100ms" to "10m";
        /// How long an idle connection is kept open.
        keep_alive: Duration = "75s", from "1s" to "1h";
        /// How long a request may take before it is answered 503. As long a client may leave its
        /// answer unread, besides the time that its bytes take at 16 KiB a second.
        request_timeout: Duration = "30s", from "100ms" to "10m";
        /// How long running requests may take to end when the server stops.
        shutdown_grace: Duration = "25s", from "0s" to "10m";
    }
}

section! {
    /// Imports of people and organisation from files, over HTTP and by the operator.
    pub struct ImportSettings {
        /// Largest body of an import over HTTP, in bytes. It lies in a file without a name in the
        /// folder for temporary files (`TMPDIR`) while it is imported.
        body_limit: u64 = "33554432", from "1024" to "1073741824";
        /// How long an import over HTTP may take, from its first byte to its answer. A proxy in
        /// front of the API must wait as long.
        timeout: Duration = "5m", from "1s" to "1h";
        /// Rows that a file may have. An import holds about half a kilobyte of each in memory.
        rows: usize = "100000", from "1" to "1000000";
        /// Bytes that a row may have.
        row_bytes: usize = "65536", from "1024" to "16777216";
        /// Faults that are told one by one; the others are counted.
        listed_faults: usize = "1000", from "1" to "100000";
        /// Rows of a file over HTTP that are waited for. What has more is imported by a worker, and
        /// the client is answered 202.
        inline_rows: usize = "1000", from "0" to "1000000";
        /// Imports of one company that may wait for a worker, their files kept; the next one is
        /// answered 503.
        waiting: u64 = "16", from "1" to "1000";
        /// Imports that a process does at a time, each of another tenant and on a connection of the
        /// pool.
        at_once: usize = "4", from "1" to "64";
    }
}

impl ImportSettings {
    /// What an import may have at most.
    pub fn limits(&self) -> ImportLimits {
        ImportLimits {
            rows: self.rows,
            row_bytes: self.row_bytes,
            faults: self.listed_faults,
            inline_rows: self.inline_rows,
            waiting: self.waiting,
            at_once: self.at_once,
        }
    }
}

section! {
    /// How much one client may ask for; what is more is answered 429. A limit is a bucket of
    /// `burst` requests that fills up by `rate` a second, in each process by itself.
    pub struct LimitSettings {
        /// Whether there are any limits.
        enabled: bool = "true";
        /// Requests a second of an address (an IPv6 network of 64 bits): all that a company sends
        /// from behind one. Its probes of `/api/health` are counted apart, by the same numbers.
        address_rate: u32 = "100", from "1" to "1000000";
        /// Requests at once of an address.
        address_burst: u32 = "400", from "1" to "1000000";
        /// Requests a second of a user.
        user_rate: u32 = "25", from "1" to "1000000";
        /// Requests at once of a user.
        user_burst: u32 = "100", from "1" to "1000000";
        /// Requests a second of all users of a tenant together.
        tenant_rate: u32 = "200", from "1" to "1000000";
        /// Requests at once of all users of a tenant together.
        tenant_burst: u32 = "800", from "1" to "1000000";
        /// Of how many addresses, users and tenants the use is kept in memory, each: at most about
        /// 200 bytes for one, and only for as long as its bucket is not full.
        capacity: u64 = "50000", from "16" to "10000000";
    }
}

section! {
    /// How PostgreSQL is reached. Every wait has an end.
    pub struct DatabaseSettings {
        /// Login of the application, as `postgres://user:password@host:port/database`.
        url: SecretString;
        /// Login that migrates and provisions, in the same form: for `hrms-bootstrap`, and for a worker
        /// that makes tenants.
        admin_url: Option<SecretString>;
        /// Connections at most, and six more: one for the health checks, two for news of changes,
        /// three for numbers that are drawn. On two cores rates peak at 4 to 8 that are busy, and
        /// fall beyond.
        pool_size: u32 = "10", from "1" to "64";
        /// Connections that one tenant may hold at once, so that it keeps none from another. Not
        /// set, it is four fifths of `pool_size` (8 of 10), and one at least.
        max_connections_per_tenant: Option<u32>;
        /// Requests of one tenant that may wait for a connection; more are answered 503 at once,
        /// those of this tenant alone.
        max_waiting_per_tenant: usize = "64", from "1" to "10000";
        /// How long a request waits for a free connection.
        acquire_timeout: Duration = "5s", from "10ms" to "1m";
        /// How long opening a connection may take.
        connect_timeout: Duration = "5s", from "100ms" to "1m";
        /// How long one statement may run.
        statement_timeout: Duration = "10s", from "100ms" to "10m";
        /// How long a statement waits for a lock: as long it keeps a connection for nothing.
        lock_timeout: Duration = "2s", from "10ms" to "10m";
        /// How long `hrms-bootstrap` waits while another one installs, migrates or creates a tenant;
        /// then it says which process that is.
        turn_timeout: Duration = "5m", from "1s" to "1h";
        /// How long a transaction may stand idle before PostgreSQL ends it.
        idle_in_transaction_timeout: Duration = "30s", from "1s" to "10m";
        /// Age at which a connection is replaced.
        max_connection_lifetime: Duration = "30m", from "1m" to "1d";
        /// Schemas that a connection may have met before it is replaced: each costs the server
        /// 0.4 to 1 MB that only a new connection gives back.
        max_schemas_per_connection: usize = "200", from "1" to "1000";
        /// Prepared statements that a connection keeps, about 27 kB each in the server. A
        /// statement is prepared once for each dedicated tenant.
        statement_cache_capacity: usize = "1000", from "16" to "10000";
    }
}

section! {
    /// How tenants are found and where they live.
    pub struct TenancySettings {
        /// How often changes of the registry are looked for. PostgreSQL tells of them at once; while
        /// it cannot, a suspension counts after this time.
        poll_interval: Duration = "2s", from "10ms" to "5s";
        /// How long ago the last look at the registry may be; then requests are answered 503, for
        /// nobody knows any more which tenants may be served.
        refuse_after: Duration = "15s", from "100ms" to "15s";
        /// Tenants that a pool schema takes before the next one is begun.
        pool_capacity: u32 = "1000", from "1" to "1000";
        /// Where a new tenant lives unless the command says otherwise.
        default_placement: DefaultPlacement = "dedicated";
    }
}

section! {
    /// Tokens and sessions.
    pub struct AuthSettings {
        /// Who issues access tokens (`iss`); tokens of another issuer are refused.
        issuer: String = "hrms";
        /// Whom access tokens are for (`aud`).
        audience: String = "hrms-api";
        /// How long an access token lives.
        access_token_ttl: Duration = "10m", from "1m" to "1h";
        /// How long a refresh token lives unused.
        refresh_ttl: Duration = "7d", from "10m" to "90d";
        /// How long a session lives, however often it is refreshed.
        session_ttl: Duration = "30d", from "10m" to "1000d";
        /// Verified access tokens kept in memory, each until it expires.
        token_cache_capacity: u64 = "10000", from "16" to "1000000";
    } with {
        argon2: Argon2Settings,
        principal_cache: PrincipalCacheSettings,
    }
}

section! {
    /// How passwords are hashed (Argon2id). Nothing weaker than OWASP's recommendation of 19 MiB
    /// and two passes can be configured.
    pub struct Argon2Settings {
        /// Memory of one hash, in KiB.
        memory_kib: u32 = "19456", from "19456" to "1048576";
        /// Passes over that memory.
        iterations: u32 = "2", from "2" to "16";
        /// Lanes, each of them a part of the memory.
        parallelism: u32 = "1", from "1" to "16";
        /// Hashes calculated at once.
        concurrency: CoreCount = "cores", from "1" to "256";
        /// Logins to one tenant that may wait for their turn; more are answered 503 at once, those
        /// of this tenant alone. The tenants that wait are served in turn.
        queue_limit: usize = "128", from "0" to "10000";
        /// How long a login waits for its turn before it is answered 503.
        queue_timeout: Duration = "3s", from "10ms" to "1m";
    }
}

section! {
    /// What is kept of a user between two requests: roles, and whether the session still lives.
    pub struct PrincipalCacheSettings {
        /// How long it is kept: a withdrawn role counts after this time at the latest.
        ttl: Duration = "5s", from "10ms" to "15s";
        /// Users kept in memory.
        capacity: u64 = "10000", from "16" to "1000000";
    }
}

section! {
    /// What a worker (`hrms-worker`) does at a time. 0 jobs of a queue: others do them. Each job holds
    /// a connection of the pool.
    pub struct WorkerSettings {
        /// Jobs of the queue `critical`: somebody waits for them.
        critical: usize = "2", from "0" to "64";
        /// Jobs of the queue `default`.
        default: usize = "4", from "0" to "64";
        /// Jobs of the queue `bulk`: long work that nobody waits for.
        bulk: usize = "2", from "0" to "64";
        /// Jobs of the queue `provisioning`, which makes tenants: a worker with rights of its own
        /// does these and no others.
        provisioning: usize = "0", from "0" to "16";
        /// How often a worker looks for work while there is none.
        poll_interval: Duration = "150ms", from "10ms" to "1m";
        /// How long a job is a worker's without a sign of life. Then another worker does it anew.
        lease: Duration = "30s", from "3s" to "10m";
        /// How long what was begun may take when the worker is told to stop.
        drain: Duration = "25s", from "0s" to "10m";
        /// The longest wait after the first failure of a job; it doubles with each further one, and
        /// how much of it a job waits is drawn by lot.
        first_wait: Duration = "2s", from "10ms" to "1h";
        /// The longest wait of all.
        longest_wait: Duration = "1h", from "1s" to "1d";
        /// How long jobs that were done or cancelled are kept. Dead ones are kept until somebody has
        /// looked at them.
        keep_done: Duration = "7d", from "1h" to "1000d";
    }
}

section! {
    /// RabbitMQ, which carries messages between workers. Jobs lie in PostgreSQL, and are done without
    /// it as well.
    pub struct BrokerSettings {
        /// Where it is and who logs in, as `amqp://user:password@host:port/virtual-host`, or
        /// `amqps://`. Not set, each worker carries its own messages.
        url: Option<SecretString>;
        /// What the names of queues begin with, so that installations can share a virtual host:
        /// small letters, digits, hyphens and underscores.
        prefix: String = "hrms";
        /// How long a call may take.
        timeout: Duration = "5s", from "100ms" to "1m";
    }
}

section! {
    /// Mails, which workers send. Without a mail server nobody is written to, and nothing else is
    /// different.
    pub struct MailSettings {
        /// The mail server and who signs in, as `smtps://user:password@host:port`,
        /// `smtp+starttls://` (both encrypted, or not used), or `smtp://host:port`, over which a
        /// password goes to this machine only. Not set, no mail is sent.
        url: Option<SecretString>;
        /// The address that every mail comes from; beside it stands the name of the reader's
        /// company.
        sender: Option<EmailAddress>;
        /// What links in mails begin with: where people reach the platform. `{tenant}` in it is the
        /// short name of the reader's company. Not set, mails have no links.
        links: Option<MailLinks>;
        /// How long handing over a mail may take.
        timeout: Duration = "15s", from "100ms" to "2m";
    }
}

section! {
    /// The record of what was done.
    pub struct AuditSettings {
        /// 32 random bytes in base64 (`openssl rand -base64 32`), the same for every process of an
        /// installation, under which what is personal in the record is encrypted. `hrms-bootstrap up`
        /// makes it. Who loses it loses those values; the record and its proof stay.
        key: Option<SecretString>;
        /// 32 random bytes in base64 that sign what was recorded (Ed25519), for workers alone.
        /// `hrms-bootstrap up` makes it, and its public half. A worker without it does its jobs, seals
        /// nothing, and says so.
        signing_key: Option<SecretString>;
        /// The public half, or several, with commas: those of every key that the installation has
        /// signed with. `hrms-bootstrap audit verify` reads it here or in the file that it is named.
        public_key: Vec<String> = "";
        /// Folder outside the database in which workers keep what they signed. Copy it off the host:
        /// it proves the rest.
        seals: Option<PathBuf>;
        /// How often a worker looks for what is to be sealed.
        seal_interval: Duration = "300ms", from "50ms" to "10s";
        /// Folder into which workers move what has been kept for long enough.
        archives: Option<PathBuf>;
        /// How long events of the category `admin` stay in the database; unset is for ever, as with the
        /// next five.
        keep_admin: Option<Duration>;
        /// How long events of the category `data_write` do.
        keep_data_write: Option<Duration>;
        /// How long events of the category `data_read` do.
        keep_data_read: Option<Duration>;
        /// How long events of the category `auth` do.
        keep_auth: Option<Duration>;
        /// How long events of the category `system` do.
        keep_system: Option<Duration>;
        /// How long events of the category `denied` do.
        keep_denied: Option<Duration>;
    }
}

impl AuditSettings {
    /// How long events of each category stay in the database, if not for ever.
    pub fn keep(&self) -> audit::Keep {
        use kernel::audit::AuditCategory;
        let kept = [
            (AuditCategory::Admin, self.keep_admin),
            (AuditCategory::DataWrite, self.keep_data_write),
            (AuditCategory::DataRead, self.keep_data_read),
            (AuditCategory::Auth, self.keep_auth),
            (AuditCategory::System, self.keep_system),
            (AuditCategory::Denied, self.keep_denied),
        ];
        let kept = kept.into_iter();
        kept.filter_map(|(category, kept)| Some((category, kept?)))
            .collect()
    }
}

section! {
    /// Health checks.
    pub struct HealthSettings {
        /// How long a result is reused, so that asking can't load the database.
        cache_ttl: Duration = "1s", from "10ms" to "1s";
        /// How long a check may take before it counts as failed.
        check_timeout: Duration = "2s", from "10ms" to "1m";
    }
}

section! {
    /// Logs, on standard error.
    impl telemetry::LogSettings {
        /// One JSON object a line, or readable text.
        format: LogFormat = "json";
        /// What is logged: a level (`off`, `error`, `warn`, `info`, `debug`, `trace`), then
        /// `module=level` for some modules, as in `info,employees=debug`. Libraries say no more
        /// than `info` unless they are named.
        level: LogFilter = "info";
        /// Whether each answered request is a line.
        access_log: bool = "true";
    }
}

section! {
    /// Metrics, in Prometheus' text format.
    pub struct MetricsSettings {
        /// Address and port on which `GET /metrics` is answered, to whoever asks: one that only
        /// the operator reaches. Not set, nowhere.
        listen: Option<SocketAddr>;
    }
}

section! {
    /// Traces, by OTLP over gRPC.
    impl telemetry::TraceSettings {
        /// The collector that they are sent to. It is beside the process or in the same network:
        /// what goes there is not encrypted.
        endpoint: Option<CollectorUrl>;
        /// One trace in so many is sent. A caller's `traceparent` can ask for less, never for more.
        sample_one_in: u64 = "1", from "1" to "1000000";
    }
}
