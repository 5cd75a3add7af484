//! Who is let in: everything between the request line and the handler.

use actix_web::{
    HttpResponse,
    dev::RequestHead,
    http::{
        Method,
        header::{self, HeaderMap},
    },
};
use database::TenantContext;
use kernel::{Actor, ErrorKind, Standing};
use telemetry::fields;

use super::Pipeline;
use crate::{
    Access, Problem, accept,
    context::RequestState,
    edge::{answer::Dress, limits},
    parameters,
    route::{Found, Route, is_platform},
};

/// What a request is let in as.
pub(super) enum Admitted {
    /// A browser asks whether a page may send its request: this is the answer.
    Preflight(HttpResponse),
    /// It goes to its handler, with this.
    Request(RequestState),
}

impl Pipeline {
    /// Lets a request in, or says why not.
    pub(super) async fn admit<'pipeline>(
        &'pipeline self,
        head: &RequestHead,
        path: &str,
        found: Found<'pipeline>,
        span: &tracing::Span,
        dress: &mut Dress<'pipeline>,
    ) -> Result<Admitted, Problem> {
        if matches!(found, Found::Nothing) {
            return Err(Problem::not_found());
        }
        let is_platform = is_platform(path);
        let name = |route: &'pipeline Route, dress: &mut Dress<'pipeline>| {
            span.record(fields::ACTION, route.action.as_str());
            dress.action = Some(&route.action);
        };
        // What the platform's paths are, is told to the platform alone.
        if let (Found::Route(route), false) = (&found, is_platform) {
            name(route, dress);
        }
        let is_probe = matches!(&found, Found::Route(route) if route.is_probe);
        // Before anybody is looked up: whose tenant it is, is asked of the registry.
        if let Some(limits) = &self.edge.limits {
            let client = self.edge.proxies.client(head);
            limits
                .admit_address(client, is_probe, &mut dress.standing)
                .inspect_err(|_| self.count_refusal(dress))?;
        }
        let mut resolved = None;
        if is_platform {
            resolved = self.public_tenant(head).await?;
            if resolved.is_none() {
                // As of a path that does not exist.
                dress.standing = limits::Standing::default();
                return Err(Problem::not_found());
            }
        }
        let route = match found {
            Found::Route(route) => route,
            Found::OtherMethods(methods) => {
                let preflight = (head.method == Method::OPTIONS)
                    .then(|| self.edge.cors.preflight(head, &methods));
                if let Some(answer) = preflight.flatten() {
                    return Ok(Admitted::Preflight(answer));
                }
                let detail = format!("This path answers to {methods}.");
                return Err(Problem::new(ErrorKind::MethodNotAllowed, detail).allow(methods));
            }
            Found::Nothing => return Err(Problem::not_found()),
        };
        if is_platform {
            name(route, dress);
        }
        dress.scheme = self.edge.proxies.scheme(head)?;
        let can_answer = route.produces.is_empty()
            || accept::preferred(&head.headers, &route.produces).is_some();
        if !can_answer {
            let detail = format!("This path answers with {}.", route.produces.join(" or "));
            return Err(Problem::new(ErrorKind::NotAcceptable, detail));
        }
        if route.access == Access::Open {
            return Ok(Admitted::Request(RequestState {
                tenant: None,
                actor: None,
                origin: dress.origin_of(None),
            }));
        }
        let tenant = match resolved {
            Some(tenant) => tenant,
            None => self.tenant(head).await?,
        };
        span.record(fields::TENANT, tenant.slug().as_str());
        self.metrics.for_tenant(tenant.slug().as_str());
        dress.tenant = Some(tenant.clone());
        let actor = self.enter(&tenant, route, head, span, dress).await?;
        if !route.takes_query {
            no_parameters(head.uri.query().unwrap_or_default())?;
        }
        Ok(Admitted::Request(RequestState {
            origin: dress.origin_of(actor.as_ref()),
            tenant: Some(tenant),
            actor,
        }))
    }

    /// Who enters his tenant, where that is asked; its subscription, and his limits.
    async fn enter(
        &self,
        tenant: &TenantContext,
        route: &Route,
        head: &RequestHead,
        span: &tracing::Span,
        dress: &mut Dress<'_>,
    ) -> Result<Option<Actor>, Problem> {
        let mut actor = None;
        if route.access != Access::Tenant {
            let token = bearer(&head.headers)?;
            let found = match self.authenticator.authenticate(tenant, token).await {
                Ok(found) => found,
                Err(problem) => {
                    if problem.kind() == ErrorKind::TenantMismatch {
                        dress.owner = self.authenticator.owner(token).await;
                    }
                    return Err(problem);
                }
            };
            if found.tenant_id != tenant.id() {
                // The authenticator has refused this already; nothing rests on one check alone.
                return Err(Problem::new(
                    ErrorKind::TenantMismatch,
                    "This token belongs to another tenant.",
                ));
            }
            span.record(fields::USER, tracing::field::display(found.user_id));
            dress.actor = Some(found.clone());
            actor = Some(found);
        }
        match tenant.record().subscription.at(self.ambient.now()) {
            Standing::InGrace(until) => dress.grace_until = Some(until),
            Standing::Over if route.needs_subscription => return Err(expired()),
            Standing::Good | Standing::Over => {}
        }
        if let Some(actor) = &actor
            && let Some(limits) = &self.edge.limits
        {
            limits
                .admit_user(actor.tenant_id, actor.user_id, &mut dress.standing)
                .inspect_err(|_| self.count_refusal(dress))?;
        }
        Ok(actor)
    }

    /// Whether a tenant whose request was let in is still in service. Asked of what this process
    /// knows by heart, before more is read for it or anything is kept.
    ///
    /// # Errors
    /// The answer for a request that would come in now: suspended, unavailable.
    pub(crate) async fn still_serves(&self, tenant: &TenantContext) -> Result<(), Problem> {
        let slug = tenant.slug().as_str();
        self.tenants.resolve(Some(slug), None).await.map(|_| ())
    }

    /// The public tenant, if the request is for it. To all others the platform's paths are nothing,
    /// whatever else may be wrong with the request; only that nobody can tell is told.
    async fn public_tenant(&self, head: &RequestHead) -> Result<Option<TenantContext>, Problem> {
        match self.tenant(head).await {
            Ok(tenant) => Ok(Some(tenant).filter(TenantContext::is_public)),
            Err(problem) if problem.kind() == ErrorKind::Unavailable => Err(problem),
            Err(_elsewhere) => Ok(None),
        }
    }

    fn count_refusal(&self, dress: &Dress<'_>) {
        if let Some(limit) = dress.standing.last() {
            self.metrics.refuse(limit);
        }
    }

    async fn tenant(&self, head: &RequestHead) -> Result<TenantContext, Problem> {
        let mut slugs = head.headers.get_all("x-tenant-slug");
        let header = slugs.next().map(|value| value.to_str().unwrap_or("?"));
        if slugs.next().is_some() {
            return Err(Problem::new(
                ErrorKind::TenantAmbiguous,
                "The header X-Tenant-Slug is given twice.",
            ));
        }
        let host = self.edge.proxies.host(head)?;
        self.tenants.resolve(header, host).await
    }
}

/// A parameter that nobody reads is a mistake: a change with `?dry_run=true` would be made.
fn no_parameters(query: &str) -> Result<(), Problem> {
    match parameters::pairs(query)?.first() {
        None => Ok(()),
        Some((name, _)) => Err(Problem::parameter(name, "this path takes no parameters")),
    }
}

fn expired() -> Problem {
    Problem::new(
        ErrorKind::SubscriptionExpired,
        "The subscription of this company is over. Its administrators can still sign in and renew \
         it.",
    )
}

/// The token of `Authorization: Bearer …` (RFC 6750).
fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let missing = |detail| Problem::new(ErrorKind::Unauthenticated, detail);
    let mut values = headers.get_all(header::AUTHORIZATION);
    let value = values.next().ok_or_else(|| {
        missing("Sign in first: send the header `Authorization: Bearer <access token>`.")
    })?;
    if values.next().is_some() {
        return Err(missing("The header Authorization is given twice."));
    }
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .ok_or_else(|| missing("The header Authorization is not of the form `Bearer <token>`."))?;
    let token = token.trim();
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.len() <= 8_192 {
        Ok(token)
    } else {
        Err(missing(
            "The header Authorization is not of the form `Bearer <token>`.",
        ))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(
                HeaderName::from_static(name),
                HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            );
        }
        map
    }

    #[test]
    fn a_bearer_token_is_one_header_of_one_form() {
        let token =
            |pairs: &[(&'static str, &'static str)]| bearer(&headers(pairs)).map(str::to_owned);
        assert_eq!(token(&[("authorization", "Bearer abc")]).unwrap(), "abc");
        assert_eq!(token(&[("authorization", "bearer abc")]).unwrap(), "abc");
        for bad in ["", "abc", "Basic abc", "Bearer", "Bearer "] {
            assert!(token(&[("authorization", bad)]).is_err(), "{bad}");
        }
        let twice = token(&[("authorization", "Bearer a"), ("authorization", "Bearer b")]);
        assert!(twice.is_err());
    }
}
