//! What a session does on command: form, kept bars, other takes, and what it learns from thumbs.

use std::sync::OnceLock;

use backline_engine::{Edits, Form, KeptBar, KeptNote, Line, Models, Session, Taste, Verdict};
use backline_music::{Controls, DrumVoice, Metre, Part, PlannedBar, PlannedNote, Transport};
use backline_synth::demo::demo_song;

const RATE: f64 = 44_100.0;

fn mono() -> &'static [f32] {
    static MONO: OnceLock<Vec<f32>> = OnceLock::new();
    MONO.get_or_init(|| demo_song().mono())
}

/// The bars of the demo song's first `seconds` as they were played at 120 BPM of the host; `act` is called at every beat.
fn played(seconds: f64, controls: &Controls, mut act: impl FnMut(i64, &mut Session)) -> Vec<PlannedBar> {
    let mono = mono();
    let mut session = Session::new(RATE).unwrap();
    session.set_controls(controls);
    let mut bars: Vec<PlannedBar> = Vec::new();
    let beat_samples = (RATE / 2.0) as usize;
    for (i, block) in mono[..(seconds * RATE) as usize].chunks(beat_samples).enumerate() {
        let beat = i as f64;
        act(i as i64, &mut session);
        let transport = Transport {
            playing: true,
            pos_beats: beat,
            tempo_bpm: 120.0,
            metre: Metre::FOUR_FOUR,
            bar_start_beats: (beat / 4.0).floor() * 4.0,
            loop_beats: None,
        };
        session.feed(block, &transport);
        // What is played in the last half beat of the block has been committed.
        let now = beat + 0.9;
        if let Some(bar) = session.plan().bars.iter().find(|b| b.start_beat <= now && now < b.end_beat()) {
            bars.retain(|b| b.start_beat != bar.start_beat);
            bars.push(bar.clone());
        }
    }
    bars
}

fn bar(bars: &[PlannedBar], index: i64) -> &PlannedBar {
    bars.iter().find(|b| b.index == index).unwrap()
}

fn drums(bar: &PlannedBar) -> usize {
    bar.notes.iter().filter(|n| n.part == Part::Drums).count()
}

#[test]
fn a_break_and_the_way_out_of_it() {
    let bars = played(14.0, &Controls::default(), |beat, session| match beat {
        14 => session.set_form(Form::Break),
        22 => session.set_form(Form::Groove),
        _ => {}
    });
    let crashes = |i: i64| bar(&bars, i).notes.iter().any(|n| n.part == Part::Drums && n.key == 49);
    assert!(drums(bar(&bars, 3)) > 4);
    assert_eq!(
        (drums(bar(&bars, 4)), drums(bar(&bars, 5))),
        (2, 0),
        "one stroke together, then the chords alone"
    );
    assert!(bar(&bars, 5).notes.iter().any(|n| n.part == Part::Chords));
    assert!(drums(bar(&bars, 6)) > 4 && crashes(6), "the band comes back with a crash");
}

#[test]
fn a_kept_bar_comes_as_it_was_planned() {
    let louder = Controls { energy: 1.0, seed: 9, ..Controls::default() };
    let with = |keep: bool| {
        let mut kept = None;
        let bars = played(14.0, &Controls::default(), |beat, session| {
            if beat == 14 {
                let bar = session.plan().bars.iter().find(|b| b.index == 5).cloned().unwrap();
                let mut edits = Edits::default();
                Part::ALL.into_iter().for_each(|part| edits.keep(KeptBar::of(&bar, part, false)));
                if keep {
                    session.set_edits(&edits);
                }
                kept = Some(bar);
            }
            if beat == 16 {
                session.set_controls(&louder);
            }
        });
        (kept.unwrap(), bars)
    };
    let (kept, bars) = with(true);
    assert_eq!(bar(&bars, 5).notes, kept.notes);
    assert_ne!(bar(&bars, 6).notes, kept.notes);
    let (kept, bars) = with(false);
    assert_ne!(bar(&bars, 5).notes, kept.notes, "what is not kept follows the knobs");
}

#[test]
fn another_take_of_the_kick_leaves_the_rest() {
    let loose = Controls { temperature: 1.0, ..Controls::default() };
    let kick = |n: &&PlannedNote| n.part == Part::Drums && n.key == 36;
    let take = |takes: i64| {
        let mut edits = Edits::default();
        let bars = played(12.0, &loose, |beat, session| {
            if (12..12 + takes).contains(&beat) {
                edits.retake(20.0, Line::Drum(DrumVoice::Kick), false);
                session.set_edits(&edits);
            }
        });
        let notes = &bar(&bars, 5).notes;
        let (kicks, rest): (Vec<_>, Vec<_>) = notes.iter().partition(kick);
        (kicks.into_iter().copied().collect::<Vec<_>>(), rest.into_iter().copied().collect::<Vec<_>>())
    };
    let (kicks, rest) = take(0);
    let others: Vec<_> = (1..3).map(take).collect();
    assert!(others.iter().all(|(_, r)| *r == rest));
    assert!(others.iter().any(|(k, _)| *k != kicks));
}

/// Plays the song's first bars round a loop, and gives the bars that sounded, in order.
fn looped(loop_bars: i64, rounds: i64, mut act: impl FnMut(i64, &mut Session)) -> Vec<PlannedBar> {
    let mono = mono();
    // By rule, which is quick: what is heard is no matter here.
    let mut session = Session::with_models(RATE, &Models::none()).unwrap();
    let mut bars: Vec<PlannedBar> = Vec::new();
    let half = (RATE / 4.0) as usize;
    let length = loop_bars * 4;
    for i in 0..rounds * length * 2 {
        // Half a beat a block.
        let beat = (i % (length * 2)) as f64 / 2.0;
        act(i, &mut session);
        let transport = Transport {
            playing: true,
            pos_beats: beat,
            tempo_bpm: 120.0,
            metre: Metre::FOUR_FOUR,
            bar_start_beats: (beat / 4.0).floor() * 4.0,
            loop_beats: Some((0.0, length as f64)),
        };
        let from = i as usize * half;
        session.feed(&mono[from..from + half], &transport);
        if i % 8 == 0 {
            let sounds = session.plan().bars.iter().find(|b| b.start_beat <= beat && beat < b.end_beat());
            bars.extend(sounds.cloned());
        }
    }
    bars
}

#[test]
fn a_bar_that_is_edited_while_it_sounds_is_edited_the_next_time_round() {
    let snare = KeptNote { key: 38, velocity: 77, at_beats: 1.5, length_beats: 0.25 };
    let kept = KeptBar {
        start_beat: 0.0,
        length_beats: 4.0,
        part: Part::Drums,
        on_heard_beat: false,
        notes: vec![snare],
    };
    for loop_bars in [1, 2, 4] {
        let rounds = 12 / loop_bars.min(2);
        let edit_at = (rounds / 2) * loop_bars * 8 + 3;
        let mut edits = Edits::default();
        let release_at = edit_at + 2 * loop_bars * 8;
        let bars = looped(loop_bars, rounds, |i, session| {
            if i == edit_at {
                edits.keep(kept.clone());
            } else if i == release_at {
                edits = Edits::default();
            }
            session.set_edits(&edits);
        });
        let first: Vec<bool> = bars
            .iter()
            .filter(|b| b.start_beat == 0.0)
            .map(|b| {
                let drums: Vec<_> = b.notes.iter().filter(|n| n.part == Part::Drums).collect();
                drums.len() == 1 && drums[0].onset_beat == 1.5 && drums[0].velocity == 77
            })
            .collect();
        let edited: Vec<usize> = first.iter().enumerate().filter(|(_, e)| **e).map(|(i, _)| i).collect();
        let from = first.len() - (rounds - rounds / 2 - 1) as usize;
        assert_eq!(edited, [from, from + 1], "a loop of {loop_bars} bars: {first:?}");
    }
}

/// Thumbs teach, at the next take the band plays by what it was taught, and a taste that is set changes nothing that
/// was committed.
#[test]
fn judged_bars_teach_and_the_taste_is_played() {
    let mut taste = Taste::neutral();
    let plain = played(22.0, &Controls::default(), |beat, session| match beat {
        14 => assert!(session.judge(999.0, 1003.0, Verdict::Liked).is_none(), "nothing lies there"),
        24 => {
            for bar in 2..5 {
                let at = f64::from(bar) * 4.0;
                let judged = session.judge(at, at + 4.0, Verdict::Disliked).unwrap();
                assert!(judged.figures.values().any(|v| v.abs() > 0.1), "{judged:?}");
                taste.learn(judged);
            }
        }
        _ => {}
    });
    assert_eq!(taste.judgements().len(), 3);
    let turn = |taste: &Taste| {
        let taste = taste.clone();
        played(22.0, &Controls::default(), move |beat, session| {
            if beat == 18 {
                session.set_taste(&taste);
            }
        })
    };
    let neutral = turn(&Taste::neutral());
    assert_eq!(neutral, plain, "judging alone changes nothing");
    let by_taste = turn(&taste);
    assert_eq!(by_taste[..5], plain[..5], "what was played stays");
    assert_ne!(by_taste[6..], plain[6..], "what comes is chosen by it");
    assert_eq!(by_taste, turn(&taste));
}
