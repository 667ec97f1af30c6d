//! Storms: what makes an hour worth looking at. Each is the pattern that the laboratory's servers were put under.

use super::clients::Who;
use super::cluster::{Cluster, Next, Pace};
use super::digits::Micros;
use super::timeline::{Request, Task};
use super::{Storm, call::spec};

const SECOND: Micros = 1_000_000;

impl Cluster {
    /// Lets a storm begin; returns when it is over.
    pub(super) fn storm(&mut self, storm: Storm, now: Micros) -> Micros {
        let end = match storm {
            Storm::CalicoRelist => self.calico_relist(now),
            Storm::PythonListLoop => self.python_list_loop(now),
            Storm::OperatorListLoop => self.operator_list_loop(now),
            Storm::ApiserverRestart => self.apiserver_restart(now),
        };
        self.timeline.plan(end, Task::Calm);
        end
    }

    /// The storm is over.
    pub(super) fn calm(&mut self) {
        self.state.slowness = 1;
        self.state.refused.clear();
    }

    /// All agents are restarted within two seconds, and each asks for everything.
    fn calico_relist(&mut self, now: Micros) -> Micros {
        self.state.slowness = 9;
        self.state.refused = vec![Who::Calico];
        for (at, task) in self.timeline.take() {
            match task {
                Task::Write(request) if self.is_watch_of(&request, Who::Calico) => {
                    let cut_at = self.random.between(now, now + 2 * SECOND);
                    self.cut(*request, cut_at);
                }
                Task::Turn(routine) if self.routines[routine].who == Who::Calico => {
                    self.go_on_with(routine, Next::FullList);
                    self.timeline.plan(at, Task::Turn(routine));
                }
                task => self.timeline.plan(at, task),
            }
        }
        now + 30 * SECOND
    }

    fn is_watch_of(&self, request: &Request, who: Who) -> bool {
        let is_watch = self.calls[request.call].verb == "watch";
        is_watch && request.routine.is_some_and(|routine| self.routines[routine].who == who)
    }

    /// The client goes away in the middle of a watch.
    fn cut(&mut self, mut request: Request, at: Micros) {
        request.completed_at = at.max(request.started_at + 1);
        if let Some(routine) = request.routine {
            self.go_on_with(routine, Next::FullList);
        }
        self.plan_line(request);
    }

    fn go_on_with(&mut self, routine: usize, next: Next) {
        if let Pace::Stream(watching) = &mut self.routines[routine].pace {
            watching.next = next;
        }
    }

    /// Forty pods of one service account list all pods, and again as soon as they have them.
    fn python_list_loop(&mut self, now: Micros) -> Micros {
        let end = now + 180 * SECOND;
        self.state.slowness = 8;
        self.state.refused = vec![Who::PythonFleet];
        let call = self.add_list_of_all_pods();
        for client in self.clients.of(Who::PythonFleet) {
            let at = self.random.between(now, now + 6 * SECOND);
            self.add_routine(Who::PythonFleet, client, Pace::BackToBack(call, end), at);
        }
        end
    }

    /// Five workers of an operator list all pods each second.
    fn operator_list_loop(&mut self, now: Micros) -> Micros {
        let end = now + 120 * SECOND;
        self.state.slowness = 3;
        let call = self.add_list_of_all_pods();
        let client = self.draw_client(Who::AcmeOperator);
        for _ in 0..5 {
            let at = self.random.between(now, now + SECOND);
            self.add_routine(Who::AcmeOperator, client, Pace::Every(call, SECOND, end), at);
        }
        end
    }

    fn add_list_of_all_pods(&mut self) -> usize {
        self.calls.push(super::call::Call::new(&spec("list", "/api/v1/pods", 900_000)));
        self.calls.len() - 1
    }

    /// The server is killed: what is in flight is never completed, nothing is written for some seconds, and then everybody
    /// comes back at once.
    fn apiserver_restart(&mut self, now: Micros) -> Micros {
        let up_at = self.random.between(now + 8 * SECOND, now + 12 * SECOND);
        self.state.roles_known_at = up_at + 3 * SECOND;
        self.state.slowness = 6;
        self.state.refused = vec![Who::Calico, Who::KubeProxy];
        for (_, task) in self.timeline.take() {
            match task {
                Task::Write(request) => {
                    // A habit's next turn is on the timeline beside its last request.
                    let waits = |routine: &usize| !matches!(self.routines[*routine].pace, Pace::Every(..));
                    if let Some(routine) = request.routine.filter(waits) {
                        self.reconnect(routine, up_at);
                    }
                }
                Task::Turn(routine) => self.reconnect(routine, up_at),
                Task::Ask => self.timeline.plan(up_at + 2 * SECOND, Task::Ask),
                Task::Once(..) | Task::Calm => {}
            }
        }
        self.start_up(up_at);
        up_at + 25 * SECOND
    }

    /// Clients back off, each for its own time; some of them have lost their place in the history.
    fn reconnect(&mut self, routine: usize, up_at: Micros) {
        let pace = &mut self.routines[routine].pace;
        let window = match pace {
            Pace::Every(_, period, _) => *period,
            Pace::BackToBack(..) => 2 * SECOND,
            Pace::Stream(_) => 9 * SECOND,
        };
        let has_lost_its_place = self.random.happens(400);
        if let Pace::Stream(watching) = pace {
            watching.next = match watching.watch_list {
                Some(_) => Next::WatchList,
                None if has_lost_its_place => Next::Relist,
                None => Next::Watch,
            };
        }
        let at = self.random.between(up_at, up_at + window);
        self.timeline.plan(at, Task::Turn(routine));
    }

    /// The server's own requests, before anybody else's.
    fn start_up(&mut self, up_at: Micros) {
        let client = self.draw_client(Who::Apiserver);
        let own: Vec<usize> = [
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
        .map(|spec| {
            self.calls.push(super::call::Call::new(spec));
            self.calls.len() - 1
        })
        .collect();
        for turn in 0..140 {
            let call = own[turn % own.len()];
            let at = self.random.between(up_at, up_at + 3 * SECOND);
            self.timeline.plan(at, Task::Once(client, call));
        }
    }
}
