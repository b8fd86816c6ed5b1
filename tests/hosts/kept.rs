//! Presets, clips and the taste under difficult names, in the places that the system has for them, and where another
//! program holds a file: what is kept comes back, and what cannot be kept costs a sentence and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use backline::clips::Clip;
use backline::editor::scene::{ClipChoice, Format};
use backline::params::BacklineParams;
use backline::presets::{Library, Preset};
use backline_engine::{Judgement, TasteFile, Verdict};
use backline_music::{Metre, Part, PlannedBar, PlannedNote};

/// A user's name as it may stand in paths.
const DIFFICULT: &str = "Jürgen's (R&B) – 日本 #1 96 %";

/// A bar of bass.
pub fn clip() -> Clip {
    let note = |i: i64| PlannedNote {
        part: Part::Bass,
        key: 40,
        velocity: 90,
        onset_beat: i as f64 / 4.0,
        length_beats: 0.2,
    };
    let bar = PlannedBar {
        index: 0,
        start_beat: 0.0,
        metre: Metre::FOUR_FOUR,
        tempo_bpm: 120.0,
        style: "rock".into(),
        fill: false,
        chords: Vec::new(),
        notes: (0..16).map(note).collect(),
    };
    Clip::of(&ClipChoice { bars: vec![Arc::new(bar)], part: None }, None).unwrap()
}

/// A preset called `name`.
pub fn preset(name: &str) -> Preset {
    let params = BacklineParams::default();
    Preset::of(&params, &params.values(), name)
}

/// A thumb up.
pub fn judgement() -> Judgement {
    let figures = BTreeMap::from([("toms".to_owned(), 1.0)]);
    Judgement { style: "rock".into(), verdict: Verdict::Liked, figures }
}

#[test]
fn difficult_names_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join(DIFFICULT);
    let presets = Some(home.join("presets"));
    Library::in_folder(presets.clone()).save(preset(DIFFICULT)).unwrap();
    let again = Library::in_folder(presets);
    assert_eq!((&again.presets.last().unwrap().0, again.notices.len()), (&preset(DIFFICULT), 0));
    for format in [Format::Midi, Format::MidiParts, Format::MusicXml, Format::Wav] {
        for path in clip().write(&home.join("clips"), format).unwrap() {
            assert!(std::fs::metadata(path).unwrap().len() > 100);
        }
    }
    let taste = TasteFile::at(home.join("taste.json"));
    taste.add(judgement()).unwrap();
    assert_eq!(taste.read().unwrap().judgements(), [judgement()]);
}

/// What the engine's own tests say of an environment made up, Windows says of its real one.
#[cfg(windows)]
#[test]
fn the_systems_own_places() {
    use backline_engine::folders;
    let of = |name: &str| std::path::PathBuf::from(std::env::var_os(name).unwrap());
    assert_eq!(folders::presets().unwrap(), of("APPDATA").join("Backline\\presets"));
    assert_eq!(folders::taste().unwrap(), of("APPDATA").join("Backline\\taste.json"));
    let clips = folders::clips().unwrap();
    assert!(clips.starts_with(of("USERPROFILE")) && clips.ends_with("Backline"), "{}", clips.display());
    assert!(of("APPDATA").is_dir() && of("USERPROFILE").is_dir());
}

/// Windows lets nobody replace a file that another program reads, as one that looks for viruses does.
#[cfg(windows)]
#[test]
fn what_another_program_holds_is_not_lost() {
    use std::os::windows::fs::OpenOptionsExt as _;
    const READING_ONLY: u32 = 1; // FILE_SHARE_READ
    let dir = tempfile::tempdir().unwrap();
    let mut library = Library::in_folder(Some(dir.path().to_owned()));
    library.save(preset("Mine")).unwrap();
    let taste = TasteFile::at(dir.path().join("taste"));
    taste.add(judgement()).unwrap();

    let hold = |name: &str| {
        std::fs::OpenOptions::new().read(true).share_mode(READING_ONLY).open(dir.path().join(name)).unwrap()
    };
    let held = (hold("Mine.json"), hold("taste"));
    let changed = Preset { params: BTreeMap::new(), ..preset("Mine") };
    let why = library.save(changed.clone()).unwrap_err();
    assert!(why.starts_with("The preset is not kept") && why.contains("Mine.json"), "{why}");
    let why = taste.add(judgement()).unwrap_err().to_string();
    assert!(why.starts_with("your taste is not kept"), "{why}");
    assert_eq!(Library::in_folder(Some(dir.path().to_owned())).presets.last().unwrap().0, preset("Mine"));
    assert_eq!(taste.read().unwrap().judgements().len(), 1);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "nothing half-written lies about");

    drop(held);
    library.save(changed.clone()).unwrap();
    taste.add(judgement()).unwrap();
    assert_eq!(Library::in_folder(Some(dir.path().to_owned())).presets.last().unwrap().0, changed);
    assert_eq!(taste.read().unwrap().judgements().len(), 2);
}
