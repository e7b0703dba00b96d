//! Rebuilds the embedded migrator when a migration is added; the compiler only sees changed ones.

fn main() {
    println!("cargo:rerun-if-changed=../../schemas/postgres/migrations");
}
