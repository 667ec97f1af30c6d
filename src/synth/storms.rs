//! The storms. Each follows the pattern of a storm that was recorded on a real server.

use super::SynthStorm;
use super::call::spec;
use super::clients::ClientKind;
use super::cluster::{Cluster, NextCall, Schedule};
use super::digits::Micros;
use super::timeline::{Request, Task};

const SECOND: Micros = 1_000_000;

impl Cluster {
    /// Starts a storm; returns when it ends.
    pub(super) fn start_storm(&mut self, storm: SynthStorm, now: Micros) -> Micros {
        let end = match storm {
            SynthStorm::CalicoRelist => self.calico_relist(now),
            SynthStorm::PythonListLoop => self.python_list_loop(now),
            SynthStorm::OperatorListLoop => self.operator_list_loop(now),
            SynthStorm::ApiserverRestart => self.apiserver_restart(now),
        };
        self.timeline.plan(end, Task::EndStorm);
        end
    }

    pub(super) fn end_storm(&mut self) {
        self.effects.slowness = 1;
        self.effects.rejected.clear();
    }

    /// All agents restart within two seconds, and each lists everything.
    fn calico_relist(&mut self, now: Micros) -> Micros {
        self.effects.slowness = 9;
        self.effects.rejected = vec![ClientKind::Calico];
        for (at, task) in self.timeline.take_all() {
            match task {
                Task::Write(request) if self.is_watch_of(&request, ClientKind::Calico) => {
                    let cut_at = self.random.between(now, now + 2 * SECOND);
                    self.cut_watch(*request, cut_at);
                }
                Task::RunRoutine(routine) if self.routines[routine].kind == ClientKind::Calico => {
                    self.continue_with(routine, NextCall::FullList);
                    self.timeline.plan(at, Task::RunRoutine(routine));
                }
                task => self.timeline.plan(at, task),
            }
        }
        now + 30 * SECOND
    }

    /// Whether a request is one of a storm that is a loop.
    pub(super) fn is_of_loop(&self, request: &Request) -> bool {
        request.routine.is_some_and(|routine| match self.routines[routine].schedule {
            Schedule::Every { until, .. } => until < Micros::MAX,
            Schedule::BackToBack { .. } => true,
            Schedule::Watch(_) => false,
        })
    }

    fn is_watch_of(&self, request: &Request, kind: ClientKind) -> bool {
        let is_watch = self.calls[request.call].verb == "watch";
        is_watch && request.routine.is_some_and(|routine| self.routines[routine].kind == kind)
    }

    /// The client closes the connection of a watch.
    fn cut_watch(&mut self, mut request: Request, at: Micros) {
        request.completed_at = at.max(request.started_at + 1);
        if let Some(routine) = request.routine {
            self.continue_with(routine, NextCall::FullList);
        }
        self.plan_line(request);
    }

    fn continue_with(&mut self, routine: usize, next: NextCall) {
        if let Schedule::Watch(watch_loop) = &mut self.routines[routine].schedule {
            watch_loop.next = next;
        }
    }

    /// Forty pods of one service account list all pods back to back.
    fn python_list_loop(&mut self, now: Micros) -> Micros {
        let end = now + 180 * SECOND;
        self.effects.slowness = 8;
        self.effects.rejected = vec![ClientKind::PythonFleet];
        let call = self.add_list_of_all_pods();
        for client in self.clients.of_kind(ClientKind::PythonFleet) {
            let at = self.random.between(now, now + 6 * SECOND);
            self.add_routine(ClientKind::PythonFleet, client, Schedule::BackToBack { call, until: end }, at);
        }
        end
    }

    /// Five workers of an operator list all pods every second.
    fn operator_list_loop(&mut self, now: Micros) -> Micros {
        let end = now + 120 * SECOND;
        self.effects.slowness = 3;
        let call = self.add_list_of_all_pods();
        let client = self.draw_client(ClientKind::AcmeOperator);
        for _ in 0..5 {
            let at = self.random.between(now, now + SECOND);
            let schedule = Schedule::Every { call, period: SECOND, until: end };
            self.add_routine(ClientKind::AcmeOperator, client, schedule, at);
        }
        end
    }

    fn add_list_of_all_pods(&mut self) -> usize {
        self.add_call(&spec("list", "/api/v1/pods", 900_000))
    }

    /// The server is killed: requests in flight never complete, nothing is written for about ten seconds, and then all
    /// clients reconnect at once.
    fn apiserver_restart(&mut self, now: Micros) -> Micros {
        let up_at = self.random.between(now + 8 * SECOND, now + 12 * SECOND);
        self.effects.roles_known_at = up_at + 3 * SECOND;
        self.effects.slowness = 6;
        self.effects.rejected = vec![ClientKind::Calico, ClientKind::KubeProxy];
        for (_, task) in self.timeline.take_all() {
            match task {
                Task::Write(request) => {
                    // The next run of a periodic routine is planned besides its last request.
                    let awaits = |routine: &usize| !matches!(self.routines[*routine].schedule, Schedule::Every { .. });
                    if let Some(routine) = request.routine.filter(awaits) {
                        self.reconnect(routine, up_at);
                    }
                }
                Task::RunRoutine(routine) => self.reconnect(routine, up_at),
                Task::SendAdHoc => self.timeline.plan(up_at + 2 * SECOND, Task::SendAdHoc),
                Task::SendOnce(..) | Task::EndStorm => {}
            }
        }
        self.plan_startup_requests(up_at);
        up_at + 25 * SECOND
    }

    /// Each client backs off for a random time. For some, the last resource version is gone from the watch cache.
    fn reconnect(&mut self, routine: usize, up_at: Micros) {
        let schedule = &mut self.routines[routine].schedule;
        let window = match schedule {
            Schedule::Every { period, .. } => *period,
            Schedule::BackToBack { .. } => 2 * SECOND,
            Schedule::Watch(_) => 9 * SECOND,
        };
        let is_too_old = self.random.happens(400);
        if let Schedule::Watch(watch_loop) = schedule {
            watch_loop.next = match watch_loop.watch_list {
                Some(_) => NextCall::WatchList,
                None if is_too_old => NextCall::Relist,
                None => NextCall::Watch,
            };
        }
        let at = self.random.between(up_at, up_at + window);
        self.timeline.plan(at, Task::RunRoutine(routine));
    }

    /// The server's own requests come before all others.
    fn plan_startup_requests(&mut self, up_at: Micros) {
        let client = self.draw_client(ClientKind::Apiserver);
        let calls: Vec<usize> = [
            spec("get", "/readyz", 900).answers(500),
            spec("get", "/api/v1/namespaces/kube-system", 1_500),
            spec("get", "/apis/rbac.authorization.k8s.io/v1/clusterroles/cluster-admin", 1_200),
            spec("get", "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas/system-nodes", 1_200),
            spec("list", "/api/v1/namespaces?limit=500&resourceVersion=0", 9_000),
            spec("list", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions?limit=500&resourceVersion=0", 30_000),
            spec(
                "list",
                "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies?limit=500&resourceVersion=0",
                6_000,
            ),
        ]
        .iter()
        .map(|spec| self.add_call(spec))
        .collect();
        for index in 0..140 {
            let call = calls[index % calls.len()];
            let at = self.random.between(up_at, up_at + 3 * SECOND);
            self.timeline.plan(at, Task::SendOnce(client, call));
        }
    }
}
