//! `GET /.well-known/jwks.json`

use actix_web::{get, web::Data};
use serde::Serialize;
use utoipa::ToSchema;
use web::Json;

use crate::{KeyRing, PublicKey};

/// The platform's public keys (RFC 7517).
#[derive(Debug, Serialize, ToSchema)]
pub struct JsonWebKeySet {
    /// The keys.
    pub keys: Vec<JsonWebKey>,
}

/// A public key (RFC 8037).
#[derive(Debug, Serialize, ToSchema)]
pub struct JsonWebKey {
    /// The type of the key.
    #[schema(example = "OKP")]
    pub kty: &'static str,
    /// The curve.
    #[schema(example = "Ed25519")]
    pub crv: &'static str,
    /// The key itself.
    #[schema(example = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]
    pub x: String,
    /// Its name, as tokens give it: its thumbprint (RFC 7638).
    #[schema(example = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")]
    pub kid: String,
    /// The algorithm of the tokens.
    #[schema(example = "EdDSA")]
    pub alg: &'static str,
    /// What it is for: signatures.
    #[schema(example = "sig")]
    pub r#use: &'static str,
}

impl JsonWebKey {
    fn new(kid: String, key: PublicKey) -> Self {
        Self {
            kty: "OKP",
            crv: "Ed25519",
            x: key.x(),
            kid,
            alg: "EdDSA",
            r#use: "sig",
        }
    }
}

/// Show the public keys that access tokens are checked with
#[utoipa::path(
    tag = "auth",
    operation_id = "show_keys",
    extensions(("x-access" = json!("open"))),
    responses((status = 200, description = "The keys (RFC 7517).", body = JsonWebKeySet)),
)]
#[get("/.well-known/jwks.json")]
pub(crate) async fn jwks(keys: Data<KeyRing>) -> Json<JsonWebKeySet> {
    let keys = keys.published();
    Json(JsonWebKeySet {
        keys: keys
            .into_iter()
            .map(|(kid, key)| JsonWebKey::new(kid, key))
            .collect(),
    })
}
