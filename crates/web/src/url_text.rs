//! Decoding the parts of a URL: path parameters and the query.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Decodes one path parameter. `None` when it is not UTF-8 or holds a NUL character: no row can have such a name.
pub(crate) fn decode_path(text: &str) -> Option<String> {
    let decoded = percent_decode_str(text).decode_utf8().ok()?;
    (!decoded.contains('\0')).then(|| decoded.into_owned())
}

/// The name-value pairs of a query, decoded; pairs that are not UTF-8 are left out.
pub(crate) fn query_pairs(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    query.split('&').filter(|pair| !pair.is_empty()).filter_map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((decode_query(name)?, decode_query(value)?))
    })
}

fn decode_query(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('+') {
        return percent_decode_str(text).decode_utf8().ok();
    }
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().ok()?.into_owned();
    Some(Cow::Owned(decoded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_parameter_is_decoded_or_names_nothing() {
        assert_eq!(decode_path("SOL-1700000040-5m").as_deref(), Some("SOL-1700000040-5m"));
        assert_eq!(decode_path("a%2Fb%20c+d").as_deref(), Some("a/b c+d"));
        assert_eq!(decode_path("%ff"), None);
        assert_eq!(decode_path("a%00b"), None);
    }

    #[test]
    fn a_query_is_decoded_in_order_and_bad_pairs_are_left_out() {
        let pairs: Vec<_> = query_pairs("a=1&b=x+y%26z&&c&a=2&d=%ff&e==").collect();
        let expected = [("a", "1"), ("b", "x y&z"), ("c", ""), ("a", "2"), ("e", "=")];
        assert_eq!(pairs, expected.map(|(name, value)| (Cow::from(name), Cow::from(value))));
    }
}
