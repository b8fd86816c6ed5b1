//! Pictures of every state, in both themes and at both densities, against those that were looked at and kept.
//!
//! What is kept of a picture is small: the mean colours of fields of 16 points. `BACKLINE_KEEP_PICTURES=1` keeps what
//! is painted now; look at it first: with `BACKLINE_SCREENSHOT` set to a folder, `cargo xtask screenshots` does that, the whole
//! pictures are written there.

use std::path::Path;

use super::paint::Picture;
use super::*;

/// Fields across and down.
const FIELDS: (usize, usize) = (70, 44);
/// How far a field may be off, of 255: rounding, and at twice the density thinner edges.
const ROUNDING: i32 = 2;
const EDGES: i32 = 28;

fn picture(bench: &mut Bench, scale: f32) -> Picture {
    bench.pixels = scale;
    // The first frame lays out, the second says so.
    bench.rest();
    bench.rest();
    let output = bench.frame(Vec::new(), Modifiers::NONE);
    let shapes = bench.ctx.tessellate(output.shapes, scale);
    let ground = Theme::of(bench.look.light).panel;
    Picture::new(bench.size, scale, ground, &shapes, &bench.textures)
}

fn worst(a: &[[u8; 3]], b: &[[u8; 3]]) -> (usize, i32) {
    let off = |(a, b): (&[u8; 3], &[u8; 3])| {
        a.iter().zip(b).map(|(a, b)| (i32::from(*a) - i32::from(*b)).abs()).max().unwrap_or(0)
    };
    a.iter().zip(b).map(off).enumerate().max_by_key(|(_, off)| *off).unwrap_or((0, 0))
}

#[test]
fn every_state_looks_as_it_was_judged() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/editor/tests/pictures");
    let keep = std::env::var_os("BACKLINE_KEEP_PICTURES").is_some();
    let whole = std::env::var_os("BACKLINE_SCREENSHOT");
    let mut wrong = Vec::new();
    for state in State::ALL {
        for light in [false, true] {
            let name = format!("{state:?}-{}", if light { "light" } else { "dark" }).to_lowercase();
            let mut bench = Bench::new(state, USUAL_SIZE);
            bench.look.light = light;
            let once = picture(&mut bench, 1.0);
            let mut bench = Bench::new(state, USUAL_SIZE);
            bench.look.light = light;
            let twice = picture(&mut bench, 2.0);
            if let Some(folder) = &whole {
                std::fs::write(Path::new(folder).join(format!("state-{name}.ppm")), once.ppm()).unwrap();
            }
            let fields = once.fields(FIELDS.0, FIELDS.1);
            let (at, off) = worst(&fields, &twice.fields(FIELDS.0, FIELDS.1));
            assert!(off <= EDGES, "{name}: at twice the density field {at} is {off} off");
            let path = kept.join(format!("{name}.ppm"));
            let mut file = format!("P6 {} {} 255\n", FIELDS.0, FIELDS.1).into_bytes();
            let head = file.len();
            file.extend(fields.iter().flatten());
            if keep {
                std::fs::write(&path, &file).unwrap();
            }
            let known = std::fs::read(&path).unwrap_or_default();
            let known: Vec<[u8; 3]> =
                known.get(head..).unwrap_or_default().chunks_exact(3).map(|c| [c[0], c[1], c[2]]).collect();
            let (at, off) = worst(&fields, &known);
            if known.len() != fields.len() || off > ROUNDING {
                wrong.push(format!("{name}: off by {off} at {}, {}", at % FIELDS.0 * 16, at / FIELDS.0 * 16));
            }
        }
    }
    assert!(wrong.is_empty(), "these look otherwise than when they were judged: {wrong:#?}");
}

#[test]
fn what_is_worth_a_look_besides_the_states() {
    let Some(folder) = std::env::var_os("BACKLINE_SCREENSHOT") else { return };
    let folder = Path::new(&folder);
    let show = |name: &str, bench: &mut Bench| {
        std::fs::write(folder.join(format!("{name}.ppm")), picture(bench, 1.0).ppm()).unwrap();
    };
    for (name, size) in ["small", "usual", "large"].into_iter().zip(SIZES) {
        let mut bench = Bench::new(State::Locked, size);
        bench.rest();
        bench.click("[Keep Bass]");
        bench.snapshot.link =
            Some(crate::snapshot::Linked { group: crate::params::Link::A, leads: false, members: 3 });
        bench.values[ParamId::Link.index()] = 0.25;
        show(&format!("kept-{name}"), &mut bench);
    }
    for light in [false, true] {
        let mut bench = Bench::new(State::Locked, USUAL_SIZE);
        bench.look.light = light;
        bench.desk.selection =
            Some(crate::editor::selection::Selection { from_beat: 8.0, to_beat: 24.0, on_heard_beat: false });
        show(if light { "selected-light" } else { "selected-dark" }, &mut bench);
    }
    for (light, size) in [(false, USUAL_SIZE), (true, USUAL_SIZE), (false, MIN_SIZE)] {
        let mut bench = Bench::new(State::Locked, size);
        bench.look.light = light;
        bench.desk.help = Some(None);
        let name = if light { "light" } else { "dark" };
        show(&format!("help-{name}-{}", size.x), &mut bench);
    }
    let mut bench = Bench::new(State::Locked, USUAL_SIZE);
    bench.intake = Intake::Done(super::a_song());
    show("file-heard", &mut bench);
    bench.intake = Intake::Failed(
        "No beat was heard in rain.wav, so there are no bars to take. Try a recording of at least \
                                   ten seconds with a clear pulse."
            .into(),
    );
    show("file-failed", &mut bench);
    bench.intake = Intake::Asking;
    show("file-asked", &mut bench);
    bench.intake = Intake::Nothing;
    bench.file_over = true;
    show("file-over", &mut bench);
}
