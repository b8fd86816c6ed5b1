//! Pictures of what is worth a look besides the states: with `BACKLINE_SCREENSHOT` set to a folder, `cargo xtask
//! screenshots` does that, they are written there.

use std::path::Path;

use super::paint::Picture;
use super::*;

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
