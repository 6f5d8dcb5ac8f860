//! A line of prices as SVG, computed in integers.

use bursar_money::Price;
use maud::{Markup, html};

/// Width of the picture in its own units.
const WIDTH: i128 = 1_200;
/// Height of the picture in its own units.
const HEIGHT: i128 = 240;
/// Kept free above and below, so that the stroke is not cut.
const MARGIN: i128 = 16;
/// Prices whose exponents differ by more than this are not drawn together; up to it nothing overflows.
const SPAN_MAX: u32 = 16;

/// One price on the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    /// When it was published, Unix seconds.
    pub at_s: i64,
    /// The price.
    pub price: Price,
}

/// The picture; nothing with fewer than two points. `told` is what it shows, for those who do not see it.
pub(crate) fn picture(points: &[Point], told: &str) -> Markup {
    let line = line(points);
    html! {
        @if let Some(line) = line {
            svg.spark viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label=(told) {
                polyline points=(line) fill="none" vector-effect="non-scaling-stroke" {}
            }
        }
    }
}

/// The coordinates, oldest first: earlier left, higher up.
fn line(points: &[Point]) -> Option<String> {
    let [first, .., last] = points else { return None };
    let lowest = points.iter().map(|point| point.price.exponent).min()?;
    let heights: Vec<i128> = points.iter().map(|point| scaled(point.price, lowest)).collect::<Option<_>>()?;
    let (low, high) = (*heights.iter().min()?, *heights.iter().max()?);
    let duration = i128::from(last.at_s.checked_sub(first.at_s)?).max(1);
    let room = HEIGHT - 2 * MARGIN;
    let coordinates = points.iter().zip(&heights).map(|(point, height)| {
        let x = i128::from(point.at_s.saturating_sub(first.at_s)).clamp(0, duration) * WIDTH / duration;
        // A price that never moved is a line in the middle.
        let y = if high == low { HEIGHT / 2 } else { MARGIN + room - (height - low) * room / (high - low) };
        format!("{x},{y}")
    });
    Some(coordinates.collect::<Vec<_>>().join(" "))
}

/// The mantissa that the price has at the exponent `lowest`.
fn scaled(price: Price, lowest: i32) -> Option<i128> {
    let span = u32::try_from(price.exponent.checked_sub(lowest)?).ok().filter(|span| *span <= SPAN_MAX)?;
    i128::from(price.mantissa).checked_mul(10_i128.checked_pow(span)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn point(at_s: i64, mantissa: i64, exponent: i32) -> Point {
        Point { at_s, price: Price::new(mantissa, exponent) }
    }

    #[test]
    fn the_highest_price_is_at_the_top_whatever_its_exponent() {
        let points = [point(0, 100, -2), point(10, 3, 0), point(40, 2, 0)];
        assert_eq!(line(&points).unwrap(), "0,224 300,16 1200,120");
    }

    #[test]
    fn a_price_that_stands_still_is_a_line_in_the_middle() {
        assert_eq!(line(&[point(5, 7, 0), point(5, 70, -1)]).unwrap(), "0,120 0,120");
    }

    #[test]
    fn one_price_is_no_line_and_absurd_exponents_are_not_drawn() {
        assert_eq!(line(&[point(0, 1, 0)]), None);
        assert_eq!(line(&[point(0, 1, i32::MAX), point(1, 1, i32::MIN)]), None);
        assert_eq!(picture(&[], "").into_string(), "");
    }

    proptest! {
        #[test]
        fn every_point_lies_within_the_picture(
            prices in proptest::collection::vec((0i64..10_000, any::<i64>(), -8i32..9), 2..50)
        ) {
            let mut points: Vec<Point> = prices.iter().map(|(at, mantissa, exponent)| point(*at, *mantissa, *exponent)).collect();
            points.sort_by_key(|point| point.at_s);
            let line = line(&points).unwrap();
            prop_assert_eq!(line.split(' ').count(), points.len());
            for pair in line.split(' ') {
                let (x, y) = pair.split_once(',').unwrap();
                prop_assert!((0..=WIDTH).contains(&x.parse().unwrap()) && (0..=HEIGHT).contains(&y.parse().unwrap()));
            }
        }
    }
}
