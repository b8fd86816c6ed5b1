//! Recordings of every kind are read, and nothing that calls itself a recording does harm.

use std::f64::consts::TAU;
use std::fs;
use std::path::{Path, PathBuf};

use backline_files::audio::read_audio_up_to;
use backline_files::wav::{Depth, write_wav};
use backline_files::{Audio, FileError, MidiSong, read_audio};
use proptest::prelude::*;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Amplitude of a sine of `hz` in `samples`.
fn amplitude(samples: &[f32], hz: f64, sample_rate: u32) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (i, s) in samples.iter().enumerate() {
        let angle = TAU * hz * i as f64 / f64::from(sample_rate);
        re += f64::from(*s) * angle.cos();
        im += f64::from(*s) * angle.sin();
    }
    2.0 * (re * re + im * im).sqrt() / samples.len() as f64
}

/// A WAV file by hand, so that its header can lie.
fn wav_bytes(format: u16, channels: u16, rate: u32, bits: u16, data: &[u8], promised: u32) -> Vec<u8> {
    let mut b = Vec::new();
    b.extend(b"RIFF");
    b.extend((36 + promised).to_le_bytes());
    b.extend(b"WAVEfmt ");
    b.extend(16u32.to_le_bytes());
    b.extend(format.to_le_bytes());
    b.extend(channels.to_le_bytes());
    b.extend(rate.to_le_bytes());
    b.extend((rate * u32::from(channels) * u32::from(bits) / 8).to_le_bytes());
    b.extend((channels * bits / 8).to_le_bytes());
    b.extend(bits.to_le_bytes());
    b.extend(b"data");
    b.extend(promised.to_le_bytes());
    b.extend(data);
    b
}

fn read_bytes(name: &str, bytes: &[u8]) -> Result<Audio, FileError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    fs::write(&path, bytes).unwrap();
    read_audio(&path)
}

#[test]
fn every_format_gives_the_tone_that_went_in() {
    for (name, rate, seconds, stereo) in [
        ("tone_440.aiff", 11_025, 0.2, false),
        ("tone_440_660.flac", 22_050, 0.5, true),
        ("tone_440_24bit.flac", 44_100, 0.2, false),
        ("tone_440.mp3", 44_100, 0.5, false),
        ("tone_440.ogg", 22_050, 0.5, false),
    ] {
        let audio = read_audio(&fixture(name)).unwrap();
        assert_eq!(audio.sample_rate, rate, "{name}");
        assert!((audio.seconds() - seconds).abs() < 0.001, "{name}: {} s", audio.seconds());
        assert_eq!(audio.right.is_some(), stereo, "{name}");
        assert_eq!(audio.notices, Vec::<String>::new(), "{name}");
        // Away from the ends, where coders fade.
        let inner = |c: &[f32]| c[c.len() / 4..c.len() * 3 / 4].to_vec();
        let level = amplitude(&inner(&audio.left), 440.0, rate);
        assert!((level - 0.5).abs() < 0.03, "{name}: {level}");
        if stereo {
            let right = inner(audio.right());
            assert!((amplitude(&right, 660.0, rate) - 0.5).abs() < 0.03, "{name}");
            assert!(amplitude(&right, 440.0, rate) < 0.03, "{name}");
            let mono = inner(&audio.mono());
            assert!((amplitude(&mono, 440.0, rate) - 0.25).abs() < 0.03, "{name}");
            assert!((amplitude(&mono, 660.0, rate) - 0.25).abs() < 0.03, "{name}");
        }
    }
}

#[test]
fn the_name_does_not_matter() {
    let flac = fs::read(fixture("tone_440_660.flac")).unwrap();
    assert_eq!(read_bytes("song.wav", &flac).unwrap().frames(), 11_025);
    assert_eq!(read_bytes("song", &flac).unwrap().frames(), 11_025);
}

#[test]
fn all_depths_and_rates_of_wav() {
    let tone = |i: usize| 0.5 * (TAU * 440.0 * i as f64 / 8_000.0).sin();
    let eight: Vec<u8> = (0..4_000).map(|i| (128.0 + 127.0 * tone(i)).round() as u8).collect();
    let audio = read_bytes("8.wav", &wav_bytes(1, 1, 8_000, 8, &eight, 4_000)).unwrap();
    assert_eq!((audio.sample_rate, audio.frames(), audio.channels), (8_000, 4_000, 1));
    assert!((amplitude(&audio.left, 440.0, 8_000) - 0.5).abs() < 0.01);

    let thirty_two: Vec<u8> =
        (0..4_000).flat_map(|i| ((tone(i) * 2_147_483_647.0) as i32).to_le_bytes()).collect();
    let audio = read_bytes("32.wav", &wav_bytes(1, 1, 8_000, 32, &thirty_two, 16_000)).unwrap();
    assert!((amplitude(&audio.left, 440.0, 8_000) - 0.5).abs() < 0.001);

    let double: Vec<u8> = (0..4_000).flat_map(|i| tone(i).to_le_bytes()).collect();
    let audio = read_bytes("64.wav", &wav_bytes(3, 1, 192_000, 64, &double, 32_000)).unwrap();
    assert_eq!((audio.sample_rate, audio.frames()), (192_000, 4_000));
}

#[test]
fn more_than_two_channels_are_mixed_and_said() {
    let frames: Vec<u8> = (0..2_000)
        .flat_map(|_| [0.1f32, 0.2, 0.4, 0.0, 0.0, 0.4].into_iter().flat_map(f32::to_le_bytes))
        .collect();
    let length = frames.len() as u32;
    let audio = read_bytes("surround.wav", &wav_bytes(3, 6, 48_000, 32, &frames, length)).unwrap();
    assert_eq!((audio.channels, audio.frames()), (6, 2_000));
    assert!((audio.left[7] - 0.15).abs() < 1e-6 && (audio.right()[7] - 0.2).abs() < 1e-6);
    assert!(audio.notices[0].contains("6 channels"), "{:?}", audio.notices);
}

#[test]
fn a_file_that_breaks_off_is_read_as_far_as_it_goes() {
    let data: Vec<u8> = (0..44_100).flat_map(|i: i32| ((i % 100 * 300) as i16).to_le_bytes()).collect();
    let whole = wav_bytes(1, 1, 44_100, 16, &data, data.len() as u32);
    let audio = read_bytes("broken.wav", &whole[..whole.len() / 2]).unwrap();
    assert!((audio.seconds() - 0.5).abs() < 0.05, "{}", audio.seconds());
    assert!(audio.notices[0].contains("breaks off"), "{:?}", audio.notices);

    for name in ["tone_440_660.flac", "tone_440.mp3", "tone_440.ogg", "tone_440.aiff"] {
        let bytes = fs::read(fixture(name)).unwrap();
        match read_bytes(name, &bytes[..bytes.len() * 2 / 3]) {
            Ok(audio) => assert!(audio.frames() > 0 && audio.seconds() < 0.55, "{name}"),
            Err(error) => assert!(error.to_string().contains("Export"), "{name}: {error}"),
        }
    }
}

/// A WAV file whose sizes of the whole and of the samples are as given; `before` stands before the samples.
fn sized_wav(name: &[u8; 4], riff: u32, before: &[u8], data: u32, samples: &[u8]) -> Vec<u8> {
    let plain = wav_bytes(1, 1, 8_000, 16, &[], 0);
    let mut b = name.to_vec();
    b.extend(riff.to_le_bytes());
    b.extend(b"WAVE");
    b.extend(before);
    b.extend(&plain[12..36]);
    b.extend(b"data");
    b.extend(data.to_le_bytes());
    b.extend(samples);
    b
}

/// The chunk of RF64 that holds the sizes.
fn ds64(riff: u64, data: u64) -> Vec<u8> {
    let mut b = b"ds64".to_vec();
    b.extend(28u32.to_le_bytes());
    for size in [riff, data, data / 2] {
        b.extend(size.to_le_bytes());
    }
    b.extend(0u32.to_le_bytes());
    b
}

/// Takes of which the recorder never wrote the length.
#[test]
fn takes_that_were_never_finished_are_read_to_their_end() {
    let samples: Vec<u8> = (0..4_001i16).flat_map(i16::to_le_bytes).collect();
    for (riff, data) in [
        (0, 0),
        (36, 0),
        (0, u32::MAX),
        (u32::MAX, u32::MAX),
        (u32::MAX, 0),
        (36, 1_000_000),
        (u32::MAX, u32::MAX - 36),
    ] {
        let audio = read_bytes("take.wav", &sized_wav(b"RIFF", riff, &[], data, &samples)).unwrap();
        assert_eq!(audio.frames(), 4_001, "{riff} {data}");
        assert!((audio.left[4_000] - 4_000.0 / 32_768.0).abs() < 1e-6, "{riff} {data}");
        assert!(audio.notices[0].contains("how long"), "{riff} {data}: {:?}", audio.notices);
        assert_eq!(audio.notices.len(), 1, "{riff} {data}: {:?}", audio.notices);
    }
    // Where only the size of the whole is wrong, nothing is missing.
    let audio = read_bytes("take.wav", &sized_wav(b"RIFF", 0, &[], 8_002, &samples)).unwrap();
    assert_eq!((audio.frames(), audio.notices), (4_001, Vec::new()));
    // A file that truly has no sound, and a chunk after it.
    let mut empty = sized_wav(b"RIFF", 36 + 12, &[], 0, b"LIST");
    empty.extend([4, 0, 0, 0]);
    empty.extend(b"INFO");
    assert!(matches!(read_bytes("empty.wav", &empty), Err(FileError::NoSound(_))));
}

/// What field recorders write, so that a take may be longer than 4 GB.
#[test]
fn rf64_and_bw64_are_read() {
    let samples: Vec<u8> = (0..4_001i16).flat_map(i16::to_le_bytes).collect();
    for name in [b"RF64", b"BW64"] {
        let sizes = ds64(72 + 8_002, 8_002);
        let mut bytes = sized_wav(name, u32::MAX, &sizes, u32::MAX, &samples);
        // What stands after the samples is none of them.
        bytes.extend(b"iXML\x04\0\0\0<a/>");
        let audio = read_bytes("take.wav", &bytes).unwrap();
        assert_eq!((audio.frames(), audio.notices.as_slice()), (4_001, &[][..]));
        assert!((audio.left[4_000] - 4_000.0 / 32_768.0).abs() < 1e-6);

        let never = sized_wav(name, u32::MAX, &ds64(0, 0), u32::MAX, &samples);
        let audio = read_bytes("take.wav", &never).unwrap();
        assert_eq!(audio.frames(), 4_001);
        assert!(audio.notices[0].contains("how long"), "{:?}", audio.notices);
    }
    // Five gigabytes, of which the disk holds the beginning only.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("long.wav");
    let long = 5u64 << 30;
    fs::write(&path, sized_wav(b"RF64", u32::MAX, &ds64(72 + long, long), u32::MAX, &samples)).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_len(80 + long).unwrap();
    let audio = read_audio_up_to(&path, 20_000).unwrap();
    assert_eq!(audio.frames(), 20_000);
    assert!(audio.left[4_000] > 0.1 && audio.notices[0].contains("longer than fits"), "{:?}", audio.notices);
    assert_eq!(audio.notices.len(), 1);
}

#[test]
fn wild_samples_become_silence() {
    let mut samples = vec![0.25f32; 3_000];
    samples[10] = f32::NAN;
    samples[20] = f32::INFINITY;
    samples[30] = f32::NEG_INFINITY;
    samples[40] = 1e30;
    let bytes: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
    let audio = read_bytes("nan.wav", &wav_bytes(3, 1, 44_100, 32, &bytes, bytes.len() as u32)).unwrap();
    assert!(audio.left.iter().all(|s| s.is_finite() && s.abs() <= 1.0));
    assert!(audio.notices.iter().any(|n| n.contains("NaN")), "{:?}", audio.notices);
    assert_eq!(audio.left[11], 0.25);
}

#[test]
fn errors_say_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let missing = read_audio(&dir.path().join("nothing.wav")).unwrap_err();
    assert!(matches!(missing, FileError::Missing(_)) && missing.to_string().contains("Check the name"));
    assert!(matches!(read_audio(dir.path()), Err(FileError::NotAFile(_))));
    assert!(matches!(read_bytes("empty.wav", b""), Err(FileError::Empty(_))));
    let text = b"Dear diary, today we recorded the second verse.\n".repeat(40);
    for name in ["text.wav", "text.mp3", "text.flac", "text"] {
        let error = read_bytes(name, &text).unwrap_err();
        assert!(matches!(error, FileError::NotAudio(_)), "{name}: {error}");
    }
    let no_sound = read_bytes("zero.wav", &wav_bytes(1, 1, 44_100, 16, b"", 0)).unwrap_err();
    assert!(matches!(no_sound, FileError::NoSound(_)), "{no_sound}");
    // A coding that nobody has registered.
    let odd = read_bytes("odd.wav", &wav_bytes(0x0161, 1, 44_100, 16, &[0; 4_000], 4_000)).unwrap_err();
    assert!(matches!(odd, FileError::Unsupported { .. }), "{odd}");
}

#[test]
fn absurd_lengths_are_cut() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("long.wav");
    write_wav(&path, 8_000, Depth::Bits16, &[&[0.1; 50_000], &[0.2; 50_000]]).unwrap();
    let audio = read_audio_up_to(&path, 20_000).unwrap();
    assert_eq!(audio.frames(), 10_000);
    assert_eq!(audio.right().len(), 10_000);
    assert!(audio.notices[0].contains("longer than fits"), "{:?}", audio.notices);

    // A header that promises four gigabytes over a second of sound.
    let data = [0u8; 16_000];
    let audio = read_bytes("liar.wav", &wav_bytes(1, 1, 8_000, 16, &data, u32::MAX - 36)).unwrap();
    assert!(audio.frames() <= 8_000);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn random_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..6_000)) {
        for name in ["noise.wav", "noise.flac", "noise.mp3", "noise.ogg", "noise.aiff"] {
            if let Ok(audio) = read_bytes(name, &bytes) {
                prop_assert!(audio.left.iter().all(|s| s.is_finite()));
            }
        }
        let _ = MidiSong::parse(&bytes);
    }

    #[test]
    fn damaged_recordings_do_no_harm(
        which in 0usize..6,
        damage in proptest::collection::vec((any::<u16>(), any::<u8>()), 1..30),
        cut in 0.1f64..1.0,
    ) {
        let names =
            ["tone_440.aiff", "tone_440_660.flac", "tone_440.mp3", "tone_440.ogg", "tone_440_24bit.flac"];
        let mut bytes = match names.get(which) {
            Some(name) => fs::read(fixture(name)).unwrap(),
            None => wav_bytes(1, 2, 44_100, 16, &[77; 8_000], 8_000),
        };
        bytes.truncate((bytes.len() as f64 * cut) as usize);
        for (at, byte) in damage {
            let at = usize::from(at) % bytes.len();
            bytes[at] = byte;
        }
        match read_bytes(names.get(which).copied().unwrap_or("damaged.wav"), &bytes) {
            Ok(audio) => {
                prop_assert!(audio.frames() > 0 && audio.sample_rate > 0);
                prop_assert!(audio.left.iter().chain(audio.right()).all(|s| s.is_finite()));
                prop_assert_eq!(audio.left.len(), audio.right().len());
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn midi_headers_with_random_tracks_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut file = b"MThd\0\0\0\x06\0\x01\0\x01\x01\xe0MTrk".to_vec();
        file.extend((bytes.len() as u32).to_be_bytes());
        file.extend(&bytes);
        if let Ok(song) = MidiSong::parse(&file) {
            // What can be read can be written.
            prop_assert!(!song.to_bytes().is_empty());
        }
    }
}
