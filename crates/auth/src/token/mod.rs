//! Access tokens: what they claim, how they are signed, and how they are checked.

mod claims;
mod epochs;
mod error;
mod issuer;
mod signed;
mod verifier;

#[cfg(test)]
mod tests;

pub use claims::{AccessClaims, TokenId, TokenRules};
pub use epochs::{Epochs, NoEpochs};
pub use error::TokenError;
pub use issuer::{AccessToken, TokenIssuer};
pub use verifier::TokenVerifier;
