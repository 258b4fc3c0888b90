//! Rice codes: whole numbers whose size is mostly about 2^k take about k + 2 bits.
//!
//! The parameter k is chosen for each run of numbers (Rice and Plaunt, 1971), so neither a slow counter nor a jumping
//! gauge pays for the other.

use super::bits::{BitReader, BitWriter};

/// A quotient of this many ones is an escape: the number follows in 64 bits.
const QUOTIENT_MAX: u64 = 24;

/// Folds the sign into the lowest bit: 0, -1, 1, -2, 2 become 0, 1, 2, 3, 4.
#[inline]
pub fn fold_sign(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

#[inline]
pub fn unfold_sign(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Bits that the numbers take with the parameter.
pub fn cost_bits(numbers: &[u64], parameter: u8) -> u64 {
    numbers
        .iter()
        .map(|number| {
            let quotient = number >> parameter;
            if quotient >= QUOTIENT_MAX { QUOTIENT_MAX + 64 } else { quotient + 1 + u64::from(parameter) }
        })
        .sum()
}

/// The parameter under which the numbers take the fewest bits, and how many.
pub fn best_parameter(numbers: &[u64]) -> (u8, u64) {
    (0..52).map(|parameter| (parameter, cost_bits(numbers, parameter))).min_by_key(|(_, cost)| *cost).unwrap_or((0, 0))
}

pub fn write(bits: &mut BitWriter, numbers: &[u64], parameter: u8) {
    for &number in numbers {
        let quotient = number >> parameter;
        if quotient >= QUOTIENT_MAX {
            bits.bits((1 << QUOTIENT_MAX) - 1, QUOTIENT_MAX as u8);
            bits.bits(number, 64);
        } else {
            bits.bits(((1 << quotient) - 1) << 1, quotient as u8 + 1);
            if parameter > 0 {
                bits.bits(number & ((1 << parameter) - 1), parameter);
            }
        }
    }
}

#[inline]
pub fn read(bits: &mut BitReader<'_>, parameter: u8) -> Option<u64> {
    let mut quotient = 0;
    while quotient < QUOTIENT_MAX && bits.bit()? {
        quotient += 1;
    }
    if quotient == QUOTIENT_MAX {
        return bits.bits(64);
    }
    let rest = if parameter > 0 { bits.bits(parameter)? } else { 0 };
    Some(quotient << parameter | rest)
}
