//! `backline demo`: the demo song, and what is true of it.

use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;
use backline_files::wav::{Depth, write_wav};
use backline_files::whole::write_bytes;
use backline_music::{DrumVoice, chord};
use backline_synth::demo::{Song, demo_song, songs};
use serde::Serialize;

use crate::Outcome;
use crate::args::Demo;

/// What is true of a song.
#[derive(Serialize)]
struct Truth {
    name: &'static str,
    sample_rate: u32,
    seconds: f64,
    tempo_bpm: f64,
    metre: String,
    key: String,
    beats_s: Vec<f64>,
    downbeats_s: Vec<f64>,
    chords: Vec<ChordTruth>,
    drums: Vec<DrumTruth>,
    melody: Vec<NoteTruth>,
}

#[derive(Serialize)]
struct ChordTruth {
    start_s: f64,
    end_s: f64,
    label: String,
}

#[derive(Serialize)]
struct DrumTruth {
    time_s: f64,
    voice: DrumVoice,
    velocity: u8,
}

#[derive(Serialize)]
struct NoteTruth {
    start_s: f64,
    end_s: f64,
    key: u8,
}

/// Writes the song or songs.
pub fn run(args: &Demo) -> anyhow::Result<Outcome> {
    std::fs::create_dir_all(&args.out).with_context(|| {
        format!("the folder {} cannot be made; choose another with -o", args.out.display())
    })?;
    let mut out = io::stdout().lock();
    write_song(&args.out, &demo_song(), &mut out)?;
    if args.all {
        for song in songs() {
            write_song(&args.out, &song, &mut out)?;
        }
    }
    out.flush()?;
    Ok(Outcome::Done)
}

fn write_song(dir: &Path, song: &Song, out: &mut impl Write) -> anyhow::Result<()> {
    let truth = Truth {
        name: song.name,
        sample_rate: song.sample_rate,
        seconds: song.seconds(),
        tempo_bpm: song.tempo_bpm,
        metre: song.metre.to_string(),
        key: song.key.to_string(),
        beats_s: song.beats.clone(),
        downbeats_s: song.downbeats.clone(),
        chords: song
            .chords
            .iter()
            .map(|c| ChordTruth { start_s: c.start_s, end_s: c.end_s, label: chord::label(c.chord) })
            .collect(),
        drums: song
            .drums
            .iter()
            .map(|d| DrumTruth { time_s: d.time_s, voice: d.voice, velocity: d.velocity })
            .collect(),
        melody: song
            .melody
            .iter()
            .map(|n| NoteTruth { start_s: n.start_s, end_s: n.end_s, key: n.key })
            .collect(),
    };
    let wav = dir.join(format!("{}.wav", song.name));
    write_wav(&wav, song.sample_rate, Depth::Bits24, &[&song.audio.left, &song.audio.right])?;
    let json = dir.join(format!("{}.json", song.name));
    write_bytes(&json, format!("{}\n", serde_json::to_string_pretty(&truth)?).as_bytes())?;
    writeln!(
        out,
        "{}: {:.0} s, {} BPM, {}, {} (truth in {})",
        wav.display(),
        truth.seconds,
        truth.tempo_bpm,
        truth.metre,
        truth.key,
        json.display()
    )?;
    Ok(())
}
