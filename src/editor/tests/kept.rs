//! A window of which only what changed is painted looks like one that is painted whole, whatever goes on in it.

use backline_canvas::{Area, Memory, Paper, Shift, View};

use super::paint::{Picture, shift};
use super::*;

/// How far a pixel may be off, of 255: the order in which numbers are rounded.
const ROUNDING: f32 = 1.0;
/// The same where each layer is rounded, and each place to a 256th of a pixel.
const LAYERS: f32 = 3.0;

/// A picture that is kept from frame to frame.
struct Kept {
    memory: Memory,
    picture: Option<Picture>,
    /// The same by the window's own painter.
    laid: Option<Paper>,
    /// Pixels that were painted.
    painted: i64,
}

impl Kept {
    fn new() -> Self {
        Self { memory: Memory::default(), picture: None, laid: None, painted: 0 }
    }

    /// Paints what changed in a frame, and compares with the frame painted whole.
    fn follow(&mut self, bench: &mut Bench, output: egui::FullOutput, what: &str) {
        let scale = bench.ctx.pixels_per_point();
        let ground = Theme::of(bench.look.light).panel;
        let size = [bench.size.x, bench.size.y].map(|points| (points * bench.pixels) as u32);
        let scrolls = std::mem::take(&mut bench.desk.scrolls);
        let view = View { size, scale, ground };
        let backline_canvas::Plan { shifts, areas, .. } =
            self.memory.plan(output.shapes.clone(), view, &scrolls);
        let points = vec2(size[0] as f32, size[1] as f32) / scale;
        let mut picture = match self.picture.take() {
            Some(picture) => picture,
            None => Picture::new(points, scale, egui::Color32::RED, &[], &bench.textures),
        };
        backline_canvas::soft_edges(&bench.ctx);
        let window = Area::new(0, 0, i64::from(size[0]), i64::from(size[1]));
        let mut laid = self.laid.take().unwrap_or_else(|| Paper::new(window));
        for Shift { area, by } in shifts {
            let edges = [area.left, area.top, area.right, area.bottom];
            shift(&mut picture.pixels, picture.width, edges, by);
            shift(&mut laid.pixels, window.right as usize, edges, by);
        }
        self.painted = areas.iter().map(Area::size).sum();
        for area in &areas {
            let shapes = bench.ctx.tessellate(self.memory.within(area), scale);
            picture.paint(scale, &shapes, &bench.textures);
            let paper = self.memory.painted(&bench.ctx, area, &bench.glyphs).expect("all of it is known");
            for (row, pixels) in paper.pixels.chunks((area.right - area.left) as usize).enumerate() {
                let start = (area.top as usize + row) * size[0] as usize + area.left as usize;
                laid.pixels[start..start + pixels.len()].copy_from_slice(pixels);
            }
        }
        let at_once = self.memory.painted(&bench.ctx, &window, &bench.glyphs).expect("all of it is known");
        let wrong: Vec<usize> = (0..laid.pixels.len())
            .filter(|i| (0..3).any(|c| laid.pixels[*i][c].abs_diff(at_once.pixels[*i][c]) > 1))
            .collect();
        assert!(
            wrong.is_empty(),
            "{what}: laid piece by piece {} pixels differ: {:?}",
            wrong.len(),
            wrong.first()
        );
        let shapes = bench.ctx.tessellate(output.shapes, scale);
        let whole = Picture::new(points, scale, ground, &shapes, &bench.textures);
        let off = picture
            .pixels
            .iter()
            .zip(&whole.pixels)
            .map(|(a, b)| (0..3).map(|i| (a[i] - b[i]).abs()).fold(0.0, f32::max));
        let wrong: Vec<usize> =
            off.enumerate().filter(|(_, off)| *off > ROUNDING).map(|(place, _)| place).collect();
        let places = wrong.iter().take(5).map(|place| (place % whole.width, place / whole.width));
        let places: Vec<_> = places.collect();
        assert!(wrong.is_empty(), "{what}: {} pixels are not what they should be: {places:?}", wrong.len());
        let worst = at_once.pixels.iter().zip(&whole.pixels).map(|([blue, green, red, _], other)| {
            let own = [red, green, blue].map(|v| f32::from(*v));
            (0..3).map(|i| (own[i] - other[i]).abs()).fold(0.0, f32::max)
        });
        let (place, worst) = worst.enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).expect("there are pixels");
        let at = (place % whole.width, place / whole.width);
        assert!(worst <= LAYERS, "{what}: by the window's own painter {at:?} is off by {worst}");
        (self.picture, self.laid) = (Some(picture), Some(laid));
    }
}

/// Lets the band play on for one frame of 30 a second.
fn play_on(bench: &mut Bench) {
    let beats = 0.033 * bench.status.tempo_bpm / 60.0;
    bench.status.pos_beats += beats;
    bench.status.peak = 0.2 + 0.15 * (bench.status.pos_beats as f32 * 7.0).sin();
    bench.snapshot.heard_s += 0.033;
    if let Some(place) = &mut bench.snapshot.place {
        place.beat = bench.status.pos_beats;
        place.bar_start = (place.beat / 4.0).floor() * 4.0;
    }
}

#[test]
fn while_the_band_plays() {
    for (light, pixels) in [(false, 1.0), (true, 1.5)] {
        let mut bench = Bench::new(State::Locked, MIN_SIZE);
        (bench.look.light, bench.pixels) = (light, pixels);
        bench.desk.selection = Some(crate::editor::selection::Selection {
            from_beat: 16.0,
            to_beat: 20.0,
            on_heard_beat: false,
        });
        bench.rest();
        let mut kept = Kept::new();
        for frame in 0..9 {
            play_on(&mut bench);
            if frame == 5 {
                // A bar is fixed, a knob turned by the host.
                let mut plan = bench.snapshot.plan.as_deref().cloned().unwrap();
                plan.committed_beat = 28.0;
                bench.snapshot.plan = Some(Arc::new(plan));
                bench.values[ParamId::Energy.index()] = 0.9;
            }
            let output = bench.frame(Vec::new(), Modifiers::NONE);
            kept.follow(&mut bench, output, &format!("frame {frame}, light {light}"));
            let all = (bench.size.x * bench.size.y * pixels * pixels) as i64;
            let share = kept.painted as f64 / all as f64;
            assert!(frame < 2 || frame == 5 || share < 0.2, "frame {frame}: {share} of the window");
        }
    }
}

#[test]
fn under_the_hand_and_at_rest() {
    let mut bench = Bench::new(State::Locked, USUAL_SIZE);
    bench.look.tips = true;
    bench.rest();
    let mut kept = Kept::new();
    let over = |bench: &Bench, name: &str| bench.place(name).center();
    let places: Vec<Pos2> = ["[Energy]", "[Key]", "[Chord 1]", "[Drums lane]", "[Undo]", "[Preview level]"]
        .into_iter()
        .filter(|name| bench.desk.placed.as_ref().unwrap().iter().any(|(n, _)| n == name))
        .map(|name| over(&bench, name))
        .collect();
    assert!(places.len() >= 5);
    let button = |at, pressed| Event::PointerButton {
        pos: at,
        button: PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    for (i, at) in places.into_iter().enumerate() {
        let steps = [vec![Event::PointerMoved(at)], vec![button(at, true)], vec![button(at, false)], vec![]];
        for (j, events) in steps.into_iter().enumerate() {
            play_on(&mut bench);
            let output = bench.frame(events, Modifiers::NONE);
            kept.follow(&mut bench, output, &format!("place {i}, step {j}"));
        }
    }
    bench.key(egui::Key::Escape);
    bench.key(egui::Key::Escape);
    bench.frame(vec![Event::PointerGone], Modifiers::NONE);
    for i in 0..3 {
        // What still fades has faded.
        bench.time += 10.0;
        bench.rest();
        let output = bench.frame(Vec::new(), Modifiers::NONE);
        kept.follow(&mut bench, output, &format!("rest {i}"));
    }
    assert_eq!(kept.painted, 0, "what does not change is not painted");
}
