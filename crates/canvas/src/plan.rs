//! What of a frame is to be painted, given what the one before left.

use egui::epaint::ClippedShape;
use egui::{Color32, CornerRadius, Rect, Shape};

use crate::area::{Area, joined};
use crate::digest::{Digest, Mix, Sheet, place};
use crate::tiles::Tiles;

/// A part of the window whose content moves sideways, by whole pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scroll {
    /// The part, in points, with its edges on pixels. What lies under it unmoved has its
    /// corners and its sides beside it; what moves is cut off at it, and painted a tile's width beyond it all the same.
    pub rect: Rect,
    /// How far the content has been moved to the left, in pixels, from wherever one counts.
    pub moved: i64,
}

/// What the window is like in a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct View {
    /// Its size in pixels.
    pub size: [u32; 2],
    /// Pixels of a point.
    pub scale: f32,
    /// What lies under all.
    pub ground: Color32,
}

/// A part whose pixels are moved to the left (to the right where `by` is negative).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shift {
    /// The part.
    pub area: Area,
    /// By how many pixels.
    pub by: i64,
}

/// What is to be done to the pixels of the frame before, in this order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// Parts that are moved.
    pub shifts: Vec<Shift>,
    /// Parts that are painted again.
    pub areas: Vec<Area>,
}

/// Shapes larger than this, in pixels, are compared tile by tile even where they stand over what moves.
const SMALL: i64 = 8_192;
/// How far beside a part that moves its content is known, in pixels: a tile.
const BESIDE: i64 = crate::tiles::TILE;

/// What is known of a part that moves.
#[derive(Debug)]
struct Moving {
    scroll: Scroll,
    tiles: Tiles,
    /// Its small shapes, each as one number, in order.
    small: Vec<u64>,
    /// Those of them that stand over what moves (the playhead, names): number and place in the window. They are in no tile, for
    /// there they would be in another place each time.
    standing: Vec<(u64, Area)>,
}

/// What is known of the frame before.
#[derive(Debug, Default)]
pub struct Memory {
    view: Option<View>,
    whole: Option<Tiles>,
    scrolls: Vec<Moving>,
    digests: Vec<Option<Digest>>,
    frame: u64,
}

impl Memory {
    /// Nothing that was painted counts any more.
    pub fn forget(&mut self) {
        self.whole = None;
        self.scrolls.clear();
    }

    /// Compares a frame with the one before, and takes it down as the one before the next.
    pub fn plan(&mut self, shapes: &[ClippedShape], view: View, scrolls: &[Scroll]) -> Plan {
        self.frame += 1;
        let window = Area::new(0, 0, i64::from(view.size[0]), i64::from(view.size[1]));
        if self.view.replace(view) != Some(view) {
            self.forget();
        }
        let frame = Mix::new(self.frame).0;
        self.digests.clear();
        self.digests.extend(shapes.iter().map(|clipped| Digest::of(clipped, view.scale)));
        let digests = &self.digests;
        let shown =
            || shapes.iter().zip(digests).filter_map(|(shape, digest)| Some((shape, digest.as_ref()?)));

        let mut plan = Plan::default();
        let mut now = Vec::with_capacity(scrolls.len());
        let mut holes = Vec::with_capacity(scrolls.len());
        for (i, scroll) in scrolls.iter().enumerate() {
            let area = pixels(&scroll.rect, view.scale).and(&window);
            if area.is_empty() {
                continue;
            }
            // What is clipped to the part, and then to whole pixels, lies within it.
            holes.push((area, scroll.rect.expand(0.01)));
            let before = self.scrolls.get(i).filter(|before| before.scroll.rect == scroll.rect);
            let before = before.filter(|b| (scroll.moved - b.scroll.moved).abs() < area.right - area.left);
            let by = before.map_or(0, |before| scroll.moved - before.scroll.moved);
            let keys: Vec<Option<(u64, Area)>> =
                shown().map(|(shape, digest)| key(shape, digest, &area, view.scale)).collect();
            let stood = |key: u64| {
                before.is_some_and(|before| match by {
                    0 => before.standing.iter().any(|(known, _)| *known == key),
                    _ => before.small.binary_search(&key).is_ok(),
                })
            };
            let standing: Vec<(u64, Area)> =
                keys.iter().flatten().filter(|(key, _)| stood(*key)).copied().collect();
            let stands = |key: &Option<(u64, Area)>| {
                key.is_some_and(|(key, _)| standing.iter().any(|(other, _)| *other == key))
            };
            let sheet = Sheet { scale: view.scale, moved: scroll.moved };
            let moves = shown().zip(&keys).filter(|(_, key)| !stands(key)).map(|(shape, _)| shape);
            let tiles = Tiles::of(moves, (area, BESIDE), sheet, &[], frame);
            match before {
                Some(before) => {
                    if by != 0 {
                        plan.shifts.push(Shift { area, by });
                        plan.areas.push(if by > 0 {
                            Area { left: area.right - by, ..area }
                        } else {
                            Area { right: area.left - by, ..area }
                        });
                        let left = standing.iter().map(|(_, at)| at.around(&at.moved(-by)).and(&area));
                        plan.areas.extend(left);
                    }
                    let gone =
                        before.standing.iter().filter(|(key, _)| !standing.iter().any(|(k, _)| k == key));
                    plan.areas.extend(gone.map(|(_, at)| at.moved(-by).and(&area)));
                    let changed = tiles.changed(&before.tiles, &[]);
                    plan.areas.extend(changed.into_iter().map(|other| other.moved(-scroll.moved)));
                }
                None => plan.areas.push(area),
            }
            let mut small: Vec<u64> = keys.iter().flatten().map(|(key, _)| *key).collect();
            small.sort_unstable();
            now.push(Moving { scroll: *scroll, tiles, small, standing });
        }
        let (areas, clips): (Vec<Area>, Vec<Rect>) = holes.into_iter().unzip();
        let sheet = Sheet { scale: view.scale, moved: 0 };
        let whole = Tiles::of(shown(), (window, 0), sheet, &clips, frame);
        match &self.whole {
            Some(before) => {
                plan.areas.extend(whole.changed(before, &areas));
            }
            None => plan.areas = vec![window],
        }
        if self.whole.is_none() {
            plan.shifts.clear();
        }
        self.whole = Some(whole);
        self.scrolls = now;
        plan.areas = joined(plan.areas);
        plan
    }

    /// What is painted on an area in the frame that was planned last: the ground, and the shapes on it, cut off at its
    /// edges. What would be painted over altogether is left out.
    pub fn within(&self, shapes: &[ClippedShape], area: &Area) -> Vec<ClippedShape> {
        let View { scale, ground, .. } =
            self.view.unwrap_or(View { size: [0; 2], scale: 1.0, ground: Color32::BLACK });
        let points = |pixels: i64| pixels as f32 / scale;
        let rect = Rect::from_min_max(
            egui::pos2(points(area.left), points(area.top)),
            egui::pos2(points(area.right), points(area.bottom)),
        );
        // As far as the bounds of a shape reach beyond what is seen of it, it may be wrong.
        let near = rect.expand(1.0 / scale);
        let painted = |colour| {
            let mut mesh = egui::Mesh::default();
            mesh.add_colored_rect(rect, colour);
            ClippedShape::new(rect, mesh)
        };
        let mut out = vec![painted(ground)];
        for (shape, digest) in shapes.iter().zip(&self.digests) {
            let reaches = |digest: &&Digest| digest.bounds.intersects(near) && !digest.frames(&rect);
            let Some(digest) = digest.as_ref().filter(reaches) else { continue };
            let whole = pixels(&shape.clip_rect, scale);
            let clip = whole.and(area);
            if clip.is_empty() {
                continue;
            }
            let clip_rect = if whole.holds(area) {
                if let Some(fill) = digest.covers(&rect) {
                    out.clear();
                    out.push(painted(fill));
                    continue;
                }
                rect
            } else {
                Rect::from_min_max(
                    egui::pos2(points(clip.left), points(clip.top)),
                    egui::pos2(points(clip.right), points(clip.bottom)),
                )
            };
            let mut shape = ClippedShape { clip_rect, ..shape.clone() };
            // Round corners are most of the triangles of a frame, and of most only an edge or the ground is seen.
            if let Shape::Rect(round) = &mut shape.shape
                && digest.is_straight_in(&rect)
            {
                round.corner_radius = CornerRadius::ZERO;
            }
            out.push(shape);
        }
        out
    }
}

/// A small shape on a part of the window as one number, with where it lies there.
fn key(shape: &ClippedShape, digest: &Digest, part: &Area, scale: f32) -> Option<(u64, Area)> {
    let points = |pixels: i64| pixels as f32 / scale;
    let seen = digest.bounds.intersect(shape.clip_rect);
    let on = seen.left() < points(part.right)
        && seen.right() > points(part.left)
        && seen.top() < points(part.bottom)
        && seen.bottom() > points(part.top);
    // What lies across the part looks the same however it is moved.
    let across = seen.left() <= points(part.left) && seen.right() >= points(part.right);
    if !on || across || seen.width() * seen.height() * scale * scale > SMALL as f32 {
        return None;
    }
    let sheet = Sheet { scale, moved: 0 };
    let mut mix = Mix::new(digest.look);
    if !place(shape, &sheet, &mut mix) {
        return None;
    }
    for edge in [shape.clip_rect.min, shape.clip_rect.max] {
        mix.add(sheet.x(edge.x) as u64);
        mix.add(sheet.y(edge.y) as u64);
    }
    let [left, top] = [seen.left(), seen.top()].map(|v| (v * scale).floor() as i64);
    let [right, bottom] = [seen.right(), seen.bottom()].map(|v| (v * scale).ceil() as i64);
    Some((mix.0, Area::new(left, top, right, bottom).and(part)))
}

/// The pixels of a rectangle.
pub fn pixels(rect: &Rect, scale: f32) -> Area {
    let pixel = |points: f32| f64::from(points * scale).round() as i64;
    Area::new(pixel(rect.left()), pixel(rect.top()), pixel(rect.right()), pixel(rect.bottom()))
}

#[cfg(test)]
mod tests {
    use egui::{Stroke, pos2};

    use super::*;

    const VIEW: View = View { size: [640, 480], scale: 1.0, ground: Color32::BLACK };

    fn rect(left: f32, top: f32, right: f32, bottom: f32) -> Rect {
        Rect::from_min_max(pos2(left, top), pos2(right, bottom))
    }

    /// A lane whose grid has been moved, in a frame with round corners, and something that stands over it.
    fn lane(moved: i64, label: Color32) -> (Vec<ClippedShape>, Scroll) {
        let window = rect(0.0, 0.0, 640.0, 480.0);
        let (ground, part) = (rect(96.0, 96.0, 544.0, 384.0), rect(98.0, 96.0, 542.0, 384.0));
        let filled = |rect: Rect, colour| egui::Shape::rect_filled(rect, 0.0, colour);
        let edge = Stroke::new(1.0, Color32::GRAY);
        let frame = egui::Shape::rect_stroke(ground.expand(8.0), 5.0, edge, egui::StrokeKind::Inside);
        let mut shapes = vec![
            ClippedShape::new(window, frame),
            ClippedShape::new(window, filled(ground, Color32::DARK_GRAY)),
        ];
        for i in 0..40 {
            let x = 98.5 + (i * 24 - moved.rem_euclid(24)) as f32;
            let line = [pos2(x, 96.0), pos2(x, 384.0)];
            shapes.push(ClippedShape::new(part, egui::Shape::line_segment(line, edge)));
        }
        shapes.push(ClippedShape::new(window, filled(rect(300.0, 200.0, 310.0, 210.0), label)));
        (shapes, Scroll { rect: part, moved })
    }

    #[test]
    fn what_has_only_moved_is_not_painted() {
        let mut memory = Memory::default();
        let (shapes, scroll) = lane(100, Color32::RED);
        let whole = Area::new(0, 0, 640, 480);
        assert_eq!(memory.plan(&shapes, VIEW, &[scroll]).areas, [whole], "at first all is painted");
        assert_eq!(memory.plan(&shapes, VIEW, &[scroll]), Plan::default(), "nothing has changed");
        let (shapes, scroll) = lane(103, Color32::RED);
        let plan = memory.plan(&shapes, VIEW, &[scroll]);
        assert_eq!(plan.shifts, [Shift { area: Area::new(98, 96, 542, 384), by: 3 }]);
        let painted: i64 = plan.areas.iter().map(Area::size).sum();
        // Three columns that have come in, the label, and no tile for the sake of either.
        assert!(painted < 2_000, "{painted} pixels: {:?}", plan.areas);
        let holds = |area: Area| plan.areas.iter().any(|a| a.holds(&area));
        assert!(holds(Area::new(539, 96, 542, 384)), "what has come in: {:?}", plan.areas);
        assert!(holds(Area::new(297, 200, 310, 210)), "what stands, and what it left: {:?}", plan.areas);
    }

    #[test]
    fn what_changes_is_painted_and_no_more() {
        let mut memory = Memory::default();
        let (mut shapes, scroll) = lane(96, Color32::RED);
        memory.plan(&shapes, VIEW, &[scroll]);
        (shapes, _) = lane(96, Color32::BLUE);
        let plan = memory.plan(&shapes, VIEW, &[scroll]);
        assert_eq!(plan.areas, [Area::new(288, 192, 320, 224)]);
        shapes.pop();
        let plan = memory.plan(&shapes, VIEW, &[scroll]);
        assert_eq!(plan.areas, [Area::new(288, 192, 320, 224)], "what has gone");
        let light = View { ground: Color32::WHITE, ..VIEW };
        assert_eq!(memory.plan(&shapes, light, &[scroll]).areas, [Area::new(0, 0, 640, 480)]);
    }
}
