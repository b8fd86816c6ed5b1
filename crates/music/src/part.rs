//! The band's parts and the voices of its drum kit.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One member of the band.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The drum kit.
    Drums,
    /// Comping chords.
    Chords,
    /// The bass.
    Bass,
}

impl Part {
    /// All parts; the order is that of [`Part::index`].
    pub const ALL: [Self; 3] = [Self::Drums, Self::Chords, Self::Bass];

    /// Position in [`Part::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The name that files and tracks carry.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Drums => "Drums",
            Self::Chords => "Chords",
            Self::Bass => "Bass",
        }
    }

    /// The default MIDI channel, counted from 0: drums on 10, chords on 1, bass on 2 as users count.
    pub const fn default_channel(self) -> u8 {
        match self {
            Self::Drums => 9,
            Self::Chords => 0,
            Self::Bass => 1,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The nine voices of the kit: the classes of Gillick et al., "Learning to groove with inverse
/// sequence transformations", ICML 2019.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DrumVoice {
    /// Bass drum.
    Kick,
    /// Snare, rim and clap.
    Snare,
    /// Closed hi-hat.
    ClosedHat,
    /// Open hi-hat.
    OpenHat,
    /// Low (floor) tom.
    LowTom,
    /// Mid tom.
    MidTom,
    /// High tom.
    HighTom,
    /// Crash cymbal.
    Crash,
    /// Ride cymbal.
    Ride,
}

impl DrumVoice {
    /// All voices, kick first.
    pub const ALL: [Self; 9] = [
        Self::Kick,
        Self::Snare,
        Self::ClosedHat,
        Self::OpenHat,
        Self::LowTom,
        Self::MidTom,
        Self::HighTom,
        Self::Crash,
        Self::Ride,
    ];

    /// The General MIDI percussion key that this voice plays.
    pub const fn gm_key(self) -> u8 {
        match self {
            Self::Kick => 36,
            Self::Snare => 38,
            Self::ClosedHat => 42,
            Self::OpenHat => 46,
            Self::LowTom => 43,
            Self::MidTom => 47,
            Self::HighTom => 50,
            Self::Crash => 49,
            Self::Ride => 51,
        }
    }

    /// The voice of a General MIDI percussion key (and of the Roland keys in the Groove MIDI
    /// Dataset), or `None` for percussion outside the kit.
    pub const fn from_gm_key(key: u8) -> Option<Self> {
        Some(match key {
            35 | 36 => Self::Kick,
            37..=40 => Self::Snare,
            22 | 42 | 44 => Self::ClosedHat,
            26 | 46 => Self::OpenHat,
            41 | 43 | 58 => Self::LowTom,
            45 | 47 => Self::MidTom,
            48 | 50 => Self::HighTom,
            49 | 52 | 55 | 57 => Self::Crash,
            51 | 53 | 59 => Self::Ride,
            _ => return None,
        })
    }

    /// The name a musician reads.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kick => "Kick",
            Self::Snare => "Snare",
            Self::ClosedHat => "Closed hat",
            Self::OpenHat => "Open hat",
            Self::LowTom => "Low tom",
            Self::MidTom => "Mid tom",
            Self::HighTom => "High tom",
            Self::Crash => "Crash",
            Self::Ride => "Ride",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voices_and_keys_agree() {
        for voice in DrumVoice::ALL {
            assert_eq!(DrumVoice::from_gm_key(voice.gm_key()), Some(voice));
        }
        for (i, part) in Part::ALL.into_iter().enumerate() {
            assert_eq!(part.index(), i);
        }
    }
}
