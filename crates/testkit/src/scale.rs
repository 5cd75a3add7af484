//! How much of a thing a test does: little as a rule, much in `./just test-full`.

/// How many rounds, clients or tenants: what the environment variable says, else as many as the
/// suite can afford every time.
///
/// # Panics
/// When the variable is no number: the test would do something else than was asked.
#[expect(
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test is told by its environment how long it may take"
)]
pub fn scaled(variable: &str, usual: usize) -> usize {
    match std::env::var(variable) {
        Ok(number) => number.parse().expect("the variable is a number"),
        Err(_unset) => usual,
    }
}
