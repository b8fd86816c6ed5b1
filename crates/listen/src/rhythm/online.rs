//! Beats while the music plays: reads the bar pointer, decides when it may be believed, counts bars.

use std::collections::VecDeque;

use backline_music::{Beat, Estimate, Metre};
use backline_nets::NetError;

use super::back::beats_back;
use super::bars::{BarCounter, Beside};
use super::model::Patterns;
use super::net::NetFrame;
use super::octave::Judge;
use super::pointer::{BarPointer, Join};
use super::sureness::STREAM_BEAT;
use super::{RHYTHM_FPS, RhythmFrame, Weight, heard_time_s, place_of};
use crate::chroma::ChromaFrame;

/// Tempi on either side of the likeliest that count as the same.
const SAME_TEMPO: usize = 2;
/// Beat probability from which beats are claimed, and under which they no longer are.
const CLAIM_PROB: f32 = 0.55;
const DROP_PROB: f32 = 0.3;
/// How much better the place in the bar must tell what is heard than chance, in nats a frame: noise
/// and random clicks stay under 0.011, music reaches 0.02 to 0.1.
const CLAIM_EVIDENCE: f32 = 0.014;
const DROP_EVIDENCE: f32 = -0.006;
/// Time constant over which that is averaged.
const EVIDENCE_S: f64 = 2.0;
/// Time constant over which the probability is averaged.
const STEADY_S: f64 = 0.8;
/// The first beats need this long to be believed.
const CLAIM_AFTER_S: f64 = 0.2;
/// Nothing is claimed before this much sound was heard.
const LISTEN_FIRST_S: f64 = 1.8;
/// A beat is told this long after it has passed, unless it was told of before; and how much of a beat what was told of may sway.
const LATE_S: f64 = 0.05;
const SWAY: f64 = 0.25;
/// Beats stop after this long without any onset.
const STILL_S: f64 = 4.0;
/// Beats that the finer tempo is fitted to, and how far it may differ from the pointer's.
const FIT_BEATS: usize = 13;
const FIT_TOLERANCE: f64 = 0.03;
/// What the masses of tempi are tempered by, and the mass that tempi which are no candidates are given:
/// the pointer takes frames for independent, and is far too sure of what they have in common.
const TEMPERATURE: f32 = 4.0;
const UNHEARD_MASS: f32 = 0.001;
/// Frames that the judge of octaves hears, and how often it is asked, in frames.
const JUDGED_FRAMES: usize = 600;
const JUDGE_EVERY: usize = 12;
/// Power that the pointer's masses of tempi that go together are raised to, beside the judge's probabilities.
const POINTERS_SAY: f32 = 0.92;
/// A bar line moves only for a downbeat that is this probable.
const MOVE_BAR_PROB: f32 = 0.6;

/// What the tracker believes at one instant.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Beats a minute.
    pub bpm: f64,
    /// How sure tempo and phase together are, 0..=1.
    pub prob: f32,
    /// Position since the last beat, in beats, 0..1.
    pub phase: f64,
    /// Metre.
    pub metre: Estimate<Metre>,
    /// Beat in the bar (from 0) that was last passed.
    pub beat: usize,
    /// Its probability within the metre.
    pub beat_prob: f32,
}

/// Follows beats in a stream of onset strengths.
pub struct Tracker {
    pointer: BarPointer,
    /// Whether frames hold the net's activations.
    from_net: bool,
    masses: Vec<f32>,
    /// Where in the bar the likeliest tempo may be.
    places: Vec<(Metre, f32, f32)>,
    directions: [(f32, f32); PHASE_BINS],
    frame: usize,
    evidence: f32,
    /// Beat probability, averaged like the evidence: chance agreement comes and goes.
    steady_prob: f32,
    sure_frames: u32,
    sounding_frames: u32,
    /// When something last seemed to start, and when it did.
    last_flux_s: f64,
    last_onset_s: f64,
    claiming: bool,
    judge: Judge,
    /// Counts the beats of bars, where there is a net for it.
    bars: Option<BarCounter>,
    failure: Option<NetError>,
    /// What the pointer says of bars.
    beside: Beside,
    /// What the net said of the last frames, for the judge of octaves.
    said: VecDeque<NetFrame>,
    /// Times of the last beats in a row, for a tempo finer than the pointer's grid.
    recent_s: VecDeque<f64>,
    last_beat: Option<Beat>,
    counted_metre: Metre,
    /// The present belief.
    pub reading: Option<Reading>,
    /// Tempo hypotheses, likeliest first.
    pub candidates: Vec<(f64, f32)>,
    /// The next beat, while beats are claimed.
    pub next_beat: Option<Beat>,
}

impl Tracker {
    /// Nothing heard yet; expects what the net says, or onset patterns. Bars are counted by `bars`, or else by the pointer.
    pub fn new(from_net: bool, bars: Option<BarCounter>) -> Self {
        let counted = from_net && bars.is_some();
        Self::with_patterns(from_net, bars, counted)
    }

    /// The same for beats alone: whoever asks has the bars counted afterwards.
    pub fn of_beats(from_net: bool) -> Self {
        Self::with_patterns(from_net, None, from_net)
    }

    fn with_patterns(from_net: bool, bars: Option<BarCounter>, for_beats: bool) -> Self {
        let patterns = Patterns::built_in(Weight::of(from_net));
        let patterns = if for_beats { patterns.for_beats() } else { patterns };
        Self {
            pointer: BarPointer::new(Join::Sum, patterns),
            from_net,
            masses: Vec::new(),
            places: Vec::new(),
            directions: directions(),
            frame: 0,
            evidence: 0.0,
            steady_prob: 0.0,
            sure_frames: 0,
            sounding_frames: 0,
            last_flux_s: f64::NEG_INFINITY,
            last_onset_s: f64::NEG_INFINITY,
            claiming: false,
            judge: Judge::of_streams(),
            bars,
            failure: None,
            beside: Beside::default(),
            said: VecDeque::new(),
            recent_s: VecDeque::new(),
            last_beat: None,
            counted_metre: Metre::FOUR_FOUR,
            reading: None,
            candidates: Vec::new(),
            next_beat: None,
        }
    }

    /// Whether beats are being claimed.
    pub fn is_claiming(&self) -> bool {
        self.claiming
    }

    /// Says which beat came last, when someone else (the host) did the counting.
    pub fn set_last_beat(&mut self, beat: Option<Beat>) {
        if beat.is_some() {
            self.last_beat = beat;
        }
    }

    /// Hears the next chroma frame, which the bars are counted by.
    pub fn hear_chroma(&mut self, frame: &ChromaFrame) {
        if let Some(bars) = &mut self.bars {
            bars.hear_chroma(frame);
        }
    }

    /// Why bars are no longer counted by their net, told once.
    pub fn take_failure(&mut self) -> Option<NetError> {
        self.failure.take()
    }

    /// Hears the next frame (and the net's `row` of it) at stream time `now_s`; returns the beat that falls by then, if one
    /// does.
    pub fn push(&mut self, frame: &RhythmFrame, row: Option<&[f32]>, now_s: f64) -> Option<Beat> {
        if let Some((bars, row)) = self.bars.as_mut().zip(row) {
            bars.hear(row);
        }
        let time_s = heard_time_s(self.frame, self.from_net);
        self.frame += 1;
        // A beat is looked for from the first sound on, of which the net is sure a little later, and goes on for as long as something
        // starts: hiss sounds, too.
        if frame.has_flux() {
            self.last_flux_s = time_s;
        }
        if frame.has_onset() {
            self.last_onset_s = time_s;
        }
        let sounded_s = if self.claiming { self.last_onset_s } else { self.last_flux_s };
        let still = time_s - sounded_s > STILL_S;
        if !still {
            let surprise = self.pointer.step(frame).clamp(-1.0, 1.0);
            self.evidence += (surprise - self.evidence) / (EVIDENCE_S * RHYTHM_FPS) as f32;
            self.sounding_frames = self.sounding_frames.saturating_add(1);
        } else {
            // Nothing to learn from stillness; the pointer just moves on.
            self.pointer.step(frame);
            self.evidence *= 0.98;
            self.sounding_frames = 0;
        }
        self.read();
        if let Some(said) = frame.said.filter(|_| !still) {
            self.weigh_octaves(said);
        }
        self.decide(still);
        self.emit(time_s, now_s)
    }

    fn read(&mut self) {
        self.pointer.tempo_masses(&mut self.masses);
        let n = self.masses.len();
        let around = |j: usize| j.saturating_sub(SAME_TEMPO)..(j + SAME_TEMPO + 1).min(n);
        let near: Vec<f32> = (0..n).map(|j| self.masses[around(j)].iter().sum()).collect();
        self.candidates.clear();
        // Peaks of the tempo's distribution, each with the mass around it.
        for j in 0..n {
            let window = around(j);
            let is_peak = window.clone().all(|k| near[k] < near[j] || (near[k] == near[j] && k >= j));
            if !is_peak || near[j] < 1e-4 {
                continue;
            }
            let (mut log_bpm, mut mass) = (0.0, 0.0);
            for k in window {
                log_bpm += f64::from(self.masses[k]) * libm::log(self.pointer.tempi_bpm[k]);
                mass += f64::from(self.masses[k]);
            }
            self.candidates.push((libm::exp(log_bpm / mass), near[j]));
        }
        self.candidates.sort_by(|a, b| b.1.total_cmp(&a.1));
        self.candidates.truncate(6);
        let top = self.candidates.first().copied();
        temper(&mut self.candidates);
        let Some((bpm, cluster)) = top else {
            self.reading = None;
            return;
        };
        let bpm = self.finer(bpm);
        self.candidates[0].0 = bpm;
        let best = (0..n).max_by(|a, b| near[*a].total_cmp(&near[*b])).unwrap_or(0);
        let window = around(best);
        // Mean phase on the circle, and how much it is agreed on.
        self.pointer.places(window.start, window.end - 1, &mut self.places);
        let mut sums = PhaseSums { bins: [0.0; PHASE_BINS] };
        self.places.iter().for_each(|&(_, place, p)| sums.add(place, p));
        let (phase, agreement) = sums.mean(&self.directions);
        let mut metres = self.pointer.metre_masses();
        metres.sort_by(|a, b| b.1.total_cmp(&a.1));
        let (metre, metre_prob) = metres[0];
        let beats = usize::from(metre.tactus_per_bar());
        let mut beat_masses = vec![1e-9_f32; beats];
        let mut total = 1e-9 * beats as f32;
        let (beside, counted) = (&mut self.beside, self.bars.is_some());
        *beside = Beside::default();
        for &(m, place, p) in &self.places {
            let of = usize::from(m.tactus_per_bar());
            let beat = (place - phase + of as f32 + 0.5) as usize % of;
            if counted {
                beside.add(m, beat, p);
            }
            if m == metre {
                beat_masses[beat] += p;
                total += p;
            }
        }
        let beat = (0..beats).max_by(|a, b| beat_masses[*a].total_cmp(&beat_masses[*b])).unwrap_or(0);
        self.reading = Some(Reading {
            bpm,
            prob: (cluster * agreement).clamp(0.0, 1.0),
            phase: f64::from(phase),
            metre: Estimate { value: metre, prob: metre_prob.min(1.0), runner_up: metres.get(1).copied() },
            beat,
            beat_prob: beat_masses[beat] / total,
        });
    }

    /// Lets the judge say, every so often, which of the tempi that go with the likeliest is the beat. The pointer takes what
    /// it hears again and again for new, and half or double the tempo for as good: how likely they are beside each other is
    /// left to the judge, most of it.
    fn weigh_octaves(&mut self, said: NetFrame) {
        if self.said.len() == JUDGED_FRAMES {
            self.said.pop_front();
        }
        self.said.push_back(said);
        let Some(reading) = self.reading.as_ref().filter(|_| self.frame.is_multiple_of(JUDGE_EVERY)) else {
            return;
        };
        let period = 60.0 / reading.bpm * RHYTHM_FPS;
        let last = (self.said.len() - 1) as f64 - reading.phase * period;
        let beats = beats_back(|i| self.said[i].activations.beat, last, period);
        let Some(verdict) = self.judge.judge(self.said.make_contiguous(), &beats) else { return };
        let tempi = &self.pointer.tempi_bpm;
        let nearest = |bpm: f64| {
            let above = tempi.partition_point(|t| *t < bpm);
            let nearer = above > 0 && (above == tempi.len() || bpm / tempi[above - 1] < tempi[above] / bpm);
            if nearer { above - 1 } else { above }
        };
        let clusters: Vec<_> = verdict
            .ratios
            .iter()
            .map(|&(ratio, prob)| {
                let j = nearest(reading.bpm * ratio);
                (j.saturating_sub(SAME_TEMPO)..(j + SAME_TEMPO + 1).min(tempi.len()), prob)
            })
            .collect();
        let mass = |range: &std::ops::Range<usize>| self.masses[range.clone()].iter().sum::<f32>();
        let shared: Vec<_> = clusters
            .into_iter()
            .map(|(range, prob)| {
                let own = libm::powf(mass(&range).max(f32::MIN_POSITIVE), POINTERS_SAY);
                (range, own * prob.max(1e-4))
            })
            .collect();
        self.pointer.share_tempi(&shared);
    }

    /// The tempo of the line through the last beats, where it agrees with the pointer's `bpm`.
    fn finer(&self, bpm: f64) -> f64 {
        let n = self.recent_s.len();
        if n < 5 {
            return bpm;
        }
        let middle = (n - 1) as f64 / 2.0;
        let (mut covariance, mut variance) = (0.0, 0.0);
        for (i, time_s) in self.recent_s.iter().enumerate() {
            let x = i as f64 - middle;
            covariance += x * time_s;
            variance += x * x;
        }
        let fitted = 60.0 * variance / covariance;
        if (fitted / bpm - 1.0).abs() < FIT_TOLERANCE { fitted } else { bpm }
    }

    fn decide(&mut self, still: bool) {
        let prob = self.reading.as_ref().map_or(0.0, |r| r.prob);
        self.steady_prob += (prob - self.steady_prob) / (STEADY_S * RHYTHM_FPS) as f32;
        if self.claiming {
            // Where one octave gives way to another, neither is sure for a moment.
            if still || self.steady_prob.max(prob) < DROP_PROB || self.evidence < DROP_EVIDENCE {
                self.claiming = false;
                self.sure_frames = 0;
            }
            return;
        }
        let prob = self.steady_prob.min(prob);
        let heard_enough = f64::from(self.sounding_frames) > LISTEN_FIRST_S * RHYTHM_FPS;
        if !still && heard_enough && prob > CLAIM_PROB && self.evidence > CLAIM_EVIDENCE {
            self.sure_frames += 1;
        } else {
            self.sure_frames = 0;
        }
        self.claiming = f64::from(self.sure_frames) > CLAIM_AFTER_S * RHYTHM_FPS;
    }

    fn emit(&mut self, time_s: f64, now_s: f64) -> Option<Beat> {
        let expected = self.next_beat.take();
        let reading = self.reading.as_mut().filter(|_| self.claiming)?;
        let period_s = 60.0 / reading.bpm;
        let passed_s = time_s - reading.phase * period_s;
        let last_s = self.last_beat.map_or(f64::NEG_INFINITY, |b| b.time_s);
        // So soon after it, what is heard is the beat already told.
        let after_last_s = last_s + 0.6 * period_s;
        let beat_at = |steps: u32| passed_s + f64::from(steps) * period_s;
        // The first beat that can be told.
        let mut steps = 0;
        while beat_at(steps) < after_last_s.max(now_s - LATE_S) {
            steps += 1;
            if steps > 1_000 {
                return None;
            }
        }
        // The phase sways from frame to frame, so the beat that lay ahead a frame ago may have passed by more: it is told all the
        // same, since whoever counts beats would lose the bar with it.
        if let Some(ahead) = expected {
            let same = ((ahead.time_s - passed_s) / period_s).round().max(0.0) as u32;
            let sway_s = (beat_at(same) - ahead.time_s).abs();
            if same < steps && sway_s < SWAY * period_s && beat_at(same) > after_last_s {
                steps = same;
            }
        }
        let beat_s = beat_at(steps);
        let passed = beat_s <= now_s;
        if let Some(bars) = self.bars.as_mut().filter(|_| passed)
            && let Err(error) = bars.count(place_of(beat_s), period_s * RHYTHM_FPS)
        {
            (self.bars, self.failure) = (None, Some(error));
        }
        let told = self.bars.as_ref().and_then(|b| b.told(!passed, &self.beside.after(steps as usize)));
        if let Some(told) = told {
            reading.metre = told.metre;
            // The pointer's place is that of the beat last passed; steps lead from there to this one.
            let beats = i64::from(told.metre.value.tactus_per_bar());
            reading.beat = (told.beat as i64 - i64::from(steps)).rem_euclid(beats) as usize;
            reading.beat_prob = told.prob;
        }
        let beats = usize::from(reading.metre.value.tactus_per_bar());
        let heard_index = (reading.beat + steps as usize) % beats;
        let mut index = heard_index;
        if let Some(last) = self.last_beat.filter(|l| beat_s - l.time_s < 1.6 * period_s) {
            let counted = usize::from(last.beat) % beats;
            if self.counted_metre == reading.metre.value && reading.beat_prob < MOVE_BAR_PROB {
                index = counted;
            }
        }
        let bar_before = self.last_beat.map_or(0, |b| b.bar);
        let beat = Beat {
            time_s: beat_s,
            bar: if index == 0 { bar_before + 1 } else { bar_before },
            beat: index as u8 + 1,
            prob: STREAM_BEAT.of(reading.prob),
            decided_s: now_s,
        };
        if !passed {
            self.next_beat = Some(beat);
            return None;
        }
        self.counted_metre = reading.metre.value;
        if beat_s - last_s > 1.4 * period_s {
            self.recent_s.clear();
        }
        if self.recent_s.len() == FIT_BEATS {
            self.recent_s.pop_front();
        }
        self.recent_s.push_back(beat_s);
        self.last_beat = Some(beat);
        let next = (index + 1) % beats;
        self.next_beat = Some(Beat {
            time_s: beat_s + period_s,
            bar: if next == 0 { beat.bar + 1 } else { beat.bar },
            beat: next as u8 + 1,
            ..beat
        });
        Some(beat)
    }
}

/// Makes the pointer's masses probabilities that hold: of tempi told with p, a share of p is right.
fn temper(candidates: &mut [(f64, f32)]) {
    let weight = |mass: f32| libm::powf(mass, 1.0 / TEMPERATURE);
    let sum: f32 = weight(UNHEARD_MASS) + candidates.iter().map(|c| weight(c.1)).sum::<f32>();
    candidates.iter_mut().for_each(|c| c.1 = weight(c.1) / sum);
}

/// Parts of a beat that the phase is told by.
const PHASE_BINS: usize = 64;

/// The middles of the parts of a beat on the unit circle: cosine and sine.
fn directions() -> [(f32, f32); PHASE_BINS] {
    std::array::from_fn(|i| {
        let angle = (i as f32 + 0.5) / PHASE_BINS as f32 * std::f32::consts::TAU;
        (libm::cosf(angle), libm::sinf(angle))
    })
}

/// Sums for a mean on the circle of one beat.
struct PhaseSums {
    /// Probability in each part of the beat.
    bins: [f32; PHASE_BINS],
}

impl PhaseSums {
    fn add(&mut self, place_beats: f32, prob: f32) {
        // Places are not negative, and what is cut off makes no difference to which part of its beat this is.
        self.bins[(place_beats * PHASE_BINS as f32) as usize % PHASE_BINS] += prob;
    }

    /// Mean phase in beats, 0..1, and the length of the mean vector, 0..=1.
    fn mean(&self, directions: &[(f32, f32); PHASE_BINS]) -> (f32, f32) {
        let (mut re, mut im, mut mass) = (0.0, 0.0, 1e-9);
        for (p, (cos, sin)) in self.bins.iter().zip(directions) {
            re += p * cos;
            im += p * sin;
            mass += p;
        }
        let phase = libm::atan2f(im, re) / std::f32::consts::TAU;
        (if phase < 0.0 { phase + 1.0 } else { phase }.min(0.999_99), libm::sqrtf(re * re + im * im) / mass)
    }
}
