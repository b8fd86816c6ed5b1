//! How a key spells notes and chords: C#m in E major, Dbmaj7 in A flat major, D/F# anywhere.
//!
//! Names lie on the line of fifths (… Bb F C G D A E B F# …), on which a signature is one place and the
//! notes of its scale are seven neighbours. A root takes the name nearest to them; a bass note is named
//! as the degree of the root that it is. No name has two accidentals: such notes are named as charts do.

use std::fmt;
use std::str::FromStr;

use crate::{Chord, Key, ParseError, PitchClass, Quality};

/// Letters in the order of fifths; F lies one below C.
const LETTERS: [char; 7] = ['F', 'C', 'G', 'D', 'A', 'E', 'B'];
/// Fifths above the signature's major tonic at which roots begin: bII … #IV, so that borrowed chords are
/// flat (bIII, bVI, bVII) and only the raised fourth is sharp.
const BORROWED: i8 = -5;
/// The same for diminished chords, which lead up to the root after them: bVII … #II, with #I, #IV and #V.
const LEADING: i8 = -2;
/// Names of roots go from Gb (Cb and Fb are on few charts) to B#.
const ROOTS: (i8, i8) = (-6, 12);
/// Names with one accidental go from Fb to B#.
const SINGLE: (i8, i8) = (-8, 12);

/// The name of a note: a letter with at most one accidental.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NoteName(i8);

impl NoteName {
    /// What `pc` is called in a key: as a root that is not diminished; without a key as songs without
    /// signature have it: C, Db, D, Eb, E, F, F#, G, Ab, A, Bb, B.
    pub fn in_key(pc: PitchClass, key: Option<Key>) -> Self {
        Self::nearest(pc, signature(key) + BORROWED).within(ROOTS)
    }

    /// The letter, `A` to `G`.
    pub fn letter(self) -> char {
        let at = usize::try_from((self.0 + 1).rem_euclid(7)).unwrap_or(0);
        LETTERS[at]
    }

    /// -1 for a flat, 1 for a sharp, else 0.
    pub const fn alter(self) -> i8 {
        (self.0 + 1).div_euclid(7)
    }

    /// The note.
    pub fn pitch_class(self) -> PitchClass {
        PitchClass::new(7 * i32::from(self.0))
    }

    /// The name of `pc` among the twelve from `lowest` up.
    fn nearest(pc: PitchClass, lowest: i8) -> Self {
        let above = (7 * i32::from(pc.index()) - i32::from(lowest)).rem_euclid(12);
        Self(lowest + i8::try_from(above).unwrap_or(0))
    }

    /// The same note by a name that is not too far out.
    const fn within(self, (flattest, sharpest): (i8, i8)) -> Self {
        if self.0 < flattest {
            Self(self.0 + 12)
        } else if self.0 > sharpest {
            Self(self.0 - 12)
        } else {
            self
        }
    }
}

impl fmt::Display for NoteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let accidental = match self.alter() {
            -1 => "b",
            1 => "#",
            _ => "",
        };
        write!(f, "{}{accidental}", self.letter())
    }
}

impl FromStr for NoteName {
    type Err = ParseError;

    /// A letter A–G, alone or with one `#` or `b`.
    fn from_str(s: &str) -> Result<Self, ParseError> {
        let err = || ParseError { what: "note name", text: s.to_owned() };
        (SINGLE.0..=SINGLE.1).map(Self).find(|name| name.to_string() == s).ok_or_else(err)
    }
}

/// The place of a key's major tonic on the line of fifths: its sharps, or minus its flats.
fn signature(key: Option<Key>) -> i8 {
    key.map_or(0, Key::accidentals)
}

/// Fifths from a root to the bass so many semitones above it: b2 2 b3 3 4 #4 5 b6 6 b7 7, but for the
/// chord's own b5, #5 and bb7.
fn degree_fifths(quality: Quality, semitones: u8) -> i8 {
    const FIFTHS: [i8; 12] = [0, -5, 2, -3, 4, -1, 6, 1, -4, 3, -2, 5];
    match (quality, semitones) {
        (Quality::Dim | Quality::Hdim7 | Quality::Dim7, 6) => -6,
        (Quality::Aug, 8) => 8,
        (Quality::Dim7, 9) => -9,
        (_, semitones) => FIFTHS[usize::from(semitones % 12)],
    }
}

impl Chord {
    /// What the root and the bass are called in a key; without a key, roots are called as
    /// [`NoteName::in_key`] says.
    pub fn names_in(self, key: Option<Key>) -> (NoteName, NoteName) {
        let diminished = matches!(self.quality, Quality::Dim | Quality::Dim7 | Quality::Hdim7);
        let root = match key {
            Some(_) if diminished => NoteName::nearest(self.root, signature(key) + LEADING).within(ROOTS),
            _ => NoteName::in_key(self.root, key),
        };
        (root, self.bass_below(root))
    }

    fn bass_below(self, root: NoteName) -> NoteName {
        NoteName(root.0 + degree_fifths(self.quality, self.root.interval_to(self.bass))).within(SINGLE)
    }

    /// What a musician reads on a lead sheet in a key, for example `F#m7b5/A`.
    pub fn symbol_in(self, key: Option<Key>) -> String {
        self.symbol_on(self.names_in(key).0)
    }

    /// The same with the root's name given, for example by a label that was read.
    pub fn symbol_on(self, root: NoteName) -> String {
        let suffix = self.quality.suffix();
        if self.bass == self.root {
            format!("{root}{suffix}")
        } else {
            format!("{root}{suffix}/{}", self.bass_below(root))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Mode, chord};

    fn key(text: &str) -> Option<Key> {
        let (tonic, mode) = text.split_once(' ').unwrap();
        let mode = if mode == "minor" { Mode::Minor } else { Mode::Major };
        Some(Key::new(tonic.parse().unwrap(), mode))
    }

    #[test]
    fn chords_are_spelt_as_their_key_has_it() {
        for (name, chords) in [
            ("E major", "E F#m G#m A B C#m D#dim | C D G F A#dim A#m7b5 G#7 E/G# C#m/E B/D# B7/A F#m/C#"),
            ("C minor", "Cm Ddim Eb Fm Gm Ab Bb | Db F#dim7 Bdim Cm/Eb Eb/G Ab/Eb Gm/Bb G7/B"),
            ("C major", "Bb Eb Ab Db F# F#dim G#dim7 C#dim7 D#dim7 Bbdim D7/F# E7/G# A/C# C/F# Fm/Ab C7/Bb"),
            ("A minor", "Am/G# Am/F# E/G# Bb Eb F# G#dim C#dim D#dim7 Caug/G#"),
            ("G major", "D/F# Eb F Bb C#m7b5 G/B B7/D# Cm/Eb"),
            ("F major", "Bb Eb Db Ab Gb C#dim7 F#dim7 Bdim A7/C# D/F# C/E"),
            ("Ab major", "Ab Bbm Cm Db Eb Fm Gdim | Gb E B Ddim Eb/G Db/F Dbm/Fb Abm/Cb"),
            ("Db major", "Gb Ebm Bbm Db/F Gb/Bb D A E"),
            ("B major", "C#m D#m G#m A#dim E#dim F#/A# G#/B# D#/G"),
            ("F# major", "C#/E# G#m A#m B D#m E#dim B#dim"),
            ("D# minor", "D#m E#dim F# G#m A#m B C#"),
        ] {
            for symbol in chords.split_whitespace().filter(|word| *word != "|") {
                let chord = Chord::from_symbol(symbol).unwrap();
                assert_eq!(chord.symbol_in(key(name)), symbol, "{chord} in {name}");
            }
        }
        let first_inversion: Chord = "D:maj/3".parse().unwrap();
        assert_eq!(first_inversion.symbol(), "D/F#");
        assert_eq!("A:maj/3".parse::<Chord>().unwrap().symbol(), "A/C#");
    }

    #[test]
    fn every_spelling_in_every_key_reads_back() {
        for key in Key::all().map(Some).chain([None]) {
            for pc in (0..12).map(PitchClass::new) {
                let name = NoteName::in_key(pc, key);
                assert_eq!((name.pitch_class(), name.to_string().parse()), (pc, Ok(pc)));
                for quality in Quality::ALL {
                    for bass in (0..12).map(PitchClass::new) {
                        let chord = Chord::new(pc, quality).over(bass);
                        let (symbol, label) = (chord.symbol_in(key), chord::label_in(Some(chord), key));
                        assert_eq!(Chord::from_symbol(&symbol).unwrap(), chord, "{symbol} in {key:?}");
                        let root: NoteName = label.split(':').next().unwrap().parse().unwrap();
                        assert_eq!(chord.symbol_on(root), symbol);
                        assert_eq!(chord::parse_label(&label).unwrap(), Some(chord), "{label} in {key:?}");
                        let (root, bass) = chord.names_in(key);
                        assert!(root.alter().abs() <= 1 && bass.alter().abs() <= 1, "{symbol} in {key:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_scale_is_spelt_as_its_signature() {
        for key in Key::all() {
            let names: Vec<NoteName> = key
                .scale()
                .iter()
                .map(|&s| NoteName::in_key(key.tonic.up(i32::from(s)), Some(key)))
                .collect();
            let mut letters: Vec<char> = names.iter().map(|name| name.letter()).collect();
            letters.sort_unstable();
            letters.dedup();
            assert_eq!(letters.len(), 7, "{key}: {names:?}");
            assert_eq!(names.iter().map(|name| name.alter()).sum::<i8>(), key.accidentals(), "{key}");
            assert!(key.to_string().starts_with(&format!("{} ", names[0])));
        }
    }
}
