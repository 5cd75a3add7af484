//! Which address a request comes from and which host it is for, behind proxies or not.

use std::net::IpAddr;

use actix_web::{
    dev::RequestHead,
    http::{
        header::{self, HeaderMap},
        uri::Authority,
    },
};
use ipnet::IpNet;
use kernel::ErrorKind;

use crate::Problem;

const FOR: &str = "x-forwarded-for";
const HOST: &str = "x-forwarded-host";
const PROTO: &str = "x-forwarded-proto";

/// The proxies that are believed what they say of a request: `X-Forwarded-For`,
/// `X-Forwarded-Host` and `X-Forwarded-Proto`. From anybody else these headers mean nothing.
///
/// A proxy appends the address that it was connected from to `X-Forwarded-For`, so the list is read
/// from its right end, as long as who wrote an entry is trusted: the first address that is no
/// proxy's is the client's, and what stands left of it is the client's invention. An entry that is
/// no address ends the reading, and the proxy that wrote it counts as the client: a stranger gains
/// nothing by it, and is limited with all others of that proxy.
///
/// `X-Forwarded-Host` and `X-Forwarded-Proto` have no such order. A trusted proxy sets them, once,
/// or removes them; two values, or one that is none, are refused (400), for which of them counts
/// would be a guess about which tenant was meant. `Forwarded` (RFC 7239) is not read.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Trusts the proxies of these networks.
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    fn is_behind_one(&self, head: &RequestHead) -> bool {
        !self.0.is_empty() && self.trusts(peer(head))
    }

    /// The address of the client.
    pub(crate) fn client(&self, head: &RequestHead) -> IpAddr {
        let mut nearest = peer(head);
        if self.0.is_empty() {
            return nearest;
        }
        let lines: Vec<_> = head.headers.get_all(FOR).collect();
        // What is no text is no address either.
        let entries = lines
            .iter()
            .rev()
            .flat_map(|line| line.to_str().unwrap_or("?").rsplit(','));
        for entry in entries {
            if !self.trusts(nearest) {
                break;
            }
            let Some(address) = address(entry.trim()) else {
                break;
            };
            nearest = address;
        }
        nearest
    }

    /// The host that the request is for: what a trusted proxy says it was asked for, else that of
    /// the target (HTTP/2, or an absolute form), else that of the header Host (RFC 9112, 3.2.2).
    /// Two of them would let two readers see two tenants.
    ///
    /// # Errors
    /// 400 when there are two.
    pub(crate) fn host<'head>(
        &self,
        head: &'head RequestHead,
    ) -> Result<Option<&'head str>, Problem> {
        let host = only(&head.headers, header::HOST.as_str(), "Host")?;
        if self.is_behind_one(head)
            && let Some(forwarded) = only(&head.headers, HOST, "X-Forwarded-Host")?
        {
            return match forwarded.trim() {
                one if one.is_empty() || one.contains([',', ' ']) => Err(malformed(
                    "The header X-Forwarded-Host does not name one host.",
                )),
                one => Ok(Some(one)),
            };
        }
        Ok(head.uri.authority().map(Authority::as_str).or(host))
    }

    /// Whether the client speaks `http` or `https`, as far as a trusted proxy says.
    ///
    /// # Errors
    /// 400 when it says something else, or twice.
    pub(crate) fn scheme(&self, head: &RequestHead) -> Result<&'static str, Problem> {
        if !self.is_behind_one(head) {
            return Ok("http");
        }
        match only(&head.headers, PROTO, "X-Forwarded-Proto")?.map(str::trim) {
            None | Some("http") => Ok("http"),
            Some("https") => Ok("https"),
            Some(_) => Err(malformed(
                "The header X-Forwarded-Proto is neither `http` nor `https`.",
            )),
        }
    }
}

/// Who holds the other end of the connection. An IPv4 address is one however it is written.
fn peer(head: &RequestHead) -> IpAddr {
    head.peer_addr
        .map_or(IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED), |peer| {
            peer.ip().to_canonical()
        })
}

/// An address, also as some proxies write it: with its port, an IPv6 one in brackets.
fn address(entry: &str) -> Option<IpAddr> {
    let with_port = || {
        entry
            .parse()
            .map(|socket: std::net::SocketAddr| socket.ip())
    };
    let in_brackets = || entry.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address: IpAddr = entry
        .parse()
        .ok()
        .or_else(|| with_port().ok())
        .or_else(in_brackets)?;
    Some(address.to_canonical())
}

/// The value of a header that may be given once. What is no text names nothing: `?`.
fn only<'head>(
    headers: &'head HeaderMap,
    name: &str,
    written: &str,
) -> Result<Option<&'head str>, Problem> {
    let mut values = headers.get_all(name);
    let first = values.next();
    if values.next().is_some() {
        return Err(malformed(format!("The header {written} is given twice.")));
    }
    Ok(first.map(|value| value.to_str().unwrap_or("?")))
}

fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(ErrorKind::MalformedRequest, detail)
}

#[cfg(test)]
mod tests {
    use actix_web::{dev::ServiceRequest, test::TestRequest};

    use super::*;

    fn proxies(networks: &[&str]) -> TrustedProxies {
        TrustedProxies::new(networks.iter().map(|it| it.parse().unwrap()).collect())
    }

    fn request(peer: &str, headers: &[(&str, &str)]) -> ServiceRequest {
        let peer: IpAddr = peer.parse().unwrap();
        let begun = TestRequest::default().peer_addr((peer, 4711).into());
        let request = headers
            .iter()
            .fold(begun, |request, header| request.append_header(*header));
        request.to_srv_request()
    }

    fn client(networks: &[&str], peer: &str, lines: &[&str]) -> String {
        let headers: Vec<_> = lines.iter().map(|line| (FOR, *line)).collect();
        let request = request(peer, &headers);
        proxies(networks).client(request.head()).to_string()
    }

    #[test]
    fn a_stranger_is_who_he_is_whatever_he_says() {
        for trusted in [&[][..], &["10.0.0.0/8"]] {
            assert_eq!(
                client(trusted, "203.0.113.9", &["10.0.0.1", "127.0.0.1"]),
                "203.0.113.9"
            );
        }
    }

    #[test]
    fn the_rightmost_address_that_is_no_proxys_is_the_clients() {
        let trusted = &["10.0.0.0/8", "fd00::/8"];
        for (lines, expected) in [
            (&[][..], "10.0.0.1"),
            (&["203.0.113.9"], "203.0.113.9"),
            (&["1.1.1.1, 203.0.113.9"], "203.0.113.9"),
            (&["1.1.1.1, 203.0.113.9, 10.9.9.9"], "203.0.113.9"),
            (&["1.1.1.1", "203.0.113.9", "10.9.9.9"], "203.0.113.9"),
            (&["203.0.113.9, fd00::7"], "203.0.113.9"),
            (&["2001:db8::1"], "2001:db8::1"),
            (&["[2001:db8::1]:443"], "2001:db8::1"),
            (&["[2001:db8::1]"], "2001:db8::1"),
            (&["203.0.113.9:1234"], "203.0.113.9"),
            (&["::ffff:203.0.113.9"], "203.0.113.9"),
            // Everybody in it is a proxy: the farthest one.
            (&["10.2.2.2, 10.3.3.3"], "10.2.2.2"),
        ] {
            assert_eq!(client(trusted, "10.0.0.1", lines), expected, "{lines:?}");
        }
        let mapped = client(trusted, "::ffff:10.0.0.1", &["203.0.113.9"]);
        assert_eq!(mapped, "203.0.113.9");
    }

    #[test]
    fn an_entry_that_is_no_address_ends_the_reading() {
        let trusted = &["10.0.0.0/8"];
        for (lines, expected) in [
            (&["unknown"][..], "10.0.0.1"),
            (&[""], "10.0.0.1"),
            (&["1.1.1.1, nonsense, 10.2.2.2"], "10.2.2.2"),
            (&["1.1.1.1,"], "10.0.0.1"),
            (&["1.1.1.1, \u{e4}"], "10.0.0.1"),
            (&["nonsense, 203.0.113.9"], "203.0.113.9"),
        ] {
            assert_eq!(client(trusted, "10.0.0.1", lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_host_is_forwarded_by_a_trusted_proxy_alone() {
        let trusted = proxies(&["10.0.0.0/8"]);
        let headers = [("host", "internal"), (HOST, "acme.hr.example")];
        let told = |peer| {
            let request = request(peer, &headers);
            trusted.host(request.head()).unwrap().map(str::to_owned)
        };
        assert_eq!(told("10.0.0.1").as_deref(), Some("acme.hr.example"));
        assert_eq!(told("203.0.113.9").as_deref(), Some("internal"));
    }

    #[test]
    fn a_request_is_for_one_host() {
        let nobody = TrustedProxies::default();
        let one = request("203.0.113.9", &[("host", "globex.test")]);
        assert_eq!(nobody.host(one.head()).unwrap(), Some("globex.test"));
        let absolute = TestRequest::with_uri("http://acme.test/x")
            .append_header(("host", "globex.test"))
            .to_srv_request();
        assert_eq!(nobody.host(absolute.head()).unwrap(), Some("acme.test"));
        let none = request("203.0.113.9", &[]);
        assert_eq!(nobody.host(none.head()).unwrap(), None);
        let two = [("host", "acme.test"), ("host", "globex.test")];
        assert!(nobody.host(request("203.0.113.9", &two).head()).is_err());
    }

    #[test]
    fn what_a_trusted_proxy_says_twice_or_wrongly_is_refused() {
        let trusted = proxies(&["10.0.0.0/8"]);
        for headers in [
            &[(HOST, "a.test"), (HOST, "b.test")][..],
            &[(HOST, "a.test, b.test")],
            &[(HOST, "")],
            &[(HOST, "a.test"), ("host", "c.test"), ("host", "d.test")],
        ] {
            let request = request("10.0.0.1", headers);
            assert!(trusted.host(request.head()).is_err(), "{headers:?}");
        }
        for headers in [
            &[(PROTO, "https"), (PROTO, "http")][..],
            &[(PROTO, "https, http")],
            &[(PROTO, "ftp")],
        ] {
            let spoken = request("10.0.0.1", headers);
            assert!(trusted.scheme(spoken.head()).is_err(), "{headers:?}");
            let spoken = request("203.0.113.9", headers);
            assert_eq!(trusted.scheme(spoken.head()).unwrap(), "http");
        }
    }

    #[test]
    fn a_trusted_proxy_says_whether_the_client_speaks_https() {
        let trusted = proxies(&["10.0.0.0/8"]);
        let scheme =
            |peer, headers: &[(&str, &str)]| trusted.scheme(request(peer, headers).head()).unwrap();
        assert_eq!(scheme("10.0.0.1", &[(PROTO, "https")]), "https");
        assert_eq!(scheme("10.0.0.1", &[]), "http");
        assert_eq!(scheme("203.0.113.9", &[(PROTO, "https")]), "http");
    }
}
