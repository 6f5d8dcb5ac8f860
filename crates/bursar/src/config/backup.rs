//! Where backups go and how often; two names for one folder must agree, and a bucket needs its key.

use std::path::{Path, PathBuf};

use bursar_ops::backup::{ObjectPlace, ObjectStore, ObjectStoreRefusal, ObjectStoreSettings, Patience};
use secrecy::SecretString;

use super::desks::Owner;
use super::problem::Problem;
use super::values::Values;

/// The backup's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupConfiguration {
    /// Folder of the backups.
    pub folder: PathBuf,
    /// The bucket of the backups, instead of the folder.
    pub bucket: Option<BucketConfiguration>,
    /// Minutes between two of them, counted from 02:00 UTC.
    pub interval_minutes: u32,
}

/// A bucket, but for the secret of its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketConfiguration {
    /// The bucket and the prefix.
    pub place: ObjectPlace,
    /// The server; `None` = that of Amazon in the region.
    pub endpoint: Option<String>,
    /// The region.
    pub region: String,
    /// The key.
    pub access_key_id: String,
}

impl BackupConfiguration {
    /// `BACKUP_DIR`, else `PANCHO_D1_BACKUP_DIR`, else `data/backups`; two different folders are a problem.
    pub(super) fn from_values(values: &Values, problems: &mut Vec<Problem>) -> BackupConfiguration {
        let first = values.text("BACKUP_DIR");
        let second = values.value("PANCHO_D1_BACKUP_DIR");
        let folder = match second {
            Some(second) if values.is_set("BACKUP_DIR") => {
                if tidy(second) != tidy(&first) {
                    problems.push(Problem::new(
                        Owner::Platform,
                        "PANCHO_D1_BACKUP_DIR",
                        "names another folder than BACKUP_DIR",
                        "keep one of the two, or make them agree",
                    ));
                }
                first
            }
            Some(second) => second.to_owned(),
            None => first,
        };
        BackupConfiguration {
            folder: PathBuf::from(folder),
            bucket: bucket(values, problems),
            interval_minutes: values.integer("BACKUP_MINUTE_INTERVAL"),
        }
    }
}

impl BucketConfiguration {
    /// All that is needed to reach it.
    #[must_use]
    pub fn with_secret(&self, secret_access_key: SecretString) -> ObjectStoreSettings {
        ObjectStoreSettings {
            place: self.place.clone(),
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            access_key_id: self.access_key_id.clone(),
            secret_access_key,
            patience: Patience::STANDARD,
        }
    }
}

/// The bucket that is asked for; whatever is missing or leads nowhere is a problem.
fn bucket(values: &Values, problems: &mut Vec<Problem>) -> Option<BucketConfiguration> {
    let filled = |name: &str| values.value(name).filter(|text| !text.is_empty()).map(str::to_owned);
    let target = filled("BACKUP_TARGET")?;
    let mut problem = |name: &'static str, rule: String, fix: &str| {
        problems.push(Problem::new(Owner::Platform, name, rule, fix));
    };
    let place = target.parse::<ObjectPlace>();
    if let Err(error) = &place {
        problem("BACKUP_TARGET", "names no bucket".to_owned(), &error.to_string());
    }
    let secret = values.secret("BACKUP_S3_SECRET_ACCESS_KEY").cloned();
    let access_key_id = filled("BACKUP_S3_ACCESS_KEY_ID");
    let fix = "set it to what the operator of the bucket gave you";
    if access_key_id.is_none() {
        problem("BACKUP_S3_ACCESS_KEY_ID", "is missing beside BACKUP_TARGET".to_owned(), fix);
    }
    if secret.is_none() {
        problem("BACKUP_S3_SECRET_ACCESS_KEY", "is missing beside BACKUP_TARGET".to_owned(), fix);
    }
    let bucket = BucketConfiguration {
        place: place.ok()?,
        endpoint: filled("BACKUP_S3_ENDPOINT"),
        region: values.text("BACKUP_S3_REGION"),
        access_key_id: access_key_id?,
    };
    let is_encrypted = filled("BACKUP_KEY_FILE").is_some();
    match ObjectStore::new(&bucket.with_secret(secret?), is_encrypted) {
        Ok(_) => Some(bucket),
        Err(refusal @ ObjectStoreRefusal::Endpoint) => {
            problem(
                "BACKUP_S3_ENDPOINT",
                refusal.to_string(),
                "write it as https://HOST or https://HOST:PORT",
            );
            None
        }
        Err(refusal @ ObjectStoreRefusal::Readable) => {
            problem("BACKUP_S3_ENDPOINT", refusal.to_string(), "use https, or set BACKUP_KEY_FILE");
            None
        }
    }
}

/// The path without `.` parts and doubled or trailing slashes.
pub(super) fn tidy(path: &str) -> PathBuf {
    Path::new(path).components().filter(|part| !matches!(part, std::path::Component::CurDir)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{accepted, refused_names};

    #[test]
    fn the_first_folder_that_is_set_is_used() {
        let folder = |environment: &[(&str, &str)]| accepted(environment).backup.folder;
        assert_eq!(folder(&[]).to_str(), Some("data/backups"));
        assert_eq!(folder(&[("PANCHO_D1_BACKUP_DIR", "/b")]).to_str(), Some("/b"));
        assert_eq!(folder(&[("BACKUP_DIR", "/a")]).to_str(), Some("/a"));
        assert_eq!(folder(&[("BACKUP_DIR", "b"), ("PANCHO_D1_BACKUP_DIR", "./b/")]).to_str(), Some("b"));
        assert_eq!(accepted(&[]).backup.interval_minutes, 240);
    }

    const BUCKET: [(&str, &str); 4] = [
        ("BACKUP_TARGET", "s3://backups/bursar"),
        ("BACKUP_S3_ENDPOINT", "https://objects.example.com"),
        ("BACKUP_S3_ACCESS_KEY_ID", "id"),
        ("BACKUP_S3_SECRET_ACCESS_KEY", "hunter2"),
    ];

    #[test]
    fn a_bucket_needs_its_place_its_key_and_the_secret_of_the_key() {
        assert_eq!(accepted(&[]).backup.bucket, None);
        let bucket = accepted(&BUCKET).backup.bucket.unwrap();
        assert_eq!(
            (bucket.place.to_string().as_str(), &*bucket.region),
            ("s3://backups/bursar", "us-east-1")
        );
        let names = ["BACKUP_S3_ACCESS_KEY_ID", "BACKUP_S3_SECRET_ACCESS_KEY"];
        assert_eq!(refused_names(&BUCKET[..1]), names);
        let mut wrong = BUCKET;
        wrong[0].1 = "/srv/backups";
        assert_eq!(refused_names(&wrong), ["BACKUP_TARGET"]);
    }

    #[test]
    fn backups_go_over_plain_http_to_another_machine_only_when_they_are_encrypted() {
        let mut plain = BUCKET;
        plain[1].1 = "http://objects.example.com";
        assert_eq!(refused_names(&plain), ["BACKUP_S3_ENDPOINT"]);
        let encrypted = [&plain[..], &[("BACKUP_KEY_FILE", "/run/key")]].concat();
        assert!(accepted(&encrypted).backup.bucket.is_some());
        plain[1].1 = "http://127.0.0.1:9000";
        assert!(accepted(&plain).backup.bucket.is_some());
    }

    #[test]
    fn two_different_folders_are_refused() {
        let two = [("BACKUP_DIR", "/a"), ("PANCHO_D1_BACKUP_DIR", "/b")];
        assert_eq!(refused_names(&two), ["PANCHO_D1_BACKUP_DIR"]);
    }
}
