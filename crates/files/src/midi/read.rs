//! Reading a standard MIDI file back into a song.

use backline_music::{Key, Metre, Mode};
use midly::{MetaMessage, MidiMessage, Smf, Timing, TrackEventKind};

use super::{MidiNote, MidiSong, MidiTrack};
use crate::FileError;

pub(super) fn parse(bytes: &[u8]) -> Result<MidiSong, FileError> {
    // With overflow checks the library panics at a division of -128 frames a second.
    let smf = std::panic::catch_unwind(|| Smf::parse(bytes))
        .map_err(|_| FileError::NotMidi("its header makes no sense".to_owned()))?
        .map_err(|e| FileError::NotMidi(e.to_string()))?;
    let Timing::Metrical(ppq) = smf.header.timing else {
        return Err(FileError::NotMidi("it counts in film frames, not in beats".to_owned()));
    };
    let mut song = MidiSong { ppq: ppq.as_int().max(1), ..MidiSong::default() };
    for (i, events) in smf.tracks.iter().enumerate() {
        let mut name = String::new();
        let mut channels: [Channel; 16] = Default::default();
        let mut tick = 0u32;
        for event in events {
            tick = tick.saturating_add(event.delta.as_int());
            match event.kind {
                TrackEventKind::Meta(meta) => read_meta(&mut song, &mut name, tick, meta),
                TrackEventKind::Midi { channel, message } => {
                    channels[usize::from(channel.as_int())].take(tick, message);
                }
                _ => {}
            }
        }
        song.end = song.end.max(tick);
        let parts: Vec<MidiTrack> = (0u8..)
            .zip(channels)
            .filter_map(|(number, channel)| channel.track(&name, number, tick))
            .collect();
        match (parts.is_empty(), i) {
            (true, 0) => song.name = name,
            (true, _) => song.tracks.push(MidiTrack { name, ..MidiTrack::default() }),
            (false, _) => song.tracks.extend(parts),
        }
    }
    song.tempo.sort_by_key(|e| e.0);
    song.metres.sort_by_key(|e| e.0);
    song.keys.sort_by_key(|e| e.0);
    song.markers.sort_by_key(|m| m.0);
    Ok(song)
}

/// One channel of a track of the file. Files of format 0 have the whole band in one track, and the channels
/// alone tell who plays: which notes are drums, and which note it is that a note-off ends.
#[derive(Default)]
struct Channel {
    program: Option<u8>,
    sounding: Vec<MidiNote>,
    notes: Vec<MidiNote>,
}

impl Channel {
    fn take(&mut self, tick: u32, message: MidiMessage) {
        match message {
            MidiMessage::ProgramChange { program } => self.program = Some(program.as_int()),
            MidiMessage::NoteOn { key, vel } if vel.as_int() > 0 => {
                let (key, velocity) = (key.as_int(), vel.as_int());
                self.sounding.push(MidiNote { tick, key, length: 0, velocity });
            }
            MidiMessage::NoteOn { key, .. } | MidiMessage::NoteOff { key, .. } => {
                if let Some(at) = self.sounding.iter().position(|n| n.key == key.as_int()) {
                    let note = self.sounding.remove(at);
                    self.notes.push(MidiNote { length: tick - note.tick, ..note });
                }
            }
            _ => {}
        }
    }

    /// The channel as a track of its own; `None` if nothing is played on it. Notes that are never let go
    /// sound to the `end` of the track.
    fn track(mut self, name: &str, channel: u8, end: u32) -> Option<MidiTrack> {
        self.notes.extend(self.sounding.into_iter().map(|n| MidiNote { length: end - n.tick, ..n }));
        self.notes.sort_unstable();
        let plays = !self.notes.is_empty() || self.program.is_some();
        plays.then(|| MidiTrack { name: name.to_owned(), channel, program: self.program, notes: self.notes })
    }
}

fn read_meta(song: &mut MidiSong, track: &mut String, tick: u32, meta: MetaMessage<'_>) {
    match meta {
        MetaMessage::TrackName(name) => *track = String::from_utf8_lossy(name).into_owned(),
        MetaMessage::Tempo(us) => song.tempo.push((tick, us.as_int())),
        MetaMessage::TimeSignature(numerator, power, _, _) => {
            let metre = 1u8.checked_shl(u32::from(power)).and_then(|d| Metre::new(numerator, d));
            song.metres.extend(metre.map(|m| (tick, m)));
        }
        MetaMessage::KeySignature(accidentals, minor) => {
            let mode = if minor { Mode::Minor } else { Mode::Major };
            // Six and seven flats are the same keys as six and five sharps, and seven sharps as five flats.
            let accidentals = match accidentals {
                -7..=-6 => accidentals + 12,
                7 => -5,
                other => other,
            };
            let key = Key::all().find(|k| k.mode == mode && k.accidentals() == accidentals);
            song.keys.extend(key.map(|key| (tick, key)));
        }
        MetaMessage::Marker(text) => song.markers.push((tick, String::from_utf8_lossy(text).into_owned())),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use backline_music::Chord;
    use midly::num::{u15, u28};
    use midly::{Format, Header, TrackEvent};

    use super::*;

    /// Piano (channel 1), bass (2) and drums (10), a bar each of Am F C G; the drums strike keys that are
    /// held by the others, and have the last word.
    fn band() -> Vec<MidiTrack> {
        let labels = ["A:min", "F:maj", "C:maj", "G:maj"];
        let chords: Vec<Chord> = labels.iter().map(|label| label.parse().unwrap()).collect();
        let bars = || (0u32..).step_by(1_920).zip(&chords);
        let note = |tick, key, length| MidiNote { tick, key, length, velocity: 90 };
        let piano = bars().flat_map(|(tick, chord)| {
            chord.tones().map(move |tone| note(tick, 60 + tone.index(), 1_900)).collect::<Vec<_>>()
        });
        let bass = bars().map(|(tick, chord)| note(tick, 36 + chord.root.index(), 1_800));
        let drums = (0u32..64).map(|i| note(i * 120, [36, 42, 60, 64][i as usize % 4], 119));
        let tracks: [(&str, u8, Vec<MidiNote>); 3] =
            [("Piano", 0, piano.collect()), ("Bass", 1, bass.collect()), ("Drums", 9, drums.collect())];
        tracks
            .map(|(name, channel, mut notes)| {
                notes.sort_unstable();
                MidiTrack { name: name.into(), channel, program: Some(channel), notes }
            })
            .to_vec()
    }

    /// All tracks of a file as one.
    fn interleaved(song: &MidiSong) -> Vec<u8> {
        let written = song.to_bytes();
        let smf = Smf::parse(&written).unwrap();
        let mut events: Vec<(u32, TrackEventKind<'_>)> = Vec::new();
        for track in &smf.tracks {
            let mut tick = 0;
            for event in track {
                tick += event.delta.as_int();
                let named = matches!(event.kind, TrackEventKind::Meta(MetaMessage::TrackName(_)));
                if !named && event.kind != TrackEventKind::Meta(MetaMessage::EndOfTrack) {
                    events.push((tick, event.kind));
                }
            }
        }
        events.sort_by_key(|event| event.0);
        let last = events.last().unwrap().0;
        events.push((last, TrackEventKind::Meta(MetaMessage::EndOfTrack)));
        let mut before = 0;
        let track = events.into_iter().map(|(tick, kind)| {
            let delta = u28::from(tick - std::mem::replace(&mut before, tick));
            TrackEvent { delta, kind }
        });
        let header = Header::new(Format::SingleTrack, Timing::Metrical(u15::from(song.ppq)));
        let mut bytes = Vec::new();
        Smf { header, tracks: vec![track.collect()] }.write_std(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn a_band_in_one_track_is_told_apart_by_channels() {
        let song = MidiSong { ppq: 480, tracks: band(), ..MidiSong::default() };
        let parallel = parse(&song.to_bytes()).unwrap();
        let single = parse(&interleaved(&song)).unwrap();
        assert_eq!(parallel.tracks, song.tracks);
        let played = |song: &MidiSong| -> Vec<_> {
            song.tracks.iter().map(|t| (t.channel, t.program, t.notes.clone())).collect()
        };
        assert_eq!(played(&single), played(&parallel));
        assert_eq!(single.chords(), parallel.chords());
        let names: Vec<String> = single.chords().iter().map(|c| c.chord.unwrap().symbol()).collect();
        assert_eq!(names, ["Am", "F", "C", "G"]);
    }
}
