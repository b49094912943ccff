//! When a process that died is followed by another, and how soon. Pure: time and chance are arguments.

use std::collections::VecDeque;
use std::time::Duration;

/// How a process that dies is followed by another.
#[derive(Clone, Debug, PartialEq)]
pub struct RestartPolicy {
    /// So many deaths within [`RestartPolicy::window`] are too many: the plugin has failed. 1 = it is never started again.
    pub max_deaths: u32,
    /// The time within which deaths count.
    pub window: Duration,
    /// How long is waited after the first death within the window; each further one doubles it.
    pub first_delay: Duration,
    /// At most so long.
    pub max_delay: Duration,
}

impl Default for RestartPolicy {
    /// 5 deaths within 10 minutes are too many; 0.1 s after the first, 30 s at most.
    fn default() -> Self {
        Self {
            max_deaths: 5,
            window: Duration::from_secs(600),
            first_delay: Duration::from_millis(100),
            max_delay: Duration::from_secs(30),
        }
    }
}

impl RestartPolicy {
    /// A death is the end.
    #[must_use]
    pub fn never() -> Self {
        Self { max_deaths: 1, ..Self::default() }
    }
}

/// What follows a death.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// Another process, after this time.
    Again(Duration),
    /// Nothing. So many deaths were within the window.
    Enough(u32),
}

/// The deaths that count, of all workers of a plugin.
#[derive(Debug, Default)]
pub(crate) struct Deaths {
    /// When they were, in a time that never goes back.
    times: VecDeque<Duration>,
}

impl Deaths {
    /// Notes a death at `now`, a time since any fixed moment, and says what follows. `chance`, from 0 to 1, spreads the delay over a
    /// quarter more or less, so that plugins that died together do not come back together.
    pub(crate) fn note(&mut self, policy: &RestartPolicy, now: Duration, chance: f64) -> Verdict {
        self.times.push_back(now);
        while self.times.front().is_some_and(|it| now.saturating_sub(*it) > policy.window) {
            self.times.pop_front();
        }
        let n = u32::try_from(self.times.len()).unwrap_or(u32::MAX);
        if n >= policy.max_deaths {
            return Verdict::Enough(n);
        }
        let doubled = policy.first_delay.saturating_mul(2_u32.saturating_pow(n - 1));
        let factor = 0.75 + 0.5 * chance.clamp(0.0, 1.0);
        Verdict::Again(doubled.min(policy.max_delay).mul_f64(factor).min(policy.max_delay))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_fifth_death_within_ten_minutes_is_the_last() {
        let (policy, mut deaths) = (RestartPolicy::default(), Deaths::default());
        for n in 0..4 {
            assert!(matches!(deaths.note(&policy, SECOND * n, 0.5), Verdict::Again(_)), "{n}");
        }
        assert_eq!(deaths.note(&policy, SECOND * 600, 0.5), Verdict::Enough(5));
    }

    #[test]
    fn deaths_of_long_ago_do_not_count() {
        let (policy, mut deaths) = (RestartPolicy::default(), Deaths::default());
        for n in 0..100 {
            // Four are within the window at any time.
            let verdict = deaths.note(&policy, SECOND * (n * 151), 0.5);
            assert!(matches!(verdict, Verdict::Again(_)), "{n} {verdict:?}");
        }
        assert_eq!(deaths.times.len(), 4);
    }

    #[test]
    fn the_delay_doubles_up_to_its_limit_and_varies_by_a_quarter() {
        let policy = RestartPolicy { max_deaths: 100, ..RestartPolicy::default() };
        for (chance, factor) in [(0.0, 0.75), (0.5, 1.0), (1.0, 1.25)] {
            let mut deaths = Deaths::default();
            for n in 0..40 {
                let plain = (0.1 * 2_f64.powi(n)).min(30.0);
                let expected = Duration::from_secs_f64((plain * factor).min(30.0));
                let Verdict::Again(delay) = deaths.note(&policy, SECOND, chance) else { panic!("{n}") };
                assert!(delay.abs_diff(expected) < Duration::from_millis(1), "{n}: {delay:?} {expected:?}");
            }
        }
    }

    #[test]
    fn never_is_never() {
        assert_eq!(Deaths::default().note(&RestartPolicy::never(), SECOND, 0.0), Verdict::Enough(1));
    }
}
