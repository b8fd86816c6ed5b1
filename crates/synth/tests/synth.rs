//! The synthesiser sounds as it should, at every rate, in every block size, without a click.

use std::f64::consts::TAU;

use backline_music::{DrumVoice, Part, PlannedNote, TempoMap};
use backline_synth::{Synth, render};
use proptest::prelude::*;

fn amplitude(samples: &[f32], hz: f64, sample_rate: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (i, s) in samples.iter().enumerate() {
        let angle = TAU * hz * i as f64 / sample_rate;
        // Hann's window, so that near partials do not leak in.
        let window = 1.0 - (TAU * i as f64 / samples.len() as f64).cos();
        re += window * f64::from(*s) * angle.cos();
        im += window * f64::from(*s) * angle.sin();
    }
    2.0 * (re * re + im * im).sqrt() / samples.len() as f64
}

/// As [`amplitude`], of a sound that starts with the first sample and dies away.
fn struck_amplitude(samples: &[f32], hz: f64, sample_rate: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (i, s) in samples.iter().enumerate() {
        let angle = TAU * hz * i as f64 / sample_rate;
        let window = 0.5 + 0.5 * (0.5 * TAU * i as f64 / samples.len() as f64).cos();
        re += window * f64::from(*s) * angle.cos();
        im += window * f64::from(*s) * angle.sin();
    }
    2.0 * (re * re + im * im).sqrt() / samples.len() as f64
}

fn rms(samples: &[f32]) -> f64 {
    (samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / samples.len() as f64).sqrt()
}

/// One note of a second's length, mono, two seconds.
fn note(part: Part, key: u8, velocity: u8, sample_rate: f32) -> Vec<f32> {
    let note = PlannedNote { part, key, velocity, onset_beat: 0.0, length_beats: 1.0 };
    render(&[note], &TempoMap::steady(60.0), sample_rate, sample_rate as usize * 2).mono()
}

#[test]
fn notes_have_the_pitch_of_their_key() {
    for rate in [22_050.0f32, 48_000.0, 96_000.0] {
        for (part, keys) in [(Part::Chords, [48u8, 60, 69, 79]), (Part::Bass, [28, 33, 40, 45])] {
            for key in keys {
                let hz = 440.0 * ((f64::from(key) - 69.0) / 12.0).exp2();
                let sound = note(part, key, 100, rate);
                let middle = &sound[(rate * 0.2) as usize..(rate * 0.9) as usize];
                let at = amplitude(middle, hz, f64::from(rate));
                assert!(at > 0.03, "{part} {key} at {rate}: {at}");
                for cents in [-60.0, 60.0] {
                    let beside = amplitude(middle, hz * f64::exp2(cents / 1200.0), f64::from(rate));
                    // The window cannot tell the lowest notes apart better than this.
                    assert!(beside < at, "{part} {key} at {rate}: {cents} cents");
                }
            }
        }
    }
}

#[test]
fn harder_is_louder_and_brighter() {
    let keys = |velocity| note(Part::Chords, 60, velocity, 48_000.0);
    let (soft, hard) = (keys(40), keys(120));
    assert!(rms(&hard) > 2.0 * rms(&soft));
    let second_partial =
        |s: &[f32]| amplitude(&s[..24_000], 523.25, 48_000.0) / amplitude(&s[..24_000], 261.63, 48_000.0);
    assert!(second_partial(&hard) > 1.5 * second_partial(&soft));
    for voice in DrumVoice::ALL {
        let peak =
            |v| note(Part::Drums, voice.gm_key(), v, 48_000.0).iter().fold(0.0f32, |p, s| p.max(s.abs()));
        let (soft, middle, hard) = (peak(30), peak(75), peak(127));
        assert!(
            soft < middle && middle < hard && hard > 0.15 && hard < 1.0,
            "{voice:?} {soft} {middle} {hard}"
        );
    }
}

#[test]
fn the_drums_lie_where_drums_lie() {
    let share = |voice: DrumVoice, low: f64, high: f64| {
        let sound = note(Part::Drums, voice.gm_key(), 110, 48_000.0);
        let power = |from: f64, to: f64| {
            let steps = 120;
            (0..steps)
                .map(|i| from * (to / from).powf((f64::from(i) + 0.5) / f64::from(steps)))
                .map(|hz| struck_amplitude(&sound[..6_000], hz, 48_000.0).powi(2) * hz)
                .sum::<f64>()
                * (to / from).ln()
                / f64::from(steps)
        };
        power(low, high) / (power(20.0, low) + power(low, high) + power(high, 20_000.0))
    };
    assert!(share(DrumVoice::Kick, 25.0, 200.0) > 0.8, "{}", share(DrumVoice::Kick, 25.0, 200.0));
    let snare = share(DrumVoice::Snare, 150.0, 8_000.0);
    assert!(snare > 0.6, "{snare}");
    for cymbal in [DrumVoice::ClosedHat, DrumVoice::OpenHat] {
        let high = share(cymbal, 5_000.0, 19_000.0);
        assert!(high > 0.7, "{cymbal:?}: {high}");
    }
    for tom in [DrumVoice::LowTom, DrumVoice::MidTom, DrumVoice::HighTom] {
        assert!(share(tom, 60.0, 400.0) > 0.7, "{tom:?}");
    }
    // How long they ring: the hat is short, the crash is long.
    let at = |voice: DrumVoice, ms: usize| {
        let sound = note(Part::Drums, voice.gm_key(), 110, 48_000.0);
        rms(&sound[ms * 48..(ms + 50) * 48])
    };
    assert!(at(DrumVoice::ClosedHat, 200) < 1e-3 * at(DrumVoice::ClosedHat, 0).max(1.0));
    assert!(at(DrumVoice::Crash, 900) > 1e-3, "{}", at(DrumVoice::Crash, 900));
}

/// Power between two frequencies, in Hz, of a sound that starts with the first sample and dies away.
fn band_power(sound: &[f32], from: f64, to: f64, rate: f64) -> f64 {
    let steps = 160;
    (0..steps)
        .map(|i| from * (to / from).powf((f64::from(i) + 0.5) / f64::from(steps)))
        .map(|hz| struck_amplitude(sound, hz, rate).powi(2) * hz)
        .sum::<f64>()
        * (to / from).ln()
        / f64::from(steps)
}

/// When the sound is over but for 26 dB, in ms, by stretches of 5 ms.
fn length_ms(sound: &[f32]) -> usize {
    let levels: Vec<f64> = sound.chunks(240).map(rms).collect();
    let top = levels.iter().copied().fold(0.0, f64::max);
    5 * levels.iter().rposition(|l| *l > 0.05 * top).unwrap_or(0)
}

#[test]
fn side_stick_clap_and_pedal_hat_are_heard_as_such() {
    let dry = |key: u8| {
        let (mut synth, mut l, mut r) = (Synth::new(48_000.0), vec![0.0; 48_000], vec![0.0; 48_000]);
        synth.note_on(Part::Drums, key, 110);
        synth.render_add(&mut l, &mut r);
        l
    };
    let [snare, stick, clap, closed, pedal] = [38, 37, 39, 42, 44].map(dry);
    let share = |sound: &[f32], from: f64, to: f64| {
        let power = |from, to| band_power(&sound[..9_600], from, to, 48_000.0);
        let own = power(from, to);
        own / (power(60.0, from.max(61.0)) + own + power(to.min(19_999.0), 20_000.0))
    };
    for (name, sound) in
        [("snare", &snare), ("stick", &stick), ("clap", &clap), ("closed", &closed), ("pedal", &pedal)]
    {
        let bands =
            [(60.0, 350.0), (350.0, 900.0), (900.0, 2_400.0), (2_400.0, 6_000.0), (6_000.0, 20_000.0)];
        let shares: Vec<f64> = bands.iter().map(|b| (100.0 * share(sound, b.0, b.1)).round()).collect();
        let (level, peak) = (rms(&sound[..4_800]), sound.iter().fold(0.0f32, |p, s| p.max(s.abs())));
        println!("{name}: {shares:?} %, {} ms, {level:.3}, peak {peak:.2}", length_ms(sound));
    }
    // The rim: two short tones. The head of the snare is not in it, and nothing rattles.
    assert!(share(&stick, 350.0, 2_400.0) > 0.8 && share(&snare, 350.0, 2_400.0) < 0.6);
    let after = |sound: &[f32]| rms(&sound[1_920..2_880]) / rms(&sound[..960]);
    assert!(after(&stick) < 0.12 && after(&snare) > 0.25, "{} {}", after(&stick), after(&snare));
    // Hands: noise around 1 kHz that starts three times.
    assert!(share(&clap, 600.0, 3_000.0) > 0.7, "{}", share(&clap, 600.0, 3_000.0));
    let level = |ms: f64| rms(&clap[(ms * 48.0) as usize..((ms + 2.0) * 48.0) as usize]);
    for burst in [10.0, 20.0] {
        assert!(level(burst + 1.0) > 1.3 * level(burst - 2.5), "{burst} ms");
    }
    assert!(level(32.0) < level(21.0) && length_ms(&clap) > 100);
    // The foot: as high as the closed hat, shorter and softer.
    assert!(share(&pedal, 5_000.0, 20_000.0) > 0.7);
    assert!(length_ms(&pedal) < length_ms(&closed) && rms(&pedal[..4_800]) < 0.8 * rms(&closed[..4_800]));
    // They play on the drums of the kit.
    for (then, damped) in [(37, true), (38, true), (39, false)] {
        let mut synth = Synth::new(48_000.0);
        synth.note_on(Part::Drums, 38, 110);
        synth.note_on(Part::Drums, then, 1);
        let (mut l, mut r) = (vec![0.0; 4_800], vec![0.0; 4_800]);
        synth.render_add(&mut l, &mut r);
        assert_eq!(rms(&l[2_400..]) < 0.5 * rms(&snare[2_400..4_800]), damped, "{then} after the snare");
    }
}

#[test]
fn the_kit_sounds_alike_at_every_rate() {
    for (key, from, to) in
        [(38, 1_500.0, 9_000.0), (42, 7_000.0, 16_000.0), (39, 700.0, 2_500.0), (49, 4_000.0, 9_000.0)]
    {
        let level = |rate: f32| {
            // The mean over several strokes, since each has noise of its own.
            let frames = (0.1 * rate) as usize;
            let mut power = 0.0;
            for seed in 0..6 {
                let (mut synth, mut l, mut r) = (Synth::new(rate), vec![0.0; frames], vec![0.0; frames]);
                (0..seed).for_each(|_| synth.note_on(Part::Bass, 0, 0));
                (0..seed).for_each(|_| synth.note_on(Part::Drums, 0, 1));
                synth.note_on(Part::Drums, key, 100);
                synth.render_add(&mut l, &mut r);
                power += band_power(&l, from, to, f64::from(rate));
            }
            10.0 * power.log10()
        };
        let levels = [48_000.0, 96_000.0, 192_000.0].map(level);
        println!("{key}: {levels:.2?} dB");
        assert!(levels.iter().all(|l| (l - levels[0]).abs() < 1.5), "{key}: {levels:?}");
    }
}

#[test]
fn a_closed_hat_chokes_the_open_one() {
    let hat = |choke: bool| {
        let mut synth = Synth::new(48_000.0);
        let (mut l, mut r) = (vec![0.0; 24_000], vec![0.0; 24_000]);
        synth.note_on(Part::Drums, 46, 110);
        synth.render_add(&mut l[..4_800], &mut r[..4_800]);
        if choke {
            synth.note_on(Part::Drums, 42, 20);
        }
        synth.render_add(&mut l[4_800..], &mut r[4_800..]);
        rms(&r[12_000..16_000])
    };
    assert!(hat(true) < 0.1 * hat(false), "{} {}", hat(true), hat(false));
}

/// A step between two samples that is far larger than the steps around it is a click.
fn worst_step_ratio(sound: &[f32]) -> f32 {
    let steps: Vec<f32> = sound.windows(2).map(|w| (w[1] - w[0]).abs()).collect();
    steps
        .windows(33)
        .map(|w| {
            let around = w[..16].iter().chain(&w[17..]).fold(0.0f32, |p, s| p.max(*s));
            w[16] / (around + 0.004)
        })
        .fold(0.0, f32::max)
}

#[test]
fn nothing_clicks() {
    // Note-offs, repeated keys, the bass going from note to note, everything let go at once.
    let mut synth = Synth::new(48_000.0);
    let mut sound = Vec::new();
    let mut run = |synth: &mut Synth, frames: usize| {
        let (mut l, mut r) = (vec![0.0; frames], vec![0.0; frames]);
        synth.render_add(&mut l, &mut r);
        sound.extend(l);
    };
    for i in 0..24u8 {
        let (chord, bass) = (52 + i % 5, 30 + (i * 7) % 12);
        synth.note_on(Part::Chords, chord, 110);
        synth.note_on(Part::Chords, chord + 4, 90);
        synth.note_on(Part::Bass, bass, 120 - 3 * i);
        run(&mut synth, 3_001);
        synth.note_off(Part::Chords, chord);
        run(&mut synth, 1_777);
        synth.note_off(Part::Bass, bass);
        run(&mut synth, 900);
    }
    synth.all_off();
    run(&mut synth, 60_000);
    let worst = worst_step_ratio(&sound);
    assert!(worst < 3.0, "{worst}");
    assert!(rms(&sound[sound.len() - 4_800..]) < 1e-3);
}

#[test]
fn more_notes_than_voices_do_not_click_or_hang() {
    let mut synth = Synth::new(48_000.0);
    let mut sound = Vec::new();
    for i in 0..200u8 {
        synth.note_on(Part::Chords, 24 + i % 90, 60);
        let (mut l, mut r) = ([0.0; 480], [0.0; 480]);
        synth.render_add(&mut l, &mut r);
        sound.extend(l);
    }
    assert!(sound.iter().all(|s| s.abs() < 1.0));
    assert!(worst_step_ratio(&sound) < 3.0, "{}", worst_step_ratio(&sound));
    synth.all_off();
    let (mut l, mut r) = (vec![0.0; 96_000 * 2], vec![0.0; 96_000 * 2]);
    synth.render_add(&mut l, &mut r);
    assert!(synth.silent(), "something hangs");
}

#[test]
fn every_rate_is_sane() {
    for rate in [0.0, f32::NAN, f32::INFINITY, 8_000.0, 11_025.0, 44_100.0, 88_200.0, 192_000.0] {
        let mut synth = Synth::new(rate);
        for voice in DrumVoice::ALL {
            synth.note_on(Part::Drums, voice.gm_key(), 127);
        }
        for key in 0..=127 {
            synth.note_on(Part::Chords, key, 127);
            synth.note_on(Part::Bass, key, 127);
        }
        synth.note_on(Part::Drums, 255, 255);
        synth.note_on(Part::Chords, 255, 255);
        synth.note_off(Part::Bass, 255);
        let (mut l, mut r) = (vec![0.0; 20_000], vec![0.0; 20_000]);
        synth.render_add(&mut l, &mut r);
        assert!(l.iter().chain(&r).all(|s| s.is_finite() && s.abs() <= 1.0), "{rate}");
        assert!(rms(&l) > 0.01, "{rate}");
    }
}

#[test]
fn a_level_of_nothing_is_silence_and_comes_back() {
    let mut synth = Synth::new(48_000.0);
    synth.set_level(0.0);
    synth.note_on(Part::Chords, 60, 100);
    let (mut l, mut r) = (vec![0.0; 9_600], vec![0.0; 9_600]);
    synth.render_add(&mut l, &mut r);
    assert!(rms(&l[7_200..]) < 1e-6, "{}", rms(&l[7_200..]));
    synth.set_level(1.0);
    l.fill(0.0);
    synth.render_add(&mut l, &mut r);
    assert!(rms(&l[7_200..]) > 0.01);
    assert!(worst_step_ratio(&l) < 3.0);
    synth.set_level(f32::NAN);
    synth.render_add(&mut l, &mut r);
    assert!(l.iter().all(|s| s.is_finite()));
}

#[test]
fn after_reset_it_is_as_new() {
    let play = |synth: &mut Synth| {
        synth.note_on(Part::Drums, 38, 100);
        synth.note_on(Part::Bass, 33, 100);
        let (mut l, mut r) = (vec![0.0; 4_800], vec![0.0; 4_800]);
        synth.render_add(&mut l, &mut r);
        (l, r)
    };
    let mut synth = Synth::new(44_100.0);
    let first = play(&mut synth);
    synth.reset();
    assert!(synth.silent());
    assert_eq!(play(&mut synth), first);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    /// The samples do not depend on how the time is cut into blocks.
    #[test]
    fn any_block_size_gives_the_same(
        events in proptest::collection::vec((0usize..6_000, 0u8..3, 20u8..100, 0u8..128), 1..40),
        cuts in proptest::collection::vec(1usize..700, 1..60),
    ) {
        let mut events = events;
        events.sort_unstable();
        let play = |cuts: &[usize]| {
            let mut synth = Synth::new(48_000.0);
            let (mut l, mut r) = (vec![0.0f32; 8_000], vec![0.0f32; 8_000]);
            let (mut at, mut next, mut cut) = (0, 0, 0);
            while at < l.len() {
                while next < events.len() && events[next].0 == at {
                    let (_, part, key, velocity) = events[next];
                    synth.note_on(Part::ALL[usize::from(part)], key, velocity);
                    next += 1;
                }
                let event = events.get(next).map_or(l.len(), |e| e.0);
                let size = cuts.get(cut).copied().unwrap_or(usize::MAX);
                cut = if cuts.is_empty() { 0 } else { (cut + 1) % cuts.len() };
                let end = at.saturating_add(size).min(event).min(l.len());
                synth.render_add(&mut l[at..end], &mut r[at..end]);
                at = end;
            }
            (l, r)
        };
        let (whole, parts) = (play(&[]), play(&cuts));
        prop_assert!(whole.0.iter().zip(&parts.0).all(|(a, b)| a.to_bits() == b.to_bits()));
        prop_assert!(whole.1.iter().zip(&parts.1).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}
