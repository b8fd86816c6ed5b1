//! Metre: how beats group into bars.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ParseError;

/// A time signature such as 4/4 or 6/8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Metre {
    /// Upper number.
    pub numerator: u8,
    /// Lower number: 1, 2, 4, 8, 16 or 32.
    pub denominator: u8,
}

impl Metre {
    /// 4/4
    pub const FOUR_FOUR: Self = Self { numerator: 4, denominator: 4 };
    /// 3/4
    pub const THREE_FOUR: Self = Self { numerator: 3, denominator: 4 };
    /// 6/8
    pub const SIX_EIGHT: Self = Self { numerator: 6, denominator: 8 };

    /// A metre, or `None` when a number is out of range (numerator 1..=32, denominator a power of
    /// two up to 32).
    pub const fn new(numerator: u8, denominator: u8) -> Option<Self> {
        if numerator >= 1 && numerator <= 32 && denominator.is_power_of_two() && denominator <= 32 {
            Some(Self { numerator, denominator })
        } else {
            None
        }
    }

    /// Length of a bar in quarter notes.
    pub fn bar_quarters(self) -> f64 {
        f64::from(self.numerator) * 4.0 / f64::from(self.denominator)
    }

    /// Whether the felt beat is three of the written units (6/8, 9/8, 12/8).
    pub const fn is_compound(self) -> bool {
        self.denominator == 8 && self.numerator.is_multiple_of(3) && self.numerator > 3
    }

    /// Felt beats (tactus) in a bar: 4 in 4/4, 2 in 6/8.
    pub const fn tactus_per_bar(self) -> u8 {
        if self.is_compound() { self.numerator / 3 } else { self.numerator }
    }

    /// Length of a felt beat in quarter notes: 1 in 4/4, 1.5 in 6/8.
    pub fn tactus_quarters(self) -> f64 {
        self.bar_quarters() / f64::from(self.tactus_per_bar())
    }
}

impl Default for Metre {
    fn default() -> Self {
        Self::FOUR_FOUR
    }
}

impl fmt::Display for Metre {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}

impl FromStr for Metre {
    type Err = ParseError;
    fn from_str(s: &str) -> Result<Self, ParseError> {
        s.split_once('/')
            .and_then(|(n, d)| Self::new(n.trim().parse().ok()?, d.trim().parse().ok()?))
            .ok_or_else(|| ParseError { what: "metre", text: s.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_and_beats() {
        assert_eq!(Metre::FOUR_FOUR.bar_quarters(), 4.0);
        assert_eq!(Metre::SIX_EIGHT.bar_quarters(), 3.0);
        assert_eq!(Metre::SIX_EIGHT.tactus_per_bar(), 2);
        assert_eq!(Metre::SIX_EIGHT.tactus_quarters(), 1.5);
        assert_eq!("7/8".parse::<Metre>().unwrap().bar_quarters(), 3.5);
        for bad in ["", "4", "0/4", "4/3", "4/0", "300/4", "4/4/4"] {
            assert!(bad.parse::<Metre>().is_err(), "{bad:?}");
        }
    }
}
