//! Rectangles of whole pixels, and few of them instead of many.

/// A rectangle of pixels: its first column and row, and one past its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// First column.
    pub left: i64,
    /// First row.
    pub top: i64,
    /// One past the last column.
    pub right: i64,
    /// One past the last row.
    pub bottom: i64,
}

/// What one more rectangle costs the painter, as so many pixels.
const CALL: i64 = 3_000;
/// More rectangles than this are not weighed one against another.
const MANY: usize = 96;

impl Area {
    /// A rectangle by its edges.
    pub const fn new(left: i64, top: i64, right: i64, bottom: i64) -> Self {
        Self { left, top, right, bottom }
    }

    /// Whether there is nothing in it.
    pub const fn is_empty(&self) -> bool {
        self.right <= self.left || self.bottom <= self.top
    }

    /// Number of pixels.
    pub const fn size(&self) -> i64 {
        if self.is_empty() { 0 } else { (self.right - self.left) * (self.bottom - self.top) }
    }

    /// What both hold.
    pub fn and(&self, other: &Self) -> Self {
        Self {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        }
    }

    /// What holds both.
    pub fn around(&self, other: &Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }

    /// Whether all of `other` lies in it.
    pub const fn holds(&self, other: &Self) -> bool {
        self.left <= other.left
            && self.top <= other.top
            && self.right >= other.right
            && self.bottom >= other.bottom
    }

    /// The same elsewhere.
    pub const fn moved(&self, right: i64) -> Self {
        Self { left: self.left + right, right: self.right + right, ..*self }
    }
}

/// Joins rectangles wherever one call more would cost more than the pixels between them.
pub fn joined(mut areas: Vec<Area>) -> Vec<Area> {
    areas.retain(|area| !area.is_empty());
    if areas.len() > MANY {
        areas.sort_unstable_by_key(|area| (area.top, area.left));
        let share = areas.len().div_ceil(MANY);
        areas =
            areas.chunks(share).filter_map(|near| near.iter().copied().reduce(|a, b| a.around(&b))).collect();
    }
    // Twice: what has grown may reach others.
    for _ in 0..2 {
        let mut few: Vec<Area> = Vec::with_capacity(areas.len());
        for area in areas {
            let more = |other: &Area| {
                other.around(&area).size() - other.size() - area.size() + other.and(&area).size()
            };
            let near = few.iter_mut().map(|other| (more(other), other)).min_by_key(|(more, _)| *more);
            match near {
                Some((more, other)) if more < CALL => *other = other.around(&area),
                _ => few.push(area),
            }
        }
        areas = few;
    }
    areas
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_ones_become_one_and_far_ones_stay() {
        let (a, b) = (Area::new(0, 0, 16, 16), Area::new(20, 0, 36, 16));
        let far = Area::new(900, 600, 916, 616);
        let mut few = joined(vec![a, far, b, Area::new(5, 5, 5, 9)]);
        few.sort_unstable_by_key(|area| area.left);
        assert_eq!(few, [Area::new(0, 0, 36, 16), far]);
        let many: Vec<Area> = (0..1_000).map(|i| Area::new(i * 50, 0, i * 50 + 1, 700)).collect();
        let few = joined(many.clone());
        assert!(few.len() <= MANY && many.iter().all(|area| few.iter().any(|whole| whole.holds(area))));
    }
}
