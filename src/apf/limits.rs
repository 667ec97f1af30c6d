//! How many seats each priority level has: by its share, and readjusted every 10 seconds by what the levels lend each
//! other (`k8s.io/apiserver/pkg/util/flowcontrol/apf_controller.go`, `finishQueueSetReconfigsLocked` and
//! `updateBorrowingLocked`).
//!
//! With S the server's seats, N a level's shares and L the percentage it may lend: nominal = ⌈S · N / ΣN⌉, min =
//! nominal − round(nominal · L / 100), max = nominal + what it may borrow. Because of the rounding, Σnominal may exceed
//! S by a few seats.
//!
//! Easy to get wrong: a level does not rest at its nominal limit. Without demand, seats are divided in proportion to
//! min, so a level that lends nearly everything has few seats until the next adjustment after its load arrives. And
//! Σnominal seats are divided even if the exempt level has taken some of them.
//!
//! Each API server does this independently.

use super::allocation::{AllocationError, Class, allocate};
use super::config::{LevelKind, PriorityLevel};
use super::features::Features;
use super::seats::level_max_seats;

/// Default seats of an API server: `--max-requests-inflight` (400) and `--max-mutating-requests-inflight` (200)
/// together (`k8s.io/apiserver/pkg/server/options/feature.go`).
pub const DEFAULT_SERVER_CONCURRENCY: u32 = 600;
/// The adjustment period, in seconds (`apf_controller.go`, `borrowingAdjustmentPeriod`).
pub const ADJUSTMENT_SECS: u64 = 10;
/// The weight of the past in the smoothed demand (`apf_controller.go`, `seatDemandSmoothingCoefficient`): it halves in
/// 5 minutes.
const SMOOTHING_COEFFICIENT: f64 = 0.977;

/// The limits of a priority level that follow from the configuration alone, in seats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelLimits {
    /// How the level takes part in the division.
    pub role: LevelRole,
    /// Its share of the server, without lending; metric `nominal_limit_seats`.
    pub nominal: u32,
    /// How many of these it may lend.
    pub lendable: u32,
    /// How many it may borrow.
    pub borrowing: u32,
    /// The fewest it can have; metric `lower_limit_seats`.
    pub min: u32,
    /// The most it can have; metric `upper_limit_seats`.
    pub max: u32,
    /// The most seats of one request; `None` if the level does not queue, and before 1.25.
    pub max_seats_per_request: Option<u32>,
}

/// How a priority level takes part in the division of seats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LevelRole {
    /// It is limited to its seats.
    Limited,
    /// It takes what it needs, which leaves less for the others.
    Exempt,
    /// It is ignored, as the exempt level was before 1.28.
    Outside,
}

/// The limits for one adjustment period.
#[derive(Clone, Debug, PartialEq)]
pub struct CurrentLimits {
    /// Seats of each level, in the order given; metric `current_limit_seats`. The exempt level is not limited: its
    /// value is what the others leave.
    pub seats: Vec<u32>,
    /// The target of each level, in the order given; metric `target_seats`, except for the exempt level, whose metric
    /// shows another level's target.
    pub targets: Vec<f64>,
    /// The proportion of its target that a level gets if neither bound applies; metric `seat_fair_frac`. 0 if demand
    /// leaves nothing to divide in proportion.
    pub fair_fraction: f64,
}

/// A level's recent demand, in seats in use plus seats waited for. The default is no demand.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Demand {
    /// The peak of the last period.
    pub high_watermark: u32,
    /// Mean plus standard deviation, smoothed: it rises at once and falls slowly.
    pub smoothed: f64,
}

/// A level's demand over a period, updated as it changes (`fairqueuing/integrator.go`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DemandStats {
    secs: f64,
    seat_secs: f64,
    squared_seat_secs: f64,
    high_watermark: u32,
}

/// Computes the limits of each level, in the order given, on a server with that many seats.
pub fn compute_limits(levels: &[PriorityLevel], server_concurrency: u32, features: &Features) -> Vec<LevelLimits> {
    let shares = |level: &PriorityLevel| match role(level, features) {
        LevelRole::Outside => 0,
        LevelRole::Limited | LevelRole::Exempt => u64::from(not_negative(level.nominal_concurrency_shares())),
    };
    let share_sum = levels.iter().map(shares).sum::<u64>().max(1);
    let limits = levels.iter().map(|level| {
        let nominal = (u64::from(server_concurrency) * shares(level)).div_ceil(share_sum);
        let nominal = u32::try_from(nominal).unwrap_or(u32::MAX);
        level_limits(level, nominal, server_concurrency, features)
    });
    limits.collect()
}

/// Computes one adjustment: the limits after a period with that demand, in the order of the levels. Levels without a
/// given demand count as having none.
///
/// # Errors
///
/// When there is no such division: if levels may borrow so little that an exempt level's share can't be used. The
/// server then keeps its limits.
pub fn compute_current_limits(levels: &[LevelLimits], demands: &[Demand]) -> Result<CurrentLimits, AllocationError> {
    let demands = demands.iter().copied().chain(std::iter::repeat(Demand::default()));
    let claims: Vec<Claim> = levels.iter().zip(demands).map(|(level, demand)| Claim::of(level, demand)).collect();
    let limited = || claims.iter().filter(|claim| claim.level.role == LevelRole::Limited);
    let exempt = claims.iter().filter(|claim| claim.level.role == LevelRole::Exempt);

    let nominal_sum: u32 = levels.iter().map(|level| level.nominal).sum();
    let taken: u64 = exempt.map(|claim| u64::from(claim.min_current)).sum();
    let remaining = u64::from(nominal_sum).saturating_sub(taken);
    let min_sum: u64 = limited().map(|claim| u64::from(claim.level.min)).sum();
    let min_current_sum: u64 = limited().map(|claim| u64::from(claim.min_current)).sum();

    let (fair_fraction, of_limited) = if remaining <= min_sum {
        (0.0, limited().map(|claim| claim.level.min).collect())
    } else if remaining <= min_current_sum {
        let fraction = ratio(remaining - min_sum, min_current_sum - min_sum);
        (0.0, limited().map(|claim| claim.min_plus(fraction)).collect())
    } else {
        let classes: Vec<Class> = limited().map(Claim::class).collect();
        let allocation = allocate(nominal_sum, &classes)?;
        (allocation.fair_proportion, allocation.parts.into_iter().map(whole_seats).collect::<Vec<u32>>())
    };

    let mut of_limited = of_limited.into_iter();
    let seats = claims.iter().map(|claim| match claim.level.role {
        LevelRole::Limited => of_limited.next().unwrap_or_default(),
        LevelRole::Exempt | LevelRole::Outside => claim.min_current,
    });
    let targets = claims.iter().map(|claim| claim.target).collect();
    Ok(CurrentLimits { seats: seats.collect(), targets, fair_fraction })
}

/// Computes what levels have while there is no demand, which differs from their nominal limits.
///
/// # Errors
///
/// As [`compute_current_limits`].
pub fn compute_idle_limits(levels: &[LevelLimits]) -> Result<CurrentLimits, AllocationError> {
    compute_current_limits(levels, &[])
}

impl LevelLimits {
    /// The demand of a new level before its first adjustment, which follows at once.
    pub const fn initial(&self) -> u32 {
        self.nominal - self.lendable / 2
    }
}

impl Demand {
    /// The demand after one more period. A period of length 0 changes nothing.
    #[must_use]
    pub fn after(self, period: &DemandStats) -> Self {
        let (Some(average), Some(standard_deviation)) = (period.average(), period.standard_deviation()) else {
            return self;
        };
        let envelope = average + standard_deviation;
        let faded = SMOOTHING_COEFFICIENT * self.smoothed + (1.0 - SMOOTHING_COEFFICIENT) * envelope;
        Self { high_watermark: period.high_watermark, smoothed: envelope.max(faded) }
    }
}

impl DemandStats {
    /// A period that starts with a demand of that many seats.
    pub const fn starting_at(seats: u32) -> Self {
        Self { secs: 0.0, seat_secs: 0.0, squared_seat_secs: 0.0, high_watermark: seats }
    }

    /// Extends the period by `secs` seconds of a demand; 0 seconds for a momentary peak.
    #[must_use]
    pub fn with(self, seats: u32, secs: f64) -> Self {
        let asked = f64::from(seats);
        Self {
            secs: self.secs + secs,
            seat_secs: self.seat_secs + asked * secs,
            squared_seat_secs: self.squared_seat_secs + asked * asked * secs,
            high_watermark: self.high_watermark.max(seats),
        }
    }

    /// The highest demand, in seats.
    pub const fn high_watermark(&self) -> u32 {
        self.high_watermark
    }

    /// Time-weighted mean, in seats; `None` for a period of length 0.
    pub fn average(&self) -> Option<f64> {
        (self.secs > 0.0).then(|| self.seat_secs / self.secs)
    }

    /// Time-weighted standard deviation, in seats; `None` for a period of length 0.
    pub fn standard_deviation(&self) -> Option<f64> {
        let average = self.average()?;
        // Rounding may make it negative if the demand never changed.
        Some((self.squared_seat_secs / self.secs - average * average).max(0.0).sqrt())
    }
}

fn role(level: &PriorityLevel, features: &Features) -> LevelRole {
    match (level.is_exempt(), features.exempt_takes_part) {
        (false, _) => LevelRole::Limited,
        (true, true) => LevelRole::Exempt,
        (true, false) => LevelRole::Outside,
    }
}

fn level_limits(level: &PriorityLevel, nominal: u32, server_concurrency: u32, features: &Features) -> LevelLimits {
    let role = role(level, features);
    let lends = features.lends_seats && role != LevelRole::Outside;
    let lendable = if lends { percent(nominal, level.lendable_percent()).min(nominal) } else { 0 };
    let borrowing = match level.kind {
        _ if !lends => 0,
        LevelKind::Limited { borrowing_limit_percent: Some(limit), .. } => percent(nominal, limit),
        LevelKind::Limited { .. } | LevelKind::Exempt { .. } => server_concurrency,
    };
    let queuing = level.queuing().filter(|_| features.caps_by_level);
    LevelLimits {
        role,
        nominal,
        lendable,
        borrowing,
        min: nominal - lendable,
        max: nominal.saturating_add(borrowing),
        max_seats_per_request: queuing.map(|queuing| level_max_seats(nominal, not_negative(queuing.hand_size))),
    }
}

/// A level and its targets.
struct Claim<'l> {
    level: &'l LevelLimits,
    /// What it gets if there are enough seats: its demand, limited to its own seats.
    min_current: u32,
    /// What it wants beyond that.
    target: f64,
}

impl<'l> Claim<'l> {
    fn of(level: &'l LevelLimits, demand: Demand) -> Self {
        let min_current = match level.role {
            LevelRole::Limited => level.min.max(level.nominal.min(demand.high_watermark)),
            LevelRole::Exempt => level.min.max(demand.high_watermark),
            LevelRole::Outside => 0,
        };
        let smoothed = if level.role == LevelRole::Limited { demand.smoothed } else { 0.0 };
        Self { level, min_current, target: f64::from(min_current).max(smoothed) }
    }

    /// The least, which includes what it gets if there are enough seats.
    fn min_plus(&self, fraction: f64) -> u32 {
        self.level.min + whole_seats(f64::from(self.min_current - self.level.min) * fraction)
    }

    fn class(&self) -> Class {
        Class { target: self.target, lower: f64::from(self.min_current), upper: f64::from(self.level.max) }
    }
}

/// That percentage of the seats, rounded half up.
fn percent(seats: u32, percent: i32) -> u32 {
    let hundredths = u64::from(seats) * u64::from(not_negative(percent));
    u32::try_from((hundredths + 50) / 100).unwrap_or(u32::MAX)
}

/// A field that validation guarantees to be not negative.
fn not_negative(value: i32) -> u32 {
    u32::try_from(value).unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "seats are far below 2^52")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and seats are no more"
)]
fn whole_seats(seats: f64) -> u32 {
    seats.round() as u32
}

#[cfg(test)]
mod tests {
    use super::super::config::{LimitResponse, ObjectLocation, Queuing};
    use super::*;
    use crate::kubernetes::Version;

    const LATEST: Version = Version::new(1, 36);

    /// A level's name, shares, lendable percent and hand size; no hand size is one that rejects.
    type Level = (&'static str, i32, i32, Option<i32>);

    const DEFAULT: [Level; 7] = [
        ("system", 30, 33, Some(6)),
        ("node-high", 40, 25, Some(6)),
        ("leader-election", 10, 0, Some(4)),
        ("workload-high", 40, 50, Some(6)),
        ("workload-low", 100, 90, Some(6)),
        ("global-default", 20, 50, Some(6)),
        ("catch-all", 5, 0, None),
    ];

    fn limited((name, shares, lendable_percent, hand_size): Level, borrowing: Option<i32>) -> PriorityLevel {
        let queuing = |hand_size| Queuing { queues: 64, hand_size, queue_length_limit: 50 };
        let kind = LevelKind::Limited {
            nominal_concurrency_shares: shares,
            lendable_percent,
            borrowing_limit_percent: borrowing,
            limit_response: hand_size.map_or(LimitResponse::Reject, |size| LimitResponse::Queue(queuing(size))),
        };
        PriorityLevel { name: name.to_owned(), kind, is_autoupdated: None, location: ObjectLocation::default() }
    }

    fn exempt(nominal_concurrency_shares: i32, lendable_percent: i32) -> PriorityLevel {
        let kind = LevelKind::Exempt { nominal_concurrency_shares, lendable_percent };
        PriorityLevel { name: "exempt".to_owned(), kind, is_autoupdated: None, location: ObjectLocation::default() }
    }

    /// The levels of a new cluster.
    fn default_levels() -> Vec<PriorityLevel> {
        DEFAULT.iter().map(|level| limited(*level, None)).chain([exempt(0, 0)]).collect()
    }

    fn of(levels: &[PriorityLevel]) -> Vec<LevelLimits> {
        compute_limits(levels, DEFAULT_SERVER_CONCURRENCY, &Features::for_version(LATEST))
    }

    fn asked(high_watermark: u32) -> Demand {
        Demand { high_watermark, smoothed: f64::from(high_watermark) }
    }

    #[test]
    fn the_default_levels_have_these_limits() {
        let limits = of(&default_levels());
        let idle = compute_idle_limits(&limits).unwrap();
        let rows = limits.iter().zip(&idle.seats).map(|(level, idle)| {
            (level.nominal, level.lendable, level.min, level.max, level.max_seats_per_request, *idle)
        });
        let expected = [
            (74, 24, 50, 674, Some(12), 117),
            (98, 25, 73, 698, Some(15), 170),
            (25, 0, 25, 625, Some(4), 58),
            (98, 49, 49, 698, Some(15), 114),
            (245, 221, 24, 845, Some(37), 56),
            (49, 25, 24, 649, Some(8), 56),
            (13, 0, 13, 613, None, 30),
            (0, 0, 0, 600, None, 0),
        ];
        assert_eq!(rows.collect::<Vec<_>>(), expected);
        assert!((idle.fair_fraction - 602.0 / 258.0).abs() < 1e-9);
    }

    #[test]
    fn a_small_level_borrows_unless_it_may_not_and_shrinks_all_others() {
        let small = ("limit-pod-list", 5, 0, Some(8));
        let mut levels = default_levels();
        levels.push(limited(small, None));
        let limits = of(&levels);
        let nominal: Vec<u32> = limits.iter().map(|level| level.nominal).collect();
        assert_eq!(nominal, [72, 96, 24, 96, 240, 48, 12, 0, 12]);
        let level = limits[8];
        assert_eq!((level.min, level.max, level.max_seats_per_request, level.initial()), (12, 612, Some(1), 12));
        assert_eq!(compute_idle_limits(&limits).unwrap().seats[8], 27);

        levels[8] = limited(small, Some(0));
        let limits = of(&levels);
        assert_eq!((limits[8].min, limits[8].max), (12, 12));
        assert_eq!(compute_idle_limits(&limits).unwrap().seats[8], 12);
    }

    #[test]
    fn a_burst_gets_its_nominal_limit_at_the_next_adjustment_and_what_others_leave() {
        let limits = of(&default_levels());
        let mut demands = [Demand::default(); 8];
        demands[4] = asked(400);
        let current = compute_current_limits(&limits, &demands).unwrap();
        assert!((current.targets[4] - 400.0).abs() < 1e-9);
        // Each other keeps its least, but for the few that a proportion below 1 still leaves above it.
        assert_eq!(current.seats, [50, 73, 25, 49, 368, 24, 13, 0]);
        assert!((current.fair_fraction - 368.0 / 400.0).abs() < 1e-9);
    }

    #[test]
    fn what_the_exempt_level_takes_is_felt_only_when_seats_run_short() {
        let limits = of(&default_levels());
        let seats = |exempt, others| {
            let mut demands = [asked(others); 8];
            demands[7] = asked(exempt);
            let current = compute_current_limits(&limits, &demands).unwrap();
            assert!(exempt == 100 || current.fair_fraction == 0.0);
            current.seats
        };
        assert_eq!(seats(100, 0), [117, 170, 58, 114, 56, 56, 30, 100]);
        assert_eq!(seats(400, 1000), [50, 73, 25, 49, 24, 24, 13, 400]);
        // 2 · 172 of the 344 seats that are lent are missing.
        assert_eq!(seats(172, 1000), [62, 86, 25, 74, 135, 37, 13, 172]);
    }

    #[test]
    fn an_exempt_share_that_nobody_may_borrow_leaves_the_limits_as_they_are() {
        let levels = [limited(("a", 1, 0, None), Some(0)), exempt(1, 0)];
        let limits = of(&levels);
        assert_eq!((limits[0].max, limits[1].min), (300, 300));
        let demands = [Demand::default(), Demand::default()];
        assert_eq!(compute_current_limits(&limits, &demands).unwrap().seats, [300, 300]);
        let lends = of(&[limited(("a", 1, 0, None), Some(0)), exempt(1, 50)]);
        let error = compute_current_limits(&lends, &demands).unwrap_err();
        assert_eq!(error, AllocationError::TooMuch { upper: 300.0, required_sum: 600 });
    }

    #[test]
    fn no_shares_are_no_seats() {
        let levels = [limited(("jail", 0, 0, Some(6)), Some(50)), limited(("rest", 30, 0, None), None)];
        let limits = of(&levels);
        assert_eq!((limits[0].nominal, limits[0].max, limits[0].max_seats_per_request), (0, 0, Some(1)));
        assert_eq!(compute_idle_limits(&limits).unwrap().seats, [0, 600]);
        assert_eq!(of(&levels[..1])[0].nominal, 0);
        assert_eq!(of(&[]), []);
    }

    #[test]
    fn before_1_26_the_nominal_limit_is_the_limit() {
        for (minor, max_seats) in [(24, None), (25, Some(12))] {
            let limits = compute_limits(&default_levels(), 600, &Features::for_version(Version::new(1, minor)));
            assert!(limits.iter().all(|level| level.min == level.nominal && level.max == level.nominal));
            assert_eq!(limits[0].max_seats_per_request, max_seats);
            let current = compute_current_limits(&limits, &[asked(9); 8]).unwrap();
            assert_eq!(current.seats, [74, 98, 25, 98, 245, 49, 13, 0]);
        }
    }

    #[test]
    fn before_1_28_the_exempt_level_takes_no_part() {
        let levels = [limited(("a", 10, 50, None), None), exempt(10, 0)];
        let limits = compute_limits(&levels, 600, &Features::for_version(Version::new(1, 27)));
        assert_eq!((limits[0].nominal, limits[0].min, limits[1].nominal, limits[1].max), (600, 300, 0, 0));
        assert_eq!(compute_current_limits(&limits, &[asked(5), asked(500)]).unwrap().seats, [600, 0]);
    }

    #[test]
    fn demand_rises_at_once_and_falls_slowly() {
        let near = |left: f64, right: f64| (left - right).abs() < 1e-9;
        let burst = DemandStats::starting_at(0).with(0, 5.0).with(8, 5.0).with(11, 0.0);
        assert!(near(burst.average().unwrap(), 4.0) && near(burst.standard_deviation().unwrap(), 4.0));
        let demand = Demand::default().after(&burst);
        assert!(demand.high_watermark == 11 && near(demand.smoothed, 8.0), "{demand:?}");
        let demand = demand.after(&DemandStats::starting_at(3).with(0, 10.0));
        assert!(demand.high_watermark == 3 && near(demand.smoothed, 8.0 * 0.977), "{demand:?}");
        assert_eq!(demand.after(&DemandStats::starting_at(7)), demand);
        assert_eq!(DemandStats::starting_at(0).with(3, 0.1).with(3, 0.2).standard_deviation(), Some(0.0));
    }
}
