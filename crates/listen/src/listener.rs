//! The listener: takes audio as it comes and keeps [`Heard`] up to date, 10 ms at a time.

use std::collections::VecDeque;

use backline_music::{Beat, ChordSpan, Estimate, Heard, Transport};
use backline_nets::Model;

use crate::chroma::{ChromaFrame, HOP_S};
use crate::drums::DrumListener;
use crate::loudness::LoudnessMeter;
use crate::melody::MelodyTracker;
use crate::onset::{Flux, OnsetPicker, OnsetStrength};
use crate::resample::Resample;
use crate::rhythm::bars::{self, BarCounter};
use crate::rhythm::hindsight::{Rows, listen_again};
use crate::rhythm::net::{NetFrame, NetListener};
use crate::rhythm::{ChangeMeter, Clock, HostBeats, Joiner, RhythmFrame, Tracker};
use crate::spectrum::{FRAMES_PER_S, HOP, Spectrum};
use crate::strokes::StrokeListener;
use crate::style;
use crate::timbre::TimbreMeter;
use crate::tones::Tones;
use crate::{ListenError, Models};

/// Louder samples than this (12 dB over full scale) are limited: they can only be damage.
const LOUDEST: f32 = 4.0;
/// Smaller samples than this are silence; keeps denormal numbers out.
const QUIETEST: f32 = 1e-25;
/// The style is guessed anew this often, in steps.
const STYLE_EVERY: u64 = 200;
/// Histories are trimmed this often, in steps.
const TRIM_EVERY: u64 = 100;
/// Heard and host tempo that differ by more are worth a notice.
const TEMPO_TOLERANCE: f64 = 0.02;
/// How sure the ear must be to contradict the host, and for how long, in steps.
const CONTRADICT_PROB: f32 = 0.7;
const CONTRADICT_STEPS: u32 = 400;

/// Hears a stream of mono audio, one analysis step (10 ms) at a time.
pub struct Listener {
    sample_rate: f64,
    resample: Resample,
    /// Cleaned input of one call.
    clean: Vec<f32>,
    /// Audio at the analysis rate that waits for its step.
    pending: Vec<f32>,
    /// Samples of `pending` that were analysed already.
    used: usize,
    fed_samples: u64,
    finished: bool,
    steps: u64,
    clocks: VecDeque<Clock>,
    last_clock: Option<Clock>,
    host: HostBeats,
    spectrum: Spectrum,
    strength: OnsetStrength,
    picker: OnsetPicker,
    joiner: Joiner,
    changes: ChangeMeter,
    /// Rhythm frames so far.
    rhythm_frames: usize,
    net: Option<NetListener>,
    /// Rhythm frames that the net has not judged yet.
    unjudged: VecDeque<RhythmFrame>,
    strokes: StrokeListener,
    /// Follows the beat; `None` where a second look is to find it and nobody asks any more.
    tracker: Option<Tracker>,
    drums: DrumListener,
    tones: Tones,
    melody: MelodyTracker,
    loudness: LoudnessMeter,
    timbre: TimbreMeter,
    contradicted_steps: u32,
    history_s: Option<f64>,
    /// All rhythm frames, when a second look is planned.
    kept_frames: Option<Vec<RhythmFrame>>,
    heard: Heard,
}

impl Listener {
    /// A listener for audio at `sample_rate` Hz that hears with the built-in nets.
    ///
    /// # Errors
    /// The rate is not a number from 4,000 to 768,000.
    pub fn new(sample_rate: f64) -> Result<Self, ListenError> {
        Self::with_models(sample_rate, Models::built_in())
    }

    /// A listener that hears with `models`, and by rules what they leave out.
    ///
    /// # Errors
    /// As [`Listener::new`].
    pub fn with_models(sample_rate: f64, models: &Models) -> Result<Self, ListenError> {
        let tracker =
            |from_net: bool| Tracker::new(from_net, models.bars.as_deref().and_then(BarCounter::new));
        Self::with_parts(sample_rate, models, Tones::harmony(models), tracker)
    }

    /// A listener that keeps all rhythm and chroma frames for a second look, which is to decide on the beats; what
    /// it would say of the harmony meanwhile is left out.
    ///
    /// # Errors
    /// As [`Listener::new`].
    pub(crate) fn for_second_look(sample_rate: f64, models: &Models) -> Result<Self, ListenError> {
        let mut listener = Self::with_parts(sample_rate, models, Tones::chroma(), Tracker::of_beats)?;
        listener.kept_frames = Some(Vec::new());
        if models.rhythm_offline.is_some() || models.bars.is_some() {
            listener.net.iter_mut().for_each(NetListener::keep);
        }
        Ok(listener)
    }

    /// Follows the beat no longer: what the second look is to know of it, it knows.
    pub(crate) fn leave_beat(&mut self) {
        self.tracker = None;
        self.heard.tempo_bpm = None;
    }

    /// `tracker` makes what follows the beat, and is told whether a net is heard.
    fn with_parts(
        sample_rate: f64,
        models: &Models,
        tones: Tones,
        tracker: impl Fn(bool) -> Tracker,
    ) -> Result<Self, ListenError> {
        if !(4_000.0..=768_000.0).contains(&sample_rate) {
            return Err(ListenError::SampleRate(sample_rate));
        }
        let net = models.rhythm.as_deref().and_then(NetListener::new);
        Ok(Self {
            sample_rate,
            resample: Resample::new(sample_rate).ok_or(ListenError::SampleRate(sample_rate))?,
            clean: Vec::new(),
            pending: Vec::new(),
            used: 0,
            fed_samples: 0,
            finished: false,
            steps: 0,
            clocks: VecDeque::new(),
            last_clock: None,
            host: HostBeats::default(),
            spectrum: Spectrum::new(),
            strength: OnsetStrength::new(),
            picker: OnsetPicker::new(),
            joiner: Joiner::default(),
            changes: ChangeMeter::new(),
            rhythm_frames: 0,
            tracker: Some(tracker(net.is_some())),
            net,
            unjudged: VecDeque::new(),
            strokes: StrokeListener::new(),
            drums: DrumListener::new(),
            tones,
            melody: MelodyTracker::new(),
            loudness: LoudnessMeter::new(),
            timbre: TimbreMeter::new(),
            contradicted_steps: 0,
            history_s: None,
            kept_frames: None,
            heard: Heard { notices: models.notices.clone(), ..Heard::default() },
        })
    }

    /// Bounds the histories in [`Heard`] to the last `seconds` (at least 30), for streams without end;
    /// `None` keeps everything.
    pub fn set_history_s(&mut self, seconds: Option<f64>) {
        self.history_s = seconds.map(|s| if s.is_finite() { s.max(30.0) } else { 30.0 });
        self.tones.set_history_s(self.history_s);
        self.melody.set_history_s(self.history_s);
    }

    /// Takes audio in; nothing is analysed until [`Listener::step`] is called. `transport` is the
    /// host's at the first of these samples, if there is a host. Samples that are no numbers count as
    /// silence.
    pub fn feed(&mut self, mono: &[f32], transport: Option<&Transport>) {
        if self.finished {
            return;
        }
        if let Some(transport) = transport {
            let clock = Clock { at_s: self.fed_samples as f64 / self.sample_rate, transport: *transport };
            if self.last_clock.as_ref().is_none_or(|last| !last.agrees(&clock)) {
                self.clocks.push_back(clock);
                self.last_clock = Some(clock);
            }
        }
        self.fed_samples += mono.len() as u64;
        self.clean.clear();
        let mut damaged = false;
        self.clean.extend(mono.iter().map(|x| {
            if !x.is_finite() {
                damaged = true;
                0.0
            } else if x.abs() < QUIETEST {
                0.0
            } else {
                x.clamp(-LOUDEST, LOUDEST)
            }
        }));
        if damaged {
            self.notice(
                "The audio holds samples that are not numbers (NaN or infinite); they are heard as silence. \
                 Look for a faulty effect before this one.",
            );
        }
        self.pending.drain(..self.used);
        self.used = 0;
        self.resample.push(&self.clean, &mut self.pending);
    }

    /// Says that no more audio comes, so that the remaining steps can be taken.
    pub fn finish(&mut self) {
        if self.finished {
            return;
        }
        self.finished = true;
        self.resample.flush(&mut self.pending);
        let rest = (self.pending.len() - self.used) % HOP;
        if rest > 0 {
            let whole = self.pending.len() + HOP - rest;
            self.pending.resize(whole, 0.0);
        }
    }

    /// What has been heard up to the last step.
    pub fn heard(&self) -> &Heard {
        &self.heard
    }

    /// Analyses the next step (10 ms) of what was fed; `false` when too little is left. The results do
    /// not depend on how the audio was divided into calls of [`Listener::feed`].
    pub fn step(&mut self) -> bool {
        if self.pending.len() - self.used < HOP {
            return false;
        }
        let hop = self.used..self.used + HOP;
        self.used += HOP;
        self.steps += 1;
        let end_s = self.steps as f64 / FRAMES_PER_S;
        self.heard.time_s = end_s;

        let hop = &self.pending[hop];
        self.spectrum.push(hop);
        if let Some(loudness) = self.loudness.push(hop, end_s) {
            self.heard.loudness.push(loudness);
        }
        if let Some(timbre) = self.timbre.push(&self.spectrum.magnitude, end_s) {
            self.heard.timbre.push(timbre);
        }
        let flux = self.strength.push(&self.spectrum.magnitude);
        self.heard.onsets.extend(self.picker.push(flux.total, end_s));
        self.tones.push(hop);
        let (frames, taken) = (self.tones.frames(), self.changes.taken());
        let fresh = frames.partition_point(|f| f.time_s < (taken as f64 - 0.5) * HOP_S);
        for frame in &frames[fresh..] {
            self.changes.push(frame);
            self.tracker.iter_mut().for_each(|tracker| tracker.hear_chroma(frame));
        }
        self.melody.push(hop);
        self.hear_rhythm(&flux, end_s);
        let (chords, keys, key) = self.tones.heard();
        renew_chords(&mut self.heard.chords, chords, end_s);
        self.heard.keys.clear();
        self.heard.keys.extend_from_slice(keys);
        self.heard.key = key;
        let points = self.melody.points();
        let told_s = self.heard.melody.last().map_or(f64::NEG_INFINITY, |p| p.time_s);
        self.heard.melody.extend_from_slice(&points[points.partition_point(|p| p.time_s <= told_s)..]);
        if self.steps.is_multiple_of(STYLE_EVERY) {
            self.heard.style = style::guess(&self.heard);
        }
        if self.steps.is_multiple_of(TRIM_EVERY) {
            self.trim();
        }
        true
    }

    /// Beats and drums: from the net, or by the rules where there is none.
    fn hear_rhythm(&mut self, flux: &Flux, end_s: f64) {
        if self.net.is_none() {
            self.drums.push(&self.spectrum.magnitude, flux.total, end_s, &mut self.heard.drums);
        }
        if let Some(strengths) = self.joiner.push(flux) {
            let change = self.changes.at_frame(self.rhythm_frames);
            self.unjudged.push_back(RhythmFrame { strengths, change, said: None });
            self.rhythm_frames += 1;
        }
        match self.net.as_mut().map(|net| net.push(self.strength.bands())) {
            None => {}
            Some(Ok(judged)) => {
                for (net_frame, row) in judged {
                    self.strokes.push(&net_frame, end_s, &mut self.heard.drums);
                    if let Some(frame) = self.unjudged.pop_front() {
                        self.track(&RhythmFrame { said: Some(net_frame), ..frame }, Some(&row), end_s);
                    }
                }
                self.take_beat(None, end_s);
                return;
            }
            Some(Err(error)) => {
                self.notice(&format!("Backline hears beats and drums by its simpler rules: {error}"));
                self.net = None;
                self.tracker = self.tracker.take().map(|_| Tracker::new(false, None));
            }
        }
        while let Some(frame) = self.unjudged.pop_front() {
            self.track(&frame, None, end_s);
        }
        self.take_beat(None, end_s);
    }

    fn track(&mut self, frame: &RhythmFrame, row: Option<&[f32]>, end_s: f64) {
        if let Some(kept) = &mut self.kept_frames {
            kept.push(*frame);
        }
        let Some(tracker) = &mut self.tracker else { return };
        let beat = tracker.push(frame, row, end_s);
        if let Some(error) = tracker.take_failure() {
            self.notice(&bars::notice(&error));
        }
        self.take_beat(beat, end_s);
    }

    /// Settles whose beat counts, the host's or the heard one, and what tempo is in force.
    fn take_beat(&mut self, heard_beat: Option<Beat>, end_s: f64) {
        while let Some(clock) = self.clocks.pop_front_if(|c| c.at_s <= end_s) {
            // What fell before the tie, at the tempo until then: a tempo that is drawn as a ramp is a tie in every block.
            let last = self.heard.beats.last().copied();
            if let Some(tracker) = &mut self.tracker
                && let Some(beat) = self.host.take(last.as_ref(), clock.at_s)
            {
                tracker.set_last_beat(Some(beat));
                self.push_beat(Some(beat));
            }
            self.host.set(clock);
        }
        let Some(tracker) = &mut self.tracker else { return };
        let last = self.heard.beats.last().copied();
        let reading = tracker.reading.as_ref().filter(|_| tracker.is_claiming());
        self.heard.tempo_candidates.clear();
        if let (Some(host_bpm), Some(metre)) = (self.host.tempo_bpm(), self.host.metre()) {
            let heard_tempo = reading.map(|r| (r.bpm, r.prob));
            self.heard.tempo_bpm = Some(Estimate { value: host_bpm, prob: 1.0, runner_up: heard_tempo });
            self.heard.metre = Some(Estimate::certain(metre));
            self.heard.tempo_candidates.push((host_bpm, 1.0));
            if reading.is_some() {
                self.heard.tempo_candidates.extend_from_slice(&tracker.candidates);
            }
            let beat = self.host.take(last.as_ref(), end_s);
            tracker.set_last_beat(beat);
            self.push_beat(beat);
            self.heard.next_beat = self.host.next(self.heard.beats.last(), end_s);
            self.compare_tempo(host_bpm, heard_tempo);
            return;
        }
        match reading {
            Some(r) => {
                let runner_up = tracker.candidates.get(1).copied();
                self.heard.tempo_bpm =
                    Some(Estimate { value: r.bpm, prob: tracker.candidates[0].1, runner_up });
                self.heard.metre = Some(r.metre);
                self.heard.tempo_candidates.extend_from_slice(&tracker.candidates);
                self.heard.next_beat = tracker.next_beat;
            }
            None => {
                self.heard.tempo_bpm = None;
                self.heard.metre = None;
                self.heard.next_beat = None;
            }
        }
        self.push_beat(heard_beat.filter(|b| last.is_none_or(|l| b.time_s > l.time_s)));
    }

    fn push_beat(&mut self, beat: Option<Beat>) {
        if let Some(beat) = &beat {
            self.tones.on_beat(beat);
        }
        self.heard.beats.extend(beat);
    }

    /// Tells the musician, once, when host and audio go at different tempi.
    fn compare_tempo(&mut self, host_bpm: f64, heard: Option<(f64, f32)>) {
        let differs = heard.is_some_and(|(bpm, prob)| {
            let same_but_for_octave = [1.0 / 3.0, 0.5, 2.0 / 3.0, 1.0, 1.5, 2.0, 3.0]
                .iter()
                .any(|factor| (bpm / (host_bpm * factor) - 1.0).abs() <= TEMPO_TOLERANCE);
            prob > CONTRADICT_PROB && !same_but_for_octave
        });
        self.contradicted_steps = if differs { self.contradicted_steps + 1 } else { 0 };
        if self.contradicted_steps == CONTRADICT_STEPS {
            let bpm = heard.map_or(0.0, |h| h.0);
            self.notice(&format!(
                "The track sounds like {bpm:.1} beats a minute, but the host's tempo is {host_bpm:.1}: Backline \
                 plays at the host's. Set the host's tempo to the track's, or let Backline follow what it hears.",
            ));
        }
    }

    fn notice(&mut self, text: &str) {
        const MOST_NOTICES: usize = 20;
        if self.heard.notices.len() < MOST_NOTICES && !self.heard.notices.iter().any(|n| n == text) {
            self.heard.notices.push(text.to_owned());
        }
    }

    /// Forgets what lies further back than the history goes.
    fn trim(&mut self) {
        let Some(history_s) = self.history_s else { return };
        let from_s = self.heard.time_s - history_s;
        fn cut<T>(items: &mut Vec<T>, is_old: impl Fn(&T) -> bool) {
            let n = items.partition_point(is_old);
            items.drain(..n);
        }
        cut(&mut self.heard.beats, |x| x.time_s < from_s);
        cut(&mut self.heard.chords, |x| x.end_s < from_s);
        cut(&mut self.heard.drums, |x| x.time_s < from_s);
        cut(&mut self.heard.melody, |x| x.time_s < from_s);
        cut(&mut self.heard.onsets, |x| x.time_s < from_s);
        cut(&mut self.heard.loudness, |x| x.time_s < from_s);
        cut(&mut self.heard.timbre, |x| x.time_s < from_s);
    }

    /// The chroma frames so far.
    pub(crate) fn chroma_frames(&self) -> &[ChromaFrame] {
        self.tones.frames()
    }

    /// What was kept for a second look. Where `again` can take one at what the net said, that is what the frames and the
    /// strokes are made of.
    pub(crate) fn take_parts(&mut self, again: Option<&Model>) -> Parts {
        let mut frames = self.kept_frames.take().unwrap_or_default();
        let said_at_once = frames.iter().filter_map(|f| f.said).collect();
        let rows = self.net.as_mut().and_then(NetListener::take_kept).unwrap_or_default();
        match again.and_then(|model| listen_again(model, &rows)) {
            None => {}
            Some(Ok(said)) => {
                frames.iter_mut().zip(&said).for_each(|(frame, said)| frame.said = Some(*said));
                self.heard.drums.clear();
                let mut strokes = StrokeListener::new();
                said.iter().for_each(|said| strokes.push(said, self.heard.time_s, &mut self.heard.drums));
            }
            Some(Err(error)) => {
                self.notice(&format!("Backline hears the beats of recordings as those of a stream: {error}"));
            }
        }
        Parts { frames, said_at_once, rows, heard: std::mem::take(&mut self.heard) }
    }
}

/// What a listener that planned a second look has kept.
pub(crate) struct Parts {
    /// All rhythm frames.
    pub(crate) frames: Vec<RhythmFrame>,
    /// What the stream's net said of them; empty where there was none.
    pub(crate) said_at_once: Vec<NetFrame>,
    /// What it said and heard, row by row; empty where that was not kept.
    pub(crate) rows: Rows,
    /// Everything heard.
    pub(crate) heard: Heard,
}

/// Chords this far back are no longer revised.
const CHORDS_SETTLE_S: f64 = 6.0;

/// Brings `chords` up to `source`, copying no more than what may have changed.
fn renew_chords(chords: &mut Vec<ChordSpan>, source: &[ChordSpan], now_s: f64) {
    let keep = chords.partition_point(|c| c.end_s < now_s - CHORDS_SETTLE_S);
    chords.truncate(keep);
    let from = chords.last().map_or(0, |last| source.partition_point(|c| c.start_s <= last.start_s));
    chords.extend_from_slice(&source[from..]);
}
