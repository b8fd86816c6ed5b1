//! Standard MIDI files, format 1: a tempo track, and one track for each part.
//!
//! Time 0 of the file is time 0 of the recording; how the beats are laid from there is written in
//! [`grid`].

pub mod grid;
mod harmony;
mod read;

use std::path::Path;

use backline_music::{Key, Metre, Mode, Part, PlannedBar, TempoMap};
use midly::num::{u4, u7, u15, u24, u28};
use midly::{Format, Header, MetaMessage, MidiMessage, Smf, Timing, TrackEvent, TrackEventKind};

use crate::whole::write_bytes;
use crate::{FileError, Keys};
use grid::Grid;

/// Ticks a quarter note in files that Backline writes.
pub const PPQ: u16 = 960;

/// General MIDI programs, counted from 0: electric piano 1 and finger bass; the drum channel has kits.
pub const fn default_program(part: Part) -> u8 {
    match part {
        Part::Drums => 0,
        Part::Chords => 4,
        Part::Bass => 33,
    }
}

/// A note of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MidiNote {
    /// Start, in ticks.
    pub tick: u32,
    /// MIDI key.
    pub key: u8,
    /// Length in ticks, at least 1.
    pub length: u32,
    /// MIDI velocity, 1..=127.
    pub velocity: u8,
}

/// A track of notes on one channel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MidiTrack {
    /// Its name.
    pub name: String,
    /// Channel, 0..=15.
    pub channel: u8,
    /// General MIDI program, 0..=127.
    pub program: Option<u8>,
    /// Notes in order of start, then key; no two of the same key overlap.
    pub notes: Vec<MidiNote>,
}

/// A song as a MIDI file holds it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MidiSong {
    /// Its name.
    pub name: String,
    /// Ticks a quarter note.
    pub ppq: u16,
    /// Ticks with the microseconds a quarter note that hold from there; in order.
    pub tempo: Vec<(u32, u32)>,
    /// Ticks with the metre that holds from there; in order.
    pub metres: Vec<(u32, Metre)>,
    /// Ticks with the key signature that holds from there; in order.
    pub keys: Vec<(u32, Key)>,
    /// Ticks with the text of a marker: chord symbols.
    pub markers: Vec<(u32, String)>,
    /// The tracks.
    pub tracks: Vec<MidiTrack>,
    /// Where its last bar ends, in ticks: every track of the file ends there, also one that rests, since
    /// hosts loop a clip by its end. What sounds on beyond it moves the end of the file.
    pub end: u32,
}

impl MidiSong {
    /// The song of `bars` on a recording's `tempo`, with a track for each of `parts`. Chord symbols
    /// become markers, one a tick; `program` gives the General MIDI program of a part, counted from 0.
    /// Key signatures stand at the bar lines that lie nearest to where `keys` change, and symbols are spelt in the key of their beat.
    /// Where a key is struck again while it sounds, the first note ends there. The song ends with its last
    /// bar, or with the last note where that is later.
    pub fn from_plan(
        name: &str,
        bars: &[PlannedBar],
        tempo: &TempoMap,
        keys: impl Into<Keys>,
        parts: &[Part],
        program: impl Fn(Part) -> u8,
    ) -> Self {
        let grid = Grid::new(bars, tempo);
        let keys = keys.into().at_bar_lines(bars);
        let mut markers: Vec<(u32, String)> = Vec::new();
        for planned in bars.iter().flat_map(|bar| &bar.chords) {
            let key = keys.at(planned.start_beat);
            let symbol = planned.chord.map_or_else(|| "N.C.".to_owned(), |chord| chord.symbol_in(key));
            let tick = grid.tick(planned.start_beat);
            // Chords from before the recording all land on its first tick: the last of them holds.
            markers.pop_if(|(last, _)| *last == tick);
            if markers.last().is_none_or(|(_, last)| *last != symbol) {
                markers.push((tick, symbol));
            }
        }
        let track = |&part: &Part| {
            let mut notes: Vec<MidiNote> = bars
                .iter()
                .flat_map(|bar| &bar.notes)
                .filter(|note| note.part == part && grid.seconds(note.onset_beat + note.length_beats) > 0.0)
                .map(|note| {
                    let tick = grid.tick(note.onset_beat);
                    let end = grid.tick(note.onset_beat + note.length_beats).max(tick + 1);
                    let (key, velocity) = (note.key.min(127), note.velocity.clamp(1, 127));
                    MidiNote { tick, key, length: end - tick, velocity }
                })
                .collect();
            part_overlaps(&mut notes);
            MidiTrack {
                name: part.name().to_owned(),
                channel: part.default_channel(),
                program: Some(program(part).min(127)),
                notes,
            }
        };
        let mut song = Self {
            name: name.to_owned(),
            ppq: PPQ,
            tempo: grid.tempo_events(),
            metres: grid.metre_events(bars),
            // The first holds from the beginning of the file.
            keys: keys
                .changes()
                .iter()
                .enumerate()
                .map(|(i, &(beat, key))| (if i == 0 { 0 } else { grid.tick(beat) }, key))
                .collect(),
            markers,
            tracks: parts.iter().map(track).collect(),
            end: bars.last().map_or(0, |bar| grid.tick(bar.end_beat())),
        };
        song.end = song.end.max(song.end_tick());
        // The recording's tempo may go on after the bars that are played.
        song.tempo.retain(|&(tick, _)| tick == 0 || tick < song.end);
        song
    }

    /// The key that it begins in.
    pub fn key(&self) -> Option<Key> {
        self.keys.first().map(|(_, key)| *key)
    }

    /// Ends the song at `end` ticks: notes that sound on are let go there, and none begins there or later.
    pub fn cut_at(&mut self, end: u32) {
        for track in &mut self.tracks {
            track.notes.retain(|note| note.tick < end);
            for note in &mut track.notes {
                note.length = note.length.min(end - note.tick);
            }
        }
        self.end = end;
    }

    /// Reads a standard MIDI file.
    ///
    /// # Errors
    /// The bytes are no MIDI file, or one that counts in SMPTE frames.
    pub fn parse(bytes: &[u8]) -> Result<Self, FileError> {
        read::parse(bytes)
    }

    /// The file's bytes; the same song gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let name = self.name.as_bytes();
        let end = self.end.max(self.end_tick());
        let mut tracks = vec![self.conductor(name, end)];
        tracks.extend(self.tracks.iter().map(|track| track.events(end)));
        let header = Header::new(Format::Parallel, Timing::Metrical(u15::from(self.ppq.clamp(1, 32_767))));
        let mut bytes = Vec::new();
        // Writing into memory cannot fail.
        let _ = Smf { header, tracks }.write_std(&mut bytes);
        bytes
    }

    /// Writes the file.
    ///
    /// # Errors
    /// The folder or the disk refuses.
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        write_bytes(path, &self.to_bytes())
    }

    /// Seconds of a tick, from the tempo events alone: what a player of the file will do.
    pub fn seconds_at(&self, tick: u32) -> f64 {
        let ticks_per_quarter = f64::from(self.ppq.max(1));
        let (mut seconds, mut from, mut micros) = (0.0, 0, 500_000);
        for &(at, next) in self.tempo.iter().take_while(|&&(at, _)| at <= tick) {
            seconds += f64::from(at - from) / ticks_per_quarter * f64::from(micros) * 1e-6;
            (from, micros) = (at, next);
        }
        seconds + f64::from(tick - from) / ticks_per_quarter * f64::from(micros) * 1e-6
    }

    fn conductor<'a>(&'a self, name: &'a [u8], end: u32) -> Vec<TrackEvent<'a>> {
        // At the same tick: tempo, metre, key, marker.
        let mut events: Vec<(u32, u8, MetaMessage<'a>)> = vec![(0, 0, MetaMessage::TrackName(name))];
        events.extend(
            self.tempo.iter().map(|&(t, us)| (t, 1, MetaMessage::Tempo(u24::from(us.min(0xFF_FFFF))))),
        );
        events.extend(self.metres.iter().map(|&(t, metre)| {
            #[allow(clippy::cast_possible_truncation)] // a power of two up to 32
            let power = metre.denominator.trailing_zeros() as u8;
            let clocks = if metre.is_compound() { 36 } else { 24 };
            (t, 2, MetaMessage::TimeSignature(metre.numerator, power, clocks, 8))
        }));
        events.extend(
            self.keys.iter().map(|&(t, key)| {
                (t, 3, MetaMessage::KeySignature(key.accidentals(), key.mode == Mode::Minor))
            }),
        );
        events.extend(self.markers.iter().map(|(t, text)| (*t, 4, MetaMessage::Marker(text.as_bytes()))));
        events.sort_by_key(|&(tick, rank, _)| (tick, rank));
        with_deltas(events.into_iter().map(|(tick, _, meta)| (tick, TrackEventKind::Meta(meta))), end)
    }
}

impl MidiTrack {
    fn events(&self, end: u32) -> Vec<TrackEvent<'_>> {
        let channel = u4::from(self.channel.min(15));
        let midi = |message| TrackEventKind::Midi { channel, message };
        let mut notes: Vec<(u32, bool, u8, u8)> = Vec::with_capacity(self.notes.len() * 2);
        for note in &self.notes {
            let (key, velocity) = (note.key.min(127), note.velocity.clamp(1, 127));
            notes.push((note.tick, true, key, velocity));
            notes.push((note.tick.saturating_add(note.length.max(1)), false, key, 64));
        }
        // Off before on, so that a repeated key sounds again.
        notes.sort_unstable();
        let name = TrackEventKind::Meta(MetaMessage::TrackName(self.name.as_bytes()));
        let program =
            self.program.map(|p| midi(MidiMessage::ProgramChange { program: u7::from(p.min(127)) }));
        let notes = notes.into_iter().map(|(tick, on, key, velocity)| {
            let (key, vel) = (u7::from(key), u7::from(velocity));
            (
                tick,
                midi(if on { MidiMessage::NoteOn { key, vel } } else { MidiMessage::NoteOff { key, vel } }),
            )
        });
        with_deltas([Some(name), program].into_iter().flatten().map(|e| (0, e)).chain(notes), end)
    }
}

/// A track of the events, which ends at `end` or with the last of them.
fn with_deltas<'a>(events: impl Iterator<Item = (u32, TrackEventKind<'a>)>, end: u32) -> Vec<TrackEvent<'a>> {
    let mut last = 0;
    let mut out: Vec<TrackEvent<'a>> = events
        .map(|(tick, kind)| {
            let delta = u28::from((tick - last).min(0x0FFF_FFFF));
            last = tick;
            TrackEvent { delta, kind }
        })
        .collect();
    let delta = u28::from(end.saturating_sub(last).min(0x0FFF_FFFF));
    out.push(TrackEvent { delta, kind: TrackEventKind::Meta(MetaMessage::EndOfTrack) });
    out
}

/// Sorts, and ends a note where its key is struck again. Of two that start together the stronger stays.
fn part_overlaps(notes: &mut Vec<MidiNote>) {
    notes.sort_by_key(|n| (n.key, n.tick, std::cmp::Reverse(n.velocity), std::cmp::Reverse(n.length)));
    notes.dedup_by_key(|n| (n.key, n.tick));
    for i in 1..notes.len() {
        let next = notes[i];
        let note = &mut notes[i - 1];
        if note.key == next.key {
            note.length = note.length.min(next.tick - note.tick);
        }
    }
    notes.sort_unstable();
}
