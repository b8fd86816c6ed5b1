//! MIDI files line up with the recording, say what is in them, and are the same on every run.

use backline_files::midi::{MidiNote, PPQ, default_program};
use backline_files::{Keys, MidiSong};
use backline_music::{
    Chord, Key, Metre, Mode, Part, PitchClass, PlannedBar, PlannedChord, PlannedNote, Quality, TempoMap,
};
use proptest::prelude::*;

/// Bars of quarter notes: a chord on each beat, a kick on the first, a bass note on the second.
fn bars(count: usize, first_beat: f64, metre: Metre) -> Vec<PlannedBar> {
    let chord = |i: usize| Chord::new(PitchClass::new(5 * i as i32), Quality::Min7);
    (0..count)
        .map(|i| {
            let start = first_beat + i as f64 * metre.bar_quarters();
            let note = |part, key, at: f64| PlannedNote {
                part,
                key,
                velocity: 90,
                onset_beat: start + at,
                length_beats: 0.5,
            };
            PlannedBar {
                index: i as i64,
                start_beat: start,
                metre,
                tempo_bpm: 100.0,
                style: "pop".to_owned(),
                fill: false,
                chords: vec![PlannedChord {
                    start_beat: start,
                    length_beats: metre.bar_quarters(),
                    chord: Some(chord(i)),
                    prob: 0.9,
                }],
                notes: vec![
                    note(Part::Drums, 36, 0.0),
                    note(Part::Chords, 60, 0.0),
                    note(Part::Bass, 40, 0.25),
                    note(Part::Chords, 64, 1.0),
                ],
            }
        })
        .collect()
}

fn song(bars: &[PlannedBar], tempo: &TempoMap) -> MidiSong {
    let key = Some(Key::new(PitchClass::A, Mode::Minor));
    MidiSong::from_plan("A song", bars, tempo, key, &Part::ALL, default_program)
}

/// Every note must sound, by the file's own tempo events, where the recording has its beat, to half a
/// tick and a sample.
fn worst_error_s(song: &MidiSong, bars: &[PlannedBar], tempo: &TempoMap) -> f64 {
    let mut worst = 0.0f64;
    for (part, track) in Part::ALL.iter().zip(&song.tracks) {
        let mut wanted: Vec<f64> = bars
            .iter()
            .flat_map(|b| &b.notes)
            .filter(|n| n.part == *part)
            .map(|n| tempo.seconds_at(n.onset_beat))
            .collect();
        wanted.sort_by(f64::total_cmp);
        assert_eq!(wanted.len(), track.notes.len());
        for (wanted, note) in wanted.iter().zip(&track.notes) {
            worst = worst.max((song.seconds_at(note.tick) - wanted).abs());
        }
    }
    worst
}

#[test]
fn a_steady_song_from_the_first_sample() {
    let (bars, tempo) = (bars(8, 0.0, Metre::FOUR_FOUR), TempoMap::steady(100.0));
    let song = song(&bars, &tempo);
    assert_eq!(song.tempo, [(0, 600_000)]);
    assert_eq!(song.metres, [(0, Metre::FOUR_FOUR)]);
    assert_eq!(song.tracks[0].notes[1].tick, 4 * u32::from(PPQ));
    assert!(worst_error_s(&song, &bars, &tempo) < 1e-9);
    assert_eq!(song.markers.len(), 8);
    assert_eq!(song.markers[0], (0, "Cm7".to_owned()));
}

#[test]
fn silence_before_the_music_becomes_a_lead_in() {
    // The first bar line at 1.53 s, at 100 a minute: two beats and a half, in ten sixteenths of 0.153 s.
    let tempo = TempoMap::new((0..64).map(|i| (f64::from(i), 1.53 + 0.6 * f64::from(i))));
    let bars = bars(8, 0.0, Metre::FOUR_FOUR);
    let song = song(&bars, &tempo);
    assert_eq!(song.metres, [(0, Metre::new(5, 8).unwrap()), (10 * 240, Metre::FOUR_FOUR)]);
    assert_eq!(song.tempo, [(0, 612_000), (2_400, 600_000)]);
    assert!(worst_error_s(&song, &bars, &tempo) < 21e-6);
    assert!((song.seconds_at(2_400) - 1.53).abs() < 1e-9);
}

#[test]
fn a_long_silence_is_whole_bars_after_the_odd_one() {
    let tempo = TempoMap::new((0..64).map(|i| (f64::from(i), 10.0 + 0.5 * f64::from(i))));
    let bars = bars(4, 0.0, Metre::THREE_FOUR);
    let song = song(&bars, &tempo);
    // Twenty quarters: two, and six bars of three.
    assert_eq!(song.metres, [(0, Metre::new(2, 4).unwrap()), (1_920, Metre::THREE_FOUR)]);
    assert_eq!(song.tracks[0].notes[0].tick, 20 * 960);
    assert!(worst_error_s(&song, &bars, &tempo) < 1e-9);
}

#[test]
fn music_that_starts_within_a_bar_is_a_pickup() {
    // The recording starts on the third beat: its bar began a second before the first sample.
    let tempo = TempoMap::new((2..40).map(|i| (f64::from(i), 0.5 * f64::from(i - 2))));
    let mut bars = bars(6, 0.0, Metre::FOUR_FOUR);
    bars[0].notes.retain(|n| n.onset_beat >= 2.0);
    bars[0].notes.push(PlannedNote {
        part: Part::Drums,
        key: 38,
        velocity: 80,
        onset_beat: 3.0,
        length_beats: 0.25,
    });
    let song = song(&bars, &tempo);
    assert_eq!(song.metres, [(0, Metre::new(2, 4).unwrap()), (1_920, Metre::FOUR_FOUR)]);
    assert_eq!(song.tracks[0].notes[0].tick, 960);
    assert!(worst_error_s(&song, &bars, &tempo) < 1e-9);
}

#[test]
fn struck_again_ends_the_first() {
    let mut bars = bars(1, 0.0, Metre::FOUR_FOUR);
    for (onset_beat, length_beats, velocity) in [(2.0, 4.0, 70), (3.0, 1.0, 80), (3.0, 0.5, 60)] {
        bars[0].notes.push(PlannedNote { part: Part::Bass, key: 33, velocity, onset_beat, length_beats });
    }
    let song = song(&bars, &TempoMap::steady(120.0));
    let again: Vec<MidiNote> = song.tracks[2].notes.iter().copied().filter(|n| n.key == 33).collect();
    assert_eq!(again.len(), 2);
    assert_eq!((again[0].tick, again[0].length), (1_920, 960));
    assert_eq!((again[1].tick, again[1].length, again[1].velocity), (2_880, 960, 80));
}

/// Hosts loop a clip by its last event: every track ends with the last bar, whatever it plays.
#[test]
fn every_track_ends_with_the_last_bar() {
    for (metre, bar_ticks) in [
        (Metre::FOUR_FOUR, 3_840),
        (Metre::THREE_FOUR, 2_880),
        (Metre::SIX_EIGHT, 2_880),
        (Metre::new(7, 8).unwrap(), 3_360),
    ] {
        for count in [1, 4] {
            let mut bars = bars(count, 0.0, metre);
            // The bass rests in the last bar.
            bars[count - 1].notes.retain(|note| note.part != Part::Bass);
            let bytes = song(&bars, &TempoMap::steady(100.0)).to_bytes();
            let smf = midly::Smf::parse(&bytes).unwrap();
            let lengths: Vec<u32> =
                smf.tracks.iter().map(|track| track.iter().map(|e| e.delta.as_int()).sum()).collect();
            assert_eq!(lengths, [count as u32 * bar_ticks; 4], "{metre}");
        }
    }
    // A note that rings on is not cut here: all tracks wait for it.
    let mut bars = bars(1, 0.0, Metre::FOUR_FOUR);
    bars[0].notes[1].length_beats = 6.0;
    let song = song(&bars, &TempoMap::steady(100.0));
    assert_eq!((song.end, MidiSong::parse(&song.to_bytes()).unwrap()), (5_760, song));
}

/// Markers are spelt in the song's key.
#[test]
fn chord_symbols_are_spelt_in_the_key() {
    let mut bars = bars(2, 0.0, Metre::FOUR_FOUR);
    bars[0].chords[0].chord = "C#:min".parse().ok();
    bars[1].chords[0].chord = "B:maj/3".parse().ok();
    let key = Some(Key::new(PitchClass::E, Mode::Major));
    let tempo = TempoMap::steady(100.0);
    let song = MidiSong::from_plan("x", &bars, &tempo, key, &Part::ALL, default_program);
    assert_eq!(song.markers, [(0, "C#m".to_owned()), (3_840, "B/D#".to_owned())]);
}

#[test]
fn files_come_back_as_they_were() {
    let tempo =
        TempoMap::new((0..64).map(|i| (f64::from(i), 0.41 + 0.55 * f64::from(i) + 0.002 * f64::from(i % 3))));
    for metre in [Metre::FOUR_FOUR, Metre::SIX_EIGHT, Metre::new(7, 8).unwrap()] {
        for key in Key::all() {
            let bars = bars(5, 0.0, metre);
            let song = MidiSong::from_plan("Näme", &bars, &tempo, Some(key), &Part::ALL, default_program);
            let bytes = song.to_bytes();
            assert_eq!(MidiSong::parse(&bytes).unwrap(), song);
            assert_eq!(bytes, song.to_bytes());
        }
    }
    let song = song(&bars(2, 0.0, Metre::FOUR_FOUR), &tempo);
    let names: Vec<&str> = song.tracks.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["Drums", "Chords", "Bass"]);
    let channels: Vec<(u8, Option<u8>)> = song.tracks.iter().map(|t| (t.channel, t.program)).collect();
    assert_eq!(channels, [(9, Some(0)), (0, Some(4)), (1, Some(33))]);
    assert!(MidiSong::parse(b"MThd no").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    /// Whatever the recording does, the file follows it to half a tick and a sample.
    #[test]
    fn any_tempo_is_followed(
        lead_in_s in 0.0f64..20.0,
        periods in proptest::collection::vec(0.25f64..1.5, 8..80),
        first_beat in -4i32..9,
        compound in any::<bool>(),
    ) {
        let metre = if compound { Metre::SIX_EIGHT } else { Metre::FOUR_FOUR };
        let mut at_s = lead_in_s;
        let mut points = Vec::new();
        for (i, period) in periods.iter().enumerate() {
            points.push((f64::from(first_beat) + i as f64 * metre.tactus_quarters(), at_s));
            at_s += period;
        }
        let tempo = TempoMap::new(points);
        let mut bars = bars(6, 0.0, metre);
        for bar in &mut bars {
            bar.notes.retain(|n| tempo.seconds_at(n.onset_beat) >= 0.0);
        }
        let song = song(&bars, &tempo);
        // Half a tick at the slowest tempo of the file.
        let slowest = song.tempo.iter().map(|t| t.1).max().unwrap_or(0);
        let half_tick_s = f64::from(slowest) * 1e-6 / f64::from(PPQ) / 2.0;
        let worst = worst_error_s(&song, &bars, &tempo);
        prop_assert!(worst < half_tick_s + 25e-6, "{worst} s, half a tick is {half_tick_s} s");
        prop_assert_eq!(MidiSong::parse(&song.to_bytes()).unwrap(), song);
    }
}

#[test]
fn a_change_of_key_stands_at_its_bar_line() {
    let tempo = TempoMap::steady(120.0);
    let mut bars = bars_of(&["C", "Ab", "E", "Ab:min"]);
    let major = |root| Key::new(root, Mode::Major);
    let keys = Keys::new([(0.3, major(PitchClass::C)), (8.7, major(PitchClass::E))]);
    let song = MidiSong::from_plan("x", &bars, &tempo, keys, &Part::ALL, default_program);
    let at = 8 * u32::from(song.ppq);
    assert_eq!(song.keys, [(0, major(PitchClass::C)), (at, major(PitchClass::E))]);
    assert_eq!(song.markers.iter().map(|m| m.1.as_str()).collect::<Vec<_>>(), ["C", "Ab", "E", "G#m"]);
    assert_eq!(MidiSong::parse(&song.to_bytes()).unwrap().keys, song.keys);
    // One key throughout is told once, from the beginning.
    bars.truncate(2);
    let key = major(PitchClass::E);
    let song = MidiSong::from_plan("x", &bars, &tempo, Some(key), &Part::ALL, default_program);
    assert_eq!((song.keys.as_slice(), song.key()), ([(0, key)].as_slice(), Some(key)));
}

/// Bars in 4/4 of one chord each.
fn bars_of(labels: &[&str]) -> Vec<PlannedBar> {
    let mut bars = bars(labels.len(), 0.0, Metre::FOUR_FOUR);
    for (bar, label) in bars.iter_mut().zip(labels) {
        bar.chords.iter_mut().for_each(|chord| chord.chord = label.parse().ok());
    }
    bars
}
