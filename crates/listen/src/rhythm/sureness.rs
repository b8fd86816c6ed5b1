//! How sure beats and metres are that are told with some probability (see [`crate::calibration`]): fitted on 160 validation pieces,
//! by how often a beat lies within 70 ms of a true one, and how often the metre at the end is the piece's.

use crate::calibration::{Calibration, line};

/// Of a stream: beats by the pointer's probability, metres by what counts the bars.
pub(super) const STREAM_BEAT: Calibration = line(0.60, -0.35);
pub(super) const STREAM_METRE: Calibration = line(0.69, -2.35);
/// Of a recording: beats by the probability of their tempo, metres by the share that the beats have of them in the mean.
pub(super) const RECORDING_BEAT: Calibration = line(0.98, 0.56);
pub(super) const RECORDING_METRE: Calibration = line(0.57, 0.32);
