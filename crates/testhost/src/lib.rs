//! Real plug-in hosts in process: for the tests, the benchmarks and the proof that `install` gives.

mod clap_host;
#[cfg(windows)]
mod parent;
mod rig;
mod vst3_host;

pub use clap_host::Clap;
#[cfg(windows)]
pub use parent::Parent;
pub use rig::{At, Host, Note, Run, ragged};
pub use vst3_host::Vst3;

/// What a window system calls a window: on X11 its number.
#[cfg(target_os = "linux")]
pub type Foreign = u32;
/// What a window system calls a window: an `HWND` on Windows, an `NSView` on macOS.
#[cfg(not(target_os = "linux"))]
pub type Foreign = *mut std::ffi::c_void;
