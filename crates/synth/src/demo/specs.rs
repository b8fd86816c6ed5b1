//! The songs, one spec each.

use backline_music::DrumVoice::{ClosedHat, Crash, HighTom, Kick, LowTom, OpenHat, Ride, Snare};
use backline_music::{Key, Metre, Mode, PitchClass};

use super::{Comp, Groove, Spec, Voice};

const fn key(tonic: i32, mode: Mode) -> Key {
    Key::new(PitchClass::new(tonic), mode)
}

const GUITAR: Comp =
    Comp { voice: Voice::Guitar, rhythm: "X...x.x...x.x.x.", low_key: 40, chord_key: 52, short: false };
const PIANO: Comp =
    Comp { voice: Voice::Piano, rhythm: "X.......x.......", low_key: 41, chord_key: 55, short: false };

/// The demo: a guitar riff with a tune over it, AABA, no drums and no bass.
pub const DEMO: Spec = Spec {
    name: "demo",
    tempo_bpm: 100.0,
    metre: Metre::FOUR_FOUR,
    key: key(9, Mode::Minor),
    form: &[
        (4, "A:min | F:maj | C:maj | G:maj"),
        (1, "D:min | A:min | F:maj | E:7 | D:min | A:min | E:7 | E:7"),
        (2, "A:min | F:maj | C:maj | G:maj"),
        (1, "A:min"),
    ],
    comp: Comp { rhythm: "X..xx.x.X.x.x.x.", ..GUITAR },
    melody: Some((
        Voice::Piano,
        &["X.....x.X.x.....", "x...x...X.......", "X.....x.X.x.x...", "X.......,......."],
    )),
    bass: None,
    drums: None,
    swing: 0.0,
    drift: 0.0,
    loose_ms: 4.0,
    lead_in_s: 0.35,
    seed: 7,
};

const PLAIN: Spec = Spec {
    name: "",
    tempo_bpm: 120.0,
    metre: Metre::FOUR_FOUR,
    key: key(0, Mode::Major),
    form: &[],
    comp: PIANO,
    melody: None,
    bass: None,
    drums: None,
    swing: 0.0,
    drift: 0.0,
    loose_ms: 3.0,
    lead_in_s: 0.5,
    seed: 1,
};

const ROCK: Groove = Groove {
    rhythms: &[(Kick, "X.......x.x....."), (Snare, "....X.......X..."), (ClosedHat, "x.x.x.x.x.x.x.x.")],
};
const HOUSE: Groove = Groove {
    rhythms: &[
        (Kick, "X...X...X...X..."),
        (Snare, "....x.......x..."),
        (OpenHat, "..x...x...x...x."),
        (ClosedHat, "o.......o......."),
    ],
};
const BREAKS: Groove = Groove {
    rhythms: &[(Kick, "X.........x....."), (Snare, "....X..o.o..X..o"), (ClosedHat, "x.x.x.x.x.x.x.x.")],
};
const FUNK: Groove = Groove {
    rhythms: &[(Kick, "X..x......x..x.."), (Snare, "....X..o.o..X..o"), (ClosedHat, "xoxoxoxoxoxoxoxo")],
};
const SWING: Groove = Groove {
    rhythms: &[(Ride, "x...x.x.x...x.x."), (ClosedHat, "....x.......x..."), (Kick, "o...o...o...o...")],
};
const HIP_HOP: Groove = Groove {
    rhythms: &[(Kick, "X..x...x..x....."), (Snare, "....X.......X..."), (ClosedHat, "x.x.x.x.x.x.x.xo")],
};
const SHUFFLE_68: Groove =
    Groove { rhythms: &[(Kick, "X.......x..."), (Snare, "......X....."), (ClosedHat, "x.x.x.x.x.x.")] };
const TOMS: Groove = Groove {
    rhythms: &[
        (Kick, "X...x...X...x..."),
        (LowTom, "..x...x...x.x.x."),
        (HighTom, "..............xx"),
        (Snare, "....X.......X..."),
        (Crash, "X..............."),
    ],
};

/// Songs for tests.
pub const SPECS: &[Spec] = &[
    Spec {
        name: "folk_g",
        tempo_bpm: 96.0,
        key: key(7, Mode::Major),
        form: &[(5, "G:maj | D:maj/3 | E:min | C:maj"), (1, "G:maj")],
        comp: Comp { rhythm: "b.2.1.3.b.2.1.3.", ..GUITAR },
        melody: Some((
            Voice::Guitar,
            &["X...x...X.x.x...", "X.......x...x...", "X...x...X.......", "X..............."],
        )),
        seed: 11,
        ..PLAIN
    },
    Spec {
        name: "waltz_d",
        tempo_bpm: 150.0,
        metre: Metre::THREE_FOUR,
        key: key(2, Mode::Major),
        form: &[
            (2, "D:maj | D:maj | B:min | B:min | G:maj | G:maj | A:7 | A:7"),
            (1, "D:maj | B:min | E:min | A:7 | D:maj | G:maj | A:7 | D:maj"),
        ],
        comp: Comp { rhythm: "b...o...o...", ..PIANO },
        melody: Some((Voice::Piano, &["X.......x...", "X...x...x...", "X.......x...", "X..........."])),
        seed: 12,
        ..PLAIN
    },
    Spec {
        name: "six_eight_em",
        tempo_bpm: 70.0,
        metre: Metre::SIX_EIGHT,
        key: key(4, Mode::Minor),
        form: &[(5, "E:min | C:maj | G:maj | D:maj"), (1, "E:min")],
        comp: Comp { rhythm: "b.1.2.3.2.1.", ..GUITAR },
        seed: 13,
        ..PLAIN
    },
    Spec {
        name: "six_eight_band_am",
        tempo_bpm: 60.0,
        metre: Metre::SIX_EIGHT,
        key: key(9, Mode::Minor),
        form: &[(5, "A:min | F:maj | C:maj | E:7"), (1, "A:min")],
        comp: Comp { rhythm: "x.o.o.x.o.o.", ..PIANO },
        bass: Some("1.....5...1."),
        drums: Some(SHUFFLE_68),
        seed: 14,
        ..PLAIN
    },
    Spec {
        name: "rock_e",
        tempo_bpm: 128.0,
        key: key(4, Mode::Major),
        form: &[(6, "E:maj | A:maj | C#:min | B:maj"), (1, "E:maj")],
        comp: Comp { rhythm: "X.x.x.X.x.x.X.x.", ..GUITAR },
        bass: Some("1.1.1.1.1.1.1.5."),
        drums: Some(ROCK),
        seed: 15,
        ..PLAIN
    },
    Spec {
        name: "house_fm",
        tempo_bpm: 124.0,
        key: key(5, Mode::Minor),
        form: &[(6, "F:min7 | Db:maj7 | Ab:maj | Eb:maj"), (1, "F:min7")],
        comp: Comp { rhythm: "X..x..x...x..x..", short: true, ..PIANO },
        bass: Some("..1...1...1...1."),
        drums: Some(HOUSE),
        loose_ms: 0.0,
        seed: 16,
        ..PLAIN
    },
    Spec {
        name: "dnb_dm",
        tempo_bpm: 174.0,
        key: key(2, Mode::Minor),
        form: &[(4, "D:min | D:min | Bb:maj | Bb:maj | G:min | G:min | A:maj | A:maj"), (1, "D:min")],
        bass: Some("1..............."),
        drums: Some(BREAKS),
        loose_ms: 0.0,
        seed: 17,
        ..PLAIN
    },
    Spec {
        name: "ballad_bb",
        tempo_bpm: 70.0,
        key: key(10, Mode::Major),
        form: &[(4, "Bb:maj | G:min7 | Eb:maj7 | F:7"), (1, "Bb:maj")],
        comp: Comp { rhythm: "X...o...x...o...", ..PIANO },
        melody: Some((
            Voice::Piano,
            &["X.......x...x...", "X...........x...", "X.....x.X.......", "X..............."],
        )),
        loose_ms: 8.0,
        seed: 18,
        ..PLAIN
    },
    Spec {
        name: "swing_f",
        tempo_bpm: 140.0,
        key: key(5, Mode::Major),
        form: &[(5, "G:min7 | C:7 | F:maj7 | D:min7"), (1, "F:maj7")],
        comp: Comp { rhythm: "x.....x.......x.", short: true, ..PIANO },
        bass: Some("1...3...5...7..."),
        drums: Some(SWING),
        swing: 1.0,
        seed: 19,
        ..PLAIN
    },
    Spec {
        name: "bossa_c",
        tempo_bpm: 132.0,
        key: key(0, Mode::Major),
        form: &[(5, "C:maj7 | A:7 | D:min7 | G:7"), (1, "C:maj7")],
        comp: Comp { rhythm: "x..b..x.b.x..b..", ..GUITAR },
        seed: 20,
        ..PLAIN
    },
    Spec {
        name: "funk_e",
        tempo_bpm: 104.0,
        key: key(4, Mode::Minor),
        form: &[(4, "E:min7 | E:min7 | A:7 | A:7"), (1, "E:min7")],
        comp: Comp { rhythm: "X..x..o.x.oX..x.", short: true, ..GUITAR },
        bass: Some("1..1..8...1..57."),
        drums: Some(FUNK),
        seed: 21,
        ..PLAIN
    },
    Spec {
        name: "slash_c",
        tempo_bpm: 88.0,
        key: key(0, Mode::Major),
        form: &[
            (3, "C:maj G:maj/3 | A:min C:maj/5 | F:maj C:maj/3 | D:min7 G:sus4"),
            (1, "C:maj G:maj/3 | A:min C:maj/5 | F:maj C:maj/3 | D:min7 G:maj | C:maj"),
        ],
        comp: Comp { rhythm: "X...x...X...x...", ..PIANO },
        seed: 22,
        ..PLAIN
    },
    Spec {
        name: "hip_hop_cm",
        tempo_bpm: 86.0,
        key: key(0, Mode::Minor),
        form: &[(4, "C:min7 | F:min7 | Ab:maj7 | G:7"), (1, "C:min7")],
        comp: Comp { rhythm: "X.....x...x.....", ..PIANO },
        bass: Some("1..1...1..1....."),
        drums: Some(HIP_HOP),
        swing: 0.3,
        seed: 23,
        ..PLAIN
    },
    Spec {
        name: "minor_changes_g",
        tempo_bpm: 112.0,
        key: key(7, Mode::Minor),
        form: &[(4, "G:min | A:hdim7 | D:7 | G:min | Eb:maj | C:min | F#:dim7 | D:aug"), (1, "G:min")],
        comp: Comp { rhythm: "X...x...X...x...", ..PIANO },
        seed: 24,
        ..PLAIN
    },
    Spec {
        name: "drift_d",
        tempo_bpm: 110.0,
        key: key(2, Mode::Major),
        form: &[(6, "D:maj | A:maj | B:min | G:maj"), (1, "D:maj")],
        comp: Comp { rhythm: "X...x.x...x.x.x.", ..GUITAR },
        drift: 0.03,
        loose_ms: 10.0,
        seed: 25,
        ..PLAIN
    },
    Spec {
        name: "toms_bm",
        tempo_bpm: 92.0,
        key: key(11, Mode::Minor),
        form: &[(5, "B:min | G:maj | E:min | F#:maj"), (1, "B:min")],
        comp: Comp { rhythm: "X.......X.......", ..GUITAR },
        bass: Some("1.......1......."),
        drums: Some(TOMS),
        seed: 26,
        ..PLAIN
    },
];
