//! Names of hosts.

use std::{fmt, net::Ipv6Addr, str::FromStr};

/// A host as it is compared: lower case, without port, without the final dot of the root.
///
/// ASCII only: an internationalised name arrives in its `xn--` form (RFC 5890) or not at all.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostName(String);

/// A text that names no host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of a host, for example `hr.example.com`")]
pub struct HostNameError(String);

impl HostName {
    /// Reads the header `Host` (RFC 9110, 7.2): a host, and maybe a port, which says nothing.
    ///
    /// # Errors
    /// [`HostNameError`] when it is anything else.
    pub fn of_header(text: &str) -> Result<Self, HostNameError> {
        let (host, port) = match text.rsplit_once(':') {
            // The last colon of `[::1]` belongs to the address.
            Some((host, port)) if !port.ends_with(']') => (host, port),
            _ => (text, ""),
        };
        if port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit()) {
            host.parse()
        } else {
            Err(HostNameError(text.to_owned()))
        }
    }

    /// Reads a host as a person writes it: an internationalised name becomes its `xn--` form
    /// (UTS #46).
    ///
    /// # Errors
    /// [`HostNameError`] when it is none.
    pub fn written(text: &str) -> Result<Self, HostNameError> {
        let text = text.trim();
        let ascii = idna::domain_to_ascii(text).map_err(|_fault| HostNameError(text.to_owned()))?;
        ascii.parse()
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it can be somebody's domain: at least two labels of letters, digits and hyphens, and
    /// no address.
    pub fn is_domain(&self) -> bool {
        let top = self.0.rsplit_once('.').map(|(_, top)| top);
        top.is_some_and(|top| top.starts_with(|first: char| first.is_ascii_alphabetic()))
            && !self.0.contains(['_', '['])
    }

    /// Whether it is a domain or lies below it.
    pub fn is_within(&self, domain: &Self) -> bool {
        let below = self.0.strip_suffix(&domain.0);
        below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
    }

    /// The one label that stands before a domain: `acme` of `acme.hr.example.com`, for the domain
    /// `hr.example.com`.
    pub fn label_under(&self, domain: &Self) -> Option<&str> {
        let label = self.0.strip_suffix(&domain.0)?.strip_suffix('.')?;
        (!label.is_empty() && !label.contains('.')).then_some(label)
    }
}

/// Reads a host without port: a name, an IPv4 address, or an IPv6 address in brackets.
impl FromStr for HostName {
    type Err = HostNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || HostNameError(text.to_owned());
        if let Some(literal) = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            let address: Ipv6Addr = literal.parse().map_err(|_other| malformed())?;
            return Ok(Self(format!("[{address}]")));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        if name.len() <= 253 && name.split('.').all(is_label) {
            Ok(Self(name.to_ascii_lowercase()))
        } else {
            Err(malformed())
        }
    }
}

/// Letters, digits and hyphens (RFC 1123, 2.1), and the underscore that container networks use.
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostName({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_host_written_in_many_ways_is_one_host() {
        for (written, read) in [
            ("hr.example.com", "hr.example.com"),
            ("HR.Example.COM", "hr.example.com"),
            ("hr.example.com.", "hr.example.com"),
            ("hr.example.com:8080", "hr.example.com"),
            ("hr.example.com.:8080", "hr.example.com"),
            ("hr.example.com:", "hr.example.com"),
            ("localhost", "localhost"),
            ("127.0.0.1:80", "127.0.0.1"),
            ("[::1]", "[::1]"),
            ("[::1]:8080", "[::1]"),
            ("[0:0:0:0:0:0:0:1]", "[::1]"),
            ("[2001:DB8::A]:443", "[2001:db8::a]"),
            ("hrms_api:8080", "hrms_api"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ] {
            let host = HostName::of_header(written);
            assert_eq!(host.as_ref().map(HostName::as_str), Ok(read), "{written}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in [
            "",
            ".",
            ":80",
            "::1",
            "[::1",
            "[::1]x",
            "[fe80::1%eth0]",
            "[]",
            "a..b",
            ".a",
            "a..",
            "-a.example",
            "a-.example",
            "a b",
            "a/b",
            "user@a",
            "a,b",
            "a:b",
            "a:80:80",
            "a:+80",
            "a:123456",
            "bücher.example",
            "a\u{0}b",
            &"a".repeat(64),
            &["a"; 128].join("."),
        ] {
            assert!(HostName::of_header(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_person_may_write_a_host_in_his_own_letters() {
        for (written, read) in [
            ("Bücher.Example", "xn--bcher-kva.example"),
            ("BÜCHER.EXAMPLE.", "xn--bcher-kva.example"),
            ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
            ("hr。例え。テスト", "hr.xn--r8jz45g.xn--zckzah"),
            (" hr.example.com. ", "hr.example.com"),
            ("hrms_api", "hrms_api"),
        ] {
            let host = HostName::written(written);
            assert_eq!(host.as_ref().map(HostName::as_str), Ok(read), "{written}");
        }
        for text in [
            "",
            ".",
            "a b.example",
            "xn--a.example",
            "a..example",
            "http://a.example",
            "a.example:80",
        ] {
            assert!(HostName::written(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_and_a_bare_word_are_no_domain() {
        let host = |text: &str| text.parse::<HostName>().unwrap();
        for domain in ["people.acme.example", "a.b", "xn--bcher-kva.xn--zckzah"] {
            assert!(host(domain).is_domain(), "{domain}");
        }
        for other in [
            "localhost",
            "10.0.0.7",
            "1.0x7f",
            "[::1]",
            "my_host.example",
        ] {
            assert!(!host(other).is_domain(), "{other}");
        }
        assert!(host("a.b.example").is_within(&host("b.example")));
        assert!(host("b.example").is_within(&host("b.example")));
        assert!(!host("ab.example").is_within(&host("b.example")));
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_a_host_or_an_error_and_read_once_more_the_same(text in "\\PC{0,30}") {
            if let Ok(host) = HostName::written(&text) {
                prop_assert_eq!(host.as_str().parse::<HostName>().unwrap(), host);
            }
        }

        #[test]
        fn any_text_is_a_host_or_an_error_never_a_panic(text in any::<String>()) {
            if let Ok(host) = HostName::of_header(&text) {
                prop_assert_eq!(host.as_str().parse::<HostName>().unwrap(), host);
            }
        }

        #[test]
        fn neither_case_nor_port_nor_final_dot_make_another_host(
            name in "[a-z0-9]{1,8}(\\.[a-z0-9]{1,8}){0,3}",
            port in proptest::option::of(any::<u16>()),
            dot in any::<bool>(),
            loud in any::<bool>(),
        ) {
            let mut written = if loud { name.to_uppercase() } else { name.clone() };
            if dot {
                written.push('.');
            }
            if let Some(port) = port {
                written = format!("{written}:{port}");
            }
            let host = HostName::of_header(&written).unwrap();
            prop_assert_eq!(host.as_str(), name);
        }
    }
}
