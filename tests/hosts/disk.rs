//! A disk that is full, and one that may not be written: a sentence, and nothing lost.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::Command;

use backline::editor::scene::Format;
use backline::presets::{Library, Preset};
use backline_engine::TasteFile;
use backline_files::MidiSong;

use crate::kept::{clip, judgement, preset};

/// Names the small disk in the process that has it.
const DISK: &str = "BACKLINE_TEST_DISK";
const TEST: &str = "disk::a_full_disk_costs_a_sentence_and_nothing_else";

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    files.sort();
    files
}

#[test]
fn a_full_disk_costs_a_sentence_and_nothing_else() {
    let Some(disk) = std::env::var_os(DISK) else {
        let dir = tempfile::tempdir().unwrap();
        // A small disk of its own, which only a process of its own can see.
        let script = format!(
            "mount -t tmpfs -o size=64k none \"${DISK}\" && \"$0\" --exact {TEST} --nocapture; status=$?; \
             [ $status -eq 0 ] || exit 1; exit 0"
        );
        let can = |script: &str| {
            let mut unshare = Command::new("unshare");
            unshare.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]);
            unshare.arg(std::env::current_exe().unwrap()).env(DISK, dir.path()).status()
        };
        if !can(&format!("mount -t tmpfs -o size=64k none \"${DISK}\"")).is_ok_and(|status| status.success())
        {
            println!("no small disk can be made on this machine: nothing was filled");
            return;
        }
        assert!(can(&script).unwrap().success());
        return;
    };
    let disk = Path::new(&disk);
    let (clips, presets) = (disk.join("clips"), disk.join("presets"));
    let mut library = Library::in_folder(Some(presets.clone()));
    let preset = preset("Mine");
    let taste = TasteFile::at(disk.join("taste.json"));
    taste.add(judgement()).unwrap();
    library.save(preset.clone()).unwrap();
    let clip = clip();
    // Sound is larger than the disk: nothing of it stays.
    let why = clip.write(&clips, Format::Wav).unwrap_err();
    assert!(
        why.starts_with("The clip is not written") && why.contains("space") && why.ends_with("kept."),
        "{why}"
    );
    assert!(files(&clips).is_empty(), "{:?}", files(&clips));
    // Then clip by clip until nothing fits.
    let mut written = 0;
    let why = loop {
        match clip.write(&clips, Format::Midi) {
            Ok(_) => written += 1,
            Err(why) => break why,
        }
        assert!(written < 1_000, "the disk is small");
    };
    assert!(written > 2 && why.contains("space"), "{written} clips, then: {why}");
    assert_eq!(files(&clips).len(), written, "nothing half-written lies about");
    for path in files(&clips) {
        let song = MidiSong::parse(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!(song.tracks[0].notes.len(), 16);
    }
    // A preset that finds no room is not kept, and the one of the same name is not lost.
    std::fs::write(disk.join("filler"), vec![0u8; 4_096]).ok();
    let changed = Preset {
        params: preset.params.iter().map(|(k, v)| (k.clone(), v.repeat(900))).collect(),
        ..preset.clone()
    };
    let why = library.save(changed.clone()).unwrap_err();
    assert!(why.starts_with("The preset is not kept"), "{why}");
    let as_before = || {
        let again = Library::in_folder(Some(presets.clone()));
        assert_eq!((again.presets.last().map(|(p, _)| p), again.notices.len()), (Some(&preset), 0));
        assert_eq!(taste.read().unwrap().judgements(), [judgement()]);
    };
    as_before();

    // The same disk, but nobody may write to it.
    let status = Command::new("mount").args(["-o", "remount,ro"]).arg(disk).status().unwrap();
    if status.success() {
        let why = clip.write(&clips, Format::Midi).unwrap_err();
        assert!(why.contains("Choose a folder that you may write to"), "{why}");
        let why = clip.write(&disk.join("new"), Format::Midi).unwrap_err();
        assert!(why.contains("cannot be made"), "{why}");
        assert_eq!(files(&clips).len(), written);
        let why = library.save(changed).unwrap_err();
        assert!(why.starts_with("The preset is not kept"), "{why}");
        let why = taste.add(judgement()).unwrap_err().to_string();
        assert!(why.starts_with("your taste is not kept"), "{why}");
        as_before();
    }
}
