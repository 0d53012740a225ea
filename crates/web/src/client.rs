//! The address of a client.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use ipnet::IpNet;

/// The header in which proxies say for whom they ask, each adding the address of who asked it.
const FORWARDED_FOR: &str = "X-Forwarded-For";

/// Who has sent a request: the other end of the connection, or whom a proxy of the operator has named. What a client
/// writes into the header itself stands before that, and is not believed.
pub fn address(head: &Parts, proxies: &[IpNet]) -> Option<IpAddr> {
    let ConnectInfo(peer) = head.extensions.get::<ConnectInfo<SocketAddr>>()?;
    let mut address = peer.ip().to_canonical();
    let values: Vec<&str> =
        head.headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok()).collect();
    let mut named = values.iter().flat_map(|value| value.split(',')).rev();
    while proxies.iter().any(|range| range.contains(&address)) {
        let Some(before) = named.next().and_then(|text| read(text.trim())) else { break };
        address = before.to_canonical();
    }
    Some(address)
}

/// An address as proxies write it: alone, in brackets, or with a port behind it.
fn read(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use axum::http::Request;

    use super::*;

    fn seen(peer: &str, forwarded: &[&str], proxies: &[&str]) -> String {
        let mut request = Request::builder();
        for value in forwarded {
            request = request.header(FORWARDED_FOR, *value);
        }
        let (mut head, ()) = request.body(()).unwrap().into_parts();
        head.extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
        let proxies: Vec<IpNet> = proxies.iter().map(|range| range.parse().unwrap()).collect();
        address(&head, &proxies).unwrap().to_string()
    }

    #[test]
    fn a_proxy_is_believed_and_nobody_else() {
        let proxies = &["10.0.0.0/8"][..];
        assert_eq!(seen("192.0.2.1", &["198.51.100.7"], proxies), "192.0.2.1", "it is no proxy");
        assert_eq!(seen("10.0.0.1", &["198.51.100.7"], proxies), "198.51.100.7");
        assert_eq!(
            seen("10.0.0.1", &["1.1.1.1, 198.51.100.7"], proxies),
            "198.51.100.7",
            "the client wrote the first"
        );
        assert_eq!(seen("10.0.0.1", &["1.1.1.1", "198.51.100.7 , 10.0.0.2"], proxies), "198.51.100.7");
        assert_eq!(seen("::ffff:10.0.0.1", &["::ffff:198.51.100.7"], proxies), "198.51.100.7");
        for silent in [&[][..], &["unknown"], &["1.1.1.1, unknown"], &[""]] {
            assert_eq!(seen("10.0.0.1", silent, proxies), "10.0.0.1");
        }
        assert_eq!(seen("10.0.0.1", &["198.51.100.7"], &[]), "10.0.0.1", "no proxies are set");
    }

    #[test]
    fn an_address_is_read_with_its_port_or_in_brackets() {
        for (written, address) in [
            ("198.51.100.7:5678", "198.51.100.7"),
            ("[2001:db8::7]:80", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("2001:db8::7", "2001:db8::7"),
            ("[::ffff:198.51.100.7]:1", "198.51.100.7"),
        ] {
            assert_eq!(seen("10.0.0.1", &[written], &["10.0.0.0/8"]), address, "{written}");
        }
        // The entry before one with a port is the client's where the one with the port is a proxy.
        assert_eq!(seen("10.0.0.1", &["198.51.100.7, 10.0.0.2:443"], &["10.0.0.0/8"]), "198.51.100.7");
        for wrong in ["198.51.100.7:", "198.51.100.7:99999", "[198.51.100.7", "2001:db8::7]:80", ":80"] {
            assert_eq!(seen("10.0.0.1", &[wrong], &["10.0.0.0/8"]), "10.0.0.1", "{wrong}");
        }
    }
}
