//! Pitch classes and their spelling.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ParseError;

/// One of the twelve pitch classes, C = 0 … B = 11. Arithmetic wraps at the octave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct PitchClass(u8);

impl PitchClass {
    /// C
    pub const C: Self = Self(0);
    /// D
    pub const D: Self = Self(2);
    /// E
    pub const E: Self = Self(4);
    /// F
    pub const F: Self = Self(5);
    /// G
    pub const G: Self = Self(7);
    /// A
    pub const A: Self = Self(9);
    /// B
    pub const B: Self = Self(11);

    /// The pitch class of any number of semitones above C; negative numbers wrap.
    pub const fn new(semitones_above_c: i32) -> Self {
        let wrapped = semitones_above_c.rem_euclid(12);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0..12
        Self(wrapped as u8)
    }

    /// Semitones above C, 0..=11.
    pub const fn index(self) -> u8 {
        self.0
    }

    /// The pitch class `semitones` higher.
    pub const fn up(self, semitones: i32) -> Self {
        Self::new(self.0 as i32 + semitones)
    }

    /// Semitones from `self` up to `other`, 0..=11.
    pub const fn interval_to(self, other: Self) -> u8 {
        Self::new(other.0 as i32 - self.0 as i32).0
    }

    /// The pitch class of a MIDI key number.
    pub const fn of_key(key: u8) -> Self {
        Self(key % 12)
    }

    /// The name with flats or sharps as `flats` says.
    pub const fn name(self, flats: bool) -> &'static str {
        const SHARPS: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
        const FLATS: [&str; 12] = ["C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B"];
        if flats { FLATS[self.0 as usize] } else { SHARPS[self.0 as usize] }
    }
}

impl From<PitchClass> for u8 {
    fn from(pc: PitchClass) -> Self {
        pc.0
    }
}

impl TryFrom<u8> for PitchClass {
    type Error = ParseError;
    fn try_from(value: u8) -> Result<Self, ParseError> {
        if value < 12 {
            Ok(Self(value))
        } else {
            Err(ParseError { what: "pitch class", text: value.to_string() })
        }
    }
}

impl fmt::Display for PitchClass {
    /// The commonest spelling in popular music: C, Db, D, Eb, E, F, F#, G, Ab, A, Bb, B.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name(self.0 != 6))
    }
}

impl FromStr for PitchClass {
    type Err = ParseError;

    /// A letter A–G followed by any number of `#` and `b`.
    fn from_str(s: &str) -> Result<Self, ParseError> {
        let err = || ParseError { what: "pitch class", text: s.to_owned() };
        let mut chars = s.chars();
        let natural = match chars.next().ok_or_else(err)? {
            'C' => 0,
            'D' => 2,
            'E' => 4,
            'F' => 5,
            'G' => 7,
            'A' => 9,
            'B' => 11,
            _ => return Err(err()),
        };
        chars
            .try_fold(natural, |pc, c| match c {
                '#' => Ok(pc + 1),
                'b' => Ok(pc - 1),
                _ => Err(err()),
            })
            .map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_comes_back() {
        for semitone in 0..12 {
            let pc = PitchClass::new(semitone);
            for flats in [false, true] {
                assert_eq!(pc.name(flats).parse::<PitchClass>().unwrap(), pc);
            }
            assert_eq!(pc.to_string().parse::<PitchClass>().unwrap(), pc);
        }
        assert_eq!("Cb".parse::<PitchClass>().unwrap(), PitchClass::B);
        assert_eq!("E#".parse::<PitchClass>().unwrap(), PitchClass::F);
        assert_eq!("Bbb".parse::<PitchClass>().unwrap(), PitchClass::A);
        for bad in ["", "H", "c", "C♯", "#"] {
            assert!(bad.parse::<PitchClass>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn arithmetic_wraps_both_ways() {
        assert_eq!(PitchClass::A.up(3), PitchClass::C);
        assert_eq!(PitchClass::C.up(-3), PitchClass::A);
        assert_eq!(PitchClass::A.interval_to(PitchClass::C), 3);
        assert_eq!(PitchClass::C.interval_to(PitchClass::A), 9);
    }
}
