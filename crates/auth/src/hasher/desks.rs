//! Where hashes are calculated.

use std::{
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::{
        PasswordHasher as _,
        phc::{self, Output},
    },
};
use secrecy::zeroize::Zeroizing;

use crate::{Argon2Settings, AuthError, Password, PasswordHash};

/// Calculates hashes. The memory of a comparison is kept for the next one: taking 19 MiB anew from
/// the system each time makes it a tenth to a third slower.
pub(super) struct Desks {
    /// How hashes are made today.
    today: Argon2<'static>,
    free: Mutex<Vec<Vec<Block>>>,
    calculated: AtomicU64,
}

impl Desks {
    pub(super) fn new(settings: &Argon2Settings) -> Result<Self, AuthError> {
        let (memory, passes, lanes) = (
            settings.memory_kib,
            settings.iterations,
            settings.parallelism,
        );
        let params = Params::new(memory, passes, lanes, None).map_err(refused)?;
        Ok(Self {
            today: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            free: Mutex::new(Vec::new()),
            calculated: AtomicU64::new(0),
        })
    }

    pub(super) fn hash(
        &self,
        password: &Password,
        salt: [u8; 16],
    ) -> Result<PasswordHash, AuthError> {
        let hash = self
            .today
            .hash_password_with_salt(password.expose().as_bytes(), &salt)
            .map_err(refused)?;
        self.calculated.fetch_add(1, Ordering::Relaxed);
        Ok(PasswordHash::new(hash.to_string()))
    }

    pub(super) fn verify(
        &self,
        password: &Password,
        hash: &PasswordHash,
    ) -> Result<bool, AuthError> {
        let hash = phc::PasswordHash::new(hash.expose()).map_err(refused)?;
        let (Some(salt), Some(expected)) = (&hash.salt, &hash.hash) else {
            return Err(AuthError::Hashing("a stored hash is incomplete".to_owned()));
        };
        let argon2 = made_with(&hash)?;
        let mut output = Zeroizing::new(vec![0; expected.len()]);
        self.fill(&argon2, password, salt, &mut output)?;
        if let Some(rest) = rest(argon2.params(), self.today.params()) {
            // Who knows no password learns nothing from how old the hash is: he waits as long as
            // for one that was made today, or for nobody's.
            let rest = Argon2::new(Algorithm::Argon2id, Version::V0x13, rest);
            self.fill(&rest, password, salt, &mut Zeroizing::new(vec![0; 32]))?;
        }
        self.calculated.fetch_add(1, Ordering::Relaxed);
        // `Output` compares in constant time.
        Ok(Output::new(&output).map_err(refused)? == *expected)
    }

    pub(super) fn is_outdated(&self, hash: &PasswordHash) -> bool {
        let Ok(hash) = phc::PasswordHash::new(hash.expose()) else {
            return true;
        };
        let wanted = self.today.params();
        let is_todays = hash.algorithm == Algorithm::Argon2id.ident()
            && hash.version == Some(Version::V0x13.into())
            && Params::try_from(&hash).is_ok_and(|params| cost(&params) == cost(wanted));
        !is_todays
    }

    pub(super) fn calculated(&self) -> u64 {
        self.calculated.load(Ordering::Relaxed)
    }

    fn fill(
        &self,
        argon2: &Argon2<'_>,
        password: &Password,
        salt: &[u8],
        output: &mut [u8],
    ) -> Result<(), AuthError> {
        let blocks = argon2.params().block_count();
        let mut memory = self.take(blocks);
        let filled = argon2.hash_password_into_with_memory(
            password.expose().as_bytes(),
            salt,
            output,
            memory.get_mut(..blocks).unwrap_or_default(),
        );
        self.give_back(memory);
        filled.map_err(refused)
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

/// What a stored hash was made with.
fn made_with(hash: &phc::PasswordHash) -> Result<Argon2<'static>, AuthError> {
    let algorithm = Algorithm::try_from(hash.algorithm.as_str()).map_err(refused)?;
    let version = hash
        .version
        .map_or(Ok(Version::default()), Version::try_from)
        .map_err(refused)?;
    let params = Params::try_from(hash).map_err(refused)?;
    Ok(Argon2::new(algorithm, version, params))
}

/// What decides how long a hash takes.
fn cost(params: &Params) -> (u32, u32, u32) {
    (params.m_cost(), params.t_cost(), params.p_cost())
}

/// How many blocks of memory a hash fills, over all its passes. It is what a hash costs.
fn blocks(params: &Params) -> usize {
    let passes = usize::try_from(params.t_cost()).unwrap_or(usize::MAX);
    params.block_count().saturating_mul(passes)
}

/// What there is to calculate after a hash like `made` for both together to cost what one of `today`
/// costs, in no more memory than that; nothing when the two cost the same, or `made` more.
fn rest(made: &Params, today: &Params) -> Option<Params> {
    let missing = blocks(today).checked_sub(blocks(made))?;
    let passes = missing.div_ceil(today.block_count());
    let memory = missing.checked_div(passes)?;
    Params::new(
        u32::try_from(memory).ok()?,
        u32::try_from(passes).ok()?,
        Params::DEFAULT_P_COST,
        None,
    )
    .ok()
}

fn refused(error: impl fmt::Display) -> AuthError {
    AuthError::Hashing(error.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn params() -> impl Strategy<Value = Params> {
        (1_u32..=4, 8_u32..40_000, 1_u32..=5).prop_map(|(lanes, memory, passes)| {
            Params::new(memory.max(8 * lanes), passes, lanes, None).unwrap()
        })
    }

    proptest! {
        #[test]
        fn a_cheaper_hash_and_its_rest_cost_what_a_hash_costs_today(
            made in params(),
            today in params(),
        ) {
            let rest = rest(&made, &today);
            let together = blocks(&made) + rest.as_ref().map_or(0, blocks);
            if blocks(&made) < blocks(&today) {
                let missing = blocks(&today) - together;
                // The memory of each pass is a multiple of four blocks, and eight at least.
                prop_assert!(missing < 8 * 5, "{missing} blocks are missing");
            } else {
                prop_assert!(rest.is_none());
            }
            if let Some(rest) = rest {
                prop_assert!(rest.block_count() <= today.block_count());
            }
        }
    }
}
