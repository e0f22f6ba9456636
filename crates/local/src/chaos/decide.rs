//! What happens to one invocation. Pure: a function of specification, seed, stream and number.

use std::time::Duration;

use super::ChaosSpec;

/// What happens to one invocation.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Plan {
    /// How long it waits before anything else.
    pub delay: Option<Duration>,
    /// What goes wrong.
    pub fault: Option<Fault>,
    /// Whether the event is delivered again after a success.
    pub duplicate: bool,
}

/// What goes wrong with an invocation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fault {
    /// It is refused before it reaches the function.
    Throttle,
    /// The function works, and its answer is replaced by an error.
    Error,
    /// The process is killed after this share of what an invocation usually takes.
    Crash(f64),
    /// The process is killed as if its time were over.
    Timeout,
}

impl Fault {
    /// As in the specification.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Throttle => "throttle",
            Self::Error => "error",
            Self::Crash(_) => "crash",
            Self::Timeout => "timeout",
        }
    }
}

/// Decides over invocation `number` of a stream.
pub(super) fn decide(spec: &ChaosSpec, seed: u64, stream: &str, number: u64) -> Plan {
    let mut random = Random(seed ^ hash(stream) ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    // All are drawn each time, so that a changed rate moves no other decision.
    let (which, how, duplicate, delayed) = (random.share(), random.share(), random.share(), random.share());
    let faults = [
        (spec.crash, Fault::Crash(how)),
        (spec.timeout, Fault::Timeout),
        (spec.error, Fault::Error),
        (spec.throttle, Fault::Throttle),
    ];
    let mut bound = 0.0;
    let fault = faults.into_iter().find(|(rate, _)| {
        bound += rate;
        which < bound
    });
    Plan {
        delay: spec.delay.filter(|(rate, _)| delayed < *rate).map(|(_, delay)| delay),
        fault: fault.map(|(_, fault)| fault),
        duplicate: duplicate < spec.duplicate,
    }
}

/// FNV-1a: the same on every machine and in every version of the compiler, which the standard hasher does not promise.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to below 1.
    fn share(&mut self) -> f64 {
        // 53 bits are what an f64 holds exactly.
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plans(spec: &str, seed: u64, stream: &str) -> Vec<Plan> {
        let spec: ChaosSpec = spec.parse().unwrap();
        (1..=10_000).map(|number| decide(&spec, seed, stream, number)).collect()
    }

    #[test]
    fn a_seed_gives_the_same_decisions_and_another_one_gives_others() {
        let spec = "crash=0.1,timeout=0.1,error=0.1,throttle=0.1,duplicate=0.1,delay=0.1:5ms";
        let plan = plans(spec, 7, "mapping M/f");
        assert_eq!(plan, plans(spec, 7, "mapping M/f"));
        assert_ne!(plan, plans(spec, 8, "mapping M/f"));
        assert_ne!(plan, plans(spec, 7, "mapping N/f"));
    }

    #[test]
    fn faults_come_as_often_as_their_rates_say() {
        let plan = plans("crash=0.1,timeout=0.05,error=0.2,throttle=0.01,duplicate=0.3,delay=0.4:5ms", 1, "s");
        let share = |wanted: &dyn Fn(&Plan) -> bool| plan.iter().filter(|plan| wanted(plan)).count() as f64 / 10_000.0;
        let of = |name: &'static str| share(&|plan| plan.fault.is_some_and(|fault| fault.name() == name));
        for (found, rate) in [
            (of("crash"), 0.1),
            (of("timeout"), 0.05),
            (of("error"), 0.2),
            (of("throttle"), 0.01),
            (share(&|plan| plan.duplicate), 0.3),
            (share(&|plan| plan.delay == Some(Duration::from_millis(5))), 0.4),
        ] {
            assert!((found - rate).abs() < 0.02, "{found} instead of {rate}");
        }
        assert!(plans("crash=1", 1, "s").iter().all(|plan| matches!(plan.fault, Some(Fault::Crash(_)))));
        assert!(plans("rebalance=30s", 1, "s").iter().all(|plan| *plan == Plan::default()));
    }

    #[test]
    fn a_changed_rate_moves_no_other_decision() {
        let (few, many) = (plans("crash=0.1,duplicate=0.2", 3, "s"), plans("crash=0.5,duplicate=0.2", 3, "s"));
        assert!(few.iter().zip(&many).all(|(few, many)| few.duplicate == many.duplicate));
        assert!(few.iter().zip(&many).all(|(few, many)| few.fault.is_none() || few.fault == many.fault));
    }
}
