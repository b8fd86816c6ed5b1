//! Keys: a tonic and a mode.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::PitchClass;

/// Major or minor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Ionian.
    Major,
    /// Aeolian (with the raised seventh as it comes).
    Minor,
}

/// A key such as A minor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// The tonic.
    pub tonic: PitchClass,
    /// The mode.
    pub mode: Mode,
}

impl Key {
    /// A key.
    pub const fn new(tonic: PitchClass, mode: Mode) -> Self {
        Self { tonic, mode }
    }

    /// All twenty-four: twelve major from C, then twelve minor from C.
    pub fn all() -> impl Iterator<Item = Self> {
        [Mode::Major, Mode::Minor]
            .into_iter()
            .flat_map(|mode| (0..12).map(move |pc| Self::new(PitchClass::new(pc), mode)))
    }

    /// Semitones of the scale above the tonic; natural minor for minor keys.
    pub const fn scale(self) -> [u8; 7] {
        match self.mode {
            Mode::Major => [0, 2, 4, 5, 7, 9, 11],
            Mode::Minor => [0, 2, 3, 5, 7, 8, 10],
        }
    }

    /// Whether `pc` lies in the scale.
    pub fn contains(self, pc: PitchClass) -> bool {
        self.scale().contains(&self.tonic.interval_to(pc))
    }

    /// The relative key: A minor for C major, and back.
    pub const fn relative(self) -> Self {
        match self.mode {
            Mode::Major => Self::new(self.tonic.up(-3), Mode::Minor),
            Mode::Minor => Self::new(self.tonic.up(3), Mode::Major),
        }
    }

    /// Sharps (positive) or flats (negative) of the signature, -5..=6.
    pub fn accidentals(self) -> i8 {
        let major = match self.mode {
            Mode::Major => self.tonic,
            Mode::Minor => self.tonic.up(3),
        };
        // Each fifth up from C adds a sharp; beyond six sharps the flat spelling is simpler.
        const SHARPS: [i8; 12] = [0, -5, 2, -3, 4, -1, 6, 1, -4, 3, -2, 5];
        SHARPS[usize::from(major.index())]
    }

    /// The score that MIREX gives an estimate: 1 exact, 0.5 a fifth off (either way), 0.3
    /// relative, 0.2 parallel, else 0.
    pub fn mirex_score(self, estimate: Self) -> f64 {
        if self == estimate {
            1.0
        } else if self.mode == estimate.mode && matches!(self.tonic.interval_to(estimate.tonic), 5 | 7) {
            0.5
        } else if self.relative() == estimate {
            0.3
        } else if self.tonic == estimate.tonic {
            0.2
        } else {
            0.0
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tonic = self.tonic.name(self.accidentals() < 0);
        let mode = match self.mode {
            Mode::Major => "major",
            Mode::Minor => "minor",
        };
        write!(f, "{tonic} {mode}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_and_relatives() {
        let a_minor = Key::new(PitchClass::A, Mode::Minor);
        assert_eq!(a_minor.relative(), Key::new(PitchClass::C, Mode::Major));
        assert_eq!(a_minor.accidentals(), 0);
        assert_eq!(Key::new(PitchClass::new(3), Mode::Minor).accidentals(), 6);
        for key in Key::all() {
            assert_eq!(key.relative().relative(), key);
            assert_eq!(key.relative().accidentals(), key.accidentals());
            let in_both = (0..12).filter(|&pc| {
                key.contains(PitchClass::new(pc)) && key.relative().contains(PitchClass::new(pc))
            });
            assert_eq!(in_both.count(), 7);
        }
    }

    #[test]
    fn mirex_weights() {
        let c = Key::new(PitchClass::C, Mode::Major);
        assert_eq!(c.mirex_score(Key::new(PitchClass::G, Mode::Major)), 0.5);
        assert_eq!(c.mirex_score(Key::new(PitchClass::F, Mode::Major)), 0.5);
        assert_eq!(c.mirex_score(Key::new(PitchClass::A, Mode::Minor)), 0.3);
        assert_eq!(c.mirex_score(Key::new(PitchClass::C, Mode::Minor)), 0.2);
        assert_eq!(c.mirex_score(Key::new(PitchClass::D, Mode::Major)), 0.0);
    }
}
