//! The picture that is kept: a texture in the window's own graphics context.
//!
//! All of it happens on the window's thread, in calls that egui's painter makes while the context is current. What is
//! kept from call to call are numbers of OpenGL's objects, which end with the window's context.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use egui_glow::CallbackFn;
use egui_glow::glow::{self, Context, HasContext as _, NativeFramebuffer, NativeTexture, PixelUnpackData};

use crate::plan::Shift;

/// What OpenGL calls itself where the processor does the painting.
const SOFTWARE: [&str; 4] = ["llvmpipe", "softpipe", "swrast", "SwiftShader"];

/// Whether a picture can be kept, and shall be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nobody has asked yet.
    Unknown,
    /// It is kept.
    Kept,
    /// Graphics are not software, or cannot do it.
    Refused,
}

/// A texture that is painted on.
#[derive(Default)]
struct Sheet {
    framebuffer: AtomicU32,
    texture: AtomicU32,
}

/// The picture, and a spare one that it is moved by way of.
#[derive(Default)]
pub struct Surface {
    state: AtomicU8,
    size: [AtomicU32; 2],
    picture: Sheet,
    spare: Sheet,
}

impl Surface {
    /// Whether a picture is kept.
    pub fn state(&self) -> State {
        match self.state.load(Ordering::Relaxed) {
            0 => State::Unknown,
            1 => State::Kept,
            _ => State::Refused,
        }
    }

    /// Asks what graphics there are, and whether a picture of this size can be kept.
    pub fn ask(self: &Arc<Self>, size: [u32; 2]) -> CallbackFn {
        let surface = Arc::clone(self);
        CallbackFn::new(move |_, painter| {
            // SAFETY: the painter calls while its context is current.
            let renderer = unsafe { painter.gl().get_parameter_string(glow::RENDERER) };
            let software = SOFTWARE.iter().any(|name| renderer.contains(name));
            let kept = software && surface.fits(painter.gl(), size);
            surface.state.store(if kept { 1 } else { 2 }, Ordering::Relaxed);
        })
    }

    /// Turns the painter to the picture, whose parts are moved first.
    pub fn begin(self: &Arc<Self>, size: [u32; 2], shifts: Vec<Shift>) -> CallbackFn {
        let surface = Arc::clone(self);
        CallbackFn::new(move |_, painter| {
            let gl = painter.gl();
            if !surface.fits(gl, size) {
                surface.state.store(2, Ordering::Relaxed);
                return;
            }
            // SAFETY: the context is current, and the objects are its own.
            unsafe {
                gl.disable(glow::SCISSOR_TEST);
                for Shift { area, by } in &shifts {
                    let [left, top, right, bottom] =
                        [area.left, area.top, area.right, area.bottom].map(|v| v as i32);
                    let by = *by as i32;
                    let (from, to) = (left + by.max(0), right + by.min(0));
                    copy(gl, &surface.picture, &surface.spare, (from, to), from, (top, bottom));
                    copy(gl, &surface.spare, &surface.picture, (from, to), from - by, (top, bottom));
                }
                gl.bind_framebuffer(glow::FRAMEBUFFER, surface.picture.framebuffer());
                gl.enable(glow::SCISSOR_TEST);
            }
        })
    }

    /// Copies the picture into the window, and turns the painter back to that.
    pub fn show(self: &Arc<Self>, size: [u32; 2]) -> CallbackFn {
        let surface = Arc::clone(self);
        CallbackFn::new(move |_, painter| {
            let gl = painter.gl();
            let [width, height] = size.map(|v| v as i32);
            // SAFETY: as above.
            unsafe {
                gl.disable(glow::SCISSOR_TEST);
                gl.bind_framebuffer(glow::READ_FRAMEBUFFER, surface.picture.framebuffer());
                gl.bind_framebuffer(glow::DRAW_FRAMEBUFFER, painter.intermediate_fbo());
                gl.blit_framebuffer(
                    0,
                    0,
                    width,
                    height,
                    0,
                    height,
                    width,
                    0,
                    glow::COLOR_BUFFER_BIT,
                    glow::NEAREST,
                );
                gl.bind_framebuffer(glow::FRAMEBUFFER, painter.intermediate_fbo());
                gl.enable(glow::SCISSOR_TEST);
            }
        })
    }

    /// Makes the pictures of this size, unless they are; `false` if that cannot be.
    fn fits(&self, gl: &Context, size: [u32; 2]) -> bool {
        let [width, height] = &self.size;
        if [width, height].map(|v| v.load(Ordering::Relaxed)) == size {
            return true;
        }
        width.store(size[0], Ordering::Relaxed);
        height.store(size[1], Ordering::Relaxed);
        [&self.picture, &self.spare].into_iter().all(|sheet| sheet.make(gl, size).is_some())
    }
}

impl Sheet {
    fn framebuffer(&self) -> Option<NativeFramebuffer> {
        NonZeroU32::new(self.framebuffer.load(Ordering::Relaxed)).map(NativeFramebuffer)
    }

    /// Makes it of this size.
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

/// Copies columns of some rows from one picture to another.
///
/// # Safety
/// The context has to be current, and the pictures its own.
unsafe fn copy(
    gl: &Context,
    from: &Sheet,
    to: &Sheet,
    (left, right): (i32, i32),
    at: i32,
    (top, bottom): (i32, i32),
) {
    // SAFETY: said above.
    unsafe {
        gl.bind_framebuffer(glow::READ_FRAMEBUFFER, from.framebuffer());
        gl.bind_framebuffer(glow::DRAW_FRAMEBUFFER, to.framebuffer());
        gl.blit_framebuffer(
            left,
            top,
            right,
            bottom,
            at,
            top,
            at + right - left,
            bottom,
            glow::COLOR_BUFFER_BIT,
            glow::NEAREST,
        );
    }
}
