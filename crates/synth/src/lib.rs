//! The band's own small synthesiser: drums, electric piano and bass, without allocation.
//!
//! [`Synth`] sounds on the audio thread: after [`Synth::new`] nothing is allocated, locked or asked
//! of the system, and the same calls give the same samples on every platform and for every block
//! size. [`render`](render()) is the same synthesiser for files, and [`demo`] holds songs whose tempo, beats,
//! key, chords, drums and melody are known exactly, because they were written here.
//!
//! ```
//! use backline_music::Part;
//! use backline_synth::Synth;
//!
//! let mut synth = Synth::new(48_000.0);
//! synth.note_on(Part::Drums, 36, 110); // the kick
//! let (mut left, mut right) = (vec![0.0; 480], vec![0.0; 480]);
//! synth.render_add(&mut left, &mut right);
//! assert!(left.iter().any(|s| s.abs() > 0.1));
//! ```

mod bass;
pub mod demo;
mod drums;
mod dsp;
mod keys;
pub mod pluck;
mod render;
mod reverb;
mod synth;

pub use render::{Stereo, render};
pub use synth::Synth;
