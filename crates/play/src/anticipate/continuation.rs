//! What the chord net reads of the bars so far, seen from the chord that sounds, so that every key is one.

use backline_music::{Chord, PitchClass, Quality};

use backline_nets::{Model, NetError};

use super::{BarHarmony, Vote};

/// Twelve roots, each as major, minor or neither, and no chord.
pub const CLASSES: usize = 37;
const NO_CHORD: usize = CLASSES - 1;
/// Stands for a bar that was not there.
const NOTHING: usize = CLASSES;
/// Bars that are read: the first and the last chord of each.
const BARS: usize = 8;
/// The bars that lie so far before the one to come are read once more.
const LAGS: [usize; 3] = [4, 8, 16];
/// Classes and figures that are read.
pub const READ_CLASSES: usize = 2 * BARS + LAGS.len();
/// Shares of the witnesses' vote, and four figures on it.
pub const READ_FIGURES: usize = CLASSES + 4;

/// What is known before a bar: classes of chords ([`READ_CLASSES`] of them, [`CLASSES`] where there was none) and
/// figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The root from which all others are counted.
    pub pivot: PitchClass,
    /// Classes of the chords of the last bars, latest first, and of the bars that lie some lags back.
    pub classes: Vec<usize>,
    /// Shares of the vote by class, then the reach, its logarithm, the best share, and how much was heard.
    pub figures: Vec<f32>,
}

impl Reading {
    /// Reads `past` and the vote on what follows it.
    pub(super) fn of(past: &[BarHarmony], votes: &[Vote]) -> Self {
        let chords = || past.iter().rev().flat_map(|bar| bar.beats.iter().rev().filter_map(|b| b.chord));
        let pivot = chords().next().map_or(PitchClass::C, |c| c.root);
        let bar = |back: usize| past.len().checked_sub(back).and_then(|i| past.get(i));
        let first = |bar: &BarHarmony| bar.beats.first().map_or(NO_CHORD, |b| class(b.chord, pivot));
        let last = |bar: &BarHarmony| bar.beats.last().map_or(NO_CHORD, |b| class(b.chord, pivot));
        let mut classes = Vec::with_capacity(READ_CLASSES);
        for back in 1..=BARS {
            classes.extend([bar(back).map_or(NOTHING, first), bar(back).map_or(NOTHING, last)]);
        }
        classes.extend(LAGS.map(|lag| bar(lag).map_or(NOTHING, first)));
        let total: f64 = votes.iter().map(|v| v.weight).sum::<f64>().max(1e-9);
        let mut shares = [0.0_f64; CLASSES];
        let (mut reach, mut best) = (0.0_f64, 0.0_f64);
        for vote in votes {
            shares[class(vote.chord, pivot)] += vote.weight / total;
            reach = reach.max(vote.reach);
            best = best.max(vote.weight / total);
        }
        #[allow(clippy::cast_possible_truncation)] // figures for the net
        let mut figures: Vec<f32> = shares.iter().map(|&s| s as f32).collect();
        let heard = libm::log1p(past.len() as f64) / 5.0;
        #[allow(clippy::cast_possible_truncation)]
        figures.extend([reach.min(16.0) / 16.0, libm::log1p(reach) / 3.0, best, heard].map(|f| f as f32));
        Self { pivot, classes, figures }
    }

    /// The net's input: every class as 1 of 38, then the figures.
    pub fn features(&self) -> Vec<f32> {
        let mut x = vec![0.0; READ_CLASSES * (CLASSES + 1)];
        for (i, &class) in self.classes.iter().enumerate() {
            x[i * (CLASSES + 1) + class] = 1.0;
        }
        x.extend(&self.figures);
        x
    }
}

/// The net, if it reads and tells what is read and told here.
pub(crate) fn fitting(net: Model) -> Result<Model, NetError> {
    let card = net.card();
    let reads = card.features == READ_CLASSES * (CLASSES + 1) + READ_FIGURES && card.chunk == 1;
    if reads && card.columns("chord") == Some(0..CLASSES) {
        return Ok(net);
    }
    Err(NetError::Card { net: card.name.clone(), why: "it is no chord net".to_owned() })
}

/// The class of a chord, its root counted from `pivot`.
pub fn class(chord: Option<Chord>, pivot: PitchClass) -> usize {
    chord.map_or(NO_CHORD, |chord| {
        let family = match chord.quality.is_minor() {
            Some(false) => 0,
            Some(true) => 1,
            None => 2,
        };
        3 * usize::from(pivot.interval_to(chord.root)) + family
    })
}

/// The plain chord of a class: a triad, or no chord; `None` for the classes that are neither major nor minor.
pub(super) fn plain(class: usize, pivot: PitchClass) -> Option<Option<Chord>> {
    if class == NO_CHORD {
        return Some(None);
    }
    let quality = *[Quality::Maj, Quality::Min].get(class % 3)?;
    i32::try_from(class / 3).ok().map(|up| Some(Chord::new(pivot.up(up), quality)))
}
