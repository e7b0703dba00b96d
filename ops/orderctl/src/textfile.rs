//! A file of gauges for the textfile collector, replaced as a whole.

use std::ffi::OsString;
use std::path::Path;
use std::{fs, io, process};

use telemetry::Exposition;

use crate::exit::{Exit, Failure};

/// Puts the gauges in place of what the file held: a collector sees the old ones or the new ones.
pub(crate) fn replace(path: &Path, gauges: &Exposition) -> Result<(), Failure> {
    // Beside it, so that the renaming is atomic; no collector reads a name that ends like this.
    let mut draft = OsString::from(path);
    draft.push(format!(".{}", process::id()));
    let draft = Path::new(&draft);
    let written = fs::write(draft, gauges.text()).and_then(|()| fs::rename(draft, path));
    written.map_err(|error| {
        forget(draft);
        let what = format!("failed to write {}", path.display());
        let next = "check that the folder exists and may be written to, and the disk's space";
        Failure::new(Exit::Failed, what, next).because(error.to_string())
    })
}

/// What could not be written need not be there.
fn forget(draft: &Path) {
    match fs::remove_file(draft) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => eprintln!("{} stays behind: {error}", draft.display()),
    }
}
