//! Chords and keys over time, from chroma and beats.
//!
//! Each chroma frame is scored against all chords by a model learnt from real recordings
//! (`models/harmony_hmm`), the scores are decoded by a hidden Markov model whose chords change most
//! readily on beats, and the key is read off the chords. Streaming and file share the decoder; a
//! file is scored with a model that also sees what comes after.

mod ear;
mod emission;
mod keys;
mod lattice;
mod net;
mod params;
mod repeats;
mod spans;
mod sureness;

use backline_music::{Beat, ChordSpan, Estimate, Key, KeySpan};

use crate::Models;
use crate::chroma::{ChromaExtractor, ChromaFrame, HOP, HOP_S, LATENCY_S, RATE_HZ, WINDOW};
use ear::Ear;
use emission::{Sums, compress};
use keys::KeyTracker;
use lattice::{Lattice, Place, Weights, arg_max, silent};
use net::AHEAD;
use params::{CLASSES, params};
use spans::{Run, boundary_s, tentative};
use sureness::Sureness;

/// A frame is decided, tentatively, when this much audio after its centre has been pushed.
pub const DECISION_LAG_S: f64 = LATENCY_S + 4.0 * HOP_S;

/// Root mean square below which nothing can be a chord (−66 dB).
const SILENCE: f32 = 5e-4;
/// Half a window of the chroma, in frames: so long before anything starts it is in the window already.
const HALF_WINDOW: usize = WINDOW / 2 / HOP;
/// Frames that stay open to revision in a stream: three seconds.
const OPEN_FRAMES: usize = 64;
/// Frames whose probabilities are brought up to date with each new one; older ones hardly change any more.
const REVISED_FRAMES: usize = 6;
/// Frames that stay open, and between refreshes, with hindsight.
const OPEN_FRAMES_OFFLINE: usize = 640;
const REFRESH_OFFLINE: usize = 160;
/// How much likelier, in nats, a chord must be than the one decoded last, to be shown before it can be decoded. Less shows
/// changes sooner and flickers more (`models/harmony_net/MODEL_CARD.md`).
const NOW_MARGIN: f32 = 1.0;
/// A beat is trusted to say where chords change until this long after it.
const BEAT_REACH_S: f64 = 1.6;

/// The chord that a net hears before the frames that it sounds in can be decoded.
#[derive(Clone, Copy)]
struct Present {
    class: usize,
    /// First frame, without a break, that it is thought to sound in.
    since: usize,
    log_prob: [f32; CLASSES],
}

impl Present {
    /// What the log probabilities `now` say, told of with frame `index`, after what was said with the frame before.
    fn new(now: &[f32; CLASSES], index: usize, before: Option<Self>) -> Self {
        let class = arg_max(now);
        let since = before.filter(|b| b.class == class).map_or(index + AHEAD, |b| b.since);
        Self { class, since, log_prob: *now }
    }
}

/// The part that stream and file share: frames and beats in, spans out.
struct Engine {
    ear: Ear,
    lookahead: usize,
    sure: Sureness,
    sums: Sums,
    /// Frames that wait for the lookahead: compressed chroma and whether they are silent.
    waiting: Vec<([f32; 24], bool)>,
    /// Frames since the last silent one.
    since_silence: usize,
    lattice: Lattice,
    /// Beat times and whether they start a bar, in order.
    beat_s: Vec<f64>,
    downbeat: Vec<bool>,
    scored: usize,
    open_frames: usize,
    refresh_every: usize,
    revised_frames: usize,
    since_refresh: usize,
    /// The run that the settled frames end in.
    tail: Option<Run>,
    tail_start_s: f64,
    spans: Vec<ChordSpan>,
    settled: usize,
    /// Class and first frame of each open span, to tell a revision.
    open: Vec<(usize, usize)>,
    /// When each of them was said.
    opened_s: Vec<f64>,
    present: Option<Present>,
    keys: KeyTracker,
    /// First frame that the key tracker and the ear's memory have not had.
    told_from: usize,
}

impl Engine {
    fn new(ear: Ear, lookahead: usize, hindsight: bool) -> Self {
        Self {
            sums: Sums::new(ear.reach() + lookahead + 8),
            sure: ear.sureness(hindsight),
            keys: KeyTracker::new(hindsight, ear.sureness(hindsight).key),
            ear,
            lookahead,
            waiting: Vec::new(),
            since_silence: HALF_WINDOW,
            lattice: Lattice::new(if hindsight { Weights::OFFLINE } else { Weights::ONLINE }),
            beat_s: Vec::new(),
            downbeat: Vec::new(),
            scored: 0,
            open_frames: if hindsight { OPEN_FRAMES_OFFLINE } else { OPEN_FRAMES },
            refresh_every: if hindsight { REFRESH_OFFLINE } else { 1 },
            revised_frames: if hindsight { usize::MAX } else { REVISED_FRAMES },
            since_refresh: 0,
            tail: None,
            tail_start_s: 0.0,
            spans: Vec::new(),
            settled: 0,
            open: Vec::new(),
            opened_s: Vec::new(),
            present: None,
            told_from: 0,
        }
    }

    fn on_beat(&mut self, beat: &Beat) {
        if beat.time_s.is_finite() && self.beat_s.last().is_none_or(|&last| beat.time_s > last + 0.05) {
            self.beat_s.push(beat.time_s);
            self.downbeat.push(beat.beat == 1);
        }
    }

    fn frame(&mut self, frame: &ChromaFrame, now_s: f64) {
        let y = compress(frame);
        self.sums.push(&y);
        self.waiting.push((y, frame.energy < SILENCE || frame.chroma == [0.0; 24]));
        if self.waiting.len() > self.lookahead {
            self.score_next(now_s);
        }
    }

    /// Scores the frames that still wait, without what would have followed them.
    fn finish(&mut self, now_s: f64) {
        while !self.waiting.is_empty() {
            self.score_next(now_s);
        }
        // Nothing is ahead any more.
        self.present = None;
        self.refresh(now_s);
        self.tell(now_s, 0);
        self.keys.decode(now_s, true);
    }

    fn score_next(&mut self, now_s: f64) {
        let (y, is_silent) = self.waiting.remove(0);
        let index = self.scored;
        self.scored += 1;
        // The net hears silence too: what it remembers must not depend on what is made of it here.
        let (heard, told) = self.ear.hear(&self.sums, index);
        self.present =
            self.ear.now().filter(|_| !is_silent).map(|now| Present::new(now, index, self.present));
        // What starts after silence is in the window before it sounds.
        self.since_silence = if is_silent { 0 } else { self.since_silence.saturating_add(1) };
        let sounds = self.since_silence > HALF_WINDOW;
        let (log_prob, told) = if sounds { (heard, told) } else { (silent(), None) };
        let place = self.place(index);
        self.lattice.push(index, y, told, &log_prob, place);
        self.since_refresh += 1;
        if self.since_refresh >= self.refresh_every {
            self.refresh(now_s);
        }
    }

    fn place(&self, index: usize) -> Place {
        let edge_s = (index as f64 - 0.5) * HOP_S;
        let next = self.beat_s.partition_point(|&b| b < edge_s);
        let mut nearest: Option<(f64, usize)> = None;
        for i in [next.checked_sub(1), Some(next)].into_iter().flatten() {
            if let Some(&beat) = self.beat_s.get(i) {
                let away = (beat - edge_s).abs();
                if nearest.is_none_or(|(a, _)| away < a) {
                    nearest = Some((away, i));
                }
            }
        }
        match nearest {
            Some((away, i)) if away <= 0.5 * HOP_S => {
                if self.downbeat[i] {
                    Place::Downbeat
                } else {
                    Place::Beat
                }
            }
            Some((away, _)) if away <= 1.5 * HOP_S => Place::NearBeat,
            Some(_) if next > 0 && edge_s - self.beat_s[next - 1] < BEAT_REACH_S => Place::Between,
            _ => Place::Unknown,
        }
    }

    fn refresh(&mut self, now_s: f64) {
        self.since_refresh = 0;
        self.lattice.refresh(self.revised_frames);
        self.tell(now_s, REVISED_FRAMES);
        while self.lattice.nodes().len() > self.open_frames {
            let Some(node) = self.lattice.settle() else { break };
            match &mut self.tail {
                Some(run) if run.class == node.class => run.add(&node),
                _ => {
                    let start_s = boundary_s(node.index, &self.beat_s);
                    if let Some(done) = self.tail.take() {
                        let decided_s = self.decided(done.class, done.start, now_s);
                        let span = done.span(self.tail_start_s, start_s, decided_s, self.sure.chord);
                        self.spans.truncate(self.settled);
                        self.spans.push(span);
                        self.settled += 1;
                    }
                    self.tail = Some(Run::new(&node));
                    self.tail_start_s = start_s;
                }
            }
        }
        self.rebuild(now_s);
    }

    /// When it was said that `class` begins at frame `start`: before, or only now.
    fn decided(&self, class: usize, start: usize, now_s: f64) -> f64 {
        let known = self.open.iter().position(|&o| o == (class, start));
        known.and_then(|i| self.opened_s.get(i).copied()).unwrap_or(now_s)
    }

    /// Makes the spans that may still be revised anew.
    fn rebuild(&mut self, now_s: f64) {
        let mut runs: Vec<Run> = self.tail.iter().cloned().collect();
        for node in self.lattice.nodes() {
            match runs.last_mut() {
                Some(run) if run.class == node.class => run.add(node),
                _ => runs.push(Run::new(node)),
            }
        }
        let decided: Vec<f64> = runs.iter().map(|r| self.decided(r.class, r.start, now_s)).collect();
        self.spans.truncate(self.settled);
        let mut start_s = self.tail_start_s;
        for (i, run) in runs.iter().enumerate() {
            let end_s = runs.get(i + 1).map_or(now_s, |next| boundary_s(next.start, &self.beat_s));
            self.spans.push(run.span(start_s, end_s.max(start_s), decided[i], self.sure.chord));
            start_s = end_s.max(start_s);
        }
        // What sounds now, if it is another chord than that of the last frame that could be told for sure.
        if let (Some(present), Some(run), Some(last)) = (self.present, runs.last(), self.spans.last_mut())
            && present.log_prob[present.class] - present.log_prob[run.class] > NOW_MARGIN
        {
            let since_s = boundary_s(present.since.max(self.scored), &self.beat_s).clamp(last.start_s, now_s);
            let prob = libm::expf(present.log_prob[present.class]);
            let told = tentative(present.class, prob, since_s, last);
            last.end_s = since_s;
            self.spans.push(told);
        }
        self.open = runs.iter().map(|r| (r.class, r.start)).collect();
        self.opened_s = decided;
    }

    /// Tells the key tracker and the ear what was made of all but the last `fresh` frames.
    fn tell(&mut self, now_s: f64, fresh: usize) {
        let mut complete = false;
        let until = self.scored.saturating_sub(fresh);
        for node in self.lattice.nodes() {
            if node.index >= self.told_from && node.index < until {
                let told = node.told.as_ref().map(|t| &t.key);
                self.ear.remember(&node.posterior);
                complete |= self.keys.push(node.index as f64 * HOP_S, &node.posterior, told);
            }
        }
        self.told_from = self.told_from.max(until);
        if complete {
            self.keys.decode(now_s, false);
        }
    }

    /// Forgets what ended before `time_s`.
    fn forget(&mut self, time_s: f64) {
        let old = self.spans[..self.settled].iter().take_while(|s| s.end_s < time_s).count();
        self.spans.drain(..old);
        self.settled -= old;
        self.keys.forget(time_s);
    }

    /// Forgets beats that no frame will ask for.
    fn forget_beats(&mut self) {
        let oldest_s = (self.scored as f64 - self.open_frames as f64 - 64.0) * HOP_S;
        let old = self.beat_s.partition_point(|&b| b < oldest_s);
        if old > 256 {
            self.beat_s.drain(..old);
            self.downbeat.drain(..old);
        }
    }
}

/// Hears chords and keys in a stream of samples at 44,100 Hz.
pub struct Harmony {
    chroma: ChromaExtractor,
    engine: Engine,
    frames: Vec<ChromaFrame>,
    history_s: Option<f64>,
    samples: u64,
}

impl Harmony {
    /// Hears a stream that starts now, with the net for streams if `models` has one.
    pub fn new(models: &Models) -> Self {
        let perceptron = &params().online;
        let ear = Ear::for_stream(perceptron, models.harmony.as_deref());
        Self {
            chroma: ChromaExtractor::new(),
            engine: Engine::new(ear, perceptron.lookahead(), false),
            frames: Vec::new(),
            history_s: None,
            samples: 0,
        }
    }

    /// Takes samples in. How they are divided into calls does not matter, as long as beats come at
    /// the same stream times.
    pub fn push(&mut self, samples: &[f32]) {
        let mut rest = samples;
        while !rest.is_empty() {
            // Piece by piece between frames, so that each is decided at its own time.
            let (now, later) = rest.split_at(rest.len().min(self.chroma.missing()));
            rest = later;
            self.chroma.push(now);
            self.samples += now.len() as u64;
            let now_s = self.samples as f64 / RATE_HZ;
            while let Some(frame) = self.chroma.pop() {
                self.push_frame(frame, now_s);
            }
        }
        let now_s = self.samples as f64 / RATE_HZ;
        if let Some(last) = self.engine.spans.last_mut() {
            last.end_s = now_s;
        }
        if let Some(last) = self.engine.keys.last_mut() {
            last.end_s = now_s;
        }
    }

    /// Takes a chroma frame that was made elsewhere, at stream time `now_s`, in place of samples; frames come in
    /// order. Data sets give their recordings in this form.
    pub fn push_frame(&mut self, frame: ChromaFrame, now_s: f64) {
        self.engine.frame(&frame, now_s);
        self.frames.push(frame);
        self.forget(now_s);
    }

    /// Takes a beat; beats come in the order of time, when the stream has reached them. Without
    /// beats chords may change anywhere.
    pub fn on_beat(&mut self, beat: &Beat) {
        self.engine.on_beat(beat);
    }

    /// Chords so far, without gaps from the first to the present. The last three seconds may be
    /// revised; the last third of a second is what a net takes for the chord that sounds now, before the frames
    /// in question can be decoded.
    pub fn chords(&self) -> &[ChordSpan] {
        &self.engine.spans
    }

    /// The key of the recent music.
    pub fn key(&self) -> Option<Estimate<Key>> {
        self.engine.keys.now()
    }

    /// Keys so far, without gaps. The last two minutes may be revised.
    pub fn keys(&self) -> &[KeySpan] {
        self.engine.keys.spans()
    }

    /// Chroma frames that are kept.
    pub fn frames(&self) -> &[ChromaFrame] {
        &self.frames
    }

    /// How far back spans and frames are kept; `None` keeps all.
    pub fn set_history_s(&mut self, history_s: Option<f64>) {
        self.history_s = history_s;
    }

    fn forget(&mut self, now_s: f64) {
        self.engine.forget_beats();
        if let Some(history_s) = self.history_s {
            let oldest_s = now_s - history_s.max(0.0);
            self.engine.forget(oldest_s);
            // A quarter too many may lie there, so that the rest is seldom moved.
            let old = self.frames.partition_point(|f| f.time_s < oldest_s);
            if old * 4 > self.frames.len() {
                self.frames.drain(..old);
            }
        }
    }
}

/// Chords, keys and the key of the whole, of a recording whose chroma frames and beats are known, with the net for
/// recordings if `models` has one. Everything is decided at its end.
pub fn decode_offline(
    frames: &[ChromaFrame],
    beats: &[Beat],
    duration_s: f64,
    models: &Models,
) -> (Vec<ChordSpan>, Vec<KeySpan>, Option<Estimate<Key>>) {
    let perceptron = &params().offline;
    let compressed: Vec<_> = frames.iter().map(compress).collect();
    let (net, beside) = (models.harmony_offline.as_deref(), models.harmony.as_deref());
    let decode = |ear: Ear| {
        let mut engine = Engine::new(ear, perceptron.lookahead(), true);
        beats.iter().for_each(|beat| engine.on_beat(beat));
        frames.iter().for_each(|frame| engine.frame(frame, duration_s));
        engine.finish(duration_s);
        engine
    };
    let mut engine = decode(Ear::for_recording(perceptron, net, beside, &compressed));
    if engine.ear.hear_again() {
        engine = decode(engine.ear);
    }
    let keys = engine.keys.spans().to_vec();
    let key = engine.keys.whole().or(overall(&keys)).or(engine.keys.now());
    (engine.spans, keys, key)
}

/// The key that holds longest, with the probability and the runner-up of its spans.
fn overall(keys: &[KeySpan]) -> Option<Estimate<Key>> {
    let held = |key: Key| keys.iter().filter(|k| k.key == key).map(|k| k.end_s - k.start_s).sum::<f64>();
    let total: f64 = keys.iter().map(|k| k.end_s - k.start_s).sum();
    let best = keys.iter().max_by(|a, b| held(a.key).total_cmp(&held(b.key)))?;
    let other = keys.iter().filter(|k| k.key != best.key).max_by(|a, b| held(a.key).total_cmp(&held(b.key)));
    let share = if total > 0.0 { (held(best.key) / total) as f32 } else { 1.0 };
    let mean = keys
        .iter()
        .filter(|k| k.key == best.key)
        .map(|k| f64::from(k.prob) * (k.end_s - k.start_s))
        .sum::<f64>()
        / held(best.key).max(1e-9);
    let runner_up = match other {
        Some(other) if share < 0.8 => Some((other.key, (held(other.key) / total.max(1e-9)) as f32)),
        _ => best.runner_up,
    };
    Some(Estimate { value: best.key, prob: mean as f32 * share, runner_up })
}

#[cfg(test)]
mod tests;
