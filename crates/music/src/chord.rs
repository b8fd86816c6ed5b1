//! Chords: root, quality and bass, in Harte's syntax and in lead-sheet symbols.
//!
//! Harte, Sandler, Abdallah & Gómez, "Symbolic representation of musical chords", ISMIR 2005. The
//! vocabulary is the one that the listener can tell apart; richer labels are read as the nearest
//! member, so that annotations in the wild can be scored.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Key, ParseError, PitchClass};

/// The kinds of chord that Backline hears and plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quality {
    /// Major triad: 1 3 5.
    Maj,
    /// Minor triad: 1 b3 5.
    Min,
    /// Dominant seventh: 1 3 5 b7. Harte writes `7`.
    Dom7,
    /// Major seventh: 1 3 5 7.
    Maj7,
    /// Minor seventh: 1 b3 5 b7.
    Min7,
    /// Diminished triad: 1 b3 b5.
    Dim,
    /// Augmented triad: 1 3 #5.
    Aug,
    /// Suspended second: 1 2 5.
    Sus2,
    /// Suspended fourth: 1 4 5.
    Sus4,
    /// Half-diminished seventh: 1 b3 b5 b7.
    Hdim7,
    /// Diminished seventh: 1 b3 b5 bb7.
    Dim7,
}

impl Quality {
    /// All of them, in the order of the discriminants.
    pub const ALL: [Self; 11] = [
        Self::Maj,
        Self::Min,
        Self::Dom7,
        Self::Maj7,
        Self::Min7,
        Self::Dim,
        Self::Aug,
        Self::Sus2,
        Self::Sus4,
        Self::Hdim7,
        Self::Dim7,
    ];

    /// Semitones of the chord's tones above its root, ascending from 0.
    pub const fn intervals(self) -> &'static [u8] {
        match self {
            Self::Maj => &[0, 4, 7],
            Self::Min => &[0, 3, 7],
            Self::Dom7 => &[0, 4, 7, 10],
            Self::Maj7 => &[0, 4, 7, 11],
            Self::Min7 => &[0, 3, 7, 10],
            Self::Dim => &[0, 3, 6],
            Self::Aug => &[0, 4, 8],
            Self::Sus2 => &[0, 2, 7],
            Self::Sus4 => &[0, 5, 7],
            Self::Hdim7 => &[0, 3, 6, 10],
            Self::Dim7 => &[0, 3, 6, 9],
        }
    }

    /// Harte's shorthand, for example `min7`.
    pub const fn harte(self) -> &'static str {
        match self {
            Self::Maj => "maj",
            Self::Min => "min",
            Self::Dom7 => "7",
            Self::Maj7 => "maj7",
            Self::Min7 => "min7",
            Self::Dim => "dim",
            Self::Aug => "aug",
            Self::Sus2 => "sus2",
            Self::Sus4 => "sus4",
            Self::Hdim7 => "hdim7",
            Self::Dim7 => "dim7",
        }
    }

    /// The suffix of a lead-sheet symbol, for example `m7`.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Maj => "",
            Self::Min => "m",
            Self::Dom7 => "7",
            Self::Maj7 => "maj7",
            Self::Min7 => "m7",
            Self::Dim => "dim",
            Self::Aug => "aug",
            Self::Sus2 => "sus2",
            Self::Sus4 => "sus4",
            Self::Hdim7 => "m7b5",
            Self::Dim7 => "dim7",
        }
    }

    /// Whether the third is minor (so that majmin scoring counts it as minor); `None` for the
    /// qualities that majmin scoring leaves out (no third, or no perfect fifth).
    pub const fn is_minor(self) -> Option<bool> {
        match self {
            Self::Maj | Self::Dom7 | Self::Maj7 => Some(false),
            Self::Min | Self::Min7 => Some(true),
            _ => None,
        }
    }

    fn from_harte(shorthand: &str) -> Option<Self> {
        Some(match shorthand {
            "maj" | "" | "maj6" | "6" | "5" | "1" | "add9" => Self::Maj,
            "min" | "min6" | "minadd9" => Self::Min,
            "7" | "9" | "11" | "13" => Self::Dom7,
            "maj7" | "maj9" | "maj11" | "maj13" => Self::Maj7,
            "min7" | "min9" | "min11" | "min13" | "minmaj7" => Self::Min7,
            "dim" => Self::Dim,
            "aug" => Self::Aug,
            "sus2" => Self::Sus2,
            "sus4" | "sus" => Self::Sus4,
            "hdim7" | "hdim" => Self::Hdim7,
            "dim7" => Self::Dim7,
            _ => return None,
        })
    }
}

/// A chord. "No chord" is `Option::<Chord>::None` wherever a chord may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Chord {
    /// The root.
    pub root: PitchClass,
    /// The kind of chord.
    pub quality: Quality,
    /// The lowest note; equal to the root in root position.
    pub bass: PitchClass,
}

impl Chord {
    /// A chord in root position.
    pub const fn new(root: PitchClass, quality: Quality) -> Self {
        Self { root, quality, bass: root }
    }

    /// The same chord over another bass note.
    pub const fn over(self, bass: PitchClass) -> Self {
        Self { bass, ..self }
    }

    /// The chord tones as pitch classes, root first.
    pub fn tones(self) -> impl Iterator<Item = PitchClass> + Clone {
        self.quality.intervals().iter().map(move |&i| self.root.up(i32::from(i)))
    }

    /// Whether `pc` is one of the chord's tones (the bass note of a slash chord counts).
    pub fn contains(self, pc: PitchClass) -> bool {
        pc == self.bass || self.tones().any(|t| t == pc)
    }

    /// Reads a lead-sheet symbol, for example `F#m7b5/A`, in the spellings that are common.
    ///
    /// # Errors
    /// The text is no symbol of a chord that is known.
    pub fn from_symbol(text: &str) -> Result<Self, ParseError> {
        let err = || ParseError { what: "chord symbol", text: text.to_owned() };
        let (body, bass) = match text.trim().split_once('/') {
            Some((body, bass)) => (body, Some(bass)),
            None => (text.trim(), None),
        };
        let letters = body.char_indices().take_while(|&(i, c)| i == 0 || matches!(c, '#' | 'b'));
        let root_end = letters.last().map_or(0, |(i, c)| i + c.len_utf8());
        let (root, kind) = body.split_at(root_end);
        let root: PitchClass = root.parse().map_err(|_| err())?;
        let quality = match kind {
            "M" => Quality::Maj,
            "min" | "-" => Quality::Min,
            "M7" | "Δ" | "Δ7" | "ma7" => Quality::Maj7,
            "min7" | "-7" => Quality::Min7,
            "°" | "o" => Quality::Dim,
            "°7" | "o7" => Quality::Dim7,
            "+" => Quality::Aug,
            "sus" => Quality::Sus4,
            "ø" | "ø7" | "-7b5" | "min7b5" => Quality::Hdim7,
            "6" | "add9" | "5" => Quality::Maj,
            "m6" | "madd9" => Quality::Min,
            "9" | "13" | "11" => Quality::Dom7,
            "m9" | "m11" => Quality::Min7,
            "maj9" => Quality::Maj7,
            kind => Quality::ALL.into_iter().find(|q| q.suffix() == kind).ok_or_else(err)?,
        };
        let bass = bass.map_or(Ok(root), str::parse).map_err(|_| err())?;
        Ok(Self { root, quality, bass })
    }

    /// What a musician reads where the key is not known, for example `F#m7b5/A`; where it is, use
    /// [`symbol_in`](Self::symbol_in).
    pub fn symbol(self) -> String {
        self.symbol_in(None)
    }
}

/// Harte's names for the semitones of a bass note above the root.
const DEGREES: [&str; 12] = ["1", "b2", "2", "b3", "3", "4", "b5", "5", "#5", "6", "b7", "7"];

impl fmt::Display for Chord {
    /// Harte's syntax: `C:maj`, `A:min7/b3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&label_in(Some(*self), None))
    }
}

/// Semitones of a Harte degree such as `b7` or `#9`.
fn degree_semitones(degree: &str) -> Option<i32> {
    let digits = degree.trim_start_matches(['b', '#']);
    let shift: i32 =
        degree[..degree.len() - digits.len()].chars().map(|c| if c == 'b' { -1 } else { 1 }).sum();
    let number: usize = digits.parse().ok().filter(|n| (1..=13).contains(n))?;
    Some([0, 2, 4, 5, 7, 9, 11][(number - 1) % 7] + shift)
}

impl FromStr for Chord {
    type Err = ParseError;

    /// Harte's syntax. Extensions in brackets are read as the nearest quality; `N` and `X` are not
    /// chords: use [`parse_label`] for labels that may be `N`.
    fn from_str(s: &str) -> Result<Self, ParseError> {
        let err = || ParseError { what: "chord", text: s.to_owned() };
        let (body, bass) = match s.split_once('/') {
            Some((body, bass)) => (body, Some(bass)),
            None => (s, None),
        };
        let (root, kind) = body.split_once(':').unwrap_or((body, "maj"));
        let root: PitchClass = root.parse().map_err(|_| err())?;
        let (shorthand, degrees) = match kind.split_once('(') {
            Some((shorthand, rest)) => (shorthand, rest.strip_suffix(')').ok_or_else(err)?),
            None => (kind, ""),
        };
        let mut quality = Quality::from_harte(shorthand).ok_or_else(err)?;
        let has = |d: &str| degrees.split(',').any(|x| x.trim() == d);
        if has("b7") {
            quality = match quality {
                Quality::Maj => Quality::Dom7,
                Quality::Min => Quality::Min7,
                Quality::Dim => Quality::Hdim7,
                other => other,
            };
        } else if has("7") && quality == Quality::Maj {
            quality = Quality::Maj7;
        }
        if shorthand.is_empty() && has("b3") {
            quality = if has("b7") { Quality::Min7 } else { Quality::Min };
        }
        let bass = match bass {
            Some(degree) => root.up(degree_semitones(degree).ok_or_else(err)?),
            None => root,
        };
        Ok(Self { root, quality, bass })
    }
}

/// Reads a label that may be `N` (no chord) or `X` (unknown, read as no chord).
///
/// # Errors
/// The text is neither a chord in Harte's syntax nor `N` or `X`.
pub fn parse_label(label: &str) -> Result<Option<Chord>, ParseError> {
    match label {
        "N" | "X" => Ok(None),
        chord => chord.parse().map(Some),
    }
}

/// The label of a chord or of none, in Harte's syntax.
pub fn label(chord: Option<Chord>) -> String {
    label_in(chord, None)
}

/// The label of a chord or of none, in Harte's syntax, with the root as a key spells it.
pub fn label_in(chord: Option<Chord>, key: Option<Key>) -> String {
    let Some(chord) = chord else { return "N".to_owned() };
    let root = chord.names_in(key).0;
    let quality = chord.quality.harte();
    if chord.bass == chord.root {
        return format!("{root}:{quality}");
    }
    let degree = DEGREES[usize::from(chord.root.interval_to(chord.bass))];
    format!("{root}:{quality}/{degree}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chord_survives_its_label() {
        for root in 0..12 {
            for quality in Quality::ALL {
                for bass in 0..12 {
                    let chord = Chord::new(PitchClass::new(root), quality).over(PitchClass::new(bass));
                    assert_eq!(chord.to_string().parse::<Chord>().unwrap(), chord, "{chord}");
                    assert_eq!(Chord::from_symbol(&chord.symbol()).unwrap(), chord, "{chord}");
                }
            }
        }
    }

    #[test]
    fn symbols_in_the_wild() {
        for (text, expected) in
            [("Bbm7", "Bb:min7"), ("F#ø", "F#:hdim7"), ("C/E", "C:maj/3"), (" G13 ", "G:7"), ("A-", "A:min")]
        {
            assert_eq!(Chord::from_symbol(text).unwrap().to_string(), expected, "{text}");
        }
        for bad in ["", "Verse", "Chorus 2", "/", "C/", "N.C.", "Bridge"] {
            assert!(Chord::from_symbol(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn labels_in_the_wild() {
        for (text, expected) in [
            ("C", "C:maj"),
            ("Bb:maj(9)/5", "Bb:maj/5"),
            ("D:maj(b7)", "D:7"),
            ("E:min(b7)/b7", "E:min7/b7"),
            ("G:sus4(b7)", "G:sus4"),
            ("A:(1,b3,5)", "A:min"),
            ("F#:min9", "F#:min7"),
        ] {
            assert_eq!(text.parse::<Chord>().unwrap().to_string(), expected, "{text}");
        }
        for bad in ["", "N", "H:maj", "C:blue", "C:maj/x", "C:maj/99", "C:maj(9"] {
            assert!(bad.parse::<Chord>().is_err(), "{bad:?}");
        }
        assert_eq!(parse_label("N").unwrap(), None);
    }
}
