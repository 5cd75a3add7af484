//! Putting the parts together.

use std::sync::Arc;

use database::{Database, PlatformContext};
use kernel::Ambient;
use telemetry::Origin;

use crate::{
    Argon2Settings, AuthError, AuthSettings, KeyRing, PasswordHasher, PostgresKeys,
    PostgresSessions, PostgresUsers, Purge, SessionLifetime, Sessions, Standings, Store,
    TokenAuthenticator, TokenIssuer, TokenRules, TokenVerifier, Users,
};

/// Everything that a process which serves needs of auth.
#[derive(Clone, Debug)]
pub struct Auth {
    /// Signing in and out: what the handlers work with.
    pub sessions: Arc<Sessions>,
    /// The public keys: what `/.well-known/jwks.json` shows.
    pub keys: Arc<KeyRing>,
    /// Who a token belongs to: what the request pipeline works with.
    pub authenticator: Arc<TokenAuthenticator>,
    /// Creating and changing users.
    pub users: Arc<Users>,
    /// What hashes their passwords, and counts the hashes.
    pub hasher: Arc<PasswordHasher>,
}

impl Auth {
    /// Loads the keys and composes the rest.
    ///
    /// # Errors
    /// [`AuthError::NoSigningKey`] before `hrms-bootstrap up`; [`AuthError::UnusableKey`],
    /// [`AuthError::Hashing`] and [`AuthError::Store`].
    pub async fn start(
        settings: AuthSettings,
        database: Database,
        platform: PlatformContext,
        ambient: Ambient,
    ) -> Result<Self, AuthError> {
        let rules = TokenRules {
            issuer: settings.issuer,
            audience: settings.audience,
            lifetime: settings.access_token_ttl,
        };
        let lifetime = SessionLifetime {
            idle: settings.refresh_ttl,
            absolute: settings.session_ttl,
        };
        let repository = Arc::new(PostgresKeys);
        let keys = KeyRing::load(database.clone(), platform, repository, ambient.now()).await?;
        let keys = Arc::new(keys);
        let store = Store::postgres();
        let standings = Arc::new(Standings::new(
            database.clone(),
            Arc::clone(&store.sessions),
            settings.principal_cache_ttl,
            settings.principal_cache_capacity,
        ));
        let hasher = Arc::new(PasswordHasher::new(&settings.argon2, ambient.clone())?);
        let sessions = Sessions {
            database: database.clone(),
            store: store.clone(),
            hasher: Arc::clone(&hasher),
            issuer: TokenIssuer::new(Arc::clone(&keys), rules.clone(), ambient.clone()),
            standings: Arc::clone(&standings),
            lifetime,
            ambient: ambient.clone(),
        };
        let authenticator = TokenAuthenticator::new(
            TokenVerifier::new(Arc::clone(&keys), rules),
            standings,
            settings.token_cache_capacity,
            ambient.clone(),
        );
        Ok(Self {
            sessions: Arc::new(sessions),
            keys,
            authenticator: Arc::new(authenticator),
            users: Arc::new(Users {
                database,
                store,
                hasher: Arc::clone(&hasher),
                ambient,
                origin: Origin::default(),
            }),
            hasher,
        })
    }
}

impl Users {
    /// What a process needs that only creates and changes users: the operator's command line.
    ///
    /// # Errors
    /// [`AuthError::Hashing`] when the parameters are impossible.
    pub fn start(
        settings: &Argon2Settings,
        database: Database,
        ambient: Ambient,
    ) -> Result<Self, AuthError> {
        Ok(Self {
            hasher: Arc::new(PasswordHasher::new(settings, ambient.clone())?),
            store: Store::postgres(),
            database,
            ambient,
            origin: Origin::default(),
        })
    }
}

impl Purge {
    /// What a process needs that only clears away.
    pub fn start(database: Database, ambient: Ambient) -> Self {
        Self {
            sessions: Store::postgres().sessions,
            database,
            ambient,
        }
    }
}

impl Store {
    /// In the tenant's schema.
    fn postgres() -> Self {
        Self {
            users: Arc::new(PostgresUsers),
            sessions: Arc::new(PostgresSessions),
        }
    }
}
