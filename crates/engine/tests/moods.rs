//! Valence as it is told of the same song in major and minor, fast and slow: what listeners judge happiness by, changed one at
//! a time (Hunter, Schellenberg & Schimmack 2010). Whether it fits what people feel in real recordings, no data here can say.

use backline_engine::{Models, analyse_online};
use backline_music::{Key, Mode, PitchClass};
use backline_synth::demo::{SAMPLE_RATE, SPECS, Spec};

type Form = &'static [(u32, &'static str)];

/// A song of the set, and the tonic and form that it is given in major and in minor.
const SONGS: [(&str, i32, Form, Form); 3] = [
    (
        "folk_g",
        7,
        &[(3, "G:maj | C:maj | E:min | D:maj"), (1, "G:maj")],
        &[(3, "G:min | C:min | Eb:maj | D:min"), (1, "G:min")],
    ),
    (
        "rock_e",
        4,
        &[(4, "E:maj | A:maj | C#:min | B:maj"), (1, "E:maj")],
        &[(4, "E:min | A:min | C:maj | B:min"), (1, "E:min")],
    ),
    (
        "ballad_bb",
        10,
        &[(3, "Bb:maj | G:min | Eb:maj | F:maj"), (1, "Bb:maj")],
        &[(3, "Bb:min | Gb:maj | Eb:min | F:min"), (1, "Bb:min")],
    ),
];

#[test]
fn major_is_told_as_happier_than_minor_and_fast_than_slow() {
    let (mut by_mode, mut by_tempo, mut in_order) = (0, 0, 0);
    for (name, tonic, major, minor) in SONGS {
        let spec = SPECS.iter().find(|spec| spec.name == name).unwrap();
        let told = |mode, form, tempo_bpm| {
            let key = Key::new(PitchClass::new(tonic), mode);
            let song = Spec { key, form, tempo_bpm, ..*spec }.render(SAMPLE_RATE);
            analyse_online(&song.mono(), f64::from(SAMPLE_RATE), Models::built_in(), &mut |_| {})
                .unwrap()
                .style
                .valence
        };
        let [slow, fast] = [78.0, 126.0];
        let valence = [(Mode::Major, major), (Mode::Minor, minor)]
            .map(|(m, f)| [slow, fast].map(|bpm| told(m, f, bpm)));
        println!("{name}: major {:.2?}, minor {:.2?} (slow, fast)", valence[0], valence[1]);
        by_mode += (0..2).filter(|t| valence[0][*t] > valence[1][*t]).count();
        by_tempo += (0..2).filter(|m| valence[*m][1] > valence[*m][0]).count();
        in_order += usize::from(valence[0][1] > valence[1][0]);
    }
    println!(
        "in order: {by_mode} of 6 by mode alone, {by_tempo} of 6 by tempo alone, {in_order} of 3 by both"
    );
    assert_eq!((by_mode, in_order), (6, 3));
    assert!(by_tempo >= 5);
}
