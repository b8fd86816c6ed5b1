//! Backline's neural nets: ONNX models loaded, checked, and stepped with explicit state.
//!
//! A net is a folder of two files: `net.onnx` and `net.json` ([`Card`]), which holds the checksum of the
//! first and the shapes of what goes in and out. The convention (written by
//! `models/training/backline_training/onnx_file.py`): inputs `x` \[1, chunk, features\] and `state_0`,
//! `state_1`, …; outputs `y` \[1, chunk, outputs\] and the states after the chunk, in the same order. All are
//! 32-bit floats, `y` are logits, and states start at zero. Nothing here belongs on an audio thread:
//! running a net allocates.

mod caches;
mod card;
mod error;
mod model;
mod registers;
mod sane;
mod stream;

pub use card::{Card, Output};
pub use error::NetError;
pub use model::{Model, read_folder};
pub use stream::Stream;
