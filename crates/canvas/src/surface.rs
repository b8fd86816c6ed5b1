//! The picture that is kept: the window's own pixels, where the system lets them be.
//!
//! All of it happens on the window's thread, in calls that egui's painter makes while the context is current. What is
//! kept from call to call are numbers of OpenGL's objects, which end with the window's context.
//!
//! Four things cost time where the processor is the painter, and are not needed: to clear the window before each frame,
//! to keep a picture beside it, to copy that into it, and to have OpenGL paint: what is painted here already is copied as it
//! lies. EGL can be asked to leave a window's pixels as they are when they
//! are shown (EGL 1.5, section 3.10.1.1), so they are the picture. That the framework clears them all the same is got round:
//! between frames OpenGL paints on a scrap of one pixel, and that is what is cleared.

use std::ffi::{CStr, c_void};
use std::mem::transmute;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};

use baseview::gl::GlContext;
use egui_glow::CallbackFn;
use egui_glow::glow::{self, Context, HasContext as _, NativeFramebuffer, NativeTexture, PixelUnpackData};

use crate::area::Area;
use crate::painter::Paper;
use crate::plan::{Moved, Plan, Shift};

/// What OpenGL calls itself where the processor does the painting.
const SOFTWARE: [&str; 4] = ["llvmpipe", "softpipe", "swrast", "SwiftShader"];

/// Rows that are handed over at a time.
const BAND: usize = 64;
/// Frames after which the window's size is asked for, and frames in which it is after it was another.
const DOUBT_FRAMES: u32 = 16;

/// Whether the window's pixels can be kept, and shall be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nobody has asked yet.
    Unknown,
    /// They are kept.
    Kept,
    /// Graphics are not software, or cannot do it.
    Refused,
}

type Current = extern "system" fn() -> *mut c_void;
type Drawn = extern "system" fn(i32) -> *mut c_void;
type Set = extern "system" fn(*mut c_void, *mut c_void, i32, i32) -> u32;
type Get = extern "system" fn(*mut c_void, *mut c_void, i32, *mut i32) -> u32;

/// EGL's functions for the surface that is painted on, which lie outside OpenGL.
#[derive(Clone, Copy)]
pub struct Egl {
    display: Current,
    surface: Drawn,
    set: Set,
    get: Get,
}

const EGL_DRAW: i32 = 0x3059;
const EGL_HEIGHT: i32 = 0x3056;
const EGL_WIDTH: i32 = 0x3057;
const EGL_SWAP_BEHAVIOR: i32 = 0x3093;
const EGL_BUFFER_PRESERVED: i32 = 0x3094;

impl Egl {
    /// The functions behind these graphics; `None` where they are not EGL's.
    pub fn of(gl: &GlContext) -> Option<Self> {
        let [display, surface, set, get] =
            [c"eglGetCurrentDisplay", c"eglGetCurrentSurface", c"eglSurfaceAttrib", c"eglQuerySurface"]
                .map(|name: &CStr| gl.get_proc_address(name));
        if [display, surface, set, get].contains(&std::ptr::null()) {
            return None;
        }
        // SAFETY: none is null, and EGL's header gives what goes by these names these types.
        unsafe {
            Some(Self {
                display: transmute::<*const c_void, Current>(display),
                surface: transmute::<*const c_void, Drawn>(surface),
                set: transmute::<*const c_void, Set>(set),
                get: transmute::<*const c_void, Get>(get),
            })
        }
    }

    /// Asks that the pixels stay when they are shown; `false` if they may not.
    fn keep_pixels(&self) -> bool {
        let (display, surface) = ((self.display)(), (self.surface)(EGL_DRAW));
        !display.is_null()
            && !surface.is_null()
            && (self.set)(display, surface, EGL_SWAP_BEHAVIOR, EGL_BUFFER_PRESERVED) == 1
    }

    /// The size in pixels of what is painted on.
    fn size(&self) -> Option<[u32; 2]> {
        let (display, surface) = ((self.display)(), (self.surface)(EGL_DRAW));
        let side = |which| {
            let mut value = 0;
            let known = (self.get)(display, surface, which, &raw mut value) == 1;
            known.then_some(value)?.try_into().ok()
        };
        Some([side(EGL_WIDTH)?, side(EGL_HEIGHT)?])
    }
}

/// A texture that is painted on.
#[derive(Default)]
struct Sheet {
    framebuffer: AtomicU32,
    texture: AtomicU32,
    size: [AtomicU32; 2],
}

/// A piece of a part that moves, and where it lies in the part's roll.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Piece {
    /// Its first column there.
    roll: i32,
    /// Its first row, and one past its last, in both.
    rows: [i32; 2],
    /// Its first column in the window.
    left: i32,
    /// How wide it is.
    width: i32,
}

impl Moved {
    /// Where a piece of the part, as the window shows it, lies in the roll, which takes the part's own place in its picture: in
    /// one piece, or in two where the roll ends within it.
    fn rolled(&self, area: &Area) -> impl Iterator<Item = Piece> + use<> {
        let Self { area: part, moved } = *self;
        let whole = part.right - part.left;
        let first = (area.left - part.left + moved).rem_euclid(whole.max(1));
        let width = area.right - area.left;
        let before_end = width.min(whole - first);
        let rows = [area.top, area.bottom].map(|row| row as i32);
        let piece = move |roll: i64, left: i64, width: i64| {
            let [roll, left, width] = [part.left + roll, left, width].map(|v| v as i32);
            Piece { roll, rows, left, width }
        };
        let left = area.left;
        let two = [piece(first, left, before_end), piece(0, left + before_end, width - before_end)];
        two.into_iter().filter(|piece| piece.width > 0)
    }
}

/// The window's pixels, the rolls of what moves, and the scrap.
#[derive(Default)]
pub struct Surface {
    state: AtomicU8,
    lost: AtomicBool,
    egl: Option<Egl>,
    rolls: Sheet,
    band: Sheet,
    scrap: Sheet,
    /// The size that the last frame was painted for, and how many had it.
    seen: [AtomicU32; 2],
    frames: AtomicU32,
}

impl Surface {
    /// Of a window whose pixels EGL may keep.
    pub fn new(egl: Option<Egl>) -> Self {
        Self { egl, ..Self::default() }
    }

    /// Whether the pixels are kept.
    pub fn state(&self) -> State {
        match self.state.load(Ordering::Relaxed) {
            0 => State::Unknown,
            1 => State::Kept,
            _ => State::Refused,
        }
    }

    /// Whether the pixels were lost since this was asked last: the window had another size than was known.
    pub fn lost(&self) -> bool {
        self.lost.swap(false, Ordering::Relaxed)
    }

    /// Asks what graphics there are, and whether the window's pixels can be kept.
    pub fn ask(self: &Arc<Self>) -> CallbackFn {
        let surface = Arc::clone(self);
        CallbackFn::new(move |_, painter| {
            let gl = painter.gl();
            // SAFETY: the painter calls while its context is current.
            let renderer = unsafe { gl.get_parameter_string(glow::RENDERER) };
            let kept = SOFTWARE.iter().any(|name| renderer.contains(name))
                && surface.egl.is_some_and(|egl| egl.keep_pixels())
                && surface.scrap.fits(gl, [1, 1]);
            surface.state.store(if kept { 1 } else { 2 }, Ordering::Relaxed);
            if kept {
                surface.leave(gl);
            }
        })
    }

    /// Leaves the window to egui's painter: the system does not give what is needed.
    fn refuse(&self) {
        self.lost.store(true, Ordering::Relaxed);
        self.state.store(2, Ordering::Relaxed);
    }

    /// Turns the painter to the window, parts of which are moved first, and others laid on.
    ///
    /// A second picture holds each part that moves as a roll: what goes out at one side makes room for what comes in at the
    /// other, and nothing in it ever moves. To move a part is then to copy it once.
    pub fn begin(self: &Arc<Self>, size: [u32; 2], plan: &Plan, papers: Vec<Paper>) -> CallbackFn {
        let surface = Arc::clone(self);
        let moved = |shift: &Shift| plan.moving.iter().find(|part| part.area == shift.area).copied();
        // What stays of each part.
        let kept = plan.shifts.iter().filter_map(|shift| {
            let Moved { area, moved } = moved(shift)?;
            let stays =
                Area { left: area.left - shift.by.min(0), right: area.right - shift.by.max(0), ..area };
            Some(Moved { area, moved }.rolled(&stays))
        });
        let pieces: Vec<Piece> = kept.flatten().collect();
        CallbackFn::new(move |_, painter| {
            let (gl, window) = (painter.gl(), painter.intermediate_fbo());
            // SAFETY: the context is current, and the objects are its own.
            unsafe {
                gl.disable(glow::SCISSOR_TEST);
                if !pieces.is_empty() {
                    turn(gl, (surface.rolls.framebuffer(), window));
                    let height = size[1] as i32;
                    for Piece { roll, rows: [top, bottom], left, width } in pieces.iter().copied() {
                        copy(
                            gl,
                            [roll, top, roll + width, bottom],
                            [left, height - top, left + width, height - bottom],
                        );
                    }
                }
                if !papers.is_empty() {
                    if surface.band.fits(gl, [size[0], BAND as u32]) {
                        turn(gl, (surface.band.framebuffer(), window));
                        papers.iter().for_each(|paper| lay(gl, &surface.band, paper, size[1] as i32));
                    } else {
                        surface.refuse();
                    }
                }
                gl.bind_framebuffer(glow::FRAMEBUFFER, window);
                gl.enable(glow::SCISSOR_TEST);
            }
        })
    }

    /// Ends the painting of a window that should have this size: what was painted on parts that move is taken over into
    /// their rolls.
    pub fn end(self: &Arc<Self>, size: [u32; 2], plan: &Plan) -> CallbackFn {
        let surface = Arc::clone(self);
        let painted = plan.moving.iter().flat_map(|part| {
            let areas = plan.areas.iter().map(|area| area.and(&part.area)).filter(|area| !area.is_empty());
            areas.flat_map(|area| part.rolled(&area))
        });
        let pieces: Vec<Piece> = painted.collect();
        CallbackFn::new(move |_, painter| {
            let gl = painter.gl();
            // A window that has another size by now has other pixels.
            if surface.doubts(size) && surface.egl.and_then(|egl| egl.size()) != Some(size) {
                surface.lost.store(true, Ordering::Relaxed);
                surface.frames.store(0, Ordering::Relaxed);
            }
            if !pieces.is_empty() && !surface.rolls.fits(gl, size) {
                surface.refuse();
            } else if !pieces.is_empty() {
                // SAFETY: the context is current, and the objects are its own.
                unsafe {
                    gl.disable(glow::SCISSOR_TEST);
                    turn(gl, (painter.intermediate_fbo(), surface.rolls.framebuffer()));
                    let height = size[1] as i32;
                    for Piece { roll, rows: [top, bottom], left, width } in pieces.iter().copied() {
                        // A window's rows run down and OpenGL's run up: turned over once more, they are copied as they lie.
                        let from = [left, height - bottom, left + width, height - top];
                        copy(gl, from, [roll, bottom, roll + width, top]);
                    }
                    gl.bind_framebuffer(glow::FRAMEBUFFER, painter.intermediate_fbo());
                    gl.enable(glow::SCISSOR_TEST);
                }
            }
            if surface.state() == State::Kept {
                surface.leave(gl);
            }
        })
    }

    /// Whether the window's size is to be asked for: it is a question to the X server, and sizes rarely change. What is
    /// painted into a size that has gone again is mended within [`DOUBT_FRAMES`] more.
    fn doubts(&self, size: [u32; 2]) -> bool {
        let known = self.seen.each_ref().map(|side| side.load(Ordering::Relaxed));
        self.seen.iter().zip(size).for_each(|(side, size)| side.store(size, Ordering::Relaxed));
        if known != size {
            self.frames.store(0, Ordering::Relaxed);
        }
        let frame = self.frames.fetch_add(1, Ordering::Relaxed);
        frame < DOUBT_FRAMES || frame.is_multiple_of(DOUBT_FRAMES)
    }

    /// Leaves the scrap for the framework to clear.
    fn leave(&self, gl: &Context) {
        // SAFETY: the context is current, and the scrap is its own.
        unsafe { gl.bind_framebuffer(glow::FRAMEBUFFER, self.scrap.framebuffer()) };
    }
}

impl Sheet {
    fn framebuffer(&self) -> Option<NativeFramebuffer> {
        NonZeroU32::new(self.framebuffer.load(Ordering::Relaxed)).map(NativeFramebuffer)
    }

    /// Makes it of this size, unless it is; `false` if that cannot be.
    fn fits(&self, gl: &Context, size: [u32; 2]) -> bool {
        if self.size.each_ref().map(|v| v.load(Ordering::Relaxed)) == size {
            return true;
        }
        self.size.iter().zip(size).for_each(|(known, size)| known.store(size, Ordering::Relaxed));
        self.make(gl, size).is_some()
    }

    fn make(&self, gl: &Context, size: [u32; 2]) -> Option<()> {
        let old = NonZeroU32::new(self.texture.swap(0, Ordering::Relaxed)).map(NativeTexture);
        let [width, height] = size.map(|v| v as i32);
        // SAFETY: the context is current; the objects are its own, and are deleted once.
        unsafe {
            old.into_iter().for_each(|texture| gl.delete_texture(texture));
            let framebuffer = match self.framebuffer() {
                Some(framebuffer) => framebuffer,
                None => gl.create_framebuffer().ok()?,
            };
            self.framebuffer.store(framebuffer.0.get(), Ordering::Relaxed);
            let texture = gl.create_texture().ok()?;
            self.texture.store(texture.0.get(), Ordering::Relaxed);
            gl.bind_texture(glow::TEXTURE_2D, Some(texture));
            gl.tex_parameter_i32(glow::TEXTURE_2D, glow::TEXTURE_MIN_FILTER, glow::NEAREST as i32);
            gl.tex_parameter_i32(glow::TEXTURE_2D, glow::TEXTURE_MAG_FILTER, glow::NEAREST as i32);
            // The order in which Mesa keeps a window's own colours: with another, copying would have to paint.
            gl.tex_image_2d(
                glow::TEXTURE_2D,
                0,
                glow::RGBA as i32,
                width,
                height,
                0,
                glow::BGRA,
                glow::UNSIGNED_INT_8_8_8_8_REV,
                PixelUnpackData::Slice(None),
            );
            gl.bind_framebuffer(glow::FRAMEBUFFER, Some(framebuffer));
            gl.framebuffer_texture_2d(
                glow::FRAMEBUFFER,
                glow::COLOR_ATTACHMENT0,
                glow::TEXTURE_2D,
                Some(texture),
                0,
            );
            let whole = gl.check_framebuffer_status(glow::FRAMEBUFFER) == glow::FRAMEBUFFER_COMPLETE;
            gl.bind_framebuffer(glow::FRAMEBUFFER, None);
            whole.then_some(())
        }
    }
}

/// Has what is copied taken from one picture into another.
///
/// # Safety
/// The context has to be current, and the pictures its own.
unsafe fn turn(gl: &Context, (from, to): (Option<NativeFramebuffer>, Option<NativeFramebuffer>)) {
    // SAFETY: said above.
    unsafe {
        gl.bind_framebuffer(glow::READ_FRAMEBUFFER, from);
        gl.bind_framebuffer(glow::DRAW_FRAMEBUFFER, to);
    }
}

/// Lays a painted part on the window, whose height this is, by way of a band.
///
/// # Safety
/// The context has to be current, and turned from the band to the window.
unsafe fn lay(gl: &Context, band: &Sheet, paper: &Paper, height: i32) {
    let Area { left, top, right, .. } = paper.area;
    let [left, top, width] = [left, top, right - left].map(|v| v as i32);
    let texture = NonZeroU32::new(band.texture.load(Ordering::Relaxed)).map(NativeTexture);
    // SAFETY: said above; as many pixels are given as are told.
    unsafe {
        gl.bind_texture(glow::TEXTURE_2D, texture);
        for (i, pixels) in paper.pixels.chunks(BAND * (width as usize).max(1)).enumerate() {
            let (first, rows) = (top + (i * BAND) as i32, (pixels.len() / width as usize) as i32);
            gl.tex_sub_image_2d(
                glow::TEXTURE_2D,
                0,
                0,
                0,
                width,
                rows,
                glow::BGRA,
                glow::UNSIGNED_INT_8_8_8_8_REV,
                PixelUnpackData::Slice(Some(pixels.as_flattened())),
            );
            copy(gl, [0, 0, width, rows], [left, height - first, left + width, height - first - rows]);
        }
    }
}

/// Copies a part: left, first row, right, last row.
///
/// # Safety
/// The context has to be current.
unsafe fn copy(gl: &Context, a: [i32; 4], b: [i32; 4]) {
    let (colours, as_it_is) = (glow::COLOR_BUFFER_BIT, glow::NEAREST);
    // SAFETY: said above.
    unsafe { gl.blit_framebuffer(a[0], a[1], a[2], a[3], b[0], b[1], b[2], b[3], colours, as_it_is) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_roll_has_one_place_for_each_column_that_is_seen() {
        let part = Area::new(100, 10, 150, 20);
        for moved in [-73, 0, 1, 49, 50, 12_345] {
            let moved = Moved { area: part, moved };
            let pieces: Vec<Piece> = moved.rolled(&part).collect();
            let mut columns: Vec<(i32, i32)> =
                pieces.iter().flat_map(|p| (0..p.width).map(|i| (p.left + i, p.roll + i))).collect();
            assert!(pieces.len() <= 2 && columns.len() == 50);
            // A column that is moved to the left by seven keeps its place.
            let later = Moved { moved: moved.moved + 7, ..moved };
            let stays = later.rolled(&Area { right: 143, ..part });
            for (seen, place) in stays.flat_map(|p| (0..p.width).map(move |i| (p.left + i, p.roll + i))) {
                assert!(columns.contains(&(seen + 7, place)), "{seen} at {place}");
            }
            columns.sort_unstable_by_key(|(_, place)| *place);
            assert!(columns.iter().zip(100..).all(|((_, place), expected)| *place == expected));
        }
    }
}
