//! What is needed to reach an object store.

use std::net::IpAddr;
use std::time::Duration;

use rusty_s3::{Bucket, Credentials, UrlStyle};
use secrecy::{ExposeSecret, SecretString};

use super::place::ObjectPlace;

/// How to reach an object store, and with which key.
#[derive(Clone, Debug)]
pub struct ObjectStoreSettings {
    /// The bucket and the prefix.
    pub place: ObjectPlace,
    /// The server, such as `https://s3.example.com`; `None` = that of Amazon in the region.
    pub endpoint: Option<String>,
    /// The region that signatures are made for; servers of one's own often take any.
    pub region: String,
    /// Which key.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: SecretString,
    /// Time limits.
    pub patience: Patience,
}

/// How long and how often is asked. Real time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Longest time for one attempt, its body included: at most 16 MiB.
    pub attempt: Duration,
    /// Attempts for one request, at least 1.
    pub attempts: u32,
    /// Pause before the second attempt; it is four times as long before each further one.
    pub pause: Duration,
}

impl Patience {
    /// Two minutes for each of four attempts, with pauses of 0.2, 0.8 and 3.2 s.
    pub const STANDARD: Patience =
        Patience { attempt: Duration::from_secs(120), attempts: 4, pause: Duration::from_millis(200) };
}

/// Why settings lead nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObjectStoreRefusal {
    /// The endpoint is no address of a server.
    #[error("BACKUP_S3_ENDPOINT is no address of a server; write it as https://HOST or https://HOST:PORT")]
    Endpoint,
    /// The way to it can be read by anybody.
    #[error(
        "BACKUP_S3_ENDPOINT is plain http to another machine, and backups are not encrypted, so that anybody on the way \
         could read them; use https, or name a key with BACKUP_KEY_FILE"
    )]
    Readable,
}

impl ObjectStoreSettings {
    /// The bucket's addresses. `is_encrypted` says whether backups are.
    pub(super) fn bucket(&self, is_encrypted: bool) -> Result<Bucket, ObjectStoreRefusal> {
        let amazon = || format!("https://s3.{}.amazonaws.com", self.region);
        let endpoint = self.endpoint.clone().unwrap_or_else(amazon);
        let rest = endpoint.strip_prefix("http://");
        let is_readable = rest.is_some_and(|rest| !is_loopback(rest)) && !is_encrypted;
        let url = endpoint.parse().map_err(|_| ObjectStoreRefusal::Endpoint)?;
        let place = &self.place;
        let bucket = Bucket::new(url, UrlStyle::Path, place.bucket.clone(), self.region.clone());
        let bucket = bucket.map_err(|_| ObjectStoreRefusal::Endpoint)?;
        if is_readable { Err(ObjectStoreRefusal::Readable) } else { Ok(bucket) }
    }

    pub(super) fn credentials(&self) -> Credentials {
        Credentials::new(self.access_key_id.clone(), self.secret_access_key.expose_secret().to_owned())
    }
}

/// Whether `HOST[:PORT][/...]` is this machine.
fn is_loopback(rest: &str) -> bool {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(endpoint: Option<&str>) -> ObjectStoreSettings {
        ObjectStoreSettings {
            place: "s3://abc/backups".parse().unwrap(),
            endpoint: endpoint.map(str::to_owned),
            region: "eu-west-1".to_owned(),
            access_key_id: "id".to_owned(),
            secret_access_key: "hunter2".to_owned().into(),
            patience: Patience::STANDARD,
        }
    }

    #[test]
    fn without_an_endpoint_the_server_is_amazons_in_the_region() {
        let url = |endpoint| settings(endpoint).bucket(false).unwrap().base_url().to_string();
        assert_eq!(url(None), "https://s3.eu-west-1.amazonaws.com/abc/");
        assert_eq!(url(Some("https://objects.example.com:9000")), "https://objects.example.com:9000/abc/");
    }

    #[test]
    fn plain_http_leaves_the_machine_only_with_encrypted_backups() {
        let of = |endpoint, is_encrypted| settings(Some(endpoint)).bucket(is_encrypted).map(|_| ());
        for near in ["http://127.0.0.1:9000", "http://localhost", "http://[::1]:9000/s3"] {
            assert_eq!(of(near, false), Ok(()), "{near}");
        }
        for far in [
            "http://10.0.0.1",
            "http://objects.example.com",
            "http://127.0.0.1.example.com",
            "http://127.0.0.1@example.com",
        ] {
            assert_eq!((of(far, false), of(far, true)), (Err(ObjectStoreRefusal::Readable), Ok(())), "{far}");
        }
        for bad in ["", "objects.example.com", "ftp://a", "https://"] {
            assert_eq!(of(bad, false), Err(ObjectStoreRefusal::Endpoint), "{bad}");
        }
    }

    #[test]
    fn the_secret_shows_nowhere() {
        assert!(!format!("{:?}", settings(None)).contains("hunter2"));
    }
}
