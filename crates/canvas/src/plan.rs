//! What of a frame is to be painted, given what the one before left.

use std::sync::Arc;

use egui::epaint::ClippedShape;
use egui::{Color32, CornerRadius, Rect, Shape};

use crate::area::{Area, joined};
use crate::digest::{Digest, Mix, Sheet, part as parts, place};
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

/// A part whose content moves, and how far it has been moved to the left in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// The part.
    pub area: Area,
    /// How far, in pixels.
    pub moved: i64,
}

/// What is to be done to the pixels of the frame before, in this order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// All parts that move; none where nothing is to be done.
    pub moving: Vec<Moved>,
    /// Parts that are moved.
    pub shifts: Vec<Shift>,
    /// Parts that are painted again.
    pub areas: Vec<Area>,
}

/// Shapes larger than this, in pixels, are compared tile by tile even where they stand over what moves.
const SMALL: i64 = 8_192;
/// How many shapes may come or go in one place of a frame, and what follows still be known again.
const AHEAD: usize = 12;
/// How far beside a part that moves its content is known, in pixels: a tile.
const BESIDE: i64 = crate::tiles::TILE;
/// An edge beyond a part's sides.
const FAR: u64 = u64::MAX;

/// What is known of a part that moves.
#[derive(Debug)]
struct Moving {
    scroll: Scroll,
    /// What is painted on it, in order: each shape as a number that stays as it moves, and its place in the frame.
    on: Vec<(u64, usize)>,
}

/// What is known of the frame before.
#[derive(Debug, Default)]
pub struct Memory {
    view: Option<View>,
    /// The frame is one that the next can be compared with.
    known: bool,
    shapes: Vec<ClippedShape>,
    digests: Vec<Option<Digest>>,
    /// The places of those shapes that do not lie wholly on a part that moves.
    standing: Vec<usize>,
    scrolls: Vec<Moving>,
    frame: u64,
}

impl Memory {
    /// Nothing that was painted counts any more.
    pub fn forget(&mut self) {
        self.known = false;
        self.standing.clear();
        self.scrolls.clear();
    }

    /// Compares a frame with the one before, and takes it down as the one before the next.
    pub fn plan(&mut self, shapes: Vec<ClippedShape>, view: View, scrolls: &[Scroll]) -> Plan {
        self.frame += 1;
        let window = Area::new(0, 0, i64::from(view.size[0]), i64::from(view.size[1]));
        if self.view.replace(view) != Some(view) {
            self.forget();
        }
        let frame = Mix::new(self.frame).0;
        // What is clipped to a part that moves, and then to whole pixels, lies within it.
        let clips: Vec<Rect> = scrolls.iter().map(|scroll| scroll.rect.expand(0.01)).collect();
        let stands = |shape: &ClippedShape| !clips.iter().any(|clip| clip.contains_rect(shape.clip_rect));
        let standing: Vec<usize> = (0..shapes.len()).filter(|i| stands(&shapes[*i])).collect();
        let mut changed = Vec::new();
        let digests = self.compare(&shapes, &standing, view.scale, &mut changed);

        let mut plan = Plan::default();
        // A part that moves no more, or is another one.
        for (i, before) in self.scrolls.iter().enumerate() {
            if scrolls.get(i).is_none_or(|scroll| scroll.rect != before.scroll.rect) {
                plan.areas.push(pixels(&before.scroll.rect, view.scale).and(&window));
            }
        }
        let mut now = Vec::with_capacity(scrolls.len());
        for (place, scroll) in scrolls.iter().enumerate() {
            let area = pixels(&scroll.rect, view.scale).and(&window);
            if area.is_empty() {
                continue;
            }
            let before = self.scrolls.get(place).filter(|before| before.scroll.rect == scroll.rect);
            let before = before.filter(|b| (scroll.moved - b.scroll.moved).abs() < area.right - area.left);
            let by = before.map_or(0, |before| scroll.moved - before.scroll.moved);
            // What the part, and what is known beside it, is painted with.
            let seen = scroll.rect.expand(2.0 / view.scale);
            let near = seen.expand2(egui::vec2(BESIDE as f32 / view.scale, 0.0));
            let sheet = Sheet { scale: view.scale, moved: scroll.moved };
            let on = |(i, (shape, digest)): (usize, (&ClippedShape, &Option<Digest>))| {
                let digest = digest.as_ref()?;
                // What is not cut off at the part says nothing beside it.
                let own = clips[place].contains_rect(shape.clip_rect);
                let reached = digest.bounds.intersect(shape.clip_rect);
                let reaches = if own { near.intersects(digest.bounds) } else { seen.intersects(reached) };
                reaches.then(|| (on_sheet(shape, digest, &area, sheet).unwrap_or(frame ^ i as u64), i))
            };
            let on: Vec<(u64, usize)> = shapes.iter().zip(&digests).enumerate().filter_map(on).collect();
            match before {
                Some(before) => {
                    if by != 0 {
                        plan.shifts.push(Shift { area, by });
                        plan.areas.push(if by > 0 {
                            Area { left: area.right - by, ..area }
                        } else {
                            Area { right: area.left - by, ..area }
                        });
                    }
                    let old = Frame { shapes: &self.shapes, digests: &self.digests, on: &before.on };
                    let new = Frame { shapes: &shapes, digests: &digests, on: &on };
                    let sheets = [Sheet { moved: before.scroll.moved, ..sheet }, sheet];
                    on_part(&old, &new, sheets, area, frame, &mut plan.areas);
                }
                None => plan.areas.push(area),
            }
            plan.moving.push(Moved { area, moved: scroll.moved });
            now.push(Moving { scroll: *scroll, on });
        }
        if self.known {
            plan.areas.extend(changed.into_iter().map(|area| area.and(&window)));
        } else {
            plan.areas = vec![window];
            plan.shifts.clear();
        }
        self.known = true;
        (self.shapes, self.digests, self.standing, self.scrolls) = (shapes, digests, standing, now);
        plan.areas = joined(plan.areas);
        if plan.areas.is_empty() && plan.shifts.is_empty() {
            plan.moving.clear();
        }
        plan
    }

    /// The digests of a frame's shapes, and where those of them that stand are other ones than in the frame before, or
    /// those of the frame before are there no more. What stays, in the same order, looks the same elsewhere.
    fn compare(
        &self,
        shapes: &[ClippedShape],
        standing: &[usize],
        scale: f32,
        changed: &mut Vec<Area>,
    ) -> Vec<Option<Digest>> {
        let mut digests: Vec<Option<Digest>> = vec![None; shapes.len()];
        let mut stands = standing.iter().copied().peekable();
        for (i, shape) in shapes.iter().enumerate() {
            // Those that stand are mostly known from the frame before.
            if stands.next_if_eq(&i).is_none() {
                digests[i] = Digest::of(shape, scale);
            }
        }
        let seen = |digest: &Option<Digest>, clip: &Rect| {
            let seen = digest.as_ref()?.bounds.intersect(*clip);
            seen.is_positive().then(|| outer(&seen, scale))
        };
        let (old, new) = (&self.standing[..], standing);
        let same = |i: usize, j: usize| same(&self.shapes[old[i]], &shapes[new[j]]);
        walk(old.len(), new.len(), same, |step| match step {
            Step::Same(i, j) => digests[new[j]] = self.digests[old[i]],
            Step::Gone(i) => changed.extend(seen(&self.digests[old[i]], &self.shapes[old[i]].clip_rect)),
            Step::Come(j) => {
                digests[new[j]] = Digest::of(&shapes[new[j]], scale);
                changed.extend(seen(&digests[new[j]], &shapes[new[j]].clip_rect));
            }
        });
        digests
    }

    /// What is painted on an area in the frame that was planned last: the ground, and the shapes on it, cut off at its
    /// edges. What would be painted over altogether is left out.
    pub fn within(&self, area: &Area) -> Vec<ClippedShape> {
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
        for (shape, digest) in self.shapes.iter().zip(&self.digests) {
            let reaches = |digest: &&Digest| digest.bounds.intersects(near) && !digest.frames(&rect);
            let Some(digest) = digest.as_ref().filter(reaches) else { continue };
            let whole = pixels(&shape.clip_rect, scale);
            let clip = whole.and(area);
            if clip.is_empty() {
                continue;
            }
            let clip_rect = if whole.holds(area) || within(digest, &shape.clip_rect) {
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

/// A step through two frames side by side.
enum Step {
    /// These are the same.
    Same(usize, usize),
    /// This one is there no more.
    Gone(usize),
    /// This one is new.
    Come(usize),
}

/// Goes through two lists side by side: what comes and goes is left out until they agree again.
fn walk(old: usize, new: usize, same: impl Fn(usize, usize) -> bool, mut step: impl FnMut(Step)) {
    let same = |i: usize, j: usize| i < old && j < new && same(i, j);
    let (mut i, mut j) = (0, 0);
    while i < old || j < new {
        if same(i, j) {
            step(Step::Same(i, j));
            (i, j) = (i + 1, j + 1);
            continue;
        }
        // How many of either side are to be left out.
        let mut ahead = (1..AHEAD).flat_map(|sum| (0..=sum).map(move |left| (left, sum - left)));
        let (gone, come) =
            ahead.find(|(gone, come)| same(i + gone, j + come)).unwrap_or((1.min(old - i), 1.min(new - j)));
        (i..i + gone).for_each(|i| step(Step::Gone(i)));
        (j..j + come).for_each(|j| step(Step::Come(j)));
        (i, j) = (i + gone, j + come);
    }
}

/// A frame's shapes, and which of them are on a part that moves.
struct Frame<'a> {
    shapes: &'a [ClippedShape],
    digests: &'a [Option<Digest>],
    on: &'a [(u64, usize)],
}

impl<'a> Frame<'a> {
    /// Those that are other ones than in the other frame, each with the number of those before it that are not.
    fn tiles(&self, others: &[(u64, usize)], (area, sheet): (Area, Sheet), frame: u64) -> Tiles {
        let others = others.iter().filter_map(|(rank, i)| Some((*rank, self.shape(*i)?)));
        Tiles::of(others.map(|(rank, (shape, digest))| (shape, digest, rank)), (area, BESIDE), sheet, frame)
    }

    fn shape(&self, i: usize) -> Option<(&'a ClippedShape, &'a Digest)> {
        Some((&self.shapes[i], self.digests[i].as_ref()?))
    }
}

/// What is to be painted again of a part that moves, besides what comes in at its side.
fn on_part(
    old: &Frame<'_>,
    new: &Frame<'_>,
    sheets: [Sheet; 2],
    area: Area,
    frame: u64,
    areas: &mut Vec<Area>,
) {
    let (mut gone, mut come, mut rank) = (Vec::new(), Vec::new(), 0);
    walk(
        old.on.len(),
        new.on.len(),
        |i, j| old.on[i].0 == new.on[j].0,
        |step| match step {
            Step::Same(..) => rank += 1,
            Step::Gone(i) => gone.push((rank, old.on[i].1)),
            Step::Come(j) => come.push((rank, new.on[j].1)),
        },
    );
    let by = sheets[1].moved - sheets[0].moved;
    if by != 0 && !gone.is_empty() {
        // What stands over what moves (the playhead, names) is painted where it is, and where it was moved to.
        let stood = |frame: &Frame<'_>, i: usize| {
            let (shape, digest) = frame.shape(i)?;
            in_window(shape, digest, &area, sheets[1].scale)
        };
        let mut before: Vec<Option<(u64, Area)>> = gone.iter().map(|(_, i)| stood(old, *i)).collect();
        come.retain(|(_, i)| {
            let Some((key, at)) = stood(new, *i) else { return true };
            let Some(place) = before.iter().position(|known| known.is_some_and(|(known, _)| known == key))
            else {
                return true;
            };
            before.remove(place);
            gone.remove(place);
            areas.push(at.around(&at.moved(-by)).and(&area));
            false
        });
    }
    if gone.is_empty() && come.is_empty() {
        return;
    }
    // The rest tile by tile: of what grows or shrinks only the end is another one.
    // What nobody knows is never the same.
    let before = old.tiles(&gone, (area, sheets[0]), !frame);
    let changed = new.tiles(&come, (area, sheets[1]), frame).changed(&before);
    areas.extend(changed.into_iter().map(|other| other.moved(-sheets[1].moved)));
}

/// Whether two shapes paint the same. What both share need not be looked into.
fn same(a: &ClippedShape, b: &ClippedShape) -> bool {
    a.clip_rect == b.clip_rect
        && a.transform_after_tessellation == b.transform_after_tessellation
        && match (&a.shape, &b.shape) {
            (Shape::Text(a), Shape::Text(b)) if Arc::ptr_eq(&a.galley, &b.galley) => {
                a.pos == b.pos
                    && a.underline == b.underline
                    && a.fallback_color == b.fallback_color
                    && a.override_text_color == b.override_text_color
                    && a.opacity_factor == b.opacity_factor
                    && a.angle == b.angle
            }
            (Shape::Mesh(a), Shape::Mesh(b)) => Arc::ptr_eq(a, b) || a == b,
            // Nobody knows what that paints.
            (Shape::Callback(_), _) => false,
            (a, b) => a == b,
        }
}

/// The pixels that a rectangle touches.
fn outer(rect: &Rect, scale: f32) -> Area {
    let [left, top] = [rect.left(), rect.top()].map(|v| (v * scale).floor() as i64);
    let [right, bottom] = [rect.right(), rect.bottom()].map(|v| (v * scale).ceil() as i64);
    Area::new(left, top, right, bottom)
}

/// Whether a shape is not cut off by its own edges. Then it may be painted with what has others: one call instead of two.
fn within(digest: &Digest, clip: &Rect) -> bool {
    clip.contains_rect(digest.bounds)
}

/// A shape on a part that moves as one number, which stays as it moves, or stands under what moves; `None` for a shape that
/// counts as changed.
fn on_sheet(shape: &ClippedShape, digest: &Digest, part: &Area, sheet: Sheet) -> Option<u64> {
    let mut mix = Mix::new(digest.look);
    // Beyond the part's sides it is all the same where an edge lies.
    let beyond = |rect: &Rect, spare: i64| {
        let (first, last) = (part.left + sheet.moved - spare, part.right + sheet.moved + spare);
        let (left, right) = (sheet.x(rect.left()), sheet.x(rect.right()));
        (left, right, left <= parts(first), right >= parts(last))
    };
    if let Some(corner) = digest.plain {
        let spare = (digest.reach.max(corner) * sheet.scale).ceil() as i64;
        let (left, right, from_beyond, to_beyond) = beyond(&digest.bounds, spare);
        let across = from_beyond && to_beyond;
        mix.add(if across { FAR } else { left as u64 });
        mix.add(if across { FAR } else { right as u64 });
        mix.add(sheet.y(digest.bounds.top()) as u64);
        mix.add(sheet.y(digest.bounds.bottom()) as u64);
    } else if !place(shape, &sheet, &mut mix) {
        return None;
    }
    let (left, right, from_beyond, to_beyond) = beyond(&shape.clip_rect, 0);
    mix.add(if from_beyond { FAR } else { left as u64 });
    mix.add(if to_beyond { FAR } else { right as u64 });
    mix.add(sheet.y(shape.clip_rect.top()) as u64);
    mix.add(sheet.y(shape.clip_rect.bottom()) as u64);
    Some(mix.0)
}

/// A small shape on a part of the window as one number, with where it lies there.
fn in_window(shape: &ClippedShape, digest: &Digest, part: &Area, scale: f32) -> Option<(u64, Area)> {
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
    Some((mix.0, outer(&seen, scale).and(part)))
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
        assert_eq!(memory.plan(shapes.clone(), VIEW, &[scroll]).areas, [whole], "at first all is painted");
        assert_eq!(memory.plan(shapes.clone(), VIEW, &[scroll]), Plan::default(), "nothing has changed");
        let (shapes, scroll) = lane(103, Color32::RED);
        let plan = memory.plan(shapes.clone(), VIEW, &[scroll]);
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
        memory.plan(shapes.clone(), VIEW, &[scroll]);
        (shapes, _) = lane(96, Color32::BLUE);
        let plan = memory.plan(shapes.clone(), VIEW, &[scroll]);
        assert_eq!(plan.areas, [Area::new(288, 192, 320, 224)]);
        shapes.pop();
        let plan = memory.plan(shapes.clone(), VIEW, &[scroll]);
        assert_eq!(plan.areas, [Area::new(288, 192, 320, 224)], "what has gone");
        let light = View { ground: Color32::WHITE, ..VIEW };
        assert_eq!(memory.plan(shapes.clone(), light, &[scroll]).areas, [Area::new(0, 0, 640, 480)]);
    }

    /// What moves on a part, by its place on the sheet and its colour.
    fn on_sheet(moved: i64, shapes: &[(Rect, Color32)]) -> (Vec<ClippedShape>, Scroll) {
        let (mut all, scroll) = lane(moved, Color32::RED);
        all.extend(shapes.iter().map(|(place, colour)| {
            let place = place.translate(egui::vec2(-moved as f32, 0.0));
            ClippedShape::new(scroll.rect, Shape::rect_filled(place, 0.0, *colour))
        }));
        (all, scroll)
    }

    #[test]
    fn what_only_changes_its_order_is_painted() {
        let (a, b) = (rect(300.0, 240.0, 340.0, 280.0), rect(320.0, 260.0, 360.0, 300.0));
        for by in [0, 3] {
            let mut memory = Memory::default();
            let (shapes, scroll) = on_sheet(96, &[(a, Color32::GREEN), (b, Color32::BLUE)]);
            memory.plan(shapes, VIEW, &[scroll]);
            let (shapes, scroll) = on_sheet(96 + by, &[(b, Color32::BLUE), (a, Color32::GREEN)]);
            let plan = memory.plan(shapes, VIEW, &[scroll]);
            let both = Area::new(320 - 96 - by, 260, 340 - 96 - by, 280);
            assert!(plan.areas.iter().any(|area| area.holds(&both)), "moved by {by}: {:?}", plan.areas);
        }
    }

    #[test]
    fn of_what_grows_as_it_moves_the_end_is_painted() {
        let mut memory = Memory::default();
        let long = |to: f32| [(rect(250.0, 240.0, to, 300.0), Color32::GREEN)];
        let (shapes, scroll) = on_sheet(96, &long(450.0));
        memory.plan(shapes, VIEW, &[scroll]);
        let (shapes, scroll) = on_sheet(99, &long(453.0));
        let plan = memory.plan(shapes, VIEW, &[scroll]);
        let painted: i64 = plan.areas.iter().map(Area::size).sum();
        assert!(painted < 6_000, "{painted} pixels: {:?}", plan.areas);
        let end = Area::new(450 - 99, 240, 453 - 99, 300);
        assert!(plan.areas.iter().any(|area| area.holds(&end)), "{:?}", plan.areas);
    }
}
