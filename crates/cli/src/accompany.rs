//! `backline accompany`: the band for a recording, as MIDI and as sound.

use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::Context;
use backline_engine::{Accompaniment, accompany};
use backline_files::analysis::{Analysis, Hearing};
use backline_files::wav::{Depth, write_wav};
use backline_files::{Audio, Keys, LeadSheet, MidiSong, read_audio};
use backline_music::{Heard, Part, PlannedNote, TempoMap};
use backline_synth::{Stereo, render};

use crate::args::Accompany;
use crate::limiter::limit;
use crate::progress::Progress;
use crate::{Outcome, analyze, inputs, tell};

/// The files of the folder, but for the parts'.
const ANALYSIS: &str = "analysis.json";
const BAND_MIDI: &str = "backing.mid";
const LEAD_SHEET: &str = "leadsheet.musicxml";
const BAND_SOUND: &str = "backing.wav";
const MIX: &str = "mix.wav";
/// Highest sample of what is written, just under full scale.
const PEAK: f32 = 0.98;
/// The highest sample of a band beside a recording of full scale, so that the sum needs no more limiting than some 4 dB.
const BAND_PEAK: f32 = 0.5;
/// The last of the band that is faded, so that a recording cut in the middle of a sound ends without a click.
const FADE_S: f32 = 0.005;
/// Root of the mean power of the whole band, a channel, at knobs in the middle: the mean over all styles.
const BAND_RMS: f64 = 0.1;

/// Hears the file, plays along and writes the folder.
pub fn run(args: &Accompany) -> anyhow::Result<Outcome> {
    let read = std::iter::once(args.file.as_path()).chain(args.taste.iter().flatten().map(PathBuf::as_path));
    inputs::spare(read, outputs(args), "Choose another folder with -o")?;
    let taste = args.taste()?;
    let audio = read_audio(&args.file)?;
    // Before the long work, so that it is not lost to a folder that cannot be written.
    make_folder(&args.out)?;
    let (mono, rate) = (audio.mono(), f64::from(audio.sample_rate));
    let bar = Progress::new("Listening");
    let bars = args.bars.map(|n| n as usize);
    let models = args.hearing.models();
    let band = accompany(&mono, rate, &models, &args.controls(), &taste, bars, &mut |share| bar.show(share))?;
    drop(bar);

    let source = analyze::source(&args.file, &audio);
    let analysis = Analysis::new(source, Hearing::Offline, &band.heard, &audio.notices);
    analysis.write(&args.out.join(ANALYSIS))?;
    for notice in &analysis.notices {
        tell(notice);
    }
    let found = analyze::found(&analysis, &mono);
    if found == Outcome::NothingFound {
        return Ok(found);
    }
    drop(mono);

    write_midi(args, &band, &band.tempo_map)?;
    write_sound(&args.out, audio, &band, &band.tempo_map)?;
    say_what_was_written(args, &analysis, &band)?;
    Ok(Outcome::Done)
}

/// The files that are written.
fn outputs(args: &Accompany) -> Vec<PathBuf> {
    let names = [ANALYSIS, BAND_MIDI, LEAD_SHEET, BAND_SOUND, MIX].map(str::to_owned);
    let parts = args.parts.iter().map(|&part| part_file(part));
    names.into_iter().chain(parts).map(|name| args.out.join(name)).collect()
}

fn part_file(part: Part) -> String {
    format!("{}.mid", part.name().to_lowercase())
}

fn make_folder(dir: &Path) -> anyhow::Result<()> {
    let cannot = || {
        format!(
            "nothing can be written into {}; choose a folder that you may write to with -o",
            dir.display()
        )
    };
    std::fs::create_dir_all(dir).with_context(cannot)?;
    let probe = dir.join(format!(".backline-{}", std::process::id()));
    std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe)).with_context(cannot)
}

fn write_midi(args: &Accompany, band: &Accompaniment, tempo: &TempoMap) -> anyhow::Result<()> {
    let name = args.file.file_stem().unwrap_or_default().to_string_lossy();
    let style = band.bars.first().and_then(|bar| backline_play::style(&bar.style));
    let program = |part: Part| match (part, style) {
        (Part::Chords, Some(style)) => style.programs.chords,
        (Part::Bass, Some(style)) => style.programs.bass,
        (part, _) => backline_files::midi::default_program(part),
    };
    let keys = keys(&band.heard, tempo);
    let song = |name: &str, parts: &[Part]| {
        MidiSong::from_plan(name, &band.bars, tempo, keys.clone(), parts, program)
    };
    let playing: Vec<Part> = Part::ALL.into_iter().filter(|part| args.parts.contains(part)).collect();
    song(&name, &playing).write(&args.out.join(BAND_MIDI))?;
    LeadSheet { title: &name, bars: &band.bars, keys: keys.clone() }.write(&args.out.join(LEAD_SHEET))?;
    for part in playing {
        let title = format!("{name} - {part}");
        song(&title, &[part]).write(&args.out.join(part_file(part)))?;
    }
    Ok(())
}

/// The keys that were heard, by beats.
fn keys(heard: &Heard, tempo: &TempoMap) -> Keys {
    if heard.keys.is_empty() {
        return heard.key.map(|key| key.value).into();
    }
    Keys::new(heard.keys.iter().map(|span| (tempo.beat_at(span.start_s), span.key)))
}

/// Writes the band alone, and with the recording; both as long as the recording, so that they line up
/// with it. A band with its knobs in the middle is as loud as the recording is meanwhile; so energy, or parts that do not
/// play, are heard as what they are. What would clip is limited, first the band, then the sum, so that the recording
/// keeps its level.
fn write_sound(dir: &Path, audio: Audio, band: &Accompaniment, tempo: &TempoMap) -> anyhow::Result<()> {
    let notes: Vec<PlannedNote> = band.notes().copied().collect();
    #[allow(clippy::cast_precision_loss)] // sample rates
    let mut sound = render(&notes, tempo, audio.sample_rate as f32, audio.frames());
    let level = balance(&audio, &played(band, tempo, &audio));
    for s in sound.left.iter_mut().chain(&mut sound.right) {
        *s *= level;
    }
    let mixed = mix(&audio, &mut sound);
    write_wav(&dir.join(BAND_SOUND), audio.sample_rate, Depth::Bits24, &[&sound.left, &sound.right])?;
    drop(sound);
    write_wav(&dir.join(MIX), audio.sample_rate, Depth::Bits24, &[&mixed.left, &mixed.right])?;
    Ok(())
}

/// The recording with the band; what is left of the band by itself stands in `band`.
fn mix(audio: &Audio, band: &mut Stereo) -> Stereo {
    let rate = f64::from(audio.sample_rate);
    let peak = audio.left.iter().chain(audio.right()).fold(0.0f32, |peak, s| peak.max(s.abs()));
    // A recording beyond full scale comes down to it, and the band with it.
    let down = if peak > 1.0 { 1.0 / peak } else { 1.0 };
    for s in band.left.iter_mut().chain(&mut band.right) {
        *s *= down;
    }
    let room = (1.0 + BAND_PEAK - peak * down).clamp(BAND_PEAK, PEAK);
    limit(&mut band.left, &mut band.right, room, rate);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let fade = ((FADE_S * audio.sample_rate as f32) as usize).min(band.frames());
    for side in [&mut band.left, &mut band.right] {
        #[allow(clippy::cast_precision_loss)] // a few hundred
        for (i, s) in side.iter_mut().rev().take(fade).enumerate() {
            *s *= i as f32 / fade as f32;
        }
    }
    let sums = |side: &[f32], input: &[f32]| -> Vec<f32> {
        side.iter().zip(input).map(|(s, i)| s + i * down).collect()
    };
    let mut sum = Stereo { left: sums(&band.left, &audio.left), right: sums(&band.right, audio.right()) };
    limit(&mut sum.left, &mut sum.right, PEAK, rate);
    sum
}

/// The samples of the recording in which the band plays.
fn played(band: &Accompaniment, tempo: &TempoMap, audio: &Audio) -> Range<usize> {
    let sample = |beat: f64| {
        let at = tempo.seconds_at(beat) * f64::from(audio.sample_rate);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates
        let at = at.max(0.0) as usize;
        at.min(audio.frames())
    };
    match (band.bars.first(), band.bars.last()) {
        (Some(first), Some(last)) => sample(first.start_beat)..sample(last.end_beat()),
        _ => 0..0,
    }
}

/// Root of the mean power of two channels in `played`.
fn rms(left: &[f32], right: &[f32], played: &Range<usize>) -> f64 {
    let mean_power = |channel: &[f32]| {
        let played = &channel[played.clone()];
        #[allow(clippy::cast_precision_loss)] // samples
        let frames = played.len().max(1) as f64;
        played.iter().map(|s| f64::from(*s) * f64::from(*s)).sum::<f64>() / frames
    };
    (0.5 * (mean_power(left) + mean_power(right))).sqrt()
}

/// The gain that brings a whole band with its knobs in the middle to the recording's power in `played`, within ±18 dB.
fn balance(audio: &Audio, played: &Range<usize>) -> f32 {
    let rms = rms(&audio.left, audio.right(), played);
    if rms <= 0.0 {
        return 1.0;
    }
    #[allow(clippy::cast_possible_truncation)]
    let gain = (rms / BAND_RMS) as f32;
    gain.clamp(0.125, 8.0)
}

fn say_what_was_written(args: &Accompany, a: &Analysis, band: &Accompaniment) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let style = band.bars.first().map_or("", |bar| &bar.style);
    let count = |part| band.notes().filter(|n| n.part == part).count();
    let key = a.key.as_ref().map_or(String::new(), |k| format!(", {} {}", k.tonic, k.mode));
    writeln!(
        out,
        "{}: {:.1} BPM, {}{key}; {} bars of {style}: {} drum, {} chord and {} bass notes",
        a.source.name,
        a.tempo_bpm.unwrap_or(0.0),
        band.metre,
        band.bars.len(),
        count(Part::Drums),
        count(Part::Chords),
        count(Part::Bass)
    )?;
    writeln!(
        out,
        "written to {}: {BAND_MIDI}, a .mid for each part, {LEAD_SHEET}, {BAND_SOUND}, {MIX}, {ANALYSIS}",
        args.out.display()
    )?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use backline_music::{Controls, Estimate, Key, KeySpan, Mode, PitchClass, StyleChoice};
    use backline_play::Taste;

    #[test]
    fn keys_are_told_where_they_were_heard() {
        let [c, e] = [0, 4].map(|root| Key::new(PitchClass::new(root), Mode::Major));
        let span =
            |start_s, end_s, key| KeySpan { start_s, end_s, key, prob: 0.9, runner_up: None, decided_s: 0.0 };
        let mut heard = Heard { keys: vec![span(0.0, 10.0, c), span(10.0, 20.0, e)], ..Heard::default() };
        let tempo = TempoMap::steady(120.0);
        let told = keys(&heard, &tempo);
        assert_eq!(told.changes(), [(0.0, c), (20.0, e)]);
        assert_eq!((told.at(19.0), told.at(20.0)), (Some(c), Some(e)));
        heard.keys.clear();
        heard.key = Some(Estimate::certain(e));
        assert_eq!(keys(&heard, &tempo).at(0.0), Some(e));
    }

    #[test]
    fn a_loud_recording_keeps_its_level() {
        let song = backline_synth::demo::demo_song();
        let rate = song.sample_rate as usize;
        let band = Stereo {
            left: song.audio.left[..8 * rate].to_vec(),
            right: song.audio.right[..8 * rate].to_vec(),
        };
        let rms_of = |s: &Stereo| rms(&s.left, &s.right, &(0..s.frames()));
        for loudest in [0.95f32, 0.6, 1.0, 3.0] {
            // As square as a recording that was driven into a limiter.
            let square = |hz: f32| -> Vec<f32> {
                let wave = |i: usize| 1.6 * (std::f32::consts::TAU * hz * i as f32 / rate as f32).sin();
                (0..8 * rate).map(|i| loudest * wave(i).clamp(-1.0, 1.0)).collect()
            };
            let audio = Audio {
                sample_rate: song.sample_rate,
                left: square(110.0),
                right: Some(square(165.0)),
                channels: 2,
                notices: Vec::new(),
            };
            let level = balance(&audio, &(0..8 * rate));
            let louder = |s: &f32| s * level;
            let mut alone = Stereo {
                left: band.left.iter().map(louder).collect(),
                right: band.right.iter().map(louder).collect(),
            };
            let before = alone.clone();
            let mixed = mix(&audio, &mut alone);
            let heard = rms(&audio.left, audio.right(), &(0..8 * rate)) / f64::from(loudest.max(1.0));
            let change = 20.0 * (rms_of(&mixed) / heard).log10();
            println!("{loudest}: {change:.1} dB; band {:.1} dB", 20.0 * (rms_of(&alone) / heard).log10());
            assert!(change.abs() < 3.2, "{loudest}: {change} dB");
            for sound in [&alone, &mixed] {
                assert!(sound.left.iter().chain(&sound.right).all(|s| s.abs() <= PEAK));
                assert_eq!(sound.frames(), 8 * rate);
            }
            assert!(alone.left.last().is_some_and(|s| s.abs() < 1e-6), "it ends in a click");
            let mut again = before;
            assert!(mix(&audio, &mut again) == mixed && again == alone);
        }
    }

    /// Of a band alone, while it plays.
    fn band_rms(band: &Accompaniment, audio: &Audio) -> f64 {
        let notes: Vec<PlannedNote> = band.notes().copied().collect();
        #[allow(clippy::cast_precision_loss)]
        let sound = render(&notes, &band.tempo_map, audio.sample_rate as f32, audio.frames());
        rms(&sound.left, &sound.right, &played(band, &band.tempo_map, audio))
    }

    #[test]
    fn the_level_of_a_band_is_that_of_its_styles() {
        let song = backline_synth::demo::demo_song();
        let cut = 8 * song.sample_rate as usize;
        let mono = song.mono();
        let audio = Audio {
            sample_rate: song.sample_rate,
            left: mono[..cut].to_vec(),
            right: None,
            channels: 1,
            notices: Vec::new(),
        };
        let band = |style: &str, energy: f32, bars: Option<usize>| {
            let style = StyleChoice::Named(style.to_owned());
            let controls = Controls { style, energy, ..Controls::default() };
            let models = backline_engine::Models::built_in();
            accompany(&audio.left, 44_100.0, models, &controls, &Taste::neutral(), bars, &mut |_| {}).unwrap()
        };
        let all: Vec<(String, f64)> = backline_play::styles()
            .iter()
            .map(|style| (style.id.clone(), band_rms(&band(&style.id, 0.0, None), &audio)))
            .collect();
        println!("{all:?}");
        let mean = (all.iter().map(|s| s.1 * s.1).sum::<f64>() / all.len() as f64).sqrt();
        assert!((mean / BAND_RMS).log10().abs() < 0.05, "{mean}");
        // Energy is heard.
        let (soft, loud) =
            (band_rms(&band("rock", -1.0, None), &audio), band_rms(&band("rock", 1.0, None), &audio));
        assert!(loud > 1.5 * soft, "{soft} {loud}");
        // Where the band plays for two bars only, the recording's level there counts.
        let whole = balance(&audio, &played(&band("rock", 0.0, None), &song.tempo, &audio));
        let short = balance(&audio, &played(&band("rock", 0.0, Some(2)), &song.tempo, &audio));
        assert!((short / whole).log10().abs() < 0.1, "{short} {whole}");
    }
}
