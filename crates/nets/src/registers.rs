//! Leaves the processor as other code expects it.

/// Clears the upper halves of the vector registers.
///
/// tract 0.23.9's kernels for x86 return without doing so, and until it is done each instruction that uses the lower
/// halves only (which is all of our code, compiled for any x86-64) has to keep the upper ones: measured on
/// an AVX-512 server, the listener's own code took three times as long between two runs of a net.
pub fn clear_upper_halves() {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx")]
        fn clear() {
            std::arch::x86_64::_mm256_zeroupper();
        }
        if std::arch::is_x86_feature_detected!("avx") {
            // SAFETY: the processor has AVX. No value lives in the upper halves here: the compiler keeps none across
            // a call, and saves those of a caller that uses them itself.
            #[allow(unsafe_code)]
            unsafe {
                clear();
            }
        }
    }
}
