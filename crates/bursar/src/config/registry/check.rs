//! Checks a text against its kind and brings it into one canonical spelling.

use super::super::{clock, desks, proxies};
use super::kind::Kind;

impl Kind {
    /// The canonical spelling of `text`, or `None` when it is not of this kind.
    ///
    /// Flags become `true`/`false`, numbers plain digits, choices their listed spelling, gates `true` or
    /// `false`, sizes bytes, lists lose their blanks. Database URLs and secrets pass unchanged: their rules
    /// are applied where they are used.
    #[must_use]
    pub fn check(&self, text: &str) -> Option<String> {
        let trimmed = text.trim();
        match self {
            Kind::Flag => flag(trimmed).map(|value| value.to_string()),
            Kind::OnOff => matches!(text, "on" | "off").then(|| text.to_owned()),
            Kind::StoppedUnless(running) => Some(gate(text, running).to_owned()),
            Kind::Integer { min, max } | Kind::Millis { min, max } | Kind::Seconds { min, max } => {
                trimmed.parse().ok().filter(|n| (*min..=*max).contains(n)).map(|n: i64| n.to_string())
            }
            Kind::Decimal => is_decimal(trimmed).then(|| trimmed.to_owned()),
            Kind::Text | Kind::Path => Some(trimmed.to_owned()),
            Kind::Url | Kind::SecretUrl => is_http_url(trimmed).then(|| trimmed.to_owned()),
            Kind::Urls => list(text, is_http_url),
            Kind::Secret | Kind::Database => Some(text.to_owned()),
            Kind::List => list(text, |_| true),
            Kind::Choice(words) => {
                words.iter().find(|word| word.eq_ignore_ascii_case(trimmed)).map(|word| (*word).to_owned())
            }
            Kind::ByteSize => byte_size(trimmed).map(|bytes| bytes.to_string()),
            Kind::Hex { digits } => (trimmed.len() == *digits
                && trimmed.bytes().all(|b| b.is_ascii_hexdigit()))
            .then(|| trimmed.to_ascii_lowercase()),
            Kind::SolanaAddress => is_solana_address(trimmed).then(|| trimmed.to_owned()),
            Kind::SolanaAddresses => list(text, is_solana_address),
            Kind::DiscordIds => list(text, is_discord_id),
            Kind::Socket => trimmed.parse().ok().map(|address: std::net::SocketAddr| address.to_string()),
            Kind::Networks => proxies::parse_networks(text).map(|_| trimmed.to_owned()),
            Kind::HeaderName => is_header_name(trimmed).then(|| trimmed.to_owned()),
            Kind::Desks => desks::parse(text).map(|_| text.to_owned()),
            Kind::Clock => clock::parse(trimmed).map(|_| trimmed.to_owned()),
        }
    }
}

/// The one boolean parser of all desks (V2).
fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// The running text, or its opposite for everything else: what cannot be read as running stops.
fn gate(text: &str, running: &'static str) -> &'static str {
    match (text == running, running) {
        (true, _) => running,
        (false, "true") => "false",
        (false, _) => "true",
    }
}

fn is_decimal(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    match text.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(text),
    }
}

fn is_http_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let authority = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let printable = text.chars().all(|c| !c.is_whitespace() && !c.is_control());
    printable && !host.is_empty() && !host.starts_with(':')
}

fn list(text: &str, is_good: impl Fn(&str) -> bool) -> Option<String> {
    let items: Vec<&str> = text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect();
    items.iter().all(|item| is_good(item)).then(|| items.join(","))
}

fn byte_size(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let digits_end = lower.find(|c: char| !c.is_ascii_digit()).unwrap_or(lower.len());
    let (digits, suffix) = lower.split_at(digits_end);
    let unit: u64 = match suffix.trim() {
        "" | "b" => 1,
        "kb" => 1024,
        "mb" => 1024 * 1024,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit).filter(|bytes| *bytes > 0)
}

fn is_solana_address(text: &str) -> bool {
    // 44 characters are the most that 32 bytes take; longer texts are not worth decoding.
    text.len() <= 44 && bs58::decode(text).into_vec().is_ok_and(|bytes| bytes.len() == 32)
}

/// Ids are 64-bit numbers, and none is zero.
fn is_discord_id(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u64>().is_ok_and(|id| id > 0)
}

fn is_header_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn accepts(kind: Kind, cases: &[(&str, &str)]) {
        for (text, canonical) in cases {
            assert_eq!(kind.check(text).as_deref(), Some(*canonical), "{kind:?} {text:?}");
        }
    }

    #[track_caller]
    fn refuses(kind: Kind, texts: &[&str]) {
        for text in texts {
            assert_eq!(kind.check(text), None, "{kind:?} {text:?}");
        }
    }

    #[test]
    fn v2_flags_take_eight_words_in_any_case_and_nothing_else() {
        for on in ["true", "1", "yes", "on", "TRUE", "Yes", "oN", " 1 "] {
            accepts(Kind::Flag, &[(on, "true")]);
        }
        for off in ["false", "0", "no", "off", "FALSE", "No", "oFF"] {
            accepts(Kind::Flag, &[(off, "false")]);
        }
        refuses(Kind::Flag, &["", "2", "enabled", "y", "t", "truee"]);
    }

    #[test]
    fn v2_pause_flags_are_exactly_on_or_off() {
        accepts(Kind::OnOff, &[("on", "on"), ("off", "off")]);
        refuses(Kind::OnOff, &["", "ON", "Off", "true", "1", " on", "on\n"]);
    }

    #[test]
    fn v2_a_gate_runs_on_exactly_one_text_and_refuses_nothing() {
        let enabled = Kind::StoppedUnless("true");
        accepts(
            enabled,
            &[("true", "true"), ("TRUE", "false"), ("1", "false"), ("", "false"), ("true ", "false")],
        );
        let not_paused = Kind::StoppedUnless("false");
        accepts(
            not_paused,
            &[("false", "false"), ("true", "true"), ("no", "true"), ("False", "true"), ("", "true")],
        );
    }

    #[test]
    fn whole_numbers_keep_their_bounds() {
        let kind = Kind::Integer { min: 1, max: 10 };
        accepts(kind, &[("1", "1"), (" 10 ", "10"), ("+7", "7"), ("007", "7")]);
        refuses(kind, &["0", "11", "-1", "", "abc", "1.0", "1e1", "NaN", "99999999999999999999"]);
    }

    #[test]
    fn decimals_stay_exact_text() {
        accepts(Kind::Decimal, &[("0.05", "0.05"), ("50", "50"), (" 1.10 ", "1.10")]);
        refuses(Kind::Decimal, &["", ".5", "5.", "-1", "1e3", "1,5", "1.2.3", "NaN"]);
    }

    #[test]
    fn urls_need_a_scheme_and_a_host() {
        accepts(
            Kind::Url,
            &[("https://h", "https://h"), ("http://127.0.0.1:7076/x?y=1", "http://127.0.0.1:7076/x?y=1")],
        );
        refuses(
            Kind::Url,
            &["", "h", "ftp://h", "http://", "http:///x", "http://:80", "https://a b", "http://u@"],
        );
        accepts(Kind::Urls, &[("https://a, http://b,", "https://a,http://b")]);
        refuses(Kind::Urls, &["https://a,b"]);
    }

    #[test]
    fn choices_take_any_case_and_answer_the_listed_spelling() {
        accepts(Kind::Choice(&["SOL", "BTC"]), &[("sol", "SOL"), (" BTC ", "BTC")]);
        refuses(Kind::Choice(&["SOL"]), &["", "SOLX"]);
    }

    #[test]
    fn sizes_may_have_a_suffix() {
        accepts(
            Kind::ByteSize,
            &[("1mb", "1048576"), ("64KB", "65536"), ("512 b", "512"), ("16384", "16384")],
        );
        refuses(Kind::ByteSize, &["", "0", "mb", "1gb", "-1", "1.5mb"]);
    }

    #[test]
    fn a_solana_address_is_base58_of_32_bytes() {
        let good = "7ErxzRN1hpyMZC8gps7ANZFTGgeDG7cFmVZcMfE6oGrd";
        accepts(
            Kind::SolanaAddress,
            &[(good, good), ("11111111111111111111111111111111", "11111111111111111111111111111111")],
        );
        refuses(
            Kind::SolanaAddress,
            &["", "abc", "1111111111111111111111111111111", &good.replace('7', "0"), &good[5..]],
        );
        accepts(Kind::SolanaAddresses, &[(&format!("{good}, {good}"), &format!("{good},{good}"))]);
        refuses(Kind::SolanaAddresses, &["abc", &format!("{good},abc")]);
    }

    #[test]
    fn discord_people_are_named_by_id_and_not_by_name() {
        let two = "80351110224678912,7";
        accepts(Kind::DiscordIds, &[(" 80351110224678912 , 7 ", two), ("", "")]);
        refuses(
            Kind::DiscordIds,
            &["mika", "mika#1234", "80351110224678912,mika", "0", "-7", "+7", "99999999999999999999"],
        );
    }

    #[test]
    fn hex_has_exactly_its_digits() {
        accepts(Kind::Hex { digits: 16 }, &[("FFFFFE0000000000", "fffffe0000000000")]);
        refuses(Kind::Hex { digits: 16 }, &["fffffe000000000", "fffffe00000000000", "gffffe0000000000", ""]);
    }

    #[test]
    fn addresses_headers_and_lists_are_checked() {
        accepts(Kind::Socket, &[("127.0.0.1:3000", "127.0.0.1:3000"), ("[::1]:80", "[::1]:80")]);
        refuses(Kind::Socket, &["localhost:3000", ":3000", "127.0.0.1", "127.0.0.1:99999"]);
        accepts(Kind::HeaderName, &[("CF-Connecting-IP", "CF-Connecting-IP")]);
        refuses(Kind::HeaderName, &["", "X Forwarded", "X:Y"]);
        accepts(Kind::List, &[("a, b,,c ", "a,b,c")]);
    }
}
