//! On Windows: the data object is asked as another program asks it, and a file is dragged onto a window.
#![cfg(windows)]
#![allow(unsafe_code, reason = "the other program's side is made of foreign functions too")]

use std::os::windows::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use backline_filedrag::{Outcome, Refused, data_object, drag};
use windows::Win32::Foundation::{DV_E_FORMATETC, POINTL, S_OK};
use windows::Win32::System::Com::{
    DATADIR_GET, DATADIR_SET, FORMATETC, IDataObject, TYMED_HGLOBAL, TYMED_ISTREAM,
};
use windows::Win32::System::Ole::{
    CF_HDROP, CF_UNICODETEXT, DROPEFFECT, DROPEFFECT_COPY, IDropTarget, IDropTarget_Impl, OleInitialize,
    RegisterDragDrop, ReleaseStgMedium,
};
use windows::Win32::System::SystemServices::MODIFIERKEYS_FLAGS;
use windows::Win32::UI::Input::KeyboardAndMouse::{
    MOUSEEVENTF_ABSOLUTE, MOUSEEVENTF_LEFTDOWN, MOUSEEVENTF_LEFTUP, MOUSEEVENTF_MOVE, mouse_event,
};
use windows::Win32::UI::Shell::{DragQueryFileW, HDROP};
use windows::Win32::UI::WindowsAndMessaging::{
    CreateWindowExW, DispatchMessageW, GetSystemMetrics, MSG, PM_REMOVE, PeekMessageW, SM_CXSCREEN,
    SM_CYSCREEN, SetForegroundWindow, WINDOW_EX_STYLE, WS_POPUP, WS_VISIBLE,
};
use windows_core::{Ref, Result, implement, w};

const PATIENCE: Duration = Duration::from_secs(20);

/// Names that have tripped others.
const NAMES: [&str; 4] = ["plain.mid", "17-20 F#m 96 %.mid", "Größe überall.mid", "日本 – 🎹.mid"];

fn form(format: u16, tymed: i32) -> FORMATETC {
    FORMATETC {
        cfFormat: format,
        ptd: std::ptr::null_mut(),
        dwAspect: 1,
        lindex: -1,
        tymed: tymed.cast_unsigned(),
    }
}

/// The files as a program that they are dropped on reads them.
fn files_of(data: &IDataObject) -> Vec<PathBuf> {
    // SAFETY: the medium is released after the last look at it.
    unsafe {
        let mut medium = data.GetData(&form(CF_HDROP.0, TYMED_HGLOBAL.0)).unwrap();
        assert_eq!(medium.tymed, TYMED_HGLOBAL.0.cast_unsigned());
        let drop = HDROP(medium.u.hGlobal.0);
        let files = (0..DragQueryFileW(drop, u32::MAX, None)).map(|i| {
            let mut letters = vec![0; DragQueryFileW(drop, i, None) as usize + 1];
            let length = DragQueryFileW(drop, i, Some(&mut letters)) as usize;
            std::ffi::OsString::from_wide(&letters[..length]).into()
        });
        let files = files.collect();
        ReleaseStgMedium(&raw mut medium);
        files
    }
}

#[test]
fn the_data_object_gives_the_files() {
    // SAFETY: OLE is opened on this thread, which ends with the test.
    unsafe { OleInitialize(None) }.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = NAMES.iter().map(|name| folder.path().join(name)).collect();
    for path in &paths {
        std::fs::write(path, path.file_name().unwrap().as_encoded_bytes()).unwrap();
    }
    let data = data_object(&paths.iter().map(PathBuf::as_path).collect::<Vec<_>>());

    // SAFETY: questions to an object that lives.
    unsafe {
        let forms = data.EnumFormatEtc(DATADIR_GET.0.cast_unsigned()).unwrap();
        let mut listed = [FORMATETC::default(); 4];
        let mut count = 0;
        let _ = forms.Next(&mut listed, Some(&raw mut count));
        assert_eq!(count, 1, "one form is listed");
        assert_eq!(listed[0], form(CF_HDROP.0, TYMED_HGLOBAL.0));
        assert!(data.EnumFormatEtc(DATADIR_SET.0.cast_unsigned()).is_err());

        assert_eq!(data.QueryGetData(&form(CF_HDROP.0, TYMED_HGLOBAL.0)), S_OK);
        for (format, tymed) in [(CF_UNICODETEXT.0, TYMED_HGLOBAL.0), (CF_HDROP.0, TYMED_ISTREAM.0)] {
            assert_eq!(data.QueryGetData(&form(format, tymed)), DV_E_FORMATETC);
            assert!(data.GetData(&form(format, tymed)).is_err());
        }
    }
    // Each time it is asked anew, and what was given before is gone.
    for _ in 0..3 {
        let given = files_of(&data);
        assert_eq!(given, paths);
        for path in &given {
            assert_eq!(std::fs::read(path).unwrap(), path.file_name().unwrap().as_encoded_bytes());
        }
    }
}

#[test]
fn nothing_is_dragged_by_a_hand_that_holds_nothing() {
    assert_eq!(drag(&[Path::new("C:\\clip.mid")]), Err(Refused::NotHeld));
}

/// A program that takes files.
#[implement(IDropTarget)]
struct Target(Sender<Vec<PathBuf>>);

impl IDropTarget_Impl for Target_Impl {
    fn DragEnter(
        &self,
        data: Ref<IDataObject>,
        _keys: MODIFIERKEYS_FLAGS,
        _place: &POINTL,
        effect: *mut DROPEFFECT,
    ) -> Result<()> {
        assert!(!files_of(data.unwrap()).is_empty());
        // SAFETY: OLE gives a valid pointer.
        unsafe { *effect = DROPEFFECT_COPY };
        Ok(())
    }

    fn DragOver(&self, _keys: MODIFIERKEYS_FLAGS, _place: &POINTL, effect: *mut DROPEFFECT) -> Result<()> {
        // SAFETY: OLE gives a valid pointer.
        unsafe { *effect = DROPEFFECT_COPY };
        Ok(())
    }

    fn DragLeave(&self) -> Result<()> {
        Ok(())
    }

    fn Drop(
        &self,
        data: Ref<IDataObject>,
        _keys: MODIFIERKEYS_FLAGS,
        _place: &POINTL,
        effect: *mut DROPEFFECT,
    ) -> Result<()> {
        // SAFETY: OLE gives a valid pointer.
        unsafe { *effect = DROPEFFECT_COPY };
        self.0.send(files_of(data.unwrap())).unwrap();
        Ok(())
    }
}

/// A window from (100, 100) to (400, 300) that takes files, on a thread of its own, until the test ends.
fn target(got: Sender<Vec<PathBuf>>) {
    let (ready, is_ready) = channel();
    thread::spawn(move || {
        // SAFETY: window and target live as long as the thread, which pumps their messages.
        unsafe {
            OleInitialize(None).unwrap();
            let style = WS_POPUP | WS_VISIBLE;
            let none = WINDOW_EX_STYLE::default();
            let class = w!("STATIC");
            let window =
                CreateWindowExW(none, class, None, style, 100, 100, 300, 200, None, None, None, None)
                    .unwrap();
            let target: IDropTarget = Target(got).into();
            RegisterDragDrop(window, &target).unwrap();
            let _ = SetForegroundWindow(window);
            let begun = Instant::now();
            let mut ready = Some(ready);
            while begun.elapsed() < 3 * PATIENCE {
                let mut message = MSG::default();
                while PeekMessageW(&raw mut message, None, 0, 0, PM_REMOVE).as_bool() {
                    DispatchMessageW(&raw const message);
                }
                if begun.elapsed() > Duration::from_millis(500)
                    && let Some(ready) = ready.take()
                {
                    ready.send(()).unwrap();
                }
                thread::sleep(Duration::from_millis(2));
            }
        }
    });
    is_ready.recv_timeout(PATIENCE).unwrap();
}

/// Moves the mouse as a hand does: the pointer alone, put somewhere, is not followed by a drag.
fn go(x: i32, y: i32) {
    // SAFETY: a question and a request to the system.
    unsafe {
        // The screen is 65,536 wide and high for this, whatever its pixels.
        let share = |at: i32, whole: i32| (at * 65_536 + whole / 2) / whole;
        let (x, y) = (share(x, GetSystemMetrics(SM_CXSCREEN)), share(y, GetSystemMetrics(SM_CYSCREEN)));
        mouse_event(MOUSEEVENTF_MOVE | MOUSEEVENTF_ABSOLUTE, x, y, 0, 0);
    }
    thread::sleep(Duration::from_millis(30));
}

fn button(is_down: bool) {
    let what = if is_down { MOUSEEVENTF_LEFTDOWN } else { MOUSEEVENTF_LEFTUP };
    // SAFETY: a request to the system.
    unsafe { mouse_event(what, 0, 0, 0, 0) };
    thread::sleep(Duration::from_millis(100));
}

#[test]
fn a_file_is_dragged_onto_a_window() {
    let (sender, got) = channel();
    target(sender);
    let path = std::env::temp_dir().join(NAMES[3]);
    std::fs::write(&path, "clip").unwrap();
    for (to, outcome) in [((900, 700), Outcome::Cancelled), ((250, 200), Outcome::Dropped)] {
        go(120, 120);
        button(true);
        let dragging = thread::spawn({
            let path = path.clone();
            move || drag(&[&path])
        });
        thread::sleep(Duration::from_millis(500));
        for step in 1..=10 {
            go(120 + (to.0 - 120) * step / 10, 120 + (to.1 - 120) * step / 10);
        }
        button(false);
        // A drag ends with the movement after the button.
        let begun = Instant::now();
        while !dragging.is_finished() && begun.elapsed() < PATIENCE {
            go(to.0, to.1);
            go(to.0 + 1, to.1);
        }
        assert!(dragging.is_finished(), "the drag ends");
        assert_eq!(dragging.join().unwrap(), Ok(outcome));
    }
    assert_eq!(got.recv_timeout(PATIENCE).unwrap(), [path.clone()]);
    assert!(got.try_recv().is_err(), "what was let go elsewhere is not taken");
    let _ = std::fs::remove_file(path);
}
