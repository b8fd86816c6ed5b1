//! The rhythm net at work: what was heard, frame by frame, as likelihoods of beats, downbeats and strokes.

use backline_music::Metre;
use backline_nets::{Model, NetError, Stream};

use super::hindsight::{Rows, row};
use crate::logbands::LogBands;
use crate::onset::OnsetStrength;
use crate::spectrum::{HOP, Spectrum};

/// Metres that the net tells apart, in the order of its output.
pub const METRES: [(u8, u8); 7] = [(2, 4), (3, 4), (4, 4), (5, 4), (7, 8), (6, 8), (12, 8)];
/// The number of `metre` in [`METRES`].
pub(super) fn number_of(metre: Metre) -> Option<usize> {
    METRES.iter().position(|m| *m == (metre.numerator, metre.denominator))
}

/// Drum voices that the net hears.
pub const VOICES: usize = 5;
/// Columns of its output: beat, downbeat, strokes, onset, velocities, metres.
const WIDTH: usize = 2 + VOICES + 1 + VOICES + METRES.len();
/// Frames by which the net's output lags behind its input.
pub const LAG_FRAMES: usize = 1;

/// What the net says of bars in one frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Activations {
    /// Log odds of a beat.
    pub beat: f32,
    /// Log odds of a downbeat.
    pub downbeat: f32,
    /// Probability of each of [`METRES`].
    pub metres: [f32; METRES.len()],
}

impl Default for Activations {
    fn default() -> Self {
        Self { beat: -3.0, downbeat: -4.0, metres: [1.0 / METRES.len() as f32; METRES.len()] }
    }
}

/// Everything that the net says of one frame.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct NetFrame {
    /// Of bars.
    pub activations: Activations,
    /// Probability and velocity of a stroke of each voice: kick, snare, hat, tom, cymbal.
    pub strokes: [(f32, f32); VOICES],
    /// Probability that anything starts.
    pub onset: f32,
}

/// The net on one stream.
pub struct NetListener {
    bands: LogBands,
    stream: Stream,
    chunk: usize,
    waiting: Vec<f32>,
    /// Everything that was said, when a second look is planned.
    kept: Option<Rows>,
}

impl NetListener {
    /// At the beginning of a stream; `None` when the net is not one that this program can use.
    pub fn new(model: &Model) -> Option<Self> {
        let card = model.card();
        let fits = model.card().features == crate::logbands::bands()
            && card.outputs.iter().map(|o| o.width).sum::<usize>() == WIDTH
            && card.lookahead_frames == LAG_FRAMES;
        fits.then(|| Self {
            bands: LogBands::new(),
            stream: Stream::new(model),
            chunk: card.chunk,
            waiting: Vec::new(),
            kept: None,
        })
    }

    /// Keeps what is said from now on, for a second look.
    pub fn keep(&mut self) {
        self.kept = Some(Rows::default());
    }

    /// What was kept.
    pub fn take_kept(&mut self) -> Option<Rows> {
        self.kept.take()
    }

    /// Takes the bands of one 10 ms step; every so often gives the next frames, oldest first, each with its row (as
    /// [`Rows`] holds it).
    ///
    /// # Errors
    /// The net failed.
    pub fn push(&mut self, bands: &[f32]) -> Result<Vec<(NetFrame, Vec<f32>)>, NetError> {
        let Some(frame) = self.bands.push(bands) else { return Ok(Vec::new()) };
        self.waiting.extend(frame);
        if self.waiting.len() < self.chunk * bands.len() {
            return Ok(Vec::new());
        }
        let logits = self.stream.step(&self.waiting)?.chunks_exact(WIDTH);
        let heard = self.waiting.chunks_exact(bands.len());
        let tell = |(y, heard): (&[f32], &[f32])| {
            let said = read(y);
            let row = row(y, &said, heard);
            (said, row)
        };
        let frames: Vec<_> = logits.zip(heard).map(tell).collect();
        if let Some(kept) = &mut self.kept {
            frames.iter().for_each(|(said, row)| kept.push(row, said));
        }
        self.waiting.clear();
        Ok(frames)
    }
}

/// Reads one row of the net's output.
fn read(y: &[f32]) -> NetFrame {
    let (strokes, velocities) = (&y[2..], &y[3 + VOICES..]);
    NetFrame {
        activations: Activations { beat: y[0], downbeat: y[1], metres: probs(&y[3 + 2 * VOICES..]) },
        strokes: std::array::from_fn(|v| (logistic(strokes[v]), logistic(velocities[v]))),
        onset: logistic(y[2 + VOICES]),
    }
}

/// Values a frame of [`frames_said`].
pub const SAID: usize = 3 + VOICES + METRES.len();

/// What the net said, out of values written before, [`SAID`] a frame: logits of beat, downbeat, strokes and onset, and
/// the probabilities of the metres. For the tools that measure and train.
pub fn frames_said(values: &[f32]) -> Vec<NetFrame> {
    let frame = |y: &[f32]| NetFrame {
        activations: Activations {
            beat: y[0],
            downbeat: y[1],
            metres: std::array::from_fn(|m| y[3 + VOICES + m]),
        },
        strokes: std::array::from_fn(|v| (logistic(y[2 + v]), 0.0)),
        onset: logistic(y[2 + VOICES]),
    };
    values.chunks_exact(SAID).map(frame).collect()
}

/// The probability of each metre, of the logits `metres`.
pub(super) fn probs(metres: &[f32]) -> [f32; METRES.len()] {
    let most = metres.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut share: [f32; METRES.len()] = std::array::from_fn(|m| libm::expf(metres[m] - most));
    let sum: f32 = share.iter().sum();
    share.iter_mut().for_each(|p| *p /= sum);
    share
}

/// The probability of log odds `x`.
pub fn logistic(x: f32) -> f32 {
    1.0 / (1.0 + libm::expf(-x))
}

/// What the net hears in a recording and says of it, as the second look reads it: for that one's training. `None` if
/// `model` is of another kind.
///
/// # Errors
/// The net failed.
pub fn rows(mono_44100: &[f32], model: &Model) -> Option<Result<Rows, NetError>> {
    let mut net = NetListener::new(model)?;
    net.keep();
    let (mut spectrum, mut strength) = (Spectrum::new(), OnsetStrength::new());
    for hop in mono_44100.chunks_exact(HOP) {
        spectrum.push(hop);
        strength.push(&spectrum.magnitude);
        if let Err(error) = net.push(strength.bands()) {
            return Some(Err(error));
        }
    }
    net.take_kept().map(Ok)
}
