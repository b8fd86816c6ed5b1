//! What a shape looks like, in one number, so that two frames can be compared without keeping the shapes.

use egui::emath::TSTransform;
use egui::epaint::{CircleShape, ClippedShape, PathShape, PathStroke, RectShape, TextShape};
use egui::{Color32, Pos2, Rect, Shape, Stroke, StrokeKind};

/// Places are told apart to this part of a pixel: far finer than is seen, and coarser than what adding and taking
/// away again does to them.
const PARTS: f64 = 16.0;
/// How far beyond its bounds a shape's soft edge reaches, in pixels.
const SOFT: f32 = 2.0;

/// Numbers stirred into one, by the finishing steps of Vigna's SplitMix64.
#[derive(Debug, Clone, Copy)]
pub struct Mix(pub u64);

impl Mix {
    /// Nothing yet, of a kind.
    pub const fn new(kind: u64) -> Self {
        Self(kind.wrapping_add(0x9E37_79B9_7F4A_7C15))
    }

    /// Stirs a number in.
    pub const fn add(&mut self, value: u64) {
        let mut z = (self.0 ^ value).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z ^= z >> 29;
        self.0 = z.wrapping_mul(0x94D0_49BB_1331_11EB) ^ (z >> 32);
    }

    fn pair(&mut self, a: f32, b: f32) {
        self.add(u64::from(a.to_bits()) << 32 | u64::from(b.to_bits()));
    }

    fn colour(&mut self, colour: Color32) {
        self.add(u64::from(u32::from_le_bytes(colour.to_array())));
    }

    fn stroke(&mut self, stroke: &Stroke) {
        self.add(u64::from(stroke.width.to_bits()));
        self.colour(stroke.color);
    }
}

/// Where points lie on a sheet of pixels that may be moved to the left under the window.
#[derive(Debug, Clone, Copy)]
pub struct Sheet {
    /// Pixels of a point.
    pub scale: f32,
    /// How far the sheet has been moved, in pixels.
    pub moved: i64,
}

impl Sheet {
    /// A column, in parts of a pixel.
    pub fn x(&self, points: f32) -> i64 {
        self.y(points).saturating_add(self.moved * PARTS as i64)
    }

    /// A row, in parts of a pixel.
    pub fn y(&self, points: f32) -> i64 {
        nearest(f64::from(points * self.scale) * PARTS)
    }

    fn at(&self, mix: &mut Mix, at: Pos2) {
        mix.add(self.x(at.x) as u64);
        mix.add(self.y(at.y) as u64);
    }
}

/// The nearest whole number, without the call that rounding costs on processors of every age; a half goes up.
fn nearest(value: f64) -> i64 {
    /// Makes all places positive, so that cutting off what follows the point rounds down.
    const UP: f64 = (1u64 << 32) as f64;
    ((value + (UP + 0.5)) as i64).saturating_sub(1 << 32)
}

/// A part of a pixel's share in whole pixels: [`Sheet::x`] to columns.
pub const fn part(pixels: i64) -> i64 {
    pixels * PARTS as i64
}

/// A shape as it is compared.
#[derive(Debug, Clone, Copy)]
pub struct Digest {
    /// Where it paints, in points.
    pub bounds: Rect,
    /// A rectangle that looks the same all along each edge but for corners of this size, in points; anything else counts as
    /// a whole.
    pub plain: Option<f32>,
    /// How far an edge of `bounds` is seen, in points: farther within there is the fill alone.
    pub reach: f32,
    /// Its fill, where that is one colour without gaps.
    pub fill: Option<Color32>,
    /// It has no fill.
    pub hollow: bool,
    /// What it is, but for where.
    pub look: u64,
}

impl Digest {
    /// The digest of a shape; `None` for one that paints nothing.
    pub fn of(clipped: &ClippedShape, scale: f32) -> Option<Self> {
        let shape = &clipped.shape;
        // A mesh is painted as it is.
        let mut soft = SOFT / scale;
        let (bounds, plain, look) = match shape {
            Shape::Noop => return None,
            Shape::Rect(rect) if clipped.transform_after_tessellation == TSTransform::IDENTITY => {
                return of_rect(rect, soft);
            }
            Shape::LineSegment { points: [a, b], stroke } => {
                let bounds = Rect::from_two_pos(*a, *b).expand(stroke.width / 2.0);
                let mut mix = Mix::new(2);
                mix.stroke(stroke);
                let straight = a.x == b.x || a.y == b.y;
                (bounds, straight.then_some(0.0), mix.0)
            }
            Shape::Text(text) => (text.visual_bounding_rect(), None, of_text(text)),
            Shape::Circle(CircleShape { fill, stroke, .. }) => {
                let mut mix = Mix::new(4);
                mix.colour(*fill);
                mix.stroke(stroke);
                (shape.visual_bounding_rect(), None, mix.0)
            }
            Shape::Path(PathShape { closed, fill, stroke, .. }) => {
                let mut mix = Mix::new(5);
                mix.add(u64::from(*closed));
                mix.colour(*fill);
                path_stroke(&mut mix, stroke)?;
                (shape.visual_bounding_rect(), None, mix.0)
            }
            Shape::Mesh(mesh) => {
                soft = 0.0;
                let mut mix = Mix::new(6);
                for vertex in &mesh.vertices {
                    mix.pair(vertex.uv.x, vertex.uv.y);
                    mix.colour(vertex.color);
                }
                mesh.indices.iter().for_each(|i| mix.add(u64::from(*i)));
                (mesh.calc_bounds(), None, mix.0)
            }
            _ => (shape.visual_bounding_rect(), None, 0),
        };
        let moved = clipped.transform_after_tessellation;
        if moved != TSTransform::IDENTITY {
            return Some(Self {
                bounds: (moved * bounds).expand(soft),
                plain: None,
                reach: 0.0,
                fill: None,
                hollow: false,
                look,
            });
        }
        bounds.is_finite().then(|| Self {
            bounds: bounds.expand(soft),
            plain,
            reach: 2.0 * soft,
            fill: None,
            hollow: false,
            look,
        })
    }
}

impl Digest {
    /// The one colour that it paints on all of a rectangle, if it does.
    pub fn covers(&self, rect: &Rect) -> Option<Color32> {
        self.fill.filter(|_| self.is_around(rect))
    }

    /// Whether it only goes round a rectangle.
    pub fn frames(&self, rect: &Rect) -> bool {
        self.hollow && self.is_around(rect)
    }

    /// Whether its corners are round, but lie beside a rectangle, where it looks as if they were not.
    pub fn is_straight_in(&self, rect: &Rect) -> bool {
        let Some(corner) = self.plain.filter(|corner| *corner > 0.0) else { return false };
        let within = self.bounds.shrink(corner);
        let beside = rect.left() >= within.left() && rect.right() <= within.right();
        beside || rect.top() >= within.top() && rect.bottom() <= within.bottom()
    }

    /// Whether its edges and corners lie beside a rectangle.
    fn is_around(&self, rect: &Rect) -> bool {
        let edge = self.plain.map(|corner| self.reach.max(corner) + SOFT);
        edge.is_some_and(|edge| self.bounds.shrink(edge).contains_rect(*rect))
    }
}

/// Stirs in where a shape lies; `false` for a kind of shape that is not known here, which then counts as changed.
pub fn place(clipped: &ClippedShape, sheet: &Sheet, mix: &mut Mix) -> bool {
    if clipped.transform_after_tessellation != TSTransform::IDENTITY {
        return false;
    }
    match &clipped.shape {
        Shape::Noop => {}
        Shape::Rect(RectShape { rect, .. }) => {
            sheet.at(mix, rect.min);
            sheet.at(mix, rect.max);
        }
        Shape::LineSegment { points, .. } => points.iter().for_each(|at| sheet.at(mix, *at)),
        Shape::Text(text) => sheet.at(mix, text.pos),
        Shape::Circle(circle) => {
            sheet.at(mix, circle.center);
            mix.add(u64::from(circle.radius.to_bits()));
        }
        Shape::Path(path) => path.points.iter().for_each(|at| sheet.at(mix, *at)),
        Shape::Mesh(mesh) => mesh.vertices.iter().for_each(|vertex| sheet.at(mix, vertex.pos)),
        _ => return false,
    }
    true
}

fn of_rect(shape: &RectShape, soft: f32) -> Option<Digest> {
    let RectShape { rect, corner_radius, fill, stroke, stroke_kind, blur_width, brush, angle, .. } = shape;
    let mut mix = Mix::new(1);
    mix.colour(*fill);
    mix.stroke(stroke);
    let radii = [corner_radius.nw, corner_radius.ne, corner_radius.sw, corner_radius.se];
    mix.add(u64::from(u32::from_le_bytes(radii)));
    mix.add(match stroke_kind {
        StrokeKind::Inside => 0,
        StrokeKind::Outside => 1,
        StrokeKind::Middle => 2,
    });
    mix.pair(*blur_width, *angle);
    let simple = *blur_width == 0.0 && brush.is_none() && *angle == 0.0;
    let flat = simple && stroke.is_empty();
    if flat && *fill == Color32::TRANSPARENT {
        return None;
    }
    let radius = radii.into_iter().max().unwrap_or(0);
    // The tessellator bends a little more than it is asked to.
    let corner = if radius == 0 { 0.0 } else { f32::from(radius) + 1.0 };
    let reach = 2.0 * soft + stroke.width;
    let bounds = shape.visual_bounding_rect();
    if !rect.is_finite() {
        return None;
    }
    Some(Digest {
        bounds: bounds.expand(soft),
        plain: simple.then_some(if corner > 0.0 { corner + reach } else { 0.0 }),
        reach,
        fill: (simple && fill.is_opaque()).then_some(*fill),
        hollow: *fill == Color32::TRANSPARENT,
        look: mix.0,
    })
}

fn of_text(text: &TextShape) -> u64 {
    let mut mix = Mix::new(3);
    mix.stroke(&text.underline);
    mix.colour(text.fallback_color);
    text.override_text_color.into_iter().for_each(|colour| mix.colour(colour));
    mix.pair(text.opacity_factor, text.angle);
    // The glyphs themselves, and not the text: what is selected in a field is painted among them.
    for row in &text.galley.rows {
        mix.pair(row.pos.x, row.pos.y);
        for vertex in &row.visuals.mesh.vertices {
            mix.pair(vertex.pos.x, vertex.pos.y);
            mix.pair(vertex.uv.x, vertex.uv.y);
            mix.colour(vertex.color);
        }
    }
    mix.0
}

/// `None` where there is nothing to paint.
fn path_stroke(mix: &mut Mix, stroke: &PathStroke) -> Option<()> {
    mix.add(u64::from(stroke.width.to_bits()));
    if let egui::epaint::ColorMode::Solid(colour) = &stroke.color {
        mix.colour(*colour);
    }
    Some(())
}
