//! A painter in software: what egui has laid out becomes pixels, the same on every machine.
//!
//! Triangles with a texture and a colour, blended as egui's own painters do: premultiplied, in gamma space.

use std::collections::BTreeMap;

use egui::epaint::{ImageDelta, Mesh, Primitive, Vertex};
use egui::{ClippedPrimitive, Color32, ColorImage, ImageData, Rect, TextureId, TexturesDelta, Vec2};

/// The textures so far.
#[derive(Default)]
pub struct Textures(BTreeMap<TextureId, ColorImage>);

impl Textures {
    /// Takes over what has changed.
    pub fn update(&mut self, delta: &TexturesDelta) {
        let all = delta.set.iter().flat_map(|(id, deltas)| deltas.iter().map(move |delta| (id, delta)));
        for (id, ImageDelta { image: ImageData::Color(image), pos, .. }) in all {
            match (pos, self.0.get_mut(id)) {
                (Some([left, top]), Some(whole)) => {
                    for (y, row) in image.pixels.chunks(image.size[0]).enumerate() {
                        let start = (top + y) * whole.size[0] + left;
                        whole.pixels[start..start + row.len()].copy_from_slice(row);
                    }
                }
                _ => {
                    self.0.insert(*id, ColorImage::clone(image));
                }
            }
        }
    }
}

/// A picture: rows of red, green, blue, alpha.
pub struct Picture {
    pub width: usize,
    pub height: usize,
    pub pixels: Vec<[f32; 4]>,
}

impl Picture {
    /// Paints `size` points at so many pixels a point, on a ground of one colour.
    pub fn new(
        size: Vec2,
        scale: f32,
        ground: Color32,
        shapes: &[ClippedPrimitive],
        textures: &Textures,
    ) -> Self {
        let (width, height) = ((size.x * scale) as usize, (size.y * scale) as usize);
        let ground = ground.to_array().map(f32::from);
        let mut picture = Self { width, height, pixels: vec![ground; width * height] };
        picture.paint(scale, shapes, textures);
        picture
    }

    /// Paints on what is there.
    pub fn paint(&mut self, scale: f32, shapes: &[ClippedPrimitive], textures: &Textures) {
        for ClippedPrimitive { clip_rect, primitive } in shapes {
            if let Primitive::Mesh(mesh) = primitive {
                self.mesh(*clip_rect, scale, mesh, &textures.0[&mesh.texture_id]);
            }
        }
    }

    fn mesh(&mut self, clip: Rect, scale: f32, mesh: &Mesh, texture: &ColorImage) {
        for triangle in mesh.indices.chunks_exact(3) {
            let corners = [0, 1, 2].map(|i| mesh.vertices[triangle[i] as usize]);
            self.triangle(clip, scale, corners, texture);
        }
    }

    fn triangle(&mut self, clip: Rect, scale: f32, mut v: [Vertex; 3], texture: &ColorImage) {
        let at = |v: &Vertex| (f64::from(v.pos.x * scale), f64::from(v.pos.y * scale));
        let edge = |a: (f64, f64), b: (f64, f64), p: (f64, f64)| {
            (b.0 - a.0) * (p.1 - a.1) - (b.1 - a.1) * (p.0 - a.0)
        };
        let area = edge(at(&v[0]), at(&v[1]), at(&v[2]));
        if area == 0.0 {
            return;
        }
        if area < 0.0 {
            v.swap(1, 2);
        }
        let (a, b, c) = (at(&v[0]), at(&v[1]), at(&v[2]));
        let area = area.abs();
        // An edge that two triangles share belongs to one of them.
        let owns = |a: (f64, f64), b: (f64, f64)| (a.1 == b.1 && b.0 > a.0) || b.1 < a.1;
        let low = |x: f64, clip: f32| x.max(f64::from((clip * scale).round())).max(0.0).floor() as usize;
        let high = |x: f64, clip: f32, size: usize| {
            (x.min(f64::from((clip * scale).round())).ceil().max(0.0) as usize).min(size)
        };
        let least = |f: fn(&(f64, f64)) -> f64| [a, b, c].iter().map(f).fold(f64::INFINITY, f64::min);
        let most = |f: fn(&(f64, f64)) -> f64| [a, b, c].iter().map(f).fold(f64::NEG_INFINITY, f64::max);
        let rows = low(least(|p| p.1), clip.min.y)..high(most(|p| p.1), clip.max.y, self.height);
        let columns = low(least(|p| p.0), clip.min.x)..high(most(|p| p.0), clip.max.x, self.width);
        // Most of a window is flat colour.
        let flat =
            v[1..].iter().all(|corner| corner.uv == v[0].uv && corner.color == v[0].color).then(|| {
                let texel = sample(texture, v[0].uv.x, v[0].uv.y);
                [0, 1, 2, 3].map(|i| f32::from(v[0].color.to_array()[i]) * texel[i] / 255.0)
            });
        for y in rows {
            for x in columns.clone() {
                let p = (x as f64 + 0.5, y as f64 + 0.5);
                let w = [edge(b, c, p), edge(c, a, p), edge(a, b, p)];
                let inside = |w: f64, from, to| w > 0.0 || (w == 0.0 && owns(from, to));
                if inside(w[0], b, c) && inside(w[1], c, a) && inside(w[2], a, b) {
                    let w = w.map(|w| (w / area) as f32);
                    let mix =
                        |f: &dyn Fn(&Vertex) -> f32| f(&v[0]) * w[0] + f(&v[1]) * w[1] + f(&v[2]) * w[2];
                    let shaded = || {
                        let texel = sample(texture, mix(&|v| v.uv.x), mix(&|v| v.uv.y));
                        [0, 1, 2, 3].map(|i| mix(&|v| f32::from(v.color.to_array()[i])) * texel[i] / 255.0)
                    };
                    let colour = flat.unwrap_or_else(shaded);
                    let under = &mut self.pixels[y * self.width + x];
                    for (under, over) in under.iter_mut().zip(colour) {
                        *under = over + *under * (1.0 - colour[3] / 255.0);
                    }
                }
            }
        }
    }

    /// The mean colours of `columns` times `rows` fields.
    pub fn fields(&self, columns: usize, rows: usize) -> Vec<[u8; 3]> {
        let mut out = Vec::with_capacity(columns * rows);
        for row in 0..rows {
            for column in 0..columns {
                let (mut sum, mut count) = ([0.0f64; 3], 0.0);
                for y in row * self.height / rows..(row + 1) * self.height / rows {
                    for x in column * self.width / columns..(column + 1) * self.width / columns {
                        for (sum, value) in sum.iter_mut().zip(self.pixels[y * self.width + x]) {
                            *sum += f64::from(value);
                        }
                        count += 1.0;
                    }
                }
                out.push(sum.map(|s| (s / count).round() as u8));
            }
        }
        out
    }

    /// The whole picture as a PPM file.
    pub fn ppm(&self) -> Vec<u8> {
        let mut ppm = format!("P6 {} {} 255\n", self.width, self.height).into_bytes();
        ppm.extend(self.pixels.iter().flat_map(|p| [p[0], p[1], p[2]].map(|v| v.round() as u8)));
        ppm
    }
}

/// Moves the pixels between some edges of a picture so wide to the left.
pub fn shift<T: Copy>(pixels: &mut [T], width: usize, edges: [i64; 4], by: i64) {
    let [left, top, right, bottom] = edges.map(|edge| edge as usize);
    for row in pixels.chunks_mut(width).take(bottom).skip(top) {
        let (from, to) = if by > 0 { (left + by as usize, left) } else { (left, left + -by as usize) };
        row.copy_within(from..from + (right - left) - by.unsigned_abs() as usize, to);
    }
}

fn sample(texture: &ColorImage, u: f32, v: f32) -> [f32; 4] {
    let [width, height] = texture.size;
    let (x, y) = (u * width as f32 - 0.5, v * height as f32 - 0.5);
    let (x0, y0) = (x.floor(), y.floor());
    let (fx, fy) = (x - x0, y - y0);
    let texel = |x: f32, y: f32| -> [f32; 4] {
        let clamped = |v: f32, size: usize| (v.max(0.0) as usize).min(size - 1);
        let colour: Color32 = texture.pixels[clamped(y, height) * width + clamped(x, width)];
        colour.to_array().map(f32::from)
    };
    let (a, b, c, d) = (texel(x0, y0), texel(x0 + 1.0, y0), texel(x0, y0 + 1.0), texel(x0 + 1.0, y0 + 1.0));
    [0, 1, 2, 3].map(|i| {
        let (top, bottom) = (a[i] + (b[i] - a[i]) * fx, c[i] + (d[i] - c[i]) * fx);
        top + (bottom - top) * fy
    })
}
