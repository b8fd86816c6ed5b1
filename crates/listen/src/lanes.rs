//! Four numbers side by side that are reckoned with all at once.
//!
//! `wide` makes of it the vector instructions that every processor of a kind has (left to itself, the compiler shuffles more
//! than it reckons), and each number comes out as it would alone, so that the results are the same everywhere.

use std::ops::{Add, AddAssign, Div, Mul, Neg, Rem, Sub};

use rustfft::num_traits::{FromPrimitive, Num, One, Signed, Zero};
use wide::f32x4;

/// Numbers that lie side by side.
pub const LANES: usize = 4;

/// The numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Lanes(f32x4);

impl Lanes {
    /// These numbers.
    pub const fn new(numbers: [f32; LANES]) -> Self {
        Self(f32x4::new(numbers))
    }

    /// The same number for each.
    pub const fn all(x: f32) -> Self {
        Self::new([x; LANES])
    }

    /// The numbers one by one.
    pub fn numbers(self) -> [f32; LANES] {
        self.0.to_array()
    }

    /// The sum of all, in a fixed order.
    pub fn sum(self) -> f32 {
        let [a, b, c, d] = self.numbers();
        (a + b) + (c + d)
    }

    /// For each number whether it is greater than the other: ones and noughts to choose by.
    pub fn greater(self, other: Self) -> Choice {
        Choice(self.0.simd_gt(other.0))
    }

    fn with(self, other: Self, of: impl Fn(f32, f32) -> f32) -> Self {
        let (a, b) = (self.numbers(), other.numbers());
        Self::new(std::array::from_fn(|l| of(a[l], b[l])))
    }
}

/// Which of two numbers to take, lane by lane.
#[derive(Clone, Copy)]
pub struct Choice(f32x4);

impl Choice {
    /// The numbers of `yes` where it was so, else those of `no`.
    pub fn of(self, yes: Lanes, no: Lanes) -> Lanes {
        Lanes(self.0.select(yes.0, no.0))
    }
}

/// Dot product in eight running sums, in an order that no compiler changes.
pub fn eight_sums(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    let ((eights_a, rest_a), (eights_b, rest_b)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let tail: f32 = rest_a.iter().zip(rest_b).map(|(x, y)| x * y).sum();
    for (x, y) in eights_a.iter().zip(eights_b) {
        for i in 0..8 {
            sums[i] += x[i] * y[i];
        }
    }
    sums.iter().sum::<f32>() + tail
}

impl Add for Lanes {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Lanes {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Lanes {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Mul for Lanes {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Self(self.0 * other.0)
    }
}

impl Mul<f32> for Lanes {
    type Output = Self;
    fn mul(self, factor: f32) -> Self {
        self * Self::all(factor)
    }
}

impl std::iter::Sum for Lanes {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, x| sum + x)
    }
}

impl Div for Lanes {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        Self(self.0 / other.0)
    }
}

impl Rem for Lanes {
    type Output = Self;
    fn rem(self, other: Self) -> Self {
        self.with(other, |a, b| a % b)
    }
}

impl Neg for Lanes {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

// What `rustfft` asks of a number, so that it transforms four signals at once.

impl Zero for Lanes {
    fn zero() -> Self {
        Self::all(0.0)
    }

    fn is_zero(&self) -> bool {
        *self == Self::all(0.0)
    }
}

impl One for Lanes {
    fn one() -> Self {
        Self::all(1.0)
    }
}

impl Num for Lanes {
    type FromStrRadixErr = <f32 as Num>::FromStrRadixErr;

    fn from_str_radix(text: &str, radix: u32) -> Result<Self, Self::FromStrRadixErr> {
        f32::from_str_radix(text, radix).map(Self::all)
    }
}

impl Signed for Lanes {
    fn abs(&self) -> Self {
        Self::new(self.numbers().map(f32::abs))
    }

    fn abs_sub(&self, other: &Self) -> Self {
        self.with(*other, |a, b| (a - b).max(0.0))
    }

    fn signum(&self) -> Self {
        Self::new(self.numbers().map(f32::signum))
    }

    fn is_positive(&self) -> bool {
        self.numbers().iter().all(|x| *x > 0.0)
    }

    fn is_negative(&self) -> bool {
        self.numbers().iter().all(|x| *x < 0.0)
    }
}

impl FromPrimitive for Lanes {
    fn from_i64(n: i64) -> Option<Self> {
        Some(Self::all(n as f32))
    }

    fn from_u64(n: u64) -> Option<Self> {
        Some(Self::all(n as f32))
    }

    fn from_f64(n: f64) -> Option<Self> {
        Some(Self::all(n as f32))
    }
}
