//! Hashing passwords without starving anybody.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::{
        PasswordHasher as _,
        phc::{self, Output},
    },
};
use kernel::Ambient;
use secrecy::zeroize::Zeroizing;
use tokio::sync::Semaphore;

use crate::{Argon2Settings, AuthError, Password, PasswordHash};

/// Hashes passwords with Argon2id, off the threads that serve requests.
///
/// - At most `concurrency` hashes are calculated at once: each takes a core and 19 MiB.
/// - At most `max_queue` requests wait, each at most `queue_timeout`; more are refused with
///   [`AuthError::Busy`], so that a flood of logins costs logins alone.
/// - A comparison takes the same time whether there is a hash to compare with or not.
#[derive(Debug)]
pub struct PasswordHasher {
    desks: Arc<Desks>,
    turns: Arc<Semaphore>,
    queue: Semaphore,
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
        let (memory, passes, lanes) = (
            settings.memory_kib,
            settings.iterations,
            settings.parallelism,
        );
        let params = Params::new(memory, passes, lanes, None).map_err(refused)?;
        let desks = Arc::new(Desks {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            free: Mutex::new(Vec::new()),
        });
        let nobody = desks.hash(&Password::generate(&ambient), ambient.bytes())?;
        Ok(Self {
            desks,
            turns: Arc::new(Semaphore::new(settings.concurrency)),
            queue: Semaphore::new(settings.concurrency.saturating_add(settings.max_queue)),
            queue_timeout: settings.queue_timeout,
            nobody,
            ambient,
        })
    }

    /// Hashes a password with a salt of its own.
    ///
    /// # Errors
    /// [`AuthError::Busy`], [`AuthError::Hashing`].
    pub async fn hash(&self, password: &Password) -> Result<PasswordHash, AuthError> {
        let (password, salt) = (password.clone(), self.ambient.bytes());
        self.in_turn(move |desks| desks.hash(&password, salt)).await
    }

    /// Whether the password is the one that was hashed. With nothing to compare with, the answer
    /// is no and takes as long.
    ///
    /// # Errors
    /// [`AuthError::Busy`]; [`AuthError::Hashing`] when the hash is none.
    pub async fn verify(
        &self,
        password: &Password,
        hash: Option<&PasswordHash>,
    ) -> Result<bool, AuthError> {
        let known = hash.is_some();
        let (password, hash) = (password.clone(), hash.unwrap_or(&self.nobody).clone());
        let same = self
            .in_turn(move |desks| desks.verify(&password, &hash))
            .await?;
        Ok(known && same)
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Desks) -> Result<T, AuthError> + Send + 'static,
    ) -> Result<T, AuthError> {
        let _place = self.queue.try_acquire().map_err(|_full| AuthError::Busy)?;
        let turn = Arc::clone(&self.turns).acquire_owned();
        let turn = tokio::time::timeout(self.queue_timeout, turn)
            .await
            .map_err(|_elapsed| AuthError::Busy)?
            .map_err(|_closed| AuthError::Busy)?;
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

/// Where hashes are calculated. The memory of a comparison is kept for the next one: taking 19 MiB
/// anew from the system each time makes it a tenth to a third slower.
struct Desks {
    argon2: Argon2<'static>,
    free: Mutex<Vec<Vec<Block>>>,
}

impl Desks {
    fn hash(&self, password: &Password, salt: [u8; 16]) -> Result<PasswordHash, AuthError> {
        let hash = self
            .argon2
            .hash_password_with_salt(password.expose().as_bytes(), &salt)
            .map_err(refused)?;
        Ok(PasswordHash::new(hash.to_string()))
    }

    fn verify(&self, password: &Password, hash: &PasswordHash) -> Result<bool, AuthError> {
        let hash = phc::PasswordHash::new(hash.expose()).map_err(refused)?;
        let (Some(salt), Some(expected)) = (&hash.salt, &hash.hash) else {
            return Err(AuthError::Hashing("a stored hash is incomplete".to_owned()));
        };
        let algorithm = Algorithm::try_from(hash.algorithm.as_str()).map_err(refused)?;
        let version = hash
            .version
            .map_or(Ok(Version::default()), Version::try_from);
        let params = Params::try_from(&hash).map_err(refused)?;
        let blocks = params.block_count();
        let argon2 = Argon2::new(algorithm, version.map_err(refused)?, params);

        let mut output = Zeroizing::new(vec![0; expected.len()]);
        let mut memory = self.take(blocks);
        let calculated = argon2.hash_password_into_with_memory(
            password.expose().as_bytes(),
            salt,
            &mut output,
            memory.get_mut(..blocks).unwrap_or_default(),
        );
        self.give_back(memory);
        calculated.map_err(refused)?;
        // `Output` compares in constant time.
        Ok(Output::new(&output).map_err(refused)? == *expected)
    }

    fn take(&self, blocks: usize) -> Vec<Block> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut memory = free.pop().unwrap_or_default();
        drop(free);
        if memory.len() < blocks {
            memory.resize(blocks, Block::default());
        }
        memory
    }

    fn give_back(&self, memory: Vec<Block>) {
        // As many as the turns that there are.
        self.free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(memory);
    }
}

impl fmt::Debug for Desks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Desks")
    }
}

fn refused(error: impl fmt::Display) -> AuthError {
    AuthError::Hashing(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

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
        let hash = hasher.hash(&password).await.unwrap();
        let other = hasher.hash(&password).await.unwrap();
        assert_ne!(hash.expose(), other.expose(), "each hash has its own salt");
        for hash in [&hash, &other] {
            assert!(hasher.verify(&password, Some(hash)).await.unwrap());
            let wrong = Password::presented("correct horse batterz");
            assert!(!hasher.verify(&wrong, Some(hash)).await.unwrap());
        }
    }

    #[tokio::test]
    async fn the_hash_says_how_it_was_made() {
        let hasher = hasher(&Argon2Settings::default());
        let hash = hasher.hash(&Password::presented("x")).await.unwrap();
        assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    }

    #[tokio::test]
    async fn a_hash_made_with_other_parameters_is_still_understood() {
        let password = Password::presented("correct horse battery");
        let old = hasher(&settings()).hash(&password).await.unwrap();
        let today = hasher(&Argon2Settings {
            memory_kib: 32,
            ..settings()
        });
        assert!(today.verify(&password, Some(&old)).await.unwrap());
    }

    #[tokio::test]
    async fn without_a_hash_the_answer_is_no_whatever_the_password() {
        let hasher = hasher(&settings());
        let password = Password::presented("correct horse battery");
        assert!(!hasher.verify(&password, None).await.unwrap());
    }

    #[tokio::test]
    async fn without_a_hash_the_answer_takes_as_long() {
        let hasher = hasher(&Argon2Settings::default());
        let password = Password::presented("correct horse battery");
        let hash = hasher.hash(&password).await.unwrap();
        let mut known = Vec::new();
        let mut unknown = Vec::new();
        for _ in 0..9 {
            let begun = Instant::now();
            hasher.verify(&password, Some(&hash)).await.unwrap();
            known.push(begun.elapsed());
            let begun = Instant::now();
            hasher.verify(&password, None).await.unwrap();
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

    #[tokio::test(flavor = "multi_thread")]
    async fn more_than_the_queue_holds_is_refused_at_once() {
        let hasher = hasher(&Argon2Settings {
            concurrency: 1,
            max_queue: 2,
            ..settings()
        });
        let turn = Arc::clone(&hasher.turns).acquire_owned().await.unwrap();
        let password = Password::presented("x");
        let wait = || hasher.verify(&password, None);
        let all = futures_util::future::join_all([wait(), wait(), wait(), wait(), wait()]);
        let release = async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            drop(turn);
        };
        let (outcomes, ()) = tokio::join!(all, release);
        let refused = |outcome: &Result<bool, AuthError>| matches!(outcome, Err(AuthError::Busy));
        let outcomes: Vec<bool> = outcomes.iter().map(refused).collect();
        assert_eq!(outcomes, [false, false, false, true, true]);
    }

    #[tokio::test]
    async fn who_waits_too_long_is_refused() {
        let hasher = hasher(&Argon2Settings {
            concurrency: 1,
            queue_timeout: Duration::from_millis(5),
            ..settings()
        });
        let _turn = Arc::clone(&hasher.turns).acquire_owned().await.unwrap();
        let outcome = hasher.verify(&Password::presented("x"), None).await;
        assert!(matches!(outcome, Err(AuthError::Busy)));
        assert_eq!(hasher.queue.available_permits(), 1 + settings().max_queue);
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
