//! A sheet of pixels as tiles, each with one number for all that is painted on it.

use egui::epaint::ClippedShape;
use egui::{Rect, pos2, vec2};

use crate::area::Area;
use crate::digest::{Digest, Mix, Sheet, part, place};

/// Side of a tile, in pixels.
pub const TILE: i64 = 16;
/// Farther than any edge.
const FAR: i64 = i64::MAX / 4;

/// The tiles of a part of the window, as one frame has them.
#[derive(Debug, Clone)]
pub struct Tiles {
    /// What is seen of the sheet, in its own pixels.
    seen: Area,
    /// That and, beside a part that moves, what may be seen next: so a tile that is seen in part has its look already.
    known: Area,
    first: (i64, i64),
    columns: i64,
    looks: Vec<u64>,
}

impl Tiles {
    /// Takes down what `shapes` (with their digests, and how many known ones lie beneath them) paint on the part `window` of the window, whose sheet has been
    /// moved, and `beside` it, so many pixels on either side.
    /// `frame` is what an unknown shape looks like.
    pub fn of<'a>(
        shapes: impl Iterator<Item = (&'a ClippedShape, &'a Digest, u64)>,
        (window, beside): (Area, i64),
        sheet: Sheet,
        frame: u64,
    ) -> Self {
        let seen = window.moved(sheet.moved);
        let known = Area { left: seen.left - beside, right: seen.right + beside, ..seen };
        let first = (known.left.div_euclid(TILE), known.top.div_euclid(TILE));
        let columns = (known.right - 1).div_euclid(TILE) - first.0 + 1;
        let rows = (known.bottom - 1).div_euclid(TILE) - first.1 + 1;
        let looks = vec![0; (columns.max(0) * rows.max(0)) as usize];
        let mut tiles = Self { seen, known, first, columns, looks };
        let points = |pixels: i64| pixels as f32 / sheet.scale;
        let near = Rect::from_min_max(
            pos2(points(window.left - 1), points(window.top - 1)),
            pos2(points(window.right + 1), points(window.bottom + 1)),
        );
        let around = near.expand2(vec2(points(beside), 0.0));
        for (shape, digest, rank) in shapes {
            let reached = near.intersects(shape.clip_rect) && around.intersects(digest.bounds);
            if reached {
                tiles.put((shape, digest, rank), sheet, frame);
            }
        }
        tiles
    }

    /// Edges, in parts of a pixel. Where they lie beyond what is seen, how far beyond says nothing.
    fn clip(&self, rect: &Rect, sheet: Sheet) -> Area {
        let edges = Self::exact(rect, sheet);
        let low = |edge: i64, seen: i64| if edge <= part(seen) { -FAR } else { edge };
        let high = |edge: i64, seen: i64| if edge >= part(seen) { FAR } else { edge };
        Area {
            left: low(edges.left, self.seen.left),
            top: low(edges.top, self.seen.top),
            right: high(edges.right, self.seen.right),
            bottom: high(edges.bottom, self.seen.bottom),
        }
    }

    /// The same of something that moves, or stands under what moves: the latter reaches from beyond one side to beyond the
    /// other.
    fn edges(&self, rect: &Rect, sheet: Sheet, spare: i64) -> Area {
        let exact = Self::exact(rect, sheet);
        let across =
            exact.left <= part(self.seen.left - spare) && exact.right >= part(self.seen.right + spare);
        Area {
            left: if across { -FAR } else { exact.left },
            top: if exact.top <= part(self.seen.top - spare) { -FAR } else { exact.top },
            right: if across { FAR } else { exact.right },
            bottom: if exact.bottom >= part(self.seen.bottom + spare) { FAR } else { exact.bottom },
        }
    }

    fn exact(rect: &Rect, sheet: Sheet) -> Area {
        let [left, right] = [rect.left(), rect.right()].map(|x| sheet.x(x));
        let [top, bottom] = [rect.top(), rect.bottom()].map(|y| sheet.y(y));
        Area { left, top, right, bottom }
    }

    fn put(&mut self, (shape, digest, rank): (&ClippedShape, &Digest, u64), sheet: Sheet, frame: u64) {
        let clip = self.clip(&shape.clip_rect, sheet);
        let bounds = self.edges(&digest.bounds, sheet, 0);
        // What is not cut off at the part's sides does not move with it: beside the part it says nothing.
        let cut = Self::exact(&shape.clip_rect, sheet);
        let own = cut.left >= part(self.seen.left) && cut.right <= part(self.seen.right);
        let known = if own { self.known } else { self.seen };
        let reached = clip.and(&bounds);
        let whole = {
            let area = Area {
                left: reached.left.max(part(known.left)),
                top: reached.top.max(part(known.top)),
                right: reached.right.min(part(known.right)),
                bottom: reached.bottom.min(part(known.bottom)),
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
            let bends = Self::exact(&digest.bounds, sheet);
            (self.edges(&digest.bounds, sheet, reach), bends, sheet.y(corner))
        });
        let tile = part(TILE);
        let seen = Area::new(
            part(self.seen.left),
            part(self.seen.top),
            part(self.seen.right),
            part(self.seen.bottom),
        );
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
                mix.add(rank);
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
                    Some((_, bends, corner)) if in_corner(&bends, corner, &at.and(&seen)) => {
                        // Edges farther away than a corner reaches bend nothing here.
                        edges_of(&bends, corner + part(reach));
                        mix.add(!digest.look);
                    }
                    Some((edges, ..)) => {
                        if !far(&edges) {
                            edges_of(&edges, part(reach));
                        }
                        mix.add(digest.look);
                    }
                    None => mix.add(all.0),
                }
                *look = mix.0;
            }
        }
    }

    /// What is to be painted again after `before`, in the sheet's pixels.
    pub fn changed(&self, before: &Self) -> Vec<Area> {
        let mut out: Vec<Area> = Vec::new();
        let rows = self.looks.len() as i64 / self.columns.max(1);
        for row in 0..rows {
            let mut run: Option<i64> = None;
            for column in 0..=self.columns {
                let other = column < self.columns && {
                    let place = (self.first.0 + column, self.first.1 + row);
                    let look = self.looks[(row * self.columns + column) as usize];
                    // A tile that was not known lies in what comes in.
                    before.look(place).unwrap_or(0) != look
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
        out.iter().map(|area| area.and(&self.seen)).filter(|area| !area.is_empty()).collect()
    }

    fn look(&self, (column, row): (i64, i64)) -> Option<u64> {
        let (column, row) = (column - self.first.0, row - self.first.1);
        let inside = (0..self.columns).contains(&column) && row >= 0;
        inside.then(|| self.looks.get((row * self.columns + column) as usize).copied())?
    }
}

/// Whether a tile touches one of a rectangle's corners.
fn in_corner(edges: &Area, radius: i64, tile: &Area) -> bool {
    if radius == 0 || tile.is_empty() {
        return false;
    }
    let beside = tile.left < edges.left + radius || tile.right > edges.right - radius;
    let above = tile.top < edges.top + radius || tile.bottom > edges.bottom - radius;
    beside && above
}
