//! The harmony to expect: what followed the last time the music went the way it goes now.
//!
//! Every earlier bar is a witness. It counts by how far back its past agrees with the present past
//! (a copy after the longest match, made soft: a bar that differs in part weakens the witness and
//! does not silence it). The witnesses vote on the next bar; the vote is turned into a probability
//! that was calibrated on real songs.

use backline_music::Chord;
use backline_nets::{Model, Stream};

use crate::Models;
use continuation::Reading;

pub mod continuation;
mod phrase;

pub use phrase::{phrase_bars, phrase_start};

/// A chord on a beat.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BeatChord {
    /// The chord, or `None` for no chord.
    pub chord: Option<Chord>,
    /// How sure it is, 0..=1.
    pub prob: f32,
}

/// The harmony of a bar: one chord a felt beat.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BarHarmony {
    /// The beats, downbeat first.
    pub beats: Vec<BeatChord>,
}

impl BarHarmony {
    /// A bar of `beats` beats under one chord.
    pub fn held(chord: Option<Chord>, beats: usize, prob: f32) -> Self {
        Self { beats: vec![BeatChord { chord, prob }; beats] }
    }
}

/// Bars of the past that are compared; two minutes of a fast song.
const MEMORY_BARS: usize = 192;
/// Bars that a match reaches back at most.
const REACH_BARS: usize = 24;
/// Beyond this many bars a longer match says no more.
const LONGEST: f64 = 16.0;

// The three below were chosen on every third of the Billboard songs; see
// `examples/anticipate_billboard.rs`.

/// How much a bar that differs altogether leaves of a match; above 0 so that one misheard bar does
/// not silence a witness.
const MISS: f64 = 0.2;
/// Logarithm of the factor by which each bar of agreement raises a witness.
const STEEP: f64 = 2.5;
/// The same for each bar that it lies back.
const FADE: f64 = 0.015;

/// Bars by which what was expected is judged, how many bars are credited beforehand, and how many misses are forgiven.
const RECORD_BARS: usize = 12;
const CREDIT_BARS: f64 = 4.0;
const FORGIVEN_BARS: f64 = 1.0;

/// Predicts the harmony of coming bars.
#[derive(Debug, Clone, Copy, Default)]
pub struct Anticipator<'a> {
    net: Option<&'a Model>,
}

/// How alike two chords are, 0..=1.
fn alike(a: Option<Chord>, b: Option<Chord>) -> f32 {
    match (a, b) {
        (None, None) => 1.0,
        (Some(a), Some(b)) if a.root == b.root => match (a.quality.is_minor(), b.quality.is_minor()) {
            _ if a.quality == b.quality => 1.0,
            (Some(x), Some(y)) if x != y => 0.35,
            (Some(_), Some(_)) => 0.95,
            _ => 0.7,
        },
        (Some(a), Some(b)) => {
            // Chords that share two tones are what a listener mistakes for each other.
            let shared = a.tones().filter(|&t| b.tones().any(|u| u == t)).count();
            if shared >= 2 { 0.25 } else { 0.0 }
        }
        _ => 0.0,
    }
}

/// How alike two bars are, 0..=1; beats that are unsure count less.
pub(crate) fn similarity(a: &BarHarmony, b: &BarHarmony) -> f32 {
    let n = a.beats.len().max(b.beats.len());
    if n == 0 {
        return 1.0;
    }
    if a.beats.is_empty() || b.beats.is_empty() {
        return 0.0;
    }
    let at = |bar: &BarHarmony, i: usize| bar.beats[i * bar.beats.len() / n];
    let sane = |p: f32| if p.is_finite() { p.clamp(0.05, 1.0) } else { 0.05 };
    let (mut sum, mut weight) = (0.0, 0.0);
    for i in 0..n {
        let (x, y) = (at(a, i), at(b, i));
        // The downbeat says most about where the harmony is.
        let w = sane(x.prob) * sane(y.prob) * if i == 0 { 1.5 } else { 1.0 };
        sum += w * alike(x.chord, y.chord);
        weight += w;
    }
    sum / weight
}

/// What some of the witnesses say the next bar begins with.
#[derive(Debug, Clone, Copy)]
struct Vote {
    chord: Option<Chord>,
    weight: f64,
    /// The bar of the past that speaks loudest for it, and for how many bars its past agrees.
    source: usize,
    reach: f64,
}

/// The verdict on one bar.
struct Verdict {
    /// Bar of the past that is copied.
    source: Option<usize>,
    /// Share of the votes for its first chord.
    share: f64,
    /// Bars for which its past agrees.
    reach: f64,
}

impl<'a> Anticipator<'a> {
    /// A predictor by the witnesses alone.
    pub const fn new() -> Self {
        Self { net: None }
    }

    /// A predictor that weighs the witnesses by the net of `models`, if it is there.
    pub fn with(models: &'a Models) -> Self {
        Self { net: models.progression.as_deref() }
    }

    /// What the chord net reads before the bar that follows `history`.
    pub fn reading(&self, history: &[BarHarmony]) -> continuation::Reading {
        let past = &history[history.len().saturating_sub(MEMORY_BARS)..];
        continuation::Reading::of(past, &votes(past))
    }

    /// The bars that follow `history`, `ahead` of them at most 64. Every beat carries the
    /// probability that its chord is right; an empty history gives bars of no chord at
    /// probability 0.
    pub fn predict(&self, history: &[BarHarmony], ahead: usize) -> Vec<BarHarmony> {
        let ahead = ahead.min(64);
        let from = history.len().saturating_sub(MEMORY_BARS);
        let mut past: Vec<BarHarmony> = history[from..].to_vec();
        let mut out = Vec::with_capacity(ahead);
        let mut trust = self.record(&past);
        for step in 0..ahead {
            let (copied, prob) = self.next(&past);
            let prob = trust * prob;
            // What the source itself was not sure of cannot be surer in the copy.
            let told: Vec<BeatChord> = copied
                .beats
                .iter()
                .map(|b| BeatChord { chord: b.chord, prob: (prob as f32).min(b.prob.max(0.0)) })
                .collect();
            if past.is_empty() {
                out.push(BarHarmony::held(None, 4, 0.0));
            } else {
                out.push(BarHarmony { beats: told });
                past.push(copied);
            }
            // Measured: the second bar ahead is right less often than the first, later ones slowly less.
            trust *= if step == 0 { 0.83 } else { 0.94 };
        }
        out
    }

    /// The bar that follows `past`, and how sure its first chord is, by the witnesses and the net.
    fn next(&self, past: &[BarHarmony]) -> (BarHarmony, f64) {
        let beats = past.last().map_or(4, |b| b.beats.len());
        let votes = votes(past);
        match self.net.filter(|_| !past.is_empty()).and_then(|net| weigh(net, past, &votes)) {
            Some((Next::Copy(j), prob)) => (past[j].clone(), prob),
            Some((Next::New(chord), prob)) => (BarHarmony::held(chord, beats, 1.0), prob),
            None => {
                let verdict = loudest(&votes);
                let last = || past.last().and_then(|b| b.beats.last()).and_then(|b| b.chord);
                let copied = verdict.source.map(|j| past[j].clone());
                let copied = copied.unwrap_or_else(|| BarHarmony::held(last(), beats, 1.0));
                (copied, calibrated(&verdict))
            }
        }
    }

    /// What is left of the probabilities in this music: how often its last bars began as they were expected to, beside how
    /// often they were said to. Songs are what the probabilities were calibrated on; a jam that never comes back is none.
    fn record(&self, past: &[BarHarmony]) -> f64 {
        let (mut right, mut said) = (CREDIT_BARS + FORGIVEN_BARS, CREDIT_BARS);
        for i in past.len().saturating_sub(RECORD_BARS).max(1)..past.len() {
            let (told, prob) = self.next(&past[..i]);
            let first = |bar: &BarHarmony| bar.beats.first().and_then(|b| b.chord);
            said += prob;
            // Another seventh is heard for many a triad.
            right += f64::from(u8::from(alike(first(&told), first(&past[i])) > 0.9));
        }
        (right / said).min(1.0)
    }
}

/// Every chord that a bar of the past speaks for, in the order of their first bars.
fn votes(past: &[BarHarmony]) -> Vec<Vote> {
    let n = past.len();
    let mut votes: Vec<Vote> = Vec::new();
    for j in 1..n {
        let mut agreement = 1.0_f64;
        let mut reach = 0.0_f64;
        for k in 0..REACH_BARS.min(j) {
            agreement *= f64::from(similarity(&past[n - 1 - k], &past[j - 1 - k])).max(MISS);
            if agreement < 0.02 {
                break;
            }
            reach += agreement;
        }
        let lag = n - j;
        // Songs come back after 4, 8, 16 bars more often than after others, and sooner than later.
        let even = if lag.is_multiple_of(4) {
            0.35
        } else if lag.is_multiple_of(2) {
            0.1
        } else {
            0.0
        };
        let weight = libm::exp(STEEP * reach.min(LONGEST) + even - FADE * lag as f64);
        let chord = past[j].beats.first().and_then(|b| b.chord);
        match votes.iter_mut().find(|v| v.chord == chord) {
            Some(vote) => {
                vote.weight += weight;
                if reach >= vote.reach {
                    (vote.source, vote.reach) = (j, reach);
                }
            }
            None => votes.push(Vote { chord, weight, source: j, reach }),
        }
    }
    votes
}

/// What the next bar is: a bar of the past again, or one that holds a chord which no witness speaks for.
enum Next {
    Copy(usize),
    New(Option<Chord>),
}

/// What the net holds likeliest, and how sure it is of the chord; `None` where it cannot be run.
fn weigh(net: &Model, past: &[BarHarmony], votes: &[Vote]) -> Option<(Next, f64)> {
    let reading = Reading::of(past, votes);
    let mut stream = Stream::new(net);
    let temperature = net.card().temperature.get("chord").copied().unwrap_or(1.0);
    // Rounded, so that processors whose last digits differ agree.
    let told = |&y: &f32| (f64::from(y / temperature) * 1000.0).round() / 1000.0;
    let logits: Vec<f64> = stream.step(&reading.features()).ok()?.iter().map(told).collect();
    let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = logits.iter().map(|y| libm::exp(y - top)).sum();
    let mut classes: Vec<usize> = (0..logits.len()).collect();
    classes.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
    classes.iter().find_map(|&class| {
        let prob = libm::exp(logits[class] - top) / total;
        let in_class = || votes.iter().filter(|v| continuation::class(v.chord, reading.pivot) == class);
        let all: f64 = in_class().map(|v| v.weight).sum();
        let mut loudest: Option<&Vote> = None;
        for vote in in_class() {
            loudest = loudest.filter(|l| l.weight >= vote.weight).or(Some(vote));
        }
        match loudest {
            // Of the chords of a class the witnesses choose, and share its probability.
            Some(vote) => Some((Next::Copy(vote.source), prob * vote.weight / all)),
            None => continuation::plain(class, reading.pivot).map(|chord| (Next::New(chord), prob)),
        }
    })
}

/// The loudest vote.
fn loudest(votes: &[Vote]) -> Verdict {
    let total: f64 = votes.iter().map(|v| v.weight).sum();
    // The first of equals wins, so that the order of the song decides and nothing else.
    let mut best: Option<Vote> = None;
    for vote in votes {
        if best.is_none_or(|b| vote.weight > b.weight) {
            best = Some(*vote);
        }
    }
    match best {
        Some(Vote { weight, source, reach, .. }) => {
            Verdict { source: Some(source), share: weight / total, reach }
        }
        None => Verdict { source: None, share: 0.0, reach: 0.0 },
    }
}

/// The probability that the next bar begins with the chord of the verdict: a logistic fit to the
/// even ones of every third Billboard song, checked on the odd ones.
fn calibrated(verdict: &Verdict) -> f64 {
    if verdict.source.is_none() {
        // How often a bar begins with the chord that sounded before it.
        return 0.3;
    }
    let share = verdict.share.clamp(1e-3, 1.0 - 1e-3);
    let odds = libm::log(share / (1.0 - share)).clamp(-5.0, 5.0);
    let x = -1.64 + 0.322 * odds + 0.913 * libm::log1p(verdict.reach.min(LONGEST));
    1.0 / (1.0 + libm::exp(-x))
}

#[cfg(test)]
mod tests;
