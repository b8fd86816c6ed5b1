//! A painter on the processor: triangles become pixels, as OpenGL would make them.
//!
//! Where graphics are software OpenGL is the processor too, but made for whole screens: each of its calls sets up much and wakes
//! threads, which for the few pixels that change from frame to frame is most of what they cost. Places are whole numbers of
//! 256ths of a pixel, as in OpenGL's own painters, so a pixel is the same whatever part of the window is painted.

use egui::epaint::{ImageDelta, Mesh, Vertex};
use egui::{Color32, ColorImage, ImageData, TextureId, TexturesDelta};

use crate::area::Area;

/// Parts of a pixel.
const PARTS: i64 = 256;
/// Places are no farther away than this, in parts of a pixel.
const FARTHEST: f64 = (1u64 << 29) as f64;
/// A row this long is looked through pixel by pixel; in a longer one it is reckoned where it begins and ends.
const SHORT: i64 = 12;

/// The glyphs, and a white spot for all that is no text: the one texture that egui paints with by itself.
#[derive(Default)]
pub struct Glyphs(Option<ColorImage>);

impl Glyphs {
    /// Takes over what has changed.
    pub fn update(&mut self, delta: &TexturesDelta) {
        for ImageDelta { image: ImageData::Color(image), pos, .. } in
            delta.set.get(&TextureId::default()).into_iter().flatten()
        {
            match (pos, &mut self.0) {
                (Some([left, top]), Some(whole)) => {
                    for (y, row) in image.pixels.chunks(image.size[0].max(1)).enumerate() {
                        let start = (top + y) * whole.size[0] + left;
                        whole.pixels[start..start + row.len()].copy_from_slice(row);
                    }
                }
                (None, known) => *known = Some(ColorImage::clone(image)),
                (Some(_), None) => {}
            }
        }
    }

    /// Lets go of them.
    pub fn clear(&mut self) {
        self.0 = None;
    }

    /// Of four texels the mean, weighed by how near they are: red, green, blue, alpha.
    fn sample(image: &ColorImage, u: f32, v: f32) -> [f32; 4] {
        let [width, height] = image.size;
        // In 256ths: between texels that lie on the pixels no mean is taken.
        let place = |share: f32, size: usize| ((share * size as f32 - 0.5) * 256.0 + 0.5).max(0.0) as i64;
        let (x, y) = (place(u, width), place(v, height));
        let (fx, fy) = ((x & 255) as f32 / 256.0, (y & 255) as f32 / 256.0);
        let texel = |x: i64, y: i64| {
            let within = |place: i64, size: usize| (place.max(0) as usize).min(size - 1);
            let colour: Color32 = image.pixels[within(y, height) * width + within(x, width)];
            colour.to_array().map(f32::from)
        };
        let (x, y) = (x >> 8, y >> 8);
        if fx == 0.0 && fy == 0.0 {
            return texel(x, y);
        }
        let (a, b, c, d) = (texel(x, y), texel(x + 1, y), texel(x, y + 1), texel(x + 1, y + 1));
        std::array::from_fn(|i| {
            let (top, bottom) = (a[i] + (b[i] - a[i]) * fx, c[i] + (d[i] - c[i]) * fx);
            top + (bottom - top) * fy
        })
    }
}

/// A part of the window, painted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paper {
    /// The part.
    pub area: Area,
    /// Its pixels, row by row from the top: blue, green, red, alpha.
    pub pixels: Vec<[u8; 4]>,
}

/// A corner's place, in parts of a pixel.
type Place = (i64, i64);

/// An edge of a triangle: what lies within is on its positive side.
#[derive(Clone, Copy)]
struct Edge {
    from: Place,
    across: i64,
    down: i64,
    /// What is on it belongs to the triangle on its other side: one where it does.
    others: i64,
}

impl Edge {
    const fn new(from: Place, to: Place) -> Self {
        let (across, down) = (to.0 - from.0, to.1 - from.1);
        let own = down < 0 || down == 0 && across > 0;
        Self { from, across, down, others: if own { 0 } else { 1 } }
    }

    /// Twice the area of the triangle with a pixel's centre; less by what `others` says.
    const fn at(&self, x: i64, y: i64) -> i64 {
        let (x, y) = (x * PARTS + PARTS / 2, y * PARTS + PARTS / 2);
        self.across * (y - self.from.1) - self.down * (x - self.from.0) - self.others
    }

    /// The first pixel of a row that is within, and one past the last, as far as this edge says. It has `first` at the row's
    /// first pixel.
    const fn row(&self, first: i64) -> (i64, i64) {
        let less = self.down * PARTS;
        if less > 0 {
            (i64::MIN, first.div_euclid(less) + 1)
        } else if less < 0 {
            (-first.div_euclid(-less), i64::MAX)
        } else if first >= 0 {
            (i64::MIN, i64::MAX)
        } else {
            (i64::MAX, i64::MIN)
        }
    }
}

impl Paper {
    /// Without colour yet.
    pub fn new(area: Area) -> Self {
        Self { area, pixels: vec![[0; 4]; area.size() as usize] }
    }

    /// Paints triangles, cut off at `clip`; `false` if it has not what they are painted with.
    pub fn paint(&mut self, mesh: &Mesh, clip: &Area, scale: f32, glyphs: &Glyphs) -> bool {
        let Some(image) = glyphs.0.as_ref().filter(|_| mesh.texture_id == TextureId::default()) else {
            return false;
        };
        let clip = clip.and(&self.area);
        if clip.is_empty() {
            return true;
        }
        let nearest = |points: f32| {
            /// Makes all places positive, so that cutting off what follows the point rounds down.
            const UP: f64 = (1u64 << 32) as f64;
            let place = f64::from(points * scale) * PARTS as f64;
            // What lies beyond all windows, or nowhere, must not break the reckoning with whole numbers.
            let place = if place.is_nan() { -FARTHEST } else { place.clamp(-FARTHEST, FARTHEST) };
            (place + (UP + 0.5)) as i64 - (1 << 32)
        };
        let places: Vec<Place> =
            mesh.vertices.iter().map(|corner| (nearest(corner.pos.x), nearest(corner.pos.y))).collect();
        for corners in mesh.indices.chunks_exact(3) {
            let corners = [corners[0], corners[1], corners[2]].map(|corner| corner as usize);
            let at = corners.map(|corner| places[corner]);
            let near = reached(at).and(&clip);
            if !near.is_empty() {
                self.triangle(at, corners.map(|corner| &mesh.vertices[corner]), &near, image);
            }
        }
        true
    }

    fn triangle(&mut self, mut at: [Place; 3], mut look: [&Vertex; 3], near: &Area, image: &ColorImage) {
        let [a, b, c] = at;
        let whole = (b.0 - a.0) * (c.1 - a.1) - (b.1 - a.1) * (c.0 - a.0);
        if whole == 0 {
            return;
        }
        if whole < 0 {
            at.swap(1, 2);
            look.swap(1, 2);
        }
        let edges = [Edge::new(at[1], at[2]), Edge::new(at[2], at[0]), Edge::new(at[0], at[1])];
        let shade = Shade::new(look, edges, whole.unsigned_abs(), image);
        let wide = self.area.right - self.area.left;
        let mut place = (near.top - self.area.top) * wide + near.left - self.area.left;
        let mut first = edges.map(|edge| edge.at(near.left, near.top));
        for _ in near.top..near.bottom {
            let (mut from, mut to) = (0, near.right - near.left);
            if to > SHORT {
                for (edge, first) in edges.iter().zip(first) {
                    let (begin, end) = edge.row(first);
                    (from, to) = (from.max(begin), to.min(end));
                }
            } else {
                let side = |i: usize, x: i64| first[i] - edges[i].down * PARTS * x;
                // All three signs at once.
                let within = |x: i64| side(0, x) | side(1, x) | side(2, x) >= 0;
                while from < to && !within(from) {
                    from += 1;
                }
                while from < to && !within(to - 1) {
                    to -= 1;
                }
            }
            if from < to {
                shade.row(&mut self.pixels[(place + from) as usize..(place + to) as usize], from, first);
            }
            place += wide;
            for (first, edge) in first.iter_mut().zip(&edges) {
                *first += edge.across * PARTS;
            }
        }
    }
}

/// The pixels whose centres a triangle may hold.
fn reached([a, b, c]: [Place; 3]) -> Area {
    let first = |a: i64, b: i64, c: i64| (a.min(b).min(c) + PARTS / 2 - 1).div_euclid(PARTS);
    let end = |a: i64, b: i64, c: i64| (a.max(b).max(c) + PARTS / 2).div_euclid(PARTS);
    Area::new(first(a.0, b.0, c.0), first(a.1, b.1, c.1), end(a.0, b.0, c.0), end(a.1, b.1, c.1))
}

/// What colour a triangle has, and where.
struct Shade<'a> {
    look: [&'a Vertex; 3],
    edges: [Edge; 3],
    /// One over twice the triangle's area.
    part: f32,
    image: &'a ColorImage,
    /// Its texel, if that is the same everywhere, of 255.
    texel: Option<[f32; 4]>,
    /// Its colour, if that is the same everywhere.
    flat: Option<[u8; 4]>,
}

impl<'a> Shade<'a> {
    fn new(look: [&'a Vertex; 3], edges: [Edge; 3], whole: u64, image: &'a ColorImage) -> Self {
        let [a, b, c] = look;
        let texel = (a.uv == b.uv && a.uv == c.uv).then(|| Glyphs::sample(image, a.uv.x, a.uv.y));
        let flat = texel.filter(|_| a.color == b.color && a.color == c.color);
        let flat = flat.map(|texel| tinted(a.color.to_array().map(f32::from), texel));
        Self { look, edges, part: 1.0 / whole as f32, image, texel, flat }
    }

    /// Paints a piece of a row, whose edges have `first` so many pixels before it.
    fn row(&self, pixels: &mut [[u8; 4]], from: i64, first: [i64; 3]) {
        match self.flat {
            Some([0, 0, 0, 0]) => {}
            Some(colour @ [.., 255]) => pixels.fill(colour),
            Some(colour) => pixels.iter_mut().for_each(|under| blend(under, colour)),
            None => {
                for (x, under) in (from..).zip(pixels) {
                    let share = |i: usize| {
                        let edge = &self.edges[i];
                        (first[i] - edge.down * PARTS * x + edge.others) as f32 * self.part
                    };
                    blend(under, self.at(share(1), share(2)));
                }
            }
        }
    }

    /// The colour where the second and the third corner have these shares.
    fn at(&self, second: f32, third: f32) -> [u8; 4] {
        // What is the same at all corners stays so to the last bit.
        let mean = |of: [f32; 3]| of[0] + (of[1] - of[0]) * second + (of[2] - of[0]) * third;
        let texel = self.texel.unwrap_or_else(|| {
            let (u, v) = (self.look.map(|corner| corner.uv.x), self.look.map(|corner| corner.uv.y));
            Glyphs::sample(self.image, mean(u), mean(v))
        });
        let colours = self.look.map(|corner| corner.color.to_array().map(f32::from));
        tinted(std::array::from_fn(|i| mean(colours.map(|colour| colour[i]))), texel)
    }
}

/// A texel in a colour, both red, green, blue, alpha of 255; as it is stored.
fn tinted(colour: [f32; 4], texel: [f32; 4]) -> [u8; 4] {
    /// A little less than a half: half of a colour, which soft edges are full of, is then rounded down however it was reckoned.
    const HALF: f32 = 0.498;
    [2, 1, 0, 3].map(|i: usize| (colour[i] * texel[i] / 255.0 + HALF) as u8)
}

/// Lays a colour over another, multiplied by its alpha already.
fn blend(under: &mut [u8; 4], over: [u8; 4]) {
    let through = 255 - u32::from(over[3]);
    for (under, over) in under.iter_mut().zip(over) {
        // The nearest 255th, by Blinn's shortcut (Three Wrongs Make a Right, 1995).
        let left = u32::from(*under) * through + 128;
        *under = over.saturating_add(((left + (left >> 8)) >> 8) as u8);
    }
}

#[cfg(test)]
mod tests {
    use egui::epaint::ImageDelta;
    use egui::{Pos2, TextureOptions, pos2};

    use super::*;

    /// A white texture.
    fn white() -> Glyphs {
        let image = ColorImage::filled([2, 2], Color32::WHITE);
        let mut delta = TexturesDelta::default();
        delta
            .set
            .entry(TextureId::default())
            .or_default()
            .push(ImageDelta::full(image, TextureOptions::LINEAR));
        let mut glyphs = Glyphs::default();
        glyphs.update(&delta);
        delta.clear();
        glyphs
    }

    /// Triangles round a point.
    fn fan(centre: Pos2, corners: &[(Pos2, Color32)]) -> Mesh {
        let mut mesh = Mesh::default();
        mesh.colored_vertex(centre, Color32::from_rgba_premultiplied(60, 50, 40, 128));
        corners.iter().for_each(|(at, colour)| mesh.colored_vertex(*at, *colour));
        let count = corners.len() as u32;
        (0..count).for_each(|i| mesh.add_triangle(0, 1 + i, 1 + (i + 1) % count));
        mesh
    }

    fn octagon() -> Mesh {
        let corners: Vec<(Pos2, Color32)> = (0..8u8)
            .map(|i| {
                let angle = f32::from(i) * std::f32::consts::FRAC_PI_4 + 0.1;
                let at = pos2(40.0 + 30.3 * angle.cos(), 33.0 + 27.7 * angle.sin());
                (at, Color32::from_rgba_premultiplied(10 * i, 80, 100 - 10 * i, 128))
            })
            .collect();
        fan(pos2(41.7, 30.2), &corners)
    }

    #[test]
    fn triangles_that_share_an_edge_leave_no_gap_and_paint_nothing_twice() {
        let mut paper = Paper::new(Area::new(0, 0, 80, 70));
        let clip = paper.area;
        let half = Color32::from_rgba_premultiplied(0, 0, 0, 128);
        let corners =
            [(0.0, 0.0), (31.2, 0.0), (80.0, 0.0), (80.0, 70.0), (13.9, 70.0), (0.0, 70.0), (0.0, 44.4)];
        let mut mesh = fan(pos2(33.3, 29.1), &corners.map(|(x, y)| (pos2(x, y), half)));
        mesh.vertices.iter_mut().for_each(|vertex| vertex.color = half);
        paper.pixels.fill([200; 4]);
        assert!(paper.paint(&mesh, &clip, 1.0, &white()));
        let once = paper.pixels[0];
        assert!(once[0] > 90 && once[0] < 110, "{once:?}");
        assert!(paper.pixels.iter().all(|pixel| *pixel == once), "each pixel belongs to one triangle");
    }

    #[test]
    fn a_pixel_is_the_same_whatever_part_is_painted() {
        for scale in [1.0, 1.5] {
            let (mesh, glyphs) = (octagon(), white());
            let mut whole = Paper::new(Area::new(0, 0, 120, 105));
            let clip = whole.area;
            whole.paint(&mesh, &clip, scale, &glyphs);
            assert!(whole.pixels.iter().any(|pixel| pixel[3] > 0));
            // Narrow and wide ones: rows are gone through in two ways.
            for area in [Area::new(30, 3, 33, 105), Area::new(7, 20, 118, 31), Area::new(50, 40, 51, 41)] {
                let mut part = Paper::new(area);
                part.paint(&mesh, &clip, scale, &glyphs);
                for (i, pixel) in part.pixels.iter().enumerate() {
                    let (width, i) = (area.right - area.left, i as i64);
                    let (x, y) = (area.left + i % width, area.top + i / width);
                    assert_eq!(*pixel, whole.pixels[(y * 120 + x) as usize], "{x}, {y} at {scale}");
                }
            }
        }
    }

    #[test]
    fn a_corner_that_lies_nowhere_breaks_nothing() {
        let mut paper = Paper::new(Area::new(0, 0, 80, 70));
        let clip = paper.area;
        for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, -1e9] {
            for place in [pos2(wrong, 10.0), pos2(10.0, wrong), pos2(wrong, wrong)] {
                let mut mesh = octagon();
                mesh.vertices[3].pos = place;
                assert!(paper.paint(&mesh, &clip, 2.0, &white()));
            }
        }
    }

    #[test]
    fn what_it_has_no_texture_for_it_leaves() {
        let mut paper = Paper::new(Area::new(0, 0, 4, 4));
        let clip = paper.area;
        let mut mesh = octagon();
        assert!(!paper.paint(&mesh, &clip, 1.0, &Glyphs::default()));
        mesh.texture_id = TextureId::User(7);
        assert!(!paper.paint(&mesh, &clip, 1.0, &white()));
    }
}
