use super::*;

const RULES: VoicingRules = VoicingRules { centre: 63, voices: 4, colour: 0.3, power: false };

fn wish(brightness: f64, key: Option<Key>) -> Wish {
    Wish { rules: RULES, brightness, density: 0.0, key }
}

fn chords(text: &str) -> Vec<Chord> {
    text.split(' ').map(|c| c.parse().unwrap()).collect()
}

fn c_major() -> Option<Key> {
    Some(Key::new(PitchClass::C, backline_music::Mode::Major))
}

#[test]
fn every_chord_at_every_brightness_is_whole_clear_and_playable() {
    for root in 0..12 {
        for quality in Quality::ALL {
            for step in 0..=10 {
                let chord = Chord::new(PitchClass::new(root), quality);
                for density in [-1.0, 0.0, 1.0] {
                    let wish = Wish { density, ..wish(f64::from(step) / 10.0, c_major()) };
                    let voicing = lead(&[chord], None, &wish, |_| 0.0)[0];
                    let keys: Vec<i32> = voicing.keys().iter().map(|&k| i32::from(k)).collect();
                    assert!((3..=6).contains(&keys.len()), "{chord} {keys:?}");
                    assert!(playable(&keys, chord, false).is_some(), "{chord} {keys:?}");
                    for &tone in essential(quality) {
                        let pc = chord.root.up(i32::from(tone));
                        assert!(
                            keys.iter().any(|&k| PitchClass::new(k) == pc),
                            "{chord} lacks {pc}: {keys:?}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn mud_doubled_thirds_and_wide_hands_are_refused() {
    let c: Chord = "C".parse().unwrap();
    assert!(playable(&[48, 52, 55], c, false).is_none(), "a third below E3");
    assert!(playable(&[52, 60, 64, 67], c, false).is_none(), "the third doubled, once below C4");
    assert!(playable(&[48, 66, 84], c, false).is_none(), "wider than two hands");
    assert!(playable(&[48, 55, 64, 72], c, false).is_some());
}

#[test]
fn voices_move_little_and_common_tones_stay() {
    let path = lead(&chords("C A:min F G C"), None, &wish(0.5, c_major()), |_| 0.0);
    let moves: Vec<f64> = path.windows(2).map(|w| motion(&w[0], &w[1])).collect();
    let per_voice = moves.iter().sum::<f64>() / (4.0 * moves.len() as f64);
    assert!(per_voice < 2.0, "{per_voice} semitones a voice; {path:?}");
    let shared = path[0].keys().iter().filter(|k| path[1].keys().contains(k)).count();
    assert!(shared >= 2, "C and Am share two notes: {path:?}");
}

#[test]
fn the_voicing_before_is_led_from() {
    let high = Voicing::of([67, 72, 76, 79]);
    let low = Voicing::of([52, 55, 60]);
    let from_high = lead(&chords("F"), Some(high), &wish(0.5, None), |_| 0.0)[0];
    let from_low = lead(&chords("F"), Some(low), &wish(0.5, None), |_| 0.0)[0];
    assert!(from_high.mean() > from_low.mean());
    let again = lead(&chords("F"), Some(from_high), &wish(0.5, None), |_| 0.0)[0];
    assert_eq!(again, from_high);
}

#[test]
fn brightness_raises_and_colours_within_the_key() {
    let at = |b: f64| lead(&chords("F"), None, &wish(b, c_major()), |_| 0.0)[0];
    assert!(at(1.0).mean() > at(0.5).mean() && at(0.5).mean() > at(0.0).mean());
    let pcs = |v: Voicing| v.keys().iter().map(|k| k % 12).collect::<std::collections::BTreeSet<u8>>();
    assert_eq!(pcs(at(0.0)), [0, 5, 9].into());
    assert!(pcs(at(1.0)).len() > 3);
    assert!(pcs(at(1.0)).iter().all(|&pc| c_major().unwrap().contains(PitchClass::of_key(pc))));
}

#[test]
fn a_hint_is_root_and_fifth() {
    let pcs = |label: &str| {
        hint(label.parse().unwrap(), &wish(0.5, None)).keys().iter().map(|k| k % 12).collect::<Vec<_>>()
    };
    assert_eq!(pcs("A:min7"), [9, 4]);
    assert_eq!(pcs("B:dim"), [11]);
}
