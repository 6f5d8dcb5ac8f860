//! Where backups go and how often; two names for one folder must agree.

use std::path::{Path, PathBuf};

use super::desks::Owner;
use super::problem::Problem;
use super::values::Values;

/// The backup's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupConfiguration {
    /// Folder of the backups.
    pub folder: PathBuf,
    /// Minutes between two of them, counted from 02:00 UTC.
    pub interval_minutes: u32,
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
            interval_minutes: values.integer("BACKUP_MINUTE_INTERVAL"),
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

    #[test]
    fn two_different_folders_are_refused() {
        let two = [("BACKUP_DIR", "/a"), ("PANCHO_D1_BACKUP_DIR", "/b")];
        assert_eq!(refused_names(&two), ["PANCHO_D1_BACKUP_DIR"]);
    }
}
