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
        let mut track = MidiTrack::default();
        let mut sounding: Vec<MidiNote> = Vec::new();
        let mut tick = 0u32;
        for event in events {
            tick = tick.saturating_add(event.delta.as_int());
            match event.kind {
                TrackEventKind::Meta(meta) => read_meta(&mut song, &mut track, tick, meta),
                TrackEventKind::Midi { channel, message } => {
                    track.channel = channel.as_int();
                    match message {
                        MidiMessage::ProgramChange { program } => track.program = Some(program.as_int()),
                        MidiMessage::NoteOn { key, vel } if vel.as_int() > 0 => sounding.push(MidiNote {
                            tick,
                            key: key.as_int(),
                            length: 0,
                            velocity: vel.as_int(),
                        }),
                        MidiMessage::NoteOn { key, .. } | MidiMessage::NoteOff { key, .. } => {
                            if let Some(at) = sounding.iter().position(|n| n.key == key.as_int()) {
                                let note = sounding.remove(at);
                                track.notes.push(MidiNote { length: tick - note.tick, ..note });
                            }
                        }
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        // Notes that are never let go sound to the end of their track.
        track.notes.extend(sounding.into_iter().map(|n| MidiNote { length: tick - n.tick, ..n }));
        track.notes.sort_unstable();
        let conductor = i == 0 && track.notes.is_empty() && track.program.is_none();
        if conductor {
            song.name = track.name;
        } else {
            song.tracks.push(track);
        }
    }
    song.tempo.sort_by_key(|e| e.0);
    song.metres.sort_by_key(|e| e.0);
    song.markers.sort_by_key(|m| m.0);
    Ok(song)
}

fn read_meta(song: &mut MidiSong, track: &mut MidiTrack, tick: u32, meta: MetaMessage<'_>) {
    match meta {
        MetaMessage::TrackName(name) => track.name = String::from_utf8_lossy(name).into_owned(),
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
            song.key = Key::all().find(|k| k.mode == mode && k.accidentals() == accidentals);
        }
        MetaMessage::Marker(text) => song.markers.push((tick, String::from_utf8_lossy(text).into_owned())),
        _ => {}
    }
}
