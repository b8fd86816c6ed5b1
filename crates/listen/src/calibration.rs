//! From the decoders' own probabilities to how often they are right.
//!
//! Frames share their window and decoders take them for independent witnesses, so posteriors are too sure. A straight line
//! through their log odds (Platt scaling: Platt, Advances in Large Margin Classifiers, 1999) was fitted on validation songs, for
//! chords and keys by `python -m backline_training evaluate harmony`, which prints it and the error that is left on the test
//! songs, for beats and metres by `python -m backline_training.hear`, likewise.

/// A line through log odds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Calibration {
    slope: f32,
    offset: f32,
}

impl Calibration {
    /// The share of cases that are right among those said with probability `p`.
    pub(crate) fn of(self, p: f32) -> f32 {
        // Certainty has no log odds.
        let p = p.clamp(1e-6, 1.0 - 1e-6);
        1.0 / (1.0 + libm::expf(-(self.slope * libm::logf(p / (1.0 - p)) + self.offset)))
    }
}

/// The line of `slope` and `offset`.
pub(crate) const fn line(slope: f32, offset: f32) -> Calibration {
    Calibration { slope, offset }
}
