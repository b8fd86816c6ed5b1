//! A file that came into the window: what was heard in it, and what to do with that.

use egui::{Align2, Rect, RichText, Stroke, StrokeKind, vec2};

use super::chords::symbol;
use super::room::{RADIUS, Room};
use super::scene::{Action, FileAct, Intake, Scene};
use super::selection::bar_around;
use super::theme::{big, body, head, small};
use super::tooltips;

/// Chords that the card names.
const NAMED: usize = 16;
/// Width of the card.
const WIDTH: f32 = 440.0;

/// Where the bar after the playhead's starts, whether on the heard beat, and what a button says of it; nothing while the music
/// stands nowhere, or before bar 1.
fn next_bar(scene: &Scene<'_>) -> Option<(f64, bool, String)> {
    scene.snapshot.place?;
    let on_heard_beat = scene.on_heard_beat();
    // The bar line that is in force: after a bar of another metre bars do not start on multiples of their length.
    let (_, next) = bar_around(scene, scene.playhead());
    let number = crate::clips::number(next, scene.bar_quarters());
    (on_heard_beat || next > 0.0).then(|| (next, on_heard_beat, format!("… from bar {number}")))
}

/// Paints the card, if there is something to say, and what shows that a file would be taken.
pub fn paint(room: &mut Room<'_, '_>, window: Rect) {
    let scene = room.scene;
    if scene.file_over {
        let theme = room.theme();
        let painter = room
            .ui
            .ctx()
            .layer_painter(egui::LayerId::new(egui::Order::Foreground, egui::Id::unique("backline drop")));
        painter.rect(
            window.shrink(3.0),
            RADIUS,
            theme.window.gamma_multiply(0.7),
            Stroke::new(3.0, theme.accent),
            StrokeKind::Inside,
        );
        let text = "Drop a recording or a MIDI file: Backline hears it";
        painter.text(window.center(), Align2::CENTER_CENTER, text, big(), theme.high);
        return;
    }
    if *scene.intake == Intake::Nothing {
        return;
    }
    let theme = room.theme();
    let (desk, acts) = (&mut *room.desk, &mut *room.acts);
    let area = egui::Area::new(egui::Id::unique("backline file")).order(egui::Order::Foreground);
    area.fixed_pos(window.center() - vec2(WIDTH / 2.0, 90.0)).constrain(true).fade_in(false).show(
        room.ui.ctx(),
        |ui| {
            egui::Frame::popup(ui.style()).inner_margin(12.0).show(ui, |ui| {
                ui.set_width(WIDTH);
                let say = |ui: &mut egui::Ui, text: &str, colour| {
                    ui.label(RichText::new(text).font(body()).color(colour));
                };
                match scene.intake {
                    Intake::Nothing => {}
                    Intake::Asking => {
                        ui.label(RichText::new("Open a recording or a MIDI file").font(head()));
                        ui.horizontal(|ui| {
                            let field = egui::TextEdit::singleline(&mut desk.path)
                                .hint_text("Paste or type its path")
                                .desired_width(WIDTH - 70.0);
                            let response = ui.add(field).on_hover_text(tooltips::PATH_FIELD);
                            let enter =
                                response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
                            let named = !desk.path.trim().is_empty();
                            if (ui.add_enabled(named, egui::Button::new("Open")).clicked() || enter) && named
                            {
                                let path = desk.path.trim().trim_matches(['"', '\'']).to_owned();
                                acts.push(Action::File(FileAct::Open(path)));
                            }
                        });
                        say(
                            ui,
                            "WAV, AIFF, FLAC, MP3, Ogg Vorbis or MIDI. You can also drop it on this window.",
                            theme.mid,
                        );
                    }
                    Intake::Working { name, share } => {
                        ui.label(RichText::new(format!("Listening to {name} …")).font(head()));
                        ui.add(egui::ProgressBar::new(*share).desired_width(WIDTH).fill(theme.accent));
                    }
                    Intake::Failed(why) => {
                        ui.label(RichText::new("Nothing was taken").font(head()).color(theme.error));
                        say(ui, why, theme.high);
                    }
                    Intake::Done(taken) => {
                        ui.label(RichText::new(&taken.name).font(head()));
                        let key = taken.key.map_or_else(|| "key not told".to_owned(), |key| key.to_string());
                        let facts = format!(
                            "{:.1} BPM · {key} · {} · {} bars",
                            taken.tempo_bpm,
                            taken.metre,
                            taken.bars()
                        );
                        say(ui, &facts, theme.high);
                        let names: Vec<String> =
                            taken.chords.iter().take(NAMED).map(|c| symbol(c.chord, taken.key)).collect();
                        let more = if taken.chords.len() > NAMED { " …" } else { "" };
                        say(ui, &format!("{}{more}", names.join("  ")), theme.parts[1]);
                        for notice in &taken.notices {
                            ui.label(RichText::new(notice).font(small()).color(theme.warn));
                        }
                        ui.separator();
                        ui.horizontal_wrapped(|ui| {
                            let mut starts = vec![(0.0, false, "Set its chords from bar 1".to_owned())];
                            starts.extend(next_bar(scene));
                            for (from, on_heard_beat, text) in starts {
                                if ui.button(text).on_hover_text(tooltips::USE_CHORDS).clicked() {
                                    acts.push(Action::File(FileAct::Chords(from, on_heard_beat)));
                                }
                            }
                            if let Some(key) = taken.key
                                && ui.button(format!("Set {key}")).clicked()
                            {
                                acts.push(Action::File(FileAct::Key));
                            }
                        });
                    }
                }
                ui.horizontal(|ui| {
                    if ui.button("Close").clicked() {
                        acts.push(Action::File(FileAct::Close));
                    }
                });
            });
        },
    );
    if room.ui.input(|i| i.key_pressed(egui::Key::Escape)) {
        room.acts.push(Action::File(FileAct::Close));
    }
}
