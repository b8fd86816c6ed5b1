use super::*;

fn bar(label: &str) -> BarHarmony {
    let chords: Vec<&str> = label.split(' ').collect();
    let beats =
        (0..4).map(|i| BeatChord { chord: chords[i * chords.len() / 4].parse().ok(), prob: 0.9 }).collect();
    BarHarmony { beats }
}

fn song(text: &str) -> Vec<BarHarmony> {
    text.split('|').map(|b| bar(b.trim())).collect()
}

fn first(bar: &BarHarmony) -> String {
    backline_music::chord::label(bar.beats[0].chord)
}

#[test]
fn a_loop_is_played_on() {
    let history = song("C | G | A:min | F | C | G | A:min | F | C");
    let next: Vec<String> = Anticipator::new().predict(&history, 5).iter().map(first).collect();
    assert_eq!(next, ["G:maj", "A:min", "F:maj", "C:maj", "G:maj"]);
}

#[test]
fn two_chords_a_bar_come_back_as_two() {
    let history = song("C G | A:min F | C G | A:min F | C G");
    let next = Anticipator::new().predict(&history, 1);
    assert_eq!(next[0].beats[0].chord, "A:min".parse().ok());
    assert_eq!(next[0].beats[3].chord, "F".parse().ok());
}

#[test]
fn one_misheard_bar_does_not_break_the_loop() {
    let history = song("C | G | A:min | F | C | G | A:min | F | C | G | A:min | F | C | E:min");
    let next = Anticipator::new().predict(&history, 2);
    assert_eq!((first(&next[0]).as_str(), first(&next[1]).as_str()), ("A:min", "F:maj"));
}

#[test]
fn certainty_grows_with_repetition_and_falls_with_distance() {
    let one = song("C | G | A:min | F | C");
    let many = song("C | G | A:min | F | C | G | A:min | F | C | G | A:min | F | C | G | A:min | F | C");
    let prob = |history: &[BarHarmony], ahead: usize| {
        Anticipator::new().predict(history, ahead).last().unwrap().beats[0].prob
    };
    assert!(prob(&many, 1) > prob(&one, 1));
    assert!(prob(&many, 8) < prob(&many, 1));
    assert!(prob(&song("C"), 1) < 0.4, "without a loop the last chord goes on, with a low confidence");
    assert_eq!(first(&Anticipator::new().predict(&song("C"), 1)[0]), "C:maj");
}

#[test]
fn odd_histories_are_survived() {
    let anticipator = Anticipator::new();
    assert_eq!(anticipator.predict(&[], 2), vec![BarHarmony::held(None, 4, 0.0); 2]);
    let empty = vec![BarHarmony::default(); 5];
    assert_eq!(anticipator.predict(&empty, 3).len(), 3);
    let odd = vec![BarHarmony::held("C".parse().ok(), 3, f32::NAN); 3];
    assert!(anticipator.predict(&odd, 1)[0].beats.iter().all(|b| (0.0..=1.0).contains(&b.prob)));
    assert_eq!((phrase_start(&[]), phrase_bars(&[], 8)), (0, 8));
    assert_eq!((phrase_start(&empty), phrase_bars(&empty, 8)), (0, 8));
}

#[test]
fn phrases_are_counted_from_what_comes_back() {
    let four = song(&["C | G | A:min | F"; 5].join(" | "));
    assert_eq!(phrase_bars(&four[..18], 8), 4);
    let blues = "C | F | C | C | F | F | C | C | G | F | C | G";
    let twelve = song(&[blues; 3].join(" | "));
    assert_eq!(phrase_bars(&twelve[..30], 8), 12);
    assert!((0..36).all(|n| phrase_bars(&twelve[..n], 12) == 12), "a blues is one from its first bar on");
    let sixteen =
        "C | A:min | F | G | E:min | A:min | D:min | G | Ab | Eb | Bb | F:min | Db | Ab | D:min | G";
    let sixteen = song(&[sixteen; 3].join(" | "));
    assert_eq!(phrase_bars(&sixteen[..42], 8), 16);
    let eight = song(&["C | G | A:min | F | D:min | E:min | F | G"; 4].join(" | "));
    assert_eq!(phrase_bars(&eight, 12), 8);
    let mut intro = vec![BarHarmony::held(None, 4, 1.0); 3];
    intro.extend(four);
    assert_eq!((phrase_start(&intro[..3 + 18]), phrase_bars(&intro[..3 + 18], 8)), (3, 4));
}
