//! What every room is painted with: text, buttons, menus, and one way to turn a parameter.

use backline_canvas::Scroll;
use egui::{
    Align2, Color32, CornerRadius, FontId, Id, Key, Modifiers, Pos2, Rect, Response, Role, Sense, Stroke,
    StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use super::dial::ParamId;
use super::drag::{drag, notch, snap};
use super::scene::{Action, Desk, Scene};
use super::theme::{Theme, body, small};
use super::tooltips;

/// Corners of panels and buttons.
pub const RADIUS: CornerRadius = CornerRadius::same(5);
/// How far from its sides a ground that things move over has corners, at the most, in points.
pub const INSET: f32 = 8.0;
/// How long the last line says what was done, in seconds.
const SAID_S: f64 = 4.0;
/// A notch of a wheel that counts in points.
const WHEEL_POINTS: f32 = 50.0;

/// A room at work.
pub struct Room<'a, 's> {
    /// Where egui paints.
    pub ui: &'a mut Ui,
    /// What is shown.
    pub scene: &'a Scene<'s>,
    /// What is remembered.
    pub desk: &'a mut Desk,
    /// What is asked for.
    pub acts: &'a mut Vec<Action>,
}

impl Room<'_, '_> {
    /// The palette.
    pub fn theme(&self) -> &'static Theme {
        self.scene.theme
    }

    /// The edge of a room, whose ground is there already.
    pub fn panel(&mut self, rect: Rect) {
        let hair = self.theme().hair();
        self.ui.painter().rect_stroke(rect, RADIUS, hair, StrokeKind::Inside);
    }

    /// Takes down where something was painted, when somebody wants to know.
    pub fn note(&mut self, name: &str, rect: Rect) {
        if let Some(placed) = &mut self.desk.placed {
            placed.push((name.to_owned(), rect));
        }
    }

    /// Declares that what is painted on `rect`, whose ground is painted and does not move, has moved to the left by so
    /// many pixels. Gives the part of it to paint on: whole pixels, and two pixels less at each side, where the ground ends.
    pub fn moves(&mut self, rect: Rect, moved: i64) -> Rect {
        let scale = self.ui.ctx().pixels_per_point();
        let rect = rect.intersect(self.ui.clip_rect());
        // The corners of the ground and their soft edges, which would be moved along.
        let inset = ((f32::from(RADIUS.nw) + 1.0) * scale).ceil() + 2.0;
        let rect = Rect::from_min_max(
            pos2(((rect.left() * scale).ceil() + inset) / scale, (rect.top() * scale).round() / scale),
            pos2(((rect.right() * scale).floor() - inset) / scale, (rect.bottom() * scale).round() / scale),
        );
        self.desk.scrolls.push(Scroll { rect, moved });
        rect
    }

    /// Text, cut off with an ellipsis where it is wider than `width`.
    pub fn text(
        &mut self,
        at: Pos2,
        anchor: Align2,
        text: &str,
        font: FontId,
        colour: Color32,
        width: f32,
    ) -> Rect {
        let mut job = egui::text::LayoutJob::single_section(
            text.to_owned(),
            egui::TextFormat { font_id: font, color: colour, ..Default::default() },
        );
        job.wrap = egui::text::TextWrapping::truncate_at_width(width.max(1.0));
        let galley = self.ui.painter().layout_job(job);
        let rect = anchor.anchor_size(at, galley.size());
        let cut = galley.elided;
        self.ui.painter().galley(rect.min, galley, colour);
        match cut {
            true if self.desk.placed.is_some() => self.note(&format!("{text}…"), rect),
            true => {}
            false => self.note(text, rect),
        }
        rect
    }

    /// What egui calls the place with this name.
    pub fn id(&self, name: &str) -> Id {
        Id::unique(("backline", name))
    }

    /// A place that the hand can touch. `tip` is told in the status line, and beside the pointer where
    /// the musician wants tips.
    pub fn touch(&mut self, name: &str, rect: Rect, sense: Sense, tip: &str) -> Response {
        let response = self.feel(name, rect, sense);
        self.explain(name, response, || tip.to_owned())
    }

    /// A place that the hand can touch, of which nothing is told yet.
    fn feel(&mut self, name: &str, rect: Rect, sense: Sense) -> Response {
        if self.desk.placed.is_some() {
            self.note(&format!("[{name}]"), rect);
        }
        let response = self.ui.interact(rect, self.id(name), sense);
        if response.has_focus() {
            let ring = Stroke::new(1.5, self.theme().accent);
            self.ui.painter().rect_stroke(rect.expand(1.0), RADIUS, ring, StrokeKind::Outside);
        }
        response
    }

    /// Tells of a place, if the pointer is over it: most of the time it is not, and then no tip is made.
    fn explain(&mut self, name: &str, response: Response, tip: impl FnOnce() -> String) -> Response {
        if !response.hovered() {
            return response;
        }
        let tip = tip();
        self.desk.info = if tip.is_empty() { name.to_owned() } else { tip.clone() };
        if self.scene.look.tips && !tip.is_empty() { response.on_hover_text(tip) } else { response }
    }

    /// A button; `on` paints it as switched on.
    pub fn button(
        &mut self,
        name: &str,
        rect: Rect,
        text: &str,
        on: bool,
        enabled: bool,
        tip: &str,
    ) -> Response {
        let theme = self.theme();
        let sense = if enabled { Sense::click() } else { Sense::hover() };
        let response = self.touch(name, rect, sense, tip);
        let (fill, colour) = match (on, enabled) {
            (_, false) => (theme.panel, theme.low.gamma_multiply(0.6)),
            (true, true) => (theme.accent.gamma_multiply(if theme.light { 0.3 } else { 0.28 }), theme.high),
            (false, true) if response.hovered() => (theme.line, theme.high),
            (false, true) => (theme.well, theme.mid),
        };
        let edge = if on { Stroke::new(1.0, theme.accent) } else { theme.hair() };
        self.ui.painter().rect(rect, RADIUS, fill, edge, StrokeKind::Inside);
        let font = if rect.height() < 19.0 { small() } else { body() };
        let galley = self.ui.painter().layout_no_wrap(text.to_owned(), font.clone(), colour);
        let fits = galley.size().x <= rect.width() - 4.0;
        if fits {
            let at = Align2::CENTER_CENTER.anchor_size(rect.center(), galley.size()).min;
            self.ui.painter().galley(at, galley, colour);
        } else {
            let inside = rect.shrink(4.0);
            let mut job = egui::text::LayoutJob::simple(text.to_owned(), font, colour, f32::INFINITY);
            job.wrap = egui::text::TextWrapping::truncate_at_width(inside.width());
            let galley = self.ui.painter().layout_job(job);
            let at = Align2::LEFT_CENTER.anchor_size(inside.left_center(), galley.size()).min;
            if galley.elided {
                self.note(&format!("{text}…"), rect);
            }
            self.ui.painter().galley(at, galley, colour);
        }
        let label = if text.chars().count() > 2 { text.to_owned() } else { name.to_owned() };
        response.widget_info(|| WidgetInfo::selected(Role::Button, enabled, on, &label));
        response
    }

    /// A button that opens a menu.
    pub fn menu(
        &mut self,
        name: &str,
        rect: Rect,
        text: &str,
        tip: &str,
        content: impl FnOnce(&mut Ui, &mut Desk, &mut Vec<Action>),
    ) {
        let response = self.button(name, rect, text, false, true, tip);
        self.menu_of(&response, content);
    }

    /// The menu of something that can be clicked.
    pub fn menu_of(
        &mut self,
        response: &Response,
        content: impl FnOnce(&mut Ui, &mut Desk, &mut Vec<Action>),
    ) {
        self.popup(egui::Popup::menu(response), content);
    }

    /// The same, in which the hand can type: a click into it does not close it.
    pub fn form_of(
        &mut self,
        response: &Response,
        content: impl FnOnce(&mut Ui, &mut Desk, &mut Vec<Action>),
    ) {
        let outside = egui::PopupCloseBehavior::CloseOnClickOutside;
        self.popup(egui::Popup::menu(response).close_behavior(outside), content);
    }

    fn popup(&mut self, popup: egui::Popup<'_>, content: impl FnOnce(&mut Ui, &mut Desk, &mut Vec<Action>)) {
        let (desk, acts) = (&mut *self.desk, &mut *self.acts);
        popup.show(|ui| {
            egui::ScrollArea::vertical().max_height(360.0).show(ui, |ui| content(ui, desk, acts));
        });
    }

    /// Says in the last line what was just done.
    pub fn say(&mut self, what: String) {
        self.desk.said = Some((what, self.ui.input(|i| i.time) + SAID_S));
    }

    /// What was held when a key was pressed in this frame: by its end, when it is read, that may be let go again.
    pub fn pressed(&self, key: Key) -> Option<Modifiers> {
        let held = |event: &egui::Event| match event {
            egui::Event::Key { key: known, pressed: true, modifiers, .. } if *known == key => {
                Some(*modifiers)
            }
            _ => None,
        };
        self.ui.input(|i| i.events.iter().find_map(held))
    }

    /// The value of a parameter, 0..=1.
    pub fn value(&self, id: ParamId) -> f32 {
        self.scene.values[id.index()]
    }

    /// Whether a switch is on.
    pub fn is_on(&self, id: ParamId) -> bool {
        self.value(id) >= 0.5
    }

    /// One whole gesture.
    pub fn put(&mut self, id: ParamId, normalised: f32) {
        self.acts.extend([Action::Begin(id), Action::Set(id, normalised), Action::End(id)]);
    }

    /// A switch.
    pub fn switch(&mut self, id: ParamId, rect: Rect, text: &str) {
        let on = self.is_on(id);
        let name = self.scene.params.dial(id).title().to_owned();
        if self.button(&name, rect, text, on, true, tooltips::param(id)).clicked() {
            self.put(id, if on { 0.0 } else { 1.0 });
        }
    }

    /// Everything that the hand can do with the parameter under `rect`; what it looks like is painted by
    /// the caller. `value_rect`, a part of it, is where a click begins typing.
    pub fn hand(&mut self, id: ParamId, rect: Rect, value_rect: Rect) -> Response {
        let dial = self.scene.params.dial(id);
        let (value, steps) = (self.value(id), dial.steps());
        let name = dial.title().to_owned();
        let response = self.feel(&name, rect, Sense::click_and_drag());
        let tip = || format!("{} · {} | {}", tooltips::param(id), dial.shown(value), tooltips::HAND);
        let response = self.explain(&name, response, tip);
        let (fine, command) = self.ui.input(|i| (i.modifiers.shift, i.modifiers.command));
        let primary = egui::PointerButton::Primary;

        if response.drag_started_by(primary) {
            self.desk.held = Some((id, value));
            self.acts.push(Action::Begin(id));
        }
        if let Some((held, raw)) = self.desk.held
            && held == id
        {
            if response.dragged_by(primary) {
                let raw = drag(raw, -response.drag_delta().y, fine);
                self.desk.held = Some((id, raw));
                if snap(raw, steps) != value {
                    self.acts.push(Action::Set(id, snap(raw, steps)));
                }
            }
            if response.drag_stopped() || !self.ui.input(|i| i.pointer.any_down()) {
                self.desk.held = None;
                self.acts.push(Action::End(id));
            }
        }
        let at_value = response.interact_pointer_pos().is_some_and(|at| value_rect.contains(at));
        if response.double_clicked() || (response.clicked_by(primary) && command) {
            self.desk.typing = None;
            self.put(id, dial.usual());
        } else if response.clicked_by(primary) && at_value {
            self.type_value(id);
        } else if response.clicked_by(primary) {
            response.request_focus();
        }
        if response.hovered() {
            let notches: f32 = self.ui.input(|i| i.events.iter().map(wheel_notches).sum());
            if notches != 0.0 && self.desk.held.is_none() {
                self.acts.push(Action::Notch(id, notch(value, notches, fine, steps)));
            }
        }
        if response.has_focus() {
            self.keys(id, &response, value, steps, fine);
        }
        self.parameter_menu(id, &response);
        response.widget_info(|| WidgetInfo::slider(true, f64::from(value), &name));
        if self.desk.typing.as_ref().is_some_and(|(typed, _)| *typed == id) {
            self.field(id, value_rect);
        }
        response
    }

    /// Arrow keys step, Home resets, Enter types.
    fn keys(&mut self, id: ParamId, response: &Response, value: f32, steps: Option<usize>, fine: bool) {
        let filter =
            egui::EventFilter { horizontal_arrows: true, vertical_arrows: true, ..Default::default() };
        self.ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
        let pressed = |key| self.ui.input(|i| i.key_pressed(key));
        let up = pressed(Key::ArrowUp) || pressed(Key::ArrowRight);
        let down = pressed(Key::ArrowDown) || pressed(Key::ArrowLeft);
        let (home, enter) = (pressed(Key::Home), pressed(Key::Enter));
        if up != down {
            self.acts.push(Action::Notch(id, notch(value, if up { 1.0 } else { -1.0 }, fine, steps)));
        } else if home {
            self.put(id, self.scene.params.dial(id).usual());
        } else if enter && self.desk.typing.is_none() {
            self.type_value(id);
        }
    }

    fn type_value(&mut self, id: ParamId) {
        let shown = self.scene.params.dial(id).shown(self.value(id));
        self.desk.typing = Some((id, shown));
    }

    fn parameter_menu(&mut self, id: ParamId, response: &Response) {
        let dial = self.scene.params.dial(id);
        let (usual, shown) = (dial.usual(), dial.shown(self.value(id)));
        let usual_text = dial.shown(usual);
        let (desk, acts) = (&mut *self.desk, &mut *self.acts);
        response.context_menu(|ui| {
            if ui.button(format!("Reset to {usual_text}")).clicked() {
                acts.extend([Action::Begin(id), Action::Set(id, usual), Action::End(id)]);
                ui.close();
            }
            if ui.button("Type a value").clicked() {
                desk.typing = Some((id, shown.clone()));
                ui.close();
            }
            if ui.button("Undo").clicked() {
                acts.push(Action::Undo);
                ui.close();
            }
        });
    }

    /// The field in which a value is typed, with a pad beneath for where the host keeps the keys.
    fn field(&mut self, id: ParamId, rect: Rect) {
        let Some((_, mut text)) = self.desk.typing.take() else { return };
        let theme = self.theme();
        let rect = Rect::from_center_size(rect.center(), vec2(rect.width().max(58.0), 20.0));
        let valid = self.scene.params.dial(id).typed(&text);
        let colour = if valid.is_some() { theme.high } else { theme.error };
        let field = egui::TextEdit::singleline(&mut text)
            .id(Id::unique("backline value"))
            .font(body())
            .text_color(colour)
            .align(egui::Align2::CENTER_CENTER)
            .margin(egui::Margin::symmetric(3, 2));
        let response = self.ui.put(rect, field);
        let fresh = self.desk.typing_in.replace(id) != Some(id);
        if fresh {
            response.request_focus();
        }
        let (enter, escape) = self.ui.input(|i| (i.key_pressed(Key::Enter), i.key_pressed(Key::Escape)));
        let pad = self.pad(rect, &mut text);
        let left = response.lost_focus() && !enter && !escape && !pad.touched;
        if !fresh && (enter || pad.done || left) {
            if let Some(value) = self.scene.params.dial(id).typed(&text) {
                self.put(id, value);
            }
        } else if !escape {
            self.desk.typing = Some((id, text));
            if pad.touched {
                response.request_focus();
            }
            return;
        }
        response.surrender_focus();
        self.desk.typing_in = None;
    }

    fn pad(&mut self, under: Rect, text: &mut String) -> Pad {
        let mut pad = Pad::default();
        let at = pos2(under.center().x - 50.0, under.bottom() + 4.0);
        egui::Area::new(Id::unique("backline pad")).order(egui::Order::Foreground).fixed_pos(at).show(
            self.ui.ctx(),
            |ui| {
                egui::Frame::popup(ui.style()).inner_margin(4.0).show(ui, |ui| {
                    for row in ["789", "456", "123", "-0.", "CO"] {
                        ui.horizontal(|ui| {
                            for key in row.chars() {
                                let label = match key {
                                    'C' => "Clear".to_owned(),
                                    'O' => "OK".to_owned(),
                                    key => key.to_string(),
                                };
                                let size = if row.len() == 2 { vec2(46.0, 20.0) } else { vec2(28.0, 20.0) };
                                if ui.add_sized(size, egui::Button::new(label)).clicked() {
                                    pad.touched = true;
                                    match key {
                                        'C' => text.clear(),
                                        'O' => pad.done = true,
                                        key => text.push(key),
                                    }
                                }
                            }
                        });
                    }
                });
                pad.touched |= ui.input(|i| i.pointer.any_down()) && ui.ui_contains_pointer();
            },
        );
        pad
    }
}

#[derive(Default)]
struct Pad {
    touched: bool,
    done: bool,
}

/// How many notches up an event turns the wheel.
pub fn wheel_notches(event: &egui::Event) -> f32 {
    match event {
        egui::Event::MouseWheel { unit: egui::MouseWheelUnit::Point, delta, .. } => {
            (delta.x + delta.y) / WHEEL_POINTS
        }
        // With Shift some systems turn the wheel sideways.
        egui::Event::MouseWheel { delta, .. } => delta.x + delta.y,
        _ => 0.0,
    }
}
