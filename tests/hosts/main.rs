//! The built plug-in in real hosts: CLAP through clack-host, VST3 through vst3-host, in this process.
#![allow(missing_docs)]

mod bundle;
mod live;
mod random;
mod song;

mod disk;
#[cfg(target_os = "linux")]
mod dropped;
mod edited;
mod everywhere;
mod fuzz;
mod kept;
mod linked;
mod muted;
mod notes;
mod saved;
mod soak;
#[cfg(target_os = "linux")]
mod window;
#[cfg(windows)]
mod window_on_windows;
