//! A sheet of pixels as tiles, each with one number for all that is painted on it.

use egui::Rect;
use egui::epaint::ClippedShape;

use crate::area::Area;
use crate::digest::{Digest, Mix, Sheet, part, place};

/// Side of a tile, in pixels.
pub const TILE: i64 = 16;
/// Farther than any window reaches, in pixels.
const FAR_OFF: i64 = 1 << 20;
/// Farther than any edge.
const FAR: i64 = i64::MAX / 4;

/// The tiles of a part of the window, as one frame has them.
#[derive(Debug, Clone)]
pub struct Tiles {
    /// What is seen of the sheet, in its own pixels.
    seen: Area,
    first: (i64, i64),
    columns: i64,
    looks: Vec<u64>,
}

impl Tiles {
    /// Takes down what `shapes` (with their digests) paint on the part `window` of the window, whose sheet has been
    /// moved. What lies wholly within one of `without` is left out. `frame` is what an unknown shape looks like.
    pub fn of<'a>(
        shapes: impl Iterator<Item = (&'a ClippedShape, &'a Digest)>,
        window: Area,
        sheet: Sheet,
        without: &[Rect],
        frame: u64,
    ) -> Self {
        let seen = window.moved(sheet.moved);
        let first = (seen.left.div_euclid(TILE), seen.top.div_euclid(TILE));
        let columns = (seen.right - 1).div_euclid(TILE) - first.0 + 1;
        let rows = (seen.bottom - 1).div_euclid(TILE) - first.1 + 1;
        let looks = vec![0; (columns.max(0) * rows.max(0)) as usize];
        let mut tiles = Self { seen, first, columns, looks };
        for (shape, digest) in shapes {
            if !without.iter().any(|hole| hole.contains_rect(shape.clip_rect)) {
                tiles.put(shape, digest, sheet, frame);
            }
        }
        tiles
    }

    /// Edges, in parts of a pixel: where they lie beyond what is seen, how far beyond says nothing.
    fn edges(&self, rect: &Rect, sheet: Sheet, spare: i64) -> Area {
        let [left, right] = [rect.left(), rect.right()].map(|x| sheet.x(x));
        let [top, bottom] = [rect.top(), rect.bottom()].map(|y| sheet.y(y));
        let low = |edge: i64, seen: i64| if edge <= part(seen - spare) { -FAR } else { edge };
        let high = |edge: i64, seen: i64| if edge >= part(seen + spare) { FAR } else { edge };
        Area {
            left: low(left, self.seen.left),
            top: low(top, self.seen.top),
            right: high(right, self.seen.right),
            bottom: high(bottom, self.seen.bottom),
        }
    }

    fn put(&mut self, shape: &ClippedShape, digest: &Digest, sheet: Sheet, frame: u64) {
        let clip = self.edges(&shape.clip_rect, sheet, 0);
        let bounds = self.edges(&digest.bounds, sheet, 0);
        let reached = clip.and(&bounds);
        let whole = {
            let area = Area {
                left: reached.left.max(part(self.seen.left)),
                top: reached.top.max(part(self.seen.top)),
                right: reached.right.min(part(self.seen.right)),
                bottom: reached.bottom.min(part(self.seen.bottom)),
            };
            if area.is_empty() {
                return;
            }
            area
        };
        let mut all = Mix::new(digest.look);
        if !place(shape, &sheet, &mut all) {
            all.add(frame);
        }
        // Where a plain shape's corners are, it counts as a whole; far within its edges there is its fill alone.
        let reach = (digest.reach * sheet.scale).ceil() as i64;
        let plain = digest.plain.map(|corner| {
            let bends = self.edges(&digest.bounds, sheet, FAR_OFF);
            (self.edges(&digest.bounds, sheet, reach), bends, sheet.y(corner))
        });
        let tile = part(TILE);
        let columns = whole.left.div_euclid(tile)..=(whole.right - 1).div_euclid(tile);
        let rows = whole.top.div_euclid(tile)..=(whole.bottom - 1).div_euclid(tile);
        for row in rows {
            for column in columns.clone() {
                let at = Area {
                    left: column * tile,
                    top: row * tile,
                    right: (column + 1) * tile,
                    bottom: (row + 1) * tile,
                };
                let i = (row - self.first.1) * self.columns + column - self.first.0;
                let Some(look) = self.looks.get_mut(i as usize) else { continue };
                let far = |edges: &Area| {
                    edges.left <= at.left - part(reach)
                        && edges.top <= at.top - part(reach)
                        && edges.right >= at.right + part(reach)
                        && edges.bottom >= at.bottom + part(reach)
                };
                if digest.hollow && plain.is_some_and(|(edges, ..)| far(&edges)) {
                    continue;
                }
                let mut mix = Mix(*look);
                let mut edges_of = |area: &Area, near: i64| {
                    mix.add((area.left.max(at.left - near) - at.left) as u64);
                    mix.add((area.top.max(at.top - near) - at.top) as u64);
                    mix.add((area.right.min(at.right + near) - at.left) as u64);
                    mix.add((area.bottom.min(at.bottom + near) - at.top) as u64);
                };
                if !clip.holds(&at) {
                    edges_of(&clip, 0);
                }
                match plain {
                    Some((edges, bends, corner)) if !in_corner(&bends, corner, &at) => {
                        edges_of(&edges, part(reach));
                        mix.add(digest.look);
                    }
                    _ => mix.add(all.0),
                }
                *look = mix.0;
            }
        }
    }

    /// What is to be painted again after `before`, in the sheet's pixels; `without` is left out.
    pub fn changed(&self, before: &Self, without: &[Area]) -> Vec<Area> {
        let mut out: Vec<Area> = Vec::new();
        let rows = self.looks.len() as i64 / self.columns.max(1);
        for row in 0..rows {
            let mut run: Option<i64> = None;
            for column in 0..=self.columns {
                let other = column < self.columns && {
                    let place = (self.first.0 + column, self.first.1 + row);
                    let look = self.looks[(row * self.columns + column) as usize];
                    before.look(place) != Some(look) && {
                        let (left, top) = (place.0 * TILE, place.1 * TILE);
                        let tile = Area::new(left, top, left + TILE, top + TILE);
                        !without.iter().any(|area| area.holds(&tile))
                    }
                };
                match (other, run) {
                    (true, None) => run = Some(column),
                    (false, Some(from)) => {
                        run = None;
                        let left = (self.first.0 + from) * TILE;
                        let right = (self.first.0 + column) * TILE;
                        let top = (self.first.1 + row) * TILE;
                        // Runs of one width that lie beneath each other are one.
                        let above = out
                            .iter_mut()
                            .rev()
                            .find(|area| area.left == left && area.right == right && area.bottom == top);
                        match above {
                            Some(area) => area.bottom += TILE,
                            None => out.push(Area::new(left, top, right, top + TILE)),
                        }
                    }
                    _ => {}
                }
            }
        }
        out.iter().map(|area| area.and(&self.seen)).collect()
    }

    fn look(&self, (column, row): (i64, i64)) -> Option<u64> {
        let (column, row) = (column - self.first.0, row - self.first.1);
        let inside = (0..self.columns).contains(&column) && row >= 0;
        inside.then(|| self.looks.get((row * self.columns + column) as usize).copied())?
    }
}

/// Whether a tile touches one of a rectangle's corners.
fn in_corner(edges: &Area, radius: i64, tile: &Area) -> bool {
    if radius == 0 {
        return false;
    }
    let beside = tile.left < edges.left + radius || tile.right > edges.right - radius;
    let above = tile.top < edges.top + radius || tile.bottom > edges.bottom - radius;
    beside && above
}
