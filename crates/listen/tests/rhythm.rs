//! Tempo, beats, bars and the host's clock, heard in audio with known truth.

#[path = "common/sound.rs"]
mod sound;

use backline_listen::{Listener, Models, listen_offline};
use backline_music::{Heard, Metre, Transport};
use sound::{Noise, RATE, Stroke, rock, strike};

fn hear(audio: &[f32], rate: f64) -> Heard {
    let mut listener = Listener::new(rate).unwrap();
    listener.feed(audio, None);
    listener.finish();
    while listener.step() {}
    listener.heard().clone()
}

/// Share of the beats after `from_s` that lie within 40 ms of a true beat, and the other way round.
fn agreement(heard: &Heard, bpm: f64, start_s: f64, from_s: f64) -> (f64, f64) {
    let beat_s = 60.0 / bpm;
    let told: Vec<f64> = heard.beats.iter().map(|b| b.time_s).filter(|t| *t > from_s).collect();
    let near = |t: f64| {
        let place = (t - start_s) / beat_s;
        (place - place.round()).abs() * beat_s < 0.04
    };
    let precision = told.iter().filter(|t| near(**t)).count() as f64 / told.len().max(1) as f64;
    let expected = (heard.time_s - from_s - 0.2) / beat_s;
    (precision, told.len() as f64 / expected)
}

#[test]
fn a_drum_groove_gives_its_tempo_beats_and_bars() {
    for bpm in [80.0, 104.0, 133.0] {
        let (audio, _) = rock(bpm).render(RATE, 0.37, 14.0);
        let heard = hear(&audio, RATE);
        let tempo = heard.tempo_bpm.expect("a tempo").value;
        assert!((tempo / bpm - 1.0).abs() < 0.01, "{bpm}: {tempo}");
        let (precision, recall) = agreement(&heard, bpm, 0.37, 6.0);
        assert!(precision > 0.95 && (0.9..1.1).contains(&recall), "{bpm}: {precision} {recall}");
        assert_eq!(heard.metre.unwrap().value, Metre::FOUR_FOUR);
        let next = heard.next_beat.expect("a next beat");
        assert!(next.time_s > heard.time_s - 0.01 && next.time_s < heard.time_s + 1.0);
        for pair in heard.beats.windows(2) {
            assert!(pair[1].time_s > pair[0].time_s);
            assert!(pair[1].bar >= pair[0].bar);
        }
    }
}

#[test]
fn hindsight_finds_the_beats_from_the_start() {
    let (audio, _) = rock(112.0).render(RATE, 0.5, 16.0);
    let mut shares = Vec::new();
    let heard = listen_offline(&audio, RATE, Models::built_in(), &mut |share| shares.push(share)).unwrap();
    let (precision, recall) = agreement(&heard, 112.0, 0.5, 0.0);
    assert!(precision > 0.95 && (0.9..1.1).contains(&recall), "{precision} {recall}");
    assert!((heard.tempo_bpm.unwrap().value / 112.0 - 1.0).abs() < 0.01);
    assert!(shares.windows(2).all(|w| w[1] >= w[0]) && shares.last() == Some(&1.0));
}

#[test]
fn a_tempo_that_changes_at_once_is_followed_before_and_after() {
    for (before, after) in [(100.0, 130.0), (120.0, 96.0), (100.0, 110.0)] {
        // Eight bars of each.
        let change_s = 32.0 * 60.0 / before;
        let (mut audio, _) = rock(before).render(RATE, 0.0, change_s);
        audio.extend(rock(after).render(RATE, 0.0, 32.0 * 60.0 / after).0);
        let heard = listen_offline(&audio, RATE, Models::built_in(), &mut |_| {}).unwrap();
        let near = |from_s: f64, bpm: f64, start_s: f64, seconds: f64| {
            let truth = (0..32).map(|i| start_s + f64::from(i) * 60.0 / bpm);
            let asked: Vec<f64> = truth.filter(|t| (from_s..from_s + seconds).contains(t)).collect();
            let told =
                asked.iter().filter(|t| heard.beats.iter().any(|b| (b.time_s - **t).abs() < 0.07)).count();
            told as f64 / asked.len() as f64
        };
        // But for the bar of the change.
        let (first, second) =
            (near(0.0, before, 0.0, change_s - 2.0), near(change_s + 2.0, after, change_s, 60.0));
        assert!(first > 0.9 && second > 0.9, "{before} to {after}: {first} {second}");
        let tempo = heard.tempo_bpm.unwrap().value;
        assert!([before, after].iter().any(|bpm| (tempo / bpm - 1.0).abs() < 0.01), "{tempo}");
    }
}

#[test]
fn drums_alone_have_no_key() {
    let hear = |mono: &[f32]| listen_offline(mono, RATE, Models::built_in(), &mut |_| {}).unwrap();
    let drums = hear(&rock(104.0).render(RATE, 0.3, 24.0).0);
    assert!(drums.tempo_bpm.is_some() && drums.chords.iter().all(|c| c.chord.is_none()));
    assert!(drums.key.is_none() && drums.keys.is_empty(), "{:?}", drums.key);
    let song = hear(&backline_synth::demo::demo_song().mono()[..24 * 44_100]);
    assert!(song.key.is_some() && !song.keys.is_empty());
}

#[test]
fn clicks_are_followed_at_any_tempo_up_to_an_octave() {
    for bpm in [40.0, 60.0, 90.0, 130.0, 180.0, 240.0] {
        let mut audio = vec![0.0; (RATE * 16.0) as usize];
        for i in 0..(15.5 * bpm / 60.0) as usize {
            let gain = if i % 4 == 0 { 0.7 } else { 0.4 };
            strike(&mut audio, RATE, Stroke::Hat, 0.2 + i as f64 * 60.0 / bpm, gain);
        }
        let heard = hear(&audio, RATE);
        let tempo = heard.tempo_bpm.unwrap_or_else(|| panic!("no tempo at {bpm}")).value;
        let octave =
            [0.25, 1.0 / 3.0, 0.5, 1.0, 2.0, 3.0, 4.0].iter().any(|k| (tempo / (bpm * k) - 1.0).abs() < 0.02);
        assert!(octave, "{bpm}: {tempo}");
    }
}

#[test]
fn a_rising_tempo_is_followed() {
    let mut audio = vec![0.0; (RATE * 30.0) as usize];
    let (mut t, mut i, mut truth) = (0.3, 0, Vec::new());
    while t < 29.5 {
        let bpm = 100.0 + t;
        truth.push(t);
        strike(&mut audio, RATE, if i % 2 == 0 { Stroke::Kick } else { Stroke::Snare }, t, 0.6);
        strike(&mut audio, RATE, Stroke::Hat, t, 0.2);
        strike(&mut audio, RATE, Stroke::Hat, t + 30.0 / bpm, 0.2);
        t += 60.0 / bpm;
        i += 1;
    }
    let heard = hear(&audio, RATE);
    let told: Vec<f64> = heard.beats.iter().map(|b| b.time_s).filter(|t| *t > 8.0).collect();
    let right = told.iter().filter(|b| truth.iter().any(|t| (*b - t).abs() < 0.05)).count();
    assert!(told.len() > 35 && right * 10 > told.len() * 9, "{right} of {}", told.len());
    assert!((heard.tempo_bpm.unwrap().value / 127.0 - 1.0).abs() < 0.04, "{:?}", heard.tempo_bpm);
}

#[test]
fn silence_and_noise_have_no_beat() {
    assert!(hear(&vec![0.0; (RATE * 8.0) as usize], RATE).beats.is_empty());
    let mut noise = Noise(7);
    let audio: Vec<f32> = (0..(RATE * 30.0) as usize).map(|_| 0.1 * noise.next()).collect();
    let heard = hear(&audio, RATE);
    assert!(heard.beats.len() < 6, "{} beats in noise", heard.beats.len());
    assert!(listen_offline(&[], RATE, Models::built_in(), &mut |_| ()).unwrap().beats.is_empty());
}

#[test]
fn beats_stop_when_the_music_does() {
    let (mut audio, _) = rock(120.0).render(RATE, 0.2, 12.0);
    audio.resize((RATE * 24.0) as usize, 0.0);
    let heard = hear(&audio, RATE);
    assert!(heard.beats.len() > 12);
    assert!(heard.beats.last().unwrap().time_s < 17.5, "{:?}", heard.beats.last());
    assert!(heard.next_beat.is_none() && heard.tempo_bpm.is_none());
}

#[test]
fn every_sample_rate_hears_the_same() {
    for rate in [8_000.0, 22_050.0, 48_000.0, 192_000.0] {
        let (audio, _) = rock(118.0).render(rate, 0.4, 9.0);
        let heard = hear(&audio, rate);
        let tempo = heard.tempo_bpm.unwrap_or_else(|| panic!("no tempo at {rate} Hz")).value;
        assert!((tempo / 118.0 - 1.0).abs() < 0.015, "{rate}: {tempo}");
        let (precision, _) = agreement(&heard, 118.0, 0.4, 5.0);
        assert!(precision > 0.95, "{rate}: {precision}");
    }
    assert!(Listener::new(f64::NAN).is_err());
    assert!(Listener::new(1_000.0).is_err());
}

fn transport(pos_beats: f64, bpm: f64) -> Transport {
    Transport {
        playing: true,
        pos_beats,
        tempo_bpm: bpm,
        metre: Metre::FOUR_FOUR,
        bar_start_beats: (pos_beats / 4.0).floor() * 4.0,
        loop_beats: None,
    }
}

#[test]
fn a_playing_host_gives_the_beat_even_in_silence_and_through_a_loop_jump() {
    let mut listener = Listener::new(48_000.0).unwrap();
    // 120 BPM; bars 1–2 (beats 0–8) looped: 4 s each.
    let block = 480;
    let mut pos = 2.0;
    for _ in 0..1_000 {
        listener.feed(&vec![0.0; block], Some(&transport(pos, 120.0)));
        while listener.step() {}
        pos += block as f64 / 48_000.0 * 2.0;
        if pos >= 8.0 - 1e-9 {
            pos -= 8.0;
        }
    }
    let heard = listener.heard();
    assert_eq!(heard.tempo_bpm.unwrap().value, 120.0);
    // Stream second 0 is beat 2 of the host: beats every half second, the third beat of the bar first.
    assert!(heard.beats.len() >= 19, "{}", heard.beats.len());
    for (i, beat) in heard.beats.iter().enumerate() {
        assert!((beat.time_s - i as f64 * 0.5).abs() < 0.002, "{beat:?}");
        assert_eq!(usize::from(beat.beat), (i + 2) % 4 + 1);
        assert!(beat.decided_s >= beat.time_s - 0.011);
    }
    assert_eq!(heard.beats[0].bar, 0);
    assert_eq!(heard.beats[2].bar, 1);
    let next = heard.next_beat.unwrap();
    assert!(next.time_s >= heard.time_s - 0.002, "{next:?}");
}

#[test]
fn no_beat_of_a_host_is_lost_while_its_tempo_is_drawn_as_a_ramp() {
    for block in [64, 480, 512, 2_048] {
        let mut listener = Listener::new(48_000.0).unwrap();
        let (mut pos, mut time_s, mut beats_s) = (0.0, 0.0, vec![0.0]);
        while pos < 40.0 {
            let bpm = 100.0 + 20.0 * pos / 40.0;
            listener.feed(&vec![0.0; block], Some(&transport(pos, bpm)));
            while listener.step() {}
            let next = pos + block as f64 / 48_000.0 * bpm / 60.0;
            if libm::floor(next) > libm::floor(pos) {
                beats_s.push(time_s + (libm::floor(next) - pos) * 60.0 / bpm);
            }
            (pos, time_s) = (next, time_s + block as f64 / 48_000.0);
        }
        let told = &listener.heard().beats;
        let last_s = listener.heard().time_s;
        let due = beats_s.iter().filter(|t| **t < last_s - 0.02).count();
        assert!(
            (due..=due + 1).contains(&told.len()),
            "blocks of {block}: {} of {due} beats told",
            told.len()
        );
        for (i, (told, beat_s)) in told.iter().zip(&beats_s).enumerate() {
            assert!((told.time_s - beat_s).abs() < 0.005, "blocks of {block}: beat {i} at {} s", told.time_s);
            assert_eq!((usize::from(told.beat), told.bar as usize), (i % 4 + 1, i / 4 + 1));
        }
    }
}

#[test]
fn a_track_that_contradicts_the_host_is_pointed_out() {
    let (audio, _) = rock(100.0).render(RATE, 0.2, 16.0);
    let mut listener = Listener::new(RATE).unwrap();
    for (i, block) in audio.chunks(441).enumerate() {
        listener.feed(block, Some(&transport(i as f64 * 0.01 * 111.0 / 60.0, 111.0)));
        while listener.step() {}
    }
    let heard = listener.heard();
    assert_eq!(heard.tempo_bpm.unwrap().value, 111.0);
    assert!(
        heard.notices.iter().any(|n| n.contains("111.0") && n.contains("beats a minute")),
        "{:?}",
        heard.notices
    );
    assert!(heard.tempo_candidates.iter().any(|(bpm, _)| (bpm / 100.0 - 1.0).abs() < 0.02));
}
