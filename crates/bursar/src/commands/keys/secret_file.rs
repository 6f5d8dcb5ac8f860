//! Secrets from a file or from stdin: read once, wiped when dropped, never repeated in a message.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use bursar_keys::{KeySecret, SECRET_LENGTH_MAX};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use crate::commands::CommandError;

/// Two digits a byte, and a line break or two.
const BYTES_MAX: usize = 2 * SECRET_LENGTH_MAX + 16;
/// The option that names a key's file.
const SECRET_FILE: &str = "--secret-file";

/// The text of the file, or of stdin for `-`, without the line break at its end.
pub(in crate::commands) fn read(path: &Path, option: &str) -> Result<SecretString, CommandError> {
    let unusable = |cause| CommandError::file(path, cause);
    match path.as_os_str() == "-" {
        true => text(io::stdin().lock(), path, option),
        false => text(File::open(path).map_err(unusable)?, path, option),
    }
}

fn text(source: impl Read, path: &Path, option: &str) -> Result<SecretString, CommandError> {
    // Its room is all there at once: growing would leave a copy behind.
    let mut text = Zeroizing::new(String::with_capacity(BYTES_MAX + 1));
    let limit = u64::try_from(BYTES_MAX + 1).unwrap_or(u64::MAX);
    source.take(limit).read_to_string(&mut text).map_err(|cause| CommandError::file(path, cause))?;
    if text.len() > BYTES_MAX {
        return Err(CommandError::Usage(format!("{option} holds more than {BYTES_MAX} bytes; name another")));
    }
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.trim().is_empty() {
        return Err(CommandError::Usage(format!("{option} is empty; write the secret into it")));
    }
    Ok(SecretString::from(secret))
}

/// A private key of hexadecimal digits.
pub(super) fn private_key(path: &Path) -> Result<KeySecret, CommandError> {
    KeySecret::from_hexadecimal(&read(path, SECRET_FILE)?).ok_or_else(|| {
        let rule = "--secret-file takes hexadecimal digits, two a byte; a Banano seed has 64";
        CommandError::Usage(rule.to_owned())
    })
}

/// What a remote signer is called with, as it is written.
pub(super) fn credential(path: &Path) -> Result<KeySecret, CommandError> {
    let text = read(path, SECRET_FILE)?;
    Ok(KeySecret::from_bytes(text.expose_secret().as_bytes().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        let read = super::text(text.as_bytes(), Path::new("secret"), SECRET_FILE);
        read.map(|secret| secret.expose_secret().to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_secret_is_the_text_without_the_line_break_at_its_end() {
        assert_eq!(read("hunter2hunter2hu\r\n"), Ok("hunter2hunter2hu".to_owned()));
        assert_eq!(read(&"a".repeat(BYTES_MAX)).map(|text| text.len()), Ok(BYTES_MAX));
    }

    #[test]
    fn an_empty_or_endless_file_is_refused_without_repeating_it() {
        for bad in [String::new(), " \n".to_owned(), "secret".repeat(BYTES_MAX)] {
            assert!(!read(&bad).unwrap_err().contains("secretsecret"));
        }
    }
}
