//! The notes of a seed are a promise: a change here belongs into the changelog.

mod common;

use backline_music::{Controls, Metre};
use common::{eight, ids, native};

/// FNV-1a over what a listener could tell apart: part, key, velocity, onset and length to a
/// ten-thousandth of a beat.
fn hash(controls: &Controls, metre: impl Fn(&str) -> Metre) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for style in ids() {
        for note in eight(style, metre(style), controls).iter().flat_map(|b| &b.notes) {
            let numbers = [
                note.part.index() as i64,
                i64::from(note.key),
                i64::from(note.velocity),
                (note.onset_beat * 1e4).round() as i64,
                (note.length_beats * 1e4).round() as i64,
            ];
            for byte in numbers.iter().flat_map(|n| n.to_le_bytes()) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
    }
    hash
}

#[test]
fn a_seed_keeps_its_notes() {
    assert_eq!(format!("{:016x}", hash(&Controls::default(), native)), "4184dd56c761a979");
    let wild = Controls {
        seed: 7,
        energy: 0.7,
        density: 0.6,
        temperature: 1.0,
        humanise: 1.0,
        ..Controls::default()
    };
    assert_eq!(
        format!("{:016x}", hash(&wild, |_| Metre { numerator: 7, denominator: 8 })),
        "23feb6e754fc04a7"
    );
    assert_ne!(
        hash(&Controls { seed: 2, ..Controls::default() }, native),
        hash(&Controls::default(), native)
    );
}
