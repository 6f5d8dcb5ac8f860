//! Which envelope speaks for a path that nobody answers (H12).

use std::collections::HashMap;

use crate::envelope::Envelope;
use crate::route::Surface;

/// The owners of the fixed beginnings of all paths.
#[derive(Debug, Default)]
pub(crate) struct PathOwners {
    /// `None` = several desks have routes under this prefix.
    owners: HashMap<String, Option<(&'static str, Envelope)>>,
}

impl PathOwners {
    pub(crate) fn of(surfaces: &[Surface]) -> Self {
        let mut owners = HashMap::new();
        for surface in surfaces {
            for route in &surface.routes {
                for prefix in fixed_prefixes(route.path) {
                    let owner =
                        owners.entry(prefix.to_owned()).or_insert(Some((surface.desk, surface.envelope)));
                    if owner.is_some_and(|(desk, _)| desk != surface.desk) {
                        *owner = None;
                    }
                }
            }
        }
        Self { owners }
    }

    /// The nested adapter below prefixes that only its desk has routes under; the union everywhere else.
    pub(crate) fn envelope(&self, path: &str) -> Envelope {
        let longest = fixed_prefixes(path).filter_map(|prefix| self.owners.get(prefix)).last();
        match longest {
            Some(Some((_, Envelope::Nested))) => Envelope::Nested,
            _ => Envelope::Union,
        }
    }
}

/// `/a`, `/a/b`, … of a path, up to its first parameter.
fn fixed_prefixes(path: &str) -> impl Iterator<Item = &str> {
    let fixed = path.find("/{").map_or(path, |parameter| path.get(..parameter).unwrap_or_default());
    let ends = fixed.char_indices().skip(1).filter(|(_, letter)| *letter == '/').map(|(index, _)| index);
    ends.chain([fixed.len()]).filter_map(|end| fixed.get(..end)).filter(|prefix| prefix.len() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::{Auth, Operation};
    use crate::route::Route;
    use axum::http::Method;

    fn surface(desk: &'static str, envelope: Envelope, paths: &[&'static str]) -> Surface {
        let mut surface = Surface::new(desk, envelope, 1_000);
        for path in paths {
            let operation = Operation::new("x", "x", Auth::None);
            surface.routes.push(Route::new(Method::GET, path, operation, |_| async { Ok("x") }));
        }
        surface
    }

    #[test]
    fn prefixes_end_at_the_first_parameter() {
        let prefixes = |path| fixed_prefixes(path).collect::<Vec<_>>();
        assert_eq!(prefixes("/api/brokers/{id}/mint"), ["/api", "/api/brokers"]);
        assert_eq!(prefixes("/health"), ["/health"]);
        assert!(prefixes("/").is_empty());
    }

    #[test]
    fn h12_arena_speaks_below_its_own_prefixes_only() {
        let owners = PathOwners::of(&[
            surface(
                "arena",
                Envelope::Nested,
                &["/api/brokers/{id}", "/api/admin/mod/ban", "/api/oracle/price"],
            ),
            surface("rounds", Envelope::FlatRetry, &["/api/oracle", "/api/sim/pool"]),
            surface("commitments", Envelope::Flat, &["/api/admin/login"]),
        ]);
        for (path, expected) in [
            ("/api/brokers/7/nothing", Envelope::Nested),
            ("/api/brokers", Envelope::Nested),
            ("/api/admin/mod/nothing", Envelope::Nested),
            ("/api/admin/nothing", Envelope::Union),
            ("/api/oracle/nothing", Envelope::Union),
            ("/api/sim/nothing", Envelope::Union),
            ("/api/nothing", Envelope::Union),
            ("/nothing", Envelope::Union),
            ("/", Envelope::Union),
        ] {
            assert_eq!(owners.envelope(path), expected, "{path}");
        }
    }
}
