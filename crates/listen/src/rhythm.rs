//! Tempo, beats, bars and metre: a bar pointer over learnt rhythm patterns.

mod activations;
mod back;
pub mod bars;
mod changes;
pub mod hindsight;
mod host;
mod model;
pub mod net;
pub mod octave;
mod offline;
mod online;
mod pointer;
mod repeat;
mod straight;
mod sureness;

pub(crate) use changes::ChangeMeter;
pub use changes::change_strengths;
pub(crate) use host::{Clock, HostBeats};
pub(crate) use offline::decode;
pub use offline::usual_tempo;
pub(crate) use online::Tracker;
pub(crate) use repeat::{HEARD_S, LONGEST_S, LoopPath, SHORTEST_S, SURELY_LOOP_S, decode_loop, goes_round};

use backline_music::{Estimate, Heard};

use crate::Models;
use crate::chroma::{ChromaFrame, LATENCY_S};
use crate::onset::{FLUX_DELAY_S, Flux, GROUPS, OnsetStrength};
use crate::spectrum::{FRAMES_PER_S, HOP, Spectrum};

/// Onset frames that are joined into one frame of the bar pointer.
const FRAMES_JOINED: usize = 2;
/// Frames of the bar pointer a second.
pub const RHYTHM_FPS: f64 = FRAMES_PER_S / FRAMES_JOINED as f64;

/// How much the word of the onset patterns counts.
#[derive(Clone, Copy)]
struct Weight {
    /// Power that their likelihoods are raised to: neighbouring frames tell much the same.
    evidence: f64,
    /// Share of what makes up for their liking of some tempi.
    tempo: f64,
}

impl Weight {
    /// Nobody else is heard.
    const ALONE: Self = Self { evidence: 0.45, tempo: 1.0 };
    /// The net is heard as well.
    const BESIDE_NET: Self = Self { evidence: 0.25, tempo: 2.0 };

    const fn of(from_net: bool) -> Self {
        if from_net { Self::BESIDE_NET } else { Self::ALONE }
    }
}

/// Stream time of what frame `frame` of the bar pointer heard.
fn frame_time_s(frame: usize) -> f64 {
    (frame as f64 + 0.75) / RHYTHM_FPS - FLUX_DELAY_S
}

/// The same for frames that hold the net's activations, which are known somewhat later.
pub(crate) fn heard_time_s(frame: usize, from_net: bool) -> f64 {
    frame_time_s(frame) - if from_net { net::LAG_FRAMES as f64 / RHYTHM_FPS } else { 0.0 }
}

/// Where among the frames of the net something at `time_s` was heard: the inverse of [`heard_time_s`].
fn place_of(time_s: f64) -> f64 {
    (time_s - heard_time_s(0, true)) * RHYTHM_FPS
}

/// Whether the net heard these frames.
fn is_from_net(frames: &[RhythmFrame]) -> bool {
    frames.first().is_some_and(|f| f.said.is_some())
}

/// Joins pairs of onset frames, keeping the stronger value in each group.
#[derive(Default)]
pub(crate) struct Joiner {
    held: Option<[f32; GROUPS]>,
}

impl Joiner {
    /// A frame of the bar pointer after every second onset frame.
    pub(crate) fn push(&mut self, flux: &Flux) -> Option<[f32; GROUPS]> {
        match self.held.take() {
            None => {
                self.held = Some(flux.groups);
                None
            }
            Some(held) => Some(std::array::from_fn(|g| held[g].max(flux.groups[g]))),
        }
    }
}

/// What the bar pointer hears in one frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RhythmFrame {
    /// Onset strength in each group of bands, 0..=1.
    pub strengths: [f32; GROUPS],
    /// Level of change of the harmony some frames ago, from 1; 0 when unknown.
    pub change: u8,
    /// What the rhythm net says, where there is one.
    pub said: Option<net::NetFrame>,
}

/// Probability, of the net, from which something starts: in recordings whose music had ended, noise and reverberation hardly ever
/// reach it, and music is not without for longer than its longest rest (`models/rhythm_net/MODEL_CARD.md`).
const ONSET_PROB: f32 = 0.2;
/// Flux from which something seems to start: in a noise that is left alone, it comes to that sooner or later.
const ONSET_FLUX: f32 = 0.25;

impl RhythmFrame {
    /// Whether anything starts here.
    fn has_onset(&self) -> bool {
        self.said.map_or_else(|| self.has_flux(), |said| said.onset > ONSET_PROB)
    }

    /// Whether anything seems to start here: noise counts, but the first sound is not missed.
    fn has_flux(&self) -> bool {
        self.strengths.iter().any(|v| *v > ONSET_FLUX)
    }
}

/// Frames for [`beats_of`] out of features made before: `strengths` from [`features`], and what the net `said`, if it is
/// to be heard.
pub fn frames_of(
    strengths: &[[f32; GROUPS]],
    chroma: &[ChromaFrame],
    said: Option<&[net::NetFrame]>,
) -> Vec<RhythmFrame> {
    let mut meter = ChangeMeter::new();
    let mut chroma = chroma.iter().peekable();
    let frames = strengths.iter().enumerate().map(|(i, strengths)| {
        let now_s = (i + 1) as f64 / RHYTHM_FPS;
        while let Some(frame) = chroma.next_if(|c| c.time_s + LATENCY_S <= now_s) {
            meter.push(frame);
        }
        let said = said.map(|said| said.get(i).copied().unwrap_or_default());
        RhythmFrame { strengths: *strengths, change: meter.at_frame(i), said }
    });
    frames.collect()
}

/// Beats of features made before, with hindsight or as a stream: for the tools that measure the tracker. `rows` are the net's
/// (as [`hindsight::Rows`] holds them), by which, and by `chroma`, the bars are counted; empty where the pointer is to count them.
pub fn beats_of(
    frames: &[RhythmFrame],
    rows: &[f32],
    chroma: &[ChromaFrame],
    models: &Models,
    offline: bool,
) -> Heard {
    let mut heard = Heard { time_s: frames.len() as f64 / RHYTHM_FPS, ..Heard::default() };
    let bars = models.bars.as_deref().filter(|_| !rows.is_empty()).and_then(bars::BarCounter::new);
    let mut tracker = Tracker::new(is_from_net(frames), bars);
    let mut heard_rows = rows.chunks_exact(hindsight::Rows::width());
    let mut surest: Option<Estimate<f64>> = None;
    let mut fresh = chroma.iter().peekable();
    for (i, frame) in frames.iter().enumerate() {
        let now_s = (i + 1) as f64 / RHYTHM_FPS;
        while let Some(frame) = fresh.next_if(|c| c.time_s + LATENCY_S <= now_s) {
            tracker.hear_chroma(frame);
        }
        heard.beats.extend(tracker.push(frame, heard_rows.next(), now_s));
        if let Some(reading) = tracker.reading.as_ref().filter(|_| tracker.is_claiming()) {
            let tempo = Estimate { value: reading.bpm, prob: tracker.candidates[0].1, runner_up: None };
            heard.metre = Some(reading.metre);
            heard.tempo_bpm = Some(tempo);
            if surest.is_none_or(|s| tempo.prob >= s.prob) {
                surest = Some(tempo);
            }
        }
    }
    if offline {
        heard.beats.clear();
        heard.metre = None;
        heard.tempo_bpm = None;
        if let Some(surest) = surest {
            let said: Vec<net::NetFrame> = match rows {
                [] => frames.iter().filter_map(|f| f.said).collect(),
                rows => hindsight::said_of(rows),
            };
            let mut path = decode(frames, &said, heard.time_s, surest.prob, &mut |_| ());
            if let Some(Err(error)) =
                models.bars.as_deref().map(|model| bars::count(model, rows, chroma, &mut path))
            {
                heard.notices.push(error.to_string());
            }
            heard.beats = path.beats;
            heard.metre = path.metre;
            heard.tempo_bpm = path.tempo_bpm.map(|value| Estimate { value, ..surest });
        }
    }
    heard
}

/// Onset strength in four bands, 50 frames a second: what the rhythm patterns are learnt from.
pub fn features(mono_44100: &[f32]) -> Vec<[f32; GROUPS]> {
    let (mut spectrum, mut strength, mut joiner) = (Spectrum::new(), OnsetStrength::new(), Joiner::default());
    mono_44100
        .chunks_exact(HOP)
        .filter_map(|hop| {
            spectrum.push(hop);
            joiner.push(&strength.push(&spectrum.magnitude))
        })
        .collect()
}
