//! What hears pitch in a stream: chords and keys as they come, or only the chroma that they are made of.

use backline_music::{Beat, ChordSpan, Estimate, Key, KeySpan};

use crate::Models;
use crate::chroma::{ChromaExtractor, ChromaFrame};
use crate::harmony::Harmony;

pub(crate) enum Tones {
    /// Chords and keys while the music plays.
    Harmony(Box<Harmony>),
    /// Chroma alone, all of it: who hears with hindsight decides the harmony at the end.
    Chroma { extractor: Box<ChromaExtractor>, frames: Vec<ChromaFrame> },
}

impl Tones {
    /// Hears chords and keys.
    pub(crate) fn harmony(models: &Models) -> Self {
        Self::Harmony(Box::new(Harmony::new(models)))
    }

    /// Hears chroma only.
    pub(crate) fn chroma() -> Self {
        Self::Chroma { extractor: Box::new(ChromaExtractor::new()), frames: Vec::new() }
    }

    /// Takes samples in.
    pub(crate) fn push(&mut self, samples: &[f32]) {
        match self {
            Self::Harmony(harmony) => harmony.push(samples),
            Self::Chroma { extractor, frames } => {
                extractor.push(samples);
                frames.extend(std::iter::from_fn(|| extractor.pop()));
            }
        }
    }

    /// Takes a beat; beats come in order.
    pub(crate) fn on_beat(&mut self, beat: &Beat) {
        if let Self::Harmony(harmony) = self {
            harmony.on_beat(beat);
        }
    }

    /// Chroma frames that are kept.
    pub(crate) fn frames(&self) -> &[ChromaFrame] {
        match self {
            Self::Harmony(harmony) => harmony.frames(),
            Self::Chroma { frames, .. } => frames,
        }
    }

    /// Chords and keys so far and the key now; none where only chroma is heard.
    pub(crate) fn heard(&self) -> (&[ChordSpan], &[KeySpan], Option<Estimate<Key>>) {
        match self {
            Self::Harmony(harmony) => (harmony.chords(), harmony.keys(), harmony.key()),
            Self::Chroma { .. } => (&[], &[], None),
        }
    }

    /// How far back spans and frames are kept; `None` keeps all. Chroma alone is always kept.
    pub(crate) fn set_history_s(&mut self, history_s: Option<f64>) {
        if let Self::Harmony(harmony) = self {
            harmony.set_history_s(history_s);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chroma_alone_is_the_chroma_that_chords_are_heard_in() {
        let mono = backline_synth::demo::demo_song().mono();
        let (mut with, mut without) = (Tones::harmony(Models::built_in()), Tones::chroma());
        for hop in mono[..10 * 44_100].chunks(441) {
            with.push(hop);
            without.push(hop);
        }
        assert!(with.frames().len() > 200 && !with.heard().0.is_empty());
        assert_eq!(with.frames(), without.frames());
        assert!(without.heard().0.is_empty());
    }
}
