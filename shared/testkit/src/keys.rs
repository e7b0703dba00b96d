//! Master keys for tests; they are no secret.

use std::path::PathBuf;
use std::sync::OnceLock;

/// A key file with one master key.
pub const KEYS: &str = "testkit dGVzdGtpdCBrZXlzIGFyZSBub3Qgc2VjcmV0IGtleXM=\n";

/// A key file for binaries, made once per process.
///
/// # Panics
/// When the folder for temporary files cannot be written.
pub fn key_file() -> PathBuf {
    static FILE: OnceLock<PathBuf> = OnceLock::new();
    let file = FILE.get_or_init(|| {
        let name = format!("orderflow-testkit-keys-{}", std::process::id());
        let file = std::env::temp_dir().join(name);
        std::fs::write(&file, KEYS).expect("the folder for temporary files can be written");
        file
    });
    file.clone()
}
