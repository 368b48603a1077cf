//! The address range of a network, and how it is cut.

/// The subnets' ranges: the network's, cut into sixteen, the first ones taken. Nothing when the range is malformed.
#[must_use]
pub fn subnet_ranges(cidr: &str, zones: u32) -> Option<Vec<String>> {
    let (address, length) = cidr.split_once('/')?;
    let length: u32 = length.parse().ok().filter(|length| (16..=24).contains(length))?;
    let mut octets = address.split('.').map(|octet| octet.parse::<u8>().ok());
    let mut base = 0_u32;
    for _ in 0..4 {
        base = base << 8 | u32::from(octets.next()??);
    }
    if octets.next().is_some() || base & (u32::MAX >> length) != 0 {
        return None;
    }
    let size = 1_u32 << (32 - length - 4);
    (0..zones.min(16))
        .map(|zone| {
            let [a, b, c, d] = (base + zone * size).to_be_bytes();
            Some(format!("{a}.{b}.{c}.{d}/{}", length + 4))
        })
        .collect()
}

/// Whether the text is an address range that a network can have.
#[must_use]
pub fn is_range(cidr: &str) -> bool {
    subnet_ranges(cidr, 1).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_cut_into_sixteen() {
        assert_eq!(subnet_ranges("10.0.0.0/16", 2).unwrap(), ["10.0.0.0/20", "10.0.16.0/20"]);
        assert_eq!(subnet_ranges("10.1.2.0/24", 3).unwrap(), ["10.1.2.0/28", "10.1.2.16/28", "10.1.2.32/28"]);
        for bad in ["", "10.0.0.0", "10.0.0.0/8", "10.0.0.1/16", "10.0.0/16", "10.0.0.0.0/16", "10.0.300.0/16"] {
            assert!(!is_range(bad), "{bad}");
        }
    }
}
