//! Permissions and the proof of holding one.

use std::{fmt, marker::PhantomData};

use crate::Actor;

/// Something that somebody may be allowed to do: `employees:read`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Permission {
    /// The stable name, `{resource}:{action}`.
    pub name: &'static str,
    /// What it allows, in a sentence for the person who assigns roles.
    pub description: &'static str,
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A permission as a type, so that a parameter can demand it.
pub trait PermissionMarker: Send + Sync + 'static {
    /// The permission this type stands for.
    const PERMISSION: Permission;
}

/// Declares permissions as types.
///
/// ```
/// kernel::permissions! {
///     /// Read employees.
///     Read = "employees:read", "Read the people of the company and where they work.";
/// }
/// # use kernel::PermissionMarker as _;
/// assert_eq!(Read::PERMISSION.name, "employees:read");
/// assert_eq!(ALL.len(), 1);
/// ```
#[macro_export]
macro_rules! permissions {
    ($($(#[$doc:meta])* $marker:ident = $name:literal, $description:literal;)+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub enum $marker {}

            impl $crate::PermissionMarker for $marker {
                const PERMISSION: $crate::Permission =
                    $crate::Permission { name: $name, description: $description };
            }
        )+

        /// Every permission declared here.
        pub const ALL: &[$crate::Permission] =
            &[$(<$marker as $crate::PermissionMarker>::PERMISSION),+];
    };
}

/// How far a permission reaches within the tenant. The greater includes the lesser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// The actor's own record only.
    Own,
    /// Everything of the tenant.
    Tenant,
}

/// Decides what an actor may do. Implemented by the crate `access`; default deny.
pub trait Authorizer: Send + Sync {
    /// How far the actor's permission reaches, or `None`: not at all.
    fn reach(&self, actor: &Actor, permission: Permission) -> Option<Reach>;
}

/// The actor lacks a permission.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this needs the permission `{permission}`")]
pub struct Denied {
    /// The permission that was asked for.
    pub permission: Permission,
}

impl crate::DomainError for Denied {
    fn kind(&self) -> crate::ErrorKind {
        crate::ErrorKind::PermissionDenied
    }
}

/// The proof that an actor holds a permission. Use cases demand it, so that a call without a
/// decision does not compile. It is had from an authorizer …
///
/// ```
/// kernel::permissions! {
///     /// Read.
///     Read = "employees:read", "Read.";
/// }
/// fn obtain(authorizer: &dyn kernel::Authorizer, actor: &kernel::Actor) {
///     let permit: Result<kernel::Permit<Read>, _> = kernel::Permit::obtain(authorizer, actor);
///     assert_eq!(permit.map(|permit| permit.reach()), Ok(kernel::Reach::Tenant));
/// }
/// ```
///
/// … and from nowhere else:
///
/// ```compile_fail,E0451
/// kernel::permissions! {
///     /// Read.
///     Read = "employees:read", "Read.";
/// }
/// fn obtain() {
///     let permit: kernel::Permit<Read> =
///         kernel::Permit { reach: kernel::Reach::Tenant, marker: std::marker::PhantomData };
/// }
/// ```
#[derive(Debug)]
pub struct Permit<P> {
    reach: Reach,
    marker: PhantomData<fn() -> P>,
}

impl<P: PermissionMarker> Permit<P> {
    /// Asks the authorizer.
    ///
    /// # Errors
    /// [`Denied`] when the actor does not hold the permission.
    pub fn obtain(authorizer: &dyn Authorizer, actor: &Actor) -> Result<Self, Denied> {
        match authorizer.reach(actor, P::PERMISSION) {
            Some(reach) => Ok(Self {
                reach,
                marker: PhantomData,
            }),
            None => Err(Denied {
                permission: P::PERMISSION,
            }),
        }
    }

    /// How far the permission reaches.
    pub fn reach(&self) -> Reach {
        self.reach
    }
}
