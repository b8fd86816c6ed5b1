//! The page of keys and gestures, and a window in which little moves.

use super::*;

fn question() -> Event {
    Event::Text("?".into())
}

#[test]
fn the_page_opens_and_closes_by_key_button_and_click() {
    let mut bench = Bench::new(State::Locked, USUAL_SIZE);
    bench.rest();
    let open = |bench: &Bench| bench.desk.help.is_some();
    bench.frame(vec![question()], Modifiers::NONE);
    assert!(!open(&bench), "letters are the host's while nothing has the focus");
    bench.key(egui::Key::Tab);
    let focus = bench.ctx.memory(|m| m.focused());
    assert!(focus.is_some());
    bench.frame(vec![question()], Modifiers::NONE);
    assert!(open(&bench));
    bench.frame(vec![question()], Modifiers::NONE);
    assert!(!open(&bench));
    bench.rest();
    assert_eq!(bench.ctx.memory(|m| m.focused()), focus, "the focus is where it was");
    bench.click("[Help]");
    assert!(open(&bench));
    bench.key(egui::Key::Escape);
    assert!(!open(&bench));
    bench.click("[Help]");
    bench.acts.clear();
    // A click closes it, and reaches nothing beneath.
    let mute = bench.place("[Mute Drums]").center();
    bench.click_with(mute, Modifiers::NONE);
    assert_eq!((open(&bench), bench.acts.len()), (false, 0), "{:?}", bench.acts);
}

#[test]
fn beneath_the_page_no_key_acts_and_space_is_the_hosts() {
    let mut bench = Bench::new(State::Locked, USUAL_SIZE);
    bench.rest();
    let knob = bench.place("[Energy]");
    bench.click_with(knob.center() - vec2(0.0, 8.0), Modifiers::NONE);
    bench.acts.clear();
    bench.frame(vec![question()], Modifiers::NONE);
    assert!(bench.desk.help.is_some());
    let keys =
        [egui::Key::ArrowUp, egui::Key::L, egui::Key::R, egui::Key::Tab, egui::Key::M, egui::Key::Space];
    keys.into_iter().for_each(|key| bench.key(key));
    let lane = bench.place("[Bass lane]").center();
    bench.frame(vec![Event::PointerMoved(lane), wheel(1.0)], Modifiers::NONE);
    assert!(bench.desk.help.is_some() && bench.acts.is_empty() && bench.desk.pan == 0.0, "{:?}", bench.acts);
    // Nor is Space anywhere else something that egui sees.
    let seen = bench.ctx.input(|i| i.key_pressed(egui::Key::Space));
    assert!(!seen);
}

/// What the page says, and where.
fn page(bench: &Bench) -> (Rect, Vec<(String, Rect)>) {
    let placed = bench.desk.placed.as_ref().unwrap();
    let at = placed.iter().position(|(name, _)| name == "{help}").expect("it is open");
    let rest = placed[at + 1..].iter().filter(|(name, _)| !name.starts_with('['));
    (placed[at].1, rest.cloned().collect())
}

#[test]
fn the_page_fits_and_nothing_on_it_overlaps() {
    for size in SIZES {
        for light in [false, true] {
            let mut bench = Bench::new(State::Locked, size);
            bench.look.light = light;
            bench.desk.help = Some(None);
            bench.rest();
            bench.rest();
            let (ground, texts) = page(&bench);
            let window = Rect::from_min_size(Pos2::ZERO, size);
            assert!(window.shrink(8.0).contains_rect(ground), "{ground:?} in {size:?}");
            assert!(texts.len() > 70, "{} texts", texts.len());
            for (i, (a, first)) in texts.iter().enumerate() {
                assert!(
                    !a.ends_with('…') && ground.shrink(8.0).contains_rect(*first),
                    "{size:?}: {a} {first:?}"
                );
                for (b, second) in &texts[..i] {
                    let over = first.shrink(1.0).intersects(second.shrink(1.0));
                    assert!(!over, "{size:?}: \"{a}\" {first:?} over \"{b}\" {second:?}");
                }
            }
        }
    }
}

#[test]
fn the_page_tells_of_every_key_that_a_tip_tells_of() {
    let mut bench = Bench::new(State::Locked, USUAL_SIZE);
    bench.rest();
    let mut keys: Vec<String> = Vec::new();
    let names = bench.controls();
    for name in names {
        let at = bench.place(&name).center();
        bench.frame(vec![Event::PointerMoved(at)], Modifiers::NONE);
        bench.rest();
        keys.extend(bench.desk.info.rsplit_once(" | ").map(|(_, keys)| keys.to_owned()));
    }
    keys.sort();
    keys.dedup();
    bench.desk.help = Some(None);
    bench.rest();
    bench.rest();
    let (_, texts) = page(&bench);
    let said: String = texts.iter().map(|(text, _)| text.to_lowercase()).collect::<Vec<_>>().join(" ");
    for key in ["L", "M", "S", "K", "R", "Ctrl-Z", "Ctrl-E", "?", "Enter · Delete"] {
        assert!(keys.iter().any(|known| known == key), "a tip tells of {key}: {keys:?}");
    }
    let words = keys.iter().flat_map(|keys| keys.split([' ', '·', ',', ':']));
    for word in
        words.filter(|word| word.starts_with("Ctrl-") || ["Esc", "Delete", "Enter", "Home"].contains(word))
    {
        let known =
            said.contains(&word.to_lowercase()) || word == "Ctrl-Shift-Z" && said.contains("redo with shift");
        assert!(known, "{word} is on the page: {said}");
    }
}

#[test]
fn with_less_motion_the_lanes_stand_and_the_playhead_walks() {
    for calm in [false, true] {
        let mut bench = Bench::new(State::Locked, USUAL_SIZE);
        bench.look.calm = calm;
        let mut at = |beat: f64| {
            bench.status.pos_beats = beat;
            let place = bench.snapshot.place.unwrap();
            bench.snapshot.place = Some(Place { beat, bar_start: (beat / 4.0).floor() * 4.0, ..place });
            bench.rest();
            bench.desk.scrolls[1].moved
        };
        let moved: Vec<i64> = [17.0, 18.5, 24.0, 31.5].map(&mut at).windows(2).map(|w| w[1] - w[0]).collect();
        assert_eq!(moved.iter().all(|by| *by == 0), calm, "{moved:?}");
        let page = at(32.0) - at(31.9);
        assert_eq!(page > 50, calm, "the page turns: {page}");
    }
}
