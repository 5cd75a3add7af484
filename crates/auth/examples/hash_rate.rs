//! How many passwords this machine hashes a second with the default settings, one thread a core:
//! what limits signing in. Takes the seconds to run as its argument; `./just bench` calls it.

use std::{
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use auth::Argon2Settings;

fn main() -> ExitCode {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let time = Duration::from_secs(seconds.unwrap_or(5));
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let hashers: Vec<_> = (0..cores)
        .map(|_| thread::spawn(move || hash_for(time)))
        .collect();
    let mut rate = 0.0;
    for hasher in hashers {
        let Ok(Ok(hashes_per_second)) = hasher.join() else {
            eprintln!("hashing failed");
            return ExitCode::FAILURE;
        };
        rate += hashes_per_second;
    }
    println!("{rate:.1} hashes a second on {cores} threads");
    ExitCode::SUCCESS
}

/// Hashes into the same memory again and again, as signing in does.
fn hash_for(time: Duration) -> Result<f64, argon2::Error> {
    let settings = Argon2Settings::default();
    let params = Params::new(
        settings.memory_kib,
        settings.iterations,
        settings.parallelism,
        None,
    )?;
    let mut memory = vec![Block::default(); params.block_count()];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut output = [0; 32];
    let begun = Instant::now();
    let mut hashes = 0_u32;
    while begun.elapsed() < time {
        argon2.hash_password_into_with_memory(
            b"a-password-of-the-bench",
            b"sixteen bytes it",
            &mut output,
            &mut memory,
        )?;
        hashes += 1;
    }
    Ok(f64::from(hashes) / begun.elapsed().as_secs_f64())
}
