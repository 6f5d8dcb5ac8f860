//! Reading posted forms: of the right type, from our own pages only.

use std::collections::BTreeMap;

use axum::http::header;
use bursar_web::platform_codes::{BAD_REQUEST, FORBIDDEN};
use bursar_web::{ApiError, Call};

/// How browsers send forms.
const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";

/// The fields of a form.
#[derive(Debug)]
pub(crate) struct Form(BTreeMap<String, String>);

impl Form {
    /// Reads the form that `call` posts.
    ///
    /// # Errors
    /// 403 when another site's page sent it, 400 when it is no form, and whatever reading a body ends in.
    pub async fn read(call: &mut Call) -> Result<Form, ApiError> {
        refuse_other_sites(
            call.header("sec-fetch-site"),
            call.headers().get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or("null")),
            call.header("host"),
        )?;
        let kind = call.header("content-type").and_then(|kind| kind.split(';').next()).unwrap_or_default();
        if !kind.trim().eq_ignore_ascii_case(CONTENT_TYPE) {
            return Err(ApiError::because(&BAD_REQUEST, "This page takes a form as browsers send it."));
        }
        let text = call.bytes().await?;
        Ok(Form::parse(&text))
    }

    fn parse(text: &[u8]) -> Form {
        let mut fields = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(text) {
            // The first of several of one name counts, as everywhere.
            fields.entry(name.into_owned()).or_insert_with(|| value.into_owned());
        }
        Form(fields)
    }

    /// A field without blanks around it; empty when it was not sent.
    pub fn field(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |value| value.trim())
    }
}

/// A form that another site's page posts comes with the visitor's address and, in old browsers, cookies. Browsers say
/// where it comes from; programs say nothing and carry no cookies of others.
fn refuse_other_sites(site: Option<&str>, origin: Option<&str>, host: Option<&str>) -> Result<(), ApiError> {
    let is_ours = match (site, origin) {
        (Some(site), _) => site == "same-origin",
        (None, None) => true,
        (None, Some(origin)) => {
            let from = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            from.is_some() && from == host
        }
    };
    if is_ours {
        return Ok(());
    }
    Err(ApiError::because(
        &FORBIDDEN,
        "This form was sent from another site; open the page here and send it again.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_may_post() {
        let host = Some("bursar.example:3000");
        let is_taken = |site, origin| refuse_other_sites(site, origin, host).is_ok();
        assert!(is_taken(Some("same-origin"), None));
        assert!(is_taken(None, Some("https://bursar.example:3000")));
        assert!(is_taken(None, None), "a program sends neither header");
        for site in ["cross-site", "same-site", "none", ""] {
            assert!(!is_taken(Some(site), Some("https://bursar.example:3000")), "{site}");
        }
        for origin in ["null", "https://evil.example", "https://bursar.example", "bursar.example:3000", ""] {
            assert!(!is_taken(None, Some(origin)), "{origin}");
        }
    }

    #[test]
    fn fields_are_decoded_and_the_first_of_a_name_counts() {
        let form = Form::parse(b"reason=+feed+down%21+&switch=joins&switch=all&empty=&bad=%ff");
        assert_eq!([form.field("reason"), form.field("switch")], ["feed down!", "joins"]);
        assert_eq!([form.field("empty"), form.field("missing")], ["", ""]);
        assert_eq!(form.field("bad"), "\u{fffd}");
    }
}
