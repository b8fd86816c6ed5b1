//! Rendered chords and cadences, streams cut in any way, and sounds that are no music.

use backline_music::{Chord, Mode, PitchClass, Quality};

use super::*;

/// A struck tone of eight harmonics: falling towards the treble and dying away.
fn tone(out: &mut [f32], key: f64, level: f64) {
    let hz = 440.0 * libm::exp2((key - 69.0) / 12.0);
    for partial in 1..=8 {
        let step = core::f64::consts::TAU * hz * f64::from(partial) / RATE_HZ;
        let gain = level * libm::pow(0.6, f64::from(partial - 1));
        // A decaying sine by recurrence: the tests render minutes of sound.
        let keep = libm::exp(-1.2 / RATE_HZ);
        let turn = 2.0 * keep * libm::cos(step);
        let (mut now, mut before) = (0.0, -gain * libm::sin(step) / keep);
        for o in out.iter_mut() {
            *o += now as f32;
            (now, before) = (turn * now - keep * keep * before, now);
        }
    }
}

/// A chord in the middle of the keyboard over a bass note, `tuning` semitones sharp.
fn strike(chord: Chord, seconds: f64, tuning: f64) -> Vec<f32> {
    let mut out = vec![0.0; (seconds * RATE_HZ) as usize];
    tone(&mut out, 36.0 + f64::from(chord.bass.index()) + tuning, 0.12);
    for pc in chord.tones() {
        tone(&mut out, 60.0 + f64::from((pc.index() + 7) % 12) - 7.0 + tuning, 0.08);
    }
    out
}

fn hear(audio: &[f32]) -> Harmony {
    let mut harmony = Harmony::new(Models::built_in());
    harmony.push(audio);
    harmony
}

fn at(spans: &[ChordSpan], time_s: f64) -> Option<Chord> {
    spans.iter().find(|s| s.start_s <= time_s && time_s < s.end_s).and_then(|s| s.chord)
}

/// Chords of two seconds each, one after another.
fn progression(chords: &[Chord], tuning: f64) -> Vec<f32> {
    chords.iter().flat_map(|&c| strike(c, 2.0, tuning)).collect()
}

#[test]
fn triads_are_heard_on_every_root() {
    for (quality, at_least) in [(Quality::Maj, 11), (Quality::Min, 10)] {
        let chords: Vec<_> = (0..12).map(|i| Chord::new(PitchClass::new(i * 5), quality)).collect();
        let harmony = hear(&progression(&chords, 0.0));
        let right = chords
            .iter()
            .enumerate()
            .filter(|(i, c)| at(harmony.chords(), 2.0 * *i as f64 + 1.3) == Some(**c));
        let right = right.count();
        assert!(right >= at_least, "{quality:?}: {right} of 12\n{:#?}", labels(harmony.chords()));
    }
}

fn labels(spans: &[ChordSpan]) -> Vec<String> {
    spans
        .iter()
        .map(|s| {
            format!("{:.2} {:.2} {} {:.2}", s.start_s, s.end_s, backline_music::chord::label(s.chord), s.prob)
        })
        .collect()
}

#[test]
fn any_division_of_the_stream_gives_the_same() {
    let chords = ["C:maj", "A:min7", "F:maj7/3", "G:7"].map(|c| c.parse().unwrap());
    let audio = progression(&chords, 0.1);
    let whole = hear(&audio);
    for size in [1_000, 441, 16_384, 7] {
        let mut pieces = Harmony::new(Models::built_in());
        for piece in audio.chunks(size) {
            pieces.push(piece);
        }
        assert_eq!(whole.frames(), pieces.frames());
        assert_eq!(whole.chords(), pieces.chords());
        assert_eq!(whole.keys(), pieces.keys());
        assert_eq!(whole.key(), pieces.key());
    }
}

#[test]
fn cadences_tell_their_key() {
    for key in Key::all() {
        let degree = |up: i32, quality| Chord::new(key.tonic.up(up), quality);
        let one = match key.mode {
            Mode::Major => [
                degree(0, Quality::Maj),
                degree(5, Quality::Maj),
                degree(7, Quality::Maj),
                degree(0, Quality::Maj),
            ],
            Mode::Minor => [
                degree(0, Quality::Min),
                degree(5, Quality::Min),
                degree(7, Quality::Maj),
                degree(0, Quality::Min),
            ],
        };
        let audio: Vec<f32> = one.iter().flat_map(|&c| strike(c, 1.5, 0.0)).collect();
        let harmony = hear(&audio);
        let heard = harmony.key().unwrap();
        assert_eq!(heard.value, key, "{heard:?}\n{:#?}", labels(harmony.chords()));
        let (_, _, whole) = decode_offline(harmony.frames(), &[], 6.0, Models::built_in());
        assert_eq!(whole.unwrap().value, key);
    }
}

#[test]
fn silence_and_broken_samples_are_no_chord() {
    for value in [0.0, f32::NAN, f32::INFINITY, 1e-30, 0.3] {
        let harmony = hear(&vec![value; 200_000]);
        assert!(
            harmony.chords().iter().all(|s| s.chord.is_none()),
            "{value}: {:?}",
            labels(harmony.chords())
        );
        assert!(harmony.key().is_none_or(|k| k.prob < 0.5));
    }
    // Clipped beyond all measure, but finite.
    hear(&[f32::MAX, f32::MIN].repeat(50_000));
}

#[test]
fn spans_follow_each_other_without_gaps() {
    let chords = ["C:maj", "A:min", "F:maj", "G:maj"].map(|c| c.parse().unwrap());
    let audio = progression(&chords, 0.0);
    let mut harmony = Harmony::new(Models::built_in());
    for (i, piece) in audio.chunks(4_410).enumerate() {
        harmony.push(piece);
        let now_s = ((i + 1) * 4_410).min(audio.len()) as f64 / RATE_HZ;
        if i % 5 == 0 {
            let beat = Beat {
                time_s: i as f64 * 0.1,
                bar: 1,
                beat: (i / 5 % 4 + 1) as u8,
                prob: 0.9,
                decided_s: now_s,
            };
            harmony.on_beat(&beat);
        }
        let spans = harmony.chords();
        if let (Some(first), Some(last)) = (spans.first(), spans.last()) {
            assert_eq!(first.start_s, 0.0);
            assert!((last.end_s - now_s).abs() < 1e-9);
        }
        for pair in spans.windows(2) {
            assert_eq!(pair[0].end_s, pair[1].start_s);
            assert!(pair[0].start_s < pair[0].end_s);
        }
        for s in spans {
            assert!((0.0..=1.0).contains(&s.prob) && s.decided_s <= now_s + 1e-9);
        }
    }
    // With beats every half second the changes lie on them, and not much is said besides.
    assert!(harmony.chords().len() <= 5, "{:#?}", labels(harmony.chords()));
    for (i, s) in harmony.chords().iter().enumerate().skip(1) {
        assert!((s.start_s - 2.0 * i as f64).abs() < 1e-6, "{:#?}", labels(harmony.chords()));
        assert!(s.decided_s - s.start_s < 1.0);
    }
}

#[test]
fn an_endless_stream_keeps_what_it_is_asked_to() {
    let mut harmony = Harmony::new(Models::built_in());
    harmony.set_history_s(Some(5.0));
    let chords = ["C:maj", "A:min", "F:maj", "G:maj"].map(|c| c.parse().unwrap());
    let audio = progression(&chords, 0.0);
    for _ in 0..5 {
        harmony.push(&audio);
    }
    assert!(harmony.frames().len() < 200, "{}", harmony.frames().len());
    assert!(harmony.chords().first().unwrap().start_s > 25.0);
}

/// How many of the chords are heard as they were played, in the middle of each.
fn right(chords: &[Chord], tuning: f64) -> (usize, Vec<String>) {
    let harmony = hear(&progression(chords, tuning));
    let hit = |(i, c): &(usize, &Chord)| at(harmony.chords(), 2.0 * *i as f64 + 1.3) == Some(**c);
    (chords.iter().enumerate().filter(hit).count(), labels(harmony.chords()))
}

#[test]
fn richer_chords_are_told_apart() {
    use Quality::{Aug, Dim, Dim7, Dom7, Hdim7, Maj7, Min7, Sus2, Sus4};
    for (quality, at_least) in
        [(Dom7, 5), (Maj7, 5), (Min7, 5), (Dim, 4), (Aug, 4), (Sus2, 4), (Sus4, 5), (Hdim7, 4), (Dim7, 3)]
    {
        let chords: Vec<_> = (0..6).map(|i| Chord::new(PitchClass::new(i * 5 + 1), quality)).collect();
        let (right, heard) = right(&chords, 0.0);
        assert!(right >= at_least, "{quality:?}: {right} of 6\n{heard:#?}");
    }
}

#[test]
fn inversions_are_heard_by_their_bass() {
    let chords: Vec<Chord> =
        ["C:maj/3", "G:maj", "F:maj/5", "D:min/b3", "A:min", "E:min/5", "G:maj/3", "C:maj/5"]
            .map(|c| c.parse().unwrap())
            .to_vec();
    let (right, heard) = right(&chords, 0.0);
    assert!(right >= 6, "{right} of 8\n{heard:#?}");
}

#[test]
fn other_tunings_are_followed() {
    let chords: Vec<Chord> =
        ["C:maj", "A:min", "F:maj", "G:maj", "E:min", "D:min"].map(|c| c.parse().unwrap()).to_vec();
    for hz in [432.0, 446.0] {
        let (right, heard) = right(&chords, 12.0 * libm::log2(hz / 440.0));
        assert!(right >= 5, "A = {hz} Hz: {right} of 6\n{heard:#?}");
    }
}

#[test]
fn noise_and_drums_claim_no_chord_for_sure() {
    let mut seed = 1u32;
    let mut noise = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    let hiss: Vec<f32> = (0..350_000).map(|_| 0.2 * noise()).collect();
    let drums: Vec<f32> = (0..350_000)
        .map(|i| {
            let t = f64::from(i % 22_050) / RATE_HZ;
            let kick =
                libm::sin(300.0 * (1.0 - libm::exp(-30.0 * t)) / 30.0 + 300.0 * t) * libm::exp(-18.0 * t);
            0.6 * kick as f32 + 0.3 * noise() * libm::exp(-40.0 * (t - 0.25).abs()) as f32
        })
        .collect();
    for (name, audio) in [("noise", hiss), ("drums", drums)] {
        let harmony = hear(&audio);
        let (mut sure_s, mut total_s) = (0.0, 0.0);
        for s in harmony.chords() {
            total_s += s.end_s - s.start_s;
            sure_s += if s.chord.is_some() { f64::from(s.prob) * (s.end_s - s.start_s) } else { 0.0 };
        }
        assert!(sure_s / total_s < 0.6, "{name}: {:.2}\n{:#?}", sure_s / total_s, labels(harmony.chords()));
    }
}

#[test]
fn without_the_nets_the_rules_hear() {
    let chords: Vec<Chord> = ["C:maj", "A:min", "F:maj", "G:maj"].map(|c| c.parse().unwrap()).to_vec();
    let mut harmony = Harmony::new(&Models::none());
    harmony.push(&progression(&chords, 0.0));
    let (whole, _, key) = decode_offline(harmony.frames(), &[], 8.0, &Models::none());
    for (i, chord) in chords.iter().enumerate() {
        let time_s = 2.0 * i as f64 + 1.3;
        assert_eq!(at(harmony.chords(), time_s), Some(*chord), "{:#?}", labels(harmony.chords()));
        assert_eq!(at(&whole, time_s), Some(*chord), "{:#?}", labels(&whole));
    }
    assert!(key.is_some());
}

#[test]
fn the_recordings_net_tells_of_every_frame_and_of_each_key_alike() {
    let model = Models::built_in().harmony_offline.as_deref().unwrap();
    // A triad that moves every 40 frames, longer than a chunk and no multiple of half of one.
    let frames = |up: usize| -> Vec<[f32; 24]> {
        let tones = |i: usize| [0, 4, 7].map(|t| (t + 5 * (i / 40) + up) % 12);
        (0..300)
            .map(|i| core::array::from_fn(|bin| if tones(i).contains(&(bin % 12)) { 0.35 } else { 0.02 }))
            .collect()
    };
    let (here, there) = (frames(0), frames(7));
    let (a, b) = (net::tell_recording(model, &here).unwrap(), net::tell_recording(model, &there).unwrap());
    assert_eq!((a.len(), b.len()), (300, 300));
    for (i, (a, b)) in a.iter().zip(&b).enumerate() {
        for class in 0..params::CHORDS {
            let moved = (class + 7 * params::QUALITIES) % params::CHORDS;
            assert!((a.chord[class] - b.chord[moved]).abs() < 1e-3, "frame {i}, class {class}");
        }
    }
    // One that ends earlier is told to its end.
    let cut = net::tell_recording(model, &here[..200]).unwrap();
    assert_eq!(cut.len(), 200);
    assert!(cut.iter().all(|t| (t.chord.iter().map(|p| p.exp()).sum::<f32>() - 1.0).abs() < 1e-3));
}

/// Over the demo song, the shares of time in which the chord shown at each moment is that of the moment, and in which the
/// chord that could be decoded by then is.
fn shown_and_decoded(models: &Models) -> (f64, f64) {
    let song = backline_synth::demo::demo_song();
    let mut harmony = Harmony::new(models);
    let (mut shown, mut decoded, mut of) = (0, 0, 0);
    for (i, hop) in song.mono().chunks(2_048).enumerate() {
        harmony.push(hop);
        let now_s = (i + 1) as f64 * 2_048.0 / RATE_HZ;
        let sounding = song.chords.iter().find(|c| c.start_s <= now_s && now_s < c.end_s);
        let Some(truth) = sounding.and_then(|c| c.chord) else { continue };
        let right = |chord: Option<Chord>| chord.is_some_and(|c| c.root == truth.root);
        of += 1;
        shown += usize::from(right(harmony.chords().last().and_then(|s| s.chord)));
        decoded += usize::from(right(at(harmony.chords(), now_s - DECISION_LAG_S - HOP_S)));
    }
    (
        f64::from(u32::try_from(shown).unwrap()) / f64::from(of),
        f64::from(u32::try_from(decoded).unwrap()) / f64::from(of),
    )
}

#[test]
fn the_chord_of_this_moment_is_shown_before_it_can_be_decoded() {
    let (shown, decoded) = shown_and_decoded(Models::built_in());
    assert!(shown > decoded + 0.03, "shown {shown:.3}, decoded {decoded:.3}");
    // Without a net what was decoded last stands.
    let (shown, decoded) = shown_and_decoded(&Models::none());
    assert!((shown - decoded).abs() < 0.02, "shown {shown:.3}, decoded {decoded:.3}");
}

#[test]
fn what_is_shown_at_once_changes_nothing_that_was_decoded() {
    let song = backline_synth::demo::demo_song();
    let mut harmony = Harmony::new(Models::built_in());
    let mut sudden = 0;
    for hop in song.mono()[..40 * 44_100].chunks(2_048) {
        harmony.push(hop);
        let open_from_s = (harmony.engine.scored as f64 - 0.5) * HOP_S;
        let runs = harmony.engine.open.len();
        let open = &harmony.chords()[harmony.engine.settled..];
        assert!(open.len() == runs || open.len() == runs + 1);
        if open.len() > runs && open.len() >= 2 {
            sudden += 1;
            let (last, before) = (&open[open.len() - 1], &open[open.len() - 2]);
            // A beat nearby may be where it began.
            assert!(
                last.start_s > open_from_s - 0.15 && before.end_s == last.start_s,
                "{open_from_s} {last:?}"
            );
            assert!(last.chord != before.chord && (0.0..=1.0).contains(&last.prob));
        }
    }
    assert!(sudden > 20, "{sudden} frames");
}

/// A demo song with a lead-in of so many seconds.
fn led_in(name: &str, lead_in_s: f64) -> backline_synth::demo::Song {
    let spec = backline_synth::demo::SPECS.iter().find(|spec| spec.name == name).unwrap();
    backline_synth::demo::Spec { lead_in_s, ..*spec }.render(44_100)
}

#[test]
fn the_first_chord_begins_where_the_music_does() {
    for (name, lead_in_s) in [("rock_e", 0.5), ("folk_g", 1.03), ("funk_e", 3.0)] {
        let song = led_in(name, lead_in_s);
        let mono = &song.mono()[..12 * 44_100];
        let begins_s = song.chords.iter().find(|span| span.chord.is_some()).unwrap().start_s;
        let mut stream = crate::Listener::with_models(RATE_HZ, Models::built_in()).unwrap();
        stream.feed(mono, None);
        while stream.step() {}
        let whole = crate::listen_offline(mono, RATE_HZ, Models::built_in(), &mut |_| ()).unwrap();
        for chords in [&stream.heard().chords, &whole.chords] {
            let first_s = chords.iter().find(|span| span.chord.is_some()).unwrap().start_s;
            assert!((first_s - begins_s).abs() < 0.06, "{name}: {first_s} s, the music {begins_s} s");
        }
    }
}

#[test]
fn a_runner_up_is_no_likelier_than_what_is_told() {
    let harmony = hear(&led_in("swing_f", 0.2).mono()[..30 * 44_100]);
    assert!(harmony.chords().len() > 10);
    for span in harmony.chords() {
        let (_, other) = span.runner_up.unwrap();
        assert!(other <= span.prob && span.prob + other <= 1.0 + 1e-6, "{span:?}");
    }
}

/// The tonic that `keys` tell of at `time_s`.
fn tonic_at(keys: &[backline_music::KeySpan], time_s: f64) -> PitchClass {
    keys.iter().rev().find(|span| span.start_s <= time_s).unwrap().key.tonic
}

#[test]
fn another_song_after_a_silence_has_its_own_key() {
    let (first, second) = (led_in("folk_g", 0.2), led_in("house_fm", 0.2));
    let mut mono = first.mono()[..40 * 44_100].to_vec();
    mono.resize(45 * 44_100, 0.0);
    mono.extend(&second.mono()[..30 * 44_100]);
    mono.resize(80 * 44_100, 0.0);
    let whole = crate::listen_offline(&mono, RATE_HZ, Models::built_in(), &mut |_| ()).unwrap();
    let mut stream = crate::Listener::with_models(RATE_HZ, Models::built_in()).unwrap();
    stream.feed(&mono, None);
    while stream.step() {}
    // F minor and its relative major have the same notes; of G major they share two.
    let relatives = [PitchClass::new(5), PitchClass::new(8)];
    for keys in [&whole.keys, &stream.heard().keys] {
        assert_eq!(tonic_at(keys, 0.0), PitchClass::new(7), "{keys:?}");
        assert_eq!(tonic_at(keys, 30.0), PitchClass::new(7), "{keys:?}");
        // The silence at the end has no key of its own.
        assert!([50.0, 65.0, 79.0].iter().all(|s| relatives.contains(&tonic_at(keys, *s))), "{keys:?}");
    }
    let said = stream.heard().keys.iter().find(|span| relatives.contains(&span.key.tonic)).unwrap();
    assert!(said.decided_s < 45.0 + 20.0, "{said:?}");
}
