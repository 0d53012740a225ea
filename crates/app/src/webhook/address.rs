//! Which addresses a webhook may be sent to. Pure.
//!
//! Sources: the IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and its successors), the multicast
//! registries, and the IPv6 address space registry.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// IPv4 ranges that are not globally reachable unicast.
const NOT_GLOBAL_V4: [Ipv4Net; 15] = [
    v4([0, 0, 0, 0], 8),       // "this network", RFC 791
    v4([10, 0, 0, 0], 8),      // private, RFC 1918
    v4([100, 64, 0, 0], 10),   // shared by carriers, RFC 6598
    v4([127, 0, 0, 0], 8),     // loopback, RFC 1122
    v4([169, 254, 0, 0], 16),  // link-local and cloud metadata, RFC 3927
    v4([172, 16, 0, 0], 12),   // private, RFC 1918
    v4([192, 0, 0, 0], 24),    // protocol assignments, RFC 6890; refused whole
    v4([192, 0, 2, 0], 24),    // documentation, RFC 5737
    v4([192, 88, 99, 0], 24),  // 6to4 relays, RFC 7526
    v4([192, 168, 0, 0], 16),  // private, RFC 1918
    v4([198, 18, 0, 0], 15),   // benchmarks, RFC 2544
    v4([198, 51, 100, 0], 24), // documentation, RFC 5737
    v4([203, 0, 113, 0], 24),  // documentation, RFC 5737
    v4([224, 0, 0, 0], 4),     // multicast, RFC 5771
    v4([240, 0, 0, 0], 4),     // reserved, RFC 1112; ends with the broadcast address
];

/// The only IPv6 space that is given out for global unicast (RFC 3513). Outside it are, among others, `::` and `::1`,
/// IPv4-compatible addresses, 64:ff9b::/96 and 64:ff9b:1::/48 (translation), 100::/64 (discard), 5f00::/16 (SRv6),
/// fc00::/7, fe80::/10, fec0::/10 and ff00::/8.
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0], 3);

/// What is not globally reachable inside [`GLOBAL_V6`].
const NOT_GLOBAL_V6: [Ipv6Net; 4] = [
    v6([0x2001, 0], 23),     // protocol assignments, Teredo among them, RFC 2928; refused whole
    v6([0x2001, 0xdb8], 32), // documentation, RFC 3849
    v6([0x2002, 0], 16),     // 6to4: carries any IPv4 address, RFC 3056
    v6([0x3fff, 0], 20),     // documentation, RFC 9637
];

const fn v4([a, b, c, d]: [u8; 4], prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6([a, b]: [u16; 2], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), prefix)
}

/// Only globally reachable unicast addresses, and what the operator allows besides.
#[derive(Debug, Clone, Default)]
pub struct AddressPolicy {
    allow: Vec<IpNet>,
}

impl AddressPolicy {
    /// A policy that also permits the ranges of `allow`.
    pub fn new(allow: Vec<IpNet>) -> AddressPolicy {
        AddressPolicy { allow: allow.into_iter().map(unmapped).collect() }
    }

    /// Whether a webhook may be sent to `address`. An IPv4-mapped IPv6 address (`::ffff:a.b.c.d`) is judged as the
    /// IPv4 address that it reaches.
    pub fn permits(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.allow.iter().any(|range| range.contains(&address)) || is_global(address)
    }
}

fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !NOT_GLOBAL_V4.iter().any(|range| range.contains(&address)),
        IpAddr::V6(address) => {
            GLOBAL_V6.contains(&address) && !NOT_GLOBAL_V6.iter().any(|range| range.contains(&address))
        }
    }
}

/// A range written in IPv4-mapped form as the IPv4 range that it means; addresses are compared unmapped.
fn unmapped(range: IpNet) -> IpNet {
    const MAPPED_PREFIX: u8 = 96;
    let IpNet::V6(mapped) = range else {
        return range;
    };
    let prefix = mapped.prefix_len().checked_sub(MAPPED_PREFIX);
    match (prefix, mapped.network().to_ipv4_mapped()) {
        (Some(prefix), Some(network)) => Ipv4Net::new(network, prefix).map_or(range, |range| range.into()),
        _ => range,
    }
}

#[cfg(test)]
mod tests;
