//! Hashing passwords without starving anybody.

mod desks;

use std::{sync::Arc, time::Duration};

use kernel::{Ambient, FairLimits, FairSemaphore, TenantId};

use self::desks::Desks;
use crate::{Argon2Settings, AuthError, Password, PasswordHash};

/// Hashes passwords with Argon2id, off the threads that serve requests.
///
/// - At most `concurrency` hashes are calculated at once: each takes a core and 19 MiB.
/// - At most `max_queue` requests of one tenant wait, each at most `queue_timeout`; more are refused
///   with [`AuthError::Busy`]. The tenants that wait are served in turn: a flood of logins to one
///   refuses the logins of that one alone, and another's waits for no more hashes than there are
///   tenants that wait.
/// - A comparison takes the same time whether there is a hash to compare with or not, also when the
///   hash was made at less expense than hashes are today. (One that was made at more expense takes
///   longer, until its owner signs in and it is made anew.)
#[derive(Debug)]
pub struct PasswordHasher {
    desks: Arc<Desks>,
    turns: Arc<FairSemaphore<TenantId>>,
    queue_timeout: Duration,
    nobody: PasswordHash,
    ambient: Ambient,
}

impl PasswordHasher {
    /// Hashes with these parameters. Calculates one hash, to know what unknown users are compared
    /// with.
    ///
    /// # Errors
    /// [`AuthError::Hashing`] when the parameters are impossible.
    pub fn new(settings: &Argon2Settings, ambient: Ambient) -> Result<Self, AuthError> {
        let desks = Arc::new(Desks::new(settings)?);
        let nobody = desks.hash(&Password::generate(&ambient), ambient.bytes())?;
        Ok(Self {
            desks,
            turns: FairSemaphore::new(FairLimits {
                permits: settings.concurrency,
                // A hash takes milliseconds: whoever comes while one tenant has them all is next.
                per_key: settings.concurrency,
                waiting_per_key: settings.max_queue,
            }),
            queue_timeout: settings.queue_timeout,
            nobody,
            ambient,
        })
    }

    /// Hashes a password with a salt of its own, when it is the tenant's turn.
    ///
    /// # Errors
    /// [`AuthError::Busy`], [`AuthError::Hashing`].
    pub async fn hash(
        &self,
        tenant: TenantId,
        password: &Password,
    ) -> Result<PasswordHash, AuthError> {
        let (password, salt) = (password.clone(), self.ambient.bytes());
        self.in_turn(tenant, move |desks| desks.hash(&password, salt))
            .await
    }

    /// Whether the password is the one that was hashed. With nothing to compare with, the answer
    /// is no and takes as long. It is calculated when it is the tenant's turn.
    ///
    /// # Errors
    /// [`AuthError::Busy`]; [`AuthError::Hashing`] when the hash is none.
    pub async fn verify(
        &self,
        tenant: TenantId,
        password: &Password,
        hash: Option<&PasswordHash>,
    ) -> Result<bool, AuthError> {
        let known = hash.is_some();
        let (password, hash) = (password.clone(), hash.unwrap_or(&self.nobody).clone());
        let same = self
            .in_turn(tenant, move |desks| desks.verify(&password, &hash))
            .await?;
        Ok(known && same)
    }

    /// Whether a hash was made in another way than hashes are made today.
    pub fn is_outdated(&self, hash: &PasswordHash) -> bool {
        self.desks.is_outdated(hash)
    }

    /// How many hashes were calculated since it was made.
    pub fn calculated(&self) -> u64 {
        self.desks.calculated()
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        tenant: TenantId,
        work: impl FnOnce(&Desks) -> Result<T, AuthError> + Send + 'static,
    ) -> Result<T, AuthError> {
        let turn = tokio::time::timeout(self.queue_timeout, self.turns.acquire(tenant))
            .await
            .map_err(|_elapsed| AuthError::Busy)?
            .map_err(|_refusal| AuthError::Busy)?;
        let desks = Arc::clone(&self.desks);
        telemetry::spawn_blocking(move || {
            // Held until the work is done, also when nobody waits for it any more.
            let _turn = turn;
            work(&desks)
        })
        .await
        .map_err(|panicked| AuthError::Hashing(panicked.to_string()))?
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use futures_util::{FutureExt as _, future::join_all};
    use uuid::Uuid;

    use super::*;

    const ACME: TenantId = TenantId::new(Uuid::from_u128(1));
    const GLOBEX: TenantId = TenantId::new(Uuid::from_u128(2));

    fn settings() -> Argon2Settings {
        Argon2Settings {
            memory_kib: 64,
            iterations: 1,
            ..Argon2Settings::default()
        }
    }

    fn hasher(settings: &Argon2Settings) -> PasswordHasher {
        PasswordHasher::new(settings, Ambient::system()).unwrap()
    }

    #[tokio::test]
    async fn a_password_fits_its_own_hash_and_no_other() {
        let hasher = hasher(&settings());
        let password = Password::presented("correct horse battery");
        let hash = hasher.hash(ACME, &password).await.unwrap();
        let other = hasher.hash(ACME, &password).await.unwrap();
        assert_ne!(hash.expose(), other.expose(), "each hash has its own salt");
        for hash in [&hash, &other] {
            assert!(hasher.verify(ACME, &password, Some(hash)).await.unwrap());
            let wrong = Password::presented("correct horse batterz");
            assert!(!hasher.verify(ACME, &wrong, Some(hash)).await.unwrap());
        }
    }

    #[tokio::test]
    async fn the_hash_says_how_it_was_made() {
        let hasher = hasher(&Argon2Settings::default());
        let hash = hasher.hash(ACME, &Password::presented("x")).await.unwrap();
        assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    }

    #[tokio::test]
    async fn a_hash_made_with_other_parameters_is_still_understood() {
        let password = Password::presented("correct horse battery");
        let old = hasher(&settings()).hash(ACME, &password).await.unwrap();
        let today = hasher(&Argon2Settings {
            memory_kib: 32,
            ..settings()
        });
        assert!(today.verify(ACME, &password, Some(&old)).await.unwrap());
        let wrong = Password::presented("correct horse batterz");
        assert!(!today.verify(ACME, &wrong, Some(&old)).await.unwrap());
    }

    #[tokio::test]
    async fn a_hash_is_outdated_when_it_was_made_otherwise_than_today() {
        let password = Password::presented("correct horse battery");
        let today = hasher(&settings());
        let fresh = today.hash(ACME, &password).await.unwrap();
        assert!(!today.is_outdated(&fresh));
        for other in [
            Argon2Settings {
                memory_kib: 65,
                ..settings()
            },
            Argon2Settings {
                iterations: 2,
                ..settings()
            },
            Argon2Settings {
                parallelism: 2,
                ..settings()
            },
        ] {
            let old = hasher(&other).hash(ACME, &password).await.unwrap();
            assert!(today.is_outdated(&old), "{other:?}");
        }
        let by_another_algorithm = fresh.expose().replace("argon2id", "argon2i");
        assert!(today.is_outdated(&PasswordHash::new(by_another_algorithm)));
    }

    #[tokio::test]
    async fn without_a_hash_the_answer_is_no_whatever_the_password() {
        let hasher = hasher(&settings());
        let password = Password::presented("correct horse battery");
        assert!(!hasher.verify(ACME, &password, None).await.unwrap());
    }

    #[tokio::test]
    async fn without_a_hash_the_answer_takes_as_long() {
        let hasher = hasher(&Argon2Settings::default());
        let password = Password::presented("correct horse battery");
        let hash = hasher.hash(ACME, &password).await.unwrap();
        let mut known = Vec::new();
        let mut unknown = Vec::new();
        for _ in 0..9 {
            let begun = Instant::now();
            hasher.verify(ACME, &password, Some(&hash)).await.unwrap();
            known.push(begun.elapsed());
            let begun = Instant::now();
            hasher.verify(ACME, &password, None).await.unwrap();
            unknown.push(begun.elapsed());
        }
        known.sort_unstable();
        unknown.sort_unstable();
        let (known, unknown) = (known[4].as_secs_f64(), unknown[4].as_secs_f64());
        assert!(
            (0.5..2.0).contains(&(known / unknown)),
            "{known} s with a hash, {unknown} s without"
        );
    }

    fn is_busy<T>(outcome: &Result<T, AuthError>) -> bool {
        matches!(outcome, Err(AuthError::Busy))
    }

    #[tokio::test]
    async fn more_of_one_tenant_than_its_queue_holds_are_refused_at_once() {
        let hasher = hasher(&Argon2Settings {
            concurrency: 1,
            max_queue: 2,
            ..settings()
        });
        let turn = hasher.turns.acquire(ACME).await.unwrap();
        let password = Password::presented("x");
        let mut logins = join_all((0..5).map(|_| hasher.verify(ACME, &password, None)));
        assert!((&mut logins).now_or_never().is_none());
        drop(turn);
        let refused: Vec<bool> = logins.await.iter().map(is_busy).collect();
        assert_eq!(refused, [false, false, true, true, true]);
    }

    #[tokio::test]
    async fn a_flood_of_one_tenant_neither_refuses_another_nor_goes_before_it() {
        let hasher = hasher(&Argon2Settings {
            concurrency: 1,
            max_queue: 10,
            ..settings()
        });
        let turn = hasher.turns.acquire(ACME).await.unwrap();
        let password = Password::presented("x");
        let begin = |tenant| {
            let mut login = Box::pin(hasher.verify(tenant, &password, None));
            match login.as_mut().now_or_never() {
                None => Ok(login),
                Some(outcome) => Err(is_busy(&outcome)),
            }
        };
        let flood: Vec<_> = (0..30).map(|_| begin(ACME)).collect();
        assert_eq!(
            flood.iter().filter(|it| matches!(it, Err(true))).count(),
            20
        );
        let mut flood = flood.into_iter().filter_map(Result::ok);
        let first = flood.next().unwrap();
        // Whoever is served keeps his turn: none of these gives it on.
        let _waiting: Vec<_> = flood.collect();
        let other = begin(GLOBEX).unwrap_or_else(|_| panic!("globex is refused"));
        drop(turn);
        let (first, other) = tokio::join!(first, other);
        assert!(!first.unwrap());
        assert!(!other.unwrap());
    }

    #[tokio::test]
    async fn who_waits_too_long_is_refused_and_leaves_the_queue() {
        let hasher = hasher(&Argon2Settings {
            concurrency: 1,
            queue_timeout: Duration::from_millis(5),
            ..settings()
        });
        let _turn = hasher.turns.acquire(GLOBEX).await.unwrap();
        let outcome = hasher.verify(ACME, &Password::presented("x"), None).await;
        assert!(is_busy(&outcome));
        assert_eq!(hasher.turns.waiting(), 0);
    }

    #[tokio::test]
    async fn who_gave_up_keeps_his_turn_until_his_hash_is_calculated() {
        let hasher = hasher(&Argon2Settings {
            concurrency: 1,
            ..settings()
        });
        let (done, wait) = std::sync::mpsc::channel::<()>();
        let mut work = Box::pin(hasher.in_turn(ACME, move |_desks| {
            let _ = wait.recv();
            Ok(())
        }));
        assert!(work.as_mut().now_or_never().is_none());
        drop(work);
        assert!(hasher.turns.try_acquire(GLOBEX).is_none());
        drop(done);
        assert!(hasher.turns.acquire(GLOBEX).await.is_ok());
    }

    #[test]
    fn impossible_parameters_are_refused() {
        let settings = Argon2Settings {
            memory_kib: 1,
            ..settings()
        };
        assert!(matches!(
            PasswordHasher::new(&settings, Ambient::system()),
            Err(AuthError::Hashing(_))
        ));
    }
}
