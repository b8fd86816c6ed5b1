//! Damaged files and states by the hundred thousand: a sentence or repaired content, in bounded time and memory.
//!
//! Each case is something good with a few wounds. `cargo xtask soak` tries all of them; among the other tests,
//! some.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use backline::params::BacklineParams;
use backline::presets::Library;
use backline_files::wav::{Depth, write_wav};
use backline_files::{MidiSong, read_audio};
use backline_music::{Controls, TempoMap};
use backline_nets::Model;
use backline_testhost::{At, Run};
use sha2::{Digest, Sha256};

use crate::random::{Random, amount, peak_memory_mib};
use crate::{bundle, song};

/// Cases of each kind, in full.
const CASES: usize = 100_000;
/// The longest that one case may take, on a busy machine.
const LONGEST: Duration = Duration::from_secs(20);
/// The most memory that the process may ever hold.
const MOST_MIB: f64 = 1_024.0;

/// A good file with wounds: bytes turned, cut out, put in, repeated, the end missing, lengths made absurd.
fn wounded(good: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for _ in 0..1 + random.below(6) {
        if bytes.is_empty() {
            bytes.push(random.next() as u8);
        }
        let n = bytes.len() as u64;
        let at = random.below(n) as usize;
        let some = (1 + random.below(16.min(n))) as usize;
        let end = (at + some).min(bytes.len());
        match random.below(10) {
            0 | 1 => bytes[at] ^= 1 << random.below(8),
            2 => bytes[at] = random.next() as u8,
            3 => bytes[at] = [0, 1, 0x7F, 0x80, 0xFE, 0xFF][random.below(6) as usize],
            4 => drop(bytes.drain(at..end)),
            5 => {
                let new: Vec<u8> = (0..some).map(|_| random.next() as u8).collect();
                drop(bytes.splice(at..at, new));
            }
            6 => {
                let again = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, again));
            }
            7 => bytes.truncate(at),
            // A length, little or big end first.
            8 => {
                let absurd =
                    [0, 1, 0x7FFF_FFFF, 0x8000_0000, u32::MAX - 1, u32::MAX][random.below(6) as usize];
                let new = if random.below(2) == 0 { absurd.to_le_bytes() } else { absurd.to_be_bytes() };
                bytes.iter_mut().skip(at).zip(new).for_each(|(byte, new)| *byte = new);
            }
            // Digits elsewhere, for texts.
            _ => {
                if let Some(digit) = bytes[at..].iter_mut().find(|b| b.is_ascii_digit()) {
                    *digit = b"0919e-.,\"}"[random.below(10) as usize];
                }
            }
        }
    }
    bytes
}

/// Tries `one` on wounded copies of `seeds`.
fn many(what: &str, seeds: &[Vec<u8>], mut one: impl FnMut(&[u8])) {
    let (cases, mut random, mut slowest) = (amount(CASES), Random(20_261_121), Duration::ZERO);
    for case in 0..cases {
        let bytes = wounded(&seeds[case % seeds.len()], &mut random);
        let begun = Instant::now();
        one(&bytes);
        let took = begun.elapsed();
        assert!(took < LONGEST, "{what}, case {case}: {took:?}");
        slowest = slowest.max(took);
    }
    let peak = peak_memory_mib();
    assert!(peak.is_none_or(|mib| mib < MOST_MIB), "{what}: {peak:?} MiB");
    println!("{what}: {cases} cases, the slowest {slowest:?}, at most {:.0} MiB", peak.unwrap_or(f64::NAN));
}

/// A folder for the one file that each case is written to.
fn scratch(name: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    (folder, path)
}

#[test]
fn wounded_states() {
    for (format, mut host) in bundle::hosts() {
        host.activate(48_000.0, 64, false);
        let fresh = host.save();
        for (name, value) in [("Energy", 0.3), ("Style", 0.4), ("Seed", 0.9), ("Send", 1.0)] {
            host.set(name, value);
        }
        Run::new(&mut *host).block(&vec![vec![0.0; 64]; 2], &At::STOPPED);
        let seeds = [fresh, host.save()];
        let mut number = 0;
        many(&format!("{format} states"), &seeds, |bytes| {
            let _ = host.load(bytes);
            number += 1;
            if number % 64 == 0 {
                Run::new(&mut *host).block(&vec![vec![0.1; 64]; 2], &At::STOPPED);
            }
        });
        assert!(host.load(&seeds[1]), "{format}: a good state is taken after all that");
        Run::new(&mut *host).block(&vec![vec![0.0; 64]; 2], &At::STOPPED);
        assert!((host.get("Energy") - 0.3).abs() < 0.01);
    }
}

#[test]
fn wounded_presets() {
    let params = BacklineParams::default();
    let factory = Library::in_folder(None);
    let seeds: Vec<Vec<u8>> =
        factory.presets.iter().map(|(preset, _)| serde_json::to_vec_pretty(preset).unwrap()).collect();
    let (folder, path) = scratch("wounded.json");
    many("presets", &seeds, |bytes| {
        std::fs::write(&path, bytes).unwrap();
        let library = Library::in_folder(Some(folder.path().to_owned()));
        // One that is called like the factory's stands for it.
        match library.presets.iter().find(|(_, factory)| !factory) {
            Some((preset, _)) => {
                assert!(preset.values(&params).iter().all(|(_, value)| (0.0..=1.0).contains(value)));
            }
            None => assert_eq!(library.notices.len(), 1),
        }
    });
}

#[test]
fn wounded_midi() {
    let song = song::demo(48_000);
    let plans = song.plans((14.0 * song.rate) as usize, &Controls::default());
    let bars = plans.last().unwrap().1.bars.clone();
    let tempo = TempoMap::new(vec![(0.0, 0.0), (64.0, 32.0)]);
    let parts = backline_music::Part::ALL;
    let whole =
        MidiSong::from_plan("song", &bars, &tempo, None, &parts, backline_files::midi::default_program);
    let seeds = [whole.to_bytes(), b"MThd\0\0\0\x06\0\0\0\x01\x01\xE0MTrk\0\0\0\x04\0\xFF\x2F\0".to_vec()];
    many("MIDI", &seeds, |bytes| {
        if let Ok(song) = MidiSong::parse(bytes) {
            let _ = song.to_bytes();
        }
    });
}

#[test]
fn wounded_wav() {
    let (_folder, path) = scratch("wounded.wav");
    let ramp: Vec<f32> = (0..400u16).map(|i| f32::from(i) / 400.0 - 0.5).collect();
    let mut seeds = Vec::new();
    for depth in [Depth::Bits16, Depth::Float32] {
        for channels in [&[&ramp[..]][..], &[&ramp[..], &ramp[..]][..]] {
            write_wav(&path, 8_000, depth, channels).unwrap();
            seeds.push(std::fs::read(&path).unwrap());
        }
    }
    many("WAV", &seeds, |bytes| {
        // Headers, most of the time.
        std::fs::write(&path, bytes).unwrap();
        match read_audio(&path) {
            Ok(audio) => assert!(audio.left.iter().chain(audio.right()).all(|s| s.is_finite())),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    });
}

#[test]
fn wounded_nets() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/nets/tests/tiny");
    let onnx = std::fs::read(folder.join("net.onnx")).unwrap();
    let card: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("net.json")).unwrap()).unwrap();
    many("ONNX", &[onnx], |bytes| {
        // The checksum would refuse them all: it is made to fit.
        let mut card = card.clone();
        let digest: String = Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
        card["sha256"] = digest.into();
        if let Err(error) = Model::from_bytes("t", card.to_string().as_bytes(), bytes) {
            assert!(!error.to_string().is_empty());
        }
    });
}
