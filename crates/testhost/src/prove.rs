//! The proof that `cargo xtask install` gives: the demo song, accompanied through the installed CLAP.
//!
//! Usage: `backline-prove CLAP FOLDER`. Writes `demo.mid` and `demo.wav` into the folder and exits with
//! an error when the band that came back does not fit the song.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use backline_engine::{Models, analyse_online};
use backline_files::MidiSong;
use backline_files::wav::{Depth, write_wav};
use backline_music::{Metre, Part, PitchClass, PlannedBar, PlannedNote, TempoMap};
use backline_synth::demo::{Song, demo_song};
use backline_synth::render;
use backline_testhost::{Clap, Host, Note, Run};

/// Samples a block.
const BLOCK: usize = 512;

fn main() -> Result<()> {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(clap), Some(folder)) = (args.next(), args.next()) else {
        bail!("usage: backline-prove CLAP FOLDER");
    };
    let song = demo_song();
    let heard = analyse_online(&song.mono(), f64::from(song.sample_rate), Models::built_in(), &mut |_| {})?;
    println!("the demo song: {:.1} BPM, {}, {}", song.tempo_bpm, song.metre, song.key);
    println!(
        "heard:         {}, {}, {}",
        heard.tempo_bpm.map_or_else(|| "no tempo".to_owned(), |t| format!("{:.1} BPM", t.value)),
        heard.metre.map_or_else(|| "no metre".to_owned(), |m| m.value.to_string()),
        heard.key.map_or_else(|| "no key".to_owned(), |k| k.value.to_string()),
    );

    let notes = accompany(&clap, &song);
    let count = |part| notes.iter().filter(|n| n.part == part).count();
    println!(
        "came back:     {} drum, {} chord and {} bass notes",
        count(Part::Drums),
        count(Part::Chords),
        count(Part::Bass)
    );
    show_bars(&song, &notes);
    let (midi, wav) = write(&folder, &song, &notes)?;
    println!("written:       {} and {}", midi.display(), wav.display());

    if Part::ALL.into_iter().any(|part| count(part) == 0) {
        bail!("a part of the band did not play");
    }
    let (right, all) = bass_roots(&song, &notes);
    println!("bass on the chord's root, third or fifth at {right} of {all} chord changes after bar 8");
    if right * 4 < all * 3 {
        bail!("the bass does not follow the song's chords");
    }
    Ok(())
}

/// Plays the song through the plug-in and collects the notes on the song's beats.
fn accompany(clap: &Path, song: &Song) -> Vec<PlannedNote> {
    let rate = f64::from(song.sample_rate);
    let beat_at = |sample: f64| (sample / rate - song.downbeats[0]) * song.tempo_bpm / 60.0;
    let audio = [song.audio.left.clone(), song.audio.right.clone()];
    let mut host = Clap::new(clap);
    host.activate(rate, BLOCK, true);
    let mut run = Run::new(&mut host);
    run.straight(&audio, 0..audio[0].len(), rate, beat_at(0.0), song.tempo_bpm, || BLOCK);
    run.stop(2);
    let mut sounding: BTreeMap<(u8, u8), (f64, f64)> = BTreeMap::new();
    let mut notes = Vec::new();
    #[allow(clippy::cast_precision_loss)] // samples of a song
    for &(sample, Note { channel, key, velocity, .. }) in &run.log {
        let beat = beat_at(sample as f64);
        match velocity {
            Some(velocity) => {
                sounding.insert((channel, key), (beat, velocity));
            }
            None => {
                let part = Part::ALL.into_iter().find(|p| p.default_channel() == channel);
                if let (Some((onset_beat, velocity)), Some(part)) = (sounding.remove(&(channel, key)), part) {
                    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 1..=127
                    let velocity = (velocity * 127.0).round().clamp(1.0, 127.0) as u8;
                    notes.push(PlannedNote {
                        part,
                        key,
                        velocity,
                        onset_beat,
                        length_beats: beat - onset_beat,
                    });
                }
            }
        }
    }
    notes.sort_by(|a, b| a.onset_beat.total_cmp(&b.onset_beat).then(a.key.cmp(&b.key)));
    notes
}

fn tempo_of(song: &Song) -> TempoMap {
    let beat_s = 60.0 / song.tempo_bpm;
    TempoMap::new([(0.0, song.downbeats[0]), (1.0, song.downbeats[0] + beat_s)])
}

/// The first eight bars beside their true chords.
fn show_bars(song: &Song, notes: &[PlannedNote]) {
    println!("bar  true chord    bass              chords                     drums");
    for bar in 0..8u8 {
        let from = f64::from(bar) * 4.0;
        let of = |part: Part| {
            let keys =
                notes.iter().filter(move |n| n.part == part && (from..from + 4.0).contains(&n.onset_beat));
            let mut names: Vec<String> = Vec::new();
            for note in keys {
                let name = format!("{}{}", PitchClass::of_key(note.key), i32::from(note.key / 12) - 1);
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            names.join(" ")
        };
        let at_s = song.downbeats[usize::from(bar)] + 0.01;
        let chord = song.chords.iter().find(|c| c.start_s <= at_s && at_s < c.end_s).and_then(|c| c.chord);
        let drums = notes
            .iter()
            .filter(|n| n.part == Part::Drums && (from..from + 4.0).contains(&n.onset_beat))
            .count();
        println!(
            "{:3}  {:12}  {:16}  {:25}  {drums} strokes",
            bar + 1,
            chord.map_or_else(|| "N".to_owned(), |c| c.symbol_in(Some(song.key))),
            of(Part::Bass),
            of(Part::Chords)
        );
    }
}

/// How many chord changes from bar 9 on are met by a bass note of the true chord; and how many there are.
fn bass_roots(song: &Song, notes: &[PlannedNote]) -> (usize, usize) {
    let tempo = tempo_of(song);
    let from_s = song.downbeats[8] - 0.01;
    let changes =
        song.chords.iter().filter(|c| c.start_s >= from_s).filter_map(|c| Some((c.start_s, c.chord?)));
    let met = changes.clone().filter(|(start_s, chord)| {
        let first =
            notes.iter().find(|n| n.part == Part::Bass && tempo.seconds_at(n.onset_beat) >= start_s - 0.06);
        first.is_some_and(|n| chord.contains(PitchClass::of_key(n.key)))
    });
    (met.count(), changes.count())
}

fn write(folder: &Path, song: &Song, notes: &[PlannedNote]) -> Result<(PathBuf, PathBuf)> {
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let tempo = tempo_of(song);
    let mut bars: Vec<PlannedBar> = Vec::new();
    let last = notes.iter().map(|n| n.onset_beat).fold(0.0, f64::max);
    let mut start_beat = 0.0;
    while start_beat <= last {
        let inside = |n: &&PlannedNote| (start_beat..start_beat + 4.0).contains(&n.onset_beat);
        bars.push(PlannedBar {
            index: bars.len() as i64,
            start_beat,
            metre: Metre::FOUR_FOUR,
            tempo_bpm: song.tempo_bpm,
            style: String::new(),
            fill: false,
            chords: Vec::new(),
            notes: notes.iter().filter(inside).copied().collect(),
        });
        start_beat += 4.0;
    }
    let midi = folder.join("demo.mid");
    let program = backline_files::midi::default_program;
    MidiSong::from_plan("Backline demo", &bars, &tempo, Some(song.key), &Part::ALL, program).write(&midi)?;
    #[allow(clippy::cast_precision_loss)] // a sample rate
    let mut sound = render(notes, &tempo, song.sample_rate as f32, song.audio.frames());
    for (side, input) in [(&mut sound.left, &song.audio.left), (&mut sound.right, &song.audio.right)] {
        side.iter_mut().zip(input).for_each(|(s, i)| *s = (*s + i) * 0.7);
    }
    let wav = folder.join("demo.wav");
    write_wav(&wav, song.sample_rate, Depth::Bits24, &[&sound.left, &sound.right])?;
    Ok((midi, wav))
}
