//! Which addresses a check may connect to: a pure decision on one address.
//!
//! Check scripts are written by people who need not be trusted with the machine they run on. A cloud machine's metadata
//! service hands out its credentials to whoever can send it a request, so it is out of reach whatever the configuration
//! says. Private networks are opened by configuration, since many targets live there.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why an address is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// A service that hands out the machine's credentials.
    CloudMetadata,
    LinkLocal,
    Unspecified,
    Multicast,
    /// Broadcast, documentation, benchmarking and reserved ranges: nothing answers there.
    Reserved,
    /// Refused only until `allow_private` is set.
    Loopback,
    Private,
    /// RFC 6598, behind a carrier's address translation.
    CarrierShared,
    UniqueLocal,
}

impl Refusal {
    /// Whether `allow_private = true` lifts it.
    pub fn is_private(self) -> bool {
        matches!(self, Self::Loopback | Self::Private | Self::CarrierShared | Self::UniqueLocal)
    }
}

/// Ends "127.0.0.1 is ".
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CloudMetadata => "a cloud metadata service, which checks never reach",
            Self::LinkLocal => "a link-local address, which checks never reach",
            Self::Unspecified => "the unspecified address, which checks never reach",
            Self::Multicast => "a multicast address, which checks never reach",
            Self::Reserved => "a reserved address, which checks never reach",
            Self::Loopback => "a loopback address; set `allow_private = true` under [network] to let checks reach it",
            Self::Private => "a private address; set `allow_private = true` under [network] to let checks reach it",
            Self::CarrierShared => {
                "a carrier's shared address; set `allow_private = true` under [network] to let checks reach it"
            }
            Self::UniqueLocal => {
                "a unique-local address; set `allow_private = true` under [network] to let checks reach it"
            }
        })
    }
}

/// Judges the address that a connection is about to be made to.
pub fn judge(address: IpAddr, allow_private: bool) -> Result<(), Refusal> {
    let refusal = match address {
        IpAddr::V4(v4) => refuse_v4(v4),
        IpAddr::V6(v6) => refuse_v6(v6),
    };
    match refusal {
        Some(refusal) if !(allow_private && refusal.is_private()) => Err(refusal),
        _ => Ok(()),
    }
}

/// Where metadata services are that are not link-local: nothing else here would refuse them once private networks are
/// open. The first is link-local, and is named for what it is.
const METADATA_V4: [Ipv4Addr; 4] = [
    Ipv4Addr::new(169, 254, 169, 254),
    // Alibaba Cloud, Oracle Cloud Classic, and Azure's wire server.
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
    Ipv4Addr::new(168, 63, 129, 16),
];

/// The same by IPv6, where most are unique-local addresses.
const METADATA_V6: [Ipv6Addr; 5] = [
    // Google Cloud, on machines that have no IPv4.
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
    // Oracle Cloud.
    Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe),
    // Scaleway.
    Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42),
    // Akamai, which was Linode.
    Ipv6Addr::new(0xfd00, 0xa9fe, 0xa9fe, 0, 0, 0, 0, 0x1),
    // Alibaba Cloud.
    Ipv6Addr::new(0xfd00, 0x100, 0, 0, 0, 0, 0x100, 0x200),
];

fn refuse_v4(address: Ipv4Addr) -> Option<Refusal> {
    let [a, b, c, _] = address.octets();
    if METADATA_V4.contains(&address) {
        return Some(Refusal::CloudMetadata);
    }
    match (a, b, c) {
        (0, ..) => Some(Refusal::Unspecified),
        (10, ..) | (192, 168, _) => Some(Refusal::Private),
        (172, 16..=31, _) => Some(Refusal::Private),
        (100, 64..=127, _) => Some(Refusal::CarrierShared),
        (127, ..) => Some(Refusal::Loopback),
        (169, 254, _) => Some(Refusal::LinkLocal),
        (224..=239, ..) => Some(Refusal::Multicast),
        // IETF assignments, documentation, benchmarking, and everything from 240 up with broadcast.
        (192, 0, 0 | 2) | (198, 18..=19, _) | (198, 51, 100) | (203, 0, 113) | (240..=255, ..) => {
            Some(Refusal::Reserved)
        }
        _ => None,
    }
}

fn refuse_v6(address: Ipv6Addr) -> Option<Refusal> {
    // All of fd00:ec2::/32 is Amazon's: metadata, credentials of pods, DNS and time services.
    if METADATA_V6.contains(&address) || address.octets()[..4] == [0xfd, 0x00, 0x0e, 0xc2] {
        return Some(Refusal::CloudMetadata);
    }
    if address.is_unspecified() {
        return Some(Refusal::Unspecified);
    }
    if address.is_loopback() {
        return Some(Refusal::Loopback);
    }
    // Where the local translator's prefix ends is not known from here, so that none of the places may hold what is
    // never reached.
    let never = |refusal: &Refusal| matches!(refusal, Refusal::CloudMetadata | Refusal::LinkLocal);
    if let Some(refusal) = local_translations(address).filter_map(refuse_v4).find(never) {
        return Some(refusal);
    }
    if let Some(inner) = embedded_v4(address) {
        return refuse_v4(inner);
    }
    match address.segments() {
        [first, ..] if first & 0xffc0 == 0xfe80 || first & 0xffc0 == 0xfec0 => Some(Refusal::LinkLocal),
        [first, ..] if first & 0xfe00 == 0xfc00 => Some(Refusal::UniqueLocal),
        [first, ..] if first & 0xff00 == 0xff00 => Some(Refusal::Multicast),
        // Discard-only, Teredo (whose client address is obscured) and the rest of the special block, documentation.
        [0x0100, 0, 0, 0, ..] | [0x2001, 0x0000..=0x01ff, ..] | [0x2001, 0x0db8, ..] | [0x3fff, ..] => {
            Some(Refusal::Reserved)
        }
        _ => None,
    }
}

/// The IPv4 address that packets to `address` end up at, where it is written inside an IPv6 address.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Some(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        // IPv4-compatible, IPv4-mapped, and IPv4-translated (RFC 2765).
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => v4(high, low),
        // NAT64 (RFC 6052), and its local-use prefix (RFC 8215).
        [0x0064, 0xff9b, 0, 0, 0, 0, high, low] | [0x0064, 0xff9b, 1, _, _, _, high, low] => v4(high, low),
        // 6to4 (RFC 3056).
        [0x2002, high, low, ..] => v4(high, low),
        // ISATAP (RFC 5214).
        [_, _, _, _, 0 | 0x0200, 0x5efe, high, low] => v4(high, low),
        _ => None,
    }
}

/// Where an IPv4 address may be in one with NAT64's local-use prefix: a translator's own prefix may have 48, 56 or 64
/// bits as well as 96 (RFC 6052, section 2.2; octet 8 is skipped).
fn local_translations(address: Ipv6Addr) -> impl Iterator<Item = Ipv4Addr> {
    let octets = address.octets();
    let places: &[[usize; 4]] = match address.segments() {
        [0x0064, 0xff9b, 1, ..] => &[[6, 7, 9, 10], [7, 9, 10, 11], [9, 10, 11, 12]],
        _ => &[],
    };
    places.iter().map(move |place| Ipv4Addr::from(place.map(|index| octets[index])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_judged() {
        use Refusal::*;
        let cases: &[(&str, Option<Refusal>)] = &[
            ("1.1.1.1", None),
            ("172.15.0.1", None),
            ("172.32.0.1", None),
            ("100.63.255.255", None),
            ("100.128.0.1", None),
            ("192.167.1.1", None),
            ("2606:4700::1111", None),
            ("64:ff9b::1.1.1.1", None),
            ("2002:0101:0101::1", None),
            ("127.0.0.1", Some(Loopback)),
            ("127.255.255.255", Some(Loopback)),
            ("::1", Some(Loopback)),
            ("10.0.0.1", Some(Private)),
            ("172.16.0.1", Some(Private)),
            ("172.31.255.255", Some(Private)),
            ("192.168.1.1", Some(Private)),
            ("100.64.0.1", Some(CarrierShared)),
            ("100.127.255.255", Some(CarrierShared)),
            ("fc00::1", Some(UniqueLocal)),
            ("fdff::1", Some(UniqueLocal)),
            ("0.0.0.0", Some(Unspecified)),
            ("0.1.2.3", Some(Unspecified)),
            ("::", Some(Unspecified)),
            ("169.254.0.1", Some(LinkLocal)),
            ("fe80::1", Some(LinkLocal)),
            ("febf::1", Some(LinkLocal)),
            ("fec0::1", Some(LinkLocal)),
            ("169.254.169.254", Some(CloudMetadata)),
            ("100.100.100.200", Some(CloudMetadata)),
            ("168.63.129.16", Some(CloudMetadata)),
            ("192.0.0.192", Some(CloudMetadata)),
            ("fd00:ec2::254", Some(CloudMetadata)),
            ("fd00:ec2::253", Some(CloudMetadata)),
            ("fd00:ec2::23", Some(CloudMetadata)),
            ("fd00:ec2:0:1::254", Some(CloudMetadata)),
            ("fd20:ce::254", Some(CloudMetadata)),
            ("fd00:c1::a9fe:a9fe", Some(CloudMetadata)),
            ("fd00:42::42", Some(CloudMetadata)),
            ("fd00:a9fe:a9fe::1", Some(CloudMetadata)),
            ("fd00:100::100:200", Some(CloudMetadata)),
            // Their neighbours are like other addresses.
            ("fd20:ce::253", Some(UniqueLocal)),
            ("fd00:42::43", Some(UniqueLocal)),
            ("100.100.100.201", Some(CarrierShared)),
            ("168.63.129.17", None),
            ("224.0.0.1", Some(Multicast)),
            ("ff02::1", Some(Multicast)),
            ("255.255.255.255", Some(Reserved)),
            ("192.0.2.1", Some(Reserved)),
            ("2001:db8::1", Some(Reserved)),
            // What is written inside an IPv6 address is what is judged.
            ("::ffff:127.0.0.1", Some(Loopback)),
            ("::ffff:169.254.169.254", Some(CloudMetadata)),
            ("::10.0.0.1", Some(Private)),
            ("::ffff:0:10.0.0.1", Some(Private)),
            ("64:ff9b::a9fe:a9fe", Some(CloudMetadata)),
            ("64:ff9b:1::10.0.0.1", Some(Private)),
            ("64:ff9b:1::1.1.1.1", None),
            ("64:ff9b:1:a9fe:a9:fe00:101:101", Some(CloudMetadata)),
            ("64:ff9b:1:a9:fe:a9fe:101:101", Some(CloudMetadata)),
            ("64:ff9b:1:0:a9:fea9:fe01:101", Some(CloudMetadata)),
            ("64:ff9b:1:a9fe:0:100:101:101", Some(LinkLocal)),
            ("2002:a9fe:a9fe::1", Some(CloudMetadata)),
            ("2002:7f00:1::", Some(Loopback)),
            ("2606::5efe:10.0.0.1", Some(Private)),
            ("2001:0:1234::1", Some(Reserved)),
        ];
        for (address, expected) in cases {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(judge(address, false).err(), *expected, "{address}");
            let with_private = expected.filter(|refusal| !refusal.is_private());
            assert_eq!(judge(address, true).err(), with_private, "{address} with allow_private");
        }
    }

    #[test]
    fn only_what_configuration_lifts_names_it() {
        for refusal in [Refusal::CloudMetadata, Refusal::LinkLocal, Refusal::Loopback, Refusal::Private] {
            assert_eq!(refusal.to_string().contains("allow_private"), refusal.is_private());
        }
    }
}
