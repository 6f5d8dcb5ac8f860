//! Style, script and icon, built into the program and named by their content, so that browsers keep them.

use std::sync::LazyLock;

use axum::http::{Method, StatusCode, header};
use axum::response::IntoResponse;
use bursar_web::{Auth, Operation, Route, schema};
use bytes::Bytes;

/// A built-in file.
pub(crate) struct Asset {
    path: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
    id: &'static str,
    summary: &'static str,
    url: LazyLock<String>,
}

/// The style of all pages.
pub(crate) static STYLE: Asset = Asset {
    path: "/assets/pages.css",
    content_type: "text/css; charset=utf-8",
    bytes: include_bytes!("../assets/pages.css"),
    id: "pages_style",
    summary: "The style of the pages.",
    url: LazyLock::new(|| STYLE.named()),
};
/// The script of all pages.
pub(crate) static SCRIPT: Asset = Asset {
    path: "/assets/pages.js",
    content_type: "text/javascript; charset=utf-8",
    bytes: include_bytes!("../assets/pages.js"),
    id: "pages_script",
    summary: "The script of the pages.",
    url: LazyLock::new(|| SCRIPT.named()),
};
/// The icon of all pages.
pub(crate) static ICON: Asset = Asset {
    path: "/assets/icon.svg",
    content_type: "image/svg+xml",
    bytes: include_bytes!("../assets/icon.svg"),
    id: "pages_icon",
    summary: "The icon of the pages.",
    url: LazyLock::new(|| ICON.named()),
};

/// What the faucet's page adds to the style.
pub(crate) static FAUCET_STYLE: Asset = Asset {
    path: "/static/faucet.css",
    content_type: "text/css; charset=utf-8",
    bytes: include_bytes!("../assets/faucet.css"),
    id: "faucet_style",
    summary: "What the faucet's page adds to the style of the pages.",
    url: LazyLock::new(|| FAUCET_STYLE.named()),
};
/// The icon for browsers that ask for it by its old name.
static FAVICON: Asset = Asset {
    path: "/favicon.ico",
    content_type: "image/x-icon",
    bytes: include_bytes!("../assets/favicon.ico"),
    id: "favicon",
    summary: "The icon under its old name.",
    url: LazyLock::new(|| FAVICON.named()),
};

impl Asset {
    /// Its path with a mark that changes with its content.
    pub fn url(&self) -> &str {
        &self.url
    }

    fn named(&self) -> String {
        let digest = blake3::hash(self.bytes).to_hex();
        format!("{}?v={}", self.path, digest.chars().take(12).collect::<String>())
    }

    fn route(&'static self) -> Route {
        let operation = Operation::new(self.id, self.summary, Auth::None).answer_as(
            StatusCode::OK,
            "The file, to be kept for a year: another content has another address.",
            self.content_type,
            schema::string(),
        );
        Route::new(Method::GET, self.path, operation, move |_| async move {
            let headers = [
                (header::CONTENT_TYPE, self.content_type),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            ];
            Ok((headers, Bytes::from_static(self.bytes)).into_response())
        })
    }
}

/// The routes of the files that all pages use.
pub(crate) fn routes() -> Vec<Route> {
    [&STYLE, &SCRIPT, &ICON].map(Asset::route).into()
}

/// The routes of the faucet's own files.
pub(crate) fn faucet_routes() -> Vec<Route> {
    [&FAUCET_STYLE, &FAVICON].map(Asset::route).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn style_and_script_together_stay_small() {
        let bytes: usize =
            [&STYLE, &SCRIPT, &ICON, &FAUCET_STYLE].iter().map(|asset| asset.bytes.len()).sum();
        assert!(bytes < 16 * 1024, "{bytes} bytes");
    }

    #[test]
    fn an_address_carries_the_contents_mark() {
        let (path, mark) = STYLE.url().split_once("?v=").unwrap();
        assert_eq!((path, mark.len()), ("/assets/pages.css", 12));
        assert_ne!(SCRIPT.url().split_once("?v=").unwrap().1, mark);
    }
}
