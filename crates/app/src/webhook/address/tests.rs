#![allow(clippy::unwrap_used, reason = "a test that cannot parse its own table should fail")]

use super::*;

/// A refused range: its first and last address, and the permitted neighbours on either side, where there are any.
type Refused = (&'static str, &'static str, Option<&'static str>, Option<&'static str>);

const REFUSED: &[Refused] = &[
    ("0.0.0.0", "0.255.255.255", None, Some("1.0.0.0")),
    ("10.0.0.0", "10.255.255.255", Some("9.255.255.255"), Some("11.0.0.0")),
    ("100.64.0.0", "100.127.255.255", Some("100.63.255.255"), Some("100.128.0.0")),
    ("127.0.0.0", "127.255.255.255", Some("126.255.255.255"), Some("128.0.0.0")),
    ("169.254.0.0", "169.254.255.255", Some("169.253.255.255"), Some("169.255.0.0")),
    ("172.16.0.0", "172.31.255.255", Some("172.15.255.255"), Some("172.32.0.0")),
    ("192.0.0.0", "192.0.0.255", Some("191.255.255.255"), Some("192.0.1.0")),
    ("192.0.2.0", "192.0.2.255", Some("192.0.1.255"), Some("192.0.3.0")),
    ("192.88.99.0", "192.88.99.255", Some("192.88.98.255"), Some("192.88.100.0")),
    ("192.168.0.0", "192.168.255.255", Some("192.167.255.255"), Some("192.169.0.0")),
    ("198.18.0.0", "198.19.255.255", Some("198.17.255.255"), Some("198.20.0.0")),
    ("198.51.100.0", "198.51.100.255", Some("198.51.99.255"), Some("198.51.101.0")),
    ("203.0.113.0", "203.0.113.255", Some("203.0.112.255"), Some("203.0.114.0")),
    ("224.0.0.0", "239.255.255.255", Some("223.255.255.255"), None),
    ("240.0.0.0", "255.255.255.255", None, None),
    ("::", "::", None, None),
    ("::1", "::1", None, None),
    ("::0.0.0.2", "::255.255.255.255", None, None),
    ("::8.8.8.8", "::8.8.8.8", None, None),
    ("64:ff9b::", "64:ff9b::255.255.255.255", None, None),
    ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", None, None),
    ("100::", "100::ffff:ffff:ffff:ffff", None, None),
    ("100::1:0:0:0:0", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None, Some("2000::")),
    (
        "2001::",
        "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
        Some("2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        Some("2001:200::"),
    ),
    (
        "2001:db8::",
        "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
        Some("2001:db7:ffff:ffff:ffff:ffff:ffff:ffff"),
        Some("2001:db9::"),
    ),
    (
        "2002::",
        "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        Some("2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        Some("2003::"),
    ),
    (
        "3fff::",
        "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
        Some("3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        Some("3fff:1000::"),
    ),
    (
        "4000::",
        "5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        Some("3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        None,
    ),
    ("5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None, None),
    ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None, None),
    ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None, None),
    ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None, None),
    ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None, None),
];

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn allowing(ranges: &[&str]) -> AddressPolicy {
    AddressPolicy::new(ranges.iter().map(|range| range.parse().unwrap()).collect())
}

fn mapped(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(address) => Some(address.to_ipv6_mapped().into()),
        IpAddr::V6(_) => None,
    }
}

#[test]
fn special_purpose_ranges_are_refused_from_end_to_end_and_no_further() {
    let policy = allowing(&[]);
    for &(first, last, before, after) in REFUSED {
        for refused in [first, last].map(ip) {
            assert!(!policy.permits(refused), "{refused}");
            assert!(!mapped(refused).is_some_and(|a| policy.permits(a)), "mapped {refused}");
        }
        for permitted in [before, after].into_iter().flatten().map(ip) {
            assert!(policy.permits(permitted), "{permitted}");
            assert!(mapped(permitted).is_none_or(|a| policy.permits(a)), "mapped {permitted}");
        }
    }
}

#[test]
fn well_known_public_addresses_are_permitted() {
    let policy = allowing(&[]);
    for public in ["1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450::1"] {
        assert!(policy.permits(ip(public)), "{public}");
    }
}

#[test]
fn an_allowed_range_is_permitted_and_nothing_beside_it() {
    let policy = allowing(&["10.1.0.0/16", "fd00:1::/32"]);
    for permitted in ["10.1.0.0", "10.1.255.255", "::ffff:10.1.2.3", "fd00:1::5"] {
        assert!(policy.permits(ip(permitted)), "{permitted}");
    }
    for refused in ["10.0.255.255", "10.2.0.0", "::ffff:10.2.0.0", "::10.1.2.3", "fd00:2::5"] {
        assert!(!policy.permits(ip(refused)), "{refused}");
    }
}

#[test]
fn an_allowed_range_in_mapped_form_means_its_ipv4_range() {
    let policy = allowing(&["::ffff:127.0.0.0/104"]);
    assert!(policy.permits(ip("127.0.0.1")));
    assert!(policy.permits(ip("::ffff:127.0.0.1")));
    assert!(!policy.permits(ip("10.0.0.1")));
}

#[test]
fn allowing_all_of_ipv6_allows_no_private_ipv4() {
    let policy = allowing(&["::/0"]);
    assert!(policy.permits(ip("::1")));
    assert!(!policy.permits(ip("::ffff:127.0.0.1")));
}
