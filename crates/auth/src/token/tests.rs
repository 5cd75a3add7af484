//! Tokens that must not be accepted, one after the other.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use database::TenantRecord;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use kernel::{Ambient, FixedClock, SeededEntropy, Slug, TenantStatus, TimeZone};
use proptest::prelude::*;
use rstest::rstest;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use time::{OffsetDateTime, macros::datetime};
use uuid::Uuid;

use super::{AccessClaims, Epochs, TokenError, TokenRules, issuer, signed::Signed};
use crate::{AuthMethods, Session, SessionLifetime, Standing, StoredKey, User, UserStatus};

const NOW: OffsetDateTime = datetime!(2026-11-23 09:00 UTC);
/// `NOW`, in seconds since 1970.
const T: i64 = NOW.unix_timestamp();

fn rules() -> TokenRules {
    TokenRules {
        issuer: "hrms".to_owned(),
        audience: "hrms-api".to_owned(),
        lifetime: Duration::from_mins(10),
    }
}

fn key(seed: u64) -> StoredKey {
    let clock = Arc::new(FixedClock::at(NOW));
    StoredKey::generate(&Ambient::new(clock, Arc::new(SeededEntropy::new(seed)))).unwrap()
}

fn acme() -> TenantRecord {
    TenantRecord {
        id: Uuid::from_u128(1).into(),
        slug: Slug::existing("acme").unwrap(),
        name: "Acme".to_owned(),
        schema: "t_acme".parse().unwrap(),
        status: TenantStatus::Active,
        time_zone: TimeZone::utc(),
        locale: "en".to_owned(),
        placement_epoch: 1,
        auth_epoch: 3,
        subscription: kernel::Subscription::Active,
    }
}

fn jane() -> User {
    User {
        id: Uuid::from_u128(2).into(),
        email: "jane@acme.test".parse().unwrap(),
        display_name: "Jane".to_owned(),
        password_hash: None,
        status: UserStatus::Active,
        auth_epoch: 14,
        employee_id: None,
        roles: [].into(),
    }
}

fn session() -> Session {
    let lifetime = SessionLifetime {
        idle: Duration::from_hours(7 * 24),
        absolute: Duration::from_hours(30 * 24),
    };
    let (id, methods) = (Uuid::from_u128(3).into(), AuthMethods::password());
    Session::begin(id, jane().id, methods, lifetime, NOW)
}

fn claims() -> AccessClaims {
    rules().claim(&acme(), &jane(), &session(), Uuid::from_u128(4).into(), NOW)
}

fn issued() -> String {
    let token = issuer::sign(&claims(), &key(1).signing().unwrap()).unwrap();
    token.expose_secret().to_owned()
}

/// Signs any header and any claims with the platform's own key.
fn forge(header: &str, claims: &str) -> String {
    let encoded = |json: &str| URL_SAFE_NO_PAD.encode(json);
    let message = format!("{}.{}", encoded(header), encoded(claims));
    let key = key(1).signing().unwrap();
    let signature = crypto::sign(message.as_bytes(), key.encoding(), Algorithm::EdDSA).unwrap();
    format!("{message}.{signature}")
}

fn header() -> Value {
    json!({"alg": "EdDSA", "typ": "at+jwt", "kid": key(1).kid})
}

fn with_claim(name: &str, value: Value) -> String {
    let mut claims = serde_json::to_value(claims()).unwrap();
    claims
        .as_object_mut()
        .unwrap()
        .insert(name.to_owned(), value);
    forge(&header().to_string(), &claims.to_string())
}

fn without_claim(name: &str) -> String {
    let mut claims = serde_json::to_value(claims()).unwrap();
    claims.as_object_mut().unwrap().remove(name).unwrap();
    forge(&header().to_string(), &claims.to_string())
}

fn with_header(name: &str, value: Value) -> String {
    let mut header = header();
    header
        .as_object_mut()
        .unwrap()
        .insert(name.to_owned(), value);
    forge(
        &header.to_string(),
        &serde_json::to_string(&claims()).unwrap(),
    )
}

fn accept_at(token: &str, now: OffsetDateTime) -> Result<AccessClaims, TokenError> {
    let signed = Signed::read(token)?;
    let known = key(1);
    let key = (signed.kid() == known.kid).then(|| known.verifying().unwrap());
    rules().accept(&signed, key.as_ref(), now)
}

fn accept(token: &str) -> Result<AccessClaims, TokenError> {
    accept_at(token, NOW)
}

#[test]
fn what_the_platform_issued_is_accepted_until_it_expires() {
    let token = issued();
    assert_eq!(accept(&token), Ok(claims()));
    let last = NOW + Duration::from_secs(599);
    assert_eq!(accept_at(&token, last), Ok(claims()));
    let over = NOW + Duration::from_mins(10);
    assert_eq!(accept_at(&token, over), Err(TokenError::Expired));
}

#[test]
fn a_token_claims_exactly_what_the_contract_says() {
    let claims = serde_json::to_value(claims()).unwrap();
    assert_eq!(
        claims,
        json!({
            "iss": "hrms",
            "aud": "hrms-api",
            "sub": "00000000-0000-0000-0000-000000000002",
            "sid": "00000000-0000-0000-0000-000000000003",
            "jti": "00000000-0000-0000-0000-000000000004",
            "iat": T,
            "nbf": T,
            "exp": T + 600,
            "typ": "access",
            "auth_time": T,
            "amr": ["pwd"],
            "ver": "3.14",
            "tenant_id": "00000000-0000-0000-0000-000000000001",
            "tenant_slug": "acme",
            "schema_name": "t_acme",
        })
    );
    let token = issued();
    let written = URL_SAFE_NO_PAD
        .decode(token.split('.').next().unwrap())
        .unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&written).unwrap(), header());
}

#[test]
fn a_token_does_not_outlive_its_session() {
    let mut session = session();
    session.absolute_expires_at = NOW + Duration::from_mins(1);
    let jti = Uuid::from_u128(4).into();
    let claims = rules().claim(&acme(), &jane(), &session, jti, NOW);
    assert_eq!(claims.exp, claims.iat + 60);
}

#[rstest]
#[case::of_another_issuer("iss", json!("evil"), TokenError::Issuer)]
#[case::of_several_issuers("iss", json!(["hrms"]), TokenError::Claims)]
#[case::for_another_audience("aud", json!("other-api"), TokenError::Audience)]
#[case::for_several_audiences("aud", json!(["hrms-api", "other"]), TokenError::Claims)]
#[case::of_another_type("typ", json!("refresh"), TokenError::Type)]
#[case::of_a_type_in_capitals("typ", json!("Access"), TokenError::Type)]
#[case::expired("exp", json!(T - 1), TokenError::Expired)]
#[case::expiring_now("exp", json!(T), TokenError::Expired)]
#[case::living_too_long("exp", json!(T + 601), TokenError::Lifetime)]
#[case::living_for_ever("exp", json!(u64::MAX), TokenError::Lifetime)]
#[case::expiring_in_words("exp", json!((T + 600).to_string()), TokenError::Claims)]
#[case::expiring_between_seconds("exp", json!(1.5), TokenError::Claims)]
#[case::expiring_before_1970("exp", json!(-1), TokenError::Claims)]
#[case::expiring_never("exp", json!(null), TokenError::Claims)]
#[case::expiring_beyond_numbers("exp", json!(1e30), TokenError::Claims)]
#[case::not_valid_yet("nbf", json!(T + 31), TokenError::Future)]
#[case::valid_from_in_words("nbf", json!(T.to_string()), TokenError::Claims)]
#[case::valid_from_nothing("nbf", json!(null), TokenError::Claims)]
#[case::of_the_future("iat", json!(T + 31), TokenError::Future)]
#[case::of_long_ago("iat", json!(T - 1), TokenError::Lifetime)]
#[case::issued_in_words("iat", json!(T.to_string()), TokenError::Claims)]
#[case::signed_in_tomorrow("auth_time", json!(T + 86_400), TokenError::Future)]
#[case::signed_in_in_words("auth_time", json!("today"), TokenError::Claims)]
#[case::without_a_method("amr", json!([]), TokenError::Methods)]
#[case::with_a_method_that_is_no_list("amr", json!("pwd"), TokenError::Claims)]
#[case::with_one_epoch("ver", json!("3"), TokenError::Claims)]
#[case::with_an_epoch_that_is_a_number("ver", json!(3.5), TokenError::Claims)]
#[case::of_a_nameless_user("sub", json!("jane"), TokenError::Claims)]
#[case::of_a_numbered_user("sub", json!(2), TokenError::Claims)]
#[case::of_no_session("sid", json!(null), TokenError::Claims)]
#[case::without_an_id("jti", json!(""), TokenError::Claims)]
#[case::of_a_nameless_tenant("tenant_id", json!("acme"), TokenError::Claims)]
#[case::of_a_numbered_slug("tenant_slug", json!(1), TokenError::Claims)]
#[case::of_no_schema("schema_name", json!(null), TokenError::Claims)]
#[case::that_claims_more("roles", json!(["administrator"]), TokenError::Claims)]
fn a_token_with_one_wrong_claim_is_refused(
    #[case] claim: &str,
    #[case] value: Value,
    #[case] because: TokenError,
) {
    assert_eq!(accept(&with_claim(claim, value)), Err(because));
}

#[test]
fn no_claim_may_be_missing() {
    let all = serde_json::to_value(claims()).unwrap();
    for claim in all.as_object().unwrap().keys() {
        assert_eq!(
            accept(&without_claim(claim)),
            Err(TokenError::Claims),
            "{claim}"
        );
    }
}

#[test]
fn no_claim_may_stand_twice() {
    let claims = serde_json::to_string(&claims()).unwrap();
    let twice = claims.replacen('{', r#"{"exp":1,"#, 1);
    assert_eq!(
        accept(&forge(&header().to_string(), &twice)),
        Err(TokenError::Claims)
    );
}

#[test]
fn clocks_may_be_half_a_minute_apart() {
    let early = NOW - TokenRules::LEEWAY;
    assert!(accept_at(&issued(), early).is_ok());
    let too_early = early - Duration::from_secs(1);
    assert_eq!(accept_at(&issued(), too_early), Err(TokenError::Future));
}

#[rstest]
#[case::without_an_algorithm("alg", json!("none"))]
#[case::without_an_algorithm_in_capitals("alg", json!("None"))]
#[case::of_another_algorithm("alg", json!("ES256"))]
#[case::of_an_algorithm_in_capitals("alg", json!("EDDSA"))]
#[case::of_any_type("typ", json!("JWT"))]
#[case::that_brings_its_key("jwk", json!({"kty": "OKP", "crv": "Ed25519", "x": "AA"}))]
#[case::that_says_where_its_key_is("jku", json!("https://evil.test/keys"))]
#[case::that_brings_a_certificate("x5c", json!(["AA"]))]
#[case::that_wants_an_extension("crit", json!(["exp"]))]
#[case::that_is_compressed("zip", json!("DEF"))]
#[case::of_a_nameless_key("kid", json!(null))]
fn a_token_with_another_header_is_refused(#[case] parameter: &str, #[case] value: Value) {
    assert_eq!(
        accept(&with_header(parameter, value)),
        Err(TokenError::Header)
    );
}

#[test]
fn a_token_without_a_signature_is_refused() {
    let token = issued();
    let (message, _) = token.rsplit_once('.').unwrap();
    assert_eq!(accept(&format!("{message}.")), Err(TokenError::Signature));
    let nothing = with_header("alg", json!("none"));
    let (message, _) = nothing.rsplit_once('.').unwrap();
    assert_eq!(accept(&format!("{message}.")), Err(TokenError::Header));
}

/// The public key is public: whoever takes it for the secret of an HMAC must not get in.
#[test]
fn a_token_signed_with_the_public_key_is_refused() {
    let token = with_header("alg", json!("HS256"));
    let (message, _) = token.rsplit_once('.').unwrap();
    let secret = EncodingKey::from_base64_secret(&key(1).public_key).unwrap();
    let signature = crypto::sign(message.as_bytes(), &secret, Algorithm::HS256).unwrap();
    assert_eq!(
        accept(&format!("{message}.{signature}")),
        Err(TokenError::Header)
    );

    // And when the header keeps saying EdDSA.
    let (message, _) = token_and_signature();
    let signature = crypto::sign(message.as_bytes(), &secret, Algorithm::HS256).unwrap();
    assert_eq!(
        accept(&format!("{message}.{signature}")),
        Err(TokenError::Signature)
    );
}

fn token_and_signature() -> (String, String) {
    let token = issued();
    let (message, signature) = token.rsplit_once('.').unwrap();
    (message.to_owned(), signature.to_owned())
}

#[test]
fn a_token_of_another_key_is_refused() {
    let other = issuer::sign(&claims(), &key(2).signing().unwrap()).unwrap();
    assert_eq!(accept(other.expose_secret()), Err(TokenError::UnknownKey));

    // And when it says it is ours.
    let (message, _) = token_and_signature();
    let key = key(2).signing().unwrap();
    let signature = crypto::sign(message.as_bytes(), key.encoding(), Algorithm::EdDSA).unwrap();
    assert_eq!(
        accept(&format!("{message}.{signature}")),
        Err(TokenError::Signature)
    );
}

#[test]
fn the_claims_of_one_token_do_not_fit_the_signature_of_another() {
    let other = with_claim("sub", json!(Uuid::from_u128(99)));
    let (message, _) = other.rsplit_once('.').unwrap();
    let (_, signature) = token_and_signature();
    assert_eq!(
        accept(&format!("{message}.{signature}")),
        Err(TokenError::Signature)
    );
}

#[rstest]
#[case::nothing("")]
#[case::dots("..")]
#[case::one_part("abc")]
#[case::two_parts("abc.def")]
#[case::an_encrypted_token("a.b.c.d.e")]
fn what_is_no_signed_token_is_refused(#[case] token: &str) {
    assert!(accept(token).is_err());
}

#[rstest]
#[case::of_the_same_tenant(|_: &mut TenantRecord| {}, Ok(()))]
#[case::of_another(|it: &mut TenantRecord| it.id = Uuid::from_u128(9).into(), Err(TokenError::OtherTenant))]
#[case::of_a_renamed(|it: &mut TenantRecord| it.slug = Slug::existing("acme-2").unwrap(), Err(TokenError::Stale))]
#[case::of_a_moved(|it: &mut TenantRecord| it.schema = "pool_0001".parse().unwrap(), Err(TokenError::Stale))]
#[case::of_a_newer_epoch(|it: &mut TenantRecord| it.auth_epoch += 1, Err(TokenError::Stale))]
#[case::of_an_older_epoch(|it: &mut TenantRecord| it.auth_epoch -= 1, Err(TokenError::Stale))]
fn a_token_is_bound_to_its_tenant(
    #[case] change: fn(&mut TenantRecord),
    #[case] expected: Result<(), TokenError>,
) {
    let mut tenant = acme();
    change(&mut tenant);
    assert_eq!(claims().check_tenant(&tenant), expected);
}

/// Two tenants of one pool share their schema; the id alone tells them apart.
#[test]
fn a_token_of_a_pool_neighbour_belongs_to_another_tenant() {
    let mut neighbour = acme();
    neighbour.id = Uuid::from_u128(9).into();
    neighbour.slug = Slug::existing("umbrella").unwrap();
    assert_eq!(
        claims().check_tenant(&neighbour),
        Err(TokenError::OtherTenant)
    );
}

#[rstest]
#[case::as_it_was(|_: &mut Standing| {}, Ok(()))]
#[case::ended(|it: &mut Standing| it.ended_at = Some(NOW), Err(TokenError::SessionOver))]
#[case::unused_for_long(|it: &mut Standing| it.expires_at = NOW, Err(TokenError::SessionOver))]
#[case::of_a_deactivated(|it: &mut Standing| it.status = UserStatus::Deactivated, Err(TokenError::SessionOver))]
#[case::of_another(|it: &mut Standing| it.user_id = Uuid::from_u128(9).into(), Err(TokenError::SessionOver))]
#[case::with_a_new_password(|it: &mut Standing| it.auth_epoch += 1, Err(TokenError::Stale))]
fn a_token_is_bound_to_a_session_that_lives(
    #[case] change: fn(&mut Standing),
    #[case] expected: Result<(), TokenError>,
) {
    let mut standing = Standing {
        user_id: jane().id,
        status: UserStatus::Active,
        auth_epoch: 14,
        employee_id: None,
        roles: [].into(),
        ended_at: None,
        expires_at: session().expires_at,
    };
    change(&mut standing);
    assert_eq!(claims().check_standing(&standing, NOW), expected);
}

#[test]
fn the_client_learns_what_to_do_and_nothing_else() {
    for error in [
        TokenError::Signature,
        TokenError::UnknownKey,
        TokenError::Claims,
    ] {
        assert_eq!(
            error.detail(),
            "The access token is not valid. Sign in again."
        );
        assert_eq!(error.kind().as_str(), "unauthenticated");
    }
    assert_eq!(TokenError::Expired.kind().as_str(), "token_expired");
    assert_eq!(TokenError::Stale.kind().as_str(), "token_stale");
    assert_eq!(TokenError::OtherTenant.kind().as_str(), "tenant_mismatch");
}

proptest! {
    #[test]
    fn a_token_with_one_other_character_is_refused(at in any::<prop::sample::Index>(), with in "[A-Za-z0-9_.-]") {
        let token = issued();
        let at = at.index(token.len());
        let mut other = token.clone();
        other.replace_range(at..=at, &with);
        prop_assume!(other != token);
        prop_assert!(accept(&other).is_err());
    }

    #[test]
    fn any_text_is_refused_and_never_a_panic(token in ".{0,200}") {
        prop_assert!(accept(&token).is_err());
    }

    #[test]
    fn any_claims_are_refused_or_kept_as_they_are(iat in any::<u64>(), nbf in any::<u64>(), exp in any::<u64>()) {
        let claims = AccessClaims { iat, nbf, exp, ver: Epochs { tenant: 3, user: 14 }, ..claims() };
        if rules().check(&claims, NOW).is_ok() {
            let now = u64::try_from(T).unwrap();
            prop_assert!(exp > now && exp - iat <= 600 && iat <= now + 30 && nbf <= now + 30);
        }
    }
}
