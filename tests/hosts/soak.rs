//! Long, wild and crowded sessions: no note hangs, memory stays, and a kill loses nothing that was saved.
//!
//! `cargo xtask soak` runs these at full length; among the other tests they are short.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use backline::clips::Clip;
use backline::editor::scene::{ClipChoice, Format};
use backline::presets::{Library, Preset};
use backline_files::MidiSong;
use backline_music::Controls;
use backline_testhost::{At, Host, Run};

use crate::random::{Random, amount, peak_memory_mib, resident_mib};
use crate::{bundle, song};

/// Bars that a transport on the loose jumps among: few enough for the band to know them.
const BARS: u64 = 16;

/// One transport, moved at random, that keeps to what hosts can say.
fn a_wild_transport(host: &mut dyn Host, moves: usize, seed: u64) -> usize {
    let song = song::demo(48_000);
    let mut random = Random(seed);
    host.activate(song.rate, 1_024, true);
    let mut run = Run::new(host);
    let mut heard = (20.0 * song.rate) as usize;
    run.straight(&song.audio, 0..heard, song.rate, song.beat0, song.tempo, || 1_024);
    assert!(!run.log.is_empty(), "the band plays");
    run.log.clear();

    let mut at = At::playing(song.beat(heard as f64), song.tempo);
    let (mut bypass, mut stopped_at, mut ons) = (false, 0, 0);
    for number in 0..moves {
        match random.below(16) {
            0..=3 => at.beat = random.below(BARS) as f64 * 4.0,
            4 | 5 => at.beat = random.unit() * BARS as f64 * 4.0 - 4.0,
            6 => {
                if at.playing {
                    stopped_at = run.pos;
                }
                at.playing = false;
            }
            7..=9 => at.playing = true,
            10 => at.tempo = 40.0 + 200.0 * random.unit(),
            11 => at.metre = [(4, 4), (3, 4), (6, 8), (7, 8), (5, 4)][random.below(5) as usize],
            12 => {
                let start = random.below(BARS) as f64;
                at.looping = (random.below(2) == 0).then_some((start, start + 0.25 + 4.0 * random.unit()));
            }
            13 => {
                bypass = !bypass && random.below(2) == 0;
                run.host.set("Bypass", f64::from(u8::from(bypass)));
            }
            14 => {
                let part = ["Drums", "Chords", "Bass"][random.below(3) as usize];
                run.host.set(part, f64::from(u8::from(random.below(3) > 0)));
            }
            _ => run.host.set("Send", random.below(4) as f64 / 3.0),
        }
        for _ in 0..1 + random.below(3) {
            let most = if random.below(8) == 0 { 1_024 } else { 128 };
            let frames = 1 + random.below(most) as usize;
            let input = song.round(heard, frames);
            run.block(&input, &at);
            heard += frames;
            if at.playing {
                at.beat += frames as f64 / song.rate * at.tempo / 60.0;
                if let Some((start, end)) = at.looping
                    && at.beat >= end
                {
                    at.beat = start + (at.beat - end) % (end - start);
                }
            }
            // A host that stands still while music comes in is played along with, on the heard beat: what sounds
            // then must have begun since.
            let hanging = run.sounding.values().any(|since| bypass || !at.playing && *since < stopped_at);
            assert!(!hanging, "hanging after move {number}: {:?}", run.sounding);
            ons += run.log.drain(..).filter(|(_, note)| note.velocity.is_some()).count();
        }
    }
    run.stop(2);
    assert!(ons > moves / 100, "{ons} notes in {moves} moves prove nothing");
    ons
}

#[test]
fn a_wild_transport_leaves_no_note_hanging() {
    let moves = amount(1_000_000);
    for (i, (format, mut host)) in bundle::hosts().into_iter().enumerate() {
        let ons = a_wild_transport(&mut *host, moves / 2, 7 + i as u64);
        println!("{format}: {} moves, {ons} notes, none hangs", moves / 2);
    }
}

#[test]
fn an_hour_does_not_grow() {
    let song = song::demo(48_000);
    let samples = (amount(3_600).max(24) as f64 * song.rate) as usize;
    let mut host = bundle::load_clap();
    host.activate(song.rate, 4_096, true);
    let mut run = Run::new(&mut host);
    let mut random = Random(3);
    let (mut heard, mut notes, mut early_mib) = (0, 0, None);
    while heard < samples {
        let frames = 1 + random.below(4_096) as usize;
        let input = song.round(heard, frames);
        run.block(&input, &At::playing(song.beat(heard as f64), song.tempo));
        heard += frames;
        notes += run.log.drain(..).count();
        if heard > samples / 6 && early_mib.is_none() {
            early_mib = resident_mib();
        }
    }
    run.stop(2);
    assert!(notes > 0);
    let seconds = samples as f64 / song.rate;
    let (Some(early), Some(late)) = (early_mib, resident_mib()) else {
        println!("{seconds:.0} s played; this system does not tell how much memory is used");
        return;
    };
    println!("{seconds:.0} s, {notes} events: {early:.1} MiB after a sixth, {late:.1} MiB at the end");
    assert!(late < early + 24.0, "grown from {early} to {late} MiB");
}

#[test]
fn sixteen_instances_live_side_by_side() {
    let song = song::demo(48_000);
    let blocks = (amount(60).max(8) as f64 * song.rate) as usize / 512;
    let mut hosts: Vec<_> = (0..8).flat_map(|_| bundle::hosts()).collect();
    for (_, host) in &mut hosts {
        host.activate(song.rate, 512, true);
    }
    let mut runs: Vec<Run> = hosts.iter_mut().map(|(_, host)| Run::new(&mut **host)).collect();
    assert_eq!(runs.len(), 16);
    for block in 0..blocks {
        let input = song.round(block * 512, 512);
        let at = At::playing(song.beat((block * 512) as f64), song.tempo);
        for run in &mut runs {
            run.block(&input, &at);
        }
    }
    // The same song, heard at the same places: the same band.
    let first = runs[0].ons();
    assert!(!first.is_empty());
    for run in &mut runs {
        run.stop(2);
        assert_eq!(run.ons(), first);
    }
    // They go in another order than they came.
    let mut random = Random(5);
    while !hosts.is_empty() {
        let which = random.below(hosts.len() as u64) as usize;
        drop(hosts.swap_remove(which));
    }
    println!("16 instances, {:.0} s: {} notes each", blocks as f64 * 512.0 / song.rate, first.len());
}

const SAVER: &str = "BACKLINE_TEST_SAVES_IN";
const SAVER_TEST: &str = "soak::a_kill_while_saving_loses_nothing";

/// Saves presets and clips for ever, and says each time what is safe now.
fn save_until_killed(folder: &Path) {
    let song = song::demo(48_000);
    let plans = song.plans((9.0 * song.rate) as usize, &Controls::default());
    let bars: Vec<_> = plans.last().unwrap().1.bars.iter().cloned().map(Arc::new).collect();
    let bars = bars[bars.len() - 4..].to_vec();
    let clip = Clip::of(&ClipChoice { bars, part: None }, None).unwrap();
    let mut library = Library::in_folder(Some(folder.join("presets")));
    for number in 0u64.. {
        let name = format!("mine {}", number % 5);
        let params = BTreeMap::from([("energy".to_owned(), number.to_string())]);
        library.save(Preset { version: 1, name: name.clone(), params }).unwrap();
        println!("saved\tpreset\t{name}\t{number}");
        if number.is_multiple_of(3) {
            for path in clip.write(&folder.join("clips"), Format::Midi).unwrap() {
                println!("saved\tclip\t{}\t{number}", path.display());
            }
        }
        std::io::stdout().flush().unwrap();
    }
}

#[test]
fn a_kill_while_saving_loses_nothing() {
    if let Some(folder) = std::env::var_os(SAVER) {
        return save_until_killed(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(11);
    let mut newest: BTreeMap<String, u64> = BTreeMap::new();
    let mut clips: Vec<PathBuf> = Vec::new();
    let kills = amount(500).max(3);
    for _ in 0..kills {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", SAVER_TEST, "--nocapture"])
            .env(SAVER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut take = |line: &str| {
            if let Some(["saved", kind, name, number]) = line.split('\t').collect::<Vec<_>>().first_chunk() {
                match *kind {
                    "preset" => drop(newest.insert((*name).to_owned(), number.parse().unwrap())),
                    _ => clips.push(PathBuf::from(name)),
                }
            }
        };
        // Let some saves pass, then kill in the middle of whatever it does.
        let passed = 2 + random.below(6);
        for line in lines.by_ref().take(8 + passed as usize) {
            take(&line.unwrap());
        }
        std::thread::sleep(Duration::from_micros(random.below(4_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        // What it had said before it died counts; the last line may be cut.
        let said: Vec<String> = lines.map_while(Result::ok).collect();
        said.iter().filter(|line| line.matches('\t').count() == 3).for_each(|line| take(line));

        let library = Library::in_folder(Some(folder.path().join("presets")));
        assert_eq!(library.notices, Vec::<String>::new(), "no preset is half a preset");
        for (name, number) in &newest {
            let (kept, _) = library.presets.iter().find(|(p, _)| p.name == *name).unwrap();
            let kept: u64 = kept.params["energy"].parse().unwrap();
            // A save may have been done and not yet told, but none that was told is undone.
            assert!(kept >= *number, "{name}: {kept} where {number} was saved");
        }
        newest.clear();
        for path in &clips {
            let song = MidiSong::parse(&std::fs::read(path).unwrap());
            assert!(song.is_ok_and(|song| !song.tracks.is_empty()), "{}", path.display());
        }
        clips.clear();
    }
    for entry in std::fs::read_dir(folder.path().join("clips")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "mid") {
            assert!(MidiSong::parse(&std::fs::read(&path).unwrap()).is_ok(), "{}", path.display());
        }
    }
    println!("{kills} kills: every preset and clip that was saved is whole");
    assert!(peak_memory_mib().is_none_or(|mib| mib < 1_024.0));
}
