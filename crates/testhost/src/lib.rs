//! Real plug-in hosts in process: for the tests, the benchmarks and the proof that `install` gives.

mod clap_host;
#[cfg(windows)]
mod parent;
mod rig;
mod vst3_host;

use std::path::PathBuf;

pub use clap_host::Clap;
#[cfg(windows)]
pub use parent::Parent;
pub use rig::{At, Host, Note, Run, ragged};
pub use vst3_host::Vst3;

/// The plug-in's library beside the running test or benchmark. Cargo builds it, in the same profile, before the test;
/// the one a folder up is only renewed by `cargo build`, and may be old.
///
/// # Panics
/// It is not there.
pub fn plugin_library() -> PathBuf {
    let exe = std::env::current_exe().expect("a running program has a path");
    let name = format!("{}backline{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let library = exe.parent().expect("a program lies in a folder").join(name);
    assert!(library.exists(), "{} is missing: run tests and benchmarks through cargo", library.display());
    library
}

/// What a window system calls a window: on X11 its number.
#[cfg(target_os = "linux")]
pub type Foreign = u32;
/// What a window system calls a window: an `HWND` on Windows, an `NSView` on macOS.
#[cfg(not(target_os = "linux"))]
pub type Foreign = *mut std::ffi::c_void;
