//! Who asks, in which tenant, and with what right.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpMessage as _, HttpRequest, dev::Payload, web};
use database::TenantContext;
use kernel::{Actor, Authorizer, ErrorKind, PermissionMarker, Permit};
use telemetry::Origin;

use crate::Problem;

/// What the pipeline found out about a request. Lives in the request's extensions.
#[derive(Clone)]
pub(crate) struct RequestState {
    pub(crate) tenant: Option<TenantContext>,
    pub(crate) actor: Option<Actor>,
    pub(crate) origin: Origin,
}

fn state<T>(
    request: &HttpRequest,
    take: impl FnOnce(&RequestState) -> Option<T>,
) -> Result<T, Problem> {
    // Absent only when a handler asks for more than its route declares: a defect, and no access.
    request
        .extensions()
        .get::<RequestState>()
        .and_then(take)
        .ok_or_else(|| {
            Problem::new(
            ErrorKind::Internal,
            "Something went wrong on our side. It was recorded; quote the request id when you ask \
             about it.",
        )
        .caused_by("the handler asks for a context that its route does not declare")
        })
}

/// Somebody who signed in, in his tenant.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The tenant.
    pub tenant: TenantContext,
    /// Who acts.
    pub actor: Actor,
}

impl FromRequest for Signed {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(state(request, |state| {
            Some(Self {
                tenant: state.tenant.clone()?,
                actor: state.actor.clone()?,
            })
        }))
    }
}

/// The tenant of a request that needs no token.
#[derive(Clone, Debug)]
pub struct TenantOnly(pub TenantContext);

impl FromRequest for TenantOnly {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(state(request, |state| state.tenant.clone().map(Self)))
    }
}

/// Who asks, in which request and where from: for what comes of it, and the record of it.
#[derive(Clone, Debug)]
pub struct Provenance(pub Origin);

impl FromRequest for Provenance {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(state(request, |state| Some(Self(state.origin.clone()))))
    }
}

/// The proof that the actor holds the permission `P`. The first parameter of a handler, so that
/// nothing is decoded for somebody who may not ask.
#[derive(Debug)]
pub struct Allowed<P>(pub Permit<P>);

impl<P: PermissionMarker> FromRequest for Allowed<P> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(permit(request).map(Self))
    }
}

/// Who asks, in which tenant.
pub(crate) fn signed(request: &HttpRequest) -> Result<Signed, Problem> {
    Signed::from_request(request, &mut Payload::None).into_inner()
}

/// Who decides.
pub(crate) fn authorizer(request: &HttpRequest) -> Result<&web::Data<dyn Authorizer>, Problem> {
    component(request)
}

/// A component of the application's data.
pub(crate) fn component<T: ?Sized + 'static>(
    request: &HttpRequest,
) -> Result<&web::Data<T>, Problem> {
    request.app_data::<web::Data<T>>().ok_or_else(|| {
        Problem::new(ErrorKind::Internal, "Something went wrong on our side.")
            .caused_by(format!("{} is not composed", std::any::type_name::<T>()))
    })
}

fn permit<P: PermissionMarker>(request: &HttpRequest) -> Result<Permit<P>, Problem> {
    let authorizer = authorizer(request)?;
    let actor = state(request, |state| state.actor.clone())?;
    Ok(Permit::obtain(authorizer.as_ref(), &actor)?)
}
