//! A section of the settings: declared once, with [`section!`], and from then on read, shown and
//! documented alike.

use std::collections::BTreeMap;

use super::reader::Reader;
use super::value::Setting;

/// A group of settings.
pub(super) trait Section: Sized {
    /// What there is to set in the section at `path`, and in those inside it.
    fn describe(path: &str) -> Vec<SectionDescription>;

    /// Takes the section's values; `None` when the reader noted a problem with one.
    fn read(path: &str, reader: &mut Reader) -> Option<Self>;

    /// Puts the section's values as they may be shown, by path.
    fn show(&self, path: &str, shown: &mut BTreeMap<String, Option<toml::Value>>);
}

/// What is known about a section before anything is read.
#[derive(Debug, Clone)]
pub(super) struct SectionDescription {
    /// As in the settings file: `auth.argon2`.
    pub(super) path: String,
    pub(super) about: &'static str,
    pub(super) keys: Vec<Key>,
}

/// What is known about a setting before anything is read.
#[derive(Debug, Clone)]
pub(super) struct Key {
    /// Section and name: `auth.argon2.memory_kib`.
    pub(super) path: String,
    pub(super) name: &'static str,
    pub(super) default: Option<&'static str>,
    pub(super) range: Option<(&'static str, &'static str)>,
    pub(super) allowed: String,
    pub(super) secret: bool,
    pub(super) optional: bool,
    pub(super) meaning: &'static str,
}

impl Key {
    pub(super) fn of<T: Setting>(
        section: &str,
        name: &'static str,
        default: Option<&'static str>,
        range: Option<(&'static str, &'static str)>,
        meaning: &'static str,
    ) -> Self {
        let allowed = match range {
            Some((low, high)) => format!("{}, from {low} to {high}", T::allowed()),
            None => T::allowed(),
        };
        Self {
            path: format!("{section}.{name}"),
            name,
            default,
            range,
            allowed,
            secret: T::SECRET,
            optional: T::absent().is_some(),
            meaning: meaning.trim_start(),
        }
    }

    /// `HRMS_AUTH__ARGON2__MEMORY_KIB`.
    pub(super) fn variable(&self) -> String {
        format!("HRMS_{}", self.path.to_uppercase().replace('.', "__"))
    }

    /// Name of the systemd credential that may hold this secret: `database-admin-url`.
    pub(super) fn credential(&self) -> String {
        self.path.replace(['.', '_'], "-")
    }
}

/// Declares a section: a struct of settings, or the settings of a struct that exists.
///
/// `key: Type = "default", from "lowest" to "highest";`, default and range as they would be
/// written in the settings file and both optional; the comment is the operators' documentation.
/// `with { name: Section, }` puts sections inside.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        pub struct $name:ident {
            $($(#[doc = $meaning:literal])+ $key:ident: $type:ty
                $(= $default:literal)? $(, from $low:literal to $high:literal)?;)*
        } $(with { $($inner:ident: $section:ident,)* })?
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone)]
        pub struct $name {
            $($(#[doc = $meaning])+ pub $key: $type,)*
            $($(#[doc = concat!("See [`", stringify!($section), "`].")] pub $inner: $section,)*)?
        }

        section! {
            $(#[doc = $about])+
            impl $name {
                $($(#[doc = $meaning])+ $key: $type
                    $(= $default)? $(, from $low to $high)?;)*
            } $(with { $($inner: $section,)* })?
        }
    };
    (
        $(#[doc = $about:literal])+
        impl $name:ty {
            $($(#[doc = $meaning:literal])+ $key:ident: $type:ty
                $(= $default:literal)? $(, from $low:literal to $high:literal)?;)*
        } $(with { $($inner:ident: $section:ident,)* })?
    ) => {
        impl $crate::settings::section::Section for $name {
            fn describe(path: &str) -> Vec<$crate::settings::section::SectionDescription> {
                use $crate::settings::section::{Key, SectionDescription, optional};
                let keys = vec![$(Key::of::<$type>(
                    path,
                    stringify!($key),
                    optional!($($default)?),
                    optional!($(($low, $high))?),
                    concat!($($meaning),+),
                ),)*];
                let about = concat!($($about),+).trim_start();
                let section = SectionDescription { path: path.to_owned(), about, keys };
                [
                    vec![section],
                    $($(<$section>::describe(&format!("{path}.{}", stringify!($inner))),)*)?
                ]
                .concat()
            }

            fn read(path: &str, reader: &mut $crate::settings::reader::Reader) -> Option<Self> {
                // All are read before the first `?`, so that no problem hides another.
                $(let $key = reader.read::<$type>(&format!("{path}.{}", stringify!($key)));)*
                $($(let $inner =
                    <$section>::read(&format!("{path}.{}", stringify!($inner)), reader);)*)?
                Some(Self { $($key: $key?,)* $($($inner: $inner?,)*)? })
            }

            fn show(
                &self,
                path: &str,
                shown: &mut std::collections::BTreeMap<String, Option<toml::Value>>,
            ) {
                use $crate::settings::value::Setting;
                $(shown.insert(
                    format!("{path}.{}", stringify!($key)),
                    Setting::show(&self.$key),
                );)*
                $($(self.$inner.show(&format!("{path}.{}", stringify!($inner)), shown);)*)?
            }
        }
    };
}

macro_rules! optional {
    () => {
        None
    };
    ($value:expr) => {
        Some($value)
    };
}

pub(super) use {optional, section};
