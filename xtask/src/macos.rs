//! macOS, from Debian: compiled as far as that goes without Apple's tools, which is everything but linking.

use anyhow::{Result, ensure};

use crate::cross::{debian_cargo, make};
use crate::run::target;
use crate::setup::{Purpose, setup};

const TRIPLES: [&str; 2] = ["aarch64-apple-darwin", "x86_64-apple-darwin"];

/// Checks every crate for both kinds of Mac. Tests and benchmarks are left out: what they alone need has C code in it
/// that asks for Apple's headers.
///
/// # Errors
/// Something does not compile, or warns.
pub fn check(yes: bool) -> Result<()> {
    setup(Purpose::Macos, yes)?;
    let mut warnings = Vec::new();
    for triple in TRIPLES {
        let mut cargo = debian_cargo();
        cargo.args(["check", "--workspace", "--lib", "--bins", "--target", triple, "--target-dir"]);
        cargo.arg(target().join("macos")).args(["-Z", "build-std=std,panic_unwind,test"]);
        // tract's kernels are assembled even for a check. No Apple headers are needed for that, so any folder is as
        // good as Apple's own.
        cargo.env("SDKROOT", "/").env("CC", "clang").env("HOST_CC", "cc");
        let made = make(&mut cargo)?;
        println!("macos: {triple} compiles, with {} warnings", made.warnings.len());
        warnings.extend(made.warnings.into_iter().map(|what| format!("{triple}: {what}")));
    }
    ensure!(warnings.is_empty(), "warnings:\n{}", warnings.join("\n"));
    Ok(())
}
