//! Where a player comes from, as a label for statistics; it never decides who earns (docs/spec/faucet.md 3.8).

use std::net::IpAddr;

/// Characters of a header that are looked at.
const HEADER_CHARACTERS: usize = 8;
/// For a public address: where it is is not looked up.
const SOMEWHERE: &str = "ZZ";
/// For a player without a region.
const UNKNOWN: &str = "unknown";
/// For a region that is no label.
const OTHER: &str = "other";
/// Labels that are not ISO 3166 codes of two letters, and those that are and stand for continents.
const GROUPS: [&str; 7] = ["EU", "NA", "SA", "AS", "OC", "AF", SOMEWHERE];

/// The officially assigned two-letter codes of ISO 3166-1, in one text.
const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS \
    BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ \
    FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT \
    JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP \
    MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE \
    RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV \
    TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

/// A player's region at login, to be stored; `None` when nothing is known. The address itself is not kept.
///
/// `header` is `X-Region`, and only passed when the peer is a configured proxy; else the client's address decides: private
/// ones say nothing, every other is somewhere.
#[must_use]
pub fn region(header: Option<&str>, client: Option<IpAddr>) -> Option<String> {
    let named: Option<String> = header.map(|header| {
        let trimmed = header.trim().chars().take(HEADER_CHARACTERS);
        trimmed.map(|mark| mark.to_ascii_uppercase()).collect()
    });
    match (named.filter(|named| !named.is_empty()), client) {
        (Some(named), _) => Some(label(Some(&named)).to_owned()),
        (None, Some(client)) if !is_private(client) => Some(SOMEWHERE.to_owned()),
        (None, _) => None,
    }
}

/// The label that metrics carry for a stored region: one of a fixed list, so that nobody can make up new series.
#[must_use]
pub fn label(stored: Option<&str>) -> &'static str {
    let Some(stored) = stored.filter(|stored| !stored.is_empty()) else { return UNKNOWN };
    let mut labels = GROUPS.into_iter().chain(COUNTRIES.split_ascii_whitespace()).chain([UNKNOWN]);
    labels.find(|label| label.eq_ignore_ascii_case(stored)).unwrap_or(OTHER)
}

/// RFC 1918 and unique local addresses, mapped ones included.
fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_private(),
        IpAddr::V6(address) => address.is_unique_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_header_is_trimmed_raised_cut_and_held_against_the_list() {
        for (header, stored) in [
            ("EU", "EU"),
            ("  de ", "DE"),
            ("zz", "ZZ"),
            ("Unknown", "unknown"),
            ("unknown-and-more", "other"),
            ("QQ", "other"),
            ("ATLANTIS", "other"),
            ("ß", "other"),
        ] {
            assert_eq!(region(Some(header), None).as_deref(), Some(stored), "{header:?}");
        }
        let client = Some("203.0.113.9".parse().unwrap());
        assert_eq!(region(Some("  "), client).as_deref(), Some("ZZ"), "an empty header says nothing");
        assert_eq!(region(Some("FR"), client).as_deref(), Some("FR"), "the header goes before the address");
    }

    #[test]
    fn private_addresses_say_nothing_and_all_others_are_somewhere() {
        for (address, stored) in [
            ("10.0.0.1", None),
            ("172.15.255.255", Some("ZZ")),
            ("172.16.0.0", None),
            ("172.31.255.255", None),
            ("172.32.0.0", Some("ZZ")),
            ("192.168.1.1", None),
            ("192.169.0.1", Some("ZZ")),
            ("::ffff:10.1.2.3", None),
            ("fc00::1", None),
            ("fdff:ffff::1", None),
            ("fe00::1", Some("ZZ")),
            ("2001:db8::1", Some("ZZ")),
            ("203.0.113.9", Some("ZZ")),
        ] {
            assert_eq!(region(None, Some(address.parse().unwrap())).as_deref(), stored, "{address}");
        }
        assert_eq!(region(None, None), None);
    }

    #[test]
    fn a_player_without_a_region_counts_as_unknown() {
        assert_eq!((label(None), label(Some(""))), ("unknown", "unknown"));
        assert_eq!(
            (label(Some("EU")), label(Some("other")), label(Some("evil\nlabel"))),
            ("EU", "other", "other")
        );
        assert_eq!(COUNTRIES.split_ascii_whitespace().count(), 249);
    }

    proptest! {
        #[test]
        fn what_is_stored_is_always_its_own_label(header in ".{0,12}") {
            if let Some(stored) = region(Some(&header), None) {
                prop_assert!(stored == label(Some(&stored)) && stored.len() <= 8);
            }
        }
    }
}
