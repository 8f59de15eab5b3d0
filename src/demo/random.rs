//! The one source of chance of the demo workspace.

/// A small generator of pseudo-random numbers (SplitMix64).
///
/// The demo has to look the same on every machine and in every later version, so that screenshots,
/// documentation and tests can rely on it. `rand` says of its `StdRng` and `SmallRng` that the same
/// seed may give other numbers in another release or on another platform; these few lines cannot
/// change by an update. Not for secrets.
#[derive(Clone, Debug)]
pub struct Rng {
    state: u64,
}

impl Rng {
    /// Starts the sequence that belongs to `seed`.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 bits.
    pub const fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `end` - 1; 0 if `end` is 0.
    ///
    /// The upper half of the 32 × 32 bit product is used: it favours some numbers by less than one
    /// in a million for the small ranges of the demo, and never needs a second try.
    pub const fn below(&mut self, end: u32) -> u32 {
        let wide = (self.next_u64() >> 32) * end as u64;
        (wide >> 32) as u32
    }

    /// A number from `low` to `high`, both included; `low` if they are the wrong way round.
    pub const fn between(&mut self, low: u32, high: u32) -> u32 {
        low.saturating_add(self.below(high.saturating_sub(low).saturating_add(1)))
    }

    /// True in `percent` of 100 cases.
    pub const fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// One of the items, each equally likely; `None` only if there are none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
        let chosen = self.below(count);
        items.get(usize::try_from(chosen).unwrap_or(0))
    }

    /// One of the items, each as likely as its weight says; `None` if all weights are 0.
    pub fn weighted<'a, T>(&mut self, items: &'a [T], weight: impl Fn(&T) -> u32) -> Option<&'a T> {
        let total = items.iter().map(&weight).fold(0, u32::saturating_add);
        let mut left = self.below(total);
        items.iter().find(|item| {
            let own = weight(item);
            let hit = left < own;
            left = left.saturating_sub(own);
            hit
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Rng;

    /// The published first values for the seed 1234567: a change here would change every demo.
    #[test]
    fn the_sequence_is_the_published_one() {
        let mut rng = Rng::new(1_234_567);
        assert_eq!(rng.next_u64(), 6_457_827_717_110_365_317);
        assert_eq!(rng.next_u64(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn ranges_are_kept_and_reached() {
        let mut rng = Rng::new(1);
        let mut seen = [0_u32; 5];
        for _ in 0..5_000 {
            let n = rng.between(3, 7);
            assert!((3..=7).contains(&n));
            if let Some(count) = seen.get_mut(n as usize - 3) {
                *count += 1;
            }
        }
        assert!(seen.iter().all(|count| (850..1_150).contains(count)), "{seen:?}");
        assert_eq!(rng.below(0), 0);
        assert_eq!(rng.between(9, 4), 9);
        assert_eq!(rng.pick::<u8>(&[]), None);
    }

    #[test]
    fn weights_are_respected() {
        let mut rng = Rng::new(2);
        let items = [("never", 0), ("often", 3), ("seldom", 1)];
        let mut often = 0;
        for _ in 0..4_000 {
            match rng.weighted(&items, |item| item.1) {
                Some((name, _)) => {
                    assert_ne!(*name, "never");
                    often += u32::from(*name == "often");
                }
                None => assert!(items.is_empty()),
            }
        }
        assert!((2_850..3_150).contains(&often), "{often}");
        assert_eq!(rng.weighted(&items, |_| 0), None);
    }
}
