//! What the open window costs. Measured on Linux, where a virtual screen and the threads' own processor time are to be had.

#[cfg(target_os = "linux")]
mod linux;

fn main() {
    #[cfg(target_os = "linux")]
    linux::measure();
}
