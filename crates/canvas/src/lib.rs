//! Keeps what a window shows from frame to frame, so that only what changed is painted.
//!
//! egui paints every frame anew. Where graphics are software that is dear: every pixel is reckoned on the processor.
//! [`Canvas`] stands between egui and its painter: it compares the shapes of a frame with those of the frame before,
//! tile by tile, lets only those be painted that touch what changed, on a picture that is kept, and copies that picture into
//! the window. Parts that move sideways ([`Scroll`]) are moved as pixels. It has no say in what is shown: every pixel is as
//! egui's own painter would have made it.
//!
//! Where graphics are the graphics processor's it does nothing, for there the painting is not what costs.
//!
//! ```
//! let ctx = egui::Context::default();
//! ctx.add_plugin(backline_canvas::Canvas::default());
//! // In each frame, once all is painted:
//! let ground = egui::Color32::BLACK;
//! ctx.with_plugin(|canvas: &mut backline_canvas::Canvas| canvas.set(ground, Vec::new()));
//! ```

mod area;
mod digest;
mod plan;
#[allow(unsafe_code, reason = "OpenGL is called through foreign functions")]
mod surface;
mod tiles;

use std::sync::Arc;

use egui::epaint::{ClippedShape, Primitive};
use egui::{Color32, Context, FullOutput, Rect, Shape, pos2, vec2};

pub use area::Area;
pub use plan::{Memory, Plan, Scroll, Shift, View, within};
use surface::{State, Surface};

/// Stands between egui and its painter; an egui plugin.
#[derive(Default)]
pub struct Canvas {
    ground: Color32,
    scrolls: Vec<Scroll>,
    memory: Memory,
    surface: Arc<Surface>,
}

impl Canvas {
    /// What lies under all shapes of this frame, and what moves sideways in it.
    pub fn set(&mut self, ground: Color32, scrolls: Vec<Scroll>) {
        self.ground = ground;
        self.scrolls = scrolls;
    }

    fn keep(&mut self, ctx: &Context, output: &mut FullOutput) {
        let scale = ctx.pixels_per_point();
        let view = View { size: pixels(ctx), scale, ground: self.ground };
        let plan = self.memory.plan(&output.shapes, view, &self.scrolls);
        // The picture lies upside down: so a copy into the window needs not be turned, since windows' rows run down
        // and OpenGL's run up.
        let height = view.size[1] as f32 / scale;
        let mut upside_down = Vec::new();
        if !plan.shifts.is_empty() || !plan.areas.is_empty() {
            upside_down.push(call(ctx, self.surface.begin(view.size, plan.shifts)));
        }
        for area in &plan.areas {
            let mut shapes = within(&output.shapes, area, scale);
            let [left, top, right, bottom] =
                [area.left, area.top, area.right, area.bottom].map(|v| v as f32 / scale);
            let rect = Rect::from_min_max(pos2(left, top), pos2(right, bottom));
            let mut ground = egui::Mesh::default();
            ground.add_colored_rect(rect, self.ground);
            shapes.insert(0, ClippedShape::new(rect, ground));
            for primitive in ctx.tessellate(shapes, scale) {
                let Primitive::Mesh(mut mesh) = primitive.primitive else { continue };
                mesh.vertices.iter_mut().for_each(|vertex| vertex.pos.y = height - vertex.pos.y);
                let clip = primitive.clip_rect;
                let clip_rect = Rect::from_min_max(
                    pos2(clip.left(), height - clip.bottom()),
                    pos2(clip.right(), height - clip.top()),
                );
                upside_down.push(ClippedShape::new(clip_rect, mesh));
            }
        }
        upside_down.push(call(ctx, self.surface.show(view.size)));
        output.shapes = upside_down;
    }
}

/// The window's size.
fn pixels(ctx: &Context) -> [u32; 2] {
    let size = ctx.viewport_rect().size() * ctx.pixels_per_point();
    [size.x.round() as u32, size.y.round() as u32]
}

/// A call that is made while the window is painted.
fn call(ctx: &Context, callback: egui_glow::CallbackFn) -> ClippedShape {
    // Something to paint on has to be given, though it is not looked at.
    let rect = Rect::from_min_size(ctx.viewport_rect().min, vec2(16.0, 16.0));
    let callback = egui::epaint::PaintCallback { rect, callback: Arc::new(callback) };
    ClippedShape::new(ctx.viewport_rect(), Shape::Callback(callback))
}

impl egui::Plugin for Canvas {
    fn debug_name(&self) -> &'static str {
        "backline canvas"
    }

    fn output_hook(&mut self, ctx: &Context, output: &mut FullOutput) {
        // A pass that egui throws away is not seen.
        if output.platform_output.requested_discard() {
            return;
        }
        match self.surface.state() {
            State::Unknown => {
                self.memory.forget();
                output.shapes.push(call(ctx, self.surface.ask(pixels(ctx))));
            }
            State::Kept => self.keep(ctx, output),
            State::Refused => {}
        }
    }
}
