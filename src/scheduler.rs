//! The scheduler: from the plan and a clock to note-ons and -offs at exact samples.
//!
//! Each call plays one span of samples. A note belongs to the sample nearest to its onset; a cursor
//! on the clock says up to where notes have been played, so that no edge of a block doubles or loses
//! one. Every note that starts goes into a fixed table and leaves it by its note-off: at its own end,
//! or at once when the clock stops or jumps, a loop wraps, or its part or channel changes.

use backline_music::{Part, Plan, PlannedBar, PlannedNote, Timeline};

use crate::clock::{Track, samples_to_wrap, wrapped};

/// Notes that can sound together.
const MAX_SOUNDING: usize = 128;
/// Note-offs that can be owed besides, because the host had no room for them.
const MAX_OWED: usize = 128;
/// Start of a note of which only the note-off is left.
const NEVER: u64 = u64::MAX;
/// Notes that can start in one span.
const MAX_STARTS: usize = 512;
/// Events that a block can hold.
const MAX_EVENTS: usize = 2_048;
/// A note is played at the nearest sample; the small excess lets rounding errors of the clock fall on
/// the same side for any block size where an onset lies half-way between two samples, as swung
/// sixteenths at 44.1 kHz do.
const NEAREST: f64 = 0.5 + 1.0e-3;
/// After a start or a jump a new plan may still play notes that it brings too late by up to this: any notes, …
const GRACE_S: f64 = 0.06;
/// … and by up to this, what is held. One of the largest blocks that hosts use passes before a plan can come.
const HELD_GRACE_S: f64 = 0.25;
/// What was held that late still has this share of its length to sound.
const HELD_LEFT: f64 = 0.5;
/// A clock that enters again so near to where it entered, in seconds and in quarter notes, has not moved: a host that goes
/// round a loop at the edge of a block, or stands still while it says that it plays.
const SAME_ENTRY_S: f64 = 0.06;
const SAME_ENTRY_BEATS: f64 = 0.05;
/// Positions closer than this are one, in quarter notes.
const SAME_BEAT: f64 = 1.0e-6;

/// A note-on or -off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoteEvent {
    /// Sample in the host's block.
    pub offset: u32,
    /// Whose note it is.
    pub part: Part,
    /// MIDI channel from 0.
    pub channel: u8,
    /// MIDI key.
    pub key: u8,
    /// MIDI velocity of a note-on, `None` for a note-off.
    pub velocity: Option<u8>,
}

/// The events of one block, in order of time; note-offs come first at each sample.
#[derive(Debug)]
pub struct Events {
    list: Vec<NoteEvent>,
    /// Notes that found no room, since the start.
    pub lost: u64,
}

impl Default for Events {
    fn default() -> Self {
        Self { list: Vec::with_capacity(MAX_EVENTS), lost: 0 }
    }
}

impl Events {
    /// Empties the list for the next block.
    pub fn clear(&mut self) {
        self.list.clear();
    }

    /// The events.
    pub fn as_slice(&self) -> &[NoteEvent] {
        &self.list
    }

    fn push(&mut self, event: NoteEvent) -> bool {
        let room = self.list.len() < MAX_EVENTS;
        if room {
            self.list.push(event);
        }
        room
    }
}

/// What one span is played with.
#[derive(Debug, Clone, Copy)]
pub struct Span<'a> {
    /// The span's first sample in the host's block.
    pub offset: u32,
    /// Its length in samples.
    pub frames: usize,
    /// Stream position of its first sample.
    pub stream_pos: u64,
    /// The clock that is played on, if one runs, and which it is.
    pub clock: Option<(Clock, Track)>,
    /// The plan in force.
    pub plan: &'a Plan,
    /// Which parts play, by [`Part::index`].
    pub parts: [bool; 3],
    /// Their MIDI channels from 0.
    pub channels: [u8; 3],
}

/// Whose clock it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The host's transport.
    Host,
    /// The heard beat.
    Heard,
}

#[derive(Debug, Clone, Copy)]
struct Sounding {
    part: Part,
    channel: u8,
    key: u8,
    end_beat: f64,
    started: u64,
    /// To be released at once.
    due: bool,
}

#[derive(Debug, Clone, Copy)]
struct Start {
    offset: usize,
    order: u32,
    note: PlannedNote,
}

/// Where the clock last started or jumped, and what has been played since: what a plan that comes a
/// little late needs to know.
#[derive(Debug)]
struct Entry {
    stream_pos: u64,
    beat: f64,
    open: bool,
    /// Whether it entered where it had entered just before, and plays on what it played.
    again: bool,
    played: Vec<(Part, u8, f64)>,
}

/// See the module.
#[derive(Debug)]
pub struct Scheduler {
    sample_rate: f64,
    sounding: Vec<Sounding>,
    starts: Vec<Start>,
    entry: Entry,
    clock: Option<Clock>,
    beat: f64,
    cursor: f64,
    revision: Option<u64>,
    release: bool,
}

impl Scheduler {
    /// A scheduler at `sample_rate` Hz. Allocates all that it will ever need.
    pub fn new(sample_rate: f64) -> Self {
        Self {
            sample_rate,
            sounding: Vec::with_capacity(MAX_SOUNDING + MAX_OWED),
            starts: Vec::with_capacity(MAX_STARTS),
            entry: Entry {
                stream_pos: 0,
                beat: 0.0,
                open: false,
                again: false,
                played: Vec::with_capacity(64),
            },
            clock: None,
            beat: 0.0,
            cursor: 0.0,
            revision: None,
            release: false,
        }
    }

    /// Changes the sample rate; sounding notes stay in the table and are released by the next span.
    pub fn set_sample_rate(&mut self, sample_rate: f64) {
        self.sample_rate = sample_rate;
        self.stop();
    }

    /// Forgets the clock and lets every sounding note be released at the first sample of the next
    /// span: no event can leave between blocks.
    ///
    /// # Realtime safety
    /// Wait-free.
    pub fn stop(&mut self) {
        self.clock = None;
        self.release = true;
    }

    /// Notes that sound now.
    pub fn sounding(&self) -> usize {
        self.sounding.len()
    }

    /// Position on the clock after the last span.
    pub fn beat(&self) -> f64 {
        self.beat
    }

    /// Hands the events of the block that began at `block_pos` to `send`, which says whether the host took them, and
    /// remembers what the host had no room for: a note-off is sent again, a note-on has not sounded. Returns how many were
    /// refused.
    ///
    /// # Realtime safety
    /// Wait-free, if `send` is.
    pub fn deliver(
        &mut self,
        events: &Events,
        block_pos: u64,
        mut send: impl FnMut(&NoteEvent) -> bool,
    ) -> u64 {
        let mut refused = 0;
        // Keys of each channel whose note-on was refused, until the note-off that nobody waits for.
        let mut unheard = [0u128; 16];
        for event in events.as_slice() {
            let (unheard, key) = (&mut unheard[usize::from(event.channel & 0x0F)], 1 << (event.key & 0x7F));
            if event.velocity.is_none() && *unheard & key != 0 {
                *unheard &= !key;
                continue;
            }
            if send(event) {
                continue;
            }
            refused += 1;
            if event.velocity.is_some() {
                *unheard |= key;
                self.forget(event, block_pos + u64::from(event.offset));
            } else {
                self.owe(event);
            }
        }
        refused
    }

    /// The host refused this note-off: try again in the next span.
    fn owe(&mut self, event: &NoteEvent) {
        if self.sounding.len() < MAX_SOUNDING + MAX_OWED {
            self.sounding.push(Sounding {
                part: event.part,
                channel: event.channel,
                key: event.key,
                end_beat: f64::NEG_INFINITY,
                started: NEVER,
                due: true,
            });
        }
    }

    /// The host refused the note-on at `started`: it does not sound. Others of its key do, or are owed their note-offs.
    fn forget(&mut self, event: &NoteEvent, started: u64) {
        let note = (event.channel, event.key, started);
        self.sounding.retain(|n| (n.channel, n.key, n.started) != note);
    }

    /// Plays a span and appends its events.
    ///
    /// # Realtime safety
    /// Neither allocates nor waits; the time is linear in the notes of the plan.
    pub fn run(&mut self, span: &Span<'_>, events: &mut Events) {
        for note in &mut self.sounding {
            let part = note.part.index();
            note.due |= !span.parts[part] || span.channels[part] != note.channel;
        }
        let Some((clock, track)) = span.clock else {
            self.clock = None;
            self.release_all(span, 0, events);
            return;
        };

        let mut from = self.cursor;
        let jumped = self.clock != Some(clock) || track.fresh || (track.start - self.beat).abs() > 1.0e-4;
        let again = jumped && self.clock == Some(clock) && self.entered_here(&track, span.stream_pos);
        if (jumped && !again) || self.release {
            self.release_all(span, 0, events);
        } else {
            self.release_due(span, 0, events);
        }
        if jumped {
            self.clock = Some(clock);
            from = self.enter(track.start, span.stream_pos, track.rate, again);
        } else if self.revision != Some(span.plan.revision) && self.entry.open {
            let late = span.stream_pos.saturating_sub(self.entry.stream_pos) as f64;
            if late <= HELD_GRACE_S * self.sample_rate {
                // What the late plan would have played since the clock started.
                from = self.entry.beat - NEAREST * track.rate;
            } else {
                self.entry.open = false;
            }
        }
        self.revision = Some(span.plan.revision);

        let mut beat = track.start;
        let mut at = 0;
        while at < span.frames {
            let wrap = samples_to_wrap(beat, track.rate, track.looping).filter(|n| at + n <= span.frames);
            let length = wrap.unwrap_or(span.frames - at);
            let segment =
                Segment { at, length, beat, rate: track.rate, looping: track.looping, wraps: wrap.is_some() };
            self.play(span, &segment, clock, from, events);
            at += length;
            beat += length as f64 * track.rate;
            from = self.cursor;
            if let (Some(_), Some((start, end))) = (wrap, track.looping) {
                beat = wrapped(beat, start, end);
                if at < span.frames {
                    self.release_all(span, at, events);
                } else {
                    self.release = true;
                }
                from = self.enter(beat, span.stream_pos + at as u64, track.rate, false);
            }
        }
        self.beat = beat;
    }

    /// The clock starts at `beat`, or is there once more and plays on what it played. Returns from where notes are to
    /// be played.
    fn enter(&mut self, beat: f64, stream_pos: u64, rate: f64, again: bool) -> f64 {
        self.cursor = beat - NEAREST * rate;
        self.entry.stream_pos = stream_pos;
        self.entry.beat = beat;
        self.entry.again = again;
        if !again {
            self.entry.open = true;
            self.entry.played.clear();
        }
        self.cursor
    }

    /// Whether the clock has entered where it entered a moment ago.
    fn entered_here(&self, track: &Track, stream_pos: u64) -> bool {
        let since = stream_pos.saturating_sub(self.entry.stream_pos) as f64;
        self.entry.open
            && since <= SAME_ENTRY_S * self.sample_rate
            && (track.start - self.entry.beat).abs() <= SAME_ENTRY_BEATS
    }

    /// Plays a stretch without a seam, and moves the cursor to its end.
    fn play(&mut self, span: &Span<'_>, segment: &Segment, clock: Clock, from: f64, events: &mut Events) {
        let end_beat = segment.beat + segment.length as f64 * segment.rate;
        let until = match segment.looping {
            Some((_, end)) if segment.wraps => end,
            _ => end_beat - NEAREST * segment.rate,
        };
        let of_this_clock = match span.plan.timeline {
            Timeline::Host => clock == Clock::Host,
            Timeline::Heard { .. } => clock == Clock::Heard,
        };
        self.starts.clear();
        if of_this_clock && segment.length > 0 {
            self.collect(span, segment, from, until, events);
        }
        self.cursor = self.cursor.max(until);

        let mut next = 0;
        while next < self.starts.len() {
            let start = self.starts[next];
            next += 1;
            self.release_ended(span, segment, start.offset, events);
            self.start(span, segment.at + start.offset, &start.note, events);
        }
        if let Some(last) = segment.length.checked_sub(1) {
            self.release_ended(span, segment, last, events);
        }
    }

    /// Gathers the notes with onsets in `from..until`, in order of samples.
    fn collect(&mut self, span: &Span<'_>, segment: &Segment, from: f64, until: f64, events: &mut Events) {
        let entry = self.entry.beat;
        // Only right after the clock has entered can a note of the bar that starts there, but is
        // played a little early, still be due.
        let entering = self.entry.open && from <= entry;
        let late = from < self.cursor;
        let loop_end = segment.looping.map(|(_, end)| end).filter(|end| segment.beat < *end);
        for bar in &span.plan.bars {
            if !reaches(bar, from, until) {
                continue;
            }
            // Behind the end of the loop comes its start, not this bar.
            if loop_end.is_some_and(|end| bar.start_beat >= end - SAME_BEAT) {
                continue;
            }
            let early_from =
                if entering && bar.start_beat >= entry - 1.0e-3 { bar.start_beat - 0.25 } else { from };
            for note in &bar.notes {
                if note.onset_beat < early_from.min(from)
                    || note.onset_beat >= until
                    || !span.parts[note.part.index()]
                {
                    continue;
                }
                if (late || note.onset_beat < from) && self.is_late_for(note, segment) {
                    continue;
                }
                if self.entry.again && self.was_played(note) {
                    continue;
                }
                if self.starts.len() == MAX_STARTS {
                    events.lost += 1;
                    continue;
                }
                let exact = (note.onset_beat - segment.beat) / segment.rate + NEAREST;
                let offset = if exact > 0.0 { (exact as usize).min(segment.length - 1) } else { 0 };
                self.starts.push(Start { offset, order: self.starts.len() as u32, note: *note });
            }
        }
        self.starts.sort_unstable_by_key(|start| (start.offset, start.order));
    }

    /// Whether a note that lies before `segment` has been played since the entry, or is to be left out by now.
    fn is_late_for(&self, note: &PlannedNote, segment: &Segment) -> bool {
        let behind = note.onset_beat < self.cursor;
        let late = segment.beat - note.onset_beat;
        let left = note.length_beats - late;
        let over = if late <= GRACE_S * self.sample_rate * segment.rate {
            left <= 0.0
        } else {
            // A part that has played meanwhile went by another plan: it does not begin anew.
            let silent = self.entry.played.iter().all(|(part, ..)| *part != note.part);
            note.part == Part::Drums || left < HELD_LEFT * note.length_beats || !silent
        };
        behind && (over || self.was_played(note))
    }

    /// Whether a note has been played since the entry.
    fn was_played(&self, note: &PlannedNote) -> bool {
        self.entry.played.iter().any(|(part, key, onset)| {
            *part == note.part && *key == note.key && (*onset - note.onset_beat).abs() < 0.05
        })
    }

    fn start(&mut self, span: &Span<'_>, at: usize, note: &PlannedNote, events: &mut Events) {
        let channel = span.channels[note.part.index()] & 0x0F;
        let key = note.key & 0x7F;
        let now = span.stream_pos + at as u64;
        let offset = span.offset + at as u32;
        if let Some(i) = self.sounding.iter().position(|s| s.channel == channel && s.key == key) {
            // Two strokes of one key on one sample are one stroke.
            if self.sounding[i].started == now && !self.sounding[i].due {
                return;
            }
            if !self.release_at(i, offset, events) {
                return;
            }
        }
        if self.sounding.len() >= MAX_SOUNDING {
            // The one that has sounded longest gives way, unless it has only just begun.
            let oldest = (0..self.sounding.len())
                .filter(|i| self.sounding[*i].started < now)
                .min_by_key(|i| self.sounding[*i].started);
            if !oldest.is_some_and(|i| self.release_at(i, offset, events)) {
                events.lost += 1;
                return;
            }
        }
        let velocity = Some(note.velocity.clamp(1, 127));
        if !events.push(NoteEvent { offset, part: note.part, channel, key, velocity }) {
            events.lost += 1;
            return;
        }
        let length = if note.length_beats.is_finite() { note.length_beats.max(0.0) } else { 0.0 };
        self.sounding.push(Sounding {
            part: note.part,
            channel,
            key,
            end_beat: note.onset_beat + length,
            started: now,
            due: false,
        });
        if self.entry.open {
            if self.entry.played.len() < self.entry.played.capacity() {
                self.entry.played.push((note.part, note.key, note.onset_beat));
            } else {
                self.entry.open = false;
            }
        }
    }

    /// Releases, in order, the notes that end up to the sample `last` of the segment.
    fn release_ended(&mut self, span: &Span<'_>, segment: &Segment, last: usize, events: &mut Events) {
        loop {
            let mut first: Option<(usize, usize)> = None;
            for (i, note) in self.sounding.iter().enumerate() {
                let end = segment.off_sample(span, note);
                if end <= last && first.is_none_or(|(_, best)| end < best) {
                    first = Some((i, end));
                }
            }
            let Some((i, end)) = first else { return };
            if !self.release_at(i, span.offset + (segment.at + end) as u32, events) {
                return;
            }
        }
    }

    fn release_due(&mut self, span: &Span<'_>, at: usize, events: &mut Events) {
        let mut i = 0;
        while i < self.sounding.len() {
            if !(self.sounding[i].due && self.release_at(i, span.offset + at as u32, events)) {
                i += 1;
            }
        }
    }

    fn release_all(&mut self, span: &Span<'_>, at: usize, events: &mut Events) {
        for note in &mut self.sounding {
            note.due = true;
        }
        self.release = false;
        self.release_due(span, at, events);
    }

    /// Sends the note-off of `sounding[i]` and takes it out; `false` when there is no room, then it
    /// stays, due.
    fn release_at(&mut self, i: usize, offset: u32, events: &mut Events) -> bool {
        let note = self.sounding[i];
        let event =
            NoteEvent { offset, part: note.part, channel: note.channel, key: note.key, velocity: None };
        if events.push(event) {
            self.sounding.swap_remove(i);
            true
        } else {
            self.sounding[i].due = true;
            false
        }
    }
}

/// A stretch of a span on which the clock has no seam.
struct Segment {
    /// First sample in the span.
    at: usize,
    length: usize,
    beat: f64,
    rate: f64,
    looping: Option<(f64, f64)>,
    /// Whether the loop wraps at its end.
    wraps: bool,
}

impl Segment {
    /// The sample of the segment on which `note` is released; at least one sample after its start.
    fn off_sample(&self, span: &Span<'_>, note: &Sounding) -> usize {
        let exact = (note.end_beat - self.beat) / self.rate + NEAREST;
        let end = if exact > 0.0 { exact as usize } else { 0 };
        let here = span.stream_pos + self.at as u64;
        match note.started.checked_sub(here) {
            Some(since) => end.max(usize::try_from(since).unwrap_or(usize::MAX).saturating_add(1)),
            None => end,
        }
    }
}

/// Whether notes of the bar can have onsets in `from..until`; early and late notes stray from their
/// bar by less than a quarter note.
fn reaches(bar: &PlannedBar, from: f64, until: f64) -> bool {
    bar.start_beat - 1.0 < until && bar.end_beat() + 1.0 > from
}

#[cfg(test)]
mod tests;
