//! How sure chords and keys are that are told with some probability (see [`crate::calibration`]).

use crate::calibration::{Calibration, line};

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
