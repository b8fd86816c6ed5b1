//! Where the rooms lie: one function of the window's size.

use egui::{Rect, Vec2, pos2, vec2};

/// The smallest window, in points.
pub const MIN_SIZE: Vec2 = vec2(900.0, 560.0);
/// The window as it opens first, in points.
pub const USUAL_SIZE: Vec2 = vec2(1120.0, 700.0);
/// Space around the rooms.
const MARGIN: f32 = 8.0;
/// Space between the rooms.
const GAP: f32 = 6.0;
/// Width of the right column.
const SHAPE_WIDTH: f32 = 252.0;
/// Width of the lane heads, which the chord lane shares.
pub const HEAD_WIDTH: f32 = 72.0;

/// The rooms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Layout {
    /// Name, presets, A/B, undo, listen.
    pub header: Rect,
    /// What is heard.
    pub heard: Rect,
    /// Harmony, heard and planned.
    pub chords: Rect,
    /// The three parts.
    pub arrangement: Rect,
    /// The knobs.
    pub shape: Rect,
    /// What was captured.
    pub clips: Rect,
    /// One line.
    pub status: Rect,
}

impl Layout {
    /// The rooms of a window of `size` points; what is smaller than [`MIN_SIZE`] is laid out as if it
    /// had that size, and is cut off.
    pub fn of(size: Vec2) -> Self {
        let size = size.max(MIN_SIZE);
        let (left, right) = (MARGIN, size.x - MARGIN);
        let mut top = MARGIN;
        let mut row = |height: f32, right: f32| {
            let rect = Rect::from_min_max(pos2(left, top), pos2(right, top + height));
            top += height + GAP;
            rect
        };
        let header = row(38.0, right);
        let heard = row(92.0, right);
        let middle = right - SHAPE_WIDTH - GAP;
        let chords = row(58.0, middle);
        let below = chords.bottom() + GAP;
        let bottom = size.y - MARGIN;
        let status = Rect::from_min_max(pos2(left, bottom - 24.0), pos2(right, bottom));
        let clips_top = status.top() - GAP - 78.0;
        let clips = Rect::from_min_max(pos2(left, clips_top), pos2(middle, status.top() - GAP));
        let arrangement = Rect::from_min_max(pos2(left, below), pos2(middle, clips_top - GAP));
        let shape = Rect::from_min_max(pos2(middle + GAP, chords.top()), pos2(right, status.top() - GAP));
        Self { header, heard, chords, arrangement, shape, clips, status }
    }

    /// What lies between and around the rooms of a window, with the last line.
    pub fn gaps(&self, window: Rect) -> [Rect; 9] {
        let (left, right) = (self.header.left(), self.header.right());
        let middle = self.chords.right();
        let part = |x: (f32, f32), y: (f32, f32)| Rect::from_min_max(pos2(x.0, y.0), pos2(x.1, y.1));
        [
            part((window.left(), left), (window.top(), window.bottom())),
            part((right, window.right()), (window.top(), window.bottom())),
            part((left, right), (window.top(), self.header.top())),
            part((left, right), (self.header.bottom(), self.heard.top())),
            part((left, right), (self.heard.bottom(), self.chords.top())),
            part((left, right), (self.shape.bottom(), window.bottom())),
            part((left, middle), (self.chords.bottom(), self.arrangement.top())),
            part((left, middle), (self.arrangement.bottom(), self.clips.top())),
            part((middle, self.shape.left()), (self.chords.top(), self.shape.bottom())),
        ]
    }

    /// All rooms.
    pub fn rooms(&self) -> [Rect; 7] {
        [self.header, self.heard, self.chords, self.arrangement, self.shape, self.clips, self.status]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_never_overlap_and_fill_the_window() {
        for size in [MIN_SIZE, USUAL_SIZE, vec2(1800.0, 1100.0), vec2(300.0, 200.0)] {
            let rooms = Layout::of(size).rooms();
            let window = Rect::from_min_size(pos2(0.0, 0.0), size.max(MIN_SIZE));
            for (i, a) in rooms.iter().enumerate() {
                assert!(window.contains_rect(*a), "{a:?} in {window:?}");
                assert!(a.width() > 100.0 && a.height() >= 24.0, "{a:?}");
                for b in &rooms[..i] {
                    assert!(!a.intersects(*b), "{a:?} {b:?}");
                }
            }
            // The last line lies on the ground itself.
            let gaps = Layout::of(size).gaps(window);
            let area: f32 = gaps.iter().chain(&rooms[..6]).map(|part| part.area()).sum();
            assert!((area - window.area()).abs() < 1.0, "{size:?}: {area} of {}", window.area());
            for gap in gaps {
                assert!(rooms[..6].iter().all(|room| !room.shrink(0.1).intersects(gap)), "{gap:?}");
            }
        }
    }
}
