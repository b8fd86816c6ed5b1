//! How a parameter looks: as a knob, a slider or a row of segments. What the hand does is the room's.

use egui::{Align2, Color32, Pos2, Rect, Stroke, StrokeKind, pos2, vec2};

use super::dial::ParamId;
use super::room::{RADIUS, Room};
use super::theme::{body, small};

/// Height of a label or a value.
const TEXT: f32 = 15.0;
/// The knob's lowest position, clockwise from the right, and how far it turns, in radians.
const FROM: f32 = 0.75 * std::f32::consts::PI;
const TURN: f32 = 1.5 * std::f32::consts::PI;

fn on_circle(centre: Pos2, radius: f32, turn: f32) -> Pos2 {
    let angle = FROM + TURN * turn;
    centre + radius * vec2(angle.cos(), angle.sin())
}

fn arc(centre: Pos2, radius: f32, from: f32, to: f32) -> Vec<Pos2> {
    let (from, to) = (from.min(to), from.max(to));
    let pieces = ((to - from) * 40.0).ceil().max(1.0);
    (0..=pieces as usize).map(|i| on_circle(centre, radius, from + (to - from) * i as f32 / pieces)).collect()
}

impl Room<'_, '_> {
    /// A knob with its name above and its value beneath; `bipolar` fills from the centre.
    pub fn knob(&mut self, id: ParamId, rect: Rect, bipolar: bool, colour: Color32) {
        let theme = self.theme();
        let value_rect = Rect::from_min_max(pos2(rect.left(), rect.bottom() - TEXT), rect.max);
        let response = self.hand(id, rect, value_rect);
        let dial = self.scene.params.dial(id);
        let (value, shown, name) = (self.value(id), dial.shown(self.value(id)), dial.title().to_owned());
        let top = pos2(rect.center().x, rect.top());
        // The longest name fits the smallest knob.
        let font = if rect.width() < 64.0 { egui::FontId::proportional(10.0) } else { small() };
        self.text(top, Align2::CENTER_TOP, &name, font, theme.mid, rect.width() + 3.0);
        if self.desk.typing.as_ref().is_none_or(|(typed, _)| *typed != id) {
            let at = pos2(rect.center().x, rect.bottom());
            self.text(at, Align2::CENTER_BOTTOM, &shown, small(), theme.high, rect.width());
        }
        let room = rect.height() - 2.0 * TEXT;
        let centre = pos2(rect.center().x, rect.top() + TEXT + room * 0.53);
        let radius = (room.min(rect.width()) * 0.5 - 3.0).max(6.0);
        let painter = self.ui.painter();
        let held = response.dragged() || response.hovered();
        painter.circle(centre, radius - 5.0, if held { theme.line } else { theme.well }, theme.hair());
        painter.line(arc(centre, radius, 0.0, 1.0), Stroke::new(3.0, theme.line));
        let zero = if bipolar { 0.5 } else { 0.0 };
        if (value - zero).abs() > 0.002 {
            painter.line(arc(centre, radius, zero, value), Stroke::new(3.0, colour));
        }
        if bipolar {
            painter.circle_filled(on_circle(centre, radius, 0.5), 2.0, theme.mid);
        }
        let points = [on_circle(centre, radius * 0.3, value), on_circle(centre, radius - 6.0, value)];
        painter.line_segment(points, Stroke::new(2.5, theme.high));
    }

    /// A horizontal slider with its name and value on it.
    pub fn slider(&mut self, id: ParamId, rect: Rect, colour: Color32) {
        let theme = self.theme();
        let value_rect = Rect::from_min_max(pos2(rect.right() - 64.0, rect.top()), rect.max);
        let response = self.hand(id, rect, value_rect);
        let dial = self.scene.params.dial(id);
        let (value, shown, name) = (self.value(id), dial.shown(self.value(id)), dial.title().to_owned());
        let edge = if response.hovered() { Stroke::new(1.0, theme.mid) } else { theme.hair() };
        let painter = self.ui.painter();
        painter.rect(rect, RADIUS, theme.well, edge, StrokeKind::Inside);
        let fill = Rect::from_min_size(rect.min, vec2(rect.width() * value, rect.height())).shrink(1.0);
        if fill.width() > 2.0 {
            painter.rect_filled(fill, RADIUS, colour.gamma_multiply(0.35));
        }
        let (left, right) = (rect.left_center() + vec2(8.0, 0.0), rect.right_center() - vec2(8.0, 0.0));
        self.text(left, Align2::LEFT_CENTER, &name, body(), theme.mid, rect.width() - 76.0);
        if self.desk.typing.as_ref().is_none_or(|(typed, _)| *typed != id) {
            self.text(right, Align2::RIGHT_CENTER, &shown, body(), theme.high, 60.0);
        }
    }

    /// One button for each value of a parameter with few.
    pub fn segments(&mut self, id: ParamId, rect: Rect) {
        let dial = self.scene.params.dial(id);
        let steps = dial.steps().unwrap_or(1);
        let title = dial.title().to_owned();
        let now = (self.value(id) * steps as f32).round() as usize;
        let width = rect.width() / (steps + 1) as f32;
        for i in 0..=steps {
            let value = i as f32 / steps as f32;
            let text = self.scene.params.dial(id).shown(value);
            let at =
                Rect::from_min_size(rect.min + vec2(i as f32 * width, 0.0), vec2(width - 2.0, rect.height()));
            let tip = super::tooltips::param(id);
            if self.button(&format!("{title}: {text}"), at, &text, i == now, true, tip).clicked() && i != now
            {
                self.put(id, value);
            }
        }
    }
}
