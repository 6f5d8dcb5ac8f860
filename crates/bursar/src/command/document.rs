//! `bursar openapi` and `bursar errors`: what the server says about itself, for people and for the repository.

use std::path::{Path, PathBuf};

use bursar_web::ErrorRegistry;
use serde_json::{Value, json};

use crate::commands::CommandError;
use crate::serve::describe;

/// Options of `bursar errors`.
#[derive(clap::Args)]
pub(super) struct ErrorPages {
    /// The folder to write the pages to.
    #[arg(long, value_name = "FOLDER", default_value = "docs/errors")]
    folder: PathBuf,
}

/// The OpenAPI document, indented so that a change of it reads well.
pub(super) fn openapi() -> Result<Value, CommandError> {
    let description = describe().map_err(|fault| CommandError::Usage(fault.to_string()))?;
    Ok(format!("{:#}", description.openapi).into())
}

/// Writes one page a code, and a list of them. Pages of codes that are gone are named, not deleted.
pub(super) fn errors(options: &ErrorPages) -> Result<Value, CommandError> {
    let errors = describe().map_err(|fault| CommandError::Usage(fault.to_string()))?.errors;
    let folder = &options.folder;
    std::fs::create_dir_all(folder).map_err(|cause| file(folder, cause))?;
    let names: Vec<&str> = errors.names().collect();
    for name in &names {
        write(&folder.join(format!("{name}.md")), &errors.page(name).unwrap_or_default())?;
    }
    write(&folder.join("README.md"), &list(&errors))?;
    let stale = stale(folder, &names)?;
    Ok(json!({"ok": true, "folder": folder, "pages": names.len(), "stale": stale}))
}

fn list(errors: &ErrorRegistry) -> String {
    let mut text =
        "# Error codes\n\nEach answer that refuses something carries one of these codes.\n\n".to_owned();
    for name in errors.names() {
        let summary = errors.entries(name).next().map_or("", |(_, entry)| entry.summary);
        text.push_str(&format!("- [`{name}`]({name}.md): {summary}\n"));
    }
    text
}

fn stale(folder: &Path, names: &[&str]) -> Result<Vec<String>, CommandError> {
    let mut stale = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|cause| file(folder, cause))? {
        let path = entry.map_err(|cause| file(folder, cause))?.path();
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let is_page = path.extension().is_some_and(|ending| ending == "md") && name != "README";
        if is_page && !names.contains(&name.as_str()) {
            stale.push(name);
        }
    }
    stale.sort();
    Ok(stale)
}

fn write(path: &Path, text: &str) -> Result<(), CommandError> {
    std::fs::write(path, text).map_err(|cause| file(path, cause))
}

fn file(path: &Path, cause: std::io::Error) -> CommandError {
    CommandError::File { path: path.to_owned(), cause }
}
