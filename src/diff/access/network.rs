//! Rules of security groups as sets of packets.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html> says how protocols and ports are written.

use std::collections::BTreeSet;

use serde_json::Value;

use super::classes::Range;
use super::opaque::scalar;
use crate::diff::change::Access;

/// Which way packets go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// In.
    Ingress,
    /// Out.
    Egress,
}

/// Who is on the other side.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Peer {
    Addresses(Range),
    /// A group, a prefix list, or a range that only AWS knows.
    Named(String),
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Rule {
    /// The protocol's number; none for all.
    protocol: Option<u16>,
    /// Ports, or for ICMP type times 256 plus code.
    ports: (u32, u32),
    peer: Peer,
}

/// The rules, and those that cannot be read, as texts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Rules {
    read: BTreeSet<Rule>,
    unread: BTreeSet<String>,
}

const EVERYTHING: (u32, u32) = (0, 65_535);
const ICMP: [u16; 2] = [1, 58];
const WITH_PORTS: [u16; 3] = [6, 17, 132];

impl Rules {
    /// Everything, to everybody: what a group lets out that says nothing about it.
    pub(super) fn all() -> Self {
        let peers = ["0.0.0.0/0", "::/0"].into_iter().filter_map(Range::of);
        let rule = |range| Rule { protocol: None, ports: EVERYTHING, peer: Peer::Addresses(range) };
        Self { read: peers.map(rule).collect(), unread: BTreeSet::new() }
    }

    /// Adds the rules of a list, or one.
    pub(super) fn add(&mut self, rules: &Value, way: Way) {
        let list = match rules {
            Value::Array(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        for rule in list {
            match peer(rule, way).and_then(|peer| Some(Rule { peer, protocol: protocol(rule)?, ports: ports(rule)? })) {
                Some(read) => _ = self.read.insert(read),
                None => _ = self.unread.insert(without_description(rule).to_string()),
            }
        }
    }
}

fn without_description(rule: &Value) -> Value {
    let mut rule = rule.clone();
    if let Some(entries) = rule.as_object_mut() {
        entries.remove("Description");
    }
    rule
}

/// The protocol; the outer nothing if it cannot be read.
fn protocol(rule: &Value) -> Option<Option<u16>> {
    let text = rule.get("IpProtocol").and_then(scalar)?;
    Some(match text.to_ascii_lowercase().as_str() {
        "-1" | "all" => None,
        "tcp" => Some(6),
        "udp" => Some(17),
        "icmp" => Some(1),
        "icmpv6" => Some(58),
        number => Some(number.parse().ok().filter(|number| *number < 256)?),
    })
}

fn ports(rule: &Value) -> Option<(u32, u32)> {
    let number = |key: &str| match rule.get(key) {
        None => Some(-1),
        Some(value) => scalar(value)?.parse::<i64>().ok(),
    };
    let protocol = protocol(rule)?;
    let Some(protocol) = protocol.filter(|protocol| ICMP.contains(protocol) || WITH_PORTS.contains(protocol)) else {
        return Some(EVERYTHING);
    };
    let (from, to) = (number("FromPort")?, number("ToPort")?);
    if ICMP.contains(&protocol) {
        return match (u32::try_from(from), u32::try_from(to)) {
            (Err(_), _) => Some(EVERYTHING),
            (Ok(kind), _) if kind > 255 => None,
            (Ok(kind), Ok(code)) if code < 256 => Some((kind * 256 + code, kind * 256 + code)),
            (Ok(kind), _) => Some((kind * 256, kind * 256 + 255)),
        };
    }
    match (u32::try_from(from), u32::try_from(to)) {
        (Err(_), _) | (_, Err(_)) => Some(EVERYTHING),
        (Ok(from), Ok(to)) => Some((from, to.min(65_535))),
    }
}

fn peer(rule: &Value, way: Way) -> Option<Peer> {
    let text = |key: &str| rule.get(key).and_then(scalar);
    for key in ["CidrIp", "CidrIpv6"] {
        if let Some(cidr) = text(key) {
            return Some(Range::of(&cidr).map_or(Peer::Named(cidr), Peer::Addresses));
        }
    }
    let keys = match way {
        Way::Ingress => ["SourceSecurityGroupId", "SourceSecurityGroupName", "SourcePrefixListId"],
        Way::Egress => ["DestinationSecurityGroupId", "DestinationPrefixListId", "DestinationPrefixListId"],
    };
    // A group of another account may have the same name.
    let owner = text("SourceSecurityGroupOwnerId").filter(|_| text("SourceSecurityGroupId").is_none());
    let named = keys.into_iter().find_map(text)?;
    Some(Peer::Named(owner.map_or(named.clone(), |owner| format!("{owner}/{named}"))))
}

impl Rule {
    fn covers(&self, other: &Self) -> bool {
        self.meets_protocol(other)
            && (self.protocol.is_none() || self.ports.0 <= other.ports.0 && other.ports.1 <= self.ports.1)
            && match (&self.peer, &other.peer) {
                (Peer::Addresses(wide), Peer::Addresses(narrow)) => {
                    wide.six == narrow.six && wide.first <= narrow.first && narrow.last <= wide.last
                }
                (wide, narrow) => wide == narrow,
            }
    }

    /// Whether it is about the other's protocol, whole.
    fn meets_protocol(&self, other: &Self) -> bool {
        self.protocol.is_none() || self.protocol == other.protocol
    }
}

/// The most looks at a rule before it is left open.
const MOST_LOOKS: usize = 400_000;

/// Whether some packet passes `new` and not `old`.
fn rises(old: &Rules, new: &Rules) -> Access {
    let mut looks = MOST_LOOKS;
    let mut open = false;
    for rule in &new.read {
        if old.read.iter().any(|other| other.covers(rule)) {
            continue;
        }
        // All protocols are more than any list of them that people write; what no rule names stands for the rest.
        let mut protocols: BTreeSet<u16> = BTreeSet::from_iter(rule.protocol);
        if rule.protocol.is_none() {
            let named: BTreeSet<u16> = old.read.iter().filter_map(|other| other.protocol).collect();
            protocols.extend((0..=255).find(|number| !named.contains(number)));
            protocols.extend(named);
        }
        let near: Vec<&Rule> = old
            .read
            .iter()
            .filter(|other| match (&other.peer, &rule.peer) {
                (Peer::Addresses(other), Peer::Addresses(own)) => {
                    other.six == own.six && other.first <= own.last && own.first <= other.last
                }
                (other, own) => other == own,
            })
            .collect();
        let mut ports: BTreeSet<u32> = BTreeSet::from([rule.ports.0]);
        for other in &near {
            ports.extend([other.ports.0, other.ports.1 + 1]);
        }
        ports.retain(|port| (rule.ports.0..=rule.ports.1).contains(port));
        let addresses: Vec<Option<u128>> = match &rule.peer {
            Peer::Named(_) => vec![None],
            Peer::Addresses(own) => {
                let ranges: BTreeSet<Range> = near
                    .iter()
                    .filter_map(|other| match &other.peer {
                        Peer::Addresses(range) => Some(*range),
                        Peer::Named(_) => None,
                    })
                    .chain([*own])
                    .collect();
                let edges = Range::edges(&ranges, own.six).into_iter();
                edges.filter(|bits| (own.first..=own.last).contains(bits)).map(Some).collect()
            }
        };
        for protocol in protocols {
            for port in &ports {
                for address in &addresses {
                    let Some(left) = looks.checked_sub(near.len().max(1)) else {
                        open = true;
                        break;
                    };
                    looks = left;
                    let passes = near.iter().any(|other| {
                        other
                            .protocol
                            .is_none_or(|own| own == protocol && other.ports.0 <= *port && *port <= other.ports.1)
                            && match (&other.peer, address) {
                                (Peer::Addresses(range), Some(bits)) => range.first <= *bits && *bits <= range.last,
                                _ => true,
                            }
                    });
                    if !passes {
                        return Access::Broadened;
                    }
                }
            }
        }
    }
    if open {
        return Access::Undecided;
    }
    if new.unread.is_subset(&old.unread) { Access::Same } else { Access::Broadened }
}

/// What becomes of the packets that pass.
pub(super) fn compare(old: &Rules, new: &Rules) -> Access {
    if old == new {
        return Access::Same;
    }
    match rises(old, new) {
        Access::Same => match rises(new, old) {
            Access::Same => Access::Same,
            _ => Access::Narrowed,
        },
        wider => wider,
    }
}
