//! Request and response objects. They contain keys that events have too, escaped quotes and JSON within strings, as real
//! ones do, so that a reader that skips them incorrectly fails.

use super::digits::push_number;
use super::template::{Template, TemplateValues};
use crate::units::mix;

/// Which objects a request and its response carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    None,
    Pod,
    PodStatus,
    PodList,
    NodeStatus,
    Event,
    Deployment,
    ConfigMap,
    Application,
}

/// All objects, parsed.
#[derive(Debug)]
pub(super) struct Bodies {
    pod: Template,
    pod_item: Template,
    pod_status: Template,
    node_status: Template,
    node: Template,
    event: Template,
    deployment: Template,
    config_map: Template,
    application_patch: Template,
    application: Template,
    delete_options: Template,
}

impl Bodies {
    pub(super) fn new() -> Self {
        let pod = POD.replace("«spec»", POD_SPEC).replace("«fields»", POD_FIELDS);
        Self {
            pod_item: Template::new(&pod.replacen(r#""kind":"Pod","apiVersion":"v1","#, "", 1)),
            pod: Template::new(&pod),
            pod_status: Template::new(POD_STATUS),
            node_status: Template::new(&NODE_STATUS.replace("«images»", &images())),
            node: Template::new(&NODE.replace("«images»", &images())),
            event: Template::new(EVENT),
            deployment: Template::new(&DEPLOYMENT.replace("«spec»", POD_SPEC).replace("«fields»", POD_FIELDS)),
            config_map: Template::new(CONFIG_MAP),
            application_patch: Template::new(APPLICATION_PATCH),
            application: Template::new(APPLICATION),
            delete_options: Template::new(
                r#"{"kind":"DeleteOptions","apiVersion":"v1","gracePeriodSeconds":0,"preconditions":{"uid":"«uuid»"}}"#,
            ),
        }
    }

    /// Appends `"requestObject":{…},`, unless the verb has none.
    pub(super) fn push_request(&self, body: Body, verb: &str, values: &TemplateValues<'_>, out: &mut Vec<u8>) {
        let template = match (verb, body) {
            ("get" | "list" | "watch", _) | (_, Body::None | Body::PodList) => return,
            ("delete", _) => &self.delete_options,
            (_, Body::Pod) => &self.pod,
            (_, Body::PodStatus) => &self.pod_status,
            (_, Body::NodeStatus) => &self.node_status,
            (_, Body::Event) => &self.event,
            (_, Body::Deployment) => &self.deployment,
            (_, Body::ConfigMap) => &self.config_map,
            (_, Body::Application) => &self.application_patch,
        };
        out.extend_from_slice(br#""requestObject":"#);
        template.fill(values, out);
        out.push(b',');
    }

    /// Appends `"responseObject":{…},`.
    pub(super) fn push_response(&self, body: Body, values: &TemplateValues<'_>, out: &mut Vec<u8>) {
        let template = match body {
            Body::None => return,
            Body::Pod | Body::PodStatus => &self.pod,
            Body::PodList => return self.push_pod_list(values, out),
            Body::NodeStatus => &self.node,
            Body::Event => &self.event,
            Body::Deployment => &self.deployment,
            Body::ConfigMap => &self.config_map,
            Body::Application => &self.application,
        };
        out.extend_from_slice(br#""responseObject":"#);
        template.fill(values, out);
        out.push(b',');
    }

    /// A list of up to twelve pods.
    fn push_pod_list(&self, values: &TemplateValues<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(
            br#""responseObject":{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":""#,
        );
        push_number(values.version, out);
        out.extend_from_slice(br#""},"items":["#);
        for index in 0..=mix(values.seed) % 12 {
            if index > 0 {
                out.push(b',');
            }
            let seed = mix(values.seed ^ index);
            self.pod_item.fill(&TemplateValues { seed, ..*values }, out);
        }
        out.extend_from_slice(b"]},");
    }
}

/// `images` of a node, which make most of its status.
fn images() -> String {
    let images: Vec<String> = (0..24)
        .map(|at| format!(r#"{{"names":["registry.example.com/platform/image-{at:02}@sha256:{:016x}{:016x}{:016x}{:016x}","registry.example.com/platform/image-{at:02}:2.{at}.1"],"sizeBytes":{}}}"#,
            mix(at), mix(at + 100), mix(at + 200), mix(at + 300), 18_000_000 + at * 7_654_321))
        .collect();
    images.join(",")
}

const POD: &str = r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"«pod»","generateName":"«app»-","namespace":"«ns»","uid":"«uuid»",
    "resourceVersion":"«rv»","creationTimestamp":"«second»Z","labels":{"app":"«app»","app.kubernetes.io/instance":"«app»",
    "app.kubernetes.io/managed-by":"Helm","pod-template-hash":"7db6d8ff4d","tier":"backend"},"annotations":{"checksum/config":"«filler»",
    "example.com/last-reviewed":"2025-11-04T09:12:44Z","prometheus.io/port":"8080","prometheus.io/scrape":"true",
    "sidecar.istio.io/status":"{\"initContainers\":[\"istio-init\"],\"containers\":[\"istio-proxy\"],\"volumes\":[\"workload-socket\",\"istio-envoy\"],\"revision\":\"default\"}"},
    "ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"«app»-7db6d8ff4d","uid":"«uuid»","controller":true,"blockOwnerDeletion":true}],
    "managedFields":[{"manager":"kube-controller-manager","operation":"Update","apiVersion":"v1","time":"«second»Z","fieldsType":"FieldsV1","fieldsV1":«fields»},
    {"manager":"kubelet","operation":"Update","apiVersion":"v1","time":"«second»Z","fieldsType":"FieldsV1","fieldsV1":{"f:status":{"f:conditions":{"k:{\"type\":\"ContainersReady\"}":{".":{},"f:lastProbeTime":{},"f:lastTransitionTime":{},"f:status":{},"f:type":{}},"k:{\"type\":\"Ready\"}":{".":{},"f:lastProbeTime":{},"f:lastTransitionTime":{},"f:status":{},"f:type":{}}},"f:containerStatuses":{},"f:hostIP":{},"f:phase":{},"f:podIP":{},"f:startTime":{}}},"subresource":"status"}]},
    "spec":«spec»,"status":{"phase":"Running","conditions":[{"type":"Initialized","status":"True","lastProbeTime":null,"lastTransitionTime":"«second»Z"},
    {"type":"Ready","status":"True","lastProbeTime":null,"lastTransitionTime":"«second»Z"},{"type":"PodScheduled","status":"True","lastProbeTime":null,"lastTransitionTime":"«second»Z"}],
    "hostIP":"10.20.16.31","podIP":"10.244.7.93","podIPs":[{"ip":"10.244.7.93"}],"startTime":"«second»Z","containerStatuses":[{"name":"app","state":{"running":{"startedAt":"«second»Z"}},"lastState":{},"ready":true,"restartCount":0,
    "image":"registry.example.com/team/«app»:4.17.2","imageID":"registry.example.com/team/«app»@sha256:6c0e4a9ddc2b4d9c0e4a9ddc2b4d9c0e4a9ddc2b4d9c0e4a9ddc2b4d9c0e4a9d","containerID":"containerd://6c0e4a9ddc2b4d9c0e4a9ddc2b4d9c0e4a9ddc2b4d9c0e4a9ddc2b4d9c0e4a9d","started":true}],"qosClass":"Burstable"}}"#;

const POD_SPEC: &str = r#"{"volumes":[{"name":"config","configMap":{"name":"«app»-config","defaultMode":420}},
    {"name":"kube-api-access","projected":{"sources":[{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},{"configMap":{"name":"kube-root-ca.crt","items":[{"key":"ca.crt","path":"ca.crt"}]}}],"defaultMode":420}}],
    "containers":[{"name":"app","image":"registry.example.com/team/«app»:4.17.2","command":["/bin/sh","-c","exec /app/server --listen :8080 \u0026\u0026 echo \"stopped\" \u003e /dev/termination-log"],"ports":[{"name":"http","containerPort":8080,"protocol":"TCP"}],
    "env":[{"name":"LOG_LEVEL","value":"info"},{"name":"DATABASE_URL","value":"postgres://«app»@db.«ns».svc:5432/app?sslmode=require\u0026pool=20"},{"name":"POD_NAME","valueFrom":{"fieldRef":{"apiVersion":"v1","fieldPath":"metadata.name"}}},{"name":"API_KEY","valueFrom":{"secretKeyRef":{"name":"«app»-keys","key":"api-key"}}}],
    "resources":{"limits":{"memory":"512Mi"},"requests":{"cpu":"100m","memory":"256Mi"}},"volumeMounts":[{"name":"config","mountPath":"/etc/app"},{"name":"kube-api-access","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}],
    "livenessProbe":{"httpGet":{"path":"/healthz","port":"http","scheme":"HTTP"},"timeoutSeconds":1,"periodSeconds":10,"successThreshold":1,"failureThreshold":3},"readinessProbe":{"httpGet":{"path":"/ready","port":"http","scheme":"HTTP"},"timeoutSeconds":1,"periodSeconds":5,"successThreshold":1,"failureThreshold":3},
    "terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent","securityContext":{"capabilities":{"drop":["ALL"]},"runAsNonRoot":true}}],
    "restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","serviceAccountName":"«app»","serviceAccount":"«app»","nodeName":"«node»","securityContext":{"fsGroup":1000},"schedulerName":"default-scheduler",
    "tolerations":[{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":300},{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}],"priority":0,"enableServiceLinks":true,"preemptionPolicy":"PreemptLowerPriority"}"#;

const POD_FIELDS: &str = r#"{"f:metadata":{"f:annotations":{".":{},"f:checksum/config":{},"f:prometheus.io/port":{},"f:prometheus.io/scrape":{}},"f:generateName":{},"f:labels":{".":{},"f:app":{},"f:pod-template-hash":{},"f:tier":{}},"f:ownerReferences":{".":{},"k:{\"uid\":\"«uuid»\"}":{}}},
    "f:spec":{"f:containers":{"k:{\"name\":\"app\"}":{".":{},"f:command":{},"f:env":{".":{},"k:{\"name\":\"API_KEY\"}":{".":{},"f:name":{},"f:valueFrom":{".":{},"f:secretKeyRef":{}}},"k:{\"name\":\"DATABASE_URL\"}":{".":{},"f:name":{},"f:value":{}}},"f:image":{},"f:imagePullPolicy":{},"f:livenessProbe":{".":{},"f:failureThreshold":{},"f:httpGet":{".":{},"f:path":{},"f:port":{},"f:scheme":{}},"f:periodSeconds":{}},"f:name":{},"f:ports":{".":{},"k:{\"containerPort\":8080,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{},"f:name":{},"f:protocol":{}}},"f:resources":{".":{},"f:limits":{".":{},"f:memory":{}},"f:requests":{".":{},"f:cpu":{},"f:memory":{}}},"f:volumeMounts":{".":{},"k:{\"mountPath\":\"/etc/app\"}":{".":{},"f:mountPath":{},"f:name":{}}}}},
    "f:dnsPolicy":{},"f:enableServiceLinks":{},"f:restartPolicy":{},"f:schedulerName":{},"f:securityContext":{".":{},"f:fsGroup":{}},"f:serviceAccount":{},"f:terminationGracePeriodSeconds":{},"f:tolerations":{},"f:volumes":{".":{},"k:{\"name\":\"config\"}":{".":{},"f:configMap":{".":{},"f:defaultMode":{},"f:name":{}},"f:name":{}}}}}"#;

const POD_STATUS: &str = r#"{"metadata":{"uid":"«uuid»"},"status":{"$setElementOrder/conditions":[{"type":"PodReadyToStartContainers"},{"type":"Initialized"},{"type":"Ready"},{"type":"ContainersReady"},{"type":"PodScheduled"}],
    "conditions":[{"lastTransitionTime":"«second»Z","message":null,"reason":null,"status":"True","type":"Ready"},{"lastTransitionTime":"«second»Z","message":null,"reason":null,"status":"True","type":"ContainersReady"}],
    "containerStatuses":[{"containerID":"containerd://6c0e4a9ddc2b4d9c0e4a9ddc2b4d9c0e4a9ddc2b4d9c0e4a9ddc2b4d9c0e4a9d","image":"registry.example.com/team/«app»:4.17.2","lastState":{},"name":"app","ready":true,"restartCount":0,"started":true,"state":{"running":{"startedAt":"«second»Z"}}}],"podIP":"10.244.7.93","podIPs":[{"ip":"10.244.7.93"}]}}"#;

const NODE_STATUS: &str = r#"{"status":{"$setElementOrder/conditions":[{"type":"MemoryPressure"},{"type":"DiskPressure"},{"type":"PIDPressure"},{"type":"Ready"}],
    "conditions":[{"lastHeartbeatTime":"«second»Z","type":"MemoryPressure"},{"lastHeartbeatTime":"«second»Z","type":"DiskPressure"},{"lastHeartbeatTime":"«second»Z","type":"PIDPressure"},{"lastHeartbeatTime":"«second»Z","type":"Ready"}],"images":[«images»]}}"#;

const NODE: &str = r#"{"kind":"Node","apiVersion":"v1","metadata":{"name":"«node»","uid":"«uuid»","resourceVersion":"«rv»","creationTimestamp":"2025-09-30T06:41:17Z","labels":{"beta.kubernetes.io/arch":"amd64","kubernetes.io/hostname":"«node»","node.kubernetes.io/instance-type":"m6i.4xlarge","topology.kubernetes.io/zone":"eu-central-1b"},
    "annotations":{"csi.volume.kubernetes.io/nodeid":"{\"ebs.csi.aws.com\":\"i-0c4f4d9e8b7a6c5d4\"}","volumes.kubernetes.io/controller-managed-attach-detach":"true"}},"spec":{"podCIDR":"10.244.7.0/24","podCIDRs":["10.244.7.0/24"],"providerID":"aws:///eu-central-1b/i-0c4f4d9e8b7a6c5d4"},
    "status":{"capacity":{"cpu":"16","ephemeral-storage":"104845292Ki","memory":"64587360Ki","pods":"110"},"allocatable":{"cpu":"15890m","ephemeral-storage":"95551679124","memory":"61545056Ki","pods":"110"},
    "conditions":[{"type":"MemoryPressure","status":"False","lastHeartbeatTime":"«second»Z","lastTransitionTime":"2025-09-30T06:41:15Z","reason":"KubeletHasSufficientMemory","message":"kubelet has sufficient memory available"},{"type":"Ready","status":"True","lastHeartbeatTime":"«second»Z","lastTransitionTime":"2025-09-30T06:41:37Z","reason":"KubeletReady","message":"kubelet is posting ready status"}],
    "addresses":[{"type":"InternalIP","address":"10.20.16.31"},{"type":"Hostname","address":"«node»"}],"daemonEndpoints":{"kubeletEndpoint":{"Port":10250}},"nodeInfo":{"machineID":"ec2f9a6b0c1d4e5f","systemUUID":"«uuid»","bootID":"«uuid»","kernelVersion":"6.1.141-155.222.amzn2023.x86_64","osImage":"Amazon Linux 2023.8","containerRuntimeVersion":"containerd://1.7.27","kubeletVersion":"v1.33.4","kubeProxyVersion":"v1.33.4","operatingSystem":"linux","architecture":"amd64"},"images":[«images»]}}"#;

const EVENT: &str = r#"{"kind":"Event","apiVersion":"v1","metadata":{"name":"«pod».«event»","namespace":"«ns»","uid":"«uuid»","resourceVersion":"«rv»","creationTimestamp":"«second»Z"},"involvedObject":{"kind":"Pod","namespace":"«ns»","name":"«pod»","uid":"«uuid»","apiVersion":"v1","resourceVersion":"«rv»","fieldPath":"spec.containers{app}"},
    "reason":"Unhealthy","message":"Readiness probe failed: Get \"http://10.244.7.93:8080/ready\": dial tcp 10.244.7.93:8080: connect: connection refused","source":{"component":"kubelet","host":"«node»"},"firstTimestamp":"«second»Z","lastTimestamp":"«second»Z","count":1,"type":"Warning","eventTime":null,"reportingComponent":"kubelet","reportingInstance":"«node»"}"#;

const DEPLOYMENT: &str = r#"{"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"«app»","namespace":"«ns»","uid":"«uuid»","resourceVersion":"«rv»","generation":37,"creationTimestamp":"2025-03-11T13:20:05Z","labels":{"app":"«app»","app.kubernetes.io/managed-by":"Helm"},"annotations":{"deployment.kubernetes.io/revision":"37","meta.helm.sh/release-name":"«app»","meta.helm.sh/release-namespace":"«ns»"},
    "managedFields":[{"manager":"argocd-controller","operation":"Apply","apiVersion":"apps/v1","time":"«second»Z","fieldsType":"FieldsV1","fieldsV1":«fields»}]},"spec":{"replicas":6,"selector":{"matchLabels":{"app":"«app»"}},"template":{"metadata":{"creationTimestamp":null,"labels":{"app":"«app»","tier":"backend"},"annotations":{"checksum/config":"«filler»"}},"spec":«spec»},
    "strategy":{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":"25%","maxSurge":"25%"}},"revisionHistoryLimit":10,"progressDeadlineSeconds":600},"status":{"observedGeneration":37,"replicas":6,"updatedReplicas":6,"readyReplicas":6,"availableReplicas":6,"conditions":[{"type":"Available","status":"True","lastUpdateTime":"«second»Z","lastTransitionTime":"2025-03-11T13:20:41Z","reason":"MinimumReplicasAvailable","message":"Deployment has minimum availability."}]}}"#;

const CONFIG_MAP: &str = r#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"«app»-config","namespace":"«ns»","uid":"«uuid»","resourceVersion":"«rv»","creationTimestamp":"2025-03-11T13:20:05Z"},"data":{"audit-sample.json":"{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"level\":\"Metadata\",\"stage\":\"ResponseComplete\",\"requestURI\":\"/api/v1/pods?limit=500\\u0026continue=x\",\"verb\":\"list\",\"user\":{\"username\":\"nobody\"},\"userAgent\":\"not-a-client/1.0\"}\n",
    "application.yaml":"server:\n  port: 8080\n  motd: \"Grüße aus Köln — 日本語も\"\nfeatures:\n  - name: fast-path\n    enabled: true\n  - name: \"a\\tb\"\n    expression: 'x \u003c 10 \u0026\u0026 y \u003e= 3'\nkeys:\n  first: «filler»«filler»«filler»\n  second: «filler»«filler»«filler»\n","nginx.conf":"http {\n  map $http_upgrade $connection_upgrade {\n    default upgrade;\n    '' close;\n  }\n  log_format json '{\"time\":\"$time_iso8601\",\"uri\":\"$request_uri\"}';\n}\n"}}"#;

const APPLICATION_PATCH: &str = r#"{"status":{"reconciledAt":"«second»Z","sync":{"comparedTo":{"source":{"helm":{"valueFiles":["values-prod.yaml"]},"path":"charts/«app»","repoURL":"https://git.example.com/platform/deploy.git","targetRevision":"main"}},"revision":"0c4f4d9e8b7a6c5d4e3f2a1b0c9d8e7f6a5b4c3d","status":"Synced"}}}"#;

const APPLICATION: &str = r#"{"apiVersion":"argoproj.io/v1alpha1","kind":"Application","metadata":{"annotations":{"argocd.argoproj.io/refresh":"normal","notified.notifications.argoproj.io":"{\"0c4f4d9e:on-deployed:[0].y7b5sbwa2Q329JYH755peeq-fBs:slack:deploys\":1735689600}"},"creationTimestamp":"2025-03-11T13:20:05Z","generation":50417,"name":"«app»","namespace":"argocd","resourceVersion":"«rv»","uid":"«uuid»"},
    "spec":{"destination":{"namespace":"«ns»","server":"https://kubernetes.default.svc"},"project":"default","source":{"helm":{"valueFiles":["values-prod.yaml"]},"path":"charts/«app»","repoURL":"https://git.example.com/platform/deploy.git","targetRevision":"main"},"syncPolicy":{"automated":{"prune":true,"selfHeal":true},"syncOptions":["CreateNamespace=true","ServerSideApply=true"]}},
    "status":{"health":{"status":"Healthy"},"history":[{"deployedAt":"«second»Z","id":36,"revision":"0c4f4d9e8b7a6c5d4e3f2a1b0c9d8e7f6a5b4c3d","source":{"path":"charts/«app»","repoURL":"https://git.example.com/platform/deploy.git"}}],"reconciledAt":"«second»Z","resources":[{"kind":"ConfigMap","name":"«app»-config","namespace":"«ns»","status":"Synced","version":"v1"},{"kind":"Service","name":"«app»","namespace":"«ns»","status":"Synced","version":"v1","health":{"status":"Healthy"}},{"group":"apps","kind":"Deployment","name":"«app»","namespace":"«ns»","status":"Synced","version":"v1","health":{"status":"Healthy"}}],"summary":{"images":["registry.example.com/team/«app»:4.17.2"]},"sync":{"revision":"0c4f4d9e8b7a6c5d4e3f2a1b0c9d8e7f6a5b4c3d","status":"Synced"}}}"#;
