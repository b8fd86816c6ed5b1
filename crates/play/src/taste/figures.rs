//! What a bar is like, as figures that taste can lean on.

use std::collections::BTreeMap;

use backline_music::{Part, PlannedBar, PlannedNote};

/// Below this a snare stroke is a ghost note.
const SOFT_VELOCITY: u8 = 50;
/// Strokes closer than this are struck together, in quarter notes.
const TOGETHER_BEATS: f64 = 0.1;

macro_rules! figures {
    ($($(#[$doc:meta])* $variant:ident $name:literal $spread:literal,)*) => {
        /// A figure of a bar.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Figure { $($(#[$doc])* $variant,)* }

        impl Figure {
            /// All of them.
            pub const ALL: [Self; COUNT] = [$(Self::$variant,)*];

            /// What a musician calls it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// By how much the takes of a bar usually deviate, in all styles:
            /// `cargo test -p backline-play --test taste spreads -- --nocapture`.
            const fn spread(self) -> f64 {
                match self { $(Self::$variant => $spread,)* }
            }
        }

        const COUNT: usize = [$($name,)*].len();
    };
}

figures! {
    /// Strokes a quarter note.
    DrumStrokes "drum strokes" 0.5,
    /// Mean strength of the drums.
    DrumLoudness "loud drums" 0.05,
    /// Soft strokes of the snare a quarter note.
    GhostNotes "ghost notes" 0.13,
    /// Kicks between the beats, a quarter note.
    KicksOffBeat "kicks off the beat" 0.21,
    /// How much more accented the places of the kicks are in what is heard than others.
    KicksWithRiff "kicks with what you play" 0.055,
    /// Open hats and crashes a quarter note.
    OpenCymbals "open cymbals" 0.21,
    /// Strokes on the toms a quarter note.
    Toms "toms" 0.05,
    /// Strokes of the chords a quarter note.
    ChordStrokes "chord strokes" 0.34,
    /// Share of them that fall between the beats.
    ChordsOffBeat "chords off the beat" 0.18,
    /// Mean key, in octaves.
    ChordRegister "high chords" 0.13,
    /// Mean length, in quarter notes.
    ChordLength "long chords" 0.6,
    /// Pitch classes in them.
    ChordColours "colours in the chords" 0.33,
    /// Mean strength of the chords.
    ChordLoudness "loud chords" 0.045,
    /// Notes a quarter note.
    BassNotes "bass notes" 0.29,
    /// Share of them that fall between the beats.
    BassOffBeat "bass off the beat" 0.1,
    /// Mean key, in octaves.
    BassRegister "high bass" 0.075,
    /// Mean step from note to note, in octaves.
    BassMovement "leaps of the bass" 0.11,
    /// Share of its notes that meet a kick.
    BassWithKick "bass with the kick" 0.115,
}

/// The figures of a bar, in usual deviations.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Figures(pub(super) [f64; COUNT]);

impl Figures {
    /// The number of figures.
    pub(super) const COUNT: usize = COUNT;

    /// Those of `bar`; `accents` were heard at its sixteenths, or are empty.
    pub(super) fn of(bar: &PlannedBar, accents: &[f32]) -> Self {
        let mut out = Self::default();
        let quarters = bar.metre.bar_quarters().max(0.25);
        let mut set = |figure: Figure, value: f64| out.0[figure as usize] = value / figure.spread();
        let part = |part| bar.notes.iter().filter(move |n| n.part == part);
        let key = |keys: &'static [u8]| part(Part::Drums).filter(move |n| keys.contains(&n.key));
        let off = |n: &&PlannedNote| {
            let at = (n.onset_beat - bar.start_beat) / bar.metre.tactus_quarters();
            (at - at.round()).abs() > 0.2
        };
        let rate = |count: usize| count as f64 / quarters;
        let velocity = |n: &PlannedNote| f64::from(n.velocity) / 127.0;

        let kicks: Vec<&PlannedNote> = key(&[36]).collect();
        let ghosts = key(&[37, 38, 39]).filter(|n| n.velocity < SOFT_VELOCITY).count();
        set(Figure::DrumStrokes, rate(part(Part::Drums).count()));
        set(Figure::DrumLoudness, mean(part(Part::Drums).map(velocity)));
        set(Figure::GhostNotes, rate(ghosts));
        set(Figure::KicksOffBeat, rate(kicks.iter().filter(|n| off(n)).count()));
        set(Figure::OpenCymbals, rate(key(&[46, 49]).count()));
        set(Figure::Toms, rate(key(&[45, 47, 50]).count()));
        let clean = |a: f32| if a.is_finite() { f64::from(a.clamp(0.0, 1.0)) } else { 0.0 };
        let under = |n: &&PlannedNote| {
            // Within a bar, so the cast is exact enough to find the sixteenth.
            let sixteenth = ((n.onset_beat - bar.start_beat) * 4.0).round().max(0.0) as usize;
            accents.get(sixteenth).copied().map(clean)
        };
        if !kicks.is_empty() && !accents.is_empty() {
            let everywhere = mean(accents.iter().copied().map(clean));
            set(Figure::KicksWithRiff, mean(kicks.iter().filter_map(under)) - everywhere);
        }

        let chords: Vec<&PlannedNote> = part(Part::Chords).collect();
        let mut strokes: Vec<&PlannedNote> = Vec::new();
        for &n in &chords {
            if strokes.last().is_none_or(|s| n.onset_beat - s.onset_beat > TOGETHER_BEATS) {
                strokes.push(n);
            }
        }
        let classes: std::collections::BTreeSet<u8> = chords.iter().map(|n| n.key % 12).collect();
        set(Figure::ChordStrokes, rate(strokes.len()));
        set(Figure::ChordsOffBeat, share(strokes.iter().filter(|n| off(n)).count(), strokes.len()));
        set(Figure::ChordRegister, mean(chords.iter().map(|n| f64::from(n.key) / 12.0)));
        set(Figure::ChordLength, mean(chords.iter().map(|n| n.length_beats)));
        set(Figure::ChordColours, classes.len() as f64);
        set(Figure::ChordLoudness, mean(chords.iter().map(|n| velocity(n))));

        let bass: Vec<&PlannedNote> = part(Part::Bass).collect();
        let step = |pair: &[&PlannedNote]| f64::from(pair[0].key.abs_diff(pair[1].key)) / 12.0;
        let meets =
            |n: &&&PlannedNote| kicks.iter().any(|k| (k.onset_beat - n.onset_beat).abs() < TOGETHER_BEATS);
        set(Figure::BassNotes, rate(bass.len()));
        set(Figure::BassOffBeat, share(bass.iter().filter(|n| off(n)).count(), bass.len()));
        set(Figure::BassRegister, mean(bass.iter().map(|n| f64::from(n.key) / 12.0)));
        set(Figure::BassMovement, mean(bass.windows(2).map(step)));
        set(Figure::BassWithKick, share(bass.iter().filter(meets).count(), bass.len()));
        out
    }

    /// Adds `weight` times another's.
    pub(super) fn add(&mut self, other: &Self, weight: f64) {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a += weight * b);
    }

    /// By name, rounded: what is stored.
    pub(super) fn by_name(&self) -> BTreeMap<String, f32> {
        let rounded = |v: f64| ((v * 1000.0).round() / 1000.0) as f32;
        Figure::ALL.iter().map(|f| (f.name().to_owned(), rounded(self.0[*f as usize]))).collect()
    }

    /// From what was stored; what is missing or no number counts as usual.
    pub(super) fn named(stored: &BTreeMap<String, f32>) -> Self {
        let mut out = Self::default();
        for figure in Figure::ALL {
            let value = stored.get(figure.name()).copied().filter(|v| v.is_finite()).unwrap_or(0.0);
            out.0[figure as usize] = f64::from(value).clamp(-10.0, 10.0);
        }
        out
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_usize), |(s, n), v| (s + v, n + 1));
    sum / count.max(1) as f64
}

fn share(some: usize, all: usize) -> f64 {
    some as f64 / all.max(1) as f64
}
