//! Keeps what a window shows from frame to frame, so that only what changed is painted.
//!
//! egui paints every frame anew. Where graphics are software that is dear: every pixel is reckoned on the processor.
//! [`Canvas`] stands between egui and its painter: it compares the shapes of a frame with those of the frame before, those that
//! came or went where they move tile by tile, and paints only those that touch what changed, on the window's own pixels, which the system is asked to
//! keep. Parts that move sideways ([`Scroll`]) are moved as pixels. It has no say in what is shown: every pixel is as
//! egui's own painter would have made it, but for how numbers are rounded: it is painted here, on the processor, where setting
//! up OpenGL for a few pixels would cost more than the pixels ([`Paper`]).
//!
//! Where graphics are the graphics processor's it does nothing, for there the painting is not what costs; nor where the system
//! does not keep a window's pixels.
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
mod painter;
mod plan;
#[allow(unsafe_code, reason = "OpenGL is called through foreign functions")]
mod surface;
mod tiles;

use std::sync::Arc;

use baseview::gl::GlContext;
use egui::epaint::ClippedShape;
use egui::epaint::Primitive;
use egui::{Color32, Context, FullOutput, Rect, Shape, vec2};

pub use area::Area;
pub use painter::{Glyphs, Paper};
pub use plan::{Memory, Moved, Plan, Scroll, Shift, View};
use surface::{Egl, State, Surface};

/// Stands between egui and its painter; an egui plugin.
#[derive(Default)]
pub struct Canvas {
    ground: Color32,
    scrolls: Vec<Scroll>,
    memory: Memory,
    glyphs: Glyphs,
    surface: Arc<Surface>,
}

impl Canvas {
    /// For a window with these graphics.
    pub fn of(gl: &GlContext) -> Self {
        Self { surface: Arc::new(Surface::new(Egl::of(gl))), ..Self::default() }
    }

    /// What lies under all shapes of this frame, and what moves sideways in it.
    pub fn set(&mut self, ground: Color32, scrolls: Vec<Scroll>) {
        self.ground = ground;
        self.scrolls = scrolls;
    }

    fn keep(&mut self, ctx: &Context, output: &mut FullOutput) {
        let scale = ctx.pixels_per_point();
        let view = View { size: pixels(ctx), scale, ground: self.ground };
        if self.surface.lost() {
            self.memory.forget();
        }
        soft_edges(ctx);
        let shapes = std::mem::take(&mut output.shapes);
        let plan = self.memory.plan(shapes, view, &self.scrolls);
        if plan == Plan::default() {
            return;
        }
        let papers = plan.areas.iter().map(|area| self.memory.painted(ctx, area, &self.glyphs));
        let papers: Option<Vec<Paper>> = papers.collect();
        let by_egui = papers.is_none();
        output.shapes.push(call(ctx, self.surface.begin(view.size, &plan, papers.unwrap_or_default())));
        for area in plan.areas.iter().filter(|_| by_egui) {
            output.shapes.extend(self.memory.within(area));
        }
        output.shapes.push(call(ctx, self.surface.end(view.size, &plan)));
    }
}

impl Memory {
    /// An area as [`Self::within`] says, painted; `None` if egui's own painter has to.
    pub fn painted(&self, ctx: &Context, area: &Area, glyphs: &Glyphs) -> Option<Paper> {
        let scale = ctx.pixels_per_point();
        let mut paper = Paper::new(*area);
        let known = ctx.tessellate(self.within(area), scale).into_iter().all(|part| match &part.primitive {
            Primitive::Mesh(mesh) => paper.paint(mesh, &plan::pixels(&part.clip_rect, scale), scale, glyphs),
            Primitive::Callback(_) => false,
        });
        known.then_some(paper)
    }
}

/// Has egui paint what [`Memory::within`] gives as it stands: of what it thinks lies beside a part it would leave out the soft
/// edge that reaches in.
pub fn soft_edges(ctx: &Context) {
    ctx.options_mut(|options| options.tessellation_options.coarse_tessellation_culling = false);
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
        let state = self.surface.state();
        // Also of a pass that egui throws away: what was new in it is not told again.
        match state {
            State::Refused => self.glyphs.clear(),
            State::Unknown | State::Kept => self.glyphs.update(&output.textures_delta),
        }
        // The rest of such a pass is not seen.
        if output.platform_output.requested_discard() {
            return;
        }
        match state {
            State::Unknown => {
                self.memory.forget();
                output.shapes.push(call(ctx, self.surface.ask()));
            }
            State::Kept => self.keep(ctx, output),
            State::Refused => {}
        }
    }
}
