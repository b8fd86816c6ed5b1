//! One track being heard and accompanied, live.
//!
//! A session advances in the listener's steps of 10 ms. At each step it knows where the timeline
//! stands; shortly before a bar line it commits the next bar, and on every tactus it sketches the bars
//! after that. Which step does what depends on stream time only, never on how the audio was divided
//! into calls, so that the same input and controls give the same plan.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use backline_listen::{Listener, Models};
use backline_music::{
    Controls, Corrections, Follow, Heard, Plan, PlannedBar, StyleChoice, Timeline, Transport,
};
use backline_play::taste::{Judgement, Played, Take, judge};
use backline_play::{BarContext, Form, Taste, Verdict, plan_by_taste, retake};
use serde::{Deserialize, Serialize};

use crate::EngineError;
use crate::ahead::Ahead;
use crate::clock::{HeardClock, HostClock, Position};
use crate::dynamics;
use crate::edits::Edits;
use crate::memory::{Memory, place};
use crate::view::{HeardCell, Place, heard_cells};

/// A bar is committed this long before it begins: enough for the largest audio block that hosts use
/// to pass through the worker, and no more, since what is turned or heard later than this acts one
/// bar later.
const COMMIT_LEAD_S: f64 = 0.25;
/// And so many beats, at least.
const LEAST_LEAD_BEATS: f64 = 0.125;
/// Bars sketched beyond the committed one.
const SKETCHED_BARS: usize = 4;
/// Onsets sooner than this after the host stopped are of what it played.
const STOP_RINGS_S: f64 = 0.1;
/// What a session remembers of the stream, in seconds: more than any loop that is searched for.
const HISTORY_S: f64 = 240.0;
/// Committed bars that can still be judged: as many as are kept as clips.
const JUDGED_BARS: usize = 64;

/// What a session is doing; the words are the window's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// No beat is being followed: the transport stands and nothing rhythmic is heard.
    #[default]
    Idle,
    /// The transport runs and nothing is heard.
    NoInput,
    /// Sound is heard; the band waits until it has heard a whole bar.
    Listening,
    /// The band plays to what it hears.
    Locked,
    /// The input fell silent; the band goes on with the harmony that it knows.
    Holding,
}

/// A bar's place: whether on the host's timeline, and its start there.
type BarPlace = (bool, i64);

/// One track being heard and accompanied.
pub struct Session {
    listener: Listener,
    sample_rate: f64,
    fed_samples: u64,
    host: HostClock,
    host_plays: bool,
    /// When the host stopped, until something is played after it: the beat that was heard ended with the song.
    stopped_s: Option<f64>,
    heard_clock: HeardClock,
    controls: Controls,
    pending_controls: VecDeque<(f64, Controls)>,
    corrections: Corrections,
    pending_corrections: VecDeque<(f64, Corrections)>,
    /// What was corrected since the last plan has to flow into the bars that are not committed.
    reflow: bool,
    memory: Memory,
    last: Option<(f64, Position)>,
    /// Quarter notes by which a loop has brought the timeline back since it came here: phrases go on through
    /// its rounds.
    lap_beats: f64,
    ready: bool,
    style: Option<String>,
    /// Bars by place; those in `committed` are fixed.
    bars: BTreeMap<i64, PlannedBar>,
    committed: Vec<i64>,
    form: Form,
    pending_forms: VecDeque<(f64, Form)>,
    /// The form that each of `bars` was planned in.
    forms: BTreeMap<i64, Form>,
    edits: Edits,
    pending_edits: VecDeque<(f64, Edits)>,
    /// The one bar of a loop was planned again for its next round.
    renewed: bool,
    taste: Taste,
    pending_tastes: VecDeque<(f64, Taste)>,
    /// The take that each of `bars` was planned in.
    chosen: BTreeMap<i64, Take>,
    /// The last committed bars, newest last, one a place.
    played: VecDeque<(BarPlace, Played)>,
    plan: Plan,
    status: Status,
}

impl Session {
    /// A session for audio at `sample_rate` Hz that hears with the built-in nets.
    ///
    /// # Errors
    /// The rate cannot be analysed.
    pub fn new(sample_rate: f64) -> Result<Self, EngineError> {
        Self::with_models(sample_rate, Models::built_in())
    }

    /// A session that hears with `models`.
    ///
    /// # Errors
    /// The rate cannot be analysed.
    pub fn with_models(sample_rate: f64, models: &Models) -> Result<Self, EngineError> {
        let mut listener = Listener::with_models(sample_rate, models)?;
        listener.set_history_s(Some(HISTORY_S));
        Ok(Self {
            listener,
            sample_rate,
            fed_samples: 0,
            host: HostClock::default(),
            host_plays: false,
            stopped_s: None,
            heard_clock: HeardClock::default(),
            controls: Controls::default(),
            pending_controls: VecDeque::new(),
            corrections: Corrections::default(),
            pending_corrections: VecDeque::new(),
            reflow: false,
            memory: Memory::default(),
            last: None,
            lap_beats: 0.0,
            ready: false,
            style: None,
            bars: BTreeMap::new(),
            committed: Vec::new(),
            form: Form::Groove,
            pending_forms: VecDeque::new(),
            forms: BTreeMap::new(),
            edits: Edits::default(),
            pending_edits: VecDeque::new(),
            renewed: false,
            taste: Taste::neutral(),
            pending_tastes: VecDeque::new(),
            chosen: BTreeMap::new(),
            played: VecDeque::new(),
            plan: Plan::empty(),
            status: Status::Idle,
        })
    }

    /// Sets the controls, from the present stream time on: bars committed later obey them.
    pub fn set_controls(&mut self, controls: &Controls) {
        let newest = self.pending_controls.back().map_or(&self.controls, |(_, c)| c);
        let controls = controls.clone().sanitised();
        if *newest != controls {
            self.pending_controls.push_back((self.fed_s(), controls));
        }
    }

    /// Sets the form, from the present stream time on: an intro, a break, the ending, or the whole band. It
    /// acts with the next bar that is not committed yet.
    pub fn set_form(&mut self, form: Form) {
        if self.pending_forms.back().map_or(self.form, |&(_, f)| f) != form {
            self.pending_forms.push_back((self.fed_s(), form));
        }
    }

    /// Sets what the musician has written into the lanes, from the present stream time on. It sounds from the
    /// next bar that is not committed, and wherever its place comes back; the planner never overwrites it.
    pub fn set_edits(&mut self, edits: &Edits) {
        let newest = self.pending_edits.back().map_or(&self.edits, |(_, e)| e);
        let edits = edits.clone().sanitised();
        if *newest != edits {
            self.pending_edits.push_back((self.fed_s(), edits));
        }
    }

    /// Sets what the musician likes, from the present stream time on: bars committed later are chosen by it,
    /// from the next take of four bars on.
    pub fn set_taste(&mut self, taste: &Taste) {
        let newest = self.pending_tastes.back().map_or(&self.taste, |(_, t)| t);
        if newest != taste {
            self.pending_tastes.push_back((self.fed_s(), taste.clone()));
        }
    }

    /// What a verdict on the bars between two beats of the present timeline, else of the other, teaches: to be taken into a
    /// [`Taste`] and kept. `None` where none of the last 64 bars lies there. Plans the other takes of these bars,
    /// a few milliseconds a bar: nothing for the audio thread.
    pub fn judge(&self, from_beat: f64, to_beat: f64, verdict: Verdict) -> Option<Judgement> {
        let there = |bar: &PlannedBar| bar.start_beat < to_beat - 1e-6 && bar.end_beat() > from_beat + 1e-6;
        let of = |on_host: bool| -> Vec<Played> {
            let bars =
                self.played.iter().filter(|((host, _), played)| *host == on_host && there(&played.bar));
            bars.map(|(_, played)| played.clone()).collect()
        };
        let on_host = matches!(self.plan.timeline, Timeline::Host);
        // The clock may have changed since they were played.
        let bars = Some(of(on_host)).filter(|bars| !bars.is_empty()).unwrap_or_else(|| of(!on_host));
        judge(backline_play::Models::built_in(), &bars, verdict)
    }

    /// Goes on with what another session played and planned on the host's timeline, as if it had been heard here.
    pub fn go_on(&mut self, plan: &Plan, played: &[Arc<PlannedBar>]) {
        if !matches!(plan.timeline, Timeline::Host) {
            return;
        }
        played.iter().for_each(|bar| self.memory.recall(bar));
        self.style = plan.bars.first().map(|bar| bar.style.clone());
        self.ready = self.style.is_some();
        self.bars = plan.bars.iter().map(|bar| (place(bar.start_beat), bar.clone())).collect();
        self.plan = Plan { revision: self.plan.revision + 1, ..plan.clone() };
    }

    /// Sets what the musician has corrected, from the present stream time on. The plan reflows from the
    /// next bar that is not committed; what is heard never overwrites a correction.
    pub fn set_corrections(&mut self, corrections: &Corrections) {
        let newest = self.pending_corrections.back().map_or(&self.corrections, |(_, c)| c);
        let corrections = corrections.clone().sanitised();
        if *newest != corrections {
            self.pending_corrections.push_back((self.fed_s(), corrections));
        }
    }

    /// Hears `mono` and plans ahead. `transport` is the host's at the first of these samples. The
    /// result does not depend on how the audio is divided into calls.
    pub fn feed(&mut self, mono: &[f32], transport: &Transport) {
        self.host.push(self.fed_s(), transport);
        let newest = self.pending_controls.back().map_or(&self.controls, |(_, c)| c);
        // Who is to go by the heard beat must not be told the host's.
        let told = if newest.follow == Follow::Host { transport } else { &Transport::STOPPED };
        self.listener.feed(mono, Some(told));
        self.fed_samples += mono.len() as u64;
        while self.listener.step() {
            self.step();
        }
        self.host.forget_before(self.listener.heard().time_s - 1.0);
    }

    /// Everything heard so far. Histories reach back four minutes.
    pub fn heard(&self) -> &Heard {
        self.listener.heard()
    }

    /// The plan in force; its `revision` tells whether it changed.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Where the music stands; `None` while no timeline runs.
    pub fn place(&self) -> Option<Place> {
        self.last.map(|(_, position)| position.into())
    }

    /// The harmony of the last `bars` bars on the present timeline, the one that sounds now last.
    pub fn heard_cells(&self, bars: usize) -> Vec<HeardCell> {
        let known = self.memory.bars();
        heard_cells(known.range(known.len().saturating_sub(bars)..), &self.heard().chords)
    }

    /// What the session is doing.
    pub fn status(&self) -> Status {
        self.status
    }

    #[allow(clippy::cast_precision_loss)] // exact for 5,000 years of audio
    fn fed_s(&self) -> f64 {
        self.fed_samples as f64 / self.sample_rate
    }

    fn step(&mut self) {
        let heard = self.listener.heard();
        let now_s = heard.time_s;
        while self.pending_controls.front().is_some_and(|(from_s, _)| *from_s <= now_s) {
            if let Some((_, controls)) = self.pending_controls.pop_front() {
                self.controls = controls;
            }
        }
        while self.pending_forms.front().is_some_and(|(from_s, _)| *from_s <= now_s) {
            if let Some((_, form)) = self.pending_forms.pop_front() {
                self.form = form;
            }
        }
        while self.pending_tastes.front().is_some_and(|(from_s, _)| *from_s <= now_s) {
            if let Some((_, taste)) = self.pending_tastes.pop_front() {
                self.taste = taste;
            }
        }
        while self.pending_corrections.front().is_some_and(|(from_s, _)| *from_s <= now_s) {
            if let Some((_, corrections)) = self.pending_corrections.pop_front() {
                self.corrections = corrections;
                self.reflow = true;
            }
        }
        let mut edited = None;
        while self.pending_edits.front().is_some_and(|(from_s, _)| *from_s <= now_s) {
            if let Some((_, edits)) = self.pending_edits.pop_front() {
                edited.get_or_insert_with(|| self.edits.clone());
                self.edits = edits;
                self.reflow = true;
            }
        }
        let audible = heard.loudness.last().is_some_and(|l| l.momentary_lufs > dynamics::AUDIBLE_LUFS);
        let host = self.host.at(now_s);
        match (std::mem::replace(&mut self.host_plays, host.is_some()), host.is_some()) {
            (true, false) => self.stopped_s = Some(now_s),
            (_, true) => self.stopped_s = None,
            (false, false) => {
                let played_since =
                    |stopped_s| heard.onsets.last().is_some_and(|o| o.time_s > stopped_s + STOP_RINGS_S);
                self.stopped_s = self.stopped_s.filter(|stopped_s| !(audible && played_since(*stopped_s)));
            }
        }
        let position = match (host, self.controls.follow) {
            (Some(position), Follow::Host) => Some(position),
            _ if self.stopped_s.is_some() => None,
            _ => self.heard_clock.at(heard, &self.corrections, now_s),
        };
        let Some(position) = position else {
            self.stand_still(host.is_some());
            return;
        };

        let host_time = matches!(position.timeline, Timeline::Host);
        let (jumped, crossed, came_round) = match &self.last {
            Some((last_s, last)) if matches!(last.timeline, Timeline::Host) == host_time => {
                let expected = last.beat + (now_s - last_s) * last.tempo_bpm / 60.0;
                // The heard beat is corrected now and then; the host's position is not.
                let tolerance = if host_time { 0.1 } else { 0.5 };
                let tactus = |p: &Position| (p.beat / p.metre.tactus_quarters()).floor();
                let jumped = (position.beat - expected).abs() > tolerance;
                let rounds =
                    |(from, to): (f64, f64)| (position.beat - (expected - (to - from))).abs() <= tolerance;
                let came_round = last.loop_beats.filter(|range| jumped && rounds(*range));
                let lap = came_round.map(|_| last.bar_end() - position.bar_start);
                (jumped, tactus(last) != tactus(&position), lap)
            }
            Some(_) => {
                // Another clock: nothing that was planned for the old one means anything now.
                self.bars.clear();
                (true, true, None)
            }
            None => (true, true, None),
        };
        if jumped {
            self.lap_beats = came_round.map_or(0.0, |lap| self.lap_beats + lap);
        }
        let left = self.last.as_ref().map(|(_, last)| place(last.bar_start));
        self.last = Some((now_s, position));
        self.memory.step(now_s, &position, audible, jumped);
        if self.controls.listen {
            self.memory.hear_onsets(&heard.onsets);
        }

        // Of the shortest bars there are, half is less than the least.
        let half = position.metre.bar_quarters() / 2.0;
        let lead = (COMMIT_LEAD_S * position.tempo_bpm / 60.0).clamp(LEAST_LEAD_BEATS.min(half), half);
        let at_line = position.beat >= position.bar_end() - lead;
        let here = place(position.bar_start);
        if let Some(before) = edited {
            // Bars of before come back edited, not as they were.
            let edits = &self.edits;
            self.bars.retain(|_, bar| {
                bar.end_beat() > position.bar_start + 1e-6
                    || !edits.differ_at(&before, bar.start_beat, !host_time)
            });
        }
        if jumped {
            self.committed.clear();
            self.renewed = false;
            if self.bars.contains_key(&here) {
                self.committed.push(here);
            }
        }
        // A bar that was left is planned again when a loop comes round to it.
        let next_start = position.next_bar_start(position.bar_start);
        let next = place(next_start);
        self.committed.retain(|&place| Some(place) != left.filter(|left| *left != here));
        let whole_bar = self.memory.bars().iter().rev().take(2).any(|bar| {
            let heard_to_the_end = bar.start_beat < position.bar_start - 1e-3 || at_line;
            heard_to_the_end && bar.is_whole() && bar.audible() > 0.5
        });
        self.ready |= whole_bar;
        self.status = match (self.ready, audible) {
            (false, false) => Status::NoInput,
            (false, true) => Status::Listening,
            (true, true) => Status::Locked,
            (true, false) if self.sounded_lately() => Status::Locked,
            (true, false) => Status::Holding,
        };
        if !self.ready {
            return;
        }

        let plan_here = !self.bars.contains_key(&here) && jumped;
        let again = next == here && !self.renewed;
        let commit_next = at_line && (again || !self.committed.contains(&next));
        if plan_here || commit_next || crossed || self.reflow {
            self.plan_ahead(now_s, &position, plan_here, at_line);
        }
    }

    /// Whether this bar or the one before it had sound in it.
    fn sounded_lately(&self) -> bool {
        self.memory.bars().iter().rev().take(2).any(|bar| bar.audible() > 0.2)
    }

    /// No timeline: the band rests.
    fn stand_still(&mut self, host_runs: bool) {
        self.last = None;
        self.committed.clear();
        self.status = if host_runs { Status::NoInput } else { Status::Idle };
        if !self.bars.is_empty() {
            self.bars.clear();
            self.publish(self.plan.timeline, f64::NEG_INFINITY);
        }
    }

    /// Commits the bars that are due and sketches those after them.
    fn plan_ahead(&mut self, now_s: f64, position: &Position, plan_here: bool, commit_next: bool) {
        self.reflow = false;
        let heard = self.listener.heard();
        if self.controls.listen {
            self.memory.read_harmony(&heard.chords, now_s);
        }
        let planned = |beat: f64| self.bars.get(&place(beat)).map(|bar| bar.chords.as_slice());
        self.memory.hold_harmony(!self.controls.listen, planned);
        let on_heard_beat = matches!(position.timeline, Timeline::Heard { .. });
        self.memory.correct(&self.corrections, on_heard_beat);
        if !on_heard_beat {
            self.memory.remember_places();
        }
        let usual = backline_play::usual_phrase_bars(&self.style_at(position, false));
        let ahead = Ahead::of(&self.memory, position, SKETCHED_BARS + 2, self.lap_beats, usual);

        // Starts of the bars from the present one on, the loop taken into account.
        let mut starts = vec![position.bar_start];
        for _ in 0..=SKETCHED_BARS {
            let next = position.next_bar_start(starts[starts.len() - 1]);
            if starts.contains(&next) {
                break; // a short loop has come round
            }
            starts.push(next);
        }
        // In a loop of one bar the next bar is this one.
        let again = starts.len() == 1 && commit_next;
        self.renewed |= again;
        for (i, &start) in starts.iter().enumerate() {
            let here = place(start);
            let due = (i == 0 && (plan_here || again)) || (i == 1 && commit_next);
            if (self.committed.contains(&here) && !again) || (i == 0 && !due) {
                continue;
            }
            let before = (i > 0).then(|| starts[i - 1]);
            let (played, take) = self.plan_one(position, &ahead, i, start, before, due);
            self.chosen.insert(here, take);
            let bar = played.bar.clone();
            if due {
                self.remember((matches!(position.timeline, Timeline::Host), here), played);
            }
            self.forms.insert(here, self.form);
            let end = bar.end_beat();
            self.bars.retain(|_, old| old.end_beat() <= start + 1e-6 || old.start_beat >= end - 1e-6);
            self.bars.insert(here, bar);
            if due && !again {
                self.committed.push(here);
            }
        }

        let bar_quarters = position.metre.bar_quarters();
        let keep_from = position.bar_start - bar_quarters - 1e-6;
        let keep_to = position.bar_start + bar_quarters * 6.0;
        self.bars.retain(|_, bar| {
            (bar.start_beat >= keep_from && bar.start_beat < keep_to)
                || starts.iter().any(|s| (s - bar.start_beat).abs() < 1e-6)
        });
        let bars = &self.bars;
        self.committed.retain(|place| bars.contains_key(place));
        self.forms.retain(|place, _| bars.contains_key(place));
        self.chosen.retain(|place, _| bars.contains_key(place));
        let fixed = if self.committed.contains(&place(starts[1.min(starts.len() - 1)])) { 1 } else { 0 };
        self.publish(position.timeline, starts[fixed.min(starts.len() - 1)] + bar_quarters);
    }

    /// The style to play in; an automatic one stays until it is chosen `anew`.
    fn style_at(&self, position: &Position, anew: bool) -> String {
        match (&self.style, &self.controls.style) {
            (Some(style), StyleChoice::Auto) if !anew => style.clone(),
            (_, choice) => {
                let heard = &self.listener.heard().style;
                backline_play::resolve_style(choice, heard, position.tempo_bpm, position.metre)
            }
        }
    }

    /// Keeps a committed bar for the judgement.
    fn remember(&mut self, here: BarPlace, mut played: Played) {
        // Nobody hears what is off.
        let Played { bar, controls, .. } = &mut played;
        bar.notes.retain(|note| controls.parts_on[note.part.index()]);
        self.played.retain(|(place, _)| *place != here);
        self.played.push_back((here, played));
        let surplus = self.played.len().saturating_sub(JUDGED_BARS);
        self.played.drain(..surplus);
    }

    fn plan_one(
        &mut self,
        position: &Position,
        ahead: &Ahead,
        bars_ahead: usize,
        start: f64,
        before: Option<f64>,
        due: bool,
    ) -> (Played, Take) {
        let heard = self.listener.heard();
        let (bar_in_phrase, phrase_bars) = ahead.phrase(bars_ahead);
        // An automatic style changes at the start of a phrase only.
        let style = self.style_at(position, due && bar_in_phrase == 0);
        if due {
            self.style = Some(style.clone());
        }
        let metre = position.metre;
        let bar_quarters = metre.bar_quarters();
        #[allow(clippy::cast_possible_truncation)] // positions are bounded by the clock
        let index = (start / bar_quarters).round() as i64;
        let on_heard_beat = matches!(position.timeline, Timeline::Heard { .. });
        let chords = |bars_ahead: usize, from: f64| {
            let expected = ahead.chords(&self.memory, bars_ahead, from);
            self.corrections.overlay(expected, from, from + bar_quarters, on_heard_beat)
        };
        let ctx = BarContext {
            index,
            start_beat: start,
            metre,
            tempo_bpm: position.tempo_bpm,
            chords: chords(bars_ahead, start),
            next_chord: chords(bars_ahead + 1, position.next_bar_start(start)).first().copied(),
            key: self.corrections.key.or(heard.key.map(|key| key.value)),
            accents: self.memory.accents(metre),
            heard_energy: heard.style.energy,
            heard_valence: heard.style.valence,
            style,
            bar_in_phrase,
            phrase_bars,
            form: self.form,
            section_start: before.and_then(|b| self.forms.get(&place(b))).is_some_and(|&f| f != self.form),
            lift: dynamics::lift(&heard.loudness, heard.time_s, 60.0 / position.tempo_bpm * bar_quarters),
        };
        let previous = before.and_then(|start| self.bars.get(&place(start)));
        let take = before.and_then(|start| self.chosen.get(&place(start)).copied());
        let models = backline_play::Models::built_in();
        // A part that is off is planned as well: it can then come back at any moment, where it would be.
        let all = Controls { parts_on: [true; 3], ..self.controls.clone() };
        let (mut bar, take) = plan_by_taste(models, &self.taste, &ctx, &all, previous, take);
        let controls = take.controls(&all);
        for (line, number) in self.edits.takes_at(start, on_heard_beat) {
            bar = retake(&bar, &ctx, &controls, previous, line, number);
        }
        self.edits.lay_over(&mut bar, on_heard_beat, all.parts_on);
        (Played { bar, ctx, controls: self.controls.clone(), previous: previous.cloned() }, take)
    }

    fn publish(&mut self, timeline: Timeline, committed_beat: f64) {
        let mut bars: Vec<PlannedBar> = self.bars.values().cloned().collect();
        bars.sort_by(|a, b| a.start_beat.total_cmp(&b.start_beat));
        self.plan = Plan { revision: self.plan.revision + 1, timeline, committed_beat, bars };
    }
}
