import type { CommandOrigin, KnownIssue } from './known-issue.ts';

const CLIENTS: readonly CommandOrigin[] = ['kubectl', 'istioctl'];

/**
 * Messages of kubectl and istioctl. Order matters: istioctl reports "configmap … was not found" and "failed to wait for
 * resource" for any error of the API server, so only the end of the sentence distinguishes an absent object from an API
 * server that does not answer (docs/facts/real-mesh.md 6.4).
 */
export const KUBERNETES_ISSUES: readonly KnownIssue[] = [
  {
    // Before the API server's own errors: the text may contain the same words about the webhook's pod.
    id: 'kubernetes-webhook',
    origin: CLIENTS,
    pattern: /failed calling webhook/i,
    transient: true,
    reason: 'tool-failed',
    sentence: "The API server could not call one of istiod's webhooks.",
    hint: 'istiod is not up, or an old revision left its webhook: `istio-vms status` shows which.',
    source: 'docs/facts/istio-vm.md 2.5',
  },
  {
    // Its details may contain a registry's "connection refused" or x509 error. An API server that became unreachable
    // during the wait is recognized by the URL of the request.
    id: 'istio-not-ready',
    origin: 'istioctl',
    pattern:
      /(?:failed to wait for resource|resources not ready after|timed out waiting for the condition)(?![\s\S]*"https?:\/\/[^"\s/]+\/(?:apis?|version|openapi)\b)/i,
    reason: 'timed-out',
    sentence: 'What istioctl installed did not become ready in time.',
    hint: 'Look at the pods of the control plane: images may still be pulling, or a node is down or too small (MEM_WORKER).',
    source: 'docs/facts/istio-vm.md 2.2, docs/facts/real-mesh.md 6.14',
  },
  {
    id: 'kubernetes-certificate-time',
    origin: CLIENTS,
    pattern: /x509: certificate has expired or is not yet valid/i,
    reason: 'api-unreachable',
    sentence: "The Kubernetes API server's certificate has expired or is not yet valid.",
    hint: 'Compare the clocks of this computer and of the server machine; then restart k3s there (`sudo systemctl restart k3s`): it renews its certificates.',
    source: 'docs/facts/k3s.md 3, 11',
  },
  {
    id: 'kubernetes-x509',
    origin: CLIENTS,
    // Any x509 error: macOS uses its own wording, `x509: “k3s” certificate is not trusted`.
    pattern: /certificate signed by unknown authority|tls: failed to verify certificate|x509: /i,
    reason: 'api-unreachable',
    sentence: 'The kubeconfig does not belong to the cluster that answers.',
    hint: 'Run `istio-vms k3s`: it fetches the kubeconfig again.',
    source: 'docs/facts/k3s.md 7, docs/facts/real-mesh.md 6.4',
  },
  {
    id: 'kubernetes-unauthorized',
    origin: CLIENTS,
    pattern:
      /must be logged in to the server|\bUnauthorized\b|the server has asked for the client to provide credentials|remote error: tls: (?:(?:bad|unsupported|revoked|expired|unknown) certificate|certificate required|access denied)/i,
    reason: 'api-unreachable',
    sentence: 'The cluster does not accept the credentials in the kubeconfig.',
    hint: 'Run `istio-vms k3s`: it fetches the kubeconfig again.',
    source: 'docs/facts/k3s.md 12, docs/facts/real-mesh.md 6.4',
  },
  {
    id: 'kubernetes-forbidden',
    origin: CLIENTS,
    pattern: /is forbidden: User "[^"]*" cannot/i,
    reason: 'permission-denied',
    sentence: 'The user of the kubeconfig may not do this in the cluster.',
    hint: "Run `istio-vms k3s`: it fetches the administrator's kubeconfig again.",
    source: 'Kubernetes: RBAC authorizer',
  },
  {
    id: 'kubernetes-context',
    origin: CLIENTS,
    pattern:
      /context "[^"]*" does not exist|context was not found|(?:error|client): stat \S+: no such file or directory/i,
    reason: 'api-unreachable',
    sentence: 'The kubeconfig does not exist or lacks the context of this lab.',
    hint: 'Run `istio-vms k3s`: it writes the kubeconfig.',
    source: 'docs/facts/k3s.md 12, docs/facts/real-mesh.md 6.4',
  },
  {
    id: 'kubernetes-unreachable',
    origin: CLIENTS,
    pattern:
      /The connection to the server \S+ was refused|Unable to connect to the server|(?:dial|read|write) tcp\b|TLS handshake timeout|Client\.Timeout|connection reset by peer|: (?:unexpected )?EOF\b|http2: (?:client connection|server sent GOAWAY)|"https?:\/\/[^"]+": context deadline exceeded|client rate limiter Wait returned an error|error when reading response body/i,
    transient: true,
    reason: 'api-unreachable',
    sentence: 'The Kubernetes API does not answer.',
    hint: 'Check whether the server machine runs (`istio-vms status`), then run `istio-vms k3s`: it starts it and writes a fresh kubeconfig.',
    source: 'docs/facts/k3s.md 3, 7, docs/facts/real-mesh.md 6.4',
  },
  {
    id: 'kubernetes-busy',
    origin: CLIENTS,
    pattern:
      /etcdserver: |the server is currently unable to handle the request|unable to return a response in the time allotted|\bToo Many Requests\b|Service ?Unavailable|Bad Gateway|Gateway Timeout|apiserver not ready|Timeout: request did not complete|an error on the server \([\s\S]*has prevented the request from succeeding/i,
    transient: true,
    reason: 'api-unreachable',
    sentence: 'The Kubernetes API cannot answer at the moment.',
    hint: 'Wait a minute, then re-run the same command; if it persists, the server machine is too small (MEM_MASTER, CPU_MASTER).',
    source: 'Kubernetes API: statuses 429, 500, 503, 504',
  },
  {
    id: 'kubernetes-terminating',
    pattern: /because it is being terminated/i,
    reason: 'tool-failed',
    sentence: 'A namespace is still being deleted, so nothing can be created in it.',
    hint: 'Check what blocks it (`kubectl get namespace NAME -o yaml`: finalizers, conditions), then re-run the same command.',
    source: 'Kubernetes: NamespaceLifecycle admission, test/recordings/kubectl-1.34.2/apply-terminating.json',
  },
  {
    // Not transient: `istioctl install` ends only when its CustomResourceDefinitions are served.
    id: 'kubernetes-unknown-kind',
    origin: CLIENTS,
    pattern: /no matches for kind "/i,
    reason: 'tool-failed',
    sentence: 'The cluster does not know the kind of an object that is to be created.',
    hint: "Run `istio-vms istio`: it installs Istio's own kinds.",
    source: 'test/recordings/kubectl-1.34.2/apply-unknown-kind.json',
  },
  {
    // Right after a CustomResourceDefinition is created, the API server answers its paths with 404.
    id: 'kubernetes-not-served',
    origin: CLIENTS,
    pattern: /the server could not find the requested resource/i,
    transient: true,
    reason: 'tool-failed',
    sentence: 'The API server does not serve a kind that was asked for.',
    hint: "Run `istio-vms istio`: it installs Istio's own kinds.",
    source: 'k8s.io/apimachinery pkg/api/errors: NewGenericServerResponse, 404',
  },
  {
    id: 'kubernetes-still-there',
    origin: 'kubectl',
    pattern: /timed out waiting for the condition on (?!pods\/|nodes\/)/i,
    reason: 'timed-out',
    sentence: 'Kubernetes did not finish deleting an object in time.',
    hint: 'Check what blocks it (`kubectl get KIND NAME -o yaml`: finalizers, conditions), then re-run the same command.',
    source: 'test/recordings/kubectl-1.34.2/delete-timeout.json',
  },
  {
    id: 'kubernetes-conflict',
    origin: CLIENTS,
    pattern: /the object has been modified|Operation cannot be fulfilled/i,
    transient: true,
    reason: 'tool-failed',
    sentence: 'Modified concurrently by another client.',
    hint: 'Re-run the same command.',
    source: 'Kubernetes API conventions: 409 Conflict',
  },
  {
    id: 'kubernetes-immutable',
    origin: CLIENTS,
    pattern: /field is immutable/i,
    reason: 'tool-failed',
    sentence: 'The new configuration changes a field that Kubernetes does not allow to change.',
    hint: 'Delete the object that the text below names, then re-run the same command.',
    source: 'docs/facts/real-mesh.md 6.11',
  },
  {
    id: 'istio-overlay',
    origin: 'istioctl',
    pattern:
      /contains multiple IstioOperator CRs|could not unmarshal|unknown field "|profile "[^"]*" not found|validation errors?:|merge inputs: open |error converting YAML to JSON/i,
    reason: 'invalid-configuration',
    sentence: 'The IstioOperator file is not valid for this version of istioctl.',
    hint: 'Correct the file that ISTIO_OVERLAY names: the text below says what is wrong with it.',
    source: 'docs/facts/real-mesh.md 6.13',
  },
  {
    id: 'istio-configmap',
    origin: 'istioctl',
    pattern:
      /configmap istio(?!-ca-root-cert)\S* was not found in namespace [^\s:]+(?:: configmaps "[^"]+" not found|:?\s*$)/im,
    reason: 'tool-failed',
    sentence: 'The cluster has no control plane of this revision.',
    hint: 'Run `istio-vms istio`, and check ISTIO_VERSION, ISTIO_REVISION and ISTIO_NAMESPACE.',
    source: 'docs/facts/istio-vm.md 4.5, docs/facts/real-mesh.md 6.4',
  },
  {
    id: 'istio-root-cert',
    origin: 'istioctl',
    pattern:
      /configmap istio-ca-root-cert was not found in namespace [^\s:]+(?:: configmaps "[^"]+" not found|:?\s*$)/im,
    transient: true,
    reason: 'tool-failed',
    sentence: 'istiod has not yet written its root certificate to the namespace of the VM.',
    hint: 'It takes some seconds after the namespace is created; if it persists, istiod is down: `istio-vms status`.',
    source: 'docs/facts/istio-vm.md 4.2, 4.5',
  },
  {
    id: 'istio-service-account',
    origin: 'istioctl',
    pattern:
      /could not create a token under service account \S+ in namespace [^\s:]+(?:: serviceaccounts "[^"]+" not found|:?\s*$)/im,
    reason: 'tool-failed',
    sentence: 'The service account of the VM does not exist, so no token can be created.',
    hint: 'Run `istio-vms workload` again.',
    source: 'docs/facts/istio-vm.md 4.5',
  },
  {
    id: 'istio-tag-revision',
    origin: 'istioctl',
    pattern: /cannot modify tag(?: "[^"]*")?: cannot find MutatingWebhookConfiguration/i,
    reason: 'tool-failed',
    sentence: 'The revision that the tag should point to is not installed.',
    hint: 'Run `istio-vms istio` again.',
    source: 'istio/istio istioctl/pkg/tag/generate.go',
  },
  {
    // Last: Go reports a failed request in more ways than a list can hold (operating systems, TLS, HTTP/2, proxies). A
    // failed request to the API server that matches no row above counts as an API server that does not answer.
    id: 'kubernetes-request-failed',
    origin: CLIENTS,
    pattern:
      /\b(?:Get|Head|Post|Put|Patch|Delete) "https?:\/\/[^"\s/]+\/(?:apis?|version|openapi|healthz|livez|readyz)\b[^"\s]*": \S/,
    transient: true,
    reason: 'api-unreachable',
    sentence: 'A request to the Kubernetes API failed.',
    hint: 'Check whether the server machine runs (`istio-vms status`), then run `istio-vms k3s`: it starts it and writes a fresh kubeconfig.',
    source: 'Go: net/url.Error',
  },
];
