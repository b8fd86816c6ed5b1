//! The last line: what the pointer is over, and how Backline is.

use egui::{Align2, Rect, Sense, pos2, vec2};

use super::moment::State;
use super::room::Room;
use super::scene::Action;
use super::theme::{body, small};
use super::tooltips;

/// Paints the line.
pub fn paint(room: &mut Room<'_, '_>, rect: Rect) {
    let theme = room.theme();
    let scene = room.scene;
    let (status, snapshot) = (scene.status, scene.snapshot);
    let mut right = rect.right() - 6.0;
    let word = scene.state.word(snapshot, status);
    let mut facts = vec![(word, scene.state.colour(theme), tooltips::STATE)];
    facts.push(("latency 0 ms".to_owned(), theme.low, "Reported to the host: the audio passes at once"));
    let load = format!("listener {:.0} % of a core", status.worker_load * 100.0);
    facts.push((load, theme.low, "What hearing and planning cost, away from the audio thread"));
    if let Some(plan) = snapshot.plan.as_ref().filter(|plan| plan.committed_beat.is_finite()) {
        let bar = crate::clips::number(plan.committed_beat, scene.bar_quarters()) - 1;
        facts.push((format!("fixed to bar {bar}"), theme.low, tooltips::FIXED));
    }
    if let Some(link) = snapshot.link {
        let group = scene
            .params
            .dial(super::dial::ParamId::Link)
            .shown(scene.values[super::dial::ParamId::Link.index()]);
        let (role, tip) = match (link.leads, link.members) {
            (true, 1) => ("alone".to_owned(), tooltips::LINK_ALONE),
            (true, n) => (format!("leads {n}"), tooltips::LINK_LEADS),
            (false, _) => ("follows".to_owned(), tooltips::LINK_FOLLOWS),
        };
        facts.push((format!("link {group}: {role}"), theme.info, tip));
    }
    if status.missed_samples > 0 {
        let text = format!("{} samples not heard", status.missed_samples);
        facts.push((
            text,
            theme.warn,
            "The computer was too busy to hear everything; the audio passed all the same",
        ));
    }
    for (i, (text, colour, tip)) in facts.into_iter().enumerate() {
        let font = if i == 0 { body() } else { small() };
        let said = room.text(pos2(right, rect.center().y), Align2::RIGHT_CENTER, &text, font, colour, 220.0);
        let name = ["State", "Latency", "Load", "Fixed", "More", "Most"][i.min(5)];
        room.touch(name, said, Sense::hover(), tip);
        right = said.left() - 14.0;
    }
    // What stands above in full is not said twice.
    let banner = scene.banner();
    let advice = scene.state.advice(snapshot);
    let mut notices = scene.notices.iter().chain(&advice).chain(&snapshot.notices);
    let notice = notices.find(|notice| banner.as_ref() != Some(*notice));
    let now = room.ui.input(|i| i.time);
    room.desk.said.take_if(|(_, until)| *until <= now);
    let said = room.desk.said.clone();
    let (text, colour) = match (&said, notice) {
        (Some((said, until)), _) => {
            room.ui.ctx().request_repaint_after(std::time::Duration::from_secs_f64(until - now));
            (said.clone(), theme.info)
        }
        (None, Some(notice)) if room.desk.info.is_empty() => (notice.clone(), theme.warn),
        (None, _) => (room.desk.info.clone(), theme.mid),
    };
    let mut left = rect.left() + 6.0;
    if said.is_some() {
        let at = Rect::from_min_size(pos2(left, rect.top() + 3.0), vec2(40.0, 18.0));
        if room.button("Undo this", at, "Undo", false, scene.steps.0.is_some(), tooltips::UNDO_THIS).clicked()
        {
            room.acts.push(Action::Undo);
            room.desk.said = None;
        }
        left += 46.0;
    } else if notice.is_some() && !scene.notices.is_empty() {
        let at = Rect::from_min_size(pos2(left, rect.top() + 3.0), vec2(30.0, 18.0));
        if room.button("Dismiss", at, "OK", false, true, "Takes the notice away").clicked() {
            room.acts.push(Action::Dismiss);
        }
        left += 36.0;
    }
    if matches!(scene.state, State::Error | State::ModelMissing) && said.is_none() {
        let at = Rect::from_min_size(pos2(left, rect.top() + 3.0), vec2(80.0, 18.0));
        if room.button("Copy details", at, "Copy details", false, true, tooltips::DETAILS).clicked() {
            room.acts.push(Action::CopyDetails);
        }
        left += 86.0;
    }
    let at = pos2(left, rect.center().y);
    let line = room.text(at, Align2::LEFT_CENTER, &text, small(), colour, right - left);
    if let Some(notice) = notice.filter(|_| room.desk.said.is_none()) {
        // What is cut off here stands whole beside the pointer, whether tips are wanted or not.
        let over = room.ui.interact(line, egui::Id::unique("backline notice"), Sense::hover());
        over.on_hover_text(notice.as_str());
    }
}
