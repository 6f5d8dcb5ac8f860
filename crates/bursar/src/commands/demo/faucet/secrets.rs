//! What only this demo knows: drawn at its first start and kept beside its database.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use bursar_access::{Entropy, OsEntropy};
use serde::{Deserialize, Serialize};

/// Keys of one demo, each 64 hexadecimal digits. Nothing real depends on them; they are secrets all the same.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Secrets {
    /// Signs sessions.
    pub session: String,
    /// Seals the operator's seed in the database.
    pub seal: String,
    /// The operator's seed: its wallet holds what the demo pays.
    pub operator: String,
}

impl Secrets {
    /// Those in the file; at the first start new ones, which nobody but this user can read.
    pub fn of(path: &Path) -> io::Result<Secrets> {
        match std::fs::read(path) {
            Ok(text) => serde_json::from_slice(&text).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Secrets::draw(path),
            Err(error) => Err(error),
        }
    }

    fn draw(path: &Path) -> io::Result<Secrets> {
        let [session, seal, operator] = [(); 3].map(|()| {
            let mut bytes = [0; 32];
            OsEntropy.fill(&mut bytes);
            hex::encode(bytes)
        });
        let secrets = Secrets { session, seal, operator };
        let text = serde_json::to_vec(&secrets).map_err(io::Error::other)?;
        // Under another name until it is whole: a demo that is killed meanwhile draws again.
        let new = path.with_extension("new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(&text)?;
        file.sync_all()?;
        std::fs::rename(&new, path)?;
        Ok(secrets)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn secrets_are_drawn_once_and_only_their_owner_reads_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("demo-secrets.json");
        let first = Secrets::of(&path).unwrap();
        assert_eq!([&first.session, &first.seal, &first.operator].map(|text| text.len()), [64; 3]);
        assert!(first.session != first.seal && first.seal != first.operator);
        let again = Secrets::of(&path).unwrap();
        assert_eq!((again.session, again.operator), (first.session, first.operator));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&path, "{").unwrap();
        assert!(Secrets::of(&path).is_err());
    }
}
