//! Makes Cargo embed the migrations again when one is added: the macro alone does not notice new files.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
