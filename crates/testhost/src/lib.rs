//! Real plug-in hosts in process: for the tests, the benchmarks and the proof that `install` gives.

mod clap_host;
mod rig;
mod vst3_host;

pub use clap_host::Clap;
pub use rig::{At, Host, Note, Run, ragged};
pub use vst3_host::Vst3;
