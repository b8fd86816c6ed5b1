//! From the decoders' own probabilities to how often they are right.
//!
//! Frames share their window and decoders take them for independent witnesses, so posteriors are too sure. A straight line
//! through their log odds (Platt scaling: Platt, Advances in Large Margin Classifiers, 1999) was fitted on the validation songs;
//! `python -m backline_training evaluate harmony` prints the fit and the error that is left on the test songs.

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

/// Chords and keys of one way of hearing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sureness {
    pub(crate) chord: Calibration,
    pub(crate) key: Calibration,
}

/// A stream, by the net and by rules alone; a recording likewise.
pub(crate) const STREAM_NET: Sureness = Sureness { chord: line(0.51, -0.93), key: line(0.34, 0.20) };
pub(crate) const STREAM_RULES: Sureness = Sureness { chord: line(0.62, -1.09), key: line(0.44, -0.45) };
pub(crate) const RECORDING_NET: Sureness = Sureness { chord: line(0.43, -1.14), key: line(0.40, 0.10) };
pub(crate) const RECORDING_RULES: Sureness = Sureness { chord: line(0.44, -0.68), key: line(0.58, -0.58) };

/// Of a chord that is shown before it can be decoded.
pub(crate) const SHOWN_AT_ONCE: Calibration = line(0.68, -0.30);

const fn line(slope: f32, offset: f32) -> Calibration {
    Calibration { slope, offset }
}
