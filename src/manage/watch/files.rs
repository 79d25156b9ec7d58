//! The files of a watch: the registry's state and content, the file that Envoy watches, and the module that it names.

use super::settle::Stamp;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::code::Code;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The place of the module's path in the file.
const MODULE: &str = "/resources/0/typed_config/config/vm_config/code/local/filename";

/// The state of the file at this path.
pub(super) fn stamp(file: &Path) -> Stamp {
    let Ok(metadata) = fs::metadata(file) else { return Stamp::Absent };
    Stamp::Present {
        identity: (metadata.dev(), metadata.ino()),
        size: metadata.size(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    }
}

/// The content of the registry.
pub(super) fn read(registry: &Path) -> Result<Vec<u8>, Diagnostic> {
    fs::read(registry).map_err(|error| Diagnostic::error(Code::File, error.to_string()))
}

/// Whether the file has this text.
pub(super) fn has(file: &Path, text: &str) -> bool {
    fs::read(file).is_ok_and(|present| present == text.as_bytes())
}

/// Refuses a file that has content which `certgate render ecds` has not made: a watch would write over it.
///
/// # Errors
///
/// The file has other content.
pub fn refuse_other(file: &Path) -> Result<(), Diagnostic> {
    let has_content = fs::metadata(file).is_ok_and(|metadata| metadata.is_file() && metadata.len() > 0);
    if !has_content || module_in(file).is_ok() {
        return Ok(());
    }
    let error = Diagnostic::error(Code::Unwritable, "expected a file of `certgate render ecds`, found another one");
    Err(error.mended_by("name another file with --to, or remove this one"))
}

/// The path of the module in a file that `certgate render ecds` has made.
///
/// # Errors
///
/// The file cannot be read, or names no module.
pub fn module_in(file: &Path) -> Result<String, Diagnostic> {
    let text = fs::read_to_string(file).map_err(|error| Diagnostic::error(Code::File, error.to_string()));
    let document = text.and_then(|text| {
        serde_saphyr::from_str::<Value>(&text).map_err(|error| Diagnostic::error(Code::Yaml, error.to_string()))
    });
    let missing = || Diagnostic::error(Code::NoModule, "expected the path of a module, found none");
    let module = document
        .and_then(|document| document.pointer(MODULE).and_then(Value::as_str).map(str::to_owned).ok_or_else(missing));
    module.map_err(|error| error.mended_by("name the module with --module"))
}
