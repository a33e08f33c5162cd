//! Numbers: their end is found and their digits are added up in one go, so that most need no second look.
//!
//! Invariant: the double is the one nearest to what is written, the whole number is exactly that, or there is none.

use super::NotJson;

/// A number, as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number<'a> {
    raw: &'a str,
    /// All digits as one whole number, and how many of them are a fraction; where they fit, and there is no exponent.
    plain: Option<(u64, usize)>,
}

/// So many digits fit whatever they are.
const DIGITS: usize = 19;
/// Up to here a double has every whole number, and so the quotient of two of them is rounded once.
const EXACT: u64 = 1 << 53;
const POWERS: [f64; 20] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19];

impl<'a> Number<'a> {
    pub(super) fn at_start_of(text: &'a str) -> Result<Self, NotJson> {
        let bytes = text.as_bytes();
        let start = usize::from(bytes.first() == Some(&b'-'));
        let mut sum = 0;
        let mut end = digits(bytes, start, &mut sum);
        // No digit, or a zero that others follow.
        if end == start || (bytes[start] == b'0' && end > start + 1) {
            return Err(NotJson);
        }
        let mut count = end - start;
        let mut fraction = 0;
        if bytes.get(end) == Some(&b'.') {
            let point = end;
            end = digits(bytes, point + 1, &mut sum);
            fraction = end - point - 1;
            count += fraction;
            if fraction == 0 {
                return Err(NotJson);
            }
        }
        let has_exponent = matches!(bytes.get(end), Some(b'e' | b'E'));
        if has_exponent {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let exponent = end + 1 + sign;
            end = digits(bytes, exponent, &mut 0);
            if end == exponent {
                return Err(NotJson);
            }
        }
        let plain = (count <= DIGITS && !has_exponent).then_some((sum, fraction));
        Ok(Self { raw: &text[..end], plain })
    }

    /// The number's text.
    pub(crate) fn raw(&self) -> &'a str {
        self.raw
    }

    /// The double nearest to it; `None` where it is too large for one.
    pub(crate) fn float(&self) -> Option<f64> {
        match self.plain {
            Some((sum, fraction)) if sum <= EXACT => {
                #[allow(clippy::cast_precision_loss, reason = "within 2^53")]
                let float = sum as f64 / POWERS[fraction];
                Some(if self.is_negative() { -float } else { float })
            }
            _ => self.raw.parse().ok().filter(|float: &f64| float.is_finite()),
        }
    }

    /// The whole number, however it is written.
    pub(crate) fn int(&self) -> Option<i64> {
        if let Some((sum, 0)) = self.plain {
            return if self.is_negative() { 0_i64.checked_sub_unsigned(sum) } else { i64::try_from(sum).ok() };
        }
        let float = self.float()?;
        // Beyond 2^53 a double no longer tells one whole number from the next.
        (float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0).then(|| {
            #[allow(clippy::cast_possible_truncation, reason = "whole, and within 2^53")]
            let whole = float as i64;
            whole
        })
    }

    fn is_negative(&self) -> bool {
        self.raw.starts_with('-')
    }
}

/// Where the digits from `at` on end; adds them to `sum`, which is of no use when they are too many.
#[inline]
fn digits(bytes: &[u8], mut at: usize, sum: &mut u64) -> usize {
    while let Some(byte) = bytes.get(at).filter(|byte| byte.is_ascii_digit()) {
        *sum = sum.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
        at += 1;
    }
    at
}
