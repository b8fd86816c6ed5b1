//! From decoded frames to stretches of one chord, with their bass, probability and beat.

use backline_music::{Chord, ChordSpan, PitchClass, Quality};

use super::lattice::{Node, arg_max, bass};
use super::net::BASSES;
use super::params::{CLASSES, NO_CHORD, QUALITIES};
use super::sureness::SHOWN_AT_ONCE;
use crate::calibration::Calibration;
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
    /// Sum of the net's log probabilities of the bass, over as many frames as it told.
    bass: [f32; BASSES],
    told: usize,
}

impl Run {
    pub(crate) fn new(node: &Node) -> Self {
        let mut run = Self {
            class: node.class,
            start: node.index,
            frames: 0,
            posterior: [0.0; CLASSES],
            y: [0.0; 24],
            bass: [0.0; BASSES],
            told: 0,
        };
        run.add(node);
        run
    }

    pub(crate) fn add(&mut self, node: &Node) {
        self.frames += 1;
        for (sum, v) in self.posterior.iter_mut().zip(&node.posterior) {
            *sum += v;
        }
        for (sum, v) in self.y.iter_mut().zip(&node.y) {
            *sum += v;
        }
        if let Some(told) = &node.told {
            self.told += 1;
            for (sum, v) in self.bass.iter_mut().zip(&told.bass) {
                *sum += v;
            }
        }
    }

    /// Likeliest bass interval above the root, with its probability.
    fn bass(&self) -> (u8, f32) {
        // The net, if it told of at least half of the frames.
        if 2 * self.told < self.frames {
            return bass(self.class, &self.y.map(|v| v / self.frames as f32));
        }
        let powers: [f32; 12] = core::array::from_fn(|pc| libm::expf(self.bass[pc] / self.told as f32));
        let best = arg_max(&powers);
        let interval = (best + 12 - self.class / QUALITIES) % 12;
        (interval as u8, powers[best] / powers.iter().sum::<f32>())
    }

    /// The span from `start_s` to `end_s`, said at `decided_s`.
    pub(crate) fn span(&self, start_s: f64, end_s: f64, decided_s: f64, sure: Calibration) -> ChordSpan {
        let n = self.frames as f32;
        let prob = self.posterior[self.class] / n;
        let first = usize::from(self.class == 0);
        let other = (0..CLASSES)
            .filter(|&c| c != self.class)
            .fold(first, |b, c| if self.posterior[c] > self.posterior[b] { c } else { b });
        let plain = chord(self.class);
        let inversion = plain
            .map(|_| self.bass())
            .filter(|(interval, certainty)| *interval != 0 && *certainty >= BASS_TRUST);
        let heard = plain.map(|chord| match inversion {
            Some((interval, _)) => chord.over(chord.root.up(i32::from(interval))),
            None => chord,
        });
        // What speaks for another bass note speaks against this label.
        let prob = sure.of(prob * inversion.map_or(1.0, |(_, certainty)| certainty));
        // The best path may hold on to a chord through frames that are likelier another.
        let other_prob = sure.of(self.posterior[other] / n).min(prob).min(1.0 - prob);
        ChordSpan {
            start_s,
            end_s,
            chord: heard,
            prob,
            runner_up: Some((chord(other), other_prob)),
            decided_s,
        }
    }
}

/// The span of a class that is said to sound since `start_s`, after `last`, before it can be decoded; in root position. `prob`
/// is as it was heard.
pub(crate) fn tentative(class: usize, prob: f32, start_s: f64, last: &ChordSpan) -> ChordSpan {
    let prob = SHOWN_AT_ONCE.of(prob);
    let runner_up = Some((last.chord, (1.0 - prob).min(last.prob)));
    ChordSpan { start_s, end_s: last.end_s, chord: chord(class), prob, runner_up, decided_s: last.end_s }
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
