//! On Windows: the data object is asked as another program asks it, and a file is dragged onto a window.
#![cfg(windows)]
#![allow(unsafe_code, reason = "the other program's side is made of foreign functions too")]

use std::os::windows::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use backline_filedrag::{Refused, data_object, drag};
use windows::Win32::Foundation::{DV_E_FORMATETC, S_OK};
use windows::Win32::System::Com::{
    DATADIR_GET, DATADIR_SET, FORMATETC, IDataObject, TYMED_HGLOBAL, TYMED_ISTREAM,
};
use windows::Win32::System::Ole::{CF_HDROP, CF_UNICODETEXT, OleInitialize, ReleaseStgMedium};
use windows::Win32::UI::Shell::{DragQueryFileW, HDROP};

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
    assert_eq!(files_of(&data_object(&[])), Vec::<PathBuf>::new());
}

#[test]
fn nothing_is_dragged_by_a_hand_that_holds_nothing() {
    assert_eq!(drag(&[Path::new("C:\\clip.mid")]), Err(Refused::NotHeld));
}
