//! A window of the test's own on Windows, for the plug-in's window to live in.
#![allow(unsafe_code, reason = "windows are made of foreign functions here")]

use std::ffi::c_void;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::{HWND, POINT};
use windows_sys::Win32::Graphics::Gdi::{
    BI_RGB, BITMAPINFO, BITMAPINFOHEADER, BitBlt, ClientToScreen, CreateCompatibleBitmap, CreateCompatibleDC,
    DIB_RGB_COLORS, DeleteDC, DeleteObject, GetDC, GetDIBits, ReleaseDC, SRCCOPY, SelectObject,
};
use windows_sys::Win32::System::LibraryLoader::GetModuleHandleW;
use windows_sys::Win32::UI::WindowsAndMessaging::{
    CreateWindowExW, DefWindowProcW, DestroyWindow, DispatchMessageW, GW_CHILD, GetWindow, HWND_TOP, MSG,
    PM_REMOVE, PeekMessageW, RegisterClassW, SWP_SHOWWINDOW, SetParent, SetWindowPos, TranslateMessage,
    WNDCLASSW, WS_CLIPCHILDREN, WS_POPUP, WS_VISIBLE,
};

/// A visible window without a frame, until it is dropped. It belongs to the thread that made it.
pub struct Parent {
    window: HWND,
    width: i32,
    height: i32,
}

fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

impl Parent {
    /// Opens a window of this size in the screen's corner.
    ///
    /// # Panics
    /// The system refuses: there is no screen.
    pub fn new(width: u16, height: u16) -> Self {
        let (width, height) = (i32::from(width), i32::from(height));
        let class = wide("BacklineTestParent");
        // SAFETY: names end with a zero and live as long as the calls; registering the class again does no harm.
        let window = unsafe {
            let module = GetModuleHandleW(null());
            RegisterClassW(&WNDCLASSW {
                lpfnWndProc: Some(DefWindowProcW),
                hInstance: module,
                lpszClassName: class.as_ptr(),
                ..WNDCLASSW::default()
            });
            CreateWindowExW(
                0,
                class.as_ptr(),
                wide("Backline tests").as_ptr(),
                WS_POPUP | WS_VISIBLE | WS_CLIPCHILDREN,
                0,
                0,
                width,
                height,
                null_mut(),
                null_mut(),
                module,
                null(),
            )
        };
        assert!(!window.is_null(), "no window: {}", std::io::Error::last_os_error());
        Self { window, width, height }
    }

    /// Its handle.
    pub fn raw(&self) -> *mut c_void {
        self.window
    }

    /// Hands out the messages that wait for this thread's windows.
    pub fn pump(&self) {
        let mut message = MSG::default();
        // SAFETY: the message lives through each call.
        unsafe {
            while PeekMessageW(&raw mut message, null_mut(), 0, 0, PM_REMOVE) != 0 {
                TranslateMessage(&raw const message);
                DispatchMessageW(&raw const message);
            }
        }
    }

    /// Makes the window that lives in this one a top-level window in the same place: Wine 8 shows OpenGL in no others.
    ///
    /// # Panics
    /// No window lives in this one.
    pub fn take_out(&self) {
        // SAFETY: questions and requests to the system about windows of this process.
        unsafe {
            let inner = GetWindow(self.window, GW_CHILD);
            assert!(!inner.is_null(), "the plug-in has opened a window");
            SetParent(inner, null_mut());
            SetWindowPos(inner, HWND_TOP, 0, 0, self.width, self.height, SWP_SHOWWINDOW);
        }
    }

    /// What the screen shows where the window lies: red, green, blue, row by row from the top.
    ///
    /// # Panics
    /// The system refuses.
    pub fn pixels(&self) -> Vec<[u8; 3]> {
        let mut pixels = vec![0u8; self.width as usize * self.height as usize * 4];
        let mut info = BITMAPINFO {
            bmiHeader: BITMAPINFOHEADER {
                biSize: size_of::<BITMAPINFOHEADER>() as u32,
                biWidth: self.width,
                // From the top.
                biHeight: -self.height,
                biPlanes: 1,
                biBitCount: 32,
                biCompression: BI_RGB,
                ..BITMAPINFOHEADER::default()
            },
            ..BITMAPINFO::default()
        };
        // SAFETY: the picture is as large as the buffer, and all that is made is given back.
        let rows = unsafe {
            let mut corner = POINT::default();
            ClientToScreen(self.window, &raw mut corner);
            let screen = GetDC(null_mut());
            let memory = CreateCompatibleDC(screen);
            let picture = CreateCompatibleBitmap(screen, self.width, self.height);
            let before = SelectObject(memory, picture);
            BitBlt(memory, 0, 0, self.width, self.height, screen, corner.x, corner.y, SRCCOPY);
            SelectObject(memory, before);
            let (rows, into) = (self.height as u32, pixels.as_mut_ptr().cast());
            let rows = GetDIBits(memory, picture, 0, rows, into, &raw mut info, DIB_RGB_COLORS);
            DeleteObject(picture);
            DeleteDC(memory);
            ReleaseDC(null_mut(), screen);
            rows
        };
        assert_eq!(rows, self.height, "the screen can be read");
        pixels.chunks_exact(4).map(|p| [p[2], p[1], p[0]]).collect()
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        // SAFETY: the window was made here, on this thread.
        unsafe { DestroyWindow(self.window) };
    }
}
