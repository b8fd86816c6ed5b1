//! Which beat is the first of its bar, and how many a bar has.
//!
//! The bar pointer finds beats well and bars less so: where they begin is told by what happens from beat to beat (a bass note
//! here, a snare there, a chord that changes), further back than frame by frame is remembered. A net (`models/bars_net`) reads
//! the music and its chroma beat by beat, in both directions, and says of each beat whether a bar begins with it, and in what
//! metre: of a recording all beats, of a stream the last ones, anew with every beat. A hidden Markov model over the places
//! in the bars of all metres joins what it says (beat-synchronous features and recurrent nets: Krebs, Böck, Dorfer & Widmer, ISMIR
//! 2016).

use std::collections::VecDeque;
use std::ops::Range;

use backline_music::{Estimate, Metre};
use backline_nets::{Model, NetError, Stream};

use super::back::beats_back;
use super::hindsight::{HEADS, Rows, beat_of};
use super::net::{METRES, number_of};
use super::offline::Path;
use super::sureness::{RECORDING_METRE, STREAM_METRE};
use super::{RHYTHM_FPS, heard_time_s, place_of};
use crate::calibration::Calibration;
use crate::chroma::ChromaFrame;
use crate::logbands::bands;

/// Columns of what the net gives: log odds that a bar begins, and the metres.
const WIDTH: usize = 1 + METRES.len();
/// Beats in a bar of each of [`METRES`].
const BEATS: [usize; METRES.len()] = [2, 3, 4, 5, 7, 2, 4];
const MOST_BEATS: usize = 7;
/// Number of 4/4 in [`METRES`].
const FOUR: usize = 2;
/// How usual each is in music at large, and in what the net learnt from.
const USUAL: [f64; METRES.len()] = [0.03, 0.12, 0.73, 0.02, 0.02, 0.07, 0.01];
const LEARNT: [f64; METRES.len()] = [0.05, 0.15, 0.65, 0.03, 0.02, 0.08, 0.02];
/// Power that the likelihood of the metre is raised to, which is said anew at each beat.
const METRE_POWER: f64 = 0.05;
/// What speaks against each metre anew with every beat, in nats: where two places may begin the bar, halves of bars would
/// explain both, and where several may, odd bars.
const DOUBT: [f64; METRES.len()] = [0.3, 0.0, 0.0, 0.2, 0.2, 0.1, 0.1];
/// Probability that a bar has the metre of the one before.
const SAME_METRE: f64 = 0.998;
/// Share of the probability that is spread anew with each beat, so that a beat too many or too few is got over.
const LEAK: f64 = 1e-3;
/// Logits are believed up to this.
const MOST_LOGIT: f32 = 8.0;
/// Rows and chroma frames of a stream that are kept, at least: 12 s.
const KEPT_ROWS: usize = 600;
const KEPT_CHROMA: usize = 260;
/// Powers that the pointer's word of the beat in the bar and of the metre is raised to, beside the net's; the least
/// probability that is believed; and that of metres which it does not know.
const PLACE_BESIDE: f64 = 0.7;
const METRE_BESIDE: f64 = 0.2;
/// What a beat gains, in nats, where the pointer's best path begins a bar as well, or goes on as well.
const PATH_BESIDE: f64 = 0.7;
const FAINT: f64 = 0.01;
const UNKNOWN_METRE: f64 = 0.3;
/// A beat that comes later than this many periods after the last does not follow it.
const NEXT_WITHIN: f64 = 1.4;
/// Ratios of periods that are of one octave.
const SAME_PERIOD: Range<f64> = 0.75..1.33;

/// Where between two beats the heads are read, as shares of the way.
const PLACES: [f64; 6] = [0.0, 0.25, 0.5, 0.75, 1.0 / 3.0, 2.0 / 3.0];
/// Frames before and after a beat whose bands are compared.
const BEFORE: (f64, f64) = (-6.0, -2.0);
const ONSET: (f64, f64) = (-1.0, 3.0);
/// A period of so many frames is told as 0.
const MIDDLE_PERIOD: f64 = 25.0;

/// Pitch classes: of the bass, then of the treble.
const PITCH_CLASSES: usize = 12;
/// The chroma of a beat is that of this long before it to this long before the next, in seconds: a window hears a change before
/// it comes, and what lies nearer to the beat is not known yet when it is told.
const CHROMA_FROM_S: f64 = 0.1;
const CHROMA_TO_S: f64 = 0.2;
/// What the length of a vector of chroma is compared with: where there is less, there is no harmony to speak of.
const LITTLE_CHROMA: f32 = 1.0;

/// Values that tell of the time from one beat to the next.
pub fn features() -> usize {
    3 * bands() + PLACES.len() * HEADS + METRES.len() + 1 + HARMONY
}

/// Those that tell of its harmony: bass and treble, and how much each differs from that of the beat before.
const HARMONY: usize = 2 * PITCH_CLASSES + 2;

/// What a beat's description is made of.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// [`Rows`], one after the other.
    pub rows: &'a [f32],
    /// Number of the first of them in the whole stream.
    pub first: usize,
    /// Chroma frames, oldest first.
    pub chroma: &'a [ChromaFrame],
}

impl Evidence<'_> {
    /// Describes the time from the beat at place `from` to the next at place `to` (in rows of the whole stream), as far as the
    /// evidence reaches.
    pub fn describe(&self, from: f64, to: f64) -> Vec<f32> {
        let mut described = describe_rows(self.rows, self.first, from, to);
        let (now, before) = (self.harmony(from, to), self.harmony(2.0 * from - to, from));
        described.extend(now);
        for part in [0..PITCH_CLASSES, PITCH_CLASSES..2 * PITCH_CLASSES] {
            let products = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
            let (now, before) = (&now[part.clone()], &before[part]);
            let lengths = (products(now, now) * products(before, before)).sqrt();
            described.push(if lengths > 0.0 { 1.0 - products(now, before) / lengths } else { 0.0 });
        }
        described
    }

    /// Bass and treble of one beat, each of a length under 1; 0 where nothing is known.
    fn harmony(&self, from: f64, to: f64) -> [f32; 2 * PITCH_CLASSES] {
        let time_s = |place: f64| heard_time_s(0, true) + place / RHYTHM_FPS;
        let at = |time_s: f64| self.chroma.partition_point(|f| f.time_s < time_s);
        let start = at(time_s(from) - CHROMA_FROM_S);
        let heard = &self.chroma[start..at(time_s(to) - CHROMA_TO_S).max(start)];
        let mut sums = [0.0_f32; 2 * PITCH_CLASSES];
        heard.iter().for_each(|f| sums.iter_mut().zip(f.chroma).for_each(|(s, v)| *s += v));
        for part in sums.chunks_exact_mut(PITCH_CLASSES) {
            let length = part.iter().map(|v| v * v).sum::<f32>().sqrt();
            let scale = 1.0 / (length + LITTLE_CHROMA * heard.len().max(1) as f32);
            part.iter_mut().for_each(|v| *v *= scale);
        }
        sums
    }
}

/// What the `rows` say of it.
fn describe_rows(rows: &[f32], first: usize, from: f64, to: f64) -> Vec<f32> {
    let width = Rows::width();
    let n = rows.len() / width;
    let mut described = Vec::with_capacity(features());
    if n == 0 {
        return vec![0.0; features() - HARMONY];
    }
    let row = |i: usize| &rows[i * width..(i + 1) * width];
    // The nearest row to a place.
    let nearest = |place: f64| ((place + 0.5).floor() - first as f64).clamp(0.0, (n - 1) as f64) as usize;
    // The mean of some columns from one place to another, at least of one row.
    let mean = |columns: std::ops::Range<usize>, from: f64, to: f64| {
        let start = nearest(from);
        let end = nearest(to).max(start + 1);
        let mut sum = vec![0.0_f32; columns.len()];
        for i in start..end {
            sum.iter_mut().zip(&row(i)[columns.clone()]).for_each(|(s, v)| *s += v);
        }
        sum.iter_mut().for_each(|s| *s /= (end - start) as f32);
        sum
    };
    let heard = HEADS + METRES.len()..width;
    let half = (from + to) / 2.0;
    described.extend(mean(heard.clone(), from, half));
    described.extend(mean(heard.clone(), half, to));
    let before = mean(heard.clone(), from + BEFORE.0, from + BEFORE.1);
    let onset = mean(heard, from + ONSET.0, from + ONSET.1);
    described.extend(onset.iter().zip(before).map(|(now, before)| (now - before).max(0.0)));
    for part in PLACES {
        let middle = nearest(from + part * (to - from));
        let around = middle.saturating_sub(1)..(middle + 2).min(n);
        described
            .extend((0..HEADS).map(|h| around.clone().map(|i| row(i)[h]).fold(f32::NEG_INFINITY, f32::max)));
    }
    described.extend(mean(HEADS..HEADS + METRES.len(), from, to));
    described.push(libm::log((to - from).max(1.0) / MIDDLE_PERIOD) as f32);
    described
}

/// All places: the number of the metre, and the beat in the bar.
fn places() -> impl Iterator<Item = (usize, usize)> + Clone {
    (0..METRES.len()).flat_map(|m| (0..BEATS[m]).map(move |beat| (m, beat)))
}

const PLACES_IN_ALL: usize = 27;
/// Probabilities or their logarithms, in the order of [`places`].
type Belief = [f64; PLACES_IN_ALL];

/// Nothing known yet.
fn unknown() -> Belief {
    let mut belief = [0.0; PLACES_IN_ALL];
    belief.iter_mut().zip(places()).for_each(|(b, (m, _))| *b = USUAL[m] / BEATS[m] as f64);
    belief
}

/// How likely the metre of the next bar is after one of `before`.
fn next_metre(before: usize, after: usize) -> f64 {
    let same = if before == after { SAME_METRE } else { 0.0 };
    same + (1.0 - SAME_METRE) * USUAL[after]
}

/// One beat on, nothing heard of it yet.
fn advance(belief: &Belief) -> Belief {
    let mut next = [0.0; PLACES_IN_ALL];
    let mut first = 0;
    for (m, beats) in BEATS.into_iter().enumerate() {
        next[first + 1..first + beats].copy_from_slice(&belief[first..first + beats - 1]);
        let ends = belief[first + beats - 1];
        let mut begins = 0;
        for (other, of) in BEATS.into_iter().enumerate() {
            next[begins] += ends * next_metre(m, other);
            begins += of;
        }
        first += beats;
    }
    next.iter_mut().zip(unknown()).for_each(|(p, anywhere)| *p = (1.0 - LEAK) * *p + LEAK * anywhere);
    next
}

/// Log likelihood of what the net said of a beat (a row of logits) at each place.
fn likelihoods(y: &[f32]) -> Belief {
    let begin = f64::from(y[0].clamp(-MOST_LOGIT, MOST_LOGIT));
    // log P(begins) and log P(does not), the logarithm of the logistic function.
    let log_logistic = |x: f64| -libm::log1p(libm::exp(-x));
    let (begins, goes_on) = (log_logistic(begin), log_logistic(-begin));
    let metres = super::net::probs(&y[1..]);
    let by_metre: [f64; METRES.len()] = std::array::from_fn(|m| {
        METRE_POWER * libm::log(f64::from(metres[m]).max(1e-4) / LEARNT[m]) - DOUBT[m]
    });
    let mut at = [0.0; PLACES_IN_ALL];
    at.iter_mut().zip(places()).for_each(|(l, (m, beat))| {
        *l = by_metre[m] + if beat == 0 { begins } else { goes_on };
    });
    at
}

fn metre(m: usize) -> Metre {
    Metre::new(METRES[m].0, METRES[m].1).unwrap_or_default()
}

/// The metre that most of `masses` speaks for, and the one after it.
fn estimate(masses: [f64; METRES.len()]) -> Estimate<Metre> {
    let whole = masses.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    let mut sorted: Vec<usize> = (0..METRES.len()).collect();
    sorted.sort_by(|a, b| masses[*b].total_cmp(&masses[*a]));
    let told = |m: usize| (metre(m), (masses[m] / whole) as f32);
    let (value, prob) = told(sorted[0]);
    Estimate { value, prob, runner_up: Some(told(sorted[1])) }
}

/// The metre of most `bars`, with the share that it has in what the net `said` of the beats.
fn of_beats(bars: &[f64; METRES.len()], said: &[f32]) -> Estimate<Metre> {
    let mut shares = [0.0; METRES.len()];
    for y in said.chunks_exact(WIDTH) {
        shares.iter_mut().zip(super::net::probs(&y[1..])).for_each(|(share, p)| *share += f64::from(p));
    }
    let whole = shares.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    let most = |of: &[f64], but: Option<usize>| {
        let others = (0..METRES.len()).filter(|m| Some(*m) != but);
        others.max_by(|a, b| of[*a].total_cmp(&of[*b])).unwrap_or(0)
    };
    let value = most(bars, None);
    let other = most(&shares, Some(value));
    let share = |m: usize| (shares[m] / whole) as f32;
    // What follows the bars is told, even where a metre that the beats speak of is another one.
    Estimate {
        value: metre(value),
        prob: share(value),
        runner_up: Some((metre(other), share(other).min(share(value)))),
    }
}

/// With the share of cases that are right in place of what was reckoned; the runner-up has of the rest what it had before.
fn sure(estimate: Estimate<Metre>, calibration: Calibration) -> Estimate<Metre> {
    let prob = calibration.of(estimate.prob);
    let rest =
        |p: f32| (p * (1.0 - prob) / (1.0 - estimate.prob).max(f32::EPSILON)).min(1.0 - prob).min(prob);
    Estimate { value: estimate.value, prob, runner_up: estimate.runner_up.map(|(metre, p)| (metre, rest(p))) }
}

/// Whether `model` is a net of bars.
fn fits(model: &Model) -> bool {
    const FEWEST_AT_ONCE: usize = 4;
    let card = model.card();
    card.features == features()
        && card.outputs.iter().map(|o| o.width).sum::<usize>() == WIDTH
        && card.chunk >= FEWEST_AT_ONCE
}

/// What to tell the musician when the net of bars failed.
pub(crate) fn notice(error: &NetError) -> String {
    format!("Backline counts the beats of bars by its simpler rules: {error}")
}

/// Where a beat lies in its bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Metre.
    pub metre: Estimate<Metre>,
    /// Beat in the bar, from 0.
    pub beat: usize,
    /// Its probability within the metre.
    pub prob: f32,
}

/// Counts the beats of bars in a stream: with every beat, the net reads the last ones anew, in both directions, so that what came
/// since tells what was then, and the belief goes through them all from the first.
pub struct BarCounter {
    stream: Stream,
    /// The last rows; the first is number `first_row`.
    rows: Vec<f32>,
    first_row: usize,
    /// The last chroma frames.
    chroma: Vec<ChromaFrame>,
    /// Place of the last beat, while beats follow each other, and the period then.
    last: Option<f64>,
    period: f64,
    /// What was between the last beats, as [`describe`] tells it.
    described: VecDeque<Vec<f32>>,
    /// Of the last beat, from what was heard before it.
    belief: Belief,
}

impl BarCounter {
    /// Nothing heard yet; `None` when `model` is of another kind.
    pub fn new(model: &Model) -> Option<Self> {
        fits(model).then(|| Self {
            stream: Stream::new(model),
            rows: Vec::new(),
            first_row: 0,
            chroma: Vec::new(),
            last: None,
            period: 0.0,
            described: VecDeque::new(),
            belief: unknown(),
        })
    }

    /// Takes in the next row.
    pub fn hear(&mut self, row: &[f32]) {
        let width = Rows::width();
        if self.rows.len() >= 2 * KEPT_ROWS * width {
            self.rows.drain(..KEPT_ROWS * width);
            self.first_row += KEPT_ROWS;
        }
        self.rows.extend_from_slice(row);
    }

    /// Takes in the next frame of chroma.
    pub fn hear_chroma(&mut self, frame: &ChromaFrame) {
        if self.chroma.len() >= 2 * KEPT_CHROMA {
            self.chroma.drain(..KEPT_CHROMA);
        }
        self.chroma.push(*frame);
    }

    /// Takes in the beat at `place` (a row's number and part of it); beats are `period` rows apart.
    ///
    /// # Errors
    /// The net failed.
    pub fn count(&mut self, place: f64, period: f64) -> Result<(), NetError> {
        // Beats of another octave are not counted on: they are others.
        let same = SAME_PERIOD.contains(&(period / self.period));
        let follows = self.last.filter(|last| same && place - last < NEXT_WITHIN * period && place > *last);
        (self.last, self.period) = (Some(place), period);
        match follows {
            Some(last) => self.describe_beat(last, place),
            None => self.begin(place, period),
        }
        self.look_back()
    }

    /// Begins with the beats up to the one at `place`, as far as there were any at this tempo to be heard.
    fn begin(&mut self, place: f64, period: f64) {
        self.described.clear();
        let first = self.first_row as f64;
        let row = |i: usize| self.rows.chunks_exact(Rows::width()).nth(i);
        let beats = beats_back(|i| row(i).map_or(0.0, beat_of), place - first, period);
        for pair in beats.windows(2) {
            self.describe_beat(first + pair[0], first + pair[1]);
        }
    }

    /// Takes in what was between two beats.
    fn describe_beat(&mut self, from: f64, to: f64) {
        if self.described.len() == self.stream.chunk() {
            self.described.pop_front();
        }
        let evidence = Evidence { rows: &self.rows, first: self.first_row, chroma: &self.chroma };
        self.described.push_back(evidence.describe(from, to));
    }

    /// Hears the last beats anew: what each was is known better, and what the last one may be.
    fn look_back(&mut self) -> Result<(), NetError> {
        let beats = self.described.len();
        let mut x: Vec<f32> = self.described.iter().flatten().copied().collect();
        x.resize(self.stream.chunk() * features(), 0.0);
        self.stream.reset();
        let said = self.stream.step(&x)?;
        self.belief = said.chunks_exact(WIDTH).take(beats).fold(unknown(), |mut belief, y| {
            let heard = likelihoods(y);
            let most = heard.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            belief.iter_mut().zip(heard).for_each(|(p, l)| *p *= libm::exp(l - most));
            let whole = belief.iter().sum::<f64>().max(f64::MIN_POSITIVE);
            belief.iter_mut().for_each(|p| *p /= whole);
            advance(&belief)
        });
        Ok(())
    }

    /// Where the last beat lies in its bar, or `next`, the one after it, for which the pointer is `beside`; `None` while no
    /// beats are counted.
    pub fn told(&self, next: bool, beside: &Beside) -> Option<Told> {
        self.last?;
        let mut belief = if next { advance(&self.belief) } else { self.belief };
        belief.iter_mut().zip(beside.likelihoods()).for_each(|(p, l)| *p *= libm::exp(l));
        let mut masses = [0.0; METRES.len()];
        places().zip(belief).for_each(|((m, _), p)| masses[m] += p);
        let metre = sure(estimate(masses), STREAM_METRE);
        let likeliest = (0..METRES.len()).max_by(|a, b| masses[*a].total_cmp(&masses[*b])).unwrap_or(0);
        let of_metre = || places().zip(belief).filter(|((m, _), _)| *m == likeliest);
        let ((_, beat), prob) = of_metre().max_by(|a, b| a.1.total_cmp(&b.1))?;
        Some(Told { metre, beat, prob: (prob / masses[likeliest]) as f32 })
    }
}

/// What the bar pointer says of the same beat, as far as it knows the metres.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beside {
    /// Probability of each beat of the metres that it knows, in the order of [`METRES`]; 0 where there is none.
    masses: [[f64; MOST_BEATS]; METRES.len()],
}

impl Beside {
    /// Adds `mass` to what speaks for beat `beat` of `metre`.
    pub fn add(&mut self, metre: Metre, beat: usize, mass: f32) {
        let Some(m) = number_of(metre) else { return };
        if let Some(held) = self.masses[m].get_mut(beat) {
            *held += f64::from(mass);
        }
    }

    /// The same some beats later.
    pub fn after(mut self, beats: usize) -> Self {
        for (masses, of) in self.masses.iter_mut().zip(BEATS) {
            masses[..of].rotate_right(beats % of);
        }
        self
    }

    /// What it holds of each beat of a metre; bars of two it takes for halves of four, twelve eighths for four beats. `None` for
    /// what it does not know at all.
    fn of(&self, m: usize) -> Option<[f64; MOST_BEATS]> {
        let mut masses = match METRES[m] {
            (2, 4) | (12, 8) => self.masses[FOUR],
            _ => self.masses[m],
        };
        // What it holds of four is folded to two; all others end where their bars do.
        for beat in BEATS[m]..BEATS[FOUR] {
            masses[beat % BEATS[m]] += std::mem::take(&mut masses[beat]);
        }
        (masses.iter().sum::<f64>() > 0.0).then_some(masses)
    }

    fn likelihoods(&self) -> Belief {
        let whole = self.masses.iter().flatten().sum::<f64>();
        if whole <= 0.0 {
            return [0.0; PLACES_IN_ALL];
        }
        let known: [_; METRES.len()] = std::array::from_fn(|m| self.of(m));
        let mut at = [0.0; PLACES_IN_ALL];
        at.iter_mut().zip(places()).for_each(|(l, (m, beat))| {
            let (place, metre) = match &known[m] {
                Some(masses) => {
                    let held = masses.iter().sum::<f64>();
                    (masses[beat] / held, held / whole)
                }
                None => (1.0 / BEATS[m] as f64, UNKNOWN_METRE),
            };
            *l = PLACE_BESIDE * libm::log(place.max(FAINT)) + METRE_BESIDE * libm::log(metre.max(FAINT));
        });
        at
    }
}

/// Counts the beats of a whole recording anew, by `model`, which reads its `rows` and `chroma` beat by beat in both directions.
/// Where there are too few beats, or `model` is of another kind, the path stays as it is.
///
/// # Errors
/// The net failed; the path is as it was.
pub fn count(model: &Model, rows: &[f32], chroma: &[ChromaFrame], path: &mut Path) -> Result<(), NetError> {
    const FEWEST_BEATS: usize = 4;
    if !fits(model) || rows.is_empty() || path.beats.len() < FEWEST_BEATS {
        return Ok(());
    }
    let at: Vec<f64> = path.beats.iter().map(|b| place_of(b.time_s)).collect();
    let evidence = Evidence { rows, first: 0, chroma };
    let x: Vec<f32> = at.windows(2).flat_map(|w| evidence.describe(w[0], w[1])).collect();
    let said = listen(model, &x, at.len() - 1)?;
    let mut heard: Vec<Belief> = said.chunks_exact(WIDTH).map(likelihoods).collect();
    // Of the last beat, which nothing follows, nothing is known.
    heard.push([0.0; PLACES_IN_ALL]);
    // The pointer has an ear of its own.
    for (heard, beat) in heard.iter_mut().zip(&path.beats) {
        let agrees = places().map(|(_, place)| (place == 0) == (beat.beat == 1));
        heard.iter_mut().zip(agrees).filter(|(_, agrees)| *agrees).for_each(|(l, _)| *l += PATH_BESIDE);
    }
    let counted = best(&heard);
    let mut bar = 0;
    let mut bars = [0.0; METRES.len()];
    for (beat, (m, place)) in path.beats.iter_mut().zip(counted) {
        if place == 0 {
            bar += 1;
            bars[m] += 1.0;
        }
        (beat.bar, beat.beat) = (bar, place as u8 + 1);
    }
    path.metre = (bar > 0).then(|| sure(of_beats(&bars, &said), RECORDING_METRE));
    Ok(())
}

/// What the net says of `beats` beats, each described in `x`: chunk by chunk, each believed in its middle half.
fn listen(model: &Model, x: &[f32], beats: usize) -> Result<Vec<f32>, NetError> {
    let (chunk, width) = (model.card().chunk, features());
    let (edge, middle) = (chunk / 4, chunk / 2);
    let mut stream = Stream::new(model);
    let mut told = Vec::with_capacity(beats * WIDTH);
    for done in (0..beats).step_by(middle) {
        let before = edge.saturating_sub(done);
        let from = done + before - edge;
        let there = &x[from * width..x.len().min((from + chunk - before) * width)];
        let mut seen = vec![0.0; chunk * width];
        seen[before * width..][..there.len()].copy_from_slice(there);
        stream.reset();
        let said = stream.step(&seen)?;
        told.extend_from_slice(&said[edge * WIDTH..(edge + middle.min(beats - done)) * WIDTH]);
    }
    Ok(told)
}

/// The likeliest way through the places (Viterbi), given the log likelihoods of each beat.
fn best(heard: &[Belief]) -> Vec<(usize, usize)> {
    let all: Vec<(usize, usize)> = places().collect();
    let ends: Vec<usize> = (0..all.len()).filter(|i| all[*i].1 + 1 == BEATS[all[*i].0]).collect();
    let leak = unknown().map(|p| libm::log(LEAK * p));
    let mut score = unknown().map(libm::log);
    let mut from: Vec<[usize; PLACES_IN_ALL]> = Vec::with_capacity(heard.len());
    for (i, heard) in heard.iter().enumerate() {
        if i > 0 {
            let anywhere = (0..all.len()).max_by(|a, b| score[*a].total_cmp(&score[*b])).unwrap_or(0);
            let mut came = [0; PLACES_IN_ALL];
            let next: Belief = std::array::from_fn(|to| {
                let (m, beat) = all[to];
                let goes_on = (beat > 0).then(|| (to - 1, score[to - 1]));
                let begins = ends
                    .iter()
                    .filter(|_| beat == 0)
                    .map(|end| (*end, score[*end] + libm::log(next_metre(all[*end].0, m))));
                let leaks = std::iter::once((anywhere, score[anywhere] + leak[to]));
                let (before, best) = goes_on
                    .into_iter()
                    .chain(begins)
                    .chain(leaks)
                    .fold((0, f64::NEG_INFINITY), |a, b| if b.1 > a.1 { b } else { a });
                came[to] = before;
                best
            });
            score = next;
            from.push(came);
        }
        score.iter_mut().zip(heard).for_each(|(s, l)| *s += l);
    }
    let mut at = (0..all.len()).max_by(|a, b| score[*a].total_cmp(&score[*b])).unwrap_or(0);
    let mut way = vec![all[at]];
    for came in from.iter().rev() {
        at = came[at];
        way.push(all[at]);
    }
    way.reverse();
    way
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Models;
    use crate::chroma::HOP_S;

    /// Frames between the beats of the test music.
    const PERIOD: usize = 25;

    /// What the stream's net says of a kick and a bass note on the first of `in_bar` beats, a snare on the others.
    fn rows(frames: usize, in_bar: usize) -> Vec<f32> {
        let bands = bands();
        let row = |i: usize| {
            let (beat, first) = (i.is_multiple_of(PERIOD), i.is_multiple_of(in_bar * PERIOD));
            let on = |is: bool| if is { 0.6 } else { -1.2 };
            // Beat, downbeat, kick, snare, hat, tom, cymbal, onset.
            let heads = [beat, first, first, beat && !first, beat, false, false, beat].map(on);
            let metres = [1.0 / METRES.len() as f32; METRES.len()];
            let since = i % PERIOD;
            let low = if i % (in_bar * PERIOD) < PERIOD { 0.8 } else { 0.2 };
            let spectrum = (0..bands).map(move |b| {
                let level = if b < bands / 3 { low } else { 0.4 };
                level * (1.0 - since as f32 / (2 * PERIOD) as f32)
            });
            heads.into_iter().chain(metres).chain(spectrum).collect::<Vec<_>>()
        };
        (0..frames).flat_map(row).collect()
    }

    /// Chroma of chords that change with every bar: the bass's root, the treble's third.
    fn chords(beats: usize, in_bar: usize) -> Vec<ChromaFrame> {
        let until_s = (beats * PERIOD) as f64 / RHYTHM_FPS;
        let frame = |i: usize| {
            let time_s = i as f64 * HOP_S;
            let beat = (time_s - heard_time_s(0, true)) * RHYTHM_FPS / PERIOD as f64;
            // A window hears what comes half of it later as well.
            let bar = (beat + 0.05 * RHYTHM_FPS / PERIOD as f64) as usize / in_bar;
            let root = bar * 5 % 8;
            let mut chroma = [0.2; 24];
            chroma[root] = 3.0;
            chroma[12 + root + 4] = 3.0;
            ChromaFrame { time_s, chroma, energy: 0.1 }
        };
        (0..).map(frame).take_while(|f| f.time_s < until_s).collect()
    }

    fn path(beats: usize) -> Path {
        let beat = |i: usize| backline_music::Beat {
            time_s: super::super::heard_time_s(0, true) + (i * PERIOD) as f64 / RHYTHM_FPS,
            bar: 0,
            beat: 1,
            prob: 1.0,
            decided_s: 0.0,
        };
        Path { beats: (0..beats).map(beat).collect(), metre: None, tempo_bpm: None, octaves: Vec::new() }
    }

    #[test]
    fn the_net_of_the_product_counts_threes_and_fours() {
        let models = Models::built_in();
        for in_bar in [3, 4] {
            let rows = rows(60 * PERIOD, in_bar);
            let mut counter = BarCounter::new(models.bars.as_deref().unwrap()).unwrap();
            assert_eq!(counter.told(false, &Beside::default()), None);
            for (i, row) in rows.chunks_exact(Rows::width()).enumerate() {
                counter.hear(row);
                if i >= 8 * PERIOD && i % PERIOD == 3 {
                    counter.count((i / PERIOD * PERIOD) as f64, PERIOD as f64).unwrap();
                    let beat = i / PERIOD;
                    let [told, next] =
                        [false, true].map(|next| counter.told(next, &Beside::default()).unwrap());
                    if beat >= 20 {
                        assert_eq!(usize::from(told.metre.value.tactus_per_bar()), in_bar, "{told:?}");
                        assert_eq!((told.beat, next.beat), (beat % in_bar, (beat + 1) % in_bar));
                    }
                }
            }
            let mut path = path(58);
            count(models.bars.as_deref().unwrap(), &rows, &[], &mut path).unwrap();
            let metre = path.metre.unwrap();
            assert_eq!(usize::from(metre.value.tactus_per_bar()), in_bar, "{metre:?}");
            for (i, beat) in path.beats.iter().enumerate().skip(in_bar) {
                assert_eq!(usize::from(beat.beat), i % in_bar + 1, "beat {i}");
            }
        }
    }

    #[test]
    fn bars_are_counted_anew_when_the_beat_turns_out_to_be_twice_as_long() {
        let (rows, late, half) = (rows(60 * PERIOD, 4), 24 * PERIOD, PERIOD as f64 / 2.0);
        let counter = || BarCounter::new(Models::built_in().bars.as_deref().unwrap()).unwrap();
        let (mut mistaken, mut fresh) = (counter(), counter());
        for (i, row) in rows.chunks_exact(Rows::width()).enumerate() {
            mistaken.hear(row);
            fresh.hear(row);
            let halves = ((i as f64 - 3.0) / half).floor();
            if i < late && i >= 8 * PERIOD && halves > ((i as f64 - 4.0) / half).floor() {
                mistaken.count(halves * half, half).unwrap();
            } else if i >= late && i % PERIOD == 3 {
                let beat = i / PERIOD;
                let [told, anew] = [&mut mistaken, &mut fresh].map(|counter| {
                    counter.count((beat * PERIOD) as f64, PERIOD as f64).unwrap();
                    counter.told(false, &Beside::default()).unwrap()
                });
                // Nothing is left of the beats of the other octave.
                assert_eq!(told, anew, "beat {beat}");
                assert_eq!((told.metre.value, told.beat), (Metre::FOUR_FOUR, beat % 4), "beat {beat}");
            }
        }
    }

    #[test]
    fn bars_of_every_metre_are_followed_over_a_beat_too_many() {
        let say = |begins: bool, m: usize| {
            let mut y = [-3.0; WIDTH];
            (y[0], y[1 + m]) = (if begins { 3.0 } else { -3.0 }, 3.0);
            likelihoods(&y)
        };
        for (m, beats) in BEATS.into_iter().enumerate() {
            // In the middle there is a beat too many.
            let heard: Vec<Belief> = (0..10 * beats)
                .map(|i| say(i.is_multiple_of(beats), m))
                .chain([say(false, m)])
                .chain((0..10 * beats).map(|i| say(i.is_multiple_of(beats), m)))
                .collect();
            let way = best(&heard);
            for (i, (metre, beat)) in way.into_iter().enumerate() {
                let after = i.saturating_sub(usize::from(i > 10 * beats));
                // Which beat of that bar is the one too many, nobody can say.
                if !(9 * beats..10 * beats + 2).contains(&i) {
                    assert_eq!((metre, beat), (m, after % beats), "beat {i}");
                }
            }
        }
    }

    #[test]
    fn probabilities_stay_probabilities() {
        let sum = |belief: &Belief| belief.iter().sum::<f64>();
        assert_eq!(places().count(), PLACES_IN_ALL);
        let mut belief = unknown();
        for _ in 0..50 {
            assert!((sum(&belief) - 1.0).abs() < 1e-9, "{belief:?}");
            belief = advance(&belief);
        }
        let mut beside = Beside::default();
        beside.add(Metre::FOUR_FOUR, 2, 0.75);
        beside.add(Metre::FOUR_FOUR, 3, 0.25);
        let likeliest = |beside: &Beside| {
            let told = beside.likelihoods();
            let of_four = places().zip(told).filter(|((m, _), _)| METRES[*m] == (4, 4));
            of_four.max_by(|a, b| a.1.total_cmp(&b.1)).map(|((_, beat), _)| beat)
        };
        assert_eq!((likeliest(&beside), likeliest(&beside.after(3))), (Some(2), Some(1)));
    }

    #[test]
    fn what_is_out_of_reach_is_described_as_far_as_it_goes() {
        let nothing = Evidence { rows: &[], first: 0, chroma: &[] };
        assert_eq!(nothing.describe(3.0, 28.0), vec![0.0; features()]);
        let (rows, chroma) = (rows(40, 4), chords(2, 4));
        let evidence = Evidence { rows: &rows, first: 5, chroma: &chroma };
        for (from, to) in [(-30.0, -5.0), (10.0, 35.0), (30.0, 300.0), (500.0, 525.0), (7.0, 7.0)] {
            let described = evidence.describe(from, to);
            assert!(described.len() == features() && described.iter().all(|v| v.is_finite()));
        }
    }

    #[test]
    fn a_beat_is_described_by_its_harmony_and_by_what_is_new_in_it() {
        let chroma = chords(8, 4);
        let evidence = Evidence { rows: &[], first: 0, chroma: &chroma };
        let harmony = |beat: usize| {
            let [from, to] = [beat, beat + 1].map(|b| (b * PERIOD) as f64);
            evidence.describe(from, to).split_off(features() - HARMONY)
        };
        let loudest = |part: &[f32]| (0..part.len()).max_by(|a, b| part[*a].total_cmp(&part[*b]));
        for beat in 1..8 {
            let told = harmony(beat);
            let root = beat / 4 * 5;
            assert_eq!(loudest(&told[..12]), Some(root), "beat {beat}");
            assert_eq!(loudest(&told[12..24]), Some(root + 4), "beat {beat}");
            let [bass, treble] = [told[24], told[25]];
            if beat == 4 {
                assert!(bass > 0.6 && treble > 0.6, "{told:?}");
            } else {
                assert!(bass < 0.05 && treble < 0.05, "beat {beat}: {told:?}");
            }
        }
    }

    #[test]
    fn bars_begin_where_chords_change() {
        let model = Models::built_in().bars.as_deref().unwrap();
        // Every beat sounds like every other.
        let rows = rows(40 * PERIOD, 1);
        for in_bar in [3, 4] {
            let counted = |chroma: &[ChromaFrame]| {
                let mut path = path(38);
                count(model, &rows, chroma, &mut path).unwrap();
                path.beats
                    .iter()
                    .skip(8)
                    .enumerate()
                    .filter(|(i, b)| usize::from(b.beat) == (i + 8) % in_bar + 1)
                    .count()
            };
            let (with, without) = (counted(&chords(40, in_bar)), counted(&[]));
            assert!(with == 30 && without < 30, "{in_bar}: {with} {without}");
        }
    }

    #[test]
    fn another_net_is_not_asked() {
        let other = Models::built_in().harmony.as_deref().unwrap();
        assert!(BarCounter::new(other).is_none());
        let mut path = path(8);
        count(other, &rows(300, 4), &[], &mut path).unwrap();
        assert!(path.metre.is_none() && path.beats.iter().all(|b| b.beat == 1));
    }
}
