//! The random properties of a request: its latency, its response code, and how much of it the policy records.

use super::RecordedStages;
use super::bodies::Body;
use super::call::Call;
use super::cluster::Cluster;
use super::digits::Micros;
use super::timeline::{Level, Request, Stage};

/// Resource versions start here and grow with time, so that they need no state.
const FIRST_VERSION: i64 = 418_203_117;

impl Cluster {
    /// A new request of `client`. The names of its objects are derived from `seed`.
    pub(super) fn new_request(&mut self, client: usize, call: usize, received_at: Micros, seed: u64) -> Request {
        let Call { micros, code, verb, is_long_running, is_cluster_list, .. } = self.calls[call];
        let code = self.draw_code(client, call, code, received_at);
        let latency = self.draw_latency(micros, verb == "list" || is_cluster_list, code);
        let timeout_secs = 300 + self.random.below(300);
        let started_at = received_at + latency;
        let completed_at = if is_long_running && code < 300 {
            self.draw_stream_end(verb, started_at, timeout_secs)
        } else {
            started_at + 40
        };
        let is_slow = self.effects.slowness > 1 && self.random.happens(700);
        Request {
            client,
            call,
            routine: None,
            audit_id: [self.random.bits(), self.random.bits()],
            seed,
            version: self.resource_version(received_at),
            received_at,
            started_at,
            completed_at,
            queued_per_mille: if is_slow { 200 + self.random.below(700) } else { 0 },
            timeout_secs: u32::try_from(timeout_secs).unwrap_or(300),
            page: 0,
            code,
            level: Level::Metadata,
            stage: self.first_stage(code),
            is_seen: false,
        }
    }

    const fn first_stage(&self, code: u16) -> Stage {
        match self.stages {
            _ if code == 401 => Stage::ResponseStarted,
            RecordedStages::All => Stage::RequestReceived,
            RecordedStages::OmitRequestReceived => Stage::ResponseStarted,
        }
    }

    fn draw_code(&mut self, client: usize, call: usize, code: u16, at: Micros) -> u16 {
        let Call { failure, verb, .. } = self.calls[call];
        let is_read = matches!(verb, "list" | "watch");
        let needs_role = !self.clients.get(client).reason.is_empty();
        if at < self.effects.roles_known_at && needs_role && self.random.happens(350) {
            return 403;
        }
        let is_rejected = self.effects.rejected.iter().any(|kind| self.clients.of_kind(*kind).contains(&client));
        if is_read && is_rejected && self.random.happens(120) {
            return 429;
        }
        match self.random.below(100_000) {
            draw if draw < failure.1 * 100 => failure.0,
            99_990.. if verb != "get" => 429,
            99_984..99_990 => 500,
            _ => code,
        }
    }

    /// Latencies are skewed to the right of their median, and 3 in 1,000 take far longer.
    fn draw_latency(&mut self, median: i64, is_list: bool, code: u16) -> Micros {
        const PER_MILLE: [i64; 16] =
            [420, 510, 590, 660, 730, 800, 880, 960, 1_040, 1_130, 1_240, 1_380, 1_570, 1_880, 2_600, 4_800];
        if matches!(code, 401 | 403 | 429) {
            return self.random.between(250, 1_400);
        }
        let spread = median * PER_MILLE[self.random.index(16)] / 1_000;
        let latency = spread + self.random.between(0, spread / 7 + 2);
        let is_outlier = self.random.happens(3);
        let outlier = if is_outlier { latency.min(60_000) * self.random.between(10, 90) } else { 0 };
        let slowness = if is_list { self.effects.slowness } else { (self.effects.slowness + 1) / 2 };
        (latency * slowness + outlier).min(59_000_000)
    }

    /// Most watches last until their timeout; logs and shells end at any time before it.
    fn draw_stream_end(&mut self, verb: &str, started_at: Micros, timeout_secs: u64) -> Micros {
        let limit = started_at + timeout_secs.cast_signed() * 1_000_000;
        match verb {
            "watch" if self.random.happens(940) => limit + self.random.between(0, 400_000),
            _ => self.random.between(started_at + 200_000, limit),
        }
    }

    fn resource_version(&self, at: Micros) -> u64 {
        (FIRST_VERSION + at.rem_euclid(100_000_000_000_000) / 33_000).unsigned_abs()
    }

    /// The level that the policy records. Three of four writes with bodies have both, the rest the request's only.
    pub(super) fn draw_level(&mut self, request: &Request) -> Level {
        let Call { body, verb, .. } = self.calls[request.call];
        if body == Body::None || request.code >= 300 || !self.body_credit.spend() {
            return Level::Metadata;
        }
        let sends = !matches!(verb, "get" | "list" | "delete");
        if sends && self.random.happens(250) { Level::Request } else { Level::RequestResponse }
    }
}

/// Keeps the share of lines with bodies: each line earns a part of a body, each line with bodies costs one.
#[derive(Debug)]
pub(super) struct BodyCredit {
    millionths_per_line: i64,
    millionths: i64,
}

impl BodyCredit {
    pub(super) const fn new(millionths_per_line: i64) -> Self {
        Self { millionths_per_line, millionths: 0 }
    }

    pub(super) const fn earn(&mut self) {
        self.millionths += self.millionths_per_line;
    }

    const fn spend(&mut self) -> bool {
        let has_enough = self.millionths >= 1_000_000;
        if has_enough {
            self.millionths -= 1_000_000;
        }
        has_enough
    }
}
