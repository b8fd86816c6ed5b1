//! Dragging on Windows: an OLE data object that gives files as `CF_HDROP`, and the source that offers it.
#![allow(unsafe_code, reason = "OLE is spoken to in pointers and foreign functions")]

use std::mem::ManuallyDrop;
use std::os::windows::ffi::OsStrExt as _;
use std::path::Path;

use windows::Win32::Foundation::{
    DATA_S_SAMEFORMATETC, DRAGDROP_S_CANCEL, DRAGDROP_S_DROP, DRAGDROP_S_USEDEFAULTCURSORS, DV_E_FORMATETC,
    E_NOTIMPL, E_POINTER, GlobalFree, OLE_E_ADVISENOTSUPPORTED, POINT, S_OK,
};
use windows::Win32::System::Com::{
    DATADIR_GET, DVASPECT_CONTENT, FORMATETC, IAdviseSink, IDataObject, IDataObject_Impl, IEnumFORMATETC,
    IEnumSTATDATA, STGMEDIUM, STGMEDIUM_0, TYMED_HGLOBAL,
};
use windows::Win32::System::Memory::{GMEM_MOVEABLE, GlobalAlloc, GlobalLock, GlobalUnlock};
use windows::Win32::System::Ole::{
    CF_HDROP, DROPEFFECT, DROPEFFECT_COPY, DROPEFFECT_NONE, DoDragDrop, IDropSource, IDropSource_Impl,
    OleInitialize, OleUninitialize,
};
use windows::Win32::System::SystemServices::{MK_LBUTTON, MODIFIERKEYS_FLAGS};
use windows::Win32::System::Threading::{AttachThreadInput, GetCurrentThreadId};
use windows::Win32::UI::Input::KeyboardAndMouse::{GetAsyncKeyState, VK_LBUTTON, VK_RBUTTON};
use windows::Win32::UI::Shell::{DROPFILES, SHCreateStdEnumFmtEtc};
use windows::Win32::UI::WindowsAndMessaging::{
    GetCursorPos, GetSystemMetrics, GetWindowThreadProcessId, SM_SWAPBUTTON, WindowFromPoint,
};
use windows_core::{BOOL, HRESULT, Ref, Result, implement};

use crate::{Outcome, Refused};

/// The one form in which the files are given.
const FILES: FORMATETC = FORMATETC {
    cfFormat: CF_HDROP.0,
    ptd: std::ptr::null_mut(),
    dwAspect: DVASPECT_CONTENT.0,
    lindex: -1,
    tymed: TYMED_HGLOBAL.0 as u32,
};

/// What other programs ask for the files.
#[implement(IDataObject)]
struct Files {
    /// A [`DROPFILES`] and the list behind it.
    bytes: Vec<u8>,
}

/// An OLE data object that gives `files` as `CF_HDROP`, whatever letters their names are made of.
pub fn data_object(files: &[&Path]) -> IDataObject {
    Files { bytes: list(files) }.into()
}

/// The header, then each path in UTF-16 with a zero behind it, then one more zero.
fn list(files: &[&Path]) -> Vec<u8> {
    let header = size_of::<DROPFILES>();
    // In the order of the structure, which is packed: where the list begins, a point, and whether that point lies
    // outside a window's content: none of these. Then that the list is in UTF-16.
    let fields = [header as u32, 0, 0, 0, 1];
    let mut bytes: Vec<u8> = fields.iter().flat_map(|field| field.to_ne_bytes()).collect();
    debug_assert_eq!(bytes.len(), header);
    for file in files {
        bytes.extend(file.as_os_str().encode_wide().chain([0]).flat_map(u16::to_ne_bytes));
    }
    bytes.extend([0, 0]);
    bytes
}

/// Whether the files can be given in the form that is asked for.
fn is_ours(form: *const FORMATETC) -> HRESULT {
    // SAFETY: OLE gives a valid pointer, or none.
    let Some(form) = (unsafe { form.as_ref() }) else { return E_POINTER };
    let fits = form.cfFormat == FILES.cfFormat
        && form.dwAspect == FILES.dwAspect
        && form.tymed & FILES.tymed != 0
        && (form.lindex == -1 || form.lindex == 0);
    if fits { S_OK } else { DV_E_FORMATETC }
}

impl IDataObject_Impl for Files_Impl {
    fn GetData(&self, form: *const FORMATETC) -> Result<STGMEDIUM> {
        is_ours(form).ok()?;
        // SAFETY: the block is as long as what is copied into it, and is locked meanwhile.
        let block = unsafe {
            let block = GlobalAlloc(GMEM_MOVEABLE, self.bytes.len())?;
            let place = GlobalLock(block);
            if place.is_null() {
                let error = windows_core::Error::from_thread();
                let _ = GlobalFree(Some(block));
                return Err(error);
            }
            place.cast::<u8>().copy_from_nonoverlapping(self.bytes.as_ptr(), self.bytes.len());
            // It says false when nobody holds the lock any more, which is what is wanted.
            let _ = GlobalUnlock(block);
            block
        };
        Ok(STGMEDIUM {
            tymed: FILES.tymed,
            u: STGMEDIUM_0 { hGlobal: block },
            pUnkForRelease: ManuallyDrop::new(None),
        })
    }

    fn GetDataHere(&self, _form: *const FORMATETC, _medium: *mut STGMEDIUM) -> Result<()> {
        Err(E_NOTIMPL.into())
    }

    fn QueryGetData(&self, form: *const FORMATETC) -> HRESULT {
        is_ours(form)
    }

    fn GetCanonicalFormatEtc(&self, form: *const FORMATETC, canonical: *mut FORMATETC) -> HRESULT {
        // SAFETY: OLE gives valid pointers, or none.
        let (Some(form), Some(canonical)) = (unsafe { (form.as_ref(), canonical.as_mut()) }) else {
            return E_POINTER;
        };
        *canonical = FORMATETC { ptd: std::ptr::null_mut(), ..*form };
        DATA_S_SAMEFORMATETC
    }

    fn SetData(&self, _form: *const FORMATETC, _medium: *const STGMEDIUM, _release: BOOL) -> Result<()> {
        Err(E_NOTIMPL.into())
    }

    fn EnumFormatEtc(&self, direction: u32) -> Result<IEnumFORMATETC> {
        if direction != DATADIR_GET.0.cast_unsigned() {
            return Err(E_NOTIMPL.into());
        }
        // SAFETY: the list is copied.
        unsafe { SHCreateStdEnumFmtEtc(&[FILES]) }
    }

    fn DAdvise(&self, _form: *const FORMATETC, _flags: u32, _sink: Ref<IAdviseSink>) -> Result<u32> {
        Err(OLE_E_ADVISENOTSUPPORTED.into())
    }

    fn DUnadvise(&self, _connection: u32) -> Result<()> {
        Err(OLE_E_ADVISENOTSUPPORTED.into())
    }

    fn EnumDAdvise(&self) -> Result<IEnumSTATDATA> {
        Err(OLE_E_ADVISENOTSUPPORTED.into())
    }
}

/// Whether the hand holds the button down now, whichever button the musician has made the first one.
fn is_held() -> bool {
    // SAFETY: questions to the system.
    unsafe {
        let button = if GetSystemMetrics(SM_SWAPBUTTON) != 0 { VK_RBUTTON } else { VK_LBUTTON };
        GetAsyncKeyState(i32::from(button.0)) < 0
    }
}

/// The hand that drags.
#[implement(IDropSource)]
struct Hand;

impl IDropSource_Impl for Hand_Impl {
    fn QueryContinueDrag(&self, escape: BOOL, held: MODIFIERKEYS_FLAGS) -> HRESULT {
        if escape.as_bool() {
            DRAGDROP_S_CANCEL
        } else if held.contains(MK_LBUTTON) || is_held() {
            // What this thread knows of the button may lag behind: the window's own thread saw it go down.
            S_OK
        } else {
            DRAGDROP_S_DROP
        }
    }

    fn GiveFeedback(&self, _effect: DROPEFFECT) -> HRESULT {
        DRAGDROP_S_USEDEFAULTCURSORS
    }
}

/// See [`crate::drag`]. The window's own thread goes on meanwhile: its queue of input is shared with this thread,
/// since OLE follows the mouse only where that was pressed.
pub fn drag(files: &[&Path]) -> std::result::Result<Outcome, Refused> {
    let refused = |error: windows_core::Error| Refused::System(error.message());
    // SAFETY: plain questions to the system; what is opened is closed below, on the same thread.
    unsafe {
        if !is_held() {
            return Err(Refused::NotHeld);
        }
        let mut place = POINT::default();
        GetCursorPos(&raw mut place).map_err(refused)?;
        OleInitialize(None).map_err(refused)?;
        let own = GetCurrentThreadId();
        let window = GetWindowThreadProcessId(WindowFromPoint(place), None);
        let shared = window != 0 && window != own && AttachThreadInput(own, window, true).as_bool();
        let mut effect = DROPEFFECT_NONE;
        let data = data_object(files);
        let hand: IDropSource = Hand.into();
        let ended = DoDragDrop(&data, &hand, DROPEFFECT_COPY, &raw mut effect);
        if shared {
            let _ = AttachThreadInput(own, window, false);
        }
        drop((data, hand));
        OleUninitialize();
        ended.ok().map_err(refused)?;
        Ok(if ended == DRAGDROP_S_DROP && effect != DROPEFFECT_NONE {
            Outcome::Dropped
        } else {
            Outcome::Cancelled
        })
    }
}
