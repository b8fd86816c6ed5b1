//! From decoded frames to stretches of one chord, with their bass, probability and beat.

use backline_music::{Chord, ChordSpan, PitchClass, Quality};

use super::lattice::{Node, bass};
use super::params::{CLASSES, NO_CHORD, QUALITIES};
use crate::chroma::HOP_S;

/// A change of chord this near to a beat is on it.
const SNAP_S: f64 = 0.14;
/// Below this probability a bass note other than the root is not believed.
const BASS_TRUST: f32 = 0.5;

/// Frames of one class that follow each other.
#[derive(Clone)]
pub(crate) struct Run {
    pub(crate) class: usize,
    pub(crate) start: usize,
    frames: usize,
    posterior: [f32; CLASSES],
    y: [f32; 24],
}

impl Run {
    pub(crate) fn new(node: &Node) -> Self {
        Self { class: node.class, start: node.index, frames: 1, posterior: node.posterior, y: node.y }
    }

    pub(crate) fn add(&mut self, node: &Node) {
        self.frames += 1;
        for (sum, v) in self.posterior.iter_mut().zip(&node.posterior) {
            *sum += v;
        }
        for (sum, v) in self.y.iter_mut().zip(&node.y) {
            *sum += v;
        }
    }

    /// The span from `start_s` to `end_s`, said at `decided_s`.
    pub(crate) fn span(&self, start_s: f64, end_s: f64, decided_s: f64) -> ChordSpan {
        let n = self.frames as f32;
        let prob = self.posterior[self.class] / n;
        let first = usize::from(self.class == 0);
        let other = (0..CLASSES)
            .filter(|&c| c != self.class)
            .fold(first, |b, c| if self.posterior[c] > self.posterior[b] { c } else { b });
        let runner_up = (chord(other), self.posterior[other] / n);
        let Some(plain) = chord(self.class) else {
            return ChordSpan { start_s, end_s, chord: None, prob, runner_up: Some(runner_up), decided_s };
        };
        let (interval, certainty) = bass(self.class, &self.y.map(|v| v / n));
        let inverted = interval != 0 && certainty >= BASS_TRUST;
        let chord = if inverted { plain.over(plain.root.up(i32::from(interval))) } else { plain };
        // What speaks for another bass note speaks against this label.
        let prob = if inverted { prob * certainty } else { prob };
        ChordSpan { start_s, end_s, chord: Some(chord), prob, runner_up: Some(runner_up), decided_s }
    }
}

fn chord(class: usize) -> Option<Chord> {
    (class != NO_CHORD)
        .then(|| Chord::new(PitchClass::new((class / QUALITIES) as i32), Quality::ALL[class % QUALITIES]))
}

/// When the chord of frame `index` began: half a hop before it, or on a beat nearby.
pub(crate) fn boundary_s(index: usize, beats: &[f64]) -> f64 {
    if index == 0 {
        return 0.0;
    }
    let plain = (index as f64 - 0.5) * HOP_S;
    let next = beats.partition_point(|&b| b < plain);
    let near = [next.checked_sub(1), Some(next)].into_iter().flatten().filter_map(|i| beats.get(i).copied());
    near.min_by(|a, b| (a - plain).abs().total_cmp(&(b - plain).abs()))
        .filter(|b| (b - plain).abs() <= SNAP_S && *b > 0.0)
        .unwrap_or(plain)
}
